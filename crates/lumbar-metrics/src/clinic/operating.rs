//! Operating points: what a threshold means in sensitivity and specificity.

use crate::{
    Binary, Bootstrap, Estimate, Interval, Share, Undefined,
    confusion::ratio,
    engine::{Computed, Resampled, Walk},
    wilson,
};

/// Which threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// The one of highest sensitivity among those of at least this specificity.
    Specificity(Share),
    /// The one of highest specificity among those of at least this sensitivity.
    Sensitivity(Share),
    /// A given one: cases that score at least as high are called positive.
    Threshold(f64),
}

/// What calling everything at or above a threshold positive comes to.
///
/// ```
/// use lumbar_metrics::{Binary, Share, clinic::{At, OperatingPoint}};
///
/// let cases = Binary::new(
///     &[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2],
///     &[true, true, false, true, false, false, false, false],
/// )?;
/// let point = OperatingPoint::of(&cases, At::Specificity(Share::new(0.8)?))?;
/// assert_eq!((point.sensitivity, point.specificity, point.threshold), (1.0, 0.8, Some(0.6)));
///
/// // A threshold chosen on validation is kept for test: choosing it on test flatters it.
/// let test = Binary::new(&[0.9, 0.65, 0.3], &[true, false, true])?;
/// let held = OperatingPoint::of(&test, At::Threshold(0.6))?;
/// assert_eq!((held.sensitivity, held.specificity), (0.5, 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Definition
/// Sensitivity is the share of event cases called positive, specificity that of others called negative.
/// # Ties
/// Equal scores are on one side of a threshold together; of thresholds equally good in what is sought, the one better
/// in the other is taken.
/// # Undefined
/// Without cases of the event or without others. Calling nothing positive is a threshold too (`None`), so every
/// specificity is reached.
/// # Reference
/// `roc_curve(y, s, drop_intermediate=False)`, then the best point within the constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// Cases scoring at least this are called positive; `None` calls nothing positive.
    pub threshold: Option<f64>,
    /// Share of event cases called positive.
    pub sensitivity: f64,
    /// Wilson's 95% interval of sensitivity, for independent cases.
    pub sensitivity_interval: Interval,
    /// Share of other cases called negative.
    pub specificity: f64,
    /// Wilson's 95% interval of specificity, for independent cases.
    pub specificity_interval: Interval,
    /// Share of event cases among those called positive.
    pub positive_predictive_value: Result<f64, Undefined>,
    /// Share of other cases among those called negative.
    pub negative_predictive_value: Result<f64, Undefined>,
}

impl OperatingPoint {
    /// The operating point of the cases at what is asked for.
    ///
    /// # Errors
    /// [`Undefined`] without cases of the event or without others.
    pub fn of(cases: &Binary, at: At) -> Result<OperatingPoint, Undefined> {
        let question = Question::new(cases, at);
        let counts = question.counts(&vec![1.0; question.n_units])?;
        let level = Share::new(0.95).expect("within 0 and 1");
        let wilson = |share: f64, total: f64| wilson(share * total, total, level);
        Ok(OperatingPoint {
            threshold: counts.threshold,
            sensitivity: counts.sensitivity(),
            sensitivity_interval: wilson(counts.sensitivity(), counts.event)?,
            specificity: counts.specificity(),
            specificity_interval: wilson(counts.specificity(), counts.others)?,
            positive_predictive_value: counts.positive_predictive_value(),
            negative_predictive_value: counts.negative_predictive_value(),
        })
    }

    /// Sensitivity, specificity, positive and negative predictive value with intervals from drawing patients again;
    /// a threshold that is sought is sought anew in each resample.
    pub fn estimates(cases: &Binary, at: At, bootstrap: &Bootstrap) -> Vec<Estimate> {
        let question = Question::new(cases, at);
        let intervals = bootstrap.intervals(&question);
        let values = question.values(&vec![1.0; question.n_units], &mut ());
        let named = NAMES.iter().zip(values).zip(intervals);
        named
            .map(|((name, value), interval)| Estimate {
                measure: (*name).to_owned(),
                value: value.map(|v| v.value),
                interval: Some(interval),
                n: cases.n_rows(),
                n_clusters: cases.clusters.as_ref().map(|c| c.n),
                grades_used: None,
            })
            .collect()
    }
}

