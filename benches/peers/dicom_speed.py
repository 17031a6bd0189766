"""DICOM file to normalised 256 x 256 picture, and header scans: ours against pydicom, SimpleITK and MONAI.

    python3 -m venv venv && venv/bin/pip install -r benches/peers/dicom_speed.txt
    cargo run --release -p lumbar-phantom --example make_phantom -- target/peers/phantom 1 3
    venv/bin/python benches/peers/dicom_corpus.py target/peers/phantom target/peers/corpus --files 40
    cargo build --release -p lumbar-benches --bin slice_speed
    venv/bin/python benches/peers/dicom_speed.py target/release/slice_speed target/peers/corpus

The work, the same for all: read a file, decode it, take percentiles 1 and 99 of the slice, clip, shrink by area to 256 x 256,
round to 8 bits. First the pictures are compared: if any pixel differs by more than one level, nothing is measured and the
exit code is 1. Then each program works through the same warm files in a process of its own, one thread a worker, for
SECONDS; CPU time is user and system time of the process, without start-up. "Best" is the mean over the files of the
shortest visit of each, by the clock: what the work costs in the moments when nobody else has the machine. Where others
want it too, --rounds lets the programs take turns several times; ratios are then taken round by round.

pydicom is given its best case: of the ways to read (`dcmread` and `pixel_array`, or `pydicom.pixels.pixel_array`), to count
(`numpy.bincount`, `cv2.calcHist`) and to shrink (16 bits or float) the fastest combination is found first, for each encoding
and size, and that one is measured. OpenCV and ITK run on one thread. A worker is a process there, a thread here.

MONAI needs torch and is measured if it is installed (`--monai PYTHON` names an interpreter that has it).
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENCODINGS = ("explicit", "rle", "jpeg-lossless", "jpeg2000")
SIZES = (320, 384, 448, 512, 640)
OUTPUT = 256


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--worker":
        return worker(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=1, help="rounds in which all programs take turns; medians are printed")
    parser.add_argument("--encodings", default=",".join(ENCODINGS))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--peers", default="pydicom,sitk", help="of pydicom, sitk; the first is the one ratios are taken to")
    parser.add_argument("--monai", type=Path, help="a Python that has MONAI")
    args = parser.parse_args()
    folders = [(e, int(s), args.corpus / e / s) for e in args.encodings.split(",") for s in args.sizes.split(",")]
    peers = [(peer, sys.executable) for peer in args.peers.split(",")]
    if args.monai:
        peers.append(("monai", str(args.monai)))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    agree(args.program, peers, folders)
    pictures(args, peers, folders)
    headers(args)


def agree(program, peers, folders):
    """Exits if any program's pictures differ from ours by more than one level."""
    import numpy as np

    worst = {}
    with tempfile.TemporaryDirectory() as scratch:
        for encoding, size, folder in folders:
            ours = Path(scratch) / "ours"
            subprocess.run([program, "pictures", folder, "1", "0", ours], check=True, stdout=subprocess.DEVNULL)
            ours = np.fromfile(ours, np.uint8).astype(int)
            for peer, python in peers:
                theirs = Path(scratch) / "theirs"
                run_worker(python, peer, folder, 0, theirs)
                theirs = np.fromfile(theirs, np.uint8).astype(int)
                if theirs.shape != ours.shape:
                    sys.exit(f"{peer}: {len(theirs)} pixels of {encoding} {size}, ours are {len(ours)}")
                # MONAI's "area" is torch's adaptive pooling: the mean of whole pixels, another filter at broken ratios.
                kind = "" if peer != "monai" or size % OUTPUT == 0 else " (another filter, not judged)"
                worst[peer + kind] = max(worst.get(peer + kind, 0), int(np.abs(ours - theirs).max()))
    for peer, levels in worst.items():
        print(f"largest difference from {peer}: {levels} level(s)")
    if max(levels for peer, levels in worst.items() if "not judged" not in peer) > 1:
        sys.exit("pictures differ by more than one level: nothing measured")


