//! The Croissant 1.0 description (mlcommons.org/croissant/1.0) of an export.

use super::features::{Feature, Kind, features};
use super::{ExportInfo, card::summary, digest};
use crate::Dataset;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The description as JSON-LD.
pub(super) fn describe(dataset: &Dataset, info: &ExportInfo) -> Value {
    let options = &info.options;
    let mut distribution: Vec<Value> = info
        .files
        .iter()
        .map(|file| {
            json!({
                "@type": "cr:FileObject",
                "@id": file.file,
                "name": file.file,
                "description": format!("{} samples of the {} split", file.n_rows, file.split),
                "contentUrl": file.file,
                "contentSize": format!("{} B", file.n_bytes),
                "encodingFormat": "application/x-parquet",
                "sha256": file.sha256,
            })
        })
        .collect();
    let splits: BTreeSet<&str> = info.files.iter().map(|file| file.split.as_str()).collect();
    let mut records = vec![split_records(&splits)];
    for split in &splits {
        distribution.push(json!({
            "@type": "cr:FileSet",
            "@id": format!("{split}-files"),
            "name": format!("{split}-files"),
            "description": format!("All files of the {split} split"),
            "encodingFormat": "application/x-parquet",
            "includes": format!("data/{split}-*.parquet"),
        }));
        records.push(json!({
            "@type": "cr:RecordSet",
            "@id": split,
            "name": split,
            "description": format!("Samples of the {split} split: a target of a study, seen on a view"),
            "field": features(dataset).map(|feature| field(feature, split)).collect::<Vec<_>>(),
        }));
    }
    let mut described = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": options.name,
        "description": summary(dataset),
        "license": options.licence,
        "version": format!("1.0.0+{}", &digest(info)[..12]),
        "keywords": ["lumbar spine", "MRI", "degeneration", "grading"],
        "distribution": distribution,
        "recordSet": records,
    });
    for (key, value) in [
        ("url", &options.url),
        ("citeAs", &options.citation),
        ("datePublished", &options.published),
    ] {
        if let Some(value) = value {
            described[key] = json!(value);
        }
    }
    if let Some(creator) = &options.creator {
        described["creator"] = json!({ "@type": "sc:Organization", "name": creator });
    }
    described
}

fn split_records(splits: &BTreeSet<&str>) -> Value {
    json!({
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "Names of the splits; no patient stands in two",
        "dataType": "cr:Split",
        "key": { "@id": "splits/name" },
        "field": [{ "@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text" }],
        "data": splits.iter().map(|split| json!({ "splits/name": split })).collect::<Vec<_>>(),
    })
}

fn field(feature: &Feature, split: &str) -> Value {
    let mut source = json!({
        "fileSet": { "@id": format!("{split}-files") },
        "extract": { "column": feature.name },
    });
    let kind = match feature.kind {
        Kind::Image | Kind::Images => {
            source["transform"] = json!({ "jsonPath": "bytes" });
            "sc:ImageObject"
        }
        Kind::Text => "sc:Text",
        Kind::Class(_) | Kind::Integer => "sc:Integer",
        Kind::Number => "sc:Float",
    };
    let mut field = json!({
        "@type": "cr:Field",
        "@id": format!("{split}/{}", feature.name),
        "name": feature.name,
        "description": feature.meaning,
        "dataType": kind,
        "source": source,
    });
    if feature.kind == Kind::Images {
        field["repeated"] = json!(true);
    }
    field
}

/// The context that Croissant 1.0 asks for, word by word.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}
