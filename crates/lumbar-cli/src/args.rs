//! The arguments of the command.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use lumbar_dicom::Limits;
use lumbar_model::DeviceSpec;
use std::path::PathBuf;

/// From a folder of lumbar-spine MRI to graded degeneration at every disc
#[derive(Debug, Parser)]
#[command(
    name = "lumbar",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Research use only, not a medical device.\n\nExamples:\n  \
        lumbar demo --out demo                          everything below on synthetic studies, offline\n  \
        lumbar dataset build --rsna rsna/ --out ds      build a slice dataset from an RSNA 2024 folder\n  \
        lumbar train --dataset ds -c run.toml --out run train on it\n  \
        lumbar score --truth train.csv --predictions submission.csv"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Where networks run: auto, flex, ndarray, cuda or cuda:N
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceSpec,
    /// Threads to use (default: all)
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Print the result as one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more (twice: log)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show no progress
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// A number of at least `least`.
fn at_least(text: &str, least: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n >= least => Ok(n),
        _ => Err(format!("expected a whole number, {least} or more")),
    }
}

/// Fewer studies leave a fold of the demo without a patient to validate on.
fn demo_studies(text: &str) -> Result<usize, String> {
    at_least(text, 12)
}

fn studies(text: &str) -> Result<usize, String> {
    at_least(text, 1)
}

fn folds(text: &str) -> Result<usize, String> {
    at_least(text, 2)
}

/// Below these the quantiles of an interval are a matter of luck.
fn resamples(text: &str) -> Result<usize, String> {
    at_least(text, 100)
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("expected a number from 1 to 1024".into()),
    }
}

/// A limit and its value; a mistyped name gets the nearest.
fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if !Limits::NAMES.contains(&name) {
        let hint = match crate::config::near(name, Limits::NAMES.as_slice()) {
            Some(nearest) => format!(", did you mean `{nearest}`?"),
            None => format!("; there are `{}`", Limits::NAMES.join("`, `")),
        };
        return Err(format!("no limit `{name}`{hint}"));
    }
    let value = value
        .parse()
        .map_err(|_| format!("`{value}` is not a whole number"))?;
    Ok((name.to_owned(), value))
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole road on synthetic studies: generate, ingest, build, train, evaluate, report
    Demo(DemoArgs),
    /// Write synthetic lumbar studies as DICOM in the RSNA 2024 layout
    Phantom(PhantomArgs),
    /// Read any DICOM tree into a catalogue of series, slices and rejects
    Ingest(IngestArgs),
    /// Build, check and look at slice datasets
    Dataset(DatasetArgs),
    /// Train a network on a dataset
    Train(TrainArgs),
    /// Evaluate the predictions of one or several runs
    Evaluate(EvaluateArgs),
    /// Write a self-contained HTML report of a run
    Report(ReportArgs),
    /// Compare two runs on the same patients
    Compare(CompareArgs),
    /// Inspect or verify a model bundle
    Bundle(BundleArgs),
    /// Score a submission with the RSNA 2024 metric
    Score(ScoreArgs),
    /// Show backends, devices, codecs and versions
    #[command(
        after_help = "Examples:\n  lumbar doctor\n  lumbar doctor --device cuda                     fails where there is none\n  \
        lumbar doctor --json | jq .transfer_syntaxes"
    )]
    Doctor,
    /// Read files for another process, which starts this by itself
    #[command(hide = true)]
    Worker,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lumbar demo --out demo --studies 60 --seed 1")]
