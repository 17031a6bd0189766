//! What is odd about labels: stable codes.

use lumbar_core::{SeriesId, StudyId, Target, stable_codes};
use std::fmt;

stable_codes! {
/// The kind of an oddity. The name of a variant is its stable code; `data-spec/labels.md` lists them.
FindingCode {
    /// A row that has not the fields its header names; it is not used.
    BadRow;
    /// An id that cannot be one; the row is not used.
    BadId;
    /// A condition, level or side that does not exist; the row is not used.
    UnknownTarget;
    /// A column of the label table that names no target; it is not used.
    UnknownColumn;
    /// A grade that does not exist; the cell counts as missing.
    UnknownGrade;
    /// A coordinate that is no finite number, or an instance that is no number; the row is not used.
    BadCoordinate;
    /// A series description that names no kind of series; the series is recognised without it.
    UnknownDescription;
    /// The same row twice; the second is not used.
    DuplicateRow;
    /// Two rows that contradict each other; the cell counts as missing, of points and series the first is used.
    ConflictingRows;
    /// A target without a grade.
    MissingGrade;
    /// A point on a target without a grade.
    PointWithoutGrade;
    /// A graded target without a point.
    GradeWithoutPoint;
    /// Images, points or series of a study that has no row in the label table.
    StudyWithoutLabels;
    /// A study of the label table without images.
    StudyNotOnDisk;
    /// A series of a table without images.
    SeriesNotOnDisk;
    /// A series with images that stands in no table.
    SeriesNotInTable;
    /// A graded study without any series of a kind.
    MissingView;
    /// A point on an instance that is not among the slices; it is not used.
    PointWithoutSlice;
    /// A point on a slice without geometry; it is not used.
    PointWithoutGeometry;
    /// A point outside its image; it is not used.
    PointOutsideImage;
    /// A point on a series of another kind than its condition is marked on.
    PointOnOtherKind;
    /// The points of the left and right side have changed places in the patient.
    SidesSwapped;
    /// The points of a condition do not run from head to foot.
    LevelsOutOfOrder;
    /// The description names another plane than the slices have.
    DescriptionAgainstGeometry;
    /// A grade that the grading scheme in use cannot express; the cell counts as missing.
    GradeNotInScheme;
}
}

impl std::str::FromStr for FindingCode {
    type Err = crate::DatasetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FindingCode::ALL
            .iter()
            .copied()
            .find(|code| code.code() == text)
            .ok_or_else(|| crate::DatasetError::config("finding code", text, "a code of data-spec/labels.md"))
    }
}

/// One oddity in the labels, or between labels and images.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind.
    pub code: FindingCode,
    /// The study, if one is named.
    pub study: Option<StudyId>,
    /// The series, if one is named.
    pub series: Option<SeriesId>,
    /// The target, if one is named.
    pub target: Option<Target>,
    /// File name of the table, if it is about one.
    pub table: Option<&'static str>,
    /// Line in the table, from 1 with the header.
    pub line: Option<u64>,
    /// More about it.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(code: FindingCode) -> Finding {
        Finding {
            code,
            study: None,
            series: None,
            target: None,
            table: None,
            line: None,
            detail: String::new(),
        }
    }

    pub(crate) fn study(mut self, study: &StudyId) -> Finding {
        self.study = Some(study.clone());
        self
    }

    pub(crate) fn series(mut self, series: &SeriesId) -> Finding {
        self.series = Some(series.clone());
        self
    }

    pub(crate) fn target(mut self, target: Target) -> Finding {
        self.target = Some(target);
        self
    }

    pub(crate) fn at(mut self, table: &'static str, line: u64) -> Finding {
        self.table = Some(table);
        self.line = Some(line);
        self
    }

    /// Where in a table it stands, and what it says.
    pub(crate) fn place(&self) -> Option<String> {
        let (table, line) = (self.table?, self.line?);
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", self.detail)
        };
        Some(format!("`{table}` line {line}{detail}"))
    }

    pub(crate) fn detail(mut self, detail: impl fmt::Display) -> Finding {
        // Cells come from outside; a line of a report holds so much and no more.
        self.detail = format!("{detail}").chars().take(200).collect();
        self
    }
}
