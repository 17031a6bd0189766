//! `data-spec/` says what the code does.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot prepare its files has failed"
)]

use lumbar_dataset::labels::FindingCode;
use lumbar_dataset::{BuildInput, BuildOptions, DatasetConfig, SampleRejectReason, build};
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::path::PathBuf;

fn page(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../data-spec")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// First cells of the table rows of a section, without backticks.
fn first_cells(text: &str) -> Vec<String> {
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(cell, _)| cell.to_owned()).collect()
}

/// The text of a `##` section whose heading starts with `name`, down to the next one.
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&format!("## `{name}`")).unwrap();
    let body = &page[start + 3..];
    &body[..body.find("\n## ").unwrap_or(body.len())]
}

#[test]
fn every_column_is_described_with_its_type() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("rsna"), dir.path().join("ds"));
    let phantom = PhantomConfig {
        n_studies: 1,
        pixels: Pixels::Tiny,
        ..PhantomConfig::default()
    };
    generate(&phantom, &root, &|_| {}).unwrap();
    let input = BuildInput::rsna(&root, DatasetConfig::default(), &|_| {}).unwrap();
    build(input, &out, &BuildOptions::default(), &|_| {}).unwrap();
    let manifests = page("manifests.md");
    for table in [
        "series", "slices", "rejects", "labels", "findings", "samples", "splits",
    ] {
        let name = format!("{table}.parquet");
        let file = SerializedFileReader::new(std::fs::File::open(out.join(&name)).unwrap()).unwrap();
        let metadata = file.metadata().file_metadata().clone();
        let columns: Vec<String> = metadata
            .schema()
            .get_fields()
            .iter()
            .map(|f| f.name().to_owned())
            .collect();
        let mut described = first_cells(section(&manifests, &name));
        // The section of rejects goes on with the table of reasons.
        described.truncate(columns.len());
        assert_eq!(described, columns, "{name}");
        for field in metadata.schema().get_fields() {
            let row = section(&manifests, &name)
                .lines()
                .find(|l| l.starts_with(&format!("| `{}` |", field.name())))
                .unwrap();
            let cell = row.split('|').nth(2).unwrap().trim();
            assert_eq!(cell.ends_with(", null"), field.is_optional(), "{name}: {row}");
            let kind = cell.trim_end_matches(", null");
            let expected = match (field.get_physical_type(), field.get_basic_info().converted_type()) {
                (parquet::basic::Type::BYTE_ARRAY, _) => "text",
                (parquet::basic::Type::BOOLEAN, _) => "bool",
                (parquet::basic::Type::DOUBLE, _) => "f64",
                (parquet::basic::Type::INT32, parquet::basic::ConvertedType::UINT_32) => "u32",
                (parquet::basic::Type::INT32, _) => "i32",
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(kind, expected, "{name}: {row}");
        }
        let keys: Vec<&str> = metadata
            .key_value_metadata()
            .unwrap()
            .iter()
            .map(|kv| kv.key.as_str())
            .collect();
        for key in ["schema_version", "config_hash", "source_digest"] {
            assert!(keys.contains(&key), "{name} lacks {key}");
        }
    }
}

#[test]
fn every_code_is_described() {
    let labels = page("labels.md");
    let codes: Vec<&str> = FindingCode::ALL.iter().map(|code| code.code()).collect();
    let findings = &labels[labels.find("## Findings").unwrap()..];
    assert_eq!(first_cells(findings), codes);
    let manifests = page("manifests.md");
    let reasons: Vec<&str> = SampleRejectReason::ALL
        .iter()
        .map(|reason| reason.code())
        .collect();
    let described = first_cells(section(&manifests, "rejects.parquet"));
    assert_eq!(described[described.len() - reasons.len()..], reasons);
}

#[test]
fn every_key_of_the_configuration_is_described_with_its_default() {
    let mut defaults = Vec::new();
    leaves(
        "",
        &toml::Value::try_from(DatasetConfig::default()).unwrap(),
        &mut defaults,
    );
    let page = page("configuration.md");
    let mut described: Vec<(String, String)> = section(&page, "dataset.toml")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect();
            (cells[1].to_owned(), cells[3].to_owned())
        })
        .collect();
    described.sort();
    defaults.sort();
    assert_eq!(described, defaults);
}

/// Dotted keys and their values.
fn leaves(key: &str, value: &toml::Value, found: &mut Vec<(String, String)>) {
    let toml::Value::Table(table) = value else {
        found.push((key.to_owned(), value.to_string()));
        return;
    };
    for (name, value) in table {
        let dot = if key.is_empty() { "" } else { "." };
        leaves(&format!("{key}{dot}{name}"), value, found);
    }
}

#[test]
fn every_key_of_a_catalogue_is_described() {
    let info = lumbar_dataset::CatalogueInfo::of(&lumbar_dicom::Catalogue::default());
    let page = page("manifests.md");
    let text = &page[page.find("## Catalogue folder").unwrap()..page.find("## Dataset folder").unwrap()];
    let json = serde_json::to_value(info).unwrap();
    let keys = json.as_object().unwrap().keys();
    let inner = json["found"].as_object().unwrap().keys();
    for key in keys.chain(inner) {
        assert!(text.contains(&format!("`{key}`")), "{key}");
    }
}