def pictures(args, peers, folders):
    names = [peer for peer, _ in peers]
    print(f"\nCPU-ms a slice with 1 worker, best ms (slices/s with 1 and 2 workers; peak MiB of a process), medians of {args.rounds} round(s)")
    print("| encoding | size | lumbar | " + " | ".join(names) + f" | {names[0]} / lumbar: CPU (least to most), best | way of {names[0]} |")
    print("|---|---|---|" + "---|" * (len(names) + 2))
    for encoding, size, folder in folders:
        rounds = [measure(args, peers, folder) for _ in range(args.rounds)]
        cells = [cell(*(median(each[program][n] for each in rounds) for n in (0, 1))) for program in range(1 + len(peers))]
        ratios = [sorted(each[1][0][key] / each[0][0][key] for each in rounds) for key in ("cpu_ms", "best_ms")]
        cpu, best = (statistics.median(of) for of in ratios)
        least, most = ratios[0][0], ratios[0][-1]
        ways = sorted({each[1][0].get("way", "") for each in rounds})
        print(f"| {encoding} | {size} | " + " | ".join(cells) + f" | **{cpu:.1f}** ({least:.1f} to {most:.1f}), {best:.1f} | {'; '.join(ways)} |", flush=True)


def measure(args, peers, folder):
    """One round: for each program, ours first, what one worker and what two workers did."""
    ours = [json.loads(subprocess.check_output([args.program, "pictures", folder, str(n), str(args.seconds)])) for n in (1, 2)]
    return [ours] + [[run_worker(python, peer, folder, args.seconds, n=n) for n in (1, 2)] for peer, python in peers]


def median(results):
    results = list(results)
    return {key: statistics.median(result[key] for result in results) for key, value in results[0].items() if isinstance(value, (int, float))}


def cell(one, two):
    return f"{one['cpu_ms']:.3f}, {one['best_ms']:.3f} ({one['per_s']:.0f}, {two['per_s']:.0f}; {one['peak_rss_mib']:.0f})"


def headers(args):
    folder = args.corpus / "explicit" / "320"
    ours = json.loads(subprocess.check_output([args.program, "headers", folder, "1", str(args.seconds)]))
    theirs = run_worker(sys.executable, "headers", folder, args.seconds)
    print("\nheaders only, CPU-ms a file, best: "
          f"lumbar {ours['cpu_ms']:.4f}, {ours['best_ms']:.4f}; pydicom (stop_before_pixels) {theirs['cpu_ms']:.4f}, {theirs['best_ms']:.4f}; "
          f"ratio {theirs['cpu_ms'] / ours['cpu_ms']:.0f}, {theirs['best_ms'] / ours['best_ms']:.0f}")


def run_worker(python, peer, folder, seconds, out=None, n=1):
    """Runs `n` workers side by side, each on all files; gives the first one's numbers with the sum of the rates."""
    # Settings of the machine that slow numpy down must not decide a comparison.
    environment = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="1")
    command = [python, __file__, "--worker", peer, folder, str(seconds), *([out] if out else [])]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(n)]
    results = []
    for process in started:
        printed, _ = process.communicate()
        if process.returncode:
            sys.exit(f"{peer} failed")
        results.append(json.loads(printed))
    results[0]["per_s"] = sum(result["per_s"] for result in results)
    return results[0]


def worker(peer, folder, seconds, out=None):
    files = sorted(map(str, Path(folder).rglob("*.dcm")))
    if peer == "headers":
        import pydicom

        road, way = (lambda path: pydicom.dcmread(path, stop_before_pixels=True)), ""
    else:
        road, way = {"pydicom": pydicom_road, "sitk": sitk_road, "monai": monai_road}[peer](files)
    if out:
        with open(out, "wb") as all_pictures:
            for path in files:
                all_pictures.write(road(path).tobytes())
    for path in files:
        road(path)
    begun, cpu_begun, n = time.perf_counter(), time.process_time(), 0
    best = {}
    while (now := time.perf_counter()) - begun < float(seconds):
        path = files[n % len(files)]
        road(path)
        best[path] = min(best.get(path, float("inf")), time.perf_counter() - now)
        n += 1
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "cpu_ms": cpu * 1e3 / max(n, 1), "best_ms": sum(best.values()) * 1e3 / max(len(best), 1), "per_s": n / wall, "peak_rss_mib": peak, "way": way}))


