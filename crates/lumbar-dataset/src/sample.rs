//! Samples, and their table.

use crate::table::{RowWriter, TableReader, TableWriter};
use crate::{Assignment, DatasetError};
use lumbar_core::{
    GradingScheme, PatientKey, PixelPoint, Point, RowId, SeriesId, SeriesKind, Severity, StudyId, Target,
};
use lumbar_preprocess::MirrorOp;
use std::path::Path;
use std::{fmt, str::FromStr};

/// How the place of a sample was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Localisation {
    /// The target is marked on this very series.
    Given,
    /// The target is marked on another series, and its patient-space point was carried over.
    CrossReference,
    /// The target is marked nowhere; this is the middle slice of a sagittal series, as a whole, for the canal.
    MiddleSlice,
}

impl Localisation {
    /// `given`, `cross_reference` or `middle_slice`.
    pub fn name(self) -> &'static str {
        ["given", "cross_reference", "middle_slice"][self as usize]
    }
}

impl fmt::Display for Localisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Localisation {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        [
            Localisation::Given,
            Localisation::CrossReference,
            Localisation::MiddleSlice,
        ]
        .into_iter()
        .find(|localisation| localisation.name() == text)
        .ok_or_else(|| DatasetError::config("localisation", text, "given, cross_reference or middle_slice"))
    }
}

/// One sample: a target of a study, seen on one view. `data-spec/manifests.md` describes each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `<study>_<condition>_<level>.<view>`.
    pub sample_id: String,
    /// The study.
    pub study: StudyId,
    /// Whom it is of: the patient key, or the study where there is none.
    pub patient: PatientKey,
    /// What is graded.
    pub target: Target,
    /// The kind of series it is seen on.
    pub view: SeriesKind,
    /// The grade, in the dataset's scheme; `None` if it is missing.
    pub severity: Option<Severity>,
    /// Where the patient stands in the splits.
    pub assignment: Assignment,
    /// The series.
    pub series: SeriesId,
    /// The central slice's file as in `slices.parquet`, and the frame in it.
    pub source: String,
    /// Frame in the file.
    pub frame: u32,
    /// InstanceNumber of the central slice.
    pub instance_number: Option<i32>,
    /// Where on the central slice, in pixels of the file.
    pub pixel: PixelPoint,
    /// Where in the patient, mm.
    pub point: Point,
    /// Distance of the point from the central slice along its normal, mm.
    pub off_plane_mm: f64,
    /// How the place was found.
    pub localisation: Localisation,
    /// PixelSpacing of the central slice: between rows, between columns, mm.
    pub pixel_spacing_mm: [f64; 2],
    /// Side of the crop, mm; `None` for whole slices.
    pub crop_mm: Option<f64>,
    /// mm per pixel of the sample, down and right.
    pub sample_spacing_mm: [f64; 2],
    /// Share of the central crop that lies on the slice.
    pub share_inside: f64,
    /// What a left-right mirror does to the pixels; `None` for stacks too oblique to mirror.
    pub mirror: Option<MirrorOp>,
    /// Places of the mini-stack filled by repeating its last slice, as the stack ends there.
    pub n_end_fills: u32,
    /// Places filled by repeating a slice, as one is missing.
    pub n_gap_fills: u32,
    /// Site, if known.
    pub site: Option<String>,
    /// File of pixels.
    pub shard: u32,
    /// Row in it.
    pub row: u32,
    /// CRC-32 (IEEE) of the pixels.
    pub crc32: u32,
}

impl Sample {
    /// The id of a sample.
    pub fn id_of(study: &StudyId, target: Target, view: SeriesKind) -> String {
        let row = RowId {
            study: study.clone(),
            target,
        };
        format!("{row}.{view}")
    }
}

/// Columns the table is sorted by, from the first: study, then target and view within.
const N_SORTED: usize = 1;

/// The table of samples, for rows in order.
pub(crate) fn sample_writer(
    path: &Path,
    (grades, metadata): (GradingScheme, &[(&str, String)]),
) -> RowWriter<Sample> {
    RowWriter::new(path, (metadata, N_SORTED), move |samples| {
        columns(samples, grades)
    })
}

