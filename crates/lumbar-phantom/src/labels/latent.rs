//! The continuous truth: how narrow each of the 25 targets is.

use crate::rng::{Draw, key};
use lumbar_core::{ConditionGroup, Level, Side, Target};
use serde::{Deserialize, Serialize};

/// How narrow a target truly is.
///
/// `score` is the scale the readers grade on: Moderate starts at 0, Severe at 1, whatever the condition and level.
/// `fraction` is what the anatomy is built from: the share of the normal space that is lost, 1/3 where Moderate
/// starts and 2/3 where Severe starts (the convention of SPORT; Lurie et al., anatomy.md 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Narrowing {
    /// Position on the reader's scale: unbounded, 0 and 1 at the thresholds.
    pub score: f64,
    /// Share of the normal space that is lost, in (0, 1).
    pub fraction: f64,
}

impl Narrowing {
    /// The narrowing at a position on the reader's scale.
    ///
    /// ```
    /// use lumbar_phantom::Narrowing;
    /// assert!((Narrowing::from_score(0.0).fraction - 1.0 / 3.0).abs() < 1e-12);
    /// assert!((Narrowing::from_score(1.0).fraction - 2.0 / 3.0).abs() < 1e-12);
    /// assert!(Narrowing::from_score(-5.0).fraction < 0.01);
    /// ```
    pub fn from_score(score: f64) -> Narrowing {
        // Straight between the thresholds, flattening towards 0 and 1 outside them with the same slope.
        let fraction = if score < 0.0 {
            score.exp() / 3.0
        } else if score <= 1.0 {
            (1.0 + score) / 3.0
        } else {
            1.0 - (1.0 - score).exp() / 3.0
        };
        Narrowing { score, fraction }
    }
}

/// Mean and standard deviation of the *read* score by group and level: the two numbers that put a share p1 of a
/// normal distribution above 0 and a share p2 above 1. The shares are those of the RSNA label table, sides pooled,
/// missing labels left out (rsna.md section 1): deviation = 1 / (z(p2) - z(p1)), mean = -z(p1) * deviation.
const READ_MEAN: [[f64; 5]; 3] = [
    [-2.818, -1.894, -1.492, -1.493, -3.378],
    [-2.078, -1.039, -0.567, -0.237, -0.396],
    [-2.062, -1.189, -0.523, 0.146, -0.680],
];
const READ_SD: [[f64; 5]; 3] = [
    [1.658, 1.500, 1.618, 2.206, 1.870],
    [1.154, 0.777, 0.767, 0.832, 1.092],
    [1.400, 1.260, 1.184, 1.175, 1.203],
];

/// Loadings of the standardised latent of a target on what it shares with others: the whole study, the level, the
/// condition group in this study. They give latent correlations of 0.34 (recess) and 0.28 (foramen) between the sides,
/// 0.23 between canal and recess of a level, 0.21 between levels; after the readers' noise this is about a third to a
/// half of what RSNA's labels show (anatomy.md 2.5). Deliberately less: a network must find the narrowing at its
/// place, and a crop whose middle is blanked must not give the grade away through the other side.
const STUDY_LOADING: f64 = 0.35;
const LEVEL_LOADING: [f64; 3] = [0.30, 0.25, 0.35];
const GROUP_LOADING: f64 = 0.30;

/// Draws the 25 narrowings of a study, in the order of [`Target::all`].
///
/// They depend on `site`, `seed` and `study_idx` alone. Over many studies, the grades read from them by
/// [`draw_readings`](crate::draw_readings) have RSNA's frequencies by condition and level.
pub fn draw_narrowings(site: &str, seed: u64, study_idx: u64) -> [Narrowing; Target::COUNT] {
    let mut draw = Draw::new(key(site, seed), "narrowing", study_idx);
    let study = draw.normal();
    let levels: [f64; 5] = std::array::from_fn(|_| draw.normal());
    let groups: [f64; 3] = std::array::from_fn(|_| draw.normal());
    let mut narrowings = [Narrowing::from_score(0.0); Target::COUNT];
    for target in Target::all() {
        let group = target.condition.group();
        let (g, l) = (group.index(), target.level.index());
        let level_loading = LEVEL_LOADING[g];
        let shared = STUDY_LOADING * study + level_loading * levels[l] + GROUP_LOADING * groups[g];
        let own_variance = 1.0 - STUDY_LOADING.powi(2) - level_loading.powi(2) - GROUP_LOADING.powi(2);
        let latent = shared + own_variance.sqrt() * draw.normal();
        narrowings[target.index()] =
            Narrowing::from_score(READ_MEAN[g][l] + true_sd(group, target.level) * latent);
    }
    narrowings
}

/// Deviation of the true score: what is left of the read one without the reader's own.
fn true_sd(group: ConditionGroup, level: Level) -> f64 {
    let read = READ_SD[group.index()][level.index()];
    (read * read - super::reader_sd(group).powi(2)).sqrt()
}

/// The narrowing of a group at a level and side.
pub(crate) fn of(
    narrowings: &[Narrowing; Target::COUNT],
    group: ConditionGroup,
    level: Level,
    side: Side,
) -> f32 {
    let condition = lumbar_core::Condition::of_group(group, side);
    narrowings[Target::new(condition, level).index()].fraction as f32
}
