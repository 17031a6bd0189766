//! The documents of `data-spec` and the code say the same.

use lumbar_dicom::{Header, Limits, RejectReason, UnusedReason, tag};
use std::{collections::BTreeSet, fs, path::Path};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data-spec")
        .join(name);
    fs::read_to_string(path).expect("the document is there")
}

/// The cells of every row whose first cell is a name in backticks, with that name.
fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    text.lines()
        .filter_map(|line| {
            let name = line.strip_prefix("| `")?.split('`').next()?;
            let cells = line
                .trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().to_owned());
            Some((name.to_owned(), cells.collect()))
        })
        .collect()
}

/// All test sources of the workspace that documents name tests of.
fn test_sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![
        root.join("tests"),
        root.join("src"),
        root.join("../lumbar-cli/tests"),
    ];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).expect("a source"));
            }
        }
    }
    text
}

/// Fails unless there is a function of the name and, for `function::case`, a case of that name.
fn assert_is_test(name: &str, sources: &str) {
    let (function, case) = name.split_once("::").unwrap_or((name, ""));
    assert!(sources.contains(&format!("fn {function}(")), "no test `{name}`");
    let of_case = case.is_empty() || sources.contains(&format!("#[case::{case}("));
    assert!(of_case, "no case `{name}`");
}

#[test]
fn every_reason_code_is_documented_with_its_test_and_no_other() {
    let text = document("reason-codes.md");
    let rows = rows(&text);
    let files = RejectReason::ALL.iter().map(|reason| reason.code());
    let codes: Vec<&str> = files
        .chain(UnusedReason::ALL.iter().map(|reason| reason.code()))
        .collect();
    let documented: Vec<&str> = rows.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(documented, codes);
    let sources = test_sources();
    for (code, cells) in &rows {
        let test = cells
            .last()
            .and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        let test = test.unwrap_or_else(|| panic!("`{code}` names no test"));
        assert_is_test(test, &sources);
        // The case makes a file that gets this code and no other.
        assert!(
            sources.contains(&format!("\"{code}\"")) || sources.contains(&format!("Reason::{code}")),
            "{code}"
        );
    }
}

#[test]
fn every_row_on_limits_names_its_test() {
    let text = document("dicom-limits.md");
    let sources = test_sources();
    let mut n_tests = 0;
    // Tables whose last column is headed `test`.
    let mut in_table = false;
    for line in text.lines() {
        if !line.starts_with('|') {
            in_table = false;
        } else if line.ends_with("| test |") {
            in_table = true;
        } else if in_table && !line.starts_with("|---") {
            let cell = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            let mut names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
            assert!(!names.is_empty(), "a row without a test: {line}");
            names.drain(..).for_each(|name| assert_is_test(name, &sources));
            n_tests += 1;
        }
    }
    // Ten limits, six checks without a number, six promises of workers.
    assert_eq!(n_tests, 22);
}

#[test]
fn every_attribute_read_is_listed() {
    let text = document("dicom-attributes.md");
    let listed: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('('))
        .flat_map(|line| line.split('(').skip(1).filter_map(|rest| rest.split_once(')')))
        .filter(|(inside, _)| inside.len() == 9 && inside.as_bytes()[4] == b',')
        .map(|(inside, _)| format!("({inside})"))
        .collect();
    let read: BTreeSet<String> = Header::tags_read().map(|tag| tag.to_string()).collect();
    assert_eq!(listed, read);
    let sources = test_sources();
    for name in text.split('`').filter(|name| name.contains("canary")) {
        assert_is_test(name, &sources);
    }
}

#[test]
fn every_limit_is_documented_with_its_default() {
    let text = document("dicom-limits.md");
    let limits = Limits::default();
    let values = [
        ("max_file_bytes", limits.max_file_bytes),
        ("max_depth", limits.max_depth as u64),
        ("max_elements", limits.max_elements as u64),
        ("max_value_bytes", limits.max_value_bytes as u64),
        ("max_rows_columns", u64::from(limits.max_rows_columns)),
        ("max_frames", u64::from(limits.max_frames)),
        ("max_decoded_bytes", limits.max_decoded_bytes),
        ("max_expansion", limits.max_expansion),
        ("expansion_floor_bytes", limits.expansion_floor_bytes),
        ("max_time", limits.max_time.as_secs()),
    ];
    assert_eq!(values.map(|(name, _)| name), Limits::NAMES);
    for (name, value) in values {
        assert!(
            text.contains(&format!("| `{name}` | {value} |")),
            "{name} {value}"
        );
    }
}

#[test]
fn identifying_attributes_are_listed_as_never_leaving() {
    let text = document("dicom-attributes.md");
    for tag in [
        tag::PATIENT_NAME,
        tag::PATIENT_ID,
        tag::PATIENT_BIRTH_DATE,
        tag::ACCESSION_NUMBER,
    ] {
        let line = text
            .lines()
            .find(|line| line.contains(&tag.to_string()))
            .expect("a row");
        assert!(line.contains("hash") || line.contains("digest"), "{line}");
    }
}
