"""Known places of a phantom, found again in its DICOM files by tools that nobody here wrote.

    cargo run --release -p lumbar-phantom --example make_phantom -- target/ph/landmarks 12 7
    python benches/peers/phantom_landmarks.py target/ph/landmarks

Needs numpy, pydicom, nibabel and, on the path, dcm2niix and dciodvfy (Debian: dcm2niix, dicom3tools).

For every mark of `train_label_coordinates.csv` the pixel is taken to patient space twice: with pydicom's header values
and numpy, and through the NIfTI volume that dcm2niix makes of the series, in which the mark's slice is found by its
pixels alone. Both must hit the truth's place in the plane of the slice within 0.1 mm, left marks on the patient's
left. `dciodvfy` must find no error in any series whose optional tags were not left out on purpose.
Exit code 1 if anything fails, or if some kind of series (instance numbers either way, anisotropic, tilted) was not met.
"""

import argparse
import collections
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pydicom

TOLERANCE_MM = 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phantom", type=Path)
    root = parser.parse_args().phantom
    truths = [json.loads(line) for line in (root / "phantom_truth.jsonl").read_text().splitlines()]
    with open(root / "train_label_coordinates.csv", newline="") as table:
        marks = collections.defaultdict(list)
        for row in csv.DictReader(table):
            marks[row["study_id"], row["series_id"]].append(row)
    tally, failed, worst = collections.Counter(), [], collections.defaultdict(float)
    for truth in truths:
        places = {}
        for target in truth["targets"]:
            places[target["target"]] = np.array([target["point_mm"][axis] for axis in "xyz"])
        found = set()
        for series in truth["series"]:
            key = truth["study_id"], series["series_id"]
            folder = root / "train_images" / key[0] / key[1]
            slices = {int(path.stem): pydicom.dcmread(path) for path in folder.glob("*.dcm")}
            describe(slices, series["kind"], tally)
            check_validator(folder, slices, series["kind"], tally, failed)
            volumes = nifti_slices(folder, slices, tally)
            for mark in marks[key]:
                name = column_name(mark["condition"], mark["level"])
                number, pixel = int(mark["instance_number"]), (float(mark["x"]), float(mark["y"]))
                place, middle = places[name], places["spinal_canal_stenosis_" + name[-5:]]
                ways = [("pydicom", by_header(slices[number], pixel))]
                if number in volumes:
                    ways.append(("dcm2niix", by_volume(volumes[number], pixel)))
                for tool, (there, normal) in ways:
                    off = place - there
                    in_plane = float(np.linalg.norm(off - normal * (off @ normal)))
                    worst[tool] = max(worst[tool], in_plane)
                    tally[f"marks placed by {tool}"] += 1
                    sign = 1 if name.startswith("left") else -1 if name.startswith("right") else 0
                    if in_plane > TOLERANCE_MM:
                        failed.append(f"{key} {name}: {tool} is {in_plane:.3f} mm off")
                    if sign and sign * (there - middle)[0] < 3.0:
                        failed.append(f"{key} {name}: {tool} puts it on the wrong side")
                found.add(name)
        foramina = sum("foraminal" in name for name in found)
        tally["studies"] += 1
        tally["studies with 20 places and all ten foramina"] += len(found) >= 20 and foramina == 10
    for line, count in sorted(tally.items()):
        print(f"{count:6}  {line}")
    for tool, value in worst.items():
        print(f"largest distance in plane by {tool}: {value:.4f} mm (allowed {TOLERANCE_MM})")
    for needed in (
        "sagittal series numbered towards the left",
        "sagittal series numbered towards the right",
        "axial series numbered upwards",
        "axial series numbered downwards",
        "series with anisotropic pixels",
        "series with tilted slices",
        "studies with 20 places and all ten foramina",
        "marks placed by dcm2niix",
    ):
        if not tally[needed]:
            failed.append(f"no {needed}: make a larger phantom")
    for line in failed:
        print("FAILED", line)
    sys.exit(1 if failed else 0)


