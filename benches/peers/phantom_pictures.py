"""Phantom pictures beside real ones, with the table of tissue means, noise and edge widths.

    cargo run --release -p lumbar-phantom --example make_phantom -- target/ph/normal 8 1 -3,-3,-3
    cargo run --release -p lumbar-phantom --example make_phantom -- target/ph/severe 1 1 2,2,2
    python benches/peers/phantom_pictures.py target/ph/normal target/ph/severe \
        --real ../shared/data --out target/ph/pictures.png

Needs numpy, matplotlib, pydicom, nibabel, pylibjpeg and pylibjpeg-libjpeg. The real pictures are
`lumbar/t2_lumbar.nii.gz` (spinalcordtoolbox, MIT) and `dicom/fo-dicom/GH1339.dcm` (fo-dicom, MS-PL); neither is part
of this repository. The table's phantom rows are medians over the studies of the first folder; the pictures show the
first study of each. Exit code 1 if tissues come in another order than in the real T2 pictures, or noise or edge width
differ by more than a factor of two.
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import nibabel
import numpy as np
import pydicom
from libjpeg import decode

TISSUES = ["fat", "CSF", "disc", "marrow", "muscle", "air"]


class Picture:
    """A slice with its spacing (row, column) in mm and mean signals of regions, where it shows them."""

    def __init__(self, title, pixels, spacing):
        self.title, self.pixels, self.spacing = title, pixels.astype(float), spacing
        self.means, self.centre = {}, None

    def region(self, column, row, size_mm, percentile=50):
        """Percentile over a square around a pixel."""
        h, w = (max(1, int(round(0.5 * size_mm / s))) for s in self.spacing)
        r, c = int(round(row)), int(round(column))
        box = self.pixels[max(0, r - h) : r + h + 1, max(0, c - w) : c + w + 1]
        return float(np.percentile(box, percentile)) if box.size else float("nan")

    def noise(self, corner):
        """Deviation of the noise from air, where the magnitude has 0.655 of it, relative to CSF."""
        r0, r1, c0, c1 = corner
        return float(self.pixels[r0:r1, c0:c1].std() / 0.655 / self.means["CSF"])

    def edge_mm(self):
        """Width of the sharpest edges around the spine: the range of grey values over the steepest slopes."""
        r, c = self.centre
        h, w = (int(40 / s) for s in self.spacing)
        box = self.pixels[max(0, r - h) : r + h, max(0, c - w) : c + w]
        gy, gx = np.gradient(box, *self.spacing)
        low, high = np.percentile(box, [1, 99])
        return float((high - low) / np.percentile(np.hypot(gx, gy), 99.5))


def real_sagittal(path):
    volume = nibabel.as_closest_canonical(nibabel.load(path)).get_fdata()
    # Right, anterior, superior; shown with anterior at the left and head up.
    show = lambda x: np.flipud(volume[x].T)[:, ::-1]
    picture = Picture("real sagittal T2 (SCT, MIT)", show(19), (1.0, 1.0))
    n = volume.shape[1] - 1
    at = lambda column, row, size, percentile=50: picture.region(n - column, row, size, percentile)
    # Places read off the picture by eye: column from the back, row from the top.
    picture.means = {
        "CSF": at(64, 8, 5, 90),
        "disc": at(103, 132, 3, 75),
        "marrow": at(112, 150, 9),
        "fat": at(46, 125, 5, 95),
        "air": at(15, 100, 20),
    }
    lateral = Picture("", show(10), (1.0, 1.0))
    picture.means["muscle"] = lateral.region(n - 53, 45, 6)
    picture.centre = (100, n - 85)
    picture.noise_value = picture.noise((40, 160, n - 25, n - 2))
    return picture


def real_axial(path):
    # The file's pixel sequence lacks its delimiter: take the JPEG stream itself.
    data = path.read_bytes()
    start, end = data.find(b"\xff\xd8\xff"), data.rfind(b"\xff\xd9")
    picture = Picture("real axial T2 (GH1339, MS-PL)", decode(data[start : end + 2]), (0.625, 0.625))
    picture.means = {
        "CSF": picture.region(160, 172, 3.5, 75),
        "disc": picture.region(160, 140, 12),
        "marrow": picture.region(163, 226, 4),
        "muscle": picture.region(95, 228, 8),
        "fat": picture.region(45, 252, 10),
        "air": picture.region(160, 295, 15),
    }
    picture.centre = (170, 160)
    picture.noise_value = picture.noise((280, 312, 40, 280))
    return picture


class Study:
    def __init__(self, root, line):
        self.truth = json.loads(line)
        self.places = {
            mark["name"]: np.array([mark["point_mm"][axis] for axis in "xyz"]) for mark in self.truth["landmarks"]
        }
        self.series = {}
        for series in self.truth["series"]:
            folder = root / "train_images" / self.truth["study_id"] / series["series_id"]
            slices = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
            self.series.setdefault(series["kind"], slices)

    def nearest(self, kind, place):
        return min(self.series[kind], key=lambda slice_: abs(locate(slice_, place)[2]))


def studies(root):
    return [Study(root, line) for line in (root / "phantom_truth.jsonl").read_text().splitlines()]


def locate(slice_, place):
    """Column, row and signed distance off the slice of a place in patient space."""
    orientation = np.array(slice_.ImageOrientationPatient, float)
    across, down = orientation[:3], orientation[3:]
    offset = place - np.array(slice_.ImagePositionPatient, float)
    row_mm, column_mm = (float(value) for value in slice_.PixelSpacing)
    return offset @ across / column_mm, offset @ down / row_mm, offset @ np.cross(across, down)


def picture_of(slice_, title):
    return Picture(title, slice_.pixel_array, tuple(float(value) for value in slice_.PixelSpacing))


def phantom_sagittal(study, title, kind="sagittal_t2"):
    canal = study.places["canal L3/L4"]
    slice_ = study.nearest(kind, canal)
    picture = picture_of(slice_, title)
    at = lambda place, size, percentile=50, p=picture, s=slice_: p.region(*locate(s, place)[:2], size, percentile)
    bodies = [study.places[f"L{i} body"] for i in range(1, 6)]
    upper, lower = study.places["canal L2/L3"], canal
    back = np.array([0.0, 1.0, 0.0])
    column, row, _ = locate(slice_, canal)
    line = np.median(picture.pixels[int(row) - 4 : int(row) + 5, int(column) :], axis=0)
    skin = int(column) + np.flatnonzero(line > 0.25 * line.max())[-1]
    picture.means = {
        "CSF": at(0.5 * (upper + lower), 8, 85),
        "disc": max(at(0.5 * (a + b), 4) for a, b in zip(bodies, bodies[1:])),
        "marrow": at(bodies[2], 10),
        "fat": picture.region(skin - 5 / picture.spacing[1], row, 4),
        "air": float(np.median(picture.pixels[int(row) - 40 : int(row) + 40, -8:])),
    }
    side = np.array([30.0, 0.0, 0.0])
    lateral = study.nearest(kind, canal + side)
    beside = picture_of(lateral, "")
    picture.means["muscle"] = beside.region(*locate(lateral, canal + side + 28 * back)[:2], 8)
    picture.centre = (int(row), int(column))
    picture.noise_value = picture.noise((int(row) - 60, int(row) + 60, picture.pixels.shape[1] - 14, picture.pixels.shape[1]))
    return picture


def phantom_axial(study, title, level="L3/L4"):
    canal = study.places[f"canal {level}"]
    slice_ = study.nearest("axial_t2", canal)
    picture = picture_of(slice_, title)
    column, row, _ = locate(slice_, canal)
    line = np.median(picture.pixels[int(row) :, int(column) - 6 : int(column) + 7], axis=1)
    skin = int(row) + np.flatnonzero(line > 0.25 * line.max())[-1]
    step = lambda x, y: (column + x / picture.spacing[1], row + y / picture.spacing[0])
    picture.means = {
        "CSF": picture.region(*step(0, -2), 3.5, 85),
        "disc": picture.region(*step(0, -24), 12),
        "muscle": picture.region(*step(-40, -24), 10),
        "marrow": picture.region(*step(0, 36), 3),
        "fat": picture.region(column, skin - 6 / picture.spacing[0], 5),
        "air": float(np.median(picture.pixels[-10:, :])),
    }
    picture.centre = (int(row), int(column))
    picture.noise_value = picture.noise((picture.pixels.shape[0] - 12, picture.pixels.shape[0], 60, -60))
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("normal", type=Path)
    parser.add_argument("severe", type=Path)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    normals, severe = studies(args.normal), studies(args.severe)[0]
    normal = normals[0]
    real = [
        real_sagittal(args.real / "lumbar/t2_lumbar.nii.gz"),
        real_axial(args.real / "dicom/fo-dicom/GH1339.dcm"),
    ]
    made = [
        [phantom_sagittal(study, "phantom sagittal T2") for study in normals],
        [phantom_axial(study, "phantom axial T2") for study in normals],
    ]
    print("Synthetic pictures against real ones; signal relative to CSF. Research use only.\n")
    print(f"{'picture':32}" + "".join(f"{tissue:>8}" for tissue in TISSUES) + f"{'noise':>8}{'edge mm':>9}")
    failed = []
    for one, other in zip(real, made):
        rows = []
        for title, pictures in ((one.title, [one]), (f"{other[0].title}, n={len(other)}", other)):
            relative = {
                tissue: float(np.median([p.means[tissue] / p.means["CSF"] for p in pictures])) for tissue in TISSUES
            }
            noise, edge = (float(np.median(v)) for v in zip(*((p.noise_value, p.edge_mm()) for p in pictures)))
            rows.append((relative, noise, edge))
            values = "".join(f"{relative[tissue]:8.3f}" for tissue in TISSUES)
            print(f"{title:32}{values}{noise:8.3f}{edge:9.2f}")
        order = lambda relative: sorted((t for t in TISSUES if t != "disc"), key=lambda t: -relative[t])
        if order(rows[0][0]) != order(rows[1][0]):
            failed.append(f"{other[0].title}: order {order(rows[1][0])}, expected {order(rows[0][0])}")
        for name, k in (("noise", 1), ("edge width", 2)):
            if not 0.5 <= rows[1][k] / rows[0][k] <= 2.0:
                failed.append(f"{other[0].title}: {name} {rows[1][k]:.3f}, expected within a factor of two of {rows[0][k]:.3f}")
    draw(real, normal, severe, args.out)
    for line in failed:
        print("FAILED", line)
    sys.exit(1 if failed else 0)


def draw(real, normal, severe, out):
    figure, axes = plt.subplots(3, 4, figsize=(19, 14.5))
    shown = [real[0], None, real[1], None]
    rows = [shown]
    for study, word in ((normal, "normal"), (severe, "severe")):
        foramen = study.nearest("sagittal_t1", study.places["left foramen L3/L4"])
        rows.append(
            [
                phantom_sagittal(study, f"phantom, {word}: sagittal T2"),
                picture_of(foramen, f"phantom, {word}: sagittal T1, left foramina"),
                phantom_axial(study, f"phantom, {word}: axial T2, L3/L4"),
                phantom_axial(study, f"phantom, {word}: axial T2, L4/L5", "L4/L5"),
            ]
        )
    for line, row in zip(axes, rows):
        for axis, picture in zip(line, row):
            axis.axis("off")
            if picture is None:
                continue
            limit = np.percentile(picture.pixels, 99.3)
            axis.imshow(
                picture.pixels, cmap="gray", vmin=0, vmax=limit, aspect=picture.spacing[0] / picture.spacing[1],
                interpolation="bilinear",
            )
            axis.set_title(picture.title)
    figure.suptitle("Synthetic studies beside real ones. Research use only, not a medical device.")
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(out, dpi=70)


if __name__ == "__main__":
    main()
