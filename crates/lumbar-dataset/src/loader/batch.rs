//! Making one batch.

use super::LoaderConfig;
use super::order::{Draw, rng};
use crate::ordered::OrderedMap;
use crate::{Dataset, DatasetError, Sample};
use lumbar_core::{Side, Target};
use lumbar_preprocess::{AugmentScratch, blank_centre};
use rand::RngExt;
use std::cell::RefCell;

/// Samples side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Grey levels, 0 (black) to 1 (white), in `[n, depth, rows, columns]`.
    pub pixels: Vec<f32>,
    /// `[n, depth, rows, columns]`.
    pub shape: [usize; 4],
    /// The samples, as indices of the dataset.
    pub samples: Vec<usize>,
    /// The target of each sample as it is shown: the other side of the sample's own where it was mirrored.
    pub targets: Vec<Target>,
}

/// The batches of an epoch, in order. An error stands in the place of the batch it spoiled.
pub struct Epoch {
    batches: OrderedMap<Result<Batch, DatasetError>>,
}

impl std::fmt::Debug for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoch")
            .field("n_left", &self.batches.size_hint().0)
            .finish()
    }
}

impl Epoch {
    pub(super) fn new(batches: OrderedMap<Result<Batch, DatasetError>>) -> Epoch {
        Epoch { batches }
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(|result| result.and_then(|batch| batch))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

impl ExactSizeIterator for Epoch {}

/// Makes batches; shared by the workers.
pub(super) struct Maker {
    dataset: Dataset,
    /// Whether a sample must be copied before it is turned into grey levels.
    changes_levels: bool,
}

thread_local! {
    /// Memory each worker keeps from sample to sample.
    static SCRATCH: RefCell<(Vec<u8>, AugmentScratch)> = RefCell::default();
}

impl Maker {
    pub fn new(dataset: &Dataset, config: &LoaderConfig) -> Maker {
        Maker {
            dataset: dataset.clone(),
            changes_levels: config.mirror_right_to_left
                || config.mirror_midline
                || config.blank_centre_mm.is_some(),
        }
    }

    pub fn batch(&self, draws: &[Draw], config: &LoaderConfig, epoch: u64) -> Result<Batch, DatasetError> {
        let [depth, rows, columns] = self.dataset.shape();
        let n_values = depth * rows * columns;
        let mut batch = Batch {
            pixels: vec![0.0; draws.len() * n_values],
            shape: [draws.len(), depth, rows, columns],
            samples: draws.iter().map(|draw| draw.sample).collect(),
            targets: Vec::with_capacity(draws.len()),
        };
        SCRATCH.with_borrow_mut(|(levels, scratch)| {
            for (draw, out) in draws.iter().zip(batch.pixels.chunks_exact_mut(n_values)) {
                let target = self.sample(*draw, (config, epoch), (out, levels, scratch))?;
                batch.targets.push(target);
            }
            Ok(batch)
        })
    }

    fn sample(
        &self,
        draw: Draw,
        (config, epoch): (&LoaderConfig, u64),
        (out, copy, scratch): (&mut [f32], &mut Vec<u8>, &mut AugmentScratch),
    ) -> Result<Target, DatasetError> {
        let sample = self.dataset.sample(draw.sample)?;
        let stored = self.dataset.pixels(draw.sample)?;
        let mut rng = rng(&[config.seed, epoch, draw.sample as u64, u64::from(draw.occurrence)]);
        let mirrors = mirrors(sample, config, rng.random());
        let target = if mirrors {
            sample.target.mirrored()
        } else {
            sample.target
        };
        let levels = if self.changes_levels {
            copy.clear();
            copy.extend_from_slice(stored);
            self.change(sample, mirrors, config, copy)?;
            copy.as_slice()
        } else {
            stored
        };
        match &config.augment {
            Some(augment) => {
                let shape = self.dataset.shape();
                augment
                    .draw(shape[0], &mut rng)?
                    .apply(levels, shape, (out, scratch))?;
            }
            None if self.dataset.config().bits == 16 => {
                let (pairs, _) = levels.as_chunks::<2>();
                for (pair, grey) in pairs.iter().zip(out) {
                    *grey = f32::from(u16::from_le_bytes(*pair)) / 65_535.0;
                }
            }
            None => {
                for (level, grey) in levels.iter().zip(out) {
                    *grey = f32::from(*level) / 255.0;
                }
            }
        }
        Ok(target)
    }

    fn change(
        &self,
        sample: &Sample,
        mirrors: bool,
        config: &LoaderConfig,
        levels: &mut [u8],
    ) -> Result<(), DatasetError> {
        let shape = self.dataset.shape();
        if self.dataset.config().bits == 16 {
            // Two bytes a pixel move together.
            let (pairs, _) = levels.as_chunks_mut::<2>();
            change_pixels(sample, (mirrors, config.blank_centre_mm), (pairs, shape), [0; 2])
        } else {
            change_pixels(sample, (mirrors, config.blank_centre_mm), (levels, shape), 0)
        }
    }
}

fn change_pixels<T: Copy>(
    sample: &Sample,
    (mirrors, blank_mm): (bool, Option<f64>),
    (pixels, shape): (&mut [T], [usize; 3]),
    black: T,
) -> Result<(), DatasetError> {
    if let (true, Some(operation)) = (mirrors, sample.mirror) {
        operation.apply(pixels, shape)?;
    }
    if let Some(mm) = blank_mm {
        blank_centre(pixels, shape, (mm, sample.sample_spacing_mm), black)?;
    }
    Ok(())
}

fn mirrors(sample: &Sample, config: &LoaderConfig, coin: bool) -> bool {
    match sample.target.condition.side() {
        Some(Side::Right) => config.mirror_right_to_left,
        Some(Side::Left) => false,
        None => config.mirror_midline && coin,
    }
}
