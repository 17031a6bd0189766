//! Three convolutions with pools.

use burn::{
    module::Module,
    nn::{
        Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation},
};

const CHANNELS: [usize; 3] = [16, 32, 64];
pub(crate) const N_FEATURES: usize = 128;

/// Convolutions to 16, 32 and 64 channels, each followed by ReLU and a 2 x 2 pool, then a hidden layer of 128.
#[derive(Module, Debug)]
pub struct CustomCnn {
    convs: Vec<Conv2d>,
    pool: MaxPool2d,
    hidden: Linear,
}

impl CustomCnn {
    pub fn new(input: [usize; 3], device: &Device) -> CustomCnn {
        let [depth, height, width] = input;
        let channels = [depth, CHANNELS[0], CHANNELS[1], CHANNELS[2]];
        let convs = channels
            .windows(2)
            .map(|pair| {
                Conv2dConfig::new([pair[0], pair[1]], [3, 3])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .init(device)
            })
            .collect();
        let flat = CHANNELS[2] * (height / 8) * (width / 8);
        CustomCnn {
            convs,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            hidden: LinearConfig::new(flat, N_FEATURES).init(device),
        }
    }

    /// `[batch, depth, height, width]` -> `[batch, 128]`
    pub fn forward(&self, crops: Tensor<4>) -> Tensor<2> {
        let mut x = crops;
        for conv in &self.convs {
            x = self.pool.forward(activation::relu(conv.forward(x)));
        }
        // [batch, 64, height / 8, width / 8]
        activation::relu(self.hidden.forward(x.flatten(1, 3)))
    }
}
