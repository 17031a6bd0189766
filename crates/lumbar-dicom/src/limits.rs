//! What a reader lets a file ask for.

use crate::ReadError;
use std::time::{Duration, Instant};

/// Limits checked on *declared* sizes before anything is read or reserved. The defaults fit every MR object met so
/// far with room to spare; `data-spec/dicom-limits.md` gives each one's reason and test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, bytes.
    pub max_file_bytes: u64,
    /// Deepest nesting of sequences walked into.
    pub max_depth: usize,
    /// Most elements and items in one data set.
    pub max_elements: usize,
    /// Longest value kept of an attribute other than pixel data, bytes.
    pub max_value_bytes: usize,
    /// Most rows and most columns.
    pub max_rows_columns: u32,
    /// Most frames.
    pub max_frames: u32,
    /// Most bytes of decoded samples of one image, and of an inflated data set.
    pub max_decoded_bytes: u64,
    /// Largest ratio of decoded to encoded bytes; only images above [`Limits::expansion_floor_bytes`] are held to
    /// it, as an empty slice compresses without bound.
    pub max_expansion: u64,
    /// Images that decode to no more than this are not held to `max_expansion`.
    pub expansion_floor_bytes: u64,
    /// Longest time for one file. The reader looks at the clock between elements, blocks of inflated bytes and frames;
    /// a third-party decoder that does not return is stopped only in a worker process.
    pub max_time: Duration,
}

const MIB: u64 = 1 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_file_bytes: 2048 * MIB,
            // DCMTK's default since its recursion findings of 2026.
            max_depth: 64,
            max_elements: 1_000_000,
            max_value_bytes: 64 << 10,
            max_rows_columns: 8192,
            max_frames: 10_000,
            max_decoded_bytes: 512 * MIB,
            max_expansion: 1000,
            expansion_floor_bytes: 16 * MIB,
            max_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The names [`Limits::set`] takes: those of the fields.
    pub const NAMES: [&'static str; 10] = [
        "max_file_bytes",
        "max_depth",
        "max_elements",
        "max_value_bytes",
        "max_rows_columns",
        "max_frames",
        "max_decoded_bytes",
        "max_expansion",
        "expansion_floor_bytes",
        "max_time",
    ];

    /// Sets a limit by name, `max_time` in seconds. A value too large for its field is the field's largest.
    ///
    /// ```
    /// let mut limits = lumbar_dicom::Limits::default();
    /// assert!(limits.set("max_frames", 20_000));
    /// assert_eq!(limits.max_frames, 20_000);
    /// assert!(!limits.set("max_farmes", 1));
    /// ```
    ///
    /// Returns whether there is a limit of this name.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let size = usize::try_from(value).unwrap_or(usize::MAX);
        let small = u32::try_from(value).unwrap_or(u32::MAX);
        match name {
            "max_file_bytes" => self.max_file_bytes = value,
            "max_depth" => self.max_depth = size,
            "max_elements" => self.max_elements = size,
            "max_value_bytes" => self.max_value_bytes = size,
            "max_rows_columns" => self.max_rows_columns = small,
            "max_frames" => self.max_frames = small,
            "max_decoded_bytes" => self.max_decoded_bytes = value,
            "max_expansion" => self.max_expansion = value,
            "expansion_floor_bytes" => self.expansion_floor_bytes = value,
            "max_time" => self.max_time = Duration::from_secs(value),
            _ => return false,
        }
        true
    }
}

/// When the time of a file is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    begun: Instant,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn start(limits: &Limits) -> Deadline {
        Deadline {
            begun: Instant::now(),
            limit: limits.max_time,
        }
    }

    pub(crate) fn check(self) -> Result<(), ReadError> {
        if self.begun.elapsed() >= self.limit {
            return Err(ReadError::TimedOut { limit: self.limit });
        }
        Ok(())
    }
}
