//! Batches for training: the same sequence for a seed and epoch, however many workers make it.

mod batch;
mod buffer;
mod order;

pub use batch::{Batch, Epoch};
pub use buffer::PixelBuffer;

use crate::ordered::ordered_map;
use crate::{Dataset, DatasetError};
use batch::Maker;
use lumbar_core::Side;
use lumbar_preprocess::Augment;
use order::Draw;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How batches are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoaderConfig {
    /// Samples of a batch.
    pub batch_size: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Whether the order changes from epoch to epoch; otherwise it is that of the indices given.
    pub shuffle: bool,
    /// Threads that make batches; 0 makes them on the calling thread. The batches are the same.
    pub workers: usize,
    /// Whether a last batch with fewer samples is left out.
    pub drop_last: bool,
    /// Which samples an epoch draws.
    pub sampling: Sampling,
    /// Random changes of each sample; `None` for validation and test.
    pub augment: Option<Augment>,
    /// Whether samples of the patient's right side are mirrored so that all sided samples look like left ones.
    pub mirror_right_to_left: bool,
    /// Whether samples of the midline (the canal) are mirrored half of the times.
    pub mirror_midline: bool,
    /// Side of a central square that is blanked, mm: a control experiment.
    pub blank_centre_mm: Option<f64>,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        LoaderConfig {
            batch_size: 32,
            seed: 0,
            shuffle: false,
            workers: 2,
            drop_last: false,
            sampling: Sampling::Uniform,
            augment: None,
            mirror_right_to_left: false,
            mirror_midline: false,
            blank_centre_mm: None,
        }
    }
}

/// Which samples an epoch draws.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Each sample once.
    #[default]
    Uniform,
    /// As many draws as there are samples, the same number from each grade; within a grade every sample is drawn
    /// before any is drawn again.
    ClassBalanced,
    /// As many draws as there are samples, with replacement, in proportion to these weights (one for each index given).
    Weighted(Vec<f64>),
}

