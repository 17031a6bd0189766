//! Images of different patients that are too alike: copies under another name leak from one side of a split to another.

mod align;
mod compare;
mod filter;
mod hash;
mod sieve;

use crate::{Assignment, Dataset, DatasetError, Sample, SampleMode};
use compare::Likeness;
use hash::{Hasher, Probes};
use lumbar_preprocess::{
    Filter, Orientation, Padding, Pixels, Region, Resampling, Scratch, ValueMap, resample,
};
use rayon::prelude::*;
use serde::Serialize;
use sieve::Sieve;
use std::collections::BTreeMap;

/// Side of the picture that is compared, pixels: every sample is brought to it.
const SIDE: usize = 64;
/// Bits of 64 by which two hashes may differ and still be looked at.
const MAX_HASH_DISTANCE: u32 = 14;
/// Least correlation of detail at the best shift in whole pixels of what is looked at closely.
const MIN_SIEVE: f32 = 0.6;
/// Least correlation of detail of what is called a near-duplicate. See [`near_duplicates`] for what the limits rest on.
const MIN_DETAIL: f32 = 0.88;
/// Fewer pixels of the file than this across a sample leave no detail to compare.
const MIN_SOURCE_PIXELS: f64 = 32.0;
/// A picture whose grey levels spread less than this (standard deviation, of 255) shows nothing.
const MIN_SPREAD: f32 = 4.0;

/// What [`near_duplicates`] found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct NearDuplicates {
    /// Pairs of different patients whose pictures are the same, by sample.
    pub pairs: Vec<NearDuplicate>,
    /// Samples that were compared.
    pub n_compared: usize,
    /// Samples that could not be: blank, or with fewer than 32 pixels of the file across.
    pub n_not_comparable: usize,
    /// Pairs that were compared closely, after hashes and a quick look.
    pub n_close: usize,
    /// Largest correlation of detail of a pair that was compared closely and not called a near-duplicate; 0 if there
    /// was none.
    pub largest_below: f32,
}

/// Two samples of different patients that show the same picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearDuplicate {
    /// Ids of the samples.
    pub samples: [String; 2],
    /// Their studies.
    pub studies: [String; 2],
    /// Part of the split and fold of each.
    pub places: [String; 2],
    /// Whether the two stand on two sides: in different parts, or in different folds.
    pub across: bool,
    /// Correlation of the pictures where the second lies best over the first.
    pub correlation: f32,
    /// Correlation of their fine detail there.
    pub detail_correlation: f32,
    /// How far right and down the second shows what the first does, pixels of a sample scaled to 64 x 64.
    pub shift_px: [f32; 2],
    /// How much larger it shows it, across and down.
    pub scale: [f32; 2],
}

/// Finds samples of different patients that show the same picture: re-encoded, brighter, shifted by up to a tenth of
/// the crop, or cut and stretched by a few percent.
///
/// # Method
/// The central slices of all samples of a condition group and view are brought to 64 x 64 pixels.
/// 1. A perceptual hash (signs of 64 low frequencies of the middle of the picture, each against its median over the
///    group, so that the anatomy all share does not count) names candidates: pairs whose hashes differ by at most 14 of
///    64 bits at one of 25 shifts.
/// 2. A quick look at every other pixel leaves those whose detail correlates by 0.6 at a shift in whole pixels.
/// 3. The second picture is laid over the first by least squares, in shift and scale. The two are near-duplicates if
///    their fine detail, texture and grain, then correlates by 0.88 or more.
///
/// The limits rest on `examples/near_duplicates.rs`, which prints the distributions for copies and for strangers;
/// `data-spec/near-duplicates.md` argues them. Mirrored copies are not looked for.
///
/// # Errors
/// [`DatasetError`] if pixels cannot be read.
pub fn near_duplicates(dataset: &Dataset) -> Result<NearDuplicates, DatasetError> {
    similar_pictures(dataset, MIN_DETAIL)
}

/// As [`near_duplicates`], with another limit on the correlation of detail: for seeing how far copies and strangers are
/// apart. Below about 0.7 it misses pairs, which the quick look keeps out.
///
/// # Errors
/// As [`near_duplicates`].
pub fn similar_pictures(dataset: &Dataset, min_detail: f32) -> Result<NearDuplicates, DatasetError> {
    let mut found = NearDuplicates::default();
    // One group in memory at a time.
    for group in groups(dataset).into_values() {
        let pictures: Vec<(usize, Picture)> = group
            .par_iter()
            .filter_map(|index| Some(picture(dataset, *index).transpose()?.map(|of| (*index, of))))
            .collect::<Result<_, _>>()?;
        found.n_compared += pictures.len();
        found.n_not_comparable += group.len() - pictures.len();
        for (a, b, likeness) in close_pairs(dataset, &pictures) {
            found.n_close += 1;
            if likeness.detail >= min_detail {
                let samples = [&dataset.samples()[a], &dataset.samples()[b]];
                found.pairs.push(pair(samples, likeness));
            } else {
                found.largest_below = found.largest_below.max(likeness.detail);
            }
        }
    }
    found.pairs.sort_by(|a, b| a.samples.cmp(&b.samples));
    Ok(found)
}

