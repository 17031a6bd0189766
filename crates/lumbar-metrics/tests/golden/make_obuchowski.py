"""Variance of a clustered AUROC, straight from the definitions of Obuchowski 1997, pair by pair, in O(n^2).

    venv/bin/python make_obuchowski.py      # numpy only; writes obuchowski.json beside itself
"""

import json
import pathlib

import numpy as np

RNG = np.random.default_rng(1997)


def placements(y, s):
    """For each case of the event the share of others it outscores, for each other the share of event cases above."""
    psi = lambda x, z: 1.0 if x > z else 0.5 if x == z else 0.0
    x, z = s[y == 1], s[y == 0]
    table = np.array([[psi(a, b) for b in z] for a in x])
    out = np.empty(len(y))
    out[y == 1] = table.mean(1)
    out[y == 0] = table.mean(0)
    return out, table.mean()


def covariance(y, cluster, s, r):
    (vs, a), (vr, b) = placements(y, s), placements(y, r)
    m, n = (y == 1).sum(), (y == 0).sum()
    ids = np.unique(cluster)
    i10 = sum((y[cluster == c] == 1).any() for c in ids)
    i01 = sum((y[cluster == c] == 0).any() for c in ids)
    sums = []
    for c in ids:
        mine = cluster == c
        e, o = mine & (y == 1), mine & (y == 0)
        sums.append([vs[e].sum() - e.sum() * a, vs[o].sum() - o.sum() * a, vr[e].sum() - e.sum() * b, vr[o].sum() - o.sum() * b])
    es, os, er, or_ = np.array(sums).T
    s10 = i10 / ((i10 - 1) * m) * (es @ er)
    s01 = i01 / ((i01 - 1) * n) * (os @ or_)
    s11 = len(ids) / (len(ids) - 1) * (es @ or_)
    s11_back = len(ids) / (len(ids) - 1) * (er @ os)
    return s10 / m + s01 / n + s11 / (m * n) + s11_back / (m * n)


def cases():
    for i in range(12):
        n_clusters, size = (5, 20, 40)[i % 3], (1, 4, 25)[i // 4]
        cluster = np.repeat(np.arange(n_clusters), size)
        RNG.shuffle(cluster)
        u = RNG.normal(size=n_clusters)[cluster]
        y = ((0.5 * u + RNG.normal(size=len(u))) > 0.4).astype(int)
        y[:2] = 0, 1
        if size == 1:
            y[:4] = 0, 1, 0, 1
        s = np.round(y + 0.7 * u + RNG.normal(size=len(u)), (1, 5)[i % 2])
        r = np.round(0.5 * y + 0.7 * u + RNG.normal(size=len(u)), (1, 5)[i % 2])
        yield {
            "name": f"clustered_{i}", "happened": y.tolist(), "clusters": cluster.tolist(), "a": s.tolist(), "b": r.tolist(),
            "auroc_a": float(placements(y, s)[1]), "variance_a": float(covariance(y, cluster, s, s)),
            "variance_difference": float(covariance(y, cluster, s, s) + covariance(y, cluster, r, r) - 2 * covariance(y, cluster, s, r)),
        }


lines = ",\n".join(json.dumps(c) for c in cases())
path = pathlib.Path(__file__).parent / "obuchowski.json"
path.write_text(f'{{"made_by": "make_obuchowski.py", "versions": {{"numpy": "{np.__version__}"}}, "cases": [\n{lines}\n]}}\n')
