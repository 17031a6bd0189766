//! What a series is: anatomical plane, weighting, and the rule that decided.
//!
//! The order of evidence: timing and sequence attributes, then descriptions (the caller's table, then the header's
//! known words), then the contrast of the images, else unknown with the reason. The plane is always that of the
//! geometry where there is one: descriptions are sometimes wrong.

pub mod contrast;

use crate::{Acquisition, Confidence, SeriesWarning, Words};
use lumbar_core::{Plane, SeriesKind, Weighting};

/// What is known of a series.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Plane of the largest stack, from geometry.
    pub plane: Option<Plane>,
    /// Its stacks lie in different anatomical planes.
    pub mixed_planes: bool,
    /// Timing and sequence of its first slice.
    pub acquisition: Acquisition,
    /// Known words of the header's descriptions.
    pub words: Words,
    /// What the caller's table says.
    pub stated: Option<SeriesKind>,
    /// What the contrast of the images suggests, with the reason.
    pub contrast: Option<(Weighting, String)>,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Recognition {
    /// Plane.
    pub plane: Option<Plane>,
    /// Weighting.
    pub weighting: Weighting,
    /// What the series serves as.
    pub kind: Option<SeriesKind>,
    /// Which rule decided.
    pub evidence: String,
    /// How far it goes.
    pub confidence: Confidence,
    /// Contradictions met on the way.
    pub warnings: Vec<SeriesWarning>,
}

/// Weighs the evidence.
///
/// ```
/// use lumbar_core::{Plane, SeriesKind};
/// use lumbar_dicom::recognise::{Evidence, recognise};
/// use lumbar_dicom::{Acquisition, Confidence};
///
/// let mut evidence = Evidence { plane: Some(Plane::Sagittal), ..Evidence::default() };
/// evidence.acquisition.repetition_time_ms = Some(600.0);
/// evidence.acquisition.echo_time_ms = Some(11.0);
/// let verdict = recognise(&evidence);
/// assert_eq!(verdict.kind, Some(SeriesKind::SagittalT1));
/// assert_eq!(verdict.confidence, Confidence::High);
/// assert_eq!(verdict.evidence, "timing: TR 600 ms, TE 11 ms");
/// ```
pub fn recognise(evidence: &Evidence) -> Recognition {
    let mut warnings = Vec::new();
    let (plane, plane_note) = plane(evidence, &mut warnings);
    let is_localiser = evidence.mixed_planes || evidence.words.has_any(&LOCALISER_WORDS);
    let (weighting, rule, confidence) = weighting(evidence, &mut warnings);
    let kind = match plane {
        Some(plane) if !is_localiser => SeriesKind::of(plane, weighting),
        _ => None,
    };
    let mut text = if is_localiser {
        format!("localiser; {rule}")
    } else {
        rule
    };
    text.push_str(plane_note);
    let confidence = if kind.is_none() && weighting == Weighting::Unknown {
        Confidence::None
    } else {
        confidence
    };
    Recognition {
        plane,
        weighting,
        kind,
        evidence: text,
        confidence,
        warnings,
    }
}

const LOCALISER_WORDS: [&str; 5] = ["loc", "localizer", "localiser", "scout", "survey"];

/// Whether a known word of a description calls a localiser.
pub(crate) fn is_localiser_name(word: &str) -> bool {
    LOCALISER_WORDS.contains(&word)
}

fn plane(evidence: &Evidence, warnings: &mut Vec<SeriesWarning>) -> (Option<Plane>, &'static str) {
    let words = &evidence.words;
    let described = [
        (Plane::Sagittal, ["sag", "sagittal"].as_slice()),
        (Plane::Axial, &["ax", "axial", "tra", "trans", "transverse"]),
        (Plane::Coronal, &["cor", "coronal"]),
    ];
    let mut named = described
        .iter()
        .filter(|(_, names)| words.has_any(names))
        .map(|(plane, _)| *plane);
    let described = match (named.next(), named.next()) {
        (Some(plane), None) => Some(plane),
        _ => None,
    };
    let stated = evidence.stated.map(SeriesKind::plane);
    match (evidence.plane, stated.or(described)) {
        (Some(found), Some(told)) if found != told => {
            warnings.push(SeriesWarning::PlaneContradictsDescription);
            (Some(found), "")
        }
        (Some(found), _) => (Some(found), ""),
        (None, told) => (
            told,
            if told.is_some() {
                "; plane by description"
            } else {
                "; plane unknown"
            },
        ),
    }
}

