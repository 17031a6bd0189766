"""Build throughput beside the sum of its stages, from the criterion suite `build`, in one run.

    python3 benches/build_vs_stages.py [--no-run]

Runs `cargo bench -p lumbar-benches --bench build` (unless `--no-run`: the last run counts) and compares the whole build on
one thread, from RLE DICOM to shards and tables, with the sum of the stages. Exits 1 above 1.3.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1.3

if "--no-run" not in sys.argv:
    subprocess.run(["cargo", "bench", "--locked", "-p", "lumbar-benches", "--bench", "build"], cwd=ROOT, check=True)
target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "criterion/build"
times = {}
for path in sorted(target.glob("*/new/estimates.json")):
    times[path.parents[1].name] = json.loads(path.read_text())["median"]["point_estimate"] / 1e6
whole = times.pop("whole")
total = sum(times.values())
for name, ms in times.items():
    print(f"{name:24s} {ms:9.1f} ms  {ms / total:5.0%}")
print(f"{'sum of the stages':24s} {total:9.1f} ms")
print(f"{'whole build':24s} {whole:9.1f} ms  ratio {whole / total:.2f}, limit {LIMIT}")
sys.exit(whole / total > LIMIT)