def column_name(condition, level):
    return f"{condition} {level}".lower().replace(" ", "_").replace("/", "_")


def by_header(slice_, pixel):
    """Place of a pixel and the slice's normal, by the formula of PS3.3 C.7.6.2.1.1."""
    orientation = np.array(slice_.ImageOrientationPatient, float)
    across, down = orientation[:3], orientation[3:]
    row_mm, column_mm = (float(value) for value in slice_.PixelSpacing)
    origin = np.array(slice_.ImagePositionPatient, float)
    return origin + across * column_mm * pixel[0] + down * row_mm * pixel[1], np.cross(across, down)


def by_volume(where, pixel):
    """The same through NIfTI, whose axes are right, anterior, superior."""
    affine, k, flips, shape = where
    i = shape[0] - 1 - pixel[0] if flips[0] else pixel[0]
    j = shape[1] - 1 - pixel[1] if flips[1] else pixel[1]
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    to_lps = np.array([-1.0, -1.0, 1.0])
    return to_lps * (affine @ [i, j, k, 1.0])[:3], to_lps * normal / np.linalg.norm(normal)


def nifti_slices(folder, slices, tally):
    """Volume, position and flips of each instance, found by comparing pixels."""
    where = {}
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["dcm2niix", "-b", "n", "-z", "n", "-o", out, str(folder)], capture_output=True, check=False)
        for path in sorted(Path(out).glob("*.nii")):
            image = nibabel.load(path)
            if path.stem.endswith(("_Eq", "_Tilt")):
                continue  # resampled by dcm2niix: no longer the file's pixels
            volume = np.asarray(image.dataobj)
            if volume.ndim != 3:
                continue
            tally["volumes made by dcm2niix"] += 1
            for number, slice_ in slices.items():
                pixels = slice_.pixel_array.T
                if pixels.shape != volume.shape[:2]:
                    continue
                for flips in ((0, 1), (0, 0), (1, 0), (1, 1)):
                    turned = pixels[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
                    for k in np.flatnonzero((volume[::37, ::41] == turned[::37, ::41, None]).all(axis=(0, 1))):
                        if np.array_equal(volume[..., k], turned):
                            where[number] = (image.affine, int(k), flips, pixels.shape)
    return where


def describe(slices, kind, tally):
    numbers = sorted(slices)
    first, last = slices[numbers[0]], slices[numbers[-1]]
    step = np.array(last.ImagePositionPatient, float) - np.array(first.ImagePositionPatient, float)
    if kind.startswith("sagittal"):
        tally["sagittal series numbered towards the " + ("left" if step[0] > 0 else "right")] += 1
    else:
        tally["axial series numbered " + ("upwards" if step[2] > 0 else "downwards")] += 1
        tilted = any(abs(float(slice_.ImageOrientationPatient[5])) > 0.1 for slice_ in slices.values())
        tally["series with tilted slices"] += tilted
    row_mm, column_mm = first.PixelSpacing
    tally["series with anisotropic pixels"] += abs(float(row_mm) - float(column_mm)) > 1e-4
    tally["series that are not square"] += first.Rows != first.Columns


def check_validator(folder, slices, kind, tally, failed):
    number = min(slices)
    if any(tag not in slices[number] for tag in ("Modality", "ScanningSequence", "SliceThickness", "EchoTime", "FrameOfReferenceUID")):
        tally["series with tags left out on purpose (not validated)"] += 1
        return
    result = subprocess.run(
        ["dciodvfy", str(folder / f"{number}.dcm")], capture_output=True, text=True, check=False
    )
    tally[f"{kind} series validated by dciodvfy"] += 1
    for line in (result.stdout + result.stderr).splitlines():
        if line.startswith("Error"):
            failed.append(f"dciodvfy {kind}: {line}")


if __name__ == "__main__":
    main()
