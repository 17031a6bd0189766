"""The RSNA 2024 score on the scikit-learn of the challenge (1.2.2), which divided each row by its sum.

    python -m venv old && old/bin/pip install "scikit-learn==1.2.2" "numpy<2"
    old/bin/python make_rsna_old.py         # reads rsna.json, writes rsna_old.json
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.metrics import log_loss

assert sklearn.__version__ == "1.2.2"
HERE = pathlib.Path(__file__).parent
WEIGHTS = np.array([1.0, 2.0, 4.0])


def score(rows):
    parts = []
    for group in ("spinal", "foraminal", "subarticular"):
        part = [r for r in rows if r[1] == group]
        t = np.array([r[2] for r in part])
        parts.append(log_loss(np.eye(3)[t], np.array([r[3] for r in part]), sample_weight=WEIGHTS[t]))
    spinal = {}
    for study, group, t, p in rows:
        if group == "spinal":
            spinal.setdefault(study, []).append((t, p[2]))
    label = [int(max(t for t, _ in v) == 2) for v in spinal.values()]
    guess = [max(p for _, p in v) for v in spinal.values()]
    weight = [WEIGHTS[max(t for t, _ in v)] for v in spinal.values()]
    parts.append(log_loss(label, guess, sample_weight=weight))
    return [float(np.mean(parts)), *map(float, parts)]


content = json.loads((HERE / "rsna.json").read_text())
cases = [case | {"renormalised": score(case["rows"])} for case in content["cases"]]
lines = ",\n".join(json.dumps(case) for case in cases)
text = f'{{"made_by": "make_rsna_old.py", "versions": {{"scikit-learn": "1.2.2"}}, "cases": [\n{lines}\n]}}\n'
(HERE / "rsna_old.json").write_text(text)
