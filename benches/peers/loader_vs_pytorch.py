"""The loader beside a PyTorch DataLoader over .npy files doing the same work, and beside a plain copy of the bytes.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 torch==2.15.0 pyarrow==26.0.1
    cargo build --release --locked && cargo build --release --locked -p lumbar-dataset --example loader_rates
    venv/bin/python benches/peers/loader_vs_pytorch.py [--lumbar target/release/lumbar] [--samples 4096]

Builds a dataset of 3 x 128 x 128 samples of 8 bits from phantoms with tiny pixels (how fast a sample moves does not
depend on what it shows), writes each sample as one .npy file too, and reads both warm, in batches of 32, shuffled, two
workers. The augmentation in PyTorch is ours in its terms, vectorised over the sample: gamma, contrast and brightness;
`affine_grid` and `grid_sample` (bilinear, border); blur, bias field and noise, each for half of the samples.
"""

import argparse
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
N_EPOCHS = 3


class Files(torch.utils.data.Dataset):
    def __init__(self, paths, augment):
        self.paths, self.augment = paths, augment

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        sample = torch.from_numpy(np.load(self.paths[i]))
        return augment(sample) if self.augment else sample


def spread():
    return float(torch.rand(())) * 2 - 1


def augment(sample):
    """Default `Augment` of lumbar-preprocess: 3 x rows x columns of u8 in, f32 of the same shape out."""
    x = sample.float() / 255
    gamma, contrast = 1.2 ** spread(), 1.2 ** spread()
    x = ((x**gamma - 0.5) * contrast + (0.5 + 0.08 * spread())).clamp_(0, 1)
    angle, zoom = math.radians(10 * spread()), 1.1 ** spread()
    c, s = math.cos(angle) / zoom, math.sin(angle) / zoom
    theta = torch.tensor([[[c, s, 0.12 * spread()], [-s, c, 0.12 * spread()]]])
    grid = F.affine_grid(theta, (1, *x.shape), align_corners=False)
    x = F.grid_sample(x[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    happens = torch.rand(3) < 0.5
    sigma = 0.8 * float(torch.rand(()))
    if happens[0] and sigma >= 0.25:
        radius = math.ceil(2.5 * sigma)
        k = torch.exp(-torch.arange(-radius, radius + 1).float() ** 2 / (2 * sigma * sigma))
        k = (k / k.sum()).expand(x.shape[1], 1, -1)
        x = F.pad(x, (radius,) * 4, mode="replicate")
        x = F.conv2d(F.conv2d(x, k[..., None], groups=k.shape[0]), k[:, :, None], groups=k.shape[0])
    if happens[1]:
        rows, columns = x.shape[-2:]
        v = torch.linspace(-1, 1, rows)[:, None]
        u = torch.linspace(-1, 1, columns)[None]
        b = [0.2 / 3 * spread() for _ in range(5)]
        x = x * (1 + b[0] * u + b[1] * v + b[2] * u * v + b[3] * (u * u - 1 / 3) + b[4] * (v * v - 1 / 3))
    if happens[2]:
        x = x + torch.randn_like(x) * (0.03 * float(torch.rand(())))
    return x.clamp_(0, 1)[0]


def rate(paths, augmented, workers):
    loader = torch.utils.data.DataLoader(
        Files(paths, augmented), batch_size=32, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    best = 0.0
    for epoch in range(N_EPOCHS + 1):
        start = time.perf_counter()
        n = sum(len(batch) for batch in loader)
        if epoch:
            best = max(best, n / (time.perf_counter() - start))
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lumbar", type=Path, default=ROOT / "target/release/lumbar")
    parser.add_argument("--rates", type=Path, help="the example loader_rates, where it is built")
    parser.add_argument("--samples", type=int, default=4096)
    options = parser.parse_args()
    rates = options.rates or options.lumbar.parent / "examples/loader_rates"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        studies = math.ceil(options.samples / 28)
        lumbar = lambda *a: subprocess.run([options.lumbar, *map(str, a), "-q"], check=True)
        lumbar("phantom", "--out", work / "rsna", "--studies", studies, "--pixels", "tiny")
        lumbar("dataset", "build", "--rsna", work / "rsna", "--out", work / "ds", "--set", "size=128")
        ours = json.loads(subprocess.check_output([rates, work / "ds", str(options.samples)], text=True))
        n, shape = ours["n_samples"], tuple(ours["shape"])
        paths = write_npy(work, n, shape)
        theirs = {
            f"{name}_{workers}_workers": rate(paths, augmented, workers)
            for name, augmented in [("plain_u8", False), ("augmented_f32", True)]
            for workers in [0, 2]
        }
    show(ours, theirs)


def write_npy(work, n, shape):
    import pyarrow as pa

    (work / "npy").mkdir()
    paths = []
    for shard in sorted((work / "ds/pixels").glob("*.arrow")):
        reader = pa.ipc.open_file(pa.memory_map(str(shard)))
        for i in range(reader.num_record_batches):
            pixels = reader.get_batch(i).column("pixels")
            pixels = getattr(pixels, "storage", pixels)
            values = pixels.values.to_numpy(zero_copy_only=True).reshape(-1, *shape)
            for sample in values[: n - len(paths)]:
                paths.append(work / f"npy/{len(paths):06}.npy")
                np.save(paths[-1], sample)
    return paths


def show(ours, theirs):
    rates, per_core = ours["samples_per_s"], ours["samples_per_core_s"]
    print(f"{ours['n_samples']} samples of {ours['shape']}, torch {torch.__version__}, best epoch, samples/s")
    for cores, copy in [("0", "copy_1_threads"), ("2", "copy_2_threads")]:
        who = "calling thread" if cores == "0" else "two workers"
        plain, grey = rates[f"plain_u8_{cores}_workers"], rates[f"augmented_f32_{cores}_workers"]
        core_rate = per_core[f"augmented_f32_{cores}_workers"] or grey / max(int(cores), 1)
        print(f"\n{who}")
        print(f"  plain copy of the bytes            {rates[copy]:10.0f}")
        core_ratio = (per_core[copy] or 0) / (per_core[f"plain_u8_{cores}_workers"] or 1)
        print(f"  batches of u8                      {plain:10.0f}   {rates[copy] / plain:6.2f} x the time of the copy, {core_ratio:.2f} x its processor time (limit 2)")
        print(f"  PyTorch, .npy, u8                  {theirs[f'plain_u8_{cores}_workers']:10.0f}   {plain / theirs[f'plain_u8_{cores}_workers']:6.1f} times slower than ours")
        print(f"  batches of f32                     {rates[f'plain_f32_{cores}_workers']:10.0f}")
        print(f"  default augmentation, f32          {grey:10.0f}   {core_rate:.0f} a second of processor time, {core_rate / 5000:.2f} x 5,000 (at least 1)")
        print(f"  PyTorch, .npy, same augmentation   {theirs[f'augmented_f32_{cores}_workers']:10.0f}   {grey / theirs[f'augmented_f32_{cores}_workers']:6.1f} times slower than ours")


if __name__ == "__main__":
    main()
