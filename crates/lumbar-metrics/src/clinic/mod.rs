//! What a number means at the reading desk.
//!
//! - [`OperatingPoint`]: at the specificity we can live with, how many severe cases are found?
//! - [`subgroups`]: does it hold at every level, side, scanner and site?
//! - [`RiskCoverage`]: if the model may leave the unsure cases to a reader, how often is it wrong on the rest?
//! - [`DecisionCurve`]: is acting on it better than treating all, or none?
//! - [`Conformal`]: sets of grades that hold the true one as often as promised.

mod conformal;
mod decision;
mod operating;
mod risk;
mod subgroup;

pub use conformal::{Conformal, Conformity, PredictionSets};
pub use decision::{DecisionCurve, DecisionPoint};
pub use operating::{At, OperatingPoint};
pub use risk::{Risk, RiskCoverage, RiskPoint};
pub use subgroup::{Subgroup, SubgroupColumn, subgroups};
