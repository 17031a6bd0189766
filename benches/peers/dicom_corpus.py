"""DICOM files of lumbar-like slices for speed comparisons: five matrix sizes, four encodings, the same pixels in each.

    cargo run --release -p lumbar-phantom --example make_phantom -- target/peers/phantom 1 3
    python benches/peers/dicom_corpus.py target/peers/phantom target/peers/corpus --files 40

Each slice is one of the phantom's, brought to the size by cubic interpolation, with noise added afresh, 12 bits in 16. The
header is the phantom's. pydicom writes the files; RLE and JPEG 2000 are encoded by pylibjpeg-rle and pylibjpeg-openjpeg,
JPEG Lossless (predictor 1, as scanners write it, with the Huffman table that suits each slice) by the few lines below,
because no package of PyPI encodes it so. Needs numpy, opencv-python-headless, pydicom, pylibjpeg, pylibjpeg-rle,
pylibjpeg-openjpeg.
"""

import argparse
import copy
import heapq
from pathlib import Path

import cv2
import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import (ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, RLELossless, generate_uid)

SIZES = (320, 384, 448, 512, 640)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phantom", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--files", type=int, default=40, help="files of each size and encoding")
    args = parser.parse_args()
    sources = sorted(args.phantom.rglob("*.dcm"))
    rng = np.random.default_rng(7)
    for size in SIZES:
        for number in range(args.files):
            slice_ = resized(pydicom.dcmread(sources[number * len(sources) // args.files]), size, rng)
            for name, encoded in encodings(slice_):
                path = args.out / name / str(size) / f"{number:04d}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                encoded.save_as(path, enforce_file_format=True)
    print(f"{args.files} files of each of {len(SIZES)} sizes and 4 encodings")


def resized(source, size, rng):
    pixels = source.pixel_array.astype(np.float32)
    pixels *= 2500 / max(np.percentile(pixels, 99.5), 1)
    pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_CUBIC)
    # Rician, as magnitude images are: the air is noise too.
    noise = rng.normal(0, 12, (2, size, size)).astype(np.float32)
    pixels = np.hypot(pixels + noise[0], noise[1])
    spacing = [float(old) * rows / size for old, rows in zip(source.PixelSpacing, (source.Rows, source.Columns))]
    source.PixelSpacing = [round(value, 6) for value in spacing]
    source.Rows = source.Columns = size
    source.BitsStored, source.HighBit, source.PixelRepresentation = 12, 11, 0
    source.PixelData = np.clip(np.rint(pixels), 0, 4095).astype("<u2").tobytes()
    source["PixelData"].VR = "OW"
    source.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return source


def encodings(slice_):
    def fresh():
        own = copy.deepcopy(slice_)
        own.SOPInstanceUID = own.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        return own

    yield "explicit", fresh()
    rle = fresh()
    rle.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    yield "rle", rle
    jpeg = fresh()
    pixels = np.frombuffer(slice_.PixelData, "<u2").reshape(slice_.Rows, slice_.Columns)
    jpeg.PixelData = encapsulate([jpeg_lossless(pixels)])
    jpeg["PixelData"].VR, jpeg["PixelData"].is_undefined_length = "OB", True
    jpeg.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    yield "jpeg-lossless", jpeg
    j2k = fresh()
    j2k.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    yield "jpeg2000", j2k


def jpeg_lossless(pixels, precision=12):
    """ITU-T T.81 process 14, selection value 1, one component, one table."""
    values = pixels.astype(np.int64)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (precision - 1)
    difference = (values - predicted).ravel()
    category = np.zeros(difference.shape, np.int64)
    for bit in range(precision + 1):
        category += np.abs(difference) >= 1 << bit
    counts = np.bincount(category, minlength=17)
    symbols, lengths = code_lengths(counts)
    codes, code = np.zeros(17, np.int64), 0
    length_of = np.zeros(17, np.int64)
    for previous, (symbol, length) in zip([0, *lengths], zip(symbols, lengths)):
        code <<= length - (previous or length)
        codes[symbol], length_of[symbol] = code, length
        code += 1
    # Negative differences are written less one, in as many low bits as the category says.
    extra = np.where(difference < 0, difference - 1, difference) & ((1 << category) - 1)
    word, width = codes[category] << category | extra, length_of[category] + category
    starts = np.cumsum(width) - width
    sample = np.repeat(np.arange(len(word)), width)
    place = width[sample] - 1 - (np.arange(len(sample)) - starts[sample])
    bits = (word[sample] >> place & 1).astype(np.uint8)
    bits = np.append(bits, np.ones(-len(bits) % 8, np.uint8))
    scan = np.packbits(bits).tobytes().replace(b"\xff", b"\xff\x00")
    rows, columns = pixels.shape
    histogram = bytes(lengths.count(n) for n in range(1, 17))
    table = b"\xff\xc4" + (19 + len(symbols)).to_bytes(2, "big") + b"\0" + histogram + bytes(symbols)
    frame = b"\xff\xc3\0\x0b" + bytes([precision]) + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + b"\x01\x01\x11\0"
    return b"\xff\xd8" + table + frame + b"\xff\xda\0\x08\x01\x01\0\x01\0\0" + scan + b"\xff\xd9"


def code_lengths(counts):
    """Symbols met, by length of code, and the lengths: Huffman's, with the all-ones code left free as T.81 asks."""
    heap = [(int(n), [symbol]) for symbol, n in enumerate(counts) if n] + [(0, [-1])]
    depth = dict.fromkeys([symbol for _, group in heap for symbol in group], 0)
    heapq.heapify(heap)
    while len(heap) > 1:
        (a, left), (b, right) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in left + right:
            depth[symbol] += 1
        heapq.heappush(heap, (a + b, left + right))
    depth.pop(-1)
    ordered = sorted(depth, key=lambda symbol: (depth[symbol], symbol))
    return ordered, [depth[symbol] for symbol in ordered]


if __name__ == "__main__":
    main()