pub struct DemoArgs {
    /// Folder to write (made if need be; a demo in it is replaced)
    #[arg(long, default_value = "lumbar-demo", value_name = "DIR")]
    pub out: PathBuf,
    /// Number of synthetic studies
    #[arg(long, default_value_t = 72, value_name = "N", value_parser = demo_studies)]
    pub studies: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub seed: u64,
    /// Network: simple_cnn, custom_cnn or resnet18
    #[arg(long, default_value = "custom_cnn", value_name = "NAME")]
    pub architecture: lumbar_model::Architecture,
    /// Also run the controls that should fail: shuffled labels, blanked targets
    #[arg(long)]
    pub controls: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lumbar phantom --out phantoms --studies 20 --seed 7 --site north")]
pub struct PhantomArgs {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of studies
    #[arg(long, value_name = "N", value_parser = studies)]
    pub studies: usize,
    /// Seed: the same seed gives the same bytes
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub seed: u64,
    /// Site (main, north or south): other scanners, another population and other studies
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub site: lumbar_phantom::Site,
    /// Full images, or 32 x 32 pixels under full headers
    #[arg(long, value_enum, default_value_t = PixelsArg::Full)]
    pub pixels: PixelsArg,
    /// Transfer syntax of the files
    #[arg(long, value_enum, default_value_t = SyntaxArg::Rle)]
    pub syntax: SyntaxArg,
    /// Plant every defect a label table may have, and list them in phantom_defects.jsonl (40 studies or more)
    #[arg(long)]
    pub label_defects: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PixelsArg {
    Full,
    Tiny,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SyntaxArg {
    Rle,
    Implicit,
    Explicit,
    BigEndian,
    Deflated,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Files that need third-party decoders, and files that look suspect, are read by worker processes with \
    capped memory and time, so that the worst file costs one file. Whatever is not used has a row with a reason in \
    `rejects.parquet`.\n\nExamples:\n  \
    lumbar ingest /data/dicom --out catalogue\n  \
    lumbar ingest /data/dicom --out catalogue --check-pixels --limit max_frames=20000"
)]
pub struct IngestArgs {
    /// Folder with DICOM files, at any depth
    #[arg(value_name = "DICOM_DIR")]
    pub root: PathBuf,
    /// Folder to write the catalogue to
    #[arg(long, value_name = "CATALOGUE")]
    pub out: PathBuf,
    /// Decode every image too, so that pixels that do not decode are rejected now
    #[arg(long)]
    pub check_pixels: bool,
    /// Set a limit on what a file may ask for; may be repeated (names: data-spec/dicom-limits.md)
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    pub limits: Vec<(String, u64)>,
    /// Most memory a worker process may take, MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub worker_memory: u64,
    /// Read everything in this process: no protection from decoders that crash or hang
    #[arg(long)]
    pub in_process: bool,
    #[command(flatten)]
    pub identity: IdentityArgs,
}

/// How ids and names are made where the folders do not give them.
#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// File whose bytes are the secret behind hashed ids: catalogues and data sets made with the same file agree on them
    #[arg(long, value_name = "FILE")]
    pub identity_key: Option<PathBuf>,
    /// Keep StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID as they are
    #[arg(long)]
    pub keep_uids: bool,
    /// Keep the paths of files as they are; they may hold names
    #[arg(long)]
    pub keep_paths: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar dataset build --rsna rsna-2024/ --out ds\n  lumbar dataset check ds\n  \
    lumbar dataset stats ds --html stats.html"
)]
pub struct DatasetArgs {
    #[command(subcommand)]
    pub command: DatasetCommand,
}

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Build a dataset from an RSNA 2024 folder, or from a catalogue and labels of one's own
    Build(DatasetBuildArgs),
    /// Put the parts of a build together
    Merge(DatasetMergeArgs),
    /// Check a dataset: no patient and no picture on two sides of a split, checksums, counts
    #[command(
        after_help = "Examples:\n  lumbar dataset check ds\n  lumbar dataset check ds --json > check.json"
    )]
    Check {
        /// The dataset
        #[arg(value_name = "DS")]
        dataset: PathBuf,
    },
    /// Count what is in a dataset, and what was left out
    #[command(
        after_help = "Examples:\n  lumbar dataset stats ds\n  lumbar dataset stats ds --html stats.html\n  \
        lumbar dataset stats ds --json > stats.json"
    )]
    Stats {
        /// The dataset
        #[arg(value_name = "DS")]
        dataset: PathBuf,
        /// Also write a page with tables, histograms and example crops of each grade
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Divide the patients of a dataset by another scheme or seed; no DICOM is needed
    Split(DatasetSplitArgs),
    /// Draw one sample as PNG, with its target, level and a scale bar
    #[command(after_help = "Examples:\n  lumbar dataset show ds 0 --out sample.png\n  \
        lumbar dataset show ds 4003253_spinal_canal_stenosis_l4_l5.sagittal_t2 --out sample.png")]
    Show {
        /// The dataset
        #[arg(value_name = "DS")]
        dataset: PathBuf,
        /// `sample_id` of samples.parquet, or its row
        #[arg(value_name = "SAMPLE")]
        sample: String,
        /// File to write
        #[arg(long, value_name = "FILE", default_value = "sample.png")]
        out: PathBuf,
    },
    /// Write a dataset for others: Parquet with pictures, a dataset card, a Croissant description
    Export(DatasetExportArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar dataset split ds --set seed=7 --out ds-7\n  \
    lumbar dataset split ds --set 'test_sites=[\"north\"]' --out ds-north\n  \
    lumbar dataset split ds --set folds=10 --keep older --out ds"
)]
pub struct DatasetSplitArgs {
    /// The dataset
    #[arg(value_name = "DS")]
    pub dataset: PathBuf,
    /// Folder to write; the dataset itself to replace it
    #[arg(long, value_name = "DS")]
    pub out: PathBuf,
    /// Set one value of the configuration's `split`: seed, valid, test, folds or test_sites
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// An older dataset whose patients keep their places in the split
    #[arg(long, value_name = "DS")]
    pub keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  lumbar dataset export ds --out share --name \"My lumbar set\" --licence cc-by-4.0\n\n\
    Then, in Python: datasets.load_dataset(\"share\")\n\n\
    The RSNA 2024 data may not be passed on, nor what is made from them."
)]
pub struct DatasetExportArgs {
    /// The dataset
    #[arg(value_name = "DS")]
    pub dataset: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the dataset, for the card
    #[arg(long, value_name = "TEXT", default_value = "lumbar-spine-grades")]
    pub name: String,
    /// Licence: an SPDX identifier
    #[arg(long, value_name = "TEXT", default_value = "other")]
    pub licence: String,
    /// Where it will be found
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Who made it
    #[arg(long, value_name = "TEXT")]
    pub creator: Option<String>,
    /// When it was published
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub published: Option<String>,
    /// How it is to be cited
    #[arg(long, value_name = "TEXT")]
    pub citation: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar dataset build --rsna rsna-2024/ --out ds --set size=96\n  \
    lumbar dataset build --catalogue cat/ --labels labels.csv --out ds\n  \
    lumbar dataset build --rsna rsna-2024/ --out part-0 --shard 0/4"
)]
pub struct DatasetBuildArgs {
    /// Folder in the RSNA 2024 layout
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "catalogue",
        conflicts_with = "catalogue"
    )]
    pub rsna: Option<PathBuf>,
    /// Catalogue written by `lumbar ingest`
    #[arg(long, value_name = "CAT", requires = "labels")]
    pub catalogue: Option<PathBuf>,
    /// Label table for the catalogue
    #[arg(long, value_name = "labels.csv", requires = "catalogue")]
    pub labels: Option<PathBuf>,
    /// Folder to write
    #[arg(long, value_name = "DS")]
    pub out: PathBuf,
    /// Configuration (TOML)
    #[arg(short, long, value_name = "dataset.toml")]
    pub config: Option<PathBuf>,
    /// Set one value of the configuration
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Make one part of n, to be put together by `merge`
    #[arg(long, value_name = "i/n")]
    pub shard: Option<lumbar_dataset::PartOf>,
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// An older dataset whose patients keep their places in the split
    #[arg(long, value_name = "DS")]
    pub keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lumbar dataset merge part-0 part-1 part-2 part-3 --out ds")]
