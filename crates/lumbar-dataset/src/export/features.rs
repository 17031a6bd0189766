//! The columns of an export, once for Parquet, the hub and Croissant.

use crate::{Dataset, Sample};
use lumbar_core::{Condition, Level, SeriesKind, Severity};
use serde_json::{Value, json};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A PNG picture.
    Image,
    /// Several.
    Images,
    /// One of some names; stored as its position among them, -1 if missing.
    Class(Classes),
    Text,
    Integer,
    Number,
}

/// The names of a class column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Classes {
    Grade,
    Condition,
    Level,
    View,
}

/// A column of an export.
pub(super) struct Feature {
    pub name: &'static str,
    pub kind: Kind,
    pub meaning: &'static str,
}

const fn feature(name: &'static str, kind: Kind, meaning: &'static str) -> Feature {
    Feature { name, kind, meaning }
}

const FEATURES: [Feature; 23] = [
    feature("image", Kind::Image, "central slice of the sample"),
    feature("slices", Kind::Images, "all slices of the mini-stack, in order"),
    feature("grade", Kind::Class(Classes::Grade), "how severe"),
    feature("condition", Kind::Class(Classes::Condition), "what is graded"),
    feature("level", Kind::Class(Classes::Level), "at which disc"),
    feature("view", Kind::Class(Classes::View), "kind of series it is seen on"),
    feature("sample_id", Kind::Text, "study, condition, level and view"),
    feature("study_id", Kind::Text, "study"),
    feature(
        "patient",
        Kind::Text,
        "whom it is of: keyed hash or pseudonym, or the study",
    ),
    feature("series_id", Kind::Text, "series it is seen on"),
    feature("side", Kind::Text, "left, right, or empty for the canal"),
    feature(
        "localisation",
        Kind::Text,
        "given, or carried over from another series",
    ),
    feature("site", Kind::Text, "where it was taken, if known"),
    feature("fold", Kind::Integer, "fold in which the patient is held out"),
    feature("instance_number", Kind::Integer, "of the central slice"),
    feature(
        "point_x_mm",
        Kind::Number,
        "the target in the patient, towards left",
    ),
    feature("point_y_mm", Kind::Number, "towards the back"),
    feature("point_z_mm", Kind::Number, "towards the head"),
    feature(
        "off_plane_mm",
        Kind::Number,
        "distance of the target from the central slice",
    ),
    feature(
        "crop_mm",
        Kind::Number,
        "side of the crop; empty for whole slices",
    ),
    feature("sample_row_spacing_mm", Kind::Number, "mm per row of the picture"),
    feature(
        "sample_column_spacing_mm",
        Kind::Number,
        "mm per column of the picture",
    ),
    feature(
        "share_inside",
        Kind::Number,
        "share of the crop that lies on its slice",
    ),
];

/// The columns of the export of a dataset.
pub(super) fn features(dataset: &Dataset) -> impl Iterator<Item = &'static Feature> {
    let one_slice = dataset.shape()[0] == 1;
    FEATURES
        .iter()
        .filter(move |feature| !(one_slice && feature.kind == Kind::Images))
}

impl Classes {
    pub fn names(self, dataset: &Dataset) -> Vec<String> {
        match self {
            Classes::Grade => {
                let grades = dataset.config().grades.grades();
                grades
                    .iter()
                    .map(|grade| grade.display_name().to_owned())
                    .collect()
            }
            Classes::Condition => Condition::ALL.map(|c| c.column_name().to_owned()).to_vec(),
            Classes::Level => Level::ALL.map(|level| level.display_name().to_owned()).to_vec(),
            Classes::View => SeriesKind::ALL.map(|view| view.name().to_owned()).to_vec(),
        }
    }

    /// Position of a sample's class; -1 for a missing grade, as `datasets` writes it.
    pub fn of(self, sample: &Sample, dataset: &Dataset) -> i64 {
        let grade = |severity: Severity| dataset.config().grades.index_of(severity);
        let index = match self {
            Classes::Grade => sample.severity.and_then(grade),
            Classes::Condition => Some(sample.target.condition.index()),
            Classes::Level => Some(sample.target.level.index()),
            Classes::View => SeriesKind::ALL.iter().position(|view| *view == sample.view),
        };
        index.map_or(-1, |index| index as i64)
    }
}

/// The text of a column.
pub(super) fn text<'a>(name: &str, sample: &'a Sample) -> Option<std::borrow::Cow<'a, str>> {
    let text = match name {
        "sample_id" => sample.sample_id.as_str(),
        "study_id" => sample.study.as_str(),
        "patient" => sample.patient.as_str(),
        "series_id" => sample.series.as_str(),
        "localisation" => sample.localisation.name(),
        "site" => sample.site.as_deref()?,
        "side" => return sample.target.condition.side().map(|side| side.to_string().into()),
        _ => return None,
    };
    Some(text.into())
}

/// The whole number of a column.
pub(super) fn integer(name: &str, sample: &Sample) -> Option<i64> {
    match name {
        "fold" => Some(i64::from(sample.assignment.fold)),
        "instance_number" => sample.instance_number.map(i64::from),
        _ => None,
    }
}

/// The number of a column.
pub(super) fn number(name: &str, sample: &Sample) -> Option<f64> {
    match name {
        "point_x_mm" => Some(sample.point.x),
        "point_y_mm" => Some(sample.point.y),
        "point_z_mm" => Some(sample.point.z),
        "off_plane_mm" => Some(sample.off_plane_mm),
        "crop_mm" => sample.crop_mm,
        "sample_row_spacing_mm" => Some(sample.sample_spacing_mm[0]),
        "sample_column_spacing_mm" => Some(sample.sample_spacing_mm[1]),
        "share_inside" => Some(sample.share_inside),
        _ => None,
    }
}

/// The features as `datasets` keeps them in the metadata of a Parquet file (key `huggingface`).
pub(super) fn hub_metadata(dataset: &Dataset) -> Value {
    let value = |dtype: &str| json!({ "dtype": dtype, "_type": "Value" });
    let of = |feature: &Feature| match feature.kind {
        Kind::Image => json!({ "_type": "Image" }),
        Kind::Images => json!({ "feature": { "_type": "Image" }, "_type": "Sequence" }),
        Kind::Class(classes) => json!({ "names": classes.names(dataset), "_type": "ClassLabel" }),
        Kind::Text => value("string"),
        Kind::Integer => value("int64"),
        Kind::Number => value("float64"),
    };
    let features: serde_json::Map<String, Value> = features(dataset)
        .map(|feature| (feature.name.to_owned(), of(feature)))
        .collect();
    json!({ "info": { "features": features } })
}
