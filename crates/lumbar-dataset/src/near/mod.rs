//! Images of different patients that are too alike: copies under another name leak from one side of a split to another.

mod compare;
mod hash;

use crate::{Assignment, Dataset, DatasetError, Sample, SampleMode};
use compare::{Detail, Likeness};
use hash::{Hasher, Probes};
use lumbar_preprocess::{
    Filter, Orientation, Padding, Pixels, Region, Resampling, Scratch, ValueMap, resample,
};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Side of the picture that is compared, pixels: every sample is brought to it.
const SIDE: usize = 64;
/// Bits of 64 by which two hashes may differ and still be looked at. See [`near_duplicates`] for what it rests on.
const MAX_HASH_DISTANCE: u32 = 14;
/// Least correlation of fine detail, at the best shift, of what is called a near-duplicate.
const MIN_DETAIL: f32 = 0.7;
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
    /// Largest correlation of detail of a candidate that was not called a near-duplicate: how far the nearest stranger
    /// is from the limit of 0.7.
    pub nearest_stranger: f32,
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
    /// Correlation of the pictures at the best shift.
    pub correlation: f32,
    /// Correlation of their fine detail.
    pub detail_correlation: f32,
    /// The shift, pixels of a sample scaled to 64 x 64, right and down.
    pub shift_px: [i32; 2],
}

/// Finds samples of different patients that show the same picture: re-encoded, brighter, shifted by up to a tenth of
/// the crop, or cut and stretched by a few percent.
///
/// # Method
/// The central slices of all samples of a condition group and view are brought to 64 x 64 pixels. A perceptual hash
/// (signs of 64 low frequencies of the middle of the picture, each against its median over the group, so that the
/// anatomy all share does not count) names candidates: pairs whose hashes differ by at most 14 of 64 bits at one of
/// nine shifts. A candidate is a near-duplicate if the fine detail of the two, texture and noise, correlates by 0.7 or
/// more at the best shift.
///
/// The limits rest on `examples/near_duplicates.rs`, which prints both distributions; `data-spec/near-duplicates.md`
/// has the numbers. Mirrored copies are not looked for.
///
/// # Errors
/// [`DatasetError`] if pixels cannot be read.
pub fn near_duplicates(dataset: &Dataset) -> Result<NearDuplicates, DatasetError> {
    let prepared: Vec<Option<Picture>> = (0..dataset.samples().len())
        .into_par_iter()
        .map(|index| picture(dataset, index))
        .collect::<Result<_, _>>()?;
    let n_compared = prepared.iter().filter(|picture| picture.is_some()).count();
    let (mut pairs, mut nearest_stranger) = (Vec::new(), 0.0f32);
    for group in groups(dataset, &prepared).into_values() {
        let pictures: Vec<(usize, &Picture)> = group
            .iter()
            .filter_map(|index| Some((*index, prepared[*index].as_ref()?)))
            .collect();
        for (a, b, likeness) in candidates(dataset, &pictures) {
            if likeness.detail >= MIN_DETAIL {
                pairs.push(pair([&dataset.samples()[a], &dataset.samples()[b]], likeness));
            } else {
                nearest_stranger = nearest_stranger.max(likeness.detail);
            }
        }
    }
    pairs.sort_by(|a, b| a.samples.cmp(&b.samples));
    Ok(NearDuplicates {
        pairs,
        n_compared,
        n_not_comparable: prepared.len() - n_compared,
        nearest_stranger,
    })
}

/// The central slice of a sample, ready to be compared.
struct Picture {
    grey: Vec<f32>,
    detail: Detail,
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
    let grey: Vec<f32> = out.iter().map(|value| f32::from(*value) / 257.0).collect();
    if compare::spread(&grey) < MIN_SPREAD {
        return Ok(None);
    }
    Ok(Some(Picture {
        detail: Detail::of(&grey),
        grey,
    }))
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
fn groups(dataset: &Dataset, prepared: &[Option<Picture>]) -> BTreeMap<(usize, &'static str), Vec<usize>> {
    let mut groups: BTreeMap<(usize, &'static str), Vec<usize>> = BTreeMap::new();
    for (index, sample) in dataset.samples().iter().enumerate() {
        if prepared[index].is_some() {
            let key = (sample.target.condition.group().index(), sample.view.name());
            groups.entry(key).or_default().push(index);
        }
    }
    groups
}

/// Pairs of different patients whose hashes are near, compared.
fn candidates(dataset: &Dataset, pictures: &[(usize, &Picture)]) -> Vec<(usize, usize, Likeness)> {
    let hasher = Hasher::fitted(pictures.iter().map(|(_, picture)| picture.grey.as_slice()));
    let probes: Vec<Probes> = pictures
        .par_iter()
        .map(|(_, picture)| hasher.probes(&picture.grey))
        .collect();
    let samples = dataset.samples();
    let of_different_patients =
        |a: usize, b: usize| samples[pictures[a].0].patient != samples[pictures[b].0].patient;
    (0..pictures.len())
        .into_par_iter()
        .flat_map_iter(|a| {
            let probes = &probes;
            (a + 1..pictures.len()).filter_map(move |b| {
                let near = probes[a].nearest(&probes[b]);
                let candidate = near.distance <= MAX_HASH_DISTANCE && of_different_patients(a, b);
                let ((a, left), (b, right)) = (pictures[a], pictures[b]);
                candidate.then(|| (a, b, compare::likeness(left, right, near.shift)))
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
        shift_px: likeness.shift,
    }
}
