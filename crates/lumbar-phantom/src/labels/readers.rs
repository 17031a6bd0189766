//! Two simulated readers, and the probabilities an oracle would give for what the first one says.

use super::Narrowing;
use crate::rng::{Draw, key};
use lumbar_core::{ConditionGroup, Severity, Target};
use serde::{Deserialize, Serialize};

/// What two readers say about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings {
    /// The first reader's grade: the label.
    pub reader_a: Severity,
    /// The second reader's, independent of the first given the truth.
    pub reader_b: Severity,
}

/// Standard deviation of a reader's error on the score scale, where Moderate starts at 0 and Severe at 1.
///
/// Solved once so that the quadratic kappa of two readers, pooled over levels and sides, is 0.75 for the canal and
/// 0.60 for the others (between the agreements of anatomy.md 2.4); a test holds it there. Not to be tuned to results.
pub fn reader_sd(group: ConditionGroup) -> f64 {
    match group {
        ConditionGroup::SpinalCanal => 0.604,
        ConditionGroup::NeuralForaminal => 0.478,
        ConditionGroup::Subarticular => 0.675,
    }
}

/// Draws both readers' grades of a study's narrowings.
pub fn draw_readings(
    site: &str,
    seed: u64,
    study_idx: u64,
    narrowings: &[Narrowing; Target::COUNT],
) -> [Readings; Target::COUNT] {
    let mut draw = Draw::new(key(site, seed), "readers", study_idx);
    std::array::from_fn(|i| {
        let target = Target::from_index(i).expect("25 targets have indices 0 to 24");
        let sd = reader_sd(target.condition.group());
        let mut read = || grade(narrowings[i].score + sd * draw.normal());
        Readings {
            reader_a: read(),
            reader_b: read(),
        }
    })
}

fn grade(score: f64) -> Severity {
    match score {
        s if s > 1.0 => Severity::Severe,
        s if s > 0.0 => Severity::Moderate,
        _ => Severity::NormalMild,
    }
}

/// Probabilities that a reader says Normal/Mild, Moderate and Severe of a target whose true narrowing is known.
///
/// This is the best any grader can do: the score of these probabilities is the oracle's.
///
/// ```
/// use lumbar_phantom::{Narrowing, oracle_probabilities};
/// use lumbar_core::ConditionGroup;
/// let p = oracle_probabilities(ConditionGroup::SpinalCanal, Narrowing::from_score(2.0));
/// assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// assert!(p[2] > 0.9);
/// ```
pub fn oracle_probabilities(group: ConditionGroup, narrowing: Narrowing) -> [f64; 3] {
    let sd = reader_sd(group);
    let below_moderate = normal_cdf(-narrowing.score / sd);
    let below_severe = normal_cdf((1.0 - narrowing.score) / sd);
    [below_moderate, below_severe - below_moderate, 1.0 - below_severe]
}

/// Standard normal distribution function: Zelen and Severo, Abramowitz and Stegun 26.2.17, error below 7.5e-8.
fn normal_cdf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let poly = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt() * poly;
    if x >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::draw_narrowings;
    use lumbar_core::Level;

    /// Normal/Mild, Moderate, Severe counts of RSNA's label table by level, sides pooled (rsna.md section 1).
    const RSNA: [[[f64; 3]; 5]; 3] = [
        [
            [1886.0, 67.0, 21.0],
            [1770.0, 151.0, 53.0],
            [1622.0, 230.0, 122.0],
            [1482.0, 237.0, 255.0],
            [1904.0, 51.0, 19.0],
        ],
        [
            [3799.0, 126.0, 15.0],
            [3584.0, 339.0, 17.0],
            [3034.0, 825.0, 81.0],
            [2412.0, 1258.0, 270.0],
            [2528.0, 1016.0, 396.0],
        ],
        [
            [3370.0, 203.0, 52.0],
            [3132.0, 498.0, 156.0],
            [2646.0, 908.0, 391.0],
            [1778.0, 1246.0, 921.0],
            [2807.0, 805.0, 320.0],
        ],
    ];

    fn index(grade: Severity) -> usize {
        match grade {
            Severity::NormalMild => 0,
            Severity::Moderate => 1,
            _ => 2,
        }
    }

    fn sample() -> Vec<([Narrowing; 25], [Readings; 25])> {
        (0..20_000)
            .map(|i| {
                let narrowings = draw_narrowings("main", 7, i);
                let readings = draw_readings("main", 7, i, &narrowings);
                (narrowings, readings)
            })
            .collect()
    }

    fn quadratic_kappa(table: [[f64; 3]; 3]) -> f64 {
        let n: f64 = table.iter().flatten().sum();
        let row = |i: usize| table[i].iter().sum::<f64>();
        let column = |j: usize| (0..3).map(|i| table[i][j]).sum::<f64>();
        let (mut seen, mut expected) = (0.0, 0.0);
        for (i, cells) in table.iter().enumerate() {
            for (j, cell) in cells.iter().enumerate() {
                let weight = (i as f64 - j as f64).powi(2);
                seen += weight * cell;
                expected += weight * row(i) * column(j) / n;
            }
        }
        1.0 - seen / expected
    }

    #[test]
    fn grades_have_the_frequencies_of_rsna_and_readers_their_agreement() {
        let sample = sample();
        let mut counts = [[[0.0_f64; 3]; 5]; 3];
        let mut agreement = [[[0.0_f64; 3]; 3]; 3];
        for (_, readings) in &sample {
            for target in Target::all() {
                let g = target.condition.group().index();
                let reading = readings[target.index()];
                counts[g][target.level.index()][index(reading.reader_a)] += 1.0;
                agreement[g][index(reading.reader_a)][index(reading.reader_b)] += 1.0;
            }
        }
        for group in ConditionGroup::ALL {
            for level in Level::ALL {
                let (mine, rsna) = (
                    counts[group.index()][level.index()],
                    RSNA[group.index()][level.index()],
                );
                let (n_mine, n_rsna) = (mine.iter().sum::<f64>(), rsna.iter().sum::<f64>());
                for grade in 0..3 {
                    let difference = mine[grade] / n_mine - rsna[grade] / n_rsna;
                    assert!(
                        difference.abs() < 0.01,
                        "{group} {level} {grade}: {difference:.4}"
                    );
                }
            }
            let kappa = quadratic_kappa(agreement[group.index()]);
            let expected = if group == ConditionGroup::SpinalCanal {
                0.75
            } else {
                0.60
            };
            assert!((kappa - expected).abs() < 0.02, "{group}: kappa {kappa:.3}");
        }
    }

    #[test]
    fn the_oracle_is_calibrated() {
        let (mut expected, mut seen) = ([0.0; 3], [0.0; 3]);
        for (narrowings, readings) in &sample()[..4000] {
            for target in Target::all() {
                let p = oracle_probabilities(target.condition.group(), narrowings[target.index()]);
                expected.iter_mut().zip(p).for_each(|(sum, p)| *sum += p);
                seen[index(readings[target.index()].reader_a)] += 1.0;
            }
        }
        for (expected, seen) in expected.iter().zip(seen) {
            assert!((expected / seen - 1.0).abs() < 0.03, "{expected} {seen}");
        }
    }

    #[test]
    fn the_normal_distribution_function_is_right() {
        for (x, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746),
            (-1.96, 0.024_997_895),
            (3.0, 0.998_650_102),
        ] {
            assert!((normal_cdf(x) - expected).abs() < 1e-7);
        }
    }
}
