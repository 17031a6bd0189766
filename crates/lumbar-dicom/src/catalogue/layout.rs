//! How ids and names are given: by folders in the RSNA layout, by hashed identifiers elsewhere.

use crate::IdentityKey;
use lumbar_core::{SeriesId, StudyId};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// Where study and series ids come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Layout {
    /// RSNA where a file lies at `train_images|test_images/<study>/<series>/<instance>.dcm`, else generic.
    #[default]
    Auto,
    /// As `Auto`, and the root may itself be the folder of studies: `<study>/<series>/<instance>.dcm`.
    Rsna,
    /// Identifiers of the header only.
    Generic,
}

/// Ids that a path in the RSNA layout gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RsnaIds {
    pub(super) study: StudyId,
    pub(super) series: SeriesId,
    pub(super) instance: i32,
}

/// The ids of a path below the root, if it is of the RSNA layout.
pub(super) fn rsna_ids(path: &Path, layout: Layout) -> Option<RsnaIds> {
    if layout == Layout::Generic {
        return None;
    }
    let mut parts = Vec::with_capacity(4);
    for component in path.components() {
        let Component::Normal(part) = component else {
            return None;
        };
        parts.push(part.to_str()?);
    }
    let parts = match parts.as_slice() {
        ["train_images" | "test_images", rest @ ..] => rest,
        rest if layout == Layout::Rsna => rest,
        _ => return None,
    };
    let [study, series, file] = parts else { return None };
    let is_number =
        |text: &str| !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    let instance = file.strip_suffix(".dcm")?;
    if !is_number(study) || !is_number(series) || !is_number(instance) {
        return None;
    }
    Some(RsnaIds {
        study: StudyId::new(study).ok()?,
        series: SeriesId::new(series).ok()?,
        instance: instance.parse().ok()?,
    })
}

/// Names of files, at the root, that say nothing of a patient.
const PLAIN_NAMES: [&str; 10] = [
    "DICOMDIR",
    "README",
    "README.md",
    "README.txt",
    "phantom_truth.jsonl",
    "sample_submission.csv",
    "test_series_descriptions.csv",
    "train.csv",
    "train_label_coordinates.csv",
    "train_series_descriptions.csv",
];

/// The name of a file in manifests: its path, where that is digits by construction, one of a few known names, or the
/// caller wants it; else a keyed hash of it.
pub(super) fn source_name(path: &Path, plain: bool, key: &IdentityKey) -> String {
    let text = path.to_str().filter(|text| plain || PLAIN_NAMES.contains(text));
    match text {
        Some(text) if std::path::MAIN_SEPARATOR == '/' => text.to_owned(),
        Some(text) => text.replace(std::path::MAIN_SEPARATOR, "/"),
        None => key.hash("path", &[path.as_os_str().as_encoded_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("train_images/4003253/702807833/1.dcm", Layout::Auto, true)]
    #[case("4003253/702807833/1.dcm", Layout::Auto, false)]
    #[case("4003253/702807833/1.dcm", Layout::Rsna, true)]
    #[case("train_images/4003253/702807833/1.dcm", Layout::Generic, false)]
    #[case("train_images/4003253/702807833/IM1.dcm", Layout::Auto, false)]
    #[case("train_images/Miller/702807833/1.dcm", Layout::Auto, false)]
    #[case("train_images/4003253/1.dcm", Layout::Auto, false)]
    fn ids_from_folders(#[case] path: &str, #[case] layout: Layout, #[case] expected: bool) {
        let ids = rsna_ids(Path::new(path), layout);
        assert_eq!(ids.is_some(), expected);
        if let Some(ids) = ids {
            assert_eq!(
                (ids.study.as_str(), ids.series.as_str(), ids.instance),
                ("4003253", "702807833", 1)
            );
        }
    }
}
