//! The page put together and filled into its template.

use super::{CountBlock, CountRow, DatasetPage, HistogramBlock, Origin, Tile, bars};
use crate::ReportError;
use crate::crops::grey_png_uri;
use crate::flow::{Flow, flow};
use crate::format::{Cell, count};
use crate::plot::Figure;
use crate::table::{Head, Row, Table};
use askama::Template;

#[derive(Template)]
#[template(path = "dataset.html")]
struct Page<'a> {
    title: &'a str,
    is_synthetic: bool,
    is_mixed: bool,
    notes: &'a [String],
    totals: Vec<(&'a str, String)>,
    flow: Vec<Flow<'a>>,
    labels: Table,
    sites: Option<Table>,
    samples: Table,
    spacings: Vec<(&'a HistogramBlock, Option<Figure>)>,
    missing: Vec<Missing<'a>>,
    findings: Option<Table>,
    montages: Vec<Pictures<'a>>,
    provenance: &'a [(String, String)],
}

struct Missing<'a> {
    of: &'a str,
    total: String,
    rows: Vec<MissingRow<'a>>,
}

struct MissingRow<'a> {
    name: &'a str,
    n: String,
    percent: String,
    /// Length of the bar, percent.
    bar: u64,
}

struct Pictures<'a> {
    grade: &'a str,
    rows: Vec<(&'a str, Vec<Picture<'a>>)>,
}

struct Picture<'a> {
    uri: String,
    caption: &'a str,
    width: u32,
    height: u32,
}

pub(super) fn page(input: &DatasetPage) -> Result<String, ReportError> {
    let findings = input.findings.iter().map(|finding| {
        Row::new(&finding.reason, vec![Cell::count(finding.count)]).with_detail(&finding.meaning)
    });
    let findings: Vec<Row> = findings.collect();
    let page = Page {
        title: &input.title,
        is_synthetic: input.origin == Origin::Synthetic,
        is_mixed: input.origin == Origin::Mixed,
        notes: &input.notes,
        totals: input
            .totals
            .iter()
            .map(|(name, n)| (name.as_str(), count(*n)))
            .collect(),
        flow: input.flow.iter().map(flow).collect(),
        labels: table(&input.grades, "condition and level", &input.conditions),
        sites: (!input.sites.is_empty()).then(|| {
            let block = CountBlock {
                name: String::new(),
                rows: input.sites.clone(),
            };
            table(&input.grades, "site", &[block])
        }),
        samples: table(&input.grades, "samples", &input.samples),
        spacings: input
            .histograms
            .iter()
            .map(|block| (block, bars::columns(block)))
            .collect(),
        missing: input
            .missing
            .iter()
            .map(|block| Missing {
                of: &block.of,
                total: count(block.total),
                rows: block
                    .rows
                    .iter()
                    .map(|(name, n)| missing_row(name, *n, block.total))
                    .collect(),
            })
            .collect(),
        findings: (!findings.is_empty()).then(|| Table {
            caption: String::new(),
            head: Head::row(&["code", "findings"]),
            rows: findings,
        }),
        montages: input
            .montages
            .iter()
            .map(|montage| {
                let rows = montage.rows.iter().map(|(name, tiles)| {
                    let pictures = tiles.iter().map(picture).collect::<Result<_, _>>()?;
                    Ok((name.as_str(), pictures))
                });
                Ok(Pictures {
                    grade: &montage.grade,
                    rows: rows.collect::<Result<_, ReportError>>()?,
                })
            })
            .collect::<Result<_, ReportError>>()?,
        provenance: &input.provenance,
    };
    Ok(page.render()?)
}

/// Counts by grade, each with its share of the row's graded ones.
fn table(grades: &[String], of: &str, blocks: &[CountBlock]) -> Table {
    let mut head = vec![Head::text(of)];
    head.extend(grades.iter().map(Head::number));
    let mut rows = Vec::new();
    for block in blocks {
        if !block.name.is_empty() {
            rows.push(Row::heading(&block.name));
        }
        rows.extend(block.rows.iter().map(|row| count_row(row, grades)));
    }
    Table {
        caption: String::new(),
        head,
        rows,
    }
}

fn count_row(row: &CountRow, grades: &[String]) -> Row {
    let missing = grades.iter().position(|grade| grade == "missing");
    let graded: u64 = row
        .counts
        .iter()
        .enumerate()
        .filter(|(i, _)| Some(*i) != missing)
        .map(|(_, n)| n)
        .sum();
    let cells = row.counts.iter().enumerate().map(|(i, n)| {
        let below = if Some(i) == missing || graded == 0 {
            String::new()
        } else {
            share(*n, graded)
        };
        Cell::count(*n).with_below(below)
    });
    Row::new(&row.name, cells.collect()).with_detail(&row.detail)
}

/// `4.8%`.
fn share(n: u64, of: u64) -> String {
    format!("{:.1}%", n as f64 * 100.0 / of as f64)
}

fn missing_row(name: &str, n: u64, total: u64) -> MissingRow<'_> {
    MissingRow {
        name,
        n: count(n),
        percent: if total == 0 {
            String::new()
        } else {
            share(n, total)
        },
        bar: (n * 100).checked_div(total).unwrap_or(0),
    }
}

fn picture(tile: &Tile) -> Result<Picture<'_>, ReportError> {
    Ok(Picture {
        uri: grey_png_uri(&tile.pixels, [tile.width, tile.height], &tile.caption)?,
        caption: &tile.caption,
        width: tile.width,
        height: tile.height,
    })
}