pub struct DatasetMergeArgs {
    /// All parts
    #[arg(required = true, value_name = "PART")]
    pub parts: Vec<PathBuf>,
    /// Folder to write
    #[arg(long, value_name = "DS")]
    pub out: PathBuf,
    /// An older dataset whose patients keep their places in the split
    #[arg(long, value_name = "DS")]
    pub keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar train --dataset ds --set data.view=axial_t2 --set 'data.groups=[\"subarticular\"]' --out run\n  \
    lumbar train --dataset ds -c run.toml --folds 3 --out run\n  lumbar train --dataset ds -c run.toml --out run --resume"
)]
pub struct TrainArgs {
    /// The dataset
    #[arg(long, value_name = "DS")]
    pub dataset: PathBuf,
    /// Run directory to write
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Configuration (TOML)
    #[arg(short, long, value_name = "run.toml")]
    pub config: Option<PathBuf>,
    /// Set one value of the configuration
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Train K networks, each tested on the patients it did not see
    #[arg(long, value_name = "K", value_parser = folds)]
    pub folds: Option<usize>,
    /// Go on with the run in the run directory
    #[arg(long)]
    pub resume: bool,
    /// Show the resolved configuration and what it would train on, and stop
    #[arg(long)]
    pub dry_run: bool,
}

/// Resamples of the intervals, unless said otherwise; `report` measures as `evaluate` does.
pub const DEFAULT_RESAMPLES: usize = 1000;
/// Seed of the resamples, unless said otherwise.
pub const DEFAULT_SEED: u64 = 1;