const NAMES: [&str; 4] = [
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
];

/// Weights on both sides of a threshold.
#[derive(Clone, Copy)]
struct Counts {
    threshold: Option<f64>,
    event: f64,
    others: f64,
    event_above: f64,
    others_above: f64,
}

impl Counts {
    fn sensitivity(&self) -> f64 {
        self.event_above / self.event
    }

    fn specificity(&self) -> f64 {
        (self.others - self.others_above) / self.others
    }

    fn positive_predictive_value(&self) -> Result<f64, Undefined> {
        ratio(
            self.event_above,
            self.event_above + self.others_above,
            Undefined::NeverPredicted,
        )
    }

    fn negative_predictive_value(&self) -> Result<f64, Undefined> {
        let others_below = self.others - self.others_above;
        let below = others_below + self.event - self.event_above;
        ratio(others_below, below, Undefined::NeverPredicted)
    }
}

struct Question {
    walk: Walk,
    n_units: usize,
    at: At,
}

impl Question {
    fn new(cases: &Binary, at: At) -> Question {
        let (units, n_units) = match &cases.clusters {
            Some(clusters) => (clusters.of_row.clone(), clusters.n),
            None => ((0..cases.n_rows() as u32).collect(), cases.n_rows()),
        };
        Question {
            walk: cases.walk_in(&units),
            n_units,
            at,
        }
    }

    fn counts(&self, multiplicity: &[f64]) -> Result<Counts, Undefined> {
        let mut total = [0.0; 2];
        for step in self.walk.steps(multiplicity) {
            total[step.class] += step.weight;
        }
        let [others, event] = total;
        if event <= 0.0 {
            return Err(Undefined::NoPositives);
        }
        if others <= 0.0 {
            return Err(Undefined::NoNegatives);
        }
        let mut now = Counts {
            threshold: None,
            event,
            others,
            event_above: 0.0,
            others_above: 0.0,
        };
        let mut best = now;
        for step in self.walk.steps(multiplicity) {
            if let At::Threshold(threshold) = self.at
                && step.score < threshold
            {
                break;
            }
            if step.class == 1 {
                now.event_above += step.weight;
            } else {
                now.others_above += step.weight;
            }
            if !step.tied {
                now.threshold = Some(step.score);
                if self.better(&now, &best) {
                    best = now;
                }
            }
        }
        if let At::Threshold(threshold) = self.at {
            best.threshold = Some(threshold);
        }
        Ok(best)
    }

    /// Going down, sensitivity rises and specificity falls.
    fn better(&self, now: &Counts, best: &Counts) -> bool {
        match self.at {
            At::Threshold(_) => true,
            At::Specificity(least) => now.specificity() >= least.get() && now.event_above > best.event_above,
            At::Sensitivity(least) => best.sensitivity() < least.get(),
        }
    }
}

impl Resampled for Question {
    type Scratch = ();

    fn scratch(&self) {}

    fn n_units(&self) -> usize {
        self.n_units
    }

    fn values(&self, multiplicity: &[f64], (): &mut ()) -> Vec<Result<Computed, Undefined>> {
        let counts = match self.counts(multiplicity) {
            Ok(counts) => counts,
            Err(reason) => return vec![Err(reason); NAMES.len()],
        };
        let values = [
            Ok(counts.sensitivity()),
            Ok(counts.specificity()),
            counts.positive_predictive_value(),
            counts.negative_predictive_value(),
        ];
        values
            .into_iter()
            .map(|value| value.map(|value| Computed { value, over: None }))
            .collect()
    }
}
