"""Expected values of lumbar-metrics, from scikit-learn 1.9.1, torchmetrics 1.9.0, scipy, statsmodels and dcurves.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_golden.py          # writes measures.json, curves.json, rsna.json, clinic.json beside itself

Inputs are made here from a fixed seed; nothing of anybody's data is used. Where the crate calls a value undefined, the
file holds the reason's code, decided here from the counts alone; what the peers answer in such a place is kept under
`peers` and compared by the named tests in tests/differences.rs.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
import torch
import torchmetrics
import torchmetrics.functional.classification as tm
from scipy import optimize, stats
from sklearn import metrics as sk
from torchmetrics.functional.classification.calibration_error import _ce_compute

assert sklearn.__version__ == "1.9.1" and torchmetrics.__version__ == "1.9.0"
warnings.simplefilter("ignore")
# torchmetrics divides counts in torch's default precision: as single, its AUROC has seven digits.
torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20241010)
# Of its own, so that cases may be added to the catalogue without changing the others.
CATALOGUE_RNG = np.random.default_rng(20261124)


def simplex(n, k, decimals=3, concentration=1.0):
    """Rows that sum to 1 exactly in decimals, so that JSON holds what was computed on."""
    unit = 10**decimals
    p = RNG.dirichlet(np.full(k, concentration), n)
    q = np.floor(p * unit).astype(int)
    q[np.arange(n), p.argmax(1)] += unit - q.sum(1)
    return q / unit


def informative(truth, k, decimals=3, strength=2.0):
    unit = 10**decimals
    logits = RNG.normal(size=(len(truth), k))
    logits[np.arange(len(truth)), truth] += strength
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    q = np.floor(p * unit).astype(int)
    q[np.arange(len(truth)), p.argmax(1)] += unit - q.sum(1)
    return q / unit


def grades(n, k, skew=0.55):
    share = skew ** np.arange(k)
    return RNG.choice(k, n, p=share / share.sum())


def cases():
    yield "starter", 3, [0, 0, 0, 0, 0, 1, 1, 1, 2, 2], [
        [.7, .2, .1], [.6, .3, .1], [.5, .3, .2], [.4, .5, .1], [.8, .1, .1],
        [.3, .5, .2], [.5, .3, .2], [.2, .4, .4], [.1, .3, .6], [.2, .5, .3]], None
    for k in (2, 3, 4, 5):
        for n in (2, 5, 12, 40):
            t = grades(n, k)
            yield f"random_k{k}_n{n}", k, t, simplex(n, k), None
            yield f"informative_k{k}_n{n}", k, t, informative(t, k), None
            yield f"ties_k{k}_n{n}", k, t, simplex(n, k, 1), None
            yield f"integer_weights_k{k}_n{n}", k, t, informative(t, k, 2), RNG.integers(1, 5, n)
            yield f"weights_k{k}_n{n}", k, t, informative(t, k, 1), np.round(RNG.gamma(1.0, 2.0, n) + 0.01, 3)
            w = RNG.integers(0, 3, n)
            w[0] = 1
            yield f"zero_weights_k{k}_n{n}", k, t, informative(t, k, 2), w
        t = grades(30, k)
        yield f"uniform_k{k}", k, t, np.full((30, k), 1 / k), None
        onehot = np.eye(k)
        yield f"perfect_k{k}", k, t, onehot[t], None
        yield f"one_hot_noise_k{k}", k, t, onehot[grades(30, k)], None
        yield f"always_first_k{k}", k, t, np.tile(onehot[0], (30, 1)), None
        yield f"always_last_k{k}", k, t, np.tile(onehot[-1], (30, 1)), None
        constant = simplex(1, k)
        yield f"constant_k{k}", k, t, np.tile(constant, (30, 1)), None
        yield f"all_one_grade_k{k}", k, np.full(10, k - 1), simplex(10, k), None
        yield f"all_one_grade_called_so_k{k}", k, np.zeros(6, int), np.tile(onehot[0], (6, 1)), None
        yield f"one_sample_right_k{k}", k, [k - 1], onehot[[k - 1]], None
        yield f"one_sample_wrong_k{k}", k, [k - 1], onehot[[0]], None
        yield f"one_sample_k{k}", k, [0], simplex(1, k), None
        tiny = np.full((12, k), 1e-17)
        tiny[np.arange(12), grades(12, k)] = 1.0
        yield f"tiny_probabilities_k{k}", k, grades(12, k), tiny, None
        yield f"reversed_k{k}", k, t, informative(k - 1 - t, k), None
        yield f"single_precision_k{k}", k, t, f32(simplex(30, k, 6)), None
        yield f"imbalanced_k{k}", k, np.r_[np.zeros(57, int), 1, k - 1, k - 1], simplex(60, k, 2), None
        yield f"large_weights_k{k}", k, t, informative(t, k), RNG.integers(1, 10**6, 30).astype(float)
        yield f"small_weights_k{k}", k, t, informative(t, k), RNG.integers(1, 100, 30) * 1e-9
    for k in (3, 4, 5):
        for absent in range(k):
            t = grades(25, k)
            t[t == absent] = (absent + 1) % k
            p = informative(t, k, 2)
            yield f"grade_{absent}_absent_k{k}", k, t, p, None
            p = p.copy()
            p[:, (absent + 1) % k] += p[:, absent]
            p[:, absent] = 0
            yield f"grade_{absent}_nowhere_k{k}", k, t, np.round(p, 2), None
            t = grades(25, k)
            p = simplex(25, k, 2)
            other = (absent + 1) % k
            moved = p[:, absent].copy()
            p[:, other] += moved
            p[:, absent] = 0
            yield f"grade_{absent}_never_called_k{k}", k, t, np.round(p, 2), None
    yield "two_far_grades_k4", 4, [0, 0, 3, 3, 1], [[.9, .1, 0, 0], [.1, 0, 0, .9], [0, .1, 0, .9], [.8, 0, 0, .2], [0, .8, .1, .1]], None


def catalogue_cases():
    """The cases of scikit-learn's own tests of classification and multiclass ranking, under their names there, with
    numbers of our own. Calls become probabilities of one."""
    calls = lambda k, call: np.eye(k)[np.asarray(call)]
    y = [0, 1, 0, 2]
    yield "multiclass_ovo_roc_auc_toydata", 3, y, [[.1, .8, .1], [.3, .4, .3], [.4, .5, .1], [0, .3, .7]], None
    yield "multiclass_ovo_roc_auc_toydata_ties", 3, y, [[.2, .6, .2], [.2, .6, .2], [.4, .4, .2], [0, .4, .6]], None
    y = [0, 1, 2, 2, 1]
    yield "multiclass_ovr_roc_auc_toydata", 3, y, [[1, 0, 0], [.1, .5, .4], [.2, .1, .7], [.3, .4, .3], [.3, .3, .4]], None
    yield "multiclass_ovr_roc_auc_toydata_weights", 3, y, [[1, 0, 0], [.1, .5, .4], [.2, .1, .7], [.3, .4, .3], [.3, .3, .4]], [1, 3, 2, .5, .25]
    y = [0, 1, 2, 0]
    yield "perfect_multiclass_roc_auc", 3, y, [[1, 0, 0], [.1, .8, .1], [.1, .3, .6], [.7, .2, .1]], None
    yield "imperfect_multiclass_roc_auc", 3, y, [[.1, .6, .3], [.5, .2, .3], [.6, .3, .1], [.2, .2, .6]], None
    yield "chance_multiclass_roc_auc", 3, y, np.full((4, 3), 1 / 3), None

    a, b = np.repeat([0, 1], [40, 60]), np.repeat([0, 1, 0, 1], [20, 20, 10, 50])
    yield "cohen_kappa_two_grades", 2, a, calls(2, b), None
    a, b = np.repeat([0, 1, 2], [46, 44, 10]), np.repeat([0, 1, 2], [52, 32, 16])
    yield "cohen_kappa_46_44_10", 3, a, calls(3, b), None
    for i in range(4):
        t, call = CATALOGUE_RNG.integers(0, 2, (2, 20))
        yield f"matthews_corrcoef_against_jurman_{i}", 2, t, calls(2, call), None
    t = np.repeat([0, 1, 2], 2)
    yield "matthews_corrcoef_multiclass_all_wrong", 3, t, calls(3, [1, 1, 2, 2, 0, 0]), None
    yield "matthews_corrcoef_multiclass_some_right", 3, t, calls(3, [0, 1, 1, 1, 2, 0]), None
    yield "matthews_corrcoef_multiclass_weights", 3, t, calls(3, [0, 1, 1, 1, 2, 0]), [1, 2, 0, 4, .5, 3]
    yield "matthews_corrcoef_overflow", 3, t, calls(3, [0, 1, 1, 1, 2, 0]), [3e9, 1e9, 7e9, 2e9, 9e9, 4e9]
    yield "precision_recall_f_extra_labels", 5, [1, 3, 3, 2], calls(5, [1, 1, 3, 2]), None
    yield "precision_recall_f_ignored_labels", 4, [1, 1, 2, 3], calls(4, [1, 3, 3, 3]), None
    yield "zero_precision_recall", 3, [0, 1, 2, 0, 1, 2], calls(3, [2, 0, 1, 1, 2, 0]), None
    yield "confusion_matrix_normalize", 3, [0, 1, 2] * 6, calls(3, [2, 0, 1] + [0, 1, 2] * 3 + [1, 1, 0, 2, 1, 0]), None
    yield "confusion_matrix_normalize_single_class", 2, [0, 0, 0, 0], calls(2, [0, 0, 1, 0]), None
    yield "balanced_accuracy_score", 3, [0, 0, 0, 1, 1, 2], calls(3, [0, 0, 1, 1, 2, 2]), None
    yield "balanced_accuracy_score_unseen", 3, [0, 0, 0, 1], calls(3, [0, 2, 0, 1]), None
    yield "log_loss", 2, [0, 0, 0, 1, 1, 1], [[.5, .5], [.1, .9], [.01, .99], [.9, .1], [.75, .25], [.001, .999]], None
    yield "log_loss_eps", 2, [0, 1, 1, 0], [[1, 0], [0, 1], [1, 0], [0, 1]], None
    yield "log_loss_one_ulp", 2, [0, 1], [[1 - 2**-53, 2**-53], [1 - 2**-53, 2**-53]], None
    yield "brier_score_loss_multiclass", 3, [0, 1, 2, 2], [[.2, .7, .1], [.6, .2, .2], [.6, .1, .3], [0, 0, 1]], None
    yield "brier_score_loss_multiclass_knowing_nothing", 3, [0, 1, 2], np.full((3, 3), 1 / 3), None
    yield "d2_brier_score_with_labels", 3, [0, 2, 0, 2], [[.5, .2, .3], [.2, .2, .6], [.7, .2, .1], [.4, .3, .3]], None


def catalogue_curves():
    """Likewise those of the tests of ROC and precision-recall curves."""
    for i, (y, s) in enumerate([([0, 1], [0, 1]), ([0, 1], [1, 0]), ([1, 0], [1, 1]), ([1, 0], [1, 0]), ([1, 0], [.5, .5])]):
        yield f"roc_curve_toydata_{i}", y, s, None
        yield f"precision_recall_curve_toydata_{i}", y, s, [2, .5]
    yield "roc_curve_end_points", [0] * 20 + [1] * 20, CATALOGUE_RNG.integers(0, 3, 40), None
    yield "roc_curve_drop_intermediate", [0, 0, 0, 0, 1, 1], [0, .2, .5, .6, .7, 1], None
    yield "roc_curve_drop_intermediate_alternating", [0, 1] * 6, np.arange(12) / 16, None
    yield "roc_curve_fpr_tpr_increasing", [0, 0, 1, 1, 1], [.1, .7, .3, .4, .5], [.2] * 5
    noise = np.r_[np.ones(30), np.full(30, 1 + 2**-52), np.full(30, 1 - 2**-53)]
    yield "roc_curve_fpr_tpr_increasing_float_noise", CATALOGUE_RNG.integers(0, 2, 90), noise, CATALOGUE_RNG.uniform(.1, 1, 90)
    yield "partial_roc_auc_score", [0, 0, 1, 1, 0, 1], [.1, .4, .35, .8, .8, .9], None
    yield "average_precision_constant_values", [0, 0, 0, 1] * 5, [.5] * 20, None
    yield "average_precision_score_tied_values", [0, 1, 1], [.5, .5, .6], None
    y, s = CATALOGUE_RNG.integers(0, 2, 25), CATALOGUE_RNG.integers(0, 16, 25) / 16
    for name, scores in (("plain", s), ("larger", 128 * s), ("shifted", s - 8), ("smaller", s * 2.0**-60)):
        yield f"score_scale_invariance_{name}", y, scores, None
    # Micro-averaged one-vs-rest is one curve over all cells.
    t, p = [0, 1, 2, 2, 1, 0], np.array([[.8, .1, .1], [.3, .4, .3], [.4, .5, .1], [0, .2, .8], [.3, .3, .4], [.2, .5, .3]])
    cells = np.eye(3)[t].ravel(), p.ravel()
    assert sk.roc_auc_score(*cells) == sk.roc_auc_score(t, p, multi_class="ovr", average="micro")
    yield "micro_averaged_ovr_roc_auc", cells[0].astype(int), cells[1], None
    yield "confusion_matrix_at_thresholds_zero_sample_weight", y, s, CATALOGUE_RNG.integers(0, 2, 25)


def f32(p):
    p = p.astype(np.float32)
    return (p / p.sum(1, keepdims=True, dtype=np.float32)).astype(np.float64)


def number(x):
    x = float(x)
    assert math.isfinite(x), x
    return x


def binary(score, event, weights, f):
    """A ranking measure of an event, or why there is none; rows of weight 0 are as good as removed."""
    counted = weights > 0
    if not event[counted].any():
        return "no_positives"
    if f is sk.roc_auc_score and event[counted].all():
        return "no_negatives"
    return number(f(event, score, sample_weight=weights))


def skip_mean(values):
    defined = [v for v in values if not isinstance(v, str)]
    return number(np.mean(defined)) if defined else next(v for v in values if isinstance(v, str))


def ece(score, happened, weights, n_bins):
    # The bin edges are i / n as numbers, which linspace gives too; the last bin is closed.
    edges = np.arange(n_bins + 1) / n_bins
    idx = np.minimum(np.searchsorted(edges, score, side="right") - 1, n_bins - 1)
    idx = np.maximum(idx, 0)
    gap = [abs(weights[idx == b] @ happened[idx == b] - weights[idx == b] @ score[idx == b]) for b in range(n_bins)]
    return number(sum(gap) / weights.sum())


def values(k, t, p, w):
    n, labels = len(t), list(range(k))
    weights = np.ones(n) if w is None else np.asarray(w, float)
    call = p.argmax(1)
    sw = dict(sample_weight=weights)
    counted = weights > 0
    out = {
        "accuracy": number(sk.accuracy_score(t, call, **sw)),
        "accuracy_adjacent": number(np.average(abs(t - call) <= 1, weights=weights)),
        "accuracy_balanced": number(sk.balanced_accuracy_score(t[counted], call[counted], sample_weight=weights[counted])),
        "mean_absolute_error": number(sk.mean_absolute_error(t, call, **sw)),
        "f1_macro": number(sk.f1_score(t, call, labels=labels, average="macro", zero_division=np.nan, **sw)),
        "f1_weighted": number(sk.f1_score(t, call, labels=labels, average="weighted", **sw)),
        "f1_micro": number(sk.f1_score(t, call, labels=labels, average="micro", **sw)),
    }
    for name, f, reason in (
        ("precision", sk.precision_score, "never_predicted"),
        ("recall", sk.recall_score, "no_positives"),
        ("f1", sk.f1_score, "grade_absent"),
    ):
        for g, v in enumerate(f(t, call, labels=labels, average=None, zero_division=np.nan, **sw)):
            out[f"{name}_grade_{g}"] = reason if math.isnan(v) else number(v)
    for g in labels:
        others = (t != g) & counted
        v = sk.recall_score(t != g, call != g, zero_division=np.nan, **sw) if others.any() else None
        out[f"specificity_grade_{g}"] = "no_negatives" if v is None else number(v)
    same = len(set(t[counted])) == 1 and set(t[counted]) == set(call[counted])
    for name, kind in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        v = "single_class" if same else number(sk.cohen_kappa_score(t, call, labels=labels, weights=kind, **sw))
        out[name] = v
    constant = len(set(t[counted])) == 1 or len(set(call[counted])) == 1
    out["mcc"] = "constant" if constant else number(sk.matthews_corrcoef(t, call, **sw))

    # Ranking.
    for name, f in (("auroc", sk.roc_auc_score), ("average_precision", sk.average_precision_score)):
        ovr = [binary(p[:, g], t == g, weights, f) for g in labels]
        out |= {f"{name}_grade_{g}": v for g, v in enumerate(ovr)}
        out[f"{name}_macro"] = skip_mean(ovr)
        tails = np.cumsum(p[:, ::-1], axis=1)
        for g in labels[1:]:
            out[f"{name}_at_least_{g}"] = binary(tails[:, k - 1 - g], t >= g, weights, f)
        if name == "auroc":
            support = [weights[t == g].sum() for g in labels]
            reasons = [v for v, s in zip(ovr, support) if s > 0 and isinstance(v, str)]
            parts = [(v, s) for v, s in zip(ovr, support) if s > 0]
            out["auroc_weighted"] = reasons[0] if reasons else number(sum(v * s for v, s in parts) / sum(s for _, s in parts))
    pairs = []
    for a in labels:
        for b in labels[a + 1:]:
            m = (t == a) | (t == b)
            x = binary(p[m, a], t[m] == a, weights[m], sk.roc_auc_score)
            y = binary(p[m, b], t[m] == b, weights[m], sk.roc_auc_score)
            pairs.append(x if isinstance(x, str) else y if isinstance(y, str) else (x + y) / 2)
    out["auroc_ovo"] = skip_mean(pairs)
    everywhere = all(weights[t == g].sum() > 0 for g in labels)
    if everywhere and k > 2:
        kw = dict(labels=labels, multi_class="ovr")
        assert abs(sk.roc_auc_score(t, p, average="macro", **kw, **sw) - out["auroc_macro"]) < 1e-12
        assert abs(sk.roc_auc_score(t, p, average="weighted", **kw, **sw) - out["auroc_weighted"]) < 1e-12
        if w is None:
            ovo = sk.roc_auc_score(t, p, average="macro", labels=labels, multi_class="ovo")
            assert abs(ovo - out["auroc_ovo"]) < 1e-12

    # Probabilities.
    onehot = np.eye(k)[t]
    graded = weights * 2.0**t
    out["log_loss"] = number(sk.log_loss(t, p, labels=labels, **sw))
    out["log_loss_grade_weighted"] = number(sk.log_loss(t, p, labels=labels, sample_weight=graded))
    # scikit-learn's Brier score refuses what does not sum to 1 to double precision; the formula does not care.
    brier = np.average(((p - onehot) ** 2).sum(1), weights=weights)
    if len(set(t)) > 1:
        assert abs(sk.brier_score_loss(t, p, labels=labels, scale_by_half=False, **sw) - brier) < 1e-12
    out["brier"] = number(brier)
    out["brier_half"] = number(brier / 2)
    ranked = ((p[:, :-1].cumsum(1) - onehot[:, :-1].cumsum(1)) ** 2).sum(1)
    out["ranked_probability"] = number(np.average(ranked, weights=weights))
    top = p[np.arange(n), call]
    out["ece_top_label_width_15"] = ece(top, (call == t).astype(float), weights, 15)
    out["ece_top_label_width_7"] = ece(top, (call == t).astype(float), weights, 7)
    out["ece_class_wise_width_15"] = number(np.mean([ece(p[:, g], (t == g).astype(float), weights, 15) for g in labels]))
    tails = np.cumsum(p[:, ::-1], axis=1)
    out["ece_cumulative_width_15"] = number(
        np.mean([ece(tails[:, k - 1 - g], (t >= g).astype(float), weights, 15) for g in labels[1:]])
    )
    return out


def torch_values(k, t, p):
    """torchmetrics has no weights. Its calibration error casts to single precision, so its own inner function is called."""
    t_, p_ = torch.tensor(t), torch.tensor(p)
    present = [g for g in range(k) if 0 < (t == g).sum() < len(t)]
    out = {}
    for name, f in (("auroc", tm.multiclass_auroc), ("average_precision", tm.multiclass_average_precision),
                    ("f1", tm.multiclass_f1_score)):
        each = f(p_, t_, k, average=None)
        out |= {f"{name}_grade_{g}": number(each[g]) for g in present}
    out["f1_macro"] = number(tm.multiclass_f1_score(p_, t_, k, average="macro"))
    for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        v = float(tm.multiclass_cohen_kappa(p_, t_, k, weights=weights))
        if math.isfinite(v):
            out[name] = v
    top, call = p_.max(1)
    if not (top == 1.0).any():  # a probability of 1 gets a bin of its own there: see tests/differences.rs
        for norm in ("l1", "l2", "max"):
            out[f"ece_{norm}"] = number(_ce_compute(top, (call == t_).double(), 15, norm))
    return out


def write(name, content):
    path = HERE / name
    versions = {
        "scikit-learn": sklearn.__version__, "torchmetrics": torchmetrics.__version__, "torch": torch.__version__,
        "numpy": np.__version__, "scipy": scipy.__version__,
    }
    lines = ",\n".join(json.dumps(case) for case in content)
    path.write_text(f'{{"made_by": "make_golden.py", "versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    print(name, len(content), "cases,", path.stat().st_size, "bytes")


def measures():
    for name, k, t, p, w in [*cases(), *catalogue_cases()]:
        t, p = np.asarray(t, int), np.asarray(p, float)
        w = None if w is None else np.asarray(w, float)
        counts = sk.confusion_matrix(t, p.argmax(1), labels=range(k), sample_weight=w).astype(float)
        case = {"name": name, "n_grades": k, "truth": t.tolist(), "probabilities": p.ravel().tolist(),
                "weights": None if w is None else w.tolist(), "confusion": counts.ravel().tolist(),
                "expected": values(k, t, p, w)}
        if w is None:
            case["torchmetrics"] = torch_values(k, t, p)
        if name.startswith("d2_brier"):
            case["d2_brier"] = number(sk.d2_brier_score(t, p, labels=range(k)))
        yield case


def curves():
    toy = [("toy", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], None)]
    for i in range(10):
        n = (6, 15, 40)[i % 3]
        y = RNG.integers(0, 2, n)
        y[:2] = 0, 1
        s = np.round(RNG.normal(size=n) + y, (1, 4)[i % 2])
        w = None if i < 5 else np.round(RNG.gamma(1.0, 1.0, n) + 0.01, 3)
        toy.append((f"random_{i}", y.tolist(), s.tolist(), None if w is None else w.tolist()))
    for name, y, s, w in toy + [tuple(x if isinstance(x, str) or x is None else np.asarray(x).tolist() for x in case)
                                for case in catalogue_curves()]:
        fpr, tpr, thr = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
        fpr2, tpr2, _ = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=True)
        pre, rec, pthr = sk.precision_recall_curve(y, s, sample_weight=w)
        yield {
            "name": name, "happened": y, "scores": s, "weights": w,
            "roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": [None] + thr[1:].tolist()},
            "roc_simplified": {"fpr": fpr2.tolist(), "tpr": tpr2.tolist()},
            "pr": {"precision": pre.tolist(), "recall": rec.tolist(), "thresholds": pthr.tolist()},
            "auroc": sk.roc_auc_score(y, s, sample_weight=w), "average_precision": sk.average_precision_score(y, s, sample_weight=w),
            "partial": {str(m): sk.roc_auc_score(y, s, sample_weight=w, max_fpr=m) for m in (0.0001, 0.1, 0.3, 0.5, 1.0)},
        }


def rsna_rows(n_studies, severe, off):
    """Rows (study, group, grade, probabilities) of whole studies; `off` leaves rows summing to other than 1."""
    rows = []
    for study in range(n_studies):
        for group, n in (("spinal", 5), ("foraminal", 10), ("subarticular", 10)):
            for _ in range(n):
                t = int(RNG.choice(3, p=[1 - 3 * severe, 2 * severe, severe]))
                p = informative([t], 3, 4, 1.5)[0]
                rows.append([f"s{study}", group, t, [float(x) for x in (np.round(p * RNG.uniform(0.6, 1.0), 4) if off else p)]])
    return rows


def rsna_score(rows):
    """The challenge's metric, written anew from its description."""
    total = []
    weight_of = np.array([1.0, 2.0, 4.0])
    for group in ("spinal", "foraminal", "subarticular"):
        part = [r for r in rows if r[1] == group]
        t = np.array([r[2] for r in part])
        total.append(sk.log_loss(np.eye(3)[t], np.array([r[3] for r in part]), sample_weight=weight_of[t]))
    spinal = {}
    for study, group, t, p in rows:
        if group == "spinal":
            spinal.setdefault(study, []).append((t, p[2]))
    label = [int(max(t for t, _ in v) == 2) for v in spinal.values()]
    guess = [max(p for _, p in v) for v in spinal.values()]
    weight = [weight_of[max(t for t, _ in v)] for v in spinal.values()]
    total.append(sk.log_loss(label, guess, sample_weight=weight))
    return [number(x) for x in [np.mean(total), *total]]


