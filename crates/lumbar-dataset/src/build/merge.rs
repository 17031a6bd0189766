//! Putting parts together.

use super::finish::{DatasetWriter, Known, open_for_merge};
use super::part::{FILE_REJECTS, PART_JSON, PartInfo};
use crate::labels::tables::read_labels;
use crate::reject::read_rejects;
use crate::split::Kept;
use crate::{DatasetError, DatasetInfo};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Tables that part 0 carries for all.
const BASE_TABLES: [&str; 4] = [
    "series.parquet",
    "slices.parquet",
    "labels.parquet",
    "findings.parquet",
];

/// Puts the parts of a dataset together. The result is the same bytes as one process would have made
/// (`provenance.json` aside), whoever made the parts, in whatever order, however often.
///
/// # Errors
/// [`DatasetError::Parts`] if a part is missing, stands twice, or was made of other data or with another
/// configuration.
pub fn merge(parts: &[PathBuf], out: &Path, keep: Option<&Path>) -> Result<DatasetInfo, DatasetError> {
    let parts = sorted(parts)?;
    let Some((first_path, first)) = parts.first() else {
        return Err(DatasetError::Nothing {
            what: "part",
            hint: "name the folders that `--shard` made".to_owned(),
        });
    };
    let known = &first.known;
    let labels = read_labels(&first_path.join("labels.parquet"))?;
    let mut writer = DatasetWriter::start(out, known.clone(), &labels, &Kept::of(keep)?)?;
    writer.push_rejects(read_rejects(&first_path.join(FILE_REJECTS))?)?;
    for (path, info) in &parts {
        let (samples, pixels) = open_for_merge(path, known, &info.shards)?;
        for sample in samples {
            let bytes = pixels.get((sample.shard, sample.row), sample.crc32)?;
            writer.push_sample(sample, bytes)?;
        }
        writer.push_rejects(read_rejects(&path.join("rejects.parquet"))?)?;
    }
    for table in BASE_TABLES {
        let (from, to) = (first_path.join(table), writer.folder().join(table));
        std::fs::copy(&from, &to).map_err(DatasetError::io("copying", &from))?;
    }
    writer.finish()
}

/// The parts in order, after checking that they belong together.
fn sorted(paths: &[PathBuf]) -> Result<Vec<(PathBuf, PartInfo)>, DatasetError> {
    let mut parts = Vec::with_capacity(paths.len());
    for path in paths {
        let file = path.join(PART_JSON);
        let text = std::fs::read(&file).map_err(DatasetError::unread(
            path,
            PART_JSON,
            "the folders that `lumbar dataset build --shard` made",
        ))?;
        let info: PartInfo = serde_json::from_slice(&text)
            .map_err(|error| DatasetError::corrupt("part description", &file, error))?;
        parts.push((path.clone(), info));
    }
    parts.sort_by_key(|(_, info)| info.part.index);
    let wrong = |path: &Path, detail: String| {
        Err(DatasetError::Parts {
            path: path.to_owned(),
            detail,
        })
    };
    let Some((_, first)) = parts.first() else {
        return Ok(parts);
    };
    for (i, (path, info)) in parts.iter().enumerate() {
        if info.part.of != first.part.of {
            return wrong(path, format!("part {}, beside part {}", info.part, first.part));
        }
        if info.part.index as usize != i {
            if (info.part.index as usize) < i {
                return wrong(path, format!("part {} stands twice", info.part));
            }
            return Err(missing(&parts));
        }
        if let Some(what) = difference(&info.known, &first.known) {
            return wrong(path, format!("made {what} than part 0"));
        }
    }
    if parts.len() != first.part.of as usize {
        return Err(missing(&parts));
    }
    Ok(parts)
}

/// Which parts are not there.
fn missing(parts: &[(PathBuf, PartInfo)]) -> DatasetError {
    let of = parts.first().map_or(0, |(_, info)| info.part.of);
    let there: BTreeSet<u32> = parts.iter().map(|(_, info)| info.part.index).collect();
    let absent: Vec<String> = (0..of)
        .filter(|index| !there.contains(index))
        .map(|index| format!("{index}/{of}"))
        .collect();
    DatasetError::MissingParts {
        absent: absent.join(", "),
        n_found: there.len(),
        of,
    }
}

fn difference(a: &Known, b: &Known) -> Option<&'static str> {
    if a.config_hash != b.config_hash {
        Some("with another configuration")
    } else if a.source_digest != b.source_digest {
        Some("of other files or labels")
    } else if a != b {
        Some("by another version")
    } else {
        None
    }
}