def counters(np, cv2):
    def bincount(pixels):
        return np.bincount(pixels.ravel())

    def calc_hist(pixels):
        top = int(pixels.max()) + 1
        return cv2.calcHist([pixels], [0], None, [top], [0, top]).ravel()

    return {"bincount": bincount, "calcHist": calc_hist}


def window(np, counts):
    """Percentiles 1 and 99, interpolated as numpy does, from counts of the values."""
    total = np.cumsum(counts)
    bounds = []
    for q in (0.01, 0.99):
        position = (int(total[-1]) - 1) * q
        below = int(position)
        low, high = (float(np.searchsorted(total, rank, side="right")) for rank in (below, min(below + 1, int(total[-1]) - 1)))
        bounds.append(low + (high - low) * (position - below))
    return bounds


def shrinkers(np, cv2):
    def as_float(pixels, low, high):
        grey = np.clip(pixels, low, high, dtype=np.float32)
        grey = cv2.resize(grey, (OUTPUT, OUTPUT), interpolation=cv2.INTER_AREA)
        return ((grey - low) * (255 / (high - low)) + 0.5).astype(np.uint8)

    def as_16_bits(pixels, low, high):
        # Exact where percentiles are whole numbers and the window is wide, as nearly always; the comparison watches.
        grey = np.clip(pixels, round(low), round(high))
        grey = cv2.resize(grey, (OUTPUT, OUTPUT), interpolation=cv2.INTER_AREA)
        scale = 255 / (high - low)
        return cv2.convertScaleAbs(np.maximum(grey, round(low)), alpha=scale, beta=-low * scale)

    return {"float": as_float, "16 bits": as_16_bits}


def fastest(roads, files):
    """The road with the least CPU time over the files, after one round to warm up."""
    def cost(road):
        best = float("inf")
        for _ in range(4):
            begun = time.process_time()
            for path in files[:12]:
                road(path)
            best = min(best, time.process_time() - begun)
        return best

    way = min(roads, key=lambda name: cost(roads[name]))
    return roads[way], way


def combined(read, files, reader_name):
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def road(read, count, shrink):
        def run(path):
            pixels = read(path)
            return shrink(pixels, *window(np, count(pixels)))
        return run

    roads = {
        f"{reader}, {counter}, {shrinker}": road(function, count, shrink)
        for reader, function in read.items()
        for counter, count in counters(np, cv2).items()
        for shrinker, shrink in shrinkers(np, cv2).items()
    }
    return fastest(roads, files)


def pydicom_road(files):
    import pydicom
    from pydicom.pixels import pixel_array

    return combined({"dcmread": lambda path: pydicom.dcmread(path).pixel_array, "pixel_array": pixel_array}, files, "pydicom")


def sitk_road(files):
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    held = {}

    def read(path):
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(path)
        # A view lives no longer than its image.
        held["image"] = reader.Execute()
        return SimpleITK.GetArrayViewFromImage(held["image"])[0]

    return combined({"ImageFileReader": read}, files, "SimpleITK")


def monai_road(files):
    import torch
    from monai.data import PydicomReader
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Resize, ScaleIntensityRangePercentiles

    torch.set_num_threads(1)
    road = Compose([
        LoadImage(reader=PydicomReader(swap_ij=False), image_only=True),
        EnsureChannelFirst(channel_dim="no_channel"),
        ScaleIntensityRangePercentiles(1, 99, 0, 255, clip=True),
        Resize((OUTPUT, OUTPUT), mode="area"),
    ])

    def run(path):
        picture = road(path)
        return (picture[0] + 0.5).to(torch.uint8).numpy()

    return run, "LoadImage, ScaleIntensityRangePercentiles, Resize(area)"


if __name__ == "__main__":
    main()