fn weighting(evidence: &Evidence, warnings: &mut Vec<SeriesWarning>) -> (Weighting, String, Confidence) {
    let timing = by_timing(&evidence.acquisition, &evidence.words);
    let stated = evidence.stated.map(stated_weighting);
    let described = by_words(&evidence.words);
    if let Some((weighting, rule, confidence)) = timing {
        // STIR and T2 serve the same purpose: not a contradiction.
        let contradicts = |other: Weighting| {
            let fluid_bright = |w| matches!(w, Weighting::T2 | Weighting::Stir);
            other != weighting && !(fluid_bright(other) && fluid_bright(weighting))
        };
        let told = stated.or(described);
        if told.is_some_and(contradicts) {
            warnings.push(SeriesWarning::WeightingContradictsDescription);
        }
        let agrees = told.is_some_and(|told| !contradicts(told));
        return (
            weighting,
            rule,
            if agrees { Confidence::High } else { confidence },
        );
    }
    if let Some(weighting) = stated {
        let weighting = match (weighting, described) {
            (Weighting::T2, Some(Weighting::Stir)) => Weighting::Stir,
            _ => weighting,
        };
        return (
            weighting,
            "description in the caller's table".to_owned(),
            Confidence::High,
        );
    }
    if let Some(weighting) = described {
        let rule = format!("description: words `{}`", evidence.words);
        return (weighting, rule, Confidence::Medium);
    }
    if let Some((weighting, reason)) = &evidence.contrast {
        return (*weighting, format!("contrast: {reason}"), Confidence::Low);
    }
    let acquisition = &evidence.acquisition;
    let rule = match (acquisition.repetition_time_ms, acquisition.echo_time_ms) {
        (Some(tr), Some(te)) => format!("unknown: TR {tr} ms, TE {te} ms fit no rule, no description"),
        _ => "unknown: no timing, no description".to_owned(),
    };
    (Weighting::Unknown, rule, Confidence::None)
}

fn stated_weighting(kind: SeriesKind) -> Weighting {
    match kind {
        SeriesKind::SagittalT1 => Weighting::T1,
        SeriesKind::SagittalT2 | SeriesKind::AxialT2 => Weighting::T2,
    }
}

/// Spin-echo timing. Bounds lie between the ranges of published lumbar protocols at 0.3 to 3 T: T1 TR 400 to 900 ms
/// with TE 7 to 20 ms; T2 TR 2500 to 6000 ms with TE 80 to 130 ms; STIR TI 90 to 240 ms; T1 FLAIR TI 700 to 1100 ms.
fn by_timing(acquisition: &Acquisition, words: &Words) -> Option<(Weighting, String, Confidence)> {
    let is = |code: &str| acquisition.scanning_sequence.iter().any(|found| found == code);
    let (tr, te) = (acquisition.repetition_time_ms?, acquisition.echo_time_ms?);
    let ti = acquisition.inversion_time_ms.filter(|ti| *ti > 0.0);
    if is("GR") || is("EP") {
        // Flip angle and spoiling decide here, which tags do not tell reliably.
        return None;
    }
    let rule = match ti {
        Some(ti) => format!("timing: TR {tr} ms, TE {te} ms, TI {ti} ms"),
        None => format!("timing: TR {tr} ms, TE {te} ms"),
    };
    let verdict = match ti {
        Some(ti) if (60.0..=320.0).contains(&ti) && tr >= 1000.0 => (Weighting::Stir, Confidence::High),
        Some(ti) if (400.0..=1500.0).contains(&ti) && te <= 40.0 => (Weighting::T1, Confidence::High),
        Some(ti) if ti > 1500.0 => return None,
        _ if words.has_any(&["stir", "tirm", "tir"]) && tr >= 1000.0 => (Weighting::Stir, Confidence::Medium),
        _ if te >= 60.0 && tr >= 1500.0 => (Weighting::T2, Confidence::High),
        _ if te >= 60.0 => (Weighting::T2, Confidence::Medium),
        // Shorter repetition is a gradient echo, whether it says so or not.
        _ if te <= 35.0 && (200.0..=1200.0).contains(&tr) => (Weighting::T1, Confidence::High),
        // A T1 FLAIR whose inversion time is left out looks like proton density.
        _ if te <= 40.0 && tr >= 1200.0 && words.has_any(&["t1", "t1w"]) => {
            (Weighting::T1, Confidence::Medium)
        }
        _ if te <= 40.0 && tr >= 1500.0 => (Weighting::ProtonDensity, Confidence::Medium),
        _ => return None,
    };
    Some((verdict.0, rule, verdict.1))
}