fn columns(samples: &[Sample], grades: GradingScheme) -> TableWriter {
    let rows = || samples.iter();
    let grade_idx = |sample: &Sample| {
        sample
            .severity
            .and_then(|grade| grades.index_of(grade))
            .map(|idx| idx as u32)
    };
    let mut table = TableWriter::default();
    table
        .text("study_id", rows().map(|s| s.study.as_str()))
        .text("sample_id", rows().map(|s| &s.sample_id))
        .text("patient", rows().map(|s| s.patient.as_str()))
        .text("target", rows().map(|s| s.target.column_name()))
        .text("condition", rows().map(|s| s.target.condition.column_name()))
        .text("level", rows().map(|s| s.target.level.display_name()))
        .text_or_null(
            "side",
            rows().map(|s| s.target.condition.side().map(|side| side.to_string())),
        )
        .text(
            "condition_group",
            rows().map(|s| s.target.condition.group().short_name()),
        )
        .text("view", rows().map(|s| s.view.name()))
        .text_or_null("grade", rows().map(|s| s.severity.map(Severity::display_name)))
        .u32_or_null("grade_idx", rows().map(grade_idx))
        .text("split", rows().map(|s| s.assignment.part.name()))
        .u32("fold", rows().map(|s| s.assignment.fold))
        .text("series_id", rows().map(|s| s.series.as_str()))
        .text("source", rows().map(|s| &s.source))
        .u32("frame", rows().map(|s| s.frame))
        .i32_or_null("instance_number", rows().map(|s| s.instance_number))
        .f64("x_px", rows().map(|s| s.pixel.column))
        .f64("y_px", rows().map(|s| s.pixel.row))
        .f64("point_x_mm", rows().map(|s| s.point.x))
        .f64("point_y_mm", rows().map(|s| s.point.y))
        .f64("point_z_mm", rows().map(|s| s.point.z))
        .f64("off_plane_mm", rows().map(|s| s.off_plane_mm))
        .text("localisation", rows().map(|s| s.localisation.name()))
        .f64("row_spacing_mm", rows().map(|s| s.pixel_spacing_mm[0]))
        .f64("column_spacing_mm", rows().map(|s| s.pixel_spacing_mm[1]))
        .f64_or_null("crop_mm", rows().map(|s| s.crop_mm))
        .f64("sample_row_spacing_mm", rows().map(|s| s.sample_spacing_mm[0]))
        .f64("sample_column_spacing_mm", rows().map(|s| s.sample_spacing_mm[1]))
        .f64("share_inside", rows().map(|s| s.share_inside))
        .text_or_null("mirror", rows().map(|s| s.mirror.map(MirrorOp::name)))
        .u32("n_end_fills", rows().map(|s| s.n_end_fills))
        .u32("n_gap_fills", rows().map(|s| s.n_gap_fills))
        .text_or_null("site", rows().map(|s| s.site.as_ref()))
        .u32("shard", rows().map(|s| s.shard))
        .u32("row", rows().map(|s| s.row))
        .u32("crc32", rows().map(|s| s.crc32));
    table
}