def rsna():
    for i, (n, severe, off) in enumerate([(3, 0.2, False), (8, 0.1, False), (20, 0.05, False), (6, 0.15, True), (12, 0.08, True)]):
        rows = rsna_rows(n, severe, off)
        extreme = [[s, g, t, [0.0, 0.0, 1.0] if j % 7 == 0 and not off else p] for j, (s, g, t, p) in enumerate(rows)]
        yield {"name": f"studies_{n}_{'off' if off else 'exact'}", "rows": rows, "as_given": rsna_score(rows)}
        yield {"name": f"studies_{n}_extreme_{i}", "rows": extreme, "as_given": rsna_score(extreme)}


def clinic():
    import dcurves
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

    for i in range(6):
        n = 30 + 10 * i
        y = RNG.integers(0, 2, n)
        p = np.clip(np.round(0.5 + 0.25 * (2 * y - 1) * RNG.uniform(size=n) + RNG.normal(0, 0.15, n), 3), 0.001, 0.999)
        thresholds = [0.05, 0.1, 0.25, 0.5, 0.75]
        # An unseen threshold between scores: dcurves and we may treat a score equal to it differently.
        frame = dcurves.dca(data=pd.DataFrame({"y": y, "m": p}), outcome="y", modelnames=["m"],
                            thresholds=np.array(thresholds) + 0.0003)
        net = {m: frame[frame.model == m].sort_values("threshold").net_benefit.tolist() for m in ("m", "all")}
        logit = np.log(np.c_[1 - p, p])
        slope = lambda b: sum((np.exp(b * l) / np.exp(b * l).sum()) @ l - l[t] for l, t in zip(logit, y))
        inverse = optimize.brentq(slope, 1e-3, 1e3, xtol=1e-15, rtol=1e-15)
        loss = (p.round() != y).astype(float)
        confidence = np.maximum(p, 1 - p) + np.arange(n) * 1e-9
        order = np.argsort(-confidence)
        yield {
            "name": f"clinic_{i}", "happened": y.tolist(), "scores": p.tolist(),
            "decision": {"thresholds": (np.array(thresholds) + 0.0003).tolist(), "model": net["m"], "all": net["all"]},
            "temperature": 1 / inverse,
            "risk": {"confidence": confidence.tolist(), "loss": loss.tolist(),
                     "area": number(np.mean(np.cumsum(loss[order]) / np.arange(1, n + 1)))},
            "wilson": [[int(y.sum()), n, level, *map(number, proportion_confint(int(y.sum()), n, 1 - level, method="wilson"))]
                       for level in (0.8, 0.95, 0.99)],
        }


