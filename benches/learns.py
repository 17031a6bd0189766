#!/usr/bin/env python3
"""Does it learn, and for the right reason? Runs `lumbar demo --controls` for several seeds and prints the table.

Usage: python3 benches/learns.py [--lumbar target/release/lumbar] [--out DIR] [--seeds 1 2 3] [--studies N]

All numbers are from synthetic studies. For each seed and condition group, on the view the group is marked on:
  difference   1/2/4-weighted log loss minus that of the per-column prior fitted on the training folds, with its
               patient-clustered 95% interval: must lie below zero
  AUROC        macro one-vs-rest, pooled over levels and sides; the mean over groups must be at least 0.85
  shuffled     the same difference after training on shuffled labels: its interval must not lie below zero
  floor        AUROC of one who knows the condition and the level alone (`level_only` in metrics.json)
  blanked      AUROC after training and grading with the central 20 mm of each crop blanked, and its paired difference to
               the floor on the same cases: the interval of the difference must not lie above zero
Exits 1 if a line does not hold.
"""
import argparse
import json
import pathlib
import subprocess
import sys

GROUPS = {"canal": "sagittal_t2", "foraminal": "sagittal_t1", "subarticular": "axial_t2"}


def estimate(estimates, measure):
    return next((e for e in estimates if e["measure"] == measure), None)


def subset(report, group, view=None):
    for s in report["subsets"]:
        scope = s["scope"]
        if scope.get("group") == group and "level" not in scope and scope.get("view") == view:
            return s
    raise SystemExit(f"no subset for {group} on {view}")


def value(e):
    return float("nan") if e["value"] is None else e["value"]


def interval(e):
    i = e.get("interval")
    return (i["low"], i["high"]) if i else (float("nan"), float("nan"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lumbar", default="target/release/lumbar")
    parser.add_argument("--out", default="target/learns")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--studies", type=int)
    parser.add_argument("--keep", action="store_true", help="use demos that are there already")
    args = parser.parse_args()
    failures = []
    print(f"{'seed':>4} {'group':<13} {'difference to prior':>27} {'AUROC':>22} {'floor':>6} {'oracle':>6}"
          f" {'shuffled':>27} {'blanked':>7} {'blanked − floor':>27}")
    for seed in args.seeds:
        out = pathlib.Path(args.out) / f"seed-{seed}"
        if not (args.keep and (out / "metrics.json").exists()):
            command = [args.lumbar, "demo", "--out", str(out), "--seed", str(seed), "--controls", "--quiet"]
            command += ["--studies", str(args.studies)] if args.studies else []
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        read = lambda path: json.loads((out / path).read_text())
        report = read("metrics.json")
        shuffled = read("controls/shuffled-labels/metrics.json")
        blanked = read("controls/blanked-target/metrics.json")
        aurocs = []
        for group, view in GROUPS.items():
            s = subset(report, group, view)
            loss = estimate(s["minus_prior"], "log_loss_grade_weighted")
            auroc = estimate(s["model"], "auroc_macro")
            floor = value(estimate(s["level_only"], "auroc_macro"))
            oracle = estimate(s.get("oracle") or [], "auroc_macro")
            shuffled_loss = estimate(subset(shuffled, group)["minus_prior"], "log_loss_grade_weighted")
            without_target = subset(blanked, group)
            blanked_auroc = value(estimate(without_target["model"], "auroc_macro"))
            above_floor = estimate(without_target["minus_level_only"], "auroc_macro")
            show = lambda e, f: f"{value(e):{f}} ({interval(e)[0]:{f}} to {interval(e)[1]:{f}})"
            print(f"{seed:>4} {group:<13} {show(loss, '+.3f'):>27} {show(auroc, '.3f'):>22} {floor:>6.3f}"
                  f" {value(oracle) if oracle else float('nan'):>6.3f} {show(shuffled_loss, '+.3f'):>27}"
                  f" {blanked_auroc:>7.3f} {show(above_floor, '+.3f'):>27}")
            aurocs.append(value(auroc))
            if not interval(loss)[1] < 0:
                failures.append(f"seed {seed} {group}: not better than the prior")
            if not interval(shuffled_loss)[1] >= 0:
                failures.append(f"seed {seed} {group}: better than the prior on shuffled labels")
            if not interval(above_floor)[0] <= 0:
                failures.append(f"seed {seed} {group}: better than the level-only floor with the target blanked")
        mean = sum(aurocs) / len(aurocs)
        print(f"{seed:>4} mean macro AUROC over groups {mean:.3f}")
        if not mean >= 0.85:
            failures.append(f"seed {seed}: mean AUROC {mean:.3f} below 0.85")
    for failure in failures:
        print("FAILS:", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
