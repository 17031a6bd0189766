//! The page on a dataset: whatever comes from outside stays text.

use lumbar_report::{
    CountBlock, CountRow, DatasetPage, Exclusion, FlowStage, HistogramBlock, MissingBlock, Montage, Origin,
    ReportError, Tile,
};

const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

fn row(name: &str) -> CountRow {
    CountRow {
        name: name.into(),
        detail: name.into(),
        counts: vec![5, 2, 1, 1],
    }
}

fn page(text: &str) -> DatasetPage {
    let text = || text.to_owned();
    let tile = Tile {
        caption: text(),
        width: 2,
        height: 2,
        pixels: vec![0, 80, 160, 255],
    };
    DatasetPage {
        title: text(),
        origin: Origin::Clinical,
        notes: vec![text()],
        totals: vec![(text(), 1_234_567)],
        flow: vec![FlowStage {
            what: text(),
            came_in: 10,
            went_on: 7,
            as_what: text(),
            excluded: vec![Exclusion {
                reason: text(),
                meaning: text(),
                count: 3,
            }],
        }],
        grades: vec![text(), "Moderate".into(), "Severe".into(), "missing".into()],
        conditions: vec![CountBlock {
            name: text(),
            rows: vec![row(&text())],
        }],
        sites: vec![row(&text())],
        samples: vec![CountBlock {
            name: text(),
            rows: vec![row(&text())],
        }],
        histograms: vec![HistogramBlock {
            name: text(),
            of: text(),
            bars: vec![(text(), 3), (text(), 0), (text(), 9)],
        }],
        missing: vec![MissingBlock {
            of: text(),
            total: 8,
            rows: vec![(text(), 2), (text(), 0)],
        }],
        findings: vec![Exclusion {
            reason: text(),
            meaning: text(),
            count: 3,
        }],
        montages: vec![Montage {
            grade: text(),
            rows: vec![(text(), vec![tile])],
        }],
        provenance: vec![(text(), text())],
    }
}

#[test]
fn text_from_outside_is_inert_wherever_it_stands() {
    let html = page(EVIL).render().unwrap();
    assert!(
        !html.contains("<script") && !html.contains("<img src=x"),
        "{html}"
    );
    assert!(!html.contains("\"'><"), "no attribute is left");
    // Pictures are inside the page, and nothing else is fetched.
    assert_eq!(
        html.matches("src=\"").count(),
        html.matches("src=\"data:image/png;base64,").count()
    );
    // It is still there to be read.
    assert!(html.matches("&#60;script&#62;").count() + html.matches("&lt;script&gt;").count() > 20);
}

#[test]
fn shares_are_of_the_graded_and_numbers_are_grouped() {
    let html = page("x").render().unwrap();
    // 5 of 8 graded, the missing one aside.
    assert!(html.contains("62.5%") && html.contains("1,234,567"), "{html}");
    assert!(html.contains("25.0%"), "2 of 8 lack it");
}

#[test]
fn what_is_left_out_says_what_its_code_stands_for() {
    let mut page = page("plain");
    page.flow[0].excluded[0].meaning = "The target is marked nowhere.".to_owned();
    let html = page.render().unwrap();
    assert!(html.contains("The target is marked nowhere."), "{html}");
}

#[test]
fn a_tile_that_is_not_filled_is_refused() {
    let mut page = page("x");
    page.montages[0].rows[0].1[0].pixels.pop();
    assert!(matches!(page.render(), Err(ReportError::Crop { found: 3, .. })));
}
