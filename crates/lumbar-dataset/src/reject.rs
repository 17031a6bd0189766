//! What did not become a slice or a sample, and why: `rejects.parquet`.

use crate::table::{RowWriter, TableReader, TableWriter};
use crate::{DatasetError, Sample};
use lumbar_core::{SeriesKind, StudyId, Target, stable_codes};
use lumbar_dicom::crossref::NotCovered;
use lumbar_dicom::{Catalogue, Reject, Unused};
use std::path::Path;

stable_codes! {
/// Why a target got no sample on a view. The name of a variant is its stable code; `data-spec/manifests.md` lists them.
SampleRejectReason {
    /// The target has no grade, and the configuration drops such targets.
    NoGrade;
    /// The grade cannot be expressed in the dataset's scheme (Normal/Mild in four grades).
    GradeNotInScheme;
    /// The study has no images.
    StudyNotOnDisk;
    /// The study has no series of the view's kind.
    NoSeriesOfKind;
    /// The target is marked nowhere.
    NoPoint;
    /// The target is marked, but on no slice that exists, has geometry and holds the point.
    PointUnusable;
    /// The point cannot be carried over: no slice of the view's series has geometry.
    ViewWithoutGeometry;
    /// The point cannot be carried over: the frames of reference differ.
    OtherFrameOfReference;
    /// The point lies beside all images of the view.
    OutsideView;
    /// The point lies between or beyond the slices of the view: the nearest is more than half a spacing away.
    BetweenSlices;
    /// Too much of the crop lies outside its slice.
    CropOutsideImage;
    /// The pixels of a slice of the sample could not be read or prepared.
    PixelsUnreadable;
    /// The file has no window, and the configuration asks for it.
    NoWindow;
}
}

impl From<NotCovered> for SampleRejectReason {
    fn from(reason: NotCovered) -> Self {
        match reason {
            NotCovered::OtherFrameOfReference => SampleRejectReason::OtherFrameOfReference,
            NotCovered::OutsideImages => SampleRejectReason::OutsideView,
            NotCovered::BetweenSlices { .. } => SampleRejectReason::BetweenSlices,
            // `NotCovered` may grow; whatever else keeps a place from being found is about geometry.
            _ => SampleRejectReason::ViewWithoutGeometry,
        }
    }
}

/// A target that got no sample on a view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampleReject {
    /// The study.
    pub study: StudyId,
    /// The target.
    pub target: Target,
    /// The view.
    pub view: SeriesKind,
    /// Why.
    pub reason: SampleRejectReason,
    /// More about it.
    pub detail: String,
}

/// A row of the table: a file, series or study, or a target on a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectRow {
    pub scope: String,
    pub source: Option<String>,
    pub study: Option<String>,
    pub series: Option<String>,
    pub sample_id: Option<String>,
    pub target: Option<String>,
    pub view: Option<String>,
    pub reason: String,
    pub detail: String,
}

impl RejectRow {
    pub fn file(reject: &Reject) -> RejectRow {
        RejectRow {
            scope: "file".to_owned(),
            source: Some(reject.source.clone()),
            study: reject.study.as_ref().map(|study| study.to_string()),
            series: reject.series.as_ref().map(|series| series.to_string()),
            sample_id: None,
            target: None,
            view: None,
            reason: reject.reason.code().to_owned(),
            detail: reject.detail.clone(),
        }
    }

    /// A series or study that was found and is not used.
    pub fn unused(unused: &Unused) -> RejectRow {
        let scope = if unused.series.is_some() {
            "series"
        } else {
            "study"
        };
        RejectRow {
            scope: scope.to_owned(),
            source: None,
            study: Some(unused.study.to_string()),
            series: unused.series.as_ref().map(|series| series.to_string()),
            sample_id: None,
            target: None,
            view: None,
            reason: unused.reason.code().to_owned(),
            detail: String::new(),
        }
    }

    /// The rows of a catalogue: files, then series and studies.
    pub fn of_catalogue(catalogue: &Catalogue) -> Vec<RejectRow> {
        Self::files_and_unused(&catalogue.rejects, &catalogue.unused()).collect()
    }

