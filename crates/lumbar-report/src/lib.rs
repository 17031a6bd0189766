//! A run or a graded study as self-contained HTML, SVG and JSON

mod error;
mod input;

pub use error::ReportError;
pub use input::{
    Control, EpochRecord, ExampleCrop, Exclusion, FlowStage, LearningCurve, ReportInput, RunFacts, SplitSize,
    StageTime,
};
