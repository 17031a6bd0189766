//! Defects of labels, planted on purpose, with a list of what was planted.

mod kinds;
mod plant;

pub(crate) use plant::plant;

use crate::error::PhantomError;
use lumbar_core::Target;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// What a linter of labels has to find: one line of `phantom_defects.jsonl`.
///
/// The list is complete: whatever is not in it is as it should be. It names the planted defects with all they bring
/// about (a blanked grade leaves its point without a grade), and what the quirks of a phantom leave out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlantedDefect {
    /// Code of the finding it must lead to, as in `data-spec/labels.md`.
    pub code: String,
    /// The study, if the finding can know it.
    pub study_id: Option<String>,
    /// The target, if it is about one.
    pub target: Option<Target>,
}

impl PlantedDefect {
    pub(crate) fn new(code: &str, study_id: Option<&str>, target: Option<Target>) -> PlantedDefect {
        PlantedDefect {
            code: code.to_owned(),
            study_id: study_id.map(str::to_owned),
            target,
        }
    }
}

/// Writes one line per defect.
pub(crate) fn write_defects(out_dir: &Path, defects: &[PlantedDefect]) -> Result<(), PhantomError> {
    let path = out_dir.join("phantom_defects.jsonl");
    let io = |source| PhantomError::Io {
        path: path.clone(),
        source,
    };
    let mut text = Vec::new();
    for defect in defects {
        serde_json::to_writer(&mut text, defect).map_err(|error| io(error.into()))?;
        text.write_all(b"\n").map_err(io)?;
    }
    crate::output::replace(&path, &text)
}
