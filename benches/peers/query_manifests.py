"""Ten questions to the tables of a dataset, asked in DuckDB, Polars and pyarrow, which must agree.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install numpy pyarrow duckdb polars
    lumbar dataset stats DATASET --json > stats.json
    /tmp/peers/bin/python benches/peers/query_manifests.py DATASET [stats.json]

With `stats.json` the answers are also held against what we count ourselves. Exits 1 at the first disagreement; prints
each question with its answer's size and the time of each engine.
"""

import json
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder = Path(sys.argv[1])
stats = json.loads(Path(sys.argv[2]).read_text()) if len(sys.argv) > 2 else None


def path(table):
    return str(folder / f"{table}.parquet")


def arrow(table, columns):
    return pq.read_table(path(table), columns=columns)


def rows(answer):
    """Any engine's answer as a sorted list of tuples, floats rounded."""
    if isinstance(answer, pl.DataFrame):
        answer = answer.rows()
    elif isinstance(answer, pa.Table):
        answer = list(zip(*[column.to_pylist() for column in answer.columns]))
    return sorted(
        (tuple(round(v, 9) if isinstance(v, float) else v for v in row) for row in answer), key=repr
    )


def count_by(table, keys):
    sql = f"select {', '.join(keys)}, count(*) from '{path(table)}' group by all"
    return (
        lambda: duckdb.sql(sql).fetchall(),
        lambda: pl.scan_parquet(path(table)).group_by(keys).agg(pl.len()).collect(),
        lambda: arrow(table, keys).group_by(keys).aggregate([([], "count_all")]).select([*keys, "count_all"]),
    )


def studies_without_t1():
    labels, series = path("labels"), path("series")

    def with_arrow():
        t1 = arrow("series", ["study_id", "kind"])
        t1 = set(t1.filter(pc.equal(t1["kind"], "sagittal_t1"))["study_id"].to_pylist())
        return [(study,) for study in set(arrow("labels", ["study_id"])["study_id"].to_pylist()) - t1]

    return (
        lambda: duckdb.sql(
            f"select distinct study_id from '{labels}' where study_id not in "
            f"(select study_id from '{series}' where kind = 'sagittal_t1')"
        ).fetchall(),
        lambda: pl.scan_parquet(labels)
        .select("study_id")
        .unique()
        .join(pl.scan_parquet(series).filter(pl.col("kind") == "sagittal_t1"), on="study_id", how="anti")
        .collect(),
        with_arrow,
    )


def median_spacing():
    def with_arrow():
        table = arrow("series", ["kind", "spacing_mm"])
        table = table.filter(pc.is_valid(table["kind"]))
        out = []
        for kind in set(table["kind"].to_pylist()):
            values = table.filter(pc.equal(table["kind"], kind))["spacing_mm"].drop_null()
            out.append((kind, pc.quantile(values, q=0.5)[0].as_py()))
        return out

    return (
        lambda: duckdb.sql(
            f"select kind, median(spacing_mm) from '{path('series')}' where kind is not null group by kind"
        ).fetchall(),
        lambda: pl.scan_parquet(path("series"))
        .filter(pl.col("kind").is_not_null())
        .group_by("kind")
        .agg(pl.col("spacing_mm").median())
        .collect(),
        with_arrow,
    )


def several_axial():
    def with_arrow():
        table = arrow("series", ["study_id", "kind"])
        table = table.filter(pc.equal(table["kind"], "axial_t2")).group_by("study_id").aggregate([([], "count_all")])
        return table.filter(pc.greater(table["count_all"], 1)).select(["study_id", "count_all"])

    return (
        lambda: duckdb.sql(
            f"select study_id, count(*) n from '{path('series')}' where kind = 'axial_t2' group by 1 having n > 1"
        ).fetchall(),
        lambda: pl.scan_parquet(path("series"))
        .filter(pl.col("kind") == "axial_t2")
        .group_by("study_id")
        .agg(pl.len())
        .filter(pl.col("len") > 1)
        .collect(),
        with_arrow,
    )


