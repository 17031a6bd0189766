//! Making one batch.

use super::LoaderConfig;
use super::buffer::{PixelBuffer, Pool};
use super::order::{Draw, rng};
use crate::ordered::OrderedMap;
use crate::{Dataset, DatasetError, Sample};
use lumbar_core::{Side, Target};
use lumbar_preprocess::{AugmentScratch, blank_centre};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::sync::Arc;

/// Samples side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<T = f32> {
    /// Grey levels in `[n, depth, rows, columns]`: `f32` from 0 (black) to 1 (white), or `u8` as they are stored.
    pub pixels: PixelBuffer<T>,
    /// `[n, depth, rows, columns]`.
    pub shape: [usize; 4],
    /// The samples, as indices of the dataset.
    pub samples: Vec<usize>,
    /// The target of each sample as it is shown: the other side of the sample's own where it was mirrored.
    pub targets: Vec<Target>,
}

/// The batches of an epoch, in order. An error stands in the place of the batch it spoiled.
pub struct Epoch<T = f32> {
    batches: OrderedMap<Result<Batch<T>, DatasetError>>,
}

impl<T> std::fmt::Debug for Epoch<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoch")
            .field("n_left", &self.batches.n_left())
            .finish()
    }
}

impl<T> Epoch<T> {
    pub(super) fn new(batches: OrderedMap<Result<Batch<T>, DatasetError>>) -> Epoch<T> {
        Epoch { batches }
    }
}

impl<T: Send + 'static> Iterator for Epoch<T> {
    type Item = Result<Batch<T>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(|result| result.and_then(|batch| batch))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.batches.size_hint()
    }
}

impl<T: Send + 'static> ExactSizeIterator for Epoch<T> {}

/// Makes batches; shared by the workers.
pub(super) struct Maker {
    dataset: Dataset,
    /// Whether pixels are moved or blanked before they are turned into grey levels.
    changes_levels: bool,
    greys: Arc<Pool<f32>>,
    levels: Arc<Pool<u8>>,
}

thread_local! {
    /// Memory each worker keeps from sample to sample.
    static SCRATCH: RefCell<(Vec<u8>, AugmentScratch)> = RefCell::default();
}

impl Maker {
    pub fn new(dataset: &Dataset, config: &LoaderConfig) -> Maker {
        // Those being filled, those waiting, and the one in use.
        let n_buffers = 2 * config.workers + 1;
        Maker {
            dataset: dataset.clone(),
            changes_levels: config.mirror_right_to_left
                || config.mirror_midline
                || config.blank_centre_mm.is_some(),
            greys: Pool::new(n_buffers),
            levels: Pool::new(n_buffers),
        }
    }

    /// Bits of a stored pixel.
    pub fn bits(&self) -> u8 {
        self.dataset.config().bits
    }

    /// A batch of grey levels.
    pub fn greys(&self, draws: &[Draw], config: &LoaderConfig, epoch: u64) -> Result<Batch, DatasetError> {
        SCRATCH.with_borrow_mut(|(copy, scratch)| {
            self.batch(draws, &self.greys, |draw, out| {
                self.grey_sample(draw, (config, epoch), (out, copy, scratch))
            })
        })
    }

    /// A batch of stored levels; the dataset has 8 bits.
    pub fn levels(
        &self,
        draws: &[Draw],
        config: &LoaderConfig,
        epoch: u64,
    ) -> Result<Batch<u8>, DatasetError> {
        self.batch(draws, &self.levels, |draw, out| {
            let shown = self.shown(draw, (config, epoch))?;
            out.copy_from_slice(self.dataset.pixels(draw.sample)?);
            if self.changes_levels {
                self.change(shown.sample, shown.mirrors, config, out)?;
            }
            Ok(shown.target)
        })
    }

    fn batch<T: Copy + Default>(
        &self,
        draws: &[Draw],
        pool: &Arc<Pool<T>>,
        mut fill: impl FnMut(Draw, &mut [T]) -> Result<Target, DatasetError>,
    ) -> Result<Batch<T>, DatasetError> {
        let [depth, rows, columns] = self.dataset.shape();
        let n_values = depth * rows * columns;
        let mut pixels = pool.take(draws.len() * n_values);
        let mut targets = Vec::with_capacity(draws.len());
        for (draw, out) in draws.iter().zip(pixels.chunks_exact_mut(n_values)) {
            targets.push(fill(*draw, out)?);
        }
        Ok(Batch {
            pixels,
            shape: [draws.len(), depth, rows, columns],
            samples: draws.iter().map(|draw| draw.sample).collect(),
            targets,
        })
    }

    fn shown(&self, draw: Draw, (config, epoch): (&LoaderConfig, u64)) -> Result<Shown<'_>, DatasetError> {
        let sample = self.dataset.sample(draw.sample)?;
        // Samples that nothing random happens to need no generator.
        let random = config.augment.is_some() || config.mirror_midline;
        let parts = [config.seed, epoch, draw.sample as u64, u64::from(draw.occurrence)];
        let mut rng = random.then(|| rng(&parts));
        let coin = rng.as_mut().is_some_and(|rng| rng.random());
        let mirrors = mirrors(sample, config, coin);
        let target = if mirrors {
            sample.target.mirrored()
        } else {
            sample.target
        };
        Ok(Shown {
            sample,
            mirrors,
            target,
            rng,
        })
    }

    fn grey_sample(
        &self,
        draw: Draw,
        (config, epoch): (&LoaderConfig, u64),
        (out, copy, scratch): (&mut [f32], &mut Vec<u8>, &mut AugmentScratch),
    ) -> Result<Target, DatasetError> {
        let shown = self.shown(draw, (config, epoch))?;
        let stored = self.dataset.pixels(draw.sample)?;
        let levels = if self.changes_levels {
            copy.clear();
            copy.extend_from_slice(stored);
            self.change(shown.sample, shown.mirrors, config, copy)?;
            copy.as_slice()
        } else {
            stored
        };
        match (&config.augment, shown.rng) {
            (Some(augment), Some(mut rng)) => {
                let shape = self.dataset.shape();
                augment
                    .draw(shape[0], &mut rng)?
                    .apply(levels, shape, (out, scratch))?;
            }
            _ if self.dataset.config().bits == 16 => {
                let (pairs, _) = levels.as_chunks::<2>();
                for (pair, grey) in pairs.iter().zip(out) {
                    *grey = f32::from(u16::from_le_bytes(*pair)) / 65_535.0;
                }
            }
            _ => {
                for (level, grey) in levels.iter().zip(out) {
                    *grey = f32::from(*level) / 255.0;
                }
            }
        }
        Ok(shown.target)
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

/// How a draw shows its sample.
struct Shown<'a> {
    sample: &'a Sample,
    mirrors: bool,
    target: Target,
    /// For augmentation; `None` where nothing is random.
    rng: Option<ChaCha8Rng>,
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
