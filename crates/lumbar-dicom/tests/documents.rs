//! The documents of `data-spec` and the code say the same.

use lumbar_dicom::{Limits, RejectReason, tag};
use std::{fs, path::Path};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data-spec")
        .join(name);
    fs::read_to_string(path).expect("the document is there")
}

#[test]
fn every_reason_code_is_documented_and_no_other() {
    let text = document("reason-codes.md");
    let documented: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let codes: Vec<&str> = RejectReason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(documented, codes);
}

#[test]
fn every_limit_is_documented_with_its_default() {
    let text = document("dicom-limits.md");
    let limits = Limits::default();
    for (name, value) in [
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
    ] {
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
