//! The samples of a run, as the loop sees them.

use crate::{RunConfig, loss::Label};
use lumbar_core::{GradingScheme, Side, Target};
use lumbar_dataset::{Dataset, Sample};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Targets and labels of all samples of a data set, indexed as the data set's.
pub(crate) struct Cases {
    pub scheme: GradingScheme,
    /// What the network is told a crop shows: the left target where a right one is mirrored.
    pub shown: Vec<Target>,
    pub labels: Vec<Label>,
}

impl Cases {
    pub fn of(dataset: &Dataset, config: &RunConfig) -> Cases {
        let shown = dataset
            .samples()
            .iter()
            .map(|sample| {
                let right = sample.target.condition.side() == Some(Side::Right);
                if config.data.mirror_right_to_left && right {
                    sample.target.mirrored()
                } else {
                    sample.target
                }
            })
            .collect();
        let labels = dataset.samples().iter().map(|sample| sample.severity).collect();
        Cases {
            scheme: dataset.config().grades,
            shown,
            labels,
        }
    }

    /// The targets and labels of some samples.
    pub fn pairs<'a>(&'a self, indices: &'a [usize]) -> impl Iterator<Item = (Target, Label)> + 'a {
        indices.iter().map(|i| (self.shown[*i], self.labels[*i]))
    }

    /// Permutes the labels of some samples within each column: prevalences stay, what the image says about them goes.
    pub fn shuffle_labels(&mut self, indices: &[usize], seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for target in Target::all() {
            let column: Vec<usize> = indices
                .iter()
                .copied()
                .filter(|i| self.shown[*i] == target)
                .collect();
            let mut labels: Vec<Label> = column.iter().map(|i| self.labels[*i]).collect();
            labels.shuffle(&mut rng);
            for (index, label) in column.into_iter().zip(labels) {
                self.labels[index] = label;
            }
        }
    }
}

/// Whether a run trains on a sample's view and condition at all.
pub(crate) fn belongs(sample: &Sample, config: &RunConfig) -> bool {
    sample.view == config.data.view && config.data.groups.contains(&sample.target.condition.group())
}
