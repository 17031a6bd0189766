"""Questions a researcher asks of a dataset, in DuckDB, Polars and pyarrow, which must agree with each other and with us.

    python3 -m venv venv && venv/bin/pip install pyarrow==26.0.1 duckdb==2.0.1 polars==2.1.0
    lumbar dataset stats DATASET --json > stats.json
    lumbar dataset export DATASET --out EXPORT
    venv/bin/python benches/peers/query_manifests.py DATASET stats.json EXPORT

Ten questions go to the manifests of DATASET and two to the Parquet files of EXPORT. Prints each with the size of its
answer and the time of each engine; exits 1 at the first disagreement, or if a query takes a second or more.
"""

import json
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

folder, stats_file, export = map(Path, sys.argv[1:4])
stats = json.loads(stats_file.read_text())


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


def group_count(table, keys):
    return table.group_by(keys).aggregate([([], "count_all")]).select([*keys, "count_all"])


def count_by(table, keys):
    sql = f"select {', '.join(keys)}, count(*) from '{path(table)}' group by all"
    return (
        lambda: duckdb.sql(sql).fetchall(),
        lambda: pl.scan_parquet(path(table)).group_by(keys).agg(pl.len()).collect(),
        lambda: group_count(arrow(table, keys), keys),
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


def slice_spacing_by_kind():
    """Least, lower median and most distance between slices, over series."""

    def with_arrow():
        table = arrow("series", ["kind", "spacing_mm"])
        table = table.filter(pc.and_(pc.is_valid(table["kind"]), pc.is_valid(table["spacing_mm"])))
        out = []
        for kind in set(table["kind"].to_pylist()):
            values = table.filter(pc.equal(table["kind"], kind))["spacing_mm"]
            middle = pc.quantile(values, q=0.5, interpolation="lower")[0].as_py()
            out.append((kind, pc.min(values).as_py(), middle, pc.max(values).as_py()))
        return out

    return (
        lambda: duckdb.sql(
            "select kind, min(spacing_mm), list_sort(list(spacing_mm))[(count(*) + 1) // 2], max(spacing_mm) "
            f"from '{path('series')}' where kind is not null and spacing_mm is not null group by kind"
        ).fetchall(),
        lambda: pl.scan_parquet(path("series"))
        .filter(pl.col("kind").is_not_null() & pl.col("spacing_mm").is_not_null())
        .group_by("kind")
        .agg(
            pl.col("spacing_mm").min().alias("least"),
            pl.col("spacing_mm").quantile(0.5, interpolation="lower").alias("median"),
            pl.col("spacing_mm").max().alias("most"),
        )
        .collect(),
        with_arrow,
    )


def several_axial():
    def with_arrow():
        table = arrow("series", ["study_id", "kind"])
        table = group_count(table.filter(pc.equal(table["kind"], "axial_t2")), ["study_id"])
        return table.filter(pc.greater(table["count_all"], 1))

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


def matrices_by_kind():
    keys = ["study_id", "series_id"]

    def with_arrow():
        slices = arrow("slices", [*keys, "rows", "columns"])
        joined = slices.join(arrow("series", [*keys, "kind"]), keys)
        return group_count(joined, ["kind", "rows", "columns"])

    return (
        lambda: duckdb.sql(
            f"select kind, rows, columns, count(*) from '{path('slices')}' "
            f"join '{path('series')}' using (study_id, series_id) group by all"
        ).fetchall(),
        lambda: pl.scan_parquet(path("slices"))
        .join(pl.scan_parquet(path("series")).select(*keys, "kind"), on=keys)
        .group_by("kind", "rows", "columns")
        .agg(pl.len())
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


def furthest_from_slice():
    def with_arrow():
        table = arrow("samples", ["view", "localisation", "off_plane_mm"])
        table = table.append_column("mm", pc.abs(table["off_plane_mm"]))
        grouped = table.group_by(["view", "localisation"]).aggregate([([], "count_all"), ("mm", "max")])
        return grouped.select(["view", "localisation", "count_all", "mm_max"])

    return (
        lambda: duckdb.sql(
            f"select view, localisation, count(*), max(abs(off_plane_mm)) from '{path('samples')}' group by all"
        ).fetchall(),
        lambda: pl.scan_parquet(path("samples"))
        .group_by("view", "localisation")
        .agg(pl.len(), pl.col("off_plane_mm").abs().max().alias("most"))
        .collect(),
        with_arrow,
    )


def exported(keys, sums):
    """Counts in the export by columns and split, the split taken from the name of the file."""
    files = sorted((export / "data").glob("*.parquet"))
    split_of = {str(file): file.name.split("-")[0] for file in files}

    def added(rows):
        """The files of a split together."""
        totals = {}
        for split, *row in rows:
            key = (split, *row[: len(keys)])
            sums = totals.get(key, [0] * (len(row) - len(keys)))
            totals[key] = [a + b for a, b in zip(sums, row[len(keys) :])]
        return [(*key, *sums) for key, sums in totals.items()]

    def with_duckdb():
        out = []
        for file, split in split_of.items():
            sql = f"select {', '.join([*keys, *sums])} from '{file}' group by all"
            out += [(split, *row) for row in duckdb.sql(sql).fetchall()]
        return added(out)

    def with_polars():
        out = []
        for file, split in split_of.items():
            frame = pl.scan_parquet(file)
            length = pl.col("image").struct.field("bytes").bin.size().sum().cast(pl.Int64)
            aggregates = [pl.len()] + ([length] if len(sums) > 1 else [])
            grouped = frame.group_by(keys).agg(aggregates) if keys else frame.select(aggregates)
            out += [(split, *row) for row in grouped.collect().rows()]
        return added(out)

    def with_arrow():
        out = []
        for file, split in split_of.items():
            table = pads.dataset(file).to_table(columns=[*keys, *(["image"] if len(sums) > 1 else [])])
            if keys:
                answer = group_count(table, keys)
                out += [(split, *row) for row in zip(*[column.to_pylist() for column in answer.columns])]
            else:
                bytes_ = pc.struct_field(table["image"], "bytes")
                out.append((split, table.num_rows, pc.sum(pc.binary_length(bytes_)).as_py()))
        return added(out)

    return with_duckdb, with_polars, with_arrow


QUESTIONS = {
    "how often is each grade given, by condition and level?": count_by("labels", ["condition", "level", "grade"]),
    "which studies lack a sagittal T1?": studies_without_t1(),
    "how far apart are slices, by kind of series?": slice_spacing_by_kind(),
    "which studies have several axial series?": several_axial(),
    "which matrices occur, by kind of series?": matrices_by_kind(),
    "how many samples, by view, part and grade?": count_by("samples", ["view", "split", "grade"]),
    "why are files and samples missing?": count_by("rejects", ["scope", "reason"]),
    "does a patient stand on two sides of the split?": patients_on_two_sides(),
    "how far from its slice is a target, by view and how it was found?": furthest_from_slice(),
    "what is odd about the labels?": count_by("findings", ["code"]),
    "export: how many samples, by split and grade?": exported(["grade"], ["count(*)"]),
    "export: how many bytes of pictures, by split?": exported([], ["count(*)", "sum(octet_length(image.bytes))"]),
}


def tally(answer, key):
    out = {}
    for row in answer:
        name = key(row)
        out[name] = out.get(name, 0) + row[-1]
    return out


def by(name, answers):
    return next(answers[question] for question in answers if name in question)


def check_against_stats(answers):
    def same(what, ours, theirs):
        if ours != theirs:
            print(f"{what}: `dataset stats` says {ours}, the tables {theirs}")
            sys.exit(1)

    ours = {
        (row["condition"], row["level"], None if grade == "missing" else grade): n
        for row in stats["labels_by_condition"]
        for grade, n in row["grades"].items()
    }
    same("grades", ours, {row[:3]: row[3] for row in by("each grade given", answers)})
    same("studies without T1", stats["studies_without"]["sagittal_t1"], len(by("lack a sagittal T1", answers)))
    ours = {
        kind: tuple(round(spacing["slice_mm"][k], 9) for k in ["min", "median", "max"])
        for kind, spacing in stats["spacing"].items()
        if kind != "unknown"
    }
    same("spacing", ours, {row[0]: row[1:] for row in by("apart are slices", answers)})
    ours = {
        (None if kind == "unknown" else kind, *map(int, matrix.split(" x "))): n
        for kind, matrices in stats["matrices"].items()
        for matrix, n in matrices.items()
    }
    same("matrices", ours, {row[:3]: row[3] for row in by("matrices occur", answers)})
    samples = by("samples, by view", answers)
    grade = lambda name: "missing" if name is None else name
    for key, column in [("samples_by_view", 0), ("samples_by_split", 1)]:
        ours = {(name, g): n for name, grades in stats[key].items() for g, n in grades.items()}
        same(key, ours, tally(samples, lambda row: (row[column], grade(row[2]))))
    reasons = by("files and samples missing", answers)
    for scope in ["file", "sample"]:
        of_scope = [row for row in reasons if row[0] == scope]
        same(f"{scope} rejects", stats[f"{scope}_rejects"], tally(of_scope, lambda row: row[1]))
    same("patients on two sides", 0, len(by("two sides", answers)))
    found = by("how it was found", answers)
    same("localisation", stats["localisation"], tally([row[:3] for row in found], lambda row: row[1]))
    same("findings", stats["findings"], {row[0]: row[1] for row in by("odd about", answers)})
    names = {"train": "train", "validation": "valid", "test": "test"}
    metadata = pq.read_schema(next((export / "data").glob("*.parquet"))).metadata
    grades = json.loads(metadata[b"huggingface"])["info"]["features"]["grade"]["names"]
    ours = {(name, g): n for name, tally in stats["samples_by_split"].items() for g, n in tally.items()}
    theirs = by("by split and grade", answers)
    theirs = {(names[row[0]], "missing" if row[1] < 0 else grades[row[1]]): row[2] for row in theirs}
    same("export", ours, theirs)
    print("all agree with each other and with `dataset stats --json`")


answers = {}
for question, engines in QUESTIONS.items():
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
    print(f"{question:66s} {len(results[0]):5d} rows  " + "  ".join(f"{t * 1000:6.1f} ms" for t in times))
    if max(times) > 1.0:
        print("slower than a second")
        sys.exit(1)
check_against_stats(answers)
