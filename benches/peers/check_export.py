"""Whether others can read an export: `datasets` loads it, `mlcroissant` validates and reads its description.

    python3 -m venv venv && venv/bin/pip install datasets==5.2.0 mlcroissant==1.1.1 pillow==13.0.0
    lumbar dataset export DATASET --out EXPORT
    HF_HUB_OFFLINE=1 HF_DATASETS_CACHE=$(mktemp -d) venv/bin/python benches/peers/check_export.py EXPORT

Everything is read from the folder; nothing is fetched. Exits 1 at the first thing that is not as it should be.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import datasets
import mlcroissant

export = Path(sys.argv[1]).resolve()
told = json.loads((export / "export.json").read_text())
n_of_split = {}
for file in told["files"]:
    n_of_split[file["split"]] = n_of_split.get(file["split"], 0) + file["n_rows"]


def need(holds, what):
    if not holds:
        print(what)
        sys.exit(1)


loaded = datasets.load_dataset(str(export))
need({name: len(split) for name, split in loaded.items()} == n_of_split, f"splits: {loaded}")
first = next(iter(loaded.values()))
need(isinstance(first.features["image"], datasets.Image), f"image is {first.features['image']}")
need(isinstance(first.features["grade"], datasets.ClassLabel), f"grade is {first.features['grade']}")
row = first[0]
need(row["image"].size[0] > 0 and row["image"].mode in ("L", "I;16"), f"picture {row['image']}")
if "slices" in row:
    need(row["slices"][len(row["slices"]) // 2].tobytes() == row["image"].tobytes(), "the middle slice is not the image")
patients = {name: set(split["patient"]) for name, split in loaded.items()}
for a in patients:
    for b in patients:
        need(a == b or not patients[a] & patients[b], f"patients in {a} and {b}")
print(f"datasets {datasets.__version__}: {n_of_split}, grades {first.features['grade'].names}")

described = mlcroissant.Dataset(jsonld=str(export / "croissant.json"))
issues = described.metadata.ctx.issues
need(not issues.errors, issues.report())
for split, n in n_of_split.items():
    read = [record[f"{split}/sample_id"] for record in described.records(split)]
    decode = lambda text: text.decode() if isinstance(text, bytes) else text
    need([decode(text) for text in read] == loaded[split]["sample_id"], f"Croissant's {split} is another")
print(f"mlcroissant {version('mlcroissant')}: valid, {sum(n_of_split.values())} records read")
for warning in sorted(issues.warnings):
    print(f"  warning: {warning}")