pub(crate) fn read_samples(path: &Path) -> Result<Vec<Sample>, DatasetError> {
    let table = TableReader::open(path)?;
    let text = |name| table.text(name);
    let (study, sample_id, patient) = (text("study_id")?, text("sample_id")?, text("patient")?);
    let (target, view, grade) = (text("target")?, text("view")?, text("grade")?);
    let (part, fold) = (text("split")?, table.u32("fold")?);
    let (series, source, frame) = (text("series_id")?, text("source")?, table.u32("frame")?);
    let instance_number = table.i32("instance_number")?;
    let (localisation, mirror, site) = (text("localisation")?, text("mirror")?, text("site")?);
    let number_names = [
        "x_px",
        "y_px",
        "point_x_mm",
        "point_y_mm",
        "point_z_mm",
        "off_plane_mm",
        "row_spacing_mm",
        "column_spacing_mm",
        "sample_row_spacing_mm",
        "sample_column_spacing_mm",
        "share_inside",
    ];
    let numbers: Vec<_> = number_names
        .iter()
        .map(|name| table.f64(name))
        .collect::<Result<_, _>>()?;
    let crop_mm = table.f64("crop_mm")?;
    let count_names = ["n_end_fills", "n_gap_fills", "shard", "row", "crc32"];
    let counts: Vec<_> = count_names
        .iter()
        .map(|name| table.u32(name))
        .collect::<Result<_, _>>()?;
    (0..table.n_rows())
        .map(|i| {
            let number = |k: usize| table.must(numbers[k][i], number_names[k], i);
            let count = |k: usize| table.must(counts[k][i], count_names[k], i);
            Ok(Sample {
                sample_id: table.parse(sample_id[i], "sample_id", i)?,
                study: table.parse(study[i], "study_id", i)?,
                patient: table.parse(patient[i], "patient", i)?,
                target: table.parse(target[i], "target", i)?,
                view: table.parse(view[i], "view", i)?,
                severity: table.parse_or_null(grade[i], "grade", i)?,
                assignment: Assignment {
                    part: table.parse(part[i], "split", i)?,
                    fold: table.must(fold[i], "fold", i)?,
                },
                series: table.parse(series[i], "series_id", i)?,
                source: table.must(source[i], "source", i)?.to_owned(),
                frame: table.must(frame[i], "frame", i)?,
                instance_number: instance_number[i],
                pixel: PixelPoint::new(number(0)?, number(1)?),
                point: Point::new(number(2)?, number(3)?, number(4)?),
                off_plane_mm: number(5)?,
                localisation: table.parse(localisation[i], "localisation", i)?,
                pixel_spacing_mm: [number(6)?, number(7)?],
                crop_mm: crop_mm[i],
                sample_spacing_mm: [number(8)?, number(9)?],
                share_inside: number(10)?,
                mirror: table.parse_or_null(mirror[i], "mirror", i)?,
                n_end_fills: count(0)?,
                n_gap_fills: count(1)?,
                site: site[i].map(str::to_owned),
                shard: count(2)?,
                row: count(3)?,
                crc32: count(4)?,
            })
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Part;

    pub(crate) fn example(study: &str, target: Target, view: SeriesKind) -> Sample {
        let study = StudyId::new(study).unwrap();
        Sample {
            sample_id: Sample::id_of(&study, target, view),
            patient: PatientKey::new(study.as_str()).unwrap(),
            study,
            target,
            view,
            severity: Some(Severity::Moderate),
            assignment: Assignment {
                part: Part::Valid,
                fold: 3,
            },
            series: SeriesId::new("12").unwrap(),
            source: "train_images/1/12/7.dcm".to_owned(),
            frame: 0,
            instance_number: Some(7),
            pixel: PixelPoint::new(101.25, 88.5),
            point: Point::new(-12.0, 3.5, 40.0),
            off_plane_mm: 0.0,
            localisation: Localisation::Given,
            pixel_spacing_mm: [0.6, 0.5],
            crop_mm: Some(45.0),
            sample_spacing_mm: [0.7, 0.7],
            share_inside: 1.0,
            mirror: Some(MirrorOp::ReverseDepth),
            n_end_fills: 0,
            n_gap_fills: 1,
            site: None,
            shard: 0,
            row: 5,
            crc32: 0xdead_beef,
        }
    }

    #[test]
    fn samples_come_back_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.parquet");
        let mut samples: Vec<Sample> = Target::all()
            .map(|target| example("4290000001", target, SeriesKind::AxialT2))
            .collect();
        samples[3].severity = None;
        samples[4].mirror = None;
        samples[5].crop_mm = None;
        samples[6].site = Some("north".to_owned());
        samples[7].localisation = Localisation::CrossReference;
        let metadata = [("schema_version", "1".to_owned())];
        let mut writer = sample_writer(&path, (Default::default(), &metadata));
        writer.extend(samples.iter().cloned()).unwrap();
        writer.finish().unwrap();
        assert_eq!(read_samples(&path).unwrap(), samples);
        assert_eq!(
            samples[0].sample_id,
            "4290000001_spinal_canal_stenosis_l1_l2.axial_t2"
        );
    }
}
