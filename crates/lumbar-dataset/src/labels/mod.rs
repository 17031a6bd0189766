//! Labels: grades, points and series tables, as read from the RSNA tables or from a table of one's own.
//!
//! ```
//! use lumbar_dataset::labels::Labels;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("labels.csv");
//! std::fs::write(&path, "study,condition,level,side,grade\n\
//!     7,spinal_canal_stenosis,L4/L5,,Severe\n\
//!     7,neural_foraminal_narrowing,L5/S1,left,Mild\n")?;
//! let labels = Labels::read_own(&path)?;
//! assert_eq!(labels.grades.len(), 2);
//! assert!(labels.findings.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod csv_table;
mod finding;
mod lint;

mod own;
mod rsna;
pub(crate) mod tables;

pub use finding::{Finding, FindingCode};
pub use lint::lint;

use lumbar_core::{PatientKey, PixelPoint, SeriesId, SeriesKind, Severity, StudyId, Target};
use std::collections::{BTreeMap, BTreeSet};

/// A marked place of a target, on an image.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelPoint {
    /// The study.
    pub study: StudyId,
    /// What is marked.
    pub target: Target,
    /// On which series.
    pub series: SeriesId,
    /// On which instance of it.
    pub instance_number: i32,
    /// Where on the image.
    pub pixel: PixelPoint,
    /// Line of the table it comes from.
    pub line: u64,
}

/// Everything the tables say.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Studies with a row in the label table.
    pub studies: BTreeSet<StudyId>,
    /// Grades; a target that is not here is missing.
    pub grades: BTreeMap<(StudyId, Target), Severity>,
    /// Points, sorted by study, target, series and instance.
    pub points: Vec<LabelPoint>,
    /// What the series table says each series is; `None` where it says something else than the three kinds.
    pub series: BTreeMap<(StudyId, SeriesId), Option<SeriesKind>>,
    /// Whether there is a series table at all.
    pub has_series_table: bool,
    /// Patients, where the table names them (only one's own table can).
    pub patients: BTreeMap<StudyId, PatientKey>,
    /// Sites, where the table names them (only one's own table can).
    pub sites: BTreeMap<StudyId, String>,
    /// Oddities of the tables themselves; [`lint`] adds those between tables and images.
    pub findings: Vec<Finding>,
    /// SHA-256 over the bytes of the tables, in hexadecimal.
    pub digest: String,
}

impl Labels {
    /// The points of a target, in the order of series and instance.
    pub fn points_of(&self, study: &StudyId, target: Target) -> &[LabelPoint] {
        let key = |point: &LabelPoint| point.study.cmp(study).then(point.target.cmp(&target));
        let start = self.points.partition_point(|point| key(point).is_lt());
        let end = self.points.partition_point(|point| key(point).is_le());
        &self.points[start..end]
    }

    /// Sorts points and takes repeats out, noting them.
    fn settle_points(&mut self, table: &'static str) {
        self.points.sort_by(|a, b| {
            (&a.study, a.target, &a.series, a.instance_number, a.line).cmp(&(
                &b.study,
                b.target,
                &b.series,
                b.instance_number,
                b.line,
            ))
        });
        let mut kept: Vec<LabelPoint> = Vec::with_capacity(self.points.len());
        for point in self.points.drain(..) {
            let same_place = kept.last().filter(|last| {
                (&last.study, last.target, &last.series) == (&point.study, point.target, &point.series)
            });
            let Some(last) = same_place else {
                kept.push(point);
                continue;
            };
            let same = last.instance_number == point.instance_number && last.pixel == point.pixel;
            let code = if same {
                FindingCode::DuplicateRow
            } else {
                FindingCode::ConflictingRows
            };
            // Whichever of the two stands first in the table is used.
            let (first, second) = if last.line < point.line {
                (None, &point)
            } else {
                (Some(point.clone()), last)
            };
            self.findings.push(
                Finding::new(code)
                    .study(&second.study)
                    .series(&second.series)
                    .target(second.target)
                    .at(table, second.line)
                    .detail("a second point of the same target on the same series"),
            );
            if let (Some(first), Some(last)) = (first, kept.last_mut()) {
                *last = first;
            }
        }
        self.points = kept;
    }
}