def patients_on_two_sides():
    def with_arrow():
        table = arrow("splits", ["patient", "split"]).group_by("patient").aggregate([("split", "count_distinct")])
        return table.filter(pc.greater(table["split_count_distinct"], 1)).select(["patient"])

    return (
        lambda: duckdb.sql(
            f"select patient from '{path('splits')}' group by 1 having count(distinct split) > 1"
        ).fetchall(),
        lambda: pl.scan_parquet(path("splits"))
        .group_by("patient")
        .agg(pl.col("split").n_unique())
        .filter(pl.col("split") > 1)
        .select("patient")
        .collect(),
        with_arrow,
    )


def furthest_cross_reference():
    return (
        lambda: duckdb.sql(
            f"select view, max(abs(off_plane_mm)) from '{path('samples')}' "
            "where localisation = 'cross_reference' group by 1"
        ).fetchall(),
        lambda: pl.scan_parquet(path("samples"))
        .filter(pl.col("localisation") == "cross_reference")
        .group_by("view")
        .agg(pl.col("off_plane_mm").abs().max())
        .collect(),
        lambda: (
            lambda table: pa.table(
                {"view": table["view"], "mm": pc.abs(table["off_plane_mm"])}
            ).group_by("view").aggregate([("mm", "max")]).select(["view", "mm_max"])
        )(pq.read_table(path("samples"), filters=[("localisation", "=", "cross_reference")])),
    )


QUESTIONS = [
    ("grades by condition group and level", count_by("labels", ["condition_group", "level", "grade"])),
    ("studies without a sagittal T1", studies_without_t1()),
    ("median slice spacing by kind of series, mm", median_spacing()),
    ("studies with more than one axial series", several_axial()),
    ("matrices by encoding", count_by("slices", ["rows", "columns", "transfer_syntax"])),
    ("samples by view, split and grade", count_by("samples", ["view", "split", "grade"])),
    ("why files and samples are missing", count_by("rejects", ["scope", "reason", "view"])),
    ("patients on two sides of the split", patients_on_two_sides()),
    ("largest distance of a carried-over point from its slice, mm", furthest_cross_reference()),
    ("findings by code", count_by("findings", ["code"])),
]


def tally(answer, key):
    out = {}
    for row in answer:
        name = key(row)
        out[name] = out.get(name, 0) + row[-1]
    return out


def check_against_stats(answers):
    assert stats["counts"]["samples"] == sum(row[-1] for row in answers["samples by view, split and grade"])
    grades = {}
    for cell in stats["labels"]:
        group = {"spinal_canal": "canal", "neural_foraminal": "foraminal"}.get(cell["condition_group"], cell["condition_group"])
        for grade, n in cell["grades"].items():
            grades[(group, cell["level"], None if grade == "missing" else grade)] = n
    assert grades == {row[:3]: row[3] for row in answers["grades by condition group and level"]}
    assert stats["studies_without"]["sagittal_t1"] == len(answers["studies without a sagittal T1"])
    reasons = answers["why files and samples are missing"]
    for scope in ["file", "sample"]:
        of_scope = [row for row in reasons if row[0] == scope]
        assert stats[f"{scope}_rejects"] == tally(of_scope, lambda row: row[1])
    assert stats["findings"] == {row[0]: row[1] for row in answers["findings by code"]}
    print("all agree with `dataset stats --json`")


answers = {}
for question, engines in QUESTIONS:
    results, times = [], []
    for engine in engines:
        engine()  # warm: the first query of an engine loads the engine
        start = time.perf_counter()
        results.append(rows(engine()))
        times.append(time.perf_counter() - start)
    if not results[0] == results[1] == results[2]:
        print(f"{question}: DuckDB {results[0][:5]}, Polars {results[1][:5]}, pyarrow {results[2][:5]}")
        sys.exit(1)
    answers[question] = results[0]
    print(f"{question:62s} {len(results[0]):5d} rows  " + "  ".join(f"{t * 1000:6.1f} ms" for t in times))
    if max(times) > 1.0:
        print("slower than a second")
        sys.exit(1)
if stats:
    check_against_stats(answers)
