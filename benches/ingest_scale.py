"""`lumbar ingest` on tens of thousands of tiny phantom files of mixed transfer syntaxes, one in a hundred damaged.

    cargo build --release -p lumbar-cli
    python3 benches/ingest_scale.py --lumbar target/release/lumbar --files 20000

Standard library only. Fails unless every count closes, the text says what `--json` says, and progress was shown. Prints
seconds, files a second and peak memory of the command's largest process (its workers included) for each number of files,
and what memory grows by from the fewest to the most of them.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

SYNTAXES = ["rle", "implicit", "explicit", "big-endian", "deflated"]
# Fewer than any phantom study has.
FILES_A_STUDY = 55


def make(lumbar, root, n_files, rng):
    """Phantoms in every syntax, cut down to `n_files` images of which one in a hundred is damaged."""
    studies = -(-n_files // len(SYNTAXES) // FILES_A_STUDY) + 2
    for seed, syntax in enumerate(SYNTAXES):
        args = ["phantom", "--out", root / syntax, "--studies", str(studies), "--seed", str(seed)]
        subprocess.run(
            [lumbar, *args, "--pixels", "tiny", "--syntax", syntax, "--quiet", "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    images = sorted(root.rglob("*.dcm"))
    assert len(images) >= n_files, f"{len(images)} images made"
    rng.shuffle(images)
    for path in images[n_files:]:
        path.unlink()
    kept = images[:n_files]
    for number, path in enumerate(kept[: n_files // 100]):
        whole = path.read_bytes()
        at = rng.randrange(132, len(whole) - 64)
        damage = [
            lambda: b"",
            lambda: whole[:at],
            lambda: b"not an image",
            lambda: whole[:at] + rng.randbytes(64) + whole[at + 64 :],
            lambda: whole[:140] + b"\xff" * 60 + whole[200:],
        ]
        path.write_bytes(damage[number % len(damage)]())
    return len(kept)


def tally(text):
    return {name: int(n) for n, name in re.findall(r"^ +(\d+)  (\w+)\b", text, re.M)}


# A process is charged with the memory of the one that started it, and this one holds lists of files: a small one starts it.
STARTER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(child.returncode)
"""


def ingest(lumbar, root, out, *flags):
    """What it said on stdout and stderr, seconds, and the peak memory of its largest process, MiB."""
    begun = time.monotonic()
    command = [lumbar, "ingest", root, "--out", out, "--check-pixels", *flags]
    done = subprocess.run([sys.executable, "-Sc", STARTER, *command], capture_output=True, text=True)
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    *progress, peak = done.stderr.splitlines()
    return done.stdout, "\n".join(progress), seconds, int(peak) / 1024


def check(summary, text, progress, n_files):
    assert summary["files"] == n_files == summary["files_used"] + summary["files_rejected"], summary
    assert summary["files_rejected"] == sum(summary["reject_reasons"].values())
    assert summary["series_found"] == summary["series_used"] + sum(summary["unused_series"].values())
    assert summary["studies_found"] == summary["studies_used"] + sum(summary["unused_studies"].values())
    said = tally(text)
    for part in ["reject_reasons", "unused_series", "unused_studies"]:
        for reason, n in summary[part].items():
            assert said[reason] == n, (reason, n, said)
    assert f"{n_files} files found: {summary['files_used']} used" in text, text
    assert f"ingest: {n_files} files (" in progress, progress


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lumbar", type=pathlib.Path, required=True)
    parser.add_argument("--files", type=int, nargs="+", default=[20000])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    lumbar = args.lumbar.resolve()
    peaks = {}
    for n_files in args.files:
        folder = pathlib.Path(tempfile.mkdtemp())
        try:
            root = folder / "in"
            make(lumbar, root, n_files, random.Random(args.seed))
            n_all = sum(path.is_file() for path in root.rglob("*"))
            text, progress, seconds, peak = ingest(lumbar, root, folder / "cat")
            summary = json.loads(ingest(lumbar, root, folder / "cat", "--json")[0])
            check(summary, text, progress, n_all)
            peaks[n_all] = peak
            lines = sum(" of " in line for line in progress.splitlines())
            print(
                f"{n_all} files: counts close, {summary['files_rejected']} rejected, {seconds:.1f} s,"
                f" {n_all / seconds:.0f} files/s, peak {peak:.1f} MiB, {lines} lines of progress"
            )
            print(text)
        finally:
            shutil.rmtree(folder)
    least, most = min(peaks), max(peaks)
    if least < most:
        grown = (peaks[most] - peaks[least]) / (most - least) * 1024
        print(f"from {least} to {most} files peak memory grows by {grown:.2f} KiB a file")


if __name__ == "__main__":
    main()