/// Makes batches of chosen samples.
///
/// # Order of operations
/// 1. mirroring (which exchanges sides, so the batch names the target as it is shown);
/// 2. blanking of the centre;
/// 3. augmentation, drawn from (seed, epoch, sample, how often it was drawn before in the epoch);
/// 4. grey levels 0..=1 in `f32`.
///
/// ```no_run
/// use lumbar_dataset::{Dataset, Loader, LoaderConfig, Part};
/// # fn main() -> Result<(), lumbar_dataset::DatasetError> {
/// let dataset = Dataset::open("dataset".as_ref())?;
/// let train = dataset.select(|sample| sample.assignment.part == Part::Train);
/// let loader = Loader::new(&dataset, train, LoaderConfig { shuffle: true, ..LoaderConfig::default() })?;
/// for batch in loader.epoch(0) {
///     let batch = batch?;
///     assert_eq!(batch.samples.len(), batch.shape[0]);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Loader {
    maker: Arc<Maker>,
    indices: Arc<Vec<usize>>,
    config: Arc<LoaderConfig>,
    /// Grade of each index, for balanced sampling.
    classes: Arc<Vec<usize>>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader")
            .field("n_samples", &self.indices.len())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Loader {
    /// A loader of the samples at `indices`.
    ///
    /// # Errors
    /// [`DatasetError`] for an index beyond the dataset, parameters that cannot be, balanced sampling of samples
    /// without grade, mirroring of samples that cannot be mirrored, and augmentation of 16-bit pixels.
    pub fn new(dataset: &Dataset, indices: Vec<usize>, config: LoaderConfig) -> Result<Loader, DatasetError> {
        if config.batch_size == 0 {
            return Err(DatasetError::config("batch_size", 0, "at least 1"));
        }
        if let Some(augment) = &config.augment {
            augment.validate()?;
            if dataset.config().bits != 8 {
                return Err(DatasetError::config(
                    "augment",
                    "on 16-bit pixels",
                    "a dataset with bits = 8",
                ));
            }
        }
        if config
            .blank_centre_mm
            .is_some_and(|mm| !(0.0..=1000.0).contains(&mm))
        {
            let found = config.blank_centre_mm.unwrap_or_default();
            return Err(DatasetError::config("blank_centre_mm", found, "0 to 1000 mm"));
        }
        let mut classes = Vec::with_capacity(indices.len());
        for index in &indices {
            let sample = dataset.sample(*index)?;
            let side = sample.target.condition.side();
            let to_mirror = (config.mirror_right_to_left && side == Some(Side::Right))
                || (config.mirror_midline && side.is_none());
            if to_mirror && sample.mirror.is_none() {
                return Err(DatasetError::config(
                    "mirror_right_to_left, mirror_midline",
                    format_args!("sample {} on a stack too oblique to mirror", sample.sample_id),
                    "samples with a `mirror`",
                ));
            }
            let class = sample
                .severity
                .and_then(|grade| dataset.config().grades.index_of(grade));
            if config.sampling == Sampling::ClassBalanced && class.is_none() {
                return Err(DatasetError::config(
                    "sampling",
                    format_args!("class_balanced with sample {} without grade", sample.sample_id),
                    "samples with a grade",
                ));
            }
            classes.push(class.unwrap_or(usize::MAX));
        }
        if let Sampling::Weighted(weights) = &config.sampling {
            let valid = weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite());
            if weights.len() != indices.len()
                || !valid
                || (!indices.is_empty() && weights.iter().sum::<f64>() <= 0.0)
            {
                return Err(DatasetError::config(
                    "sampling",
                    format_args!("{} weights", weights.len()),
                    format!("{} weights, finite, none negative, not all zero", indices.len()),
                ));
            }
        }
        Ok(Loader {
            maker: Arc::new(Maker::new(dataset, &config)),
            indices: Arc::new(indices),
            config: Arc::new(config),
            classes: Arc::new(classes),
        })
    }

    /// Batches of an epoch.
    pub fn n_batches(&self) -> usize {
        let (n, size) = (self.indices.len(), self.config.batch_size);
        if self.config.drop_last {
            n / size
        } else {
            n.div_ceil(size)
        }
    }

    /// How batches are made.
    pub fn config(&self) -> &LoaderConfig {
        &self.config
    }

    /// The batches of an epoch.
    pub fn epoch(&self, epoch: u64) -> Epoch {
        self.epoch_from(epoch, 0)
    }

    /// The batches of an epoch from step `first` on: what an interrupted epoch goes on with.
    pub fn epoch_from(&self, epoch: u64, first: usize) -> Epoch {
        self.batches((epoch, first), Maker::greys)
    }

    /// The batches of an epoch from step `first` on as the stored 8-bit levels, for callers that scale and augment
    /// elsewhere (on the device, where a quarter of the bytes travel).
    ///
    /// # Errors
    /// [`DatasetError::Config`] for a dataset of 16 bits, and where this loader augments.
    pub fn epoch_u8(&self, epoch: u64, first: usize) -> Result<Epoch<u8>, DatasetError> {
        if self.maker.bits() != 8 {
            return Err(DatasetError::config(
                "bits",
                self.maker.bits(),
                "8 for batches of u8",
            ));
        }
        if self.config.augment.is_some() {
            return Err(DatasetError::config(
                "augment",
                "set",
                "no augmentation for batches of u8",
            ));
        }
        Ok(self.batches((epoch, first), Maker::levels))
    }

    fn batches<T: Send + 'static>(&self, (epoch, first): (u64, usize), make: MakeBatch<T>) -> Epoch<T> {
        let (config, maker) = (self.config.clone(), self.maker.clone());
        let draws = order::draws(&self.indices, &self.classes, (&config, epoch));
        let n_batches = self.n_batches();
        let first = first.min(n_batches);
        let (workers, size) = (config.workers, config.batch_size);
        // Each worker may be two batches ahead; the rest waits.
        let batches = ordered_map(n_batches - first, workers, workers, move |i| {
            let start = (first + i) * size;
            let end = (start + size).min(draws.len());
            make(&maker, &draws[start..end], &config, epoch)
        });
        Epoch::new(batches)
    }
}

type MakeBatch<T> = fn(&Maker, &[Draw], &LoaderConfig, u64) -> Result<Batch<T>, DatasetError>;
