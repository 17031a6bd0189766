//! Measures how fast DICOM becomes model input here: `throughput DICOM_DIR`.
#![allow(clippy::print_stdout, reason = "a program")]

use anyhow::Context;
use lumbar_core::PixelPoint;
use lumbar_dicom::{Limits, read_image};
use lumbar_preprocess::{
    Extent, Filter, Histogram, Padding, Pixels, Polarity, Recipe, Scratch, SliceView, ValueMap,
};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

fn main() -> anyhow::Result<()> {
    let root = PathBuf::from(std::env::args().nth(1).context("usage: throughput DICOM_DIR")?);
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    let recipe = Recipe {
        extent: Extent::WholeSlice,
        shape: [256, 256],
        filter: Filter::Area,
        padding: Padding::Zero,
    };
    let (mut out, mut scratch) = (vec![0u8; 256 * 256], Scratch::default());
    let (mut n_slices, mut n_skipped) = (0u32, 0u32);
    let begun = Instant::now();
    for file in &files {
        match prepare(file, &recipe, &mut out, &mut scratch) {
            Ok(n) => n_slices += n,
            Err(_) => n_skipped += 1,
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = f64::from(n_slices) / seconds;
    println!(
        "{n_slices} slices ({n_skipped} files skipped) in {seconds:.2} s on one thread: {rate:.0} slices/s"
    );
    println!(
        "{:.2} ms a slice from file to 256 x 256 grey levels",
        1000.0 / rate
    );
    Ok(())
}

fn prepare(file: &Path, recipe: &Recipe, out: &mut [u8], scratch: &mut Scratch) -> anyhow::Result<u32> {
    let image = read_image(file, &Limits::default())?;
    let mut n = 0;
    for (index, header) in (0..).zip(&image.header.frames) {
        let frame = image.pixels.frame(index)?;
        let plane = header.plane.as_ref().ok().context("no geometry")?;
        // Signed values are moved up: percentiles do not mind.
        let values: Vec<u16> = match frame.as_u16() {
            Some(values) => values.to_vec(),
            None => frame
                .to_i32()
                .into_iter()
                .map(|v| (v + 0x8000).clamp(0, 0xffff) as u16)
                .collect(),
        };
        let mut histogram = Histogram::new();
        histogram.add(&values)?;
        let map = ValueMap::percentiles(&histogram, 1.0, 99.0, Polarity::Bright)?;
        let pixels = Pixels::new(&values, [plane.rows() as usize, plane.columns() as usize])?;
        let centre = plane.pixel_to_patient(PixelPoint::new(
            f64::from(plane.columns()) / 2.0,
            f64::from(plane.rows()) / 2.0,
        ));
        recipe.render(&[SliceView { plane, pixels, map }], centre, (out, scratch))?;
        n += 1;
    }
    Ok(n)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