/// The central slice of a sample, ready to be compared.
struct Picture {
    /// 257 for each of 255 grey levels.
    levels: Vec<u16>,
    sieve: Sieve,
}

impl Picture {
    fn of(levels: Vec<u16>) -> Picture {
        Picture {
            sieve: Sieve::of(&grey(&levels)),
            levels,
        }
    }

    fn grey(&self) -> Vec<f32> {
        grey(&self.levels)
    }
}

fn grey(levels: &[u16]) -> Vec<f32> {
    levels.iter().map(|level| f32::from(*level) / 257.0).collect()
}

fn picture(dataset: &Dataset, index: usize) -> Result<Option<Picture>, DatasetError> {
    let sample = dataset.sample(index)?;
    if !has_detail(sample, dataset.config().mode, dataset.shape()) {
        return Ok(None);
    }
    let [depth, rows, columns] = dataset.shape();
    let bytes = dataset.pixels(index)?;
    let n_bytes = bytes.len() / depth.max(1);
    let middle = &bytes[depth / 2 * n_bytes..(depth / 2 + 1) * n_bytes];
    let values: Vec<u16> = if dataset.config().bits == 16 {
        let (pairs, _) = middle.as_chunks::<2>();
        pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
    } else {
        middle.iter().map(|level| u16::from(*level) * 257).collect()
    };
    let how = Resampling {
        filter: Filter::Area,
        padding: Padding::Edge,
        orientation: Orientation::AS_STORED,
        shape: [SIDE, SIDE],
    };
    let mut out = vec![0u16; SIDE * SIDE];
    let shape = [rows, columns];
    let whole = Region::whole(shape);
    let pixels = Pixels::new(&values, shape)?;
    let mut scratch = Scratch::default();
    resample(
        pixels,
        &ValueMap::full_range(),
        whole,
        &how,
        (&mut out, &mut scratch),
    )?;
    Ok((compare::spread(&grey(&out)) >= MIN_SPREAD).then(|| Picture::of(out)))
}

/// Whether the file had enough pixels where the sample lies.
fn has_detail(sample: &Sample, mode: SampleMode, [_, rows, columns]: [usize; 3]) -> bool {
    let across = |n: usize, sample_mm: f64, source_mm: f64| n as f64 * sample_mm / source_mm;
    let ([down, right], [row_mm, column_mm]) = (sample.sample_spacing_mm, sample.pixel_spacing_mm);
    let fewest = across(rows, down, row_mm).min(across(columns, right, column_mm));
    let needed = match mode {
        SampleMode::Crop => MIN_SOURCE_PIXELS,
        SampleMode::WholeSlice => SIDE as f64,
    };
    fewest >= needed
}

/// Samples by condition group and view.
fn groups(dataset: &Dataset) -> BTreeMap<(usize, &'static str), Vec<usize>> {
    let mut groups: BTreeMap<(usize, &'static str), Vec<usize>> = BTreeMap::new();
    for (index, sample) in dataset.samples().iter().enumerate() {
        let key = (sample.target.condition.group().index(), sample.view.name());
        groups.entry(key).or_default().push(index);
    }
    groups
}

/// Pairs of different patients that hashes and the quick look leave, compared.
fn close_pairs(dataset: &Dataset, pictures: &[(usize, Picture)]) -> Vec<(usize, usize, Likeness)> {
    let hasher = Hasher::fitted(pictures.iter().map(|(_, picture)| picture.grey()));
    let probes: Vec<Probes> = pictures
        .par_iter()
        .map(|(_, picture)| hasher.probes(&picture.grey()))
        .collect();
    let samples = dataset.samples();
    (0..pictures.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let probes = &probes;
            let (a, left) = &pictures[i];
            let others = pictures.iter().zip(probes).skip(i + 1);
            others.filter_map(move |((b, right), probe)| {
                let near = probes[i].nearest(probe);
                if near.distance > MAX_HASH_DISTANCE || samples[*a].patient == samples[*b].patient {
                    return None;
                }
                let (detail, shift) = left.sieve.best(&right.sieve, near.shift);
                (detail >= MIN_SIEVE).then(|| (*a, *b, compare::likeness(left, right, shift)))
            })
        })
        .collect()
}

fn pair(samples: [&Sample; 2], likeness: Likeness) -> NearDuplicate {
    let [a, b] = samples.map(|sample| sample.assignment);
    let name = |at: Assignment| format!("{}, fold {}", at.part, at.fold);
    NearDuplicate {
        samples: samples.map(|sample| sample.sample_id.clone()),
        studies: samples.map(|sample| sample.study.to_string()),
        places: [name(a), name(b)],
        across: a != b,
        correlation: likeness.whole,
        detail_correlation: likeness.detail,
        shift_px: likeness.place.shift.map(|v| v as f32),
        scale: likeness.place.scale.map(|v| v as f32),
    }
}
