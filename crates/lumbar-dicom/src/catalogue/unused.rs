//! Series and studies that were found and are not used, and why.

use super::{Catalogue, Reject, SeriesRecord, SeriesWarning};
use crate::{UnusedReason, recognise::is_localiser_name};
use lumbar_core::{SeriesId, StudyId, Weighting};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A series, or a study where no series is named, that serves no purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unused {
    /// The study.
    pub study: StudyId,
    /// The series; `None` for the study itself.
    pub series: Option<SeriesId>,
    /// The stable reason.
    pub reason: UnusedReason,
}

/// Series and studies found, and how many of them are used. What is missing is in [`Verdicts::unused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Found {
    /// Series that any file names, those of rejected files included.
    pub n_series: usize,
    /// Series that serve a purpose.
    pub n_series_used: usize,
    /// Studies that any file names.
    pub n_studies: usize,
    /// Studies with a series that serves a purpose.
    pub n_studies_used: usize,
}

/// Why each series found is not used, or that it is: what is left to remember of a catalogue that is written as it comes.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// By study; `None` for a series that is used.
    series: BTreeMap<StudyId, BTreeMap<SeriesId, Option<UnusedReason>>>,
}

impl Verdicts {
    /// Notes a series with slices.
    pub fn add_series(&mut self, series: &SeriesRecord) {
        self.add(&series.study, &series.series, verdict(series));
    }

    /// Notes the series that a file not taken names.
    pub fn add_reject(&mut self, reject: &Reject) {
        if let (Some(study), Some(series)) = (&reject.study, &reject.series) {
            self.add(study, series, Some(UnusedReason::NoFileUsed));
        }
    }

    fn add(&mut self, study: &StudyId, series: &SeriesId, verdict: Option<UnusedReason>) {
        if !self.series.contains_key(study) {
            self.series.insert(study.clone(), BTreeMap::new());
        }
        let Some(of_study) = self.series.get_mut(study) else {
            return;
        };
        // A file not taken says nothing of a series that has others.
        let known = of_study.entry(series.clone()).or_insert(verdict);
        if *known == Some(UnusedReason::NoFileUsed) {
            *known = verdict;
        }
    }

    /// Every series and study that any file names and that serves no purpose, by study and series, a study's own row
    /// before those of its series. With what is used they are exactly what [`Verdicts::found`] counts.
    pub fn unused(&self) -> Vec<Unused> {
        let mut rows = Vec::new();
        for (study, series) in &self.series {
            let row = |series: Option<&SeriesId>, reason| Unused {
                study: study.clone(),
                series: series.cloned(),
                reason,
            };
            if series
                .values()
                .all(|verdict| *verdict == Some(UnusedReason::NoFileUsed))
            {
                rows.push(row(None, UnusedReason::NoFileUsed));
            } else if series.values().all(Option::is_some) {
                rows.push(row(None, UnusedReason::NoSeriesUsed));
            }
            let unused = series
                .iter()
                .filter_map(|(series, verdict)| Some((series, (*verdict)?)));
            rows.extend(unused.map(|(series, reason)| row(Some(series), reason)));
        }
        rows
    }

    /// Counts series and studies.
    pub fn found(&self) -> Found {
        let mut found = Found::default();
        for series in self.series.values() {
            let n_used = series.values().filter(|verdict| verdict.is_none()).count();
            found.n_studies += 1;
            found.n_studies_used += usize::from(n_used > 0);
            found.n_series += series.len();
            found.n_series_used += n_used;
        }
        found
    }
}

impl Catalogue {
    /// Every series and study that any file names and that serves no purpose: [`Verdicts::unused`].
    pub fn unused(&self) -> Vec<Unused> {
        self.verdicts().unused()
    }

    /// Counts series and studies.
    pub fn found(&self) -> Found {
        self.verdicts().found()
    }

    fn verdicts(&self) -> Verdicts {
        let mut verdicts = Verdicts::default();
        self.series.iter().for_each(|series| verdicts.add_series(series));
        self.rejects.iter().for_each(|reject| verdicts.add_reject(reject));
        verdicts
    }
}

fn verdict(series: &SeriesRecord) -> Option<UnusedReason> {
    if series.kind.is_some() {
        return None;
    }
    let description = series.description.as_deref().unwrap_or_default();
    let is_localiser = series.warnings.contains(&SeriesWarning::MixedPlanes)
        || description.split(' ').any(is_localiser_name);
    Some(if is_localiser {
        UnusedReason::Localiser
    } else if series.plane.is_none() {
        UnusedReason::UnknownPlane
    } else if series.weighting == Weighting::Unknown {
        UnusedReason::UnknownWeighting
    } else {
        UnusedReason::NoPurpose
    })
}
