//! `dataset stats --html`: the numbers of a dataset, laid out.

use crate::flow::{explained, flow};
use lumbar_core::{ConditionGroup, SeriesKind};
use lumbar_dataset::labels::FindingCode;
use lumbar_dataset::{Dataset, Domain, Histogram, Part, Stats, Tally, montage};
use lumbar_report::{CountBlock, CountRow, DatasetPage, HistogramBlock, MissingBlock, Montage, Origin, Tile};
use std::collections::BTreeMap;

/// Pictures of a grade, condition and view.
const TILES: usize = 8;
/// Bars of a distribution of matrices; the rest is one bar.
const MATRICES: usize = 9;

/// The page of a dataset.
pub fn page(dataset: &Dataset, stats: &Stats) -> anyhow::Result<DatasetPage> {
    let info = dataset.info();
    let grades = grade_names(dataset, stats);
    let counts = stats.counts;
    Ok(DatasetPage {
        title: "Lumbar slice dataset".to_owned(),
        origin: match info.domain {
            Domain::Synthetic => Origin::Synthetic,
            Domain::Clinical => Origin::Clinical,
            Domain::Mixed => Origin::Mixed,
        },
        notes: stats.notes.clone(),
        totals: [
            ("studies", counts.studies),
            ("patients", counts.patients),
            ("series", counts.series),
            ("slices", counts.slices),
            ("samples", counts.samples),
            ("label findings", counts.findings),
        ]
        .map(|(name, n)| (name.to_owned(), n))
        .to_vec(),
        flow: flow(stats),
        conditions: conditions(stats, &grades),
        sites: sites(stats, &grades),
        samples: samples(stats, &grades),
        histograms: histograms(stats),
        missing: missing(stats),
        findings: explained(
            &stats.findings,
            FindingCode::ALL.iter().map(|code| (code.code(), code.meaning())),
        ),
        montages: montages(dataset)?,
        provenance: vec![
            ("lumbar".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("source".to_owned(), info.source_digest.clone()),
            ("configuration".to_owned(), info.config_hash.clone()),
        ],
        grades,
    })
}

/// The scheme's grades, whatever else the label table has, then `missing`.
fn grade_names(dataset: &Dataset, stats: &Stats) -> Vec<String> {
    let scheme = dataset.config().grades.grades();
    let mut names: Vec<String> = scheme
        .iter()
        .map(|grade| grade.display_name().to_owned())
        .collect();
    let found = stats.labels.iter().flat_map(|row| row.grades.keys());
    for name in found.filter(|name| *name != "missing") {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.push("missing".to_owned());
    names
}

fn row(name: impl Into<String>, tally: &Tally, grades: &[String]) -> CountRow {
    CountRow {
        name: name.into(),
        detail: String::new(),
        counts: grades
            .iter()
            .map(|grade| tally.get(grade).copied().unwrap_or(0))
            .collect(),
    }
}

fn conditions(stats: &Stats, grades: &[String]) -> Vec<CountBlock> {
    let mut blocks: Vec<CountBlock> = Vec::new();
    for counts in &stats.labels_by_condition {
        let name = counts.condition.display_name();
        if blocks.last().is_none_or(|block| block.name != name) {
            blocks.push(CountBlock {
                name: name.to_owned(),
                rows: Vec::new(),
            });
        }
        if let Some(block) = blocks.last_mut() {
            block
                .rows
                .push(row(counts.level.display_name(), &counts.grades, grades));
        }
    }
    blocks
}

fn sites(stats: &Stats, grades: &[String]) -> Vec<CountRow> {
    if stats.labels_by_site.keys().all(|site| site == "unknown") {
        return Vec::new();
    }
    let rows = stats.labels_by_site.iter().map(|(site, tally)| CountRow {
        detail: format!(
            "{} patients",
            stats.patients_by_site.get(site).copied().unwrap_or(0)
        ),
        ..row(site, tally, grades)
    });
    rows.collect()
}

fn samples(stats: &Stats, grades: &[String]) -> Vec<CountBlock> {
    let parts = Part::ALL.into_iter().filter_map(|part| {
        let tally = stats.samples_by_split.get(part.name())?;
        let patients = stats.patients_by_split.get(part.name()).copied().unwrap_or(0);
        Some(CountRow {
            detail: format!("{patients} patients"),
            ..row(part.name(), tally, grades)
        })
    });
    let views = SeriesKind::ALL.into_iter().filter_map(|view| {
        let tally = stats.samples_by_view.get(view.name())?;
        Some(row(view.description(), tally, grades))
    });
    [
        ("by part of the split", parts.collect()),
        ("by view", views.collect::<Vec<_>>()),
    ]
    .map(|(name, rows)| CountBlock {
        name: name.to_owned(),
        rows,
    })
    .to_vec()
}

fn histograms(stats: &Stats) -> Vec<HistogramBlock> {
    let mut blocks = Vec::new();
    for (kind, spacing) in &stats.spacing {
        let name = kind
            .parse::<SeriesKind>()
            .map_or(kind.as_str(), |kind| kind.description());
        if let Some(tally) = stats.matrices.get(kind) {
            blocks.push(HistogramBlock {
                name: format!("{name}: matrix (rows x columns)"),
                of: "slices".to_owned(),
                bars: most_frequent(tally),
            });
        }
        blocks.push(HistogramBlock {
            name: format!("{name}: distance between rows, mm"),
            of: "slices".to_owned(),
            bars: bars(&spacing.row_mm_histogram, 1),
        });
        blocks.push(HistogramBlock {
            name: format!("{name}: distance between slices, mm"),
            of: "series".to_owned(),
            bars: bars(&spacing.slice_mm_histogram, 1),
        });
    }
    blocks
}

fn bars(histogram: &Histogram, decimals: usize) -> Vec<(String, u64)> {
    let bins = histogram.bins.iter();
    bins.map(|bin| (format!("{:.decimals$}", bin.from), bin.n))
        .collect()
}

fn most_frequent(tally: &Tally) -> Vec<(String, u64)> {
    let mut entries: Vec<(&String, u64)> = tally.iter().map(|(name, n)| (name, *n)).collect();
    entries.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let others: u64 = entries.iter().skip(MATRICES).map(|(_, n)| n).sum();
    let mut bars: Vec<(String, u64)> = entries
        .iter()
        .take(MATRICES)
        .map(|(name, n)| (name.replace(" x ", "x"), *n))
        .collect();
    if others > 0 {
        bars.push(("other".to_owned(), others));
    }
    bars
}

fn missing(stats: &Stats) -> Vec<MissingBlock> {
    let block = |of: &str, total, rows: Vec<(String, u64)>| MissingBlock {
        of: of.to_owned(),
        total,
        rows,
    };
    let grades = stats.labels.iter().map(|row| row.grades.values().sum::<u64>());
    let missing_of = |group: ConditionGroup| {
        let rows = stats.labels.iter().filter(|row| row.condition_group == group);
        let n = rows
            .map(|row| row.grades.get("missing").copied().unwrap_or(0))
            .sum();
        (group.display_name().to_owned(), n)
    };
    vec![
        block(
            "cells of the label table",
            grades.sum(),
            ConditionGroup::ALL.map(missing_of).to_vec(),
        ),
        block(
            "studies",
            stats.counts.studies,
            stats
                .studies_without
                .iter()
                .map(|(kind, n)| {
                    let name = kind
                        .parse::<SeriesKind>()
                        .map_or(kind.as_str(), |kind| kind.description());
                    (format!("any {name}"), *n)
                })
                .collect(),
        ),
        block("series", stats.counts.series, pairs(&stats.missing.series)),
        block("slices", stats.counts.slices, pairs(&stats.missing.slices)),
    ]
}

fn pairs(tally: &Tally) -> Vec<(String, u64)> {
    tally.iter().map(|(name, n)| (name.clone(), *n)).collect()
}

/// Pictures by grade, and within by condition and view.
fn montages(dataset: &Dataset) -> anyhow::Result<Vec<Montage>> {
    let [_, height, width] = dataset.shape();
    let mut grades: BTreeMap<usize, Montage> = BTreeMap::new();
    for chosen in montage(dataset, TILES)? {
        let Some(index) = dataset.config().grades.index_of(chosen.grade) else {
            continue;
        };
        let tiles = chosen.pictures.into_iter().map(|(index, pixels)| {
            let sample = dataset.sample(index)?;
            let side = sample
                .target
                .condition
                .side()
                .map_or_else(String::new, |side| format!(" {side}"));
            anyhow::Ok(Tile {
                caption: format!("{}{side}\n{}", sample.target.level, sample.study),
                width: width as u32,
                height: height as u32,
                pixels,
            })
        });
        let name = format!("{} on {}", chosen.group.display_name(), chosen.view.description());
        let montage = grades.entry(index).or_insert_with(|| Montage {
            grade: chosen.grade.display_name().to_owned(),
            rows: Vec::new(),
        });
        montage.rows.push((name, tiles.collect::<anyhow::Result<_>>()?));
    }
    Ok(grades.into_values().collect())
}
