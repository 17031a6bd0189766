//! The page as a whole, on made-up numbers.

mod made_up;

use lumbar_core::Severity;
use lumbar_evaluate::{Domain, Scope};
use lumbar_report::{LearningCurve, ReportError, render, write};

/// The text between two markers.
fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let rest = html.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or("", |(text, _)| text)
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let html = render(&made_up::input(12, 100)).unwrap();
    for outside in [
        "<script",
        "javascript:",
        "<link",
        "@import",
        "url(",
        "src=\"http",
        "href=\"http",
        "<iframe",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    let sources = html.matches("src=\"").count();
    assert!(sources > 0 && sources == html.matches("src=\"data:image/png;base64,").count());
    // Drawings name their namespace, which is no address to fetch.
    assert_eq!(
        html.matches("http").count(),
        html.matches("http://www.w3.org/2000/svg").count()
    );
}

#[test]
fn every_tag_that_opens_closes() {
    for input in [made_up::input(12, 100), made_up::bare_input()] {
        let html = render(&input).unwrap();
        let mut open: Vec<&str> = Vec::new();
        for piece in html.split('<').skip(1) {
            let tag = piece.split(['>', ' ', '\n']).next().unwrap_or("");
            let is_void = ["!DOCTYPE", "meta", "img", "br"].contains(&tag);
            let closes_itself = piece
                .split('>')
                .next()
                .is_some_and(|inside| inside.ends_with('/'));
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "near `{}`", &piece[..piece.len().min(80)]),
                None if is_void || closes_itself => {}
                None => open.push(tag),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        assert!(!html.contains("NaN") && !html.contains("inf "));
    }
}

#[test]
fn it_says_synthetic_where_it_is_and_research_only_once() {
    let synthetic = render(&made_up::input(12, 100)).unwrap();
    assert!(synthetic.contains("<strong>Synthetic data.</strong>"));
    assert!(synthetic.contains("what the phantoms encode"));
    assert_eq!(synthetic.matches("not a medical device").count(), 1);
    let clinical = render(&made_up::bare_input()).unwrap();
    assert!(!clinical.to_lowercase().contains("synthetic") && !clinical.contains("phantom"));
    assert_eq!(clinical.matches("not a medical device").count(), 1);
}

#[test]
fn text_from_outside_is_escaped() {
    let mut input = made_up::input(12, 100);
    input.title = "<script>alert(1)</script>".into();
    input.runs[0].name = "a<b>&\"c\"".into();
    input.flow[0].excluded[0].reason = "<i>x".into();
    input.examples[0].caption = "<img src=x onerror=alert(1)>".into();
    input.controls[0].name = "<b>control".into();
    let html = render(&input).unwrap();
    assert!(!html.contains("<script") && !html.contains("<b>&") && !html.contains("<i>x"));
    assert!(!html.contains("<img src=x") && !html.contains("<b>control"));
}

#[test]
fn numbers_on_the_page_are_those_of_the_evaluation() {
    let input = made_up::input(12, 100);
    let html = render(&input).unwrap();
    let score = between(&html, "<h3>Official score</h3>", "</table>");
    for estimate in &input.evaluation.rsna.model {
        let value = estimate.value.unwrap();
        let low = estimate.interval.unwrap().unwrap().low;
        assert!(
            score.contains(&format!("{value:.3}")) && score.contains(&format!("({low:.3} to ")),
            "{estimate}"
        );
    }
    let all = input.evaluation.subset(Scope::All).unwrap();
    assert!(html.contains(&format!("{} of {}", all.confusion[2][2], all.n_of_grade[2])));
}

#[test]
fn an_undefined_number_is_a_dash_with_its_reason_below() {
    let input = made_up::bare_input();
    assert!(input.evaluation.domain == Domain::Clinical);
    let html = render(&input).unwrap();
    assert!(html.contains("–<sup><a href=\"#note-") && html.contains("href=\"#note-1\">1</a>"));
    let notes = between(&html, "<ol class=\"footnotes\">", "</ol>");
    assert!(notes.contains("no case of the grade asked about"));
    // Each mark leads to a note.
    for mark in html.split("href=\"#note-").skip(1) {
        let number = mark.split('"').next().unwrap();
        assert!(notes.contains(&format!("id=\"note-{number}\"")), "{number}");
    }
}

#[test]
fn what_is_empty_leaves_no_heading() {
    let html = render(&made_up::bare_input()).unwrap();
    for heading in [
        "<h2>Data</h2>",
        "<h2>Training</h2>",
        "<h2>Controls</h2>",
        "<h2>Time</h2>",
        "Sagittal or axial?",
    ] {
        assert!(!html.contains(heading), "{heading}");
    }
    assert!(html.contains("<h2>Summary</h2>") && html.contains("Run &#60;7&#62; &#38; more"));
}

#[test]
fn a_crop_that_is_not_whole_is_refused() {
    let mut input = made_up::input(12, 100);
    input.examples[0].pixels.pop();
    assert!(matches!(
        render(&input),
        Err(ReportError::Crop { found: 4095, .. })
    ));
    assert!(
        input
            .examples
            .iter()
            .any(|crop| crop.severity == Severity::Severe)
    );
}

#[test]
fn the_same_input_gives_the_same_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let input = made_up::input(12, 100);
    write(&input, &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), render(&input).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_learning_curve_is_read_up_to_its_last_whole_line() {
    let line = r#"{"epoch":0,"step":40,"learning_rate":0.001,"train_loss":0.9,"valid_loss":1.0,"seconds":2.5,"samples_per_second":400.0}"#;
    let curve = LearningCurve::from_jsonl("fold 0", &format!("{line}\n{line}\n{{\"epoch\":2,")).unwrap();
    assert_eq!(curve.epochs.len(), 2);
    let error = LearningCurve::from_jsonl("", &format!("{line}\nnot json\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2 of the learning curve is not a record of an epoch"
    );
}
