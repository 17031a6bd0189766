//! Means over grades, some of which may have no value.

use crate::{Undefined, sum::Sum};
use serde::{Deserialize, Serialize};

/// What a grade without a value does to a mean over grades.
///
/// Three grades, none of the cases is severe and none is called severe; the F1 of the other two are 0.8 and 2/3:
///
/// | | macro F1 | scikit-learn 1.9 | torchmetrics 1.9 |
/// |---|---|---|---|
/// | `Skip` | 0.733 | `zero_division=nan`, or no `labels=` | yes |
/// | `Zero` | 0.489 | `labels=[0, 1, 2]`, the default | for AUROC |
/// | `One` | 0.822 | `zero_division=1` | |
/// | `Undefined` | undefined | AUROC: NaN | |
///
/// `Skip` is the default, and every estimate then says over how many grades its mean went
/// ([`Estimate::grades_used`](crate::Estimate::grades_used)). Under resampling, a resample in which more grades are
/// absent than in the data counts as undefined: it would be the mean of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The mean goes over the grades that have a value.
    #[default]
    Skip,
    /// The mean is undefined.
    Undefined,
    /// The grade counts as 0.
    Zero,
    /// The grade counts as 1.
    One,
}

/// Over how many of the grades a mean went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GradesUsed {
    /// Grades (or pairs of grades, for one-vs-one) with a value.
    pub used: usize,
    /// All grades (or pairs).
    pub of: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct MacroMean {
    pub(crate) value: f64,
    pub(crate) over: GradesUsed,
}

/// The mean of `value_of` over `0..of`. If none has a value, the first reason is the reason of the mean.
pub(crate) fn macro_mean(
    of: usize,
    absent: Absent,
    value_of: impl Fn(usize) -> Result<f64, Undefined>,
) -> Result<MacroMean, Undefined> {
    let mut sum = Sum::default();
    let mut used = 0;
    let mut first_reason = None;
    for i in 0..of {
        match value_of(i) {
            Ok(value) => {
                sum.add(value);
                used += 1;
            }
            Err(reason) => first_reason = first_reason.or(Some(reason)),
        }
    }
    let over = GradesUsed { used, of };
    if used == 0 {
        return Err(first_reason.unwrap_or(Undefined::NoCases));
    }
    let value = match absent {
        Absent::Skip => sum.value() / used as f64,
        Absent::Zero => sum.value() / of as f64,
        Absent::One => (sum.value() + (of - used) as f64) / of as f64,
        Absent::Undefined if used < of => return Err(Undefined::AbsentGrades { used, of }),
        Absent::Undefined => sum.value() / of as f64,
    };
    Ok(MacroMean { value, over })
}
