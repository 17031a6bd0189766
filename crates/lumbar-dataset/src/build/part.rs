//! One part of a dataset, made by itself.

use super::finish::{DatasetWriter, Known, write_base};
use super::{Base, BuildInput, BuildOptions, BuildProgress, work};
use crate::reject::{RejectRow, write_rejects};
use crate::{DatasetError, ShardRecord};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, str::FromStr};

/// File that makes a folder a part.
pub(crate) const PART_JSON: &str = "part.json";
/// What of the rejects does not depend on pixels, in part 0.
pub(super) const FILE_REJECTS: &str = "file_rejects.parquet";

/// Which part of how many: `0/4` to `3/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartOf {
    /// Which, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
}

impl PartOf {
    /// The studies of this part: a run of the sorted list, so that parts put end to end are in order.
    pub(super) fn studies(self, n_studies: usize) -> Range<usize> {
        let border = |index: u32| (n_studies as u64 * u64::from(index) / u64::from(self.of)) as usize;
        border(self.index)..border(self.index + 1)
    }
}

impl fmt::Display for PartOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for PartOf {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        text.split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)))
            .filter(|(index, of)| index < of)
            .map(|(index, of)| PartOf { index, of })
            .ok_or_else(|| DatasetError::config("shard", text, "i/n with i from 0 to n - 1, such as 0/4"))
    }
}

/// `part.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartInfo {
    pub part: PartOf,
    pub known: Known,
    pub shards: Vec<ShardRecord>,
}

/// Makes a part. Part 0 also carries what does not depend on pixels.
pub(super) fn build(
    input: BuildInput,
    part: PartOf,
    out: &Path,
    (options, progress): (&BuildOptions, &dyn Fn(BuildProgress)),
) -> Result<(), DatasetError> {
    let base = Arc::new(Base::new(input)?);
    let mut writer = DatasetWriter::start_part(out, Known::of(&base))?;
    let studies = part.studies(base.studies.len());
    let n_studies = studies.len();
    work::run(&base, studies, options.n_threads, |output, n_done| {
        writer.push(output)?;
        progress(BuildProgress {
            n_done,
            n_studies,
            n_samples: writer.n_samples(),
        });
        Ok(())
    })?;
    if part.index == 0 {
        write_base(&base, writer.folder())?;
        let rejects = RejectRow::of_catalogue(&base.input.catalogue);
        write_rejects(&writer.folder().join(FILE_REJECTS), rejects, &base.metadata())?;
    }
    writer.finish_part(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_all_studies_once(n_studies in 0usize..3000, of in 1u32..50) {
            let mut next = 0;
            for index in 0..of {
                let range = PartOf { index, of }.studies(n_studies);
                prop_assert_eq!(range.start, next);
                next = range.end;
            }
            prop_assert_eq!(next, n_studies);
        }
    }

    #[test]
    fn parts_parse() {
        assert_eq!("2/4".parse::<PartOf>().unwrap(), PartOf { index: 2, of: 4 });
        for bad in ["4/4", "1", "a/b", "-1/2", "0/0"] {
            assert!(bad.parse::<PartOf>().is_err(), "{bad}");
        }
    }
}
