//! ResNet-18, with torchvision's names so that its weights can be mapped onto it.

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation},
};

pub(crate) const N_FEATURES: usize = 512;
/// Channels of the four stages; the first keeps the resolution, the others halve it.
const STAGES: [usize; 4] = [64, 128, 256, 512];
const BLOCKS_PER_STAGE: usize = 2;

/// ResNet-18 without its classifier: stem, four stages of two basic blocks, global average.
#[derive(Module, Debug)]
pub struct Resnet18 {
    conv1: Conv2d,
    bn1: BatchNorm,
    maxpool: MaxPool2d,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
}

#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
}

#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

impl Resnet18 {
    pub fn new(depth: usize, device: &Device) -> Resnet18 {
        let stage = |index: usize| -> Vec<BasicBlock> {
            let channels_out = STAGES[index];
            (0..BLOCKS_PER_STAGE)
                .map(|block| {
                    let first_of_later_stage = block == 0 && index > 0;
                    let channels_in = if first_of_later_stage {
                        STAGES[index - 1]
                    } else {
                        channels_out
                    };
                    let stride = if first_of_later_stage { 2 } else { 1 };
                    BasicBlock::new([channels_in, channels_out], stride, device)
                })
                .collect()
        };
        Resnet18 {
            conv1: convolution([depth, STAGES[0]], 7, 2, device),
            bn1: BatchNormConfig::new(STAGES[0]).init(device),
            maxpool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(),
            layer1: stage(0),
            layer2: stage(1),
            layer3: stage(2),
            layer4: stage(3),
        }
    }

    /// `[batch, depth, height, width]` -> `[batch, 512]`
    pub fn forward(&self, crops: Tensor<4>) -> Tensor<2> {
        let x = activation::relu(self.bn1.forward(self.conv1.forward(crops))); // [batch, 64, height / 2, width / 2]
        let mut x = self.maxpool.forward(x);
        for block in [&self.layer1, &self.layer2, &self.layer3, &self.layer4]
            .into_iter()
            .flatten()
        {
            x = block.forward(x);
        }
        let [batch, channels, height, width] = x.dims(); // [batch, 512, height / 32, width / 32]
        // A mean over the flattened image is the global average pool, with the same cheap backward on every backend.
        x.reshape([batch, channels, height * width])
            .mean_dim(2)
            .reshape([batch, channels])
    }
}

impl BasicBlock {
    fn new(channels: [usize; 2], stride: usize, device: &Device) -> BasicBlock {
        let [channels_in, channels_out] = channels;
        let downsample = (stride != 1 || channels_in != channels_out).then(|| Downsample {
            conv: convolution(channels, 1, stride, device),
            bn: BatchNormConfig::new(channels_out).init(device),
        });
        BasicBlock {
            conv1: convolution(channels, 3, stride, device),
            bn1: BatchNormConfig::new(channels_out).init(device),
            conv2: convolution([channels_out, channels_out], 3, 1, device),
            bn2: BatchNormConfig::new(channels_out).init(device),
            downsample,
        }
    }

    /// `[batch, channels_in, height, width]` -> `[batch, channels_out, height / stride, width / stride]`
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.bn.forward(downsample.conv.forward(x.clone())),
            None => x.clone(),
        };
        let x = activation::relu(self.bn1.forward(self.conv1.forward(x)));
        let x = self.bn2.forward(self.conv2.forward(x));
        activation::relu(x + shortcut)
    }
}

fn convolution(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let pad = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(false)
        .init(device)
}
