//! Intervals of a share of independent cases.

use crate::{Interval, IntervalMethod, Share, Undefined, normal};

/// Wilson's score interval of `events` out of `total` independent cases.
///
/// # Definition
/// The set of shares a score test at this level does not reject. Unlike "± 1.96 standard errors" it stays within
/// [0, 1] and has a width when nothing, or everything, happened.
/// # Ties
/// None.
/// # Undefined
/// Without cases. Rows of one patient are not independent: the interval is then too narrow, and a
/// [`Bootstrap`](crate::Bootstrap) of patients the right one.
/// # Reference
/// Wilson 1927. `statsmodels.stats.proportion.proportion_confint(events, total, method="wilson")`.
///
/// ```
/// use lumbar_metrics::{Share, wilson};
/// let interval = wilson(0.0, 10.0, Share::new(0.95)?)?;
/// assert_eq!(interval.low, 0.0);
/// assert!((interval.high - 0.2775).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wilson(events: f64, total: f64, level: Share) -> Result<Interval, Undefined> {
    if !(total > 0.0 && level.get() > 0.0 && level.get() < 1.0) {
        return Err(Undefined::NoCases);
    }
    let z = normal::quantile(0.5 + 0.5 * level.get());
    let share = events / total;
    let z2 = z * z / total;
    let centre = (share + 0.5 * z2) / (1.0 + z2);
    let half = z / (1.0 + z2) * (share * (1.0 - share) / total + 0.25 * z2 / total).sqrt();
    // At 0 and 1 the ends are exact; rounding must not move them.
    let low = if events <= 0.0 {
        0.0
    } else {
        (centre - half).max(0.0)
    };
    let high = if events >= total {
        1.0
    } else {
        (centre + half).min(1.0)
    };
    Ok(Interval {
        low,
        high,
        level: level.get(),
        method: IntervalMethod::Wilson,
        resamples: None,
    })
}