def differences():
    """What the peers answer where we answer otherwise; read by tests/differences.rs."""

    def answer(f):
        try:
            v = float(f())
        except Exception as error:
            return f"raises {type(error).__name__}"
        return v if math.isfinite(v) else "nan"

    # Three grades, of which grade 2 never occurs and is never called.
    y = np.array([0, 0, 0, 1, 1])
    p = np.array([[.8, .2, 0], [.7, .3, 0], [.4, .6, 0], [.3, .7, 0], [.2, .8, 0]])
    call, labels = p.argmax(1), [0, 1, 2]
    t_, p_ = torch.tensor(y), torch.tensor(p)
    f1 = lambda zero: sk.f1_score(y, call, labels=labels, average="macro", zero_division=zero)
    one = np.zeros(4, int)
    gap = np.array([0, 0, 1, 3]), np.array([0, 1, 1, 3])
    half = np.array([[.5, .3, .1], [.2, .5, .1]])
    sure = torch.tensor([[1.0, 0.0], [0.97, 0.03], [0.0, 1.0], [0.6, 0.4]])
    scores = torch.tensor([[2.0, 0.0, 1.0]] * 3)
    yield {
        "auroc_macro_absent_sklearn": answer(lambda: sk.roc_auc_score(y, p, multi_class="ovr", labels=labels)),
        "auroc_macro_absent_torchmetrics": answer(lambda: tm.multiclass_auroc(p_, t_, 3, average="macro")),
        "auroc_grade_absent_sklearn": answer(lambda: sk.roc_auc_score(y == 2, p[:, 2])),
        "average_precision_absent_sklearn": answer(lambda: sk.average_precision_score(y == 2, p[:, 2])),
        "precision_never_called_sklearn": answer(lambda: sk.precision_score(y, call, labels=labels, average=None)[2]),
        "recall_absent_sklearn": answer(lambda: sk.recall_score(y, call, labels=labels, average=None)[2]),
        "f1_macro_zero": answer(lambda: f1(0)), "f1_macro_one": answer(lambda: f1(1)),
        "f1_macro_nan": answer(lambda: f1(np.nan)),
        "f1_macro_torchmetrics": answer(lambda: tm.multiclass_f1_score(p_, t_, 3, average="macro")),
        "kappa_constant_sklearn": answer(lambda: sk.cohen_kappa_score(one, one, labels=labels)),
        "kappa_linear_gap_sklearn_unlabelled": answer(lambda: sk.cohen_kappa_score(*gap, weights="linear")),
        "kappa_linear_gap_sklearn_labelled": answer(lambda: sk.cohen_kappa_score(*gap, weights="linear", labels=[0, 1, 2, 3])),
        "mcc_constant_sklearn": answer(lambda: sk.matthews_corrcoef(y, np.zeros_like(y))),
        "mcc_constant_torchmetrics": answer(lambda: tm.multiclass_matthews_corrcoef(torch.zeros(5, dtype=torch.long), t_, 3)),
        "log_loss_row_sums_sklearn": answer(lambda: sk.log_loss([0, 1], half, labels=labels)),
        "log_loss_one_label_sklearn": answer(lambda: sk.log_loss([1, 1], [0.3, 0.4])),
        "accuracy_empty_sklearn": answer(lambda: sk.accuracy_score([], [])),
        "auroc_beyond_one_torchmetrics": answer(lambda: tm.multiclass_auroc(scores, torch.tensor([0, 1, 2]), 3)),
        "ece_of_one_torchmetrics": answer(lambda: _ce_compute(sure.max(1)[0], torch.tensor([1.0, 1.0, 0.0, 1.0]), 15, "l1")),
        "roc_one_label_sklearn": answer(lambda: sk.roc_curve([1, 1, 1], [.2, .5, .9])[0][-1]),
        "auroc_columns_without_labels_sklearn": answer(lambda: sk.roc_auc_score(y, p, multi_class="ovr")),
        "auroc_ovo_absent_sklearn": answer(lambda: sk.roc_auc_score(y, p, multi_class="ovo", labels=labels)),
        "confusion_empty_row_sklearn": answer(lambda: sk.confusion_matrix(y, call, labels=labels, normalize="true")[2].sum()),
    }


if __name__ == "__main__":
    write("differences.json", list(differences()))
    write("measures.json", list(measures()))
    write("curves.json", list(curves()))
    write("rsna.json", list(rsna()))
    write("clinic.json", list(clinic()))
