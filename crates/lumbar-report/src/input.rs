//! What a report is made of: plain data, which the caller fills in.

use crate::ReportError;
use lumbar_core::{ConditionGroup, SeriesKind, Severity};
use lumbar_evaluate::EvaluationReport;
use serde::{Deserialize, Serialize};

/// Everything a report shows. What is empty is left out of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportInput {
    /// The heading, such as `Lumbar demo`.
    pub title: String,
    /// From files to samples: what came in and what was left out, stage by stage.
    pub flow: Vec<FlowStage>,
    /// How the samples were divided.
    pub splits: Vec<SplitSize>,
    /// Example crops, in any order.
    pub examples: Vec<ExampleCrop>,
    /// The trained runs.
    pub runs: Vec<RunFacts>,
    /// What was measured; says the domain.
    pub evaluation: EvaluationReport,
    /// Runs whose score should fall: shuffled labels, blanked centre.
    pub controls: Vec<Control>,
    /// Seconds per stage, in order.
    pub stages: Vec<StageTime>,
    /// Sentences a reader must know, shown near the top.
    pub notes: Vec<String>,
    /// Versions, digests, seeds, the command: name and value.
    pub provenance: Vec<(String, String)>,
}

/// A stage of the data flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowStage {
    /// What is counted, in the plural: `files`, `series`, `targets and views`.
    pub what: String,
    /// How many came in.
    pub came_in: u64,
    /// How many went on.
    pub went_on: u64,
    /// What the survivors are: `slices`, `samples`.
    pub as_what: String,
    /// What was left out, by reason.
    pub excluded: Vec<Exclusion>,
}

/// Things left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The reason code, such as `NotDicom`.
    pub reason: String,
    /// What it means, for people; may be empty.
    pub meaning: String,
    /// How many.
    pub count: u64,
}

/// One side of the split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitSize {
    /// `train`, `valid`, `test`, `fold 0`, ...
    pub name: String,
    /// Patients in it.
    pub n_patients: u64,
    /// Studies in it.
    pub n_studies: u64,
    /// Samples in it.
    pub n_samples: u64,
    /// Samples of each grade of the scheme, then without a grade.
    pub n_of_grade: Vec<u64>,
}

/// A crop as it hangs for a reader, its target in the middle.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleCrop {
    /// What is graded in it.
    pub group: ConditionGroup,
    /// The series it is cut from.
    pub view: SeriesKind,
    /// The reader's grade.
    pub severity: Severity,
    /// Below the picture: level, side, study.
    pub caption: String,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Grey values, row by row.
    pub pixels: Vec<u8>,
    /// The patient's direction at its left, right, top and bottom, such as `R`, `L`, `A`, `P`.
    pub directions: [String; 4],
    /// Width of a pixel, mm.
    pub mm_per_pixel: f64,
}

/// A trained run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunFacts {
    /// Its name, such as `sagittal_t2`.
    pub name: String,
    /// Architecture, size, device and so on: name and value.
    pub facts: Vec<(String, String)>,
    /// One per fold.
    pub curves: Vec<LearningCurve>,
    /// Whether a temperature was fitted for each of its networks; `None` if that is not known.
    pub calibrated: Option<bool>,
    /// Whether its networks are shown targets of the right side mirrored to the left.
    pub mirrors_right: bool,
}

/// The epochs of one network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LearningCurve {
    /// `fold 0` and so on; empty if there is one only.
    pub name: String,
    /// Its epochs.
    pub epochs: Vec<EpochRecord>,
}

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Optimiser steps done.
    pub step: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean training loss.
    pub train_loss: f64,
    /// Weighted log loss on the validation part, which the checkpoint is chosen by.
    pub valid_loss: f64,
    /// Wall time of the epoch, s.
    pub seconds: f64,
    /// Training samples a second.
    pub samples_per_second: f64,
}

impl LearningCurve {
    /// Reads the text of `metrics.jsonl`. A last line without a newline is passed over: the run may be writing it.
    ///
    /// # Errors
    /// [`ReportError::LearningCurve`] with the line that is no such record.
    pub fn from_jsonl(name: impl Into<String>, text: &str) -> Result<LearningCurve, ReportError> {
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut epochs = Vec::new();
        for (line_idx, line) in complete.lines().enumerate() {
            if !line.trim().is_empty() {
                let record = serde_json::from_str(line).map_err(|source| ReportError::LearningCurve {
                    line: line_idx + 1,
                    source,
                })?;
                epochs.push(record);
            }
        }
        Ok(LearningCurve {
            name: name.into(),
            epochs,
        })
    }
}

/// A run that was made to fail, to see that the score can.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// `Shuffled labels`.
    pub name: String,
    /// What was done, and what should come of it.
    pub expectation: String,
    /// What came of it.
    pub evaluation: EvaluationReport,
}

/// Wall time of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTime {
    /// The stage.
    pub name: String,
    /// Its wall time, s.
    pub seconds: f64,
}
