//! CSV as it comes: CRLF or LF, with or without a byte-order mark, columns in any order.

use crate::DatasetError;
use crate::labels::{Finding, FindingCode};
use std::path::{Path, PathBuf};

/// A CSV file in memory, with its header understood.
pub(super) struct CsvTable {
    pub name: &'static str,
    pub path: PathBuf,
    pub header: Vec<String>,
    bytes: Vec<u8>,
}

impl CsvTable {
    /// Reads a file; `name` is what findings call it.
    pub fn read(path: &Path, name: &'static str) -> Result<CsvTable, DatasetError> {
        let bytes = std::fs::read(path).map_err(DatasetError::io("reading", path))?;
        CsvTable::of(bytes, path, name)
    }

    /// Reads a table of a folder by its name; `give` says which folder has it, should this one not.
    pub fn read_in(folder: &Path, name: &'static str, give: &str) -> Result<CsvTable, DatasetError> {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(DatasetError::unread(folder, name, give))?;
        CsvTable::of(bytes, &path, name)
    }

    fn of(mut bytes: Vec<u8>, path: &Path, name: &'static str) -> Result<CsvTable, DatasetError> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let header: Vec<String> = reader(&bytes)
            .headers()
            .map_err(|error| DatasetError::BadTable {
                path: path.to_owned(),
                detail: format!("the header cannot be read: {error}"),
            })?
            .iter()
            .map(|cell| cell.trim().to_owned())
            .collect();
        if let [only] = header.as_slice()
            && let Some(separator) = [";", "\t"].into_iter().find(|mark| only.contains(mark))
        {
            let name = if separator == ";" { "semicolons" } else { "tabs" };
            return Err(DatasetError::BadTable {
                path: path.to_owned(),
                detail: format!("cells are separated by {name}, expected commas"),
            });
        }
        Ok(CsvTable {
            name,
            path: path.to_owned(),
            header,
            bytes,
        })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Position of a column that must be there.
    pub fn column(&self, name: &str) -> Result<usize, DatasetError> {
        self.column_if_any(name).ok_or_else(|| DatasetError::BadTable {
            path: self.path.clone(),
            detail: format!("no column `{name}`; found {}", self.header.join(", ")),
        })
    }

    /// Position of a column that may be there.
    pub fn column_if_any(&self, name: &str) -> Option<usize> {
        self.header
            .iter()
            .position(|cell| cell.eq_ignore_ascii_case(name))
    }

    /// The rows, each with its line number. Rows with too few or too many cells are findings; empty lines are not.
    pub fn rows(&self, findings: &mut Vec<Finding>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut reader = reader(&self.bytes);
        let mut record = csv::ByteRecord::new();
        // csv leaves the LF of a CRLF to the next record, so its own line numbers are off by one; these are counted
        // in the text.
        let (mut line, mut counted) = (1u64, 0usize);
        let mut line_at = |byte: u64| {
            let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n');
            let rest = self.bytes.get(byte as usize..).unwrap_or_default();
            let start = byte as usize + rest.iter().take_while(|byte| breaks(byte)).count();
            let skipped = self.bytes.get(counted..start).unwrap_or_default();
            line += skipped.iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = start;
            line
        };
        loop {
            let before = reader.position().byte();
            match reader.read_byte_record(&mut record) {
                Ok(false) => return rows,
                Ok(true) => {
                    let line = line_at(record.position().map_or(before, csv::Position::byte));
                    let cells: Option<Vec<String>> = record
                        .iter()
                        .map(|cell| std::str::from_utf8(cell).ok().map(|text| text.trim().to_owned()))
                        .collect();
                    match cells {
                        Some(cells) if cells.len() == self.header.len() => rows.push(Row { line, cells }),
                        Some(cells) => {
                            let detail = format!("{} cells, expected {}", cells.len(), self.header.len());
                            findings.push(
                                Finding::new(FindingCode::BadRow)
                                    .at(self.name, line)
                                    .detail(detail),
                            );
                        }
                        None => findings.push(
                            Finding::new(FindingCode::BadRow)
                                .at(self.name, line)
                                .detail("not UTF-8 text"),
                        ),
                    }
                }
                Err(error) => {
                    // Reading from memory with flexible rows fails only on what csv cannot go on after.
                    findings.push(
                        Finding::new(FindingCode::BadRow)
                            .at(self.name, line)
                            .detail(error),
                    );
                    return rows;
                }
            }
        }
    }
}

/// One row.
pub(super) struct Row {
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The cell of a column that may not exist, `None` if it is blank.
    pub fn cell_if_any(&self, column: Option<usize>) -> Option<&str> {
        column
            .map(|column| self.cell(column))
            .filter(|cell| !cell.is_empty())
    }
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().flexible(true).from_reader(bytes)
}

/// An instance number: `12`, and `12.0` as pandas writes a column that has blanks.
pub(super) fn instance_number(text: &str) -> Option<i32> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    digits.parse().ok()
}

/// An id that pandas may have turned into a float: `4003253.0` is `4003253`.
pub(super) fn id_text(text: &str) -> &str {
    match text.strip_suffix(".0") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits,
        _ => text,
    }
}