    /// The same, of their parts.
    pub fn files_and_unused(rejects: &[Reject], unused: &[Unused]) -> impl Iterator<Item = RejectRow> {
        let files = rejects.iter().map(RejectRow::file);
        files.chain(unused.iter().map(RejectRow::unused))
    }

    pub fn sample(reject: &SampleReject) -> RejectRow {
        RejectRow {
            scope: "sample".to_owned(),
            source: None,
            study: Some(reject.study.to_string()),
            series: None,
            sample_id: Some(Sample::id_of(&reject.study, reject.target, reject.view)),
            target: Some(reject.target.column_name()),
            view: Some(reject.view.name().to_owned()),
            reason: reject.reason.code().to_owned(),
            detail: reject.detail.clone(),
        }
    }
}

pub(crate) fn write_rejects(
    path: &Path,
    rows: impl IntoIterator<Item = RejectRow>,
    metadata: &[(&str, String)],
) -> Result<(), DatasetError> {
    let mut writer = reject_writer(path, metadata);
    writer.extend(rows)?;
    writer.finish()
}

/// The table of rejects, for rows in order.
pub(crate) fn reject_writer(path: &Path, metadata: &[(&str, String)]) -> RowWriter<RejectRow> {
    RowWriter::new(path, (metadata, 1), columns)
}

fn columns(rows: &[RejectRow]) -> TableWriter {
    let rows = || rows.iter();
    let mut table = TableWriter::default();
    table
        .text("scope", rows().map(|r| &r.scope))
        .text_or_null("source", rows().map(|r| r.source.as_ref()))
        .text_or_null("study_id", rows().map(|r| r.study.as_ref()))
        .text_or_null("series_id", rows().map(|r| r.series.as_ref()))
        .text_or_null("sample_id", rows().map(|r| r.sample_id.as_ref()))
        .text_or_null("target", rows().map(|r| r.target.as_ref()))
        .text_or_null("view", rows().map(|r| r.view.as_ref()))
        .text("reason", rows().map(|r| &r.reason))
        .text("detail", rows().map(|r| &r.detail));
    table
}

pub(crate) fn read_rejects(path: &Path) -> Result<Vec<RejectRow>, DatasetError> {
    let table = TableReader::open(path)?;
    let names = ["source", "study_id", "series_id", "sample_id", "target", "view"];
    let optional: Vec<_> = names
        .iter()
        .map(|name| table.text(name))
        .collect::<Result<_, _>>()?;
    let (scope, reason, detail) = (table.text("scope")?, table.text("reason")?, table.text("detail")?);
    (0..table.n_rows())
        .map(|i| {
            let must = |cell: Option<&str>, name| table.must(cell, name, i).map(str::to_owned);
            let cell = |k: usize| optional[k][i].map(str::to_owned);
            Ok(RejectRow {
                scope: must(scope[i], "scope")?,
                source: cell(0),
                study: cell(1),
                series: cell(2),
                sample_id: cell(3),
                target: cell(4),
                view: cell(5),
                reason: must(reason[i], "reason")?,
                detail: must(detail[i], "detail")?,
            })
        })
        .collect()
}

/// The file rejects of a table, as the reader of DICOM made them.
pub(crate) fn read_file_rejects(path: &Path) -> Result<Vec<Reject>, DatasetError> {
    let bad = |what: &str| DatasetError::corrupt("Parquet table", path, format_args!("unexpected `{what}`"));
    read_rejects(path)?
        .into_iter()
        .filter(|row| row.scope == "file")
        .map(|row| {
            Ok(Reject {
                source: row.source.ok_or_else(|| bad("source"))?,
                study: row
                    .study
                    .map(|id| id.parse())
                    .transpose()
                    .map_err(|_| bad("study_id"))?,
                series: row
                    .series
                    .map(|id| id.parse())
                    .transpose()
                    .map_err(|_| bad("series_id"))?,
                reason: row.reason.parse().map_err(|_| bad("reason"))?,
                detail: row.detail,
            })
        })
        .collect()
}
