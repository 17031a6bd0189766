"""Times lumbar-metrics against scikit-learn 1.9.1 on the same rows, in one run.

    python -m venv venv && venv/bin/pip install -r crates/lumbar-metrics/tests/golden/requirements.txt
    venv/bin/python benches/peers/metrics_speed.py

Makes 1,975 patients with 25 grades (49,375 rows, the size of the RSNA 2024 training set), in double precision and
again with probabilities rounded to single precision, which is what networks put out and what ties more often.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk

warnings.simplefilter("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
N_PATIENTS, N_GRADED = 1975, 25


def rows(single):
    rng = np.random.default_rng(7)
    patient = np.repeat(np.arange(N_PATIENTS), N_GRADED)
    burden = rng.normal(size=N_PATIENTS)[patient]
    latent = 0.55 * burden + 0.83 * rng.normal(size=len(patient))
    truth = np.digitize(latent, [0.75, 1.55])  # about 77%, 17%, 6%
    logits = np.stack([-(latent + 0.6 * rng.normal(size=len(patient)) - c) ** 2 for c in (-0.4, 1.1, 2.0)], axis=1)
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    if single:
        p = p.astype(np.float32)
        p = (p / p.sum(1, keepdims=True)).astype(np.float64)
    return patient, truth, p


def best_of(n, work):
    times = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def sklearn_set(y, p):
    """As much of the full set as scikit-learn has."""
    call = p.argmax(1)
    sk.confusion_matrix(y, call)
    sk.accuracy_score(y, call), sk.balanced_accuracy_score(y, call), sk.mean_absolute_error(y, call)
    sk.precision_recall_fscore_support(y, call)
    for average in ("macro", "weighted", "micro"):
        sk.f1_score(y, call, average=average)
    for weights in (None, "linear", "quadratic"):
        sk.cohen_kappa_score(y, call, weights=weights)
    sk.matthews_corrcoef(y, call)
    for kind, average in (("ovr", None), ("ovr", "weighted"), ("ovo", "macro")):
        sk.roc_auc_score(y, p, multi_class=kind, average=average)
    for g in range(3):
        sk.average_precision_score(y == g, p[:, g])
    for g in (1, 2):
        tail = p[:, g:].sum(1)
        sk.roc_auc_score(y >= g, tail), sk.average_precision_score(y >= g, tail)
    sk.log_loss(y, p), sk.log_loss(y, p, sample_weight=2.0**y), sk.brier_score_loss(y, p)


def run(single):
    patient, truth, p = rows(single)
    ours_of = lambda path: json.loads(subprocess.run(
        ["cargo", "run", "-q", "--release", "--locked", "-p", "lumbar-metrics", "--example", "speed", "--", path],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    with tempfile.NamedTemporaryFile(suffix=".f64") as file:
        np.column_stack([patient, truth, p]).astype("<f8").tofile(file)
        file.flush()
        ours = ours_of(file.name)
    auroc = lambda: sk.roc_auc_score(truth, p, multi_class="ovr")
    assert abs(auroc() - ours["auroc_macro"]) < 1e-12
    theirs = {"auroc_s": best_of(20, auroc), "full_set_s": best_of(5, lambda: sklearn_set(truth, p))}
    return {
        "probabilities": "single" if single else "double", "cores": len(os.sched_getaffinity(0)), "ours": ours,
        "scikit-learn": theirs | {"version": sklearn.__version__, "bootstrap_2000_s_extrapolated": 2000 * theirs["full_set_s"]},
        "auroc_times_faster": theirs["auroc_s"] / ours["auroc_s"],
        "auroc_with_checks_times_faster": theirs["auroc_s"] / ours["auroc_with_checks_s"],
        "full_set_times_faster": theirs["full_set_s"] / ours["full_set_s"],
    }


if __name__ == "__main__":
    for single in (False, True):
        print(json.dumps(run(single), indent=1))