#[derive(Debug, Args)]
#[command(
    after_help = "Writes `metrics.json`, `submission.csv` and `truth.csv`, with `--dataset` `predictions.parquet` too, and replaces \
    older ones in that folder.\n\nExamples:\n  lumbar evaluate run-sagittal run-axial --out evaluation\n  \
    lumbar evaluate run --dataset other-site --out evaluation-other-site"
)]
pub struct EvaluateArgs {
    /// Run directories; where several grade a target, their probabilities are combined
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Grade another dataset with the runs' networks; its patients must be new to them
    #[arg(long, value_name = "DS")]
    pub dataset: Option<PathBuf>,
    /// Side of the split to evaluate: test, valid or, in a run with folds, out_of_fold (default: all that was held out
    /// from training; of another dataset: everything)
    #[arg(long, value_name = "PART")]
    pub split: Option<lumbar_evaluate::Part>,
    /// Folder to write to (default: the run, if there is one)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Resamples of the patient-clustered intervals
    #[arg(long, default_value_t = DEFAULT_RESAMPLES, value_name = "N", value_parser = resamples)]
    pub ci: usize,
    /// How several runs are combined: the view a condition is marked on, or the mean of all
    #[arg(long, value_enum, default_value_t = CombineArg::ProperView)]
    pub combine: CombineArg,
    /// Truth of phantom studies, for the score of an oracle (in the folder of a demo: its own)
    #[arg(long, value_name = "FILE")]
    pub phantom_truth: Option<PathBuf>,
    /// Seed of the resamples
    #[arg(long, default_value_t = DEFAULT_SEED)]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum CombineArg {
    ProperView,
    Mean,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Writes one file, the page, and replaces nothing but such a page. Its measures are those of a `metrics.json` of the \
    same predictions (beside the page, in the run, or in the demo the run is part of); where there is none, or `--ci` or \
    `--phantom-truth` is given, they are measured anew as `lumbar evaluate` does.\n\nExamples:\n  \
    lumbar report run --dataset ds\n  lumbar report run-sagittal run-axial --dataset ds --out evaluation/report.html"
)]
pub struct ReportArgs {
    /// Run directories
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The dataset they were trained on (for its counts and example crops); another is refused
    #[arg(long, value_name = "DS")]
    pub dataset: Option<PathBuf>,
    /// File to write (default: report.html in the first run)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Measure anew, with the score of an oracle: truth of phantom studies
    #[arg(long, value_name = "FILE")]
    pub phantom_truth: Option<PathBuf>,
    /// Measure anew, with so many resamples of the patient-clustered intervals
    #[arg(long, value_name = "N", value_parser = resamples)]
    pub ci: Option<usize>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar compare run-a run-b\n  lumbar compare run-a run-b --ci 5000 --json > comparison.json"
)]
pub struct CompareArgs {
    /// One run
    pub a: PathBuf,
    /// The other
    pub b: PathBuf,
    /// Resamples of the patient-clustered intervals
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = resamples)]
    pub ci: usize,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lumbar bundle inspect run/model\n  lumbar bundle verify run/fold-0/model"
)]
pub struct BundleArgs {
    #[command(subcommand)]
    pub command: BundleCommand,
}

#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Show what a bundle says of itself
    #[command(
        after_help = "Examples:\n  lumbar bundle inspect run/model\n  lumbar bundle inspect run/fold-0/model --json"
    )]
    Inspect {
        /// The bundle's folder
        bundle: PathBuf,
    },
    /// Check its weights against their digest and shape
    #[command(
        after_help = "Examples:\n  lumbar bundle verify run/model\n  lumbar bundle verify run/fold-0/model --json"
    )]
    Verify {
        /// The bundle's folder
        bundle: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  lumbar score --truth train.csv --predictions submission.csv --missing drop"
)]
pub struct ScoreArgs {
    /// Label table in the schema of train.csv
    #[arg(long, value_name = "FILE")]
    pub truth: PathBuf,
    /// Submission: row_id, normal_mild, moderate, severe
    #[arg(long, value_name = "FILE")]
    pub predictions: PathBuf,
    /// What a missing label means: leave it out, or take it as normal
    #[arg(long, value_enum, default_value_t = MissingArg::Drop)]
    pub missing: MissingArg,
    /// Score only the rows that were submitted
    #[arg(long)]
    pub subset: bool,
    /// Rows that do not sum to 1: used as they are (scikit-learn 1.5 and later), or divided by their sum (before)
    #[arg(long, value_enum, default_value_t = RowSumsArg::AsGiven)]
    pub row_sums: RowSumsArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RowSumsArg {
    AsGiven,
    Renormalise,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MissingArg {
    Drop,
    Normal,
}
