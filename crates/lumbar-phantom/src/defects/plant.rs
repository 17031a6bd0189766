//! Planting each defect once, each in a study of its own.

use super::{PlantedDefect, kinds::DEFECTS};
use crate::error::PhantomError;
use crate::output::{StudyRecord, Tables};
use lumbar_core::{Condition, ConditionGroup, Level, PixelPoint, SeriesKind, Target};
use std::path::{Path, PathBuf};

/// What was planted, and how many files went.
pub(crate) struct Planted {
    pub defects: Vec<PlantedDefect>,
    pub n_files_removed: usize,
}

/// Plants every defect in `tables` and in the files below `images`.
///
/// # Errors
/// [`PhantomError::BadConfig`] if there are too few studies for all of them.
pub(crate) fn plant(
    tables: &mut Tables,
    studies: &[StudyRecord],
    images: &Path,
) -> Result<Planted, PhantomError> {
    let mut free: Vec<&StudyRecord> = studies.iter().collect();
    let mut planted = Planted {
        defects: Vec::new(),
        n_files_removed: 0,
    };
    let mut expected: Vec<PlantedDefect> = studies.iter().flat_map(left_out).collect();
    for defect in DEFECTS {
        let mut found = None;
        for (i, study) in free.iter().enumerate() {
            let mut bed = Bed {
                tables: &mut *tables,
                study,
                images,
                expected: &mut expected,
                n_files_removed: 0,
            };
            if defect(&mut bed)?.is_some() {
                planted.n_files_removed += bed.n_files_removed;
                found = Some(i);
                break;
            }
        }
        let Some(i) = found else {
            return Err(PhantomError::BadConfig {
                field: "n_studies",
                found: studies.len().to_string(),
                expected: "40 or more, so that every label defect finds a study of its own",
            });
        };
        free.remove(i);
    }
    expected.sort();
    planted.defects = expected;
    Ok(planted)
}

/// What quirks leave out of a study.
fn left_out(study: &StudyRecord) -> Vec<PlantedDefect> {
    let id = Some(study.truth.study_id.as_str());
    let mut defects = Vec::new();
    for truth in &study.truth.targets {
        let marked = study.marks.iter().any(|mark| mark.target == truth.target);
        if !truth.labelled {
            defects.push(PlantedDefect::new("MissingGrade", id, Some(truth.target)));
        } else if !marked {
            defects.push(PlantedDefect::new("GradeWithoutPoint", id, Some(truth.target)));
        }
    }
    for kind in SeriesKind::ALL {
        if !study.truth.series.iter().any(|series| series.kind == kind) {
            defects.push(PlantedDefect::new("MissingView", id, None));
        }
    }
    defects
}

/// A study a defect is planted in. A defect that does not fit the study changes nothing and answers `None`.
pub(super) struct Bed<'a> {
    pub tables: &'a mut Tables,
    pub study: &'a StudyRecord,
    images: &'a Path,
    pub expected: &'a mut Vec<PlantedDefect>,
    n_files_removed: usize,
}

