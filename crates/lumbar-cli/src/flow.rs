//! From files to samples, for pages that show what was left out on the way.

use lumbar_dataset::{SampleRejectReason, Stats, Tally};
use lumbar_dicom::RejectReason;
use lumbar_report::{Exclusion, FlowStage};
use std::collections::BTreeMap;

/// What came in, went on and was left out, by reason, at each step from files to samples.
pub fn flow(stats: &Stats) -> Vec<FlowStage> {
    let counts = stats.counts;
    vec![
        FlowStage {
            what: "files".to_owned(),
            came_in: counts.files,
            went_on: counts.files_with_slices,
            as_what: format!("files with {} slices in {} series", counts.slices, counts.series),
            excluded: explained(
                &stats.file_rejects,
                RejectReason::ALL
                    .iter()
                    .map(|reason| (reason.code(), reason.meaning())),
            ),
        },
        FlowStage {
            what: format!("targets on the wanted views of {} studies", counts.studies),
            came_in: counts.target_views,
            went_on: counts.samples,
            as_what: "samples".to_owned(),
            excluded: explained(
                &stats.sample_rejects,
                SampleRejectReason::ALL
                    .iter()
                    .map(|reason| (reason.code(), reason.meaning())),
            ),
        },
    ]
}

/// Counts by code, with what the codes stand for.
pub fn explained(
    tally: &Tally,
    meanings: impl Iterator<Item = (&'static str, &'static str)>,
) -> Vec<Exclusion> {
    let meanings: BTreeMap<&str, &str> = meanings.collect();
    let codes = tally.iter().map(|(code, count)| Exclusion {
        reason: code.clone(),
        meaning: meanings
            .get(code.as_str())
            .copied()
            .unwrap_or_default()
            .to_owned(),
        count: *count,
    });
    codes.collect()
}
