//! `provenance.json`: when and by what, kept apart so that everything else is the same bytes each time.

use crate::{DatasetError, output::write_file};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// File name.
pub(crate) const PROVENANCE_JSON: &str = "provenance.json";

#[derive(Debug, Serialize, Deserialize)]
struct Provenance {
    tool: String,
    version: String,
    /// Seconds since 1970-01-01 UTC.
    unix_time_s: u64,
    /// The folder of DICOM files that was read. It may name people; leave this file out when sharing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<PathBuf>,
}

pub(crate) fn write(folder: &Path, root: Option<&Path>) -> Result<(), DatasetError> {
    let path = folder.join(PROVENANCE_JSON);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let provenance = Provenance {
        tool: "lumbar-dataset".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unix_time_s: now.map_or(0, |time| time.as_secs()),
        root: root.map(|root| std::path::absolute(root).unwrap_or_else(|_| root.to_owned())),
    };
    let mut json = serde_json::to_vec_pretty(&provenance)
        .map_err(|error| DatasetError::corrupt("provenance", &path, error))?;
    json.push(b'\n');
    write_file(&path, &json)
}

/// The folder that was read, if the file is there and says so.
pub(crate) fn root(folder: &Path) -> Option<PathBuf> {
    let text = std::fs::read(folder.join(PROVENANCE_JSON)).ok()?;
    let provenance: Provenance = serde_json::from_slice(&text).ok()?;
    provenance.root
}
