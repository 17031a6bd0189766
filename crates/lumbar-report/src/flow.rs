//! A step from files to samples, with what was left out: `templates/flow.html`.

use crate::{FlowStage, format::count};

/// A [`FlowStage`] as it is printed.
pub(crate) struct Flow<'a> {
    pub(crate) came_in: String,
    pub(crate) what: &'a str,
    pub(crate) went_on: String,
    pub(crate) as_what: &'a str,
    pub(crate) left_out: String,
    /// Count, code and meaning.
    pub(crate) excluded: Vec<(String, &'a str, &'a str)>,
}

pub(crate) fn flow(stage: &FlowStage) -> Flow<'_> {
    let left_out: u64 = stage.excluded.iter().map(|excluded| excluded.count).sum();
    let excluded = stage.excluded.iter();
    Flow {
        came_in: count(stage.came_in),
        what: &stage.what,
        went_on: count(stage.went_on),
        as_what: &stage.as_what,
        left_out: count(left_out),
        excluded: excluded
            .map(|excluded| {
                (
                    count(excluded.count),
                    excluded.reason.as_str(),
                    excluded.meaning.as_str(),
                )
            })
            .collect(),
    }
}
