"""Our `area` filter against OpenCV's INTER_AREA: equal within one 8-bit level.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install numpy==2.2.6 opencv-python-headless==4.12.0.88
    cargo build --release -p lumbar-preprocess --example area_stdin
    /tmp/peers/bin/python benches/peers/area_vs_opencv.py target/release/examples/area_stdin

Exits 1 if any pixel differs by more than one level. Images: noise (the hardest case), a gradient, a checkerboard and a
smooth picture, over sizes of the RSNA 2024 set and awkward ratios, both axes shrinking or both growing. Where one axis
shrinks and the other grows OpenCV falls back to interpolation; those cases are printed, not judged.
"""

import struct
import subprocess
import sys

import cv2
import numpy as np


def pictures(rows, columns, rng):
    y, x = np.mgrid[0:rows, 0:columns]
    yield "noise", rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    yield "gradient", ((x * 255) // max(columns - 1, 1)).astype(np.uint8)
    yield "checkerboard", (((x + y) % 2) * 255).astype(np.uint8)
    yield "smooth", (127.5 + 60 * np.sin(x / 9.0) + 60 * np.cos(y / 7.0)).astype(np.uint8)


def ours(program, jobs):
    payload = b"".join(
        struct.pack("<4I", *image.shape, *shape) + image.tobytes() for image, shape in jobs
    )
    out = subprocess.run([program], input=payload, stdout=subprocess.PIPE, check=True).stdout
    images, at = [], 0
    for _, (rows, columns) in jobs:
        images.append(np.frombuffer(out, np.uint8, rows * columns, at).reshape(rows, columns))
        at += rows * columns
    assert at == len(out)
    return images


def main():
    rng = np.random.default_rng(2024)
    sizes = [(320, 320), (384, 384), (448, 448), (512, 512), (640, 640), (1024, 1024), (760, 640), (852, 768),
             (192, 248), (257, 131), (100, 333)]
    shrink = [(s, t) for s in sizes for t in [(64, 64), (128, 128), (96, 80), (99, 77), (256, 256)]]
    grow = [((s, t), u) for (s, t) in [(31, 45), (64, 64), (50, 63)] for u in [(64, 64), (128, 128), (127, 211)]]
    jobs, names = [], []
    for source, target in shrink + grow:
        for name, image in pictures(*source, rng):
            jobs.append((image, target))
            names.append(name)
    results = ours(sys.argv[1], jobs)
    judged, unjudged = {}, []
    for (image, (rows, columns)), name, found in zip(jobs, names, results):
        expected = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
        worst = int(np.abs(expected.astype(int) - found.astype(int)).max())
        down = (image.shape[0] >= rows, image.shape[1] >= columns)
        if down[0] != down[1]:
            unjudged.append(worst)
            continue
        key = (name, "shrink" if all(down) else "grow")
        share = float((expected != found).mean())
        old = judged.get(key, (0, 0.0, 0))
        judged[key] = (max(old[0], worst), max(old[1], share), old[2] + 1)
    print(f"OpenCV {cv2.__version__}")
    for (name, way), (worst, share, n) in sorted(judged.items()):
        print(f"{name:13s} {way:7s} {n:3d} images, largest difference {worst} level(s), pixels that differ {share:.2%}")
    print(f"one axis shrinking, the other growing: {len(unjudged)} images, differences up to {max(unjudged, default=0)} (not judged)")
    sys.exit(any(worst > 1 for worst, _, _ in judged.values()))


if __name__ == "__main__":
    main()
