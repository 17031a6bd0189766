//! The work itself: studies in parallel, results in order.

use super::Base;
use crate::DatasetError;
use crate::ordered::ordered_map;
use crate::plan::plan_study;
use crate::render::{Reading, StudyOutput, render_study};
use std::ops::Range;
use std::sync::Arc;

/// Plans and renders studies, handing each one's output over in order with the number done so far.
pub(super) fn run(
    base: &Arc<Base>,
    studies: Range<usize>,
    n_threads: usize,
    mut take: impl FnMut(StudyOutput, usize) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let n_threads = match n_threads {
        0 => rayon::current_num_threads(),
        n => n,
    };
    let shared = base.clone();
    let first = studies.start;
    // A study's samples are a few hundred kilobytes; a few studies ahead keep every thread busy.
    let window = 4 * n_threads;
    let outputs = ordered_map(studies.len(), n_threads, window, move |i| {
        study(&shared, first + i)
    });
    for (i, output) in outputs.enumerate() {
        take(output?, i + 1)?;
    }
    Ok(())
}

fn study(base: &Base, study_idx: usize) -> StudyOutput {
    let study = &base.studies[study_idx];
    let input = &base.input;
    let plan = plan_study(study, (&input.catalogue, &input.labels), &input.config);
    let reading = Reading {
        root: &input.root,
        limits: &input.limits,
    };
    let site = input.labels.sites.get(study).map(String::as_str);
    render_study(
        (study, &base.patients[study], site),
        plan,
        &input.catalogue,
        (&input.config, reading),
    )
}