/// Whether the defect was planted.
pub(super) type Outcome = Result<Option<()>, PhantomError>;
pub(super) type Defect = fn(&mut Bed<'_>) -> Outcome;

// Columns of the coordinates table.
pub(super) const SERIES: usize = 1;
pub(super) const INSTANCE: usize = 2;
pub(super) const CONDITION: usize = 3;
pub(super) const X: usize = 5;
pub(super) const Y: usize = 6;

impl Bed<'_> {
    pub(super) fn id(&self) -> &str {
        &self.study.truth.study_id
    }

    pub(super) fn expect(&mut self, code: &str, target: Option<Target>) {
        let defect = PlantedDefect::new(code, Some(&self.study.truth.study_id), target);
        self.expected.push(defect);
    }

    pub(super) fn label_row(&self) -> usize {
        self.row_of(&self.tables.labels)
    }

    pub(super) fn row_of(&self, table: &[Vec<String>]) -> usize {
        // Each study has a row in every table until a defect takes it, and then the study is no longer free.
        table.iter().position(|row| row[0] == self.id()).unwrap_or(0)
    }

    pub(super) fn label_column(&self, target: Target) -> usize {
        let name = target.column_name();
        self.tables.labels[0]
            .iter()
            .position(|cell| *cell == name)
            .unwrap_or(0)
    }

    pub(super) fn point_row(&self, target: Target) -> Option<usize> {
        self.tables.points.iter().position(|row| {
            row[0] == self.id()
                && row.get(CONDITION).map(String::as_str) == Some(target.condition.display_name())
                && row.get(CONDITION + 1).map(String::as_str) == Some(target.level.display_name())
        })
    }

    pub(super) fn series_row(&self, series_id: &str) -> Option<usize> {
        self.tables
            .series
            .iter()
            .position(|row| row[0] == self.id() && row[1] == series_id)
    }

    pub(super) fn series_of(&self, kind: SeriesKind) -> Option<&str> {
        let mut of_kind = self.study.truth.series.iter().filter(|one| one.kind == kind);
        of_kind.next().map(|one| one.series_id.as_str())
    }

    /// A target with grade and point; the canal has both nearly always.
    pub(super) fn canal(&self, level: Level) -> Option<Target> {
        let target = Target::new(Condition::SpinalCanalStenosis, level);
        let graded = self.study.truth.targets[target.index()].labelled;
        (graded && self.point_row(target).is_some()).then_some(target)
    }

    pub(super) fn repeat(&mut self, table: fn(&mut Tables) -> &mut Vec<Vec<String>>, row: usize) -> usize {
        let table = table(self.tables);
        let copy = table[row].clone();
        table.insert(row + 1, copy);
        row + 1
    }

    pub(super) fn set_point(&mut self, row: usize, column: usize, value: impl Into<String>) {
        self.tables.points[row][column] = value.into();
    }

    /// Moves a point to the slice of another series that passes nearest to the same place.
    pub(super) fn move_point(&mut self, target: Target, kind: SeriesKind) -> Option<()> {
        let row = self.point_row(target)?;
        let place = self.study.truth.targets[target.index()].point_mm;
        let series = self.study.series.iter().find(|series| series.kind == kind)?;
        let (instance, pixel) = series
            .slices
            .iter()
            .map(|(instance, plane)| (*instance, plane, plane.patient_to_pixel(place)))
            .filter(|(_, plane, seen)| plane.contains(seen.pixel))
            .min_by(|a, b| a.2.off_plane_mm.abs().total_cmp(&b.2.off_plane_mm.abs()))
            .map(|(instance, _, seen)| (instance, seen.pixel))?;
        self.set_place(row, &series.series_id, instance, pixel);
        Some(())
    }

    pub(super) fn set_place(&mut self, row: usize, series_id: &str, instance: i32, pixel: PixelPoint) {
        self.set_point(row, SERIES, series_id);
        self.set_point(row, INSTANCE, instance.to_string());
        self.set_point(row, X, pixel.column.to_string());
        self.set_point(row, Y, pixel.row.to_string());
    }

    /// Exchanges the places of two points of one series.
    pub(super) fn swap_points(&mut self, group: ConditionGroup) -> Option<Target> {
        let [left, right] = match group {
            ConditionGroup::Subarticular => [
                Condition::LeftSubarticularStenosis,
                Condition::RightSubarticularStenosis,
            ],
            _ => [
                Condition::LeftNeuralForaminalNarrowing,
                Condition::RightNeuralForaminalNarrowing,
            ],
        };
        for level in Level::ALL {
            let rows = (
                self.point_row(Target::new(left, level)),
                self.point_row(Target::new(right, level)),
            );
            let (Some(a), Some(b)) = rows else { continue };
            if self.tables.points[a][SERIES] != self.tables.points[b][SERIES] {
                continue;
            }
            for column in [INSTANCE, X, Y] {
                let first = self.tables.points[a][column].clone();
                let second = std::mem::replace(&mut self.tables.points[b][column], first);
                self.tables.points[a][column] = second;
            }
            return Some(Target::new(left, level));
        }
        None
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.images.join(self.id())
    }

    pub(super) fn remove_folder(&mut self, folder: &Path, n_files: usize) -> Result<(), PhantomError> {
        self.n_files_removed += n_files;
        std::fs::remove_dir_all(folder).map_err(|source| PhantomError::Io {
            path: folder.to_owned(),
            source,
        })
    }
}
