//! What a network looks like, before it exists.

use crate::{ModelError, Network, init};
use burn::tensor::Device;
use lumbar_core::{GradingScheme, ParseError};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The trunk of a network: what turns a crop into features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// One convolution (8 channels) and a pool: the smallest thing that sees.
    SimpleCnn,
    /// Three convolutions (16, 32, 64), each with a pool, and a hidden layer of 128.
    #[default]
    CustomCnn,
    /// ResNet-18 (He et al. 2015, arXiv 1512.03385, table 1).
    Resnet18,
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Architecture; 3] = [
        Architecture::SimpleCnn,
        Architecture::CustomCnn,
        Architecture::Resnet18,
    ];

    /// `simple_cnn`, `custom_cnn` or `resnet18`.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::SimpleCnn => "simple_cnn",
            Architecture::CustomCnn => "custom_cnn",
            Architecture::Resnet18 => "resnet18",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Architecture {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Architecture::ALL
            .into_iter()
            .find(|a| a.name() == text)
            .ok_or_else(|| ParseError::new(text, "an architecture (simple_cnn, custom_cnn or resnet18)"))
    }
}

/// A network's shape: all that is needed to build it anew and load its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// The trunk.
    pub architecture: Architecture,
    /// Input shape: slices of the mini-stack, rows, columns.
    pub input: [usize; 3],
    /// The grades it tells apart.
    #[serde(default)]
    pub scheme: GradingScheme,
    /// Share of features dropped before the head while training, 0 to below 1.
    #[serde(default)]
    pub dropout: f64,
}

/// Smallest input side: below it the pools of `CustomCnn` leave nothing.
const MIN_SIDE: usize = 16;
const MAX_SIDE: usize = 4096;
const MAX_DEPTH: usize = 1024;

impl NetworkConfig {
    /// A network for three grades without dropout.
    pub fn new(architecture: Architecture, input: [usize; 3]) -> NetworkConfig {
        NetworkConfig {
            architecture,
            input,
            scheme: GradingScheme::ThreeGrades,
            dropout: 0.0,
        }
    }

    /// Builds the network with weights drawn from `seed`: the same on every device and backend, whatever else draws.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a depth outside 1 to 1024, a side outside 16 to 4096, or a dropout outside 0 to 1.
    pub fn init(&self, seed: u64, device: &Device) -> Result<Network, ModelError> {
        let [depth, height, width] = self.input;
        let bad = |what, found: String, expected| {
            Err(ModelError::Config {
                what,
                found,
                expected,
            })
        };
        if !(1..=MAX_DEPTH).contains(&depth) {
            return bad("depth", depth.to_string(), "1 to 1024 slices");
        }
        if !(MIN_SIDE..=MAX_SIDE).contains(&height) || !(MIN_SIDE..=MAX_SIDE).contains(&width) {
            return bad("size", format!("{height} x {width}"), "16 to 4096 pixels a side");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return bad("dropout", self.dropout.to_string(), "at least 0 and below 1");
        }
        Ok(init::seeded(Network::new(self, device), seed))
    }
}
