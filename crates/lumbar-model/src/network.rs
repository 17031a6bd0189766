//! A trunk with heads: what is trained and what grades.

use crate::{
    Architecture, NetworkConfig,
    custom_cnn::{self, CustomCnn},
    init::parameter,
    resnet::{self, Resnet18},
    simple_cnn::SimpleCnn,
};
use burn::{
    module::{Module, Param},
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor, TensorData},
};
use lumbar_core::{ConditionGroup, Target};

/// A trunk, one linear head for each condition group, and an offset for each target.
///
/// The heads tell a canal from a recess; the offsets carry what is known before looking at the image. Set to the
/// logarithm of the training prevalences ([`Network::with_prior`]), they make an untrained network answer with the
/// prior of the column, so that training spends itself on what the image adds.
#[derive(Module, Debug)]
pub struct Network {
    trunk: Trunk,
    dropout: Dropout,
    head: Linear,
    /// Logit offsets, `[25, n_grades]`.
    offset: Param<Tensor<2>>,
    n_grades: usize,
}

#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a process; boxing buys nothing"
)]
enum Trunk {
    SimpleCnn(SimpleCnn),
    CustomCnn(CustomCnn),
    Resnet18(Resnet18),
}

const N_GROUPS: usize = ConditionGroup::ALL.len();

impl Network {
    pub(crate) fn new(config: &NetworkConfig, device: &Device) -> Network {
        let [depth, height, width] = config.input;
        let (trunk, n_features) = match config.architecture {
            Architecture::SimpleCnn => (
                Trunk::SimpleCnn(SimpleCnn::new(depth, device)),
                SimpleCnn::n_features(height, width),
            ),
            Architecture::CustomCnn => (
                Trunk::CustomCnn(CustomCnn::new(config.input, device)),
                custom_cnn::N_FEATURES,
            ),
            Architecture::Resnet18 => (Trunk::Resnet18(Resnet18::new(depth, device)), resnet::N_FEATURES),
        };
        let n_grades = config.scheme.n_grades();
        Network {
            trunk,
            dropout: DropoutConfig::new(config.dropout).init(),
            head: LinearConfig::new(n_features, N_GROUPS * n_grades).init(device),
            offset: Param::from_tensor(Tensor::zeros([Target::COUNT, n_grades], device)),
            n_grades,
        }
    }

    /// The same network with the offset of each target set to the logarithm of a distribution over grades.
    ///
    /// # Panics
    /// If `prior` does not hold 25 rows of `n_grades` positive values: they are computed by the caller, not read from a file.
    pub fn with_prior(mut self, prior: &[Vec<f64>]) -> Network {
        assert!(
            prior.len() == Target::COUNT && prior.iter().all(|row| row.len() == self.n_grades),
            "a prior has 25 rows of {} values",
            self.n_grades
        );
        let logs: Vec<f32> = prior.iter().flatten().map(|p| p.max(1e-6).ln() as f32).collect();
        let shape = [Target::COUNT, self.n_grades];
        self.offset = self.offset.map(|old| {
            let device = old.device();
            parameter(TensorData::new(logs, shape), &device)
        });
        self
    }

    /// Number of grades told apart.
    pub fn n_grades(&self) -> usize {
        self.n_grades
    }

    /// Features of the trunk, before dropout and head. Grey levels from 0 to 1 are first spread to -2 to 2, near the unit
    /// variance that the initial weights are made for.
    ///
    /// # Shapes
    /// `[batch, depth, height, width]` -> `[batch, features]`
    pub fn forward_features(&self, crops: Tensor<4>) -> Tensor<2> {
        let crops = crops.mul_scalar(4.0).sub_scalar(2.0);
        match &self.trunk {
            Trunk::SimpleCnn(net) => net.forward(crops),
            Trunk::CustomCnn(net) => net.forward(crops),
            Trunk::Resnet18(net) => net.forward(crops),
        }
    }

    /// Logits from features: the head of each target's group, plus the target's offset.
    ///
    /// # Shapes
    /// `[batch, features]` and `batch` targets -> `[batch, n_grades]`
    ///
    /// # Panics
    /// If there are not as many targets as rows.
    pub fn forward_head(&self, features: Tensor<2>, targets: &[Target]) -> Tensor<2> {
        let [batch, _] = features.dims();
        assert_eq!(batch, targets.len(), "one target a crop");
        let device = features.device();
        let all = self
            .head
            .forward(self.dropout.forward(features))
            .reshape([batch, N_GROUPS, self.n_grades]);
        let group = one_hot(
            targets.iter().map(|t| t.condition.group().index()),
            N_GROUPS,
            &device,
        );
        let logits = (all * group.reshape([batch, N_GROUPS, 1]))
            .sum_dim(1)
            .reshape([batch, self.n_grades]);
        let column = one_hot(targets.iter().map(|t| t.index()), Target::COUNT, &device);
        logits + column.matmul(self.offset.val())
    }

    /// Logits of each crop for the grades of its target.
    ///
    /// # Shapes
    /// `[batch, depth, height, width]` and `batch` targets -> `[batch, n_grades]`
    ///
    /// # Panics
    /// If there are not as many targets as crops.
    pub fn forward(&self, crops: Tensor<4>, targets: &[Target]) -> Tensor<2> {
        self.forward_head(self.forward_features(crops), targets)
    }
}

/// `[n, width]` with a one in each row.
fn one_hot(indices: impl ExactSizeIterator<Item = usize>, width: usize, device: &Device) -> Tensor<2> {
    let n = indices.len();
    let mut values = vec![0f32; n * width];
    for (row, index) in indices.enumerate() {
        values[row * width + index] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [n, width]), device)
}
