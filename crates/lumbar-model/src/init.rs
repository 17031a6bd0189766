//! Initial weights from a seed.
//!
//! Burn draws initial weights lazily from a generator that all of a process shares, so they depend on what else runs.
//! Here each parameter has a generator of its own, seeded by the run's seed and the parameter's path: the same weights
//! on every backend, which also makes backends comparable step by step.

use crate::Network;
use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The head starts small, so that a fresh network answers with its prior.
const HEAD_GAIN: f64 = 0.1;

/// He-uniform weights (He et al. 2015, arXiv 1502.01852: bound sqrt(6 / fan-in)), zero biases; norms stay at identity.
pub(crate) fn seeded(network: Network, seed: u64) -> Network {
    network.map(&mut Seeder {
        seed,
        path: Vec::new(),
    })
}

struct Seeder {
    seed: u64,
    path: Vec<String>,
}

impl ModuleMapper for Seeder {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let leaf = self.path.last().map_or("", String::as_str);
        if leaf != "weight" && leaf != "bias" {
            return param;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ fnv1a(&path));
        param.map(|tensor| {
            let dims = tensor.dims();
            let bound = if leaf == "bias" {
                0.0
            } else {
                let gain = if path.starts_with("head") { HEAD_GAIN } else { 1.0 };
                gain * (6.0 / fan_in(&dims) as f64).sqrt()
            };
            let n: usize = dims.iter().product();
            let values: Vec<f32> = (0..n)
                .map(|_| (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32)
                .collect();
            let device = tensor.device();
            parameter(TensorData::new(values, dims), &device)
        })
    }
}

/// A parameter's value; on a device with autodiff its gradient is kept.
pub(crate) fn parameter<const D: usize>(data: TensorData, device: &Device) -> Tensor<D> {
    let tensor = Tensor::from_data(data, device);
    if device.is_autodiff() {
        tensor.require_grad()
    } else {
        tensor
    }
}

/// Inputs of one output: linear weights are `[in, out]`, convolutions `[out, in, kernel..]`.
fn fan_in(dims: &[usize]) -> usize {
    match dims {
        [n_in, _] => *n_in,
        [_, rest @ ..] => rest.iter().product::<usize>().max(1),
        [] => 1,
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a fixed hash, unlike the standard library's.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
