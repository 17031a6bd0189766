//! Catalogue, labels, Parquet manifests, Arrow pixel shards, patient-grouped splits and the batch loader.
//!
//! From a folder of DICOM and a table of labels this makes a dataset once: tables people can query with the tools they
//! have, pixels as fast as memory, and an account of everything that did not become a sample.
//!
//! ```
//! use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, Loader, LoaderConfig, Part, build};
//! # use lumbar_phantom::{PhantomConfig, Pixels, generate};
//! # let dir = tempfile::tempdir()?;
//! # let (rsna, out) = (dir.path().join("rsna"), dir.path().join("dataset"));
//! # let phantom = PhantomConfig { n_studies: 3, pixels: Pixels::Tiny, ..PhantomConfig::default() };
//! # generate(&phantom, &rsna, &|_| {})?;
//! // A folder in the layout of the RSNA 2024 challenge: train.csv, its two companions, train_images/.
//! let config = DatasetConfig { size: 32, ..DatasetConfig::default() };
//! let input = BuildInput::rsna(&rsna, config, &|_scanned| {})?;
//! let info = build(input, &out, &BuildOptions::default(), &|_built| {})?;
//! assert_eq!(info.counts.target_views, info.counts.samples + info.counts.sample_rejects);
//!
//! let dataset = Dataset::open(&out)?;
//! let train = dataset.select(|sample| sample.assignment.part == Part::Train);
//! let loader = Loader::new(&dataset, train, LoaderConfig { shuffle: true, ..LoaderConfig::default() })?;
//! for batch in loader.epoch(0) {
//!     assert_eq!(batch?.shape[1..], [3, 32, 32]);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is here
//!
//! | items | what |
//! |---|---|
//! | [`write_catalogue`], [`CatalogueWriter`], [`read_catalogue`] | a catalogue on disk, at once or while it is made |
//! | [`labels`] | the RSNA tables or one's own; coded findings on them |
//! | [`DatasetConfig`] | what a dataset is made with |
//! | [`BuildInput`], [`build()`], [`build_part`], [`merge()`] | making it, in one process or in parts |
//! | [`split()`], [`resplit`] | train, validation and test, and folds, by patient |
//! | [`Dataset`], [`Sample`], [`Loader`] | reading it |
//! | [`pixels`] | its files of pixels by themselves |
//! | [`show()`], [`montage()`], [`export()`] | looking at it, passing it on |
//! | [`check()`], [`near_duplicates`], [`stats()`] | proving and counting it |
//!
//! # What never happens
//!
//! - A patient on two sides of a split.
//! - Other bytes from the same input and configuration: not at another number of threads, nor from parts, nor after a
//!   process was killed and run again (`provenance.json` aside).
//! - A file, row or target that is left out without a row that says why.
//!
//! # What is left to others
//!
//! Reading DICOM is `lumbar-dicom`, preparing pixels `lumbar-preprocess`; tensors, losses and metrics are further down.

pub mod labels;
pub mod pixels;

mod build;
mod catalogue;
mod check;
mod config;
mod dataset;
mod error;
mod export;
mod info;
mod loader;
mod montage;
mod near;
mod ordered;
mod outcome;
mod output;
mod plan;
mod provenance;
mod reject;
mod render;
mod sample;
mod show;
mod split;
mod stats;
mod table;

pub use build::{BuildInput, BuildOptions, BuildProgress, PartOf, build, build_part, merge, resplit};
pub use catalogue::{
    CATALOGUE_SCHEMA_VERSION, CatalogueInfo, CatalogueWriter, StoredCatalogue, check_catalogue_place,
    read_catalogue, write_catalogue,
};
pub use check::{CheckReport, check};
pub use config::{CropMm, DatasetConfig, MissingLabels, SampleMode, SplitConfig, Views};
pub use dataset::Dataset;
pub use error::DatasetError;
pub use export::{ExportFile, ExportInfo, ExportOptions, export};
pub use info::{Counts, DatasetInfo, Domain, PatientGrouping, SCHEMA_VERSION};
pub use loader::{Batch, Epoch, Loader, LoaderConfig, PixelBuffer, Sampling};
pub use lumbar_dicom::Pseudonyms;
pub use montage::{MontageRow, montage};
pub use near::{NearDuplicate, NearDuplicates, near_duplicates, similar_pictures};
pub use outcome::Outcome;
pub use pixels::ShardRecord;
pub use reject::{SampleReject, SampleRejectReason};
pub use sample::{Localisation, Sample};
pub use show::{directions, show};
pub use split::{Assignment, Part, PatientLabels, split, split_of};
pub use stats::{
    Bin, ConditionCounts, GradeCounts, Histogram, KindSpacing, Missing, Quantiles, Stats, Tally, stats,
};