fn by_words(words: &Words) -> Option<Weighting> {
    if words.has_any(&["stir", "tirm", "tir"]) {
        return Some(Weighting::Stir);
    }
    let named = [
        (Weighting::T1, words.has_any(&["t1", "t1w", "mprage"])),
        (Weighting::T2, words.has_any(&["t2", "t2w"])),
        (Weighting::ProtonDensity, words.has_any(&["pd", "pdw"])),
    ];
    let mut named = named
        .into_iter()
        .filter(|(_, is_named)| *is_named)
        .map(|(weighting, _)| weighting);
    match (named.next(), named.next()) {
        (Some(weighting), None) => Some(weighting),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn evidence(tr: f64, te: f64, ti: Option<f64>, text: &str) -> Evidence {
        let mut words = Words::default();
        words.add(text.as_bytes());
        Evidence {
            plane: Some(Plane::Sagittal),
            acquisition: Acquisition {
                repetition_time_ms: Some(tr),
                echo_time_ms: Some(te),
                inversion_time_ms: ti,
                ..Acquisition::default()
            },
            words,
            ..Evidence::default()
        }
    }

    #[rstest]
    #[case(500.0, 10.0, None, "", Weighting::T1)]
    #[case(3500.0, 102.0, None, "", Weighting::T2)]
    #[case(4000.0, 60.0, Some(150.0), "", Weighting::Stir)]
    #[case(4000.0, 35.0, Some(220.0), "", Weighting::Stir)]
    #[case(2400.0, 12.0, Some(900.0), "", Weighting::T1)]
    #[case(2400.0, 12.0, None, "SAG T1 FLAIR", Weighting::T1)]
    #[case(2400.0, 12.0, None, "", Weighting::ProtonDensity)]
    #[case(4000.0, 60.0, None, "SAG STIR", Weighting::Stir)]
    #[case(9000.0, 100.0, Some(2500.0), "", Weighting::Unknown)]
    fn timing_decides(
        #[case] tr: f64,
        #[case] te: f64,
        #[case] ti: Option<f64>,
        #[case] text: &str,
        #[case] expected: Weighting,
    ) {
        assert_eq!(recognise(&evidence(tr, te, ti, text)).weighting, expected);
    }

    #[test]
    fn timing_beats_a_wrong_description_and_says_so() {
        let verdict = recognise(&evidence(500.0, 10.0, None, "ax t2"));
        assert_eq!(verdict.kind, Some(SeriesKind::SagittalT1));
        assert_eq!(
            verdict.warnings,
            [
                SeriesWarning::PlaneContradictsDescription,
                SeriesWarning::WeightingContradictsDescription
            ]
        );
    }

    #[test]
    fn without_timing_the_table_then_words_decide() {
        let mut evidence = evidence(0.0, 0.0, None, "SAG STIR");
        evidence.acquisition = Acquisition::default();
        let verdict = recognise(&evidence);
        assert_eq!(
            (verdict.kind, verdict.confidence),
            (Some(SeriesKind::SagittalT2), Confidence::Medium)
        );
        assert_eq!(verdict.evidence, "description: words `sag stir`");
        evidence.stated = Some(SeriesKind::SagittalT1);
        let verdict = recognise(&evidence);
        assert_eq!(
            (verdict.kind, verdict.confidence),
            (Some(SeriesKind::SagittalT1), Confidence::High)
        );
    }

    #[test]
    fn nothing_known_is_unknown_with_a_reason() {
        let verdict = recognise(&Evidence::default());
        assert_eq!(
            (verdict.kind, verdict.weighting, verdict.confidence),
            (None, Weighting::Unknown, Confidence::None)
        );
        assert_eq!(
            verdict.evidence,
            "unknown: no timing, no description; plane unknown"
        );
    }

    #[test]
    fn a_localiser_serves_no_purpose() {
        let mut localiser = evidence(500.0, 10.0, None, "");
        localiser.mixed_planes = true;
        let verdict = recognise(&localiser);
        assert_eq!(verdict.kind, None);
        assert_eq!(verdict.evidence, "localiser; timing: TR 500 ms, TE 10 ms");
    }
}
