//! One convolution and a pool.

use burn::{
    module::Module,
    nn::{
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation},
};

const CHANNELS: usize = 8;

/// Convolution to 8 channels, ReLU, a 2 x 2 pool, and everything flattened.
#[derive(Module, Debug)]
pub struct SimpleCnn {
    conv: Conv2d,
    pool: MaxPool2d,
}

impl SimpleCnn {
    pub fn new(depth: usize, device: &Device) -> SimpleCnn {
        SimpleCnn {
            conv: Conv2dConfig::new([depth, CHANNELS], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    pub fn n_features(height: usize, width: usize) -> usize {
        CHANNELS * (height / 2) * (width / 2)
    }

    /// `[batch, depth, height, width]` -> `[batch, features]`
    pub fn forward(&self, crops: Tensor<4>) -> Tensor<2> {
        let x = activation::relu(self.conv.forward(crops)); // [batch, 8, height, width]
        self.pool.forward(x).flatten(1, 3)
    }
}
