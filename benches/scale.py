"""A dataset of RSNA 2024's size from tiny-pixel phantoms: time, memory, queries, each beside its limit.

    cargo build --release --locked
    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 pyarrow==26.0.1 duckdb==2.0.1 polars==2.1.0
    venv/bin/python benches/scale.py [--lumbar target/release/lumbar] [--studies 1975] [--phantoms DIR]

Makes the studies (32 x 32 pixels under full headers, about 147,000 slices), catalogues them, builds the dataset, exports
it and asks both the questions of `benches/peers/query_manifests.py`; makes, catalogues and builds a quarter of the
studies too, to see what memory grows with. Everything it made is deleted at the end; `--phantoms` takes studies that are there already and leaves them.
Exits 1 where a limit is passed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT_S, LIMIT_MIB = 180.0, 1024.0

parser = argparse.ArgumentParser()
parser.add_argument("--lumbar", default=HERE.parent / "target/release/lumbar", type=Path)
parser.add_argument("--studies", default=1975, type=int)
parser.add_argument("--phantoms", type=Path)
parser.add_argument("--below", type=Path, help="folder to work below")
options = parser.parse_args()


def run(*arguments, out=None):
    """Runs lumbar; returns wall time and processor time in s, and peak resident memory in MiB."""
    command = [str(options.lumbar.resolve()), *map(str, arguments), "--no-progress", "--json"]
    start = time.perf_counter()
    with open(out or os.devnull, "wb") as stdout:
        child = subprocess.Popen(command, stdout=stdout)
        _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


failed = []


def report(what, found, limit, unit):
    print(f"{what:58s} {found:8.1f} {unit:4s} limit {limit:6.0f}   ratio {found / limit:5.2f}", flush=True)
    if found > limit:
        failed.append(what)


def measure(studies, phantoms, work):
    seconds, processor, mib = run("ingest", phantoms, "--out", work / "catalogue")
    counts = json.loads((work / "catalogue/catalogue.json").read_text())
    print(f"\n{studies} studies, {counts['n_slices']} slices in {counts['n_files']} files, {os.cpu_count()} cores")
    report(f"lumbar ingest: catalogue ({processor:.1f} s of processor time)", seconds, LIMIT_S, "s")
    report("lumbar ingest: peak memory", mib, LIMIT_MIB, "MiB")
    seconds, processor, whole_mib = run("dataset", "build", "--rsna", phantoms, "--out", work / "dataset")
    report(f"lumbar dataset build: all of it ({processor:.1f} s of processor time)", seconds, LIMIT_S, "s")
    report("lumbar dataset build: peak memory", whole_mib, LIMIT_MIB, "MiB")
    return mib, whole_mib


with tempfile.TemporaryDirectory(dir=options.below, prefix="lumbar-scale-") as work:
    work = Path(work)
    phantoms = options.phantoms or work / "phantoms"
    if not options.phantoms:
        seconds, *_ = run("phantom", "--out", phantoms, "--studies", options.studies, "--pixels", "tiny")
        print(f"made {options.studies} studies in {seconds:.0f} s", flush=True)
    many_mib = measure(options.studies, phantoms, work)

    run("dataset", "stats", work / "dataset", out=work / "stats.json")
    seconds, processor, export_mib = run("dataset", "export", work / "dataset", "--out", work / "export")
    print(f"\nexported in {seconds:.0f} s ({processor:.0f} s of processor time), {export_mib:.0f} MiB at most")
    print("\nquestions: DuckDB, Polars, pyarrow; limit 1,000 ms each", flush=True)
    tables = [work / "dataset", work / "stats.json", work / "export"]
    query = subprocess.run([sys.executable, HERE / "peers/query_manifests.py", *tables])
    if query.returncode:
        failed.append("queries")

    few = max(options.studies // 4, 1)
    (work / "few").mkdir()
    run("phantom", "--out", work / "few/phantoms", "--studies", few, "--pixels", "tiny")
    few_mib = measure(few, work / "few/phantoms", work / "few")
    grown = [(a - b) / max(options.studies - few, 1) * 1024 for a, b in zip(many_mib, few_mib)]
    print(f"\npeak memory grows by {grown[1]:.0f} KiB a study; that of ingest, which holds the catalogue alone, by {grown[0]:.0f}")

sys.exit(f"\nlimit passed: {', '.join(failed)}" if failed else 0)
