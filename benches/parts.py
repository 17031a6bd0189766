"""One dataset made in five ways is the same bytes: one process, parts, HyperQueue workers, a killed worker, other SIMD.

    cargo build --release --locked
    python3 -m venv venv && venv/bin/pip install hyperqueue==0.27.0
    venv/bin/python benches/parts.py [--lumbar target/release/lumbar] [--studies 48] [--also BUILD_RSNA]

`--also` names the example `build_rsna` of lumbar-dataset as compiled for another SIMD level. The default build chooses at run
time (AVX2 where there is); forced down to SSE2, or compiled for AVX2 throughout, it is

    RUSTFLAGS="--cfg lumbar_baseline" cargo build --release --locked -p lumbar-dataset --example build_rsna --target-dir target/sse2
    RUSTFLAGS="-C target-cpu=x86-64-v3" cargo build --release --locked -p lumbar-dataset --example build_rsna --target-dir target/v3

Prints a digest over every file but `provenance.json`; exits 1 if two
differ. The same parts on a Slurm cluster: `benches/parts.slurm`.
"""

import argparse
import hashlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

HERE = Path(__file__).resolve().parent
N_PARTS = 4

parser = argparse.ArgumentParser()
parser.add_argument("--lumbar", type=Path, default=HERE.parent / "target/release/lumbar")
parser.add_argument("--studies", type=int, default=48)
parser.add_argument("--pixels", default="tiny", choices=["tiny", "full"])
parser.add_argument("--also", type=Path, action="append", default=[])
options = parser.parse_args()
LUMBAR = str(options.lumbar.resolve())


def digest(dataset):
    total = hashlib.sha256()
    files = sorted(p for p in dataset.rglob("*") if p.is_file() and p.name != "provenance.json")
    for path in files:
        total.update(f"{path.relative_to(dataset)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest(), len(files)


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def part_command(rsna, out, part):
    return [LUMBAR, "dataset", "build", "--rsna", str(rsna), "--shard", f"{part}/{N_PARTS}", "--out", str(out), "-q"]


def merge(parts, out):
    run([LUMBAR, "dataset", "merge", *map(str, parts), "--out", str(out), "-q"])
    return digest(out)


def with_parts(rsna, work):
    parts = [work / f"part{i}" for i in range(N_PARTS)]
    for i in [2, 0, 3, 1]:  # in any order
        run(part_command(rsna, parts[i], i))
    return merge(parts, work / "ds")


def submit(client, rsna, parts, wanted):
    job = Job(max_fails=None)
    for i in wanted:
        job.program(part_command(rsna, parts[i], i), name=f"part{i}", stdout=os.devnull, stderr=os.devnull)
    return client.submit(job)


def with_hyperqueue(rsna, work, kill=None):
    """Four workers of one core each; `kill` names the part whose process is killed while it writes."""
    work.mkdir()
    parts = [work / f"part{i}" for i in range(N_PARTS)]
    killer = None
    if kill is not None:
        # A process: waiting for jobs holds up the threads of this one.
        killer = multiprocessing.get_context("spawn").Process(target=kill_writer, args=(work, kill))
        killer.start()
    with LocalCluster(server_dir=str(work / "hq")) as cluster:
        for _ in range(N_PARTS):
            cluster.start_worker(WorkerConfig(cores=1))
        client = cluster.client()
        wait_until((work / "ready").exists, killer is None)
        done = client.wait_for_jobs([submit(client, rsna, parts, range(N_PARTS))], raise_on_error=killer is None)
        if killer:
            killer.join()
            left = partials(work)
            missing = [i for i in range(N_PARTS) if not parts[i].exists()]
            if done or missing != [kill] or not left or killer.exitcode != 0:
                sys.exit(f"part {kill} was to be killed while it wrote: missing {missing}, left {left}")
            print(f"{'':28s} killed part {kill} with SIGKILL, which left `{left[0]}`; run again")
            client.wait_for_jobs([submit(client, rsna, parts, missing)])
            if partials(work):
                sys.exit(f"the second run left {partials(work)}")
    return merge(parts, work / "ds")


def partials(work):
    return sorted(p.name for p in work.iterdir() if ".partial-" in p.name)


def wait_until(holds, already, seconds=120):
    until = time.monotonic() + seconds
    while not (already or holds()):
        if time.monotonic() > until:
            sys.exit("waited in vain")
        time.sleep(0.001)


def kill_writer(work, part):
    """Kills the process that writes a part as soon as it does; its number stands in the folder's name."""
    writers = []

    def found():
        writers.extend(p for p in work.glob(f".part{part}.partial-*") if (p / "pixels").is_dir())
        return writers

    (work / "ready").touch()
    wait_until(found, False)
    os.kill(int(re.search(r"partial-(\d+)", writers[0].name)[1]), signal.SIGKILL)


def main():
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        rsna = work / "rsna"
        phantom = ["phantom", "--out", rsna, "--studies", options.studies, "--pixels", options.pixels, "-q"]
        run([LUMBAR, *map(str, phantom)])
        results = {}

        def note(name, result):
            results[name] = result
            print(f"{name:28s} {result[1]:3d} files  {result[0]}", flush=True)

        run([LUMBAR, "dataset", "build", "--rsna", str(rsna), "--out", str(work / "one"), "-q"])
        note("one process", digest(work / "one"))
        note(f"--shard i/{N_PARTS} and merge", with_parts(rsna, work / "parts"))
        note(f"{N_PARTS} HyperQueue workers", with_hyperqueue(rsna, work / "hq"))
        note("one killed, then run again", with_hyperqueue(rsna, work / "killed", kill=2))
        for i, program in enumerate(options.also):
            out = work / f"also{i}"
            run([program, rsna, out])
            note(f"also: {program.parents[2].name}", digest(out))
        if len(set(results.values())) != 1:
            sys.exit("the datasets differ")
        print("all the same")


if __name__ == "__main__":
    main()
