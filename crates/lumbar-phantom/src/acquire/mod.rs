//! From anatomy to pictures: what a scanner would plan, sample and reconstruct.

mod plan;
mod protocol;
mod render;
mod resample;

pub(crate) use plan::{PlannedSlice, SeriesPlan, plan_study};
pub(crate) use render::{render, tiny};
