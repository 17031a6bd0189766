//! AdamW with state that can be saved and taken up again on any device.
//!
//! Burn's own optimisers rebuild their state on the process's *default* device when they are resumed, which touches
//! CUDA in a program that merely has it compiled in; and they know parameters by numbers that change from run to run.
//! Here moments are kept by parameter path, on the device the parameter is on.

use crate::TrainError;
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use lumbar_model::Network;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::BTreeMap, path::Path};

/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with PyTorch's defaults: betas 0.9 and 0.999, epsilon 1e-8.
/// Biases, norms and the logit offsets are not decayed.
#[derive(Debug)]
pub struct AdamW {
    weight_decay: f64,
    step: u64,
    /// First and second moment of each parameter, flattened, by path.
    moments: BTreeMap<String, [Tensor<1>; 2]>,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// A fresh optimiser.
    pub fn new(weight_decay: f64) -> AdamW {
        AdamW {
            weight_decay,
            step: 0,
            moments: BTreeMap::new(),
        }
    }

    /// Takes one step and returns the changed network. Parameters without a gradient stay as they are.
    pub fn step(&mut self, network: Network, gradients: GradientsParams, learning_rate: f64) -> Network {
        self.step += 1;
        let bias_1 = 1.0 - BETA_1.powf(self.step as f64);
        let bias_2 = 1.0 - BETA_2.powf(self.step as f64);
        network.map(&mut Stepper {
            adamw: self,
            gradients,
            learning_rate,
            bias_1,
            bias_2,
            path: Vec::new(),
        })
    }

    /// Writes the state as safetensors.
    ///
    /// # Errors
    /// [`TrainError::Io`] where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut buffers = Vec::new();
        for (name, moments) in &self.moments {
            for (moment, suffix) in moments.iter().zip(["m", "v"]) {
                let values: Vec<f32> = moment
                    .clone()
                    .into_data()
                    .try_to_vec::<f32>()
                    .map_err(|e| TrainError::bad_state(path, format!("{e:?}")))?;
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                buffers.push((format!("{name}/{suffix}"), values.len(), bytes));
            }
        }
        let mut views = Vec::new();
        for (name, len, bytes) in &buffers {
            let view = TensorView::new(Dtype::F32, vec![*len], bytes)
                .map_err(|e| TrainError::bad_state(path, e.to_string()))?;
            views.push((name.as_str(), view));
        }
        let metadata = [("step".to_owned(), self.step.to_string())].into();
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| TrainError::bad_state(path, e.to_string()))?;
        std::fs::write(path, bytes).map_err(TrainError::io("write", path))
    }

    /// Reads a state onto a device.
    ///
    /// # Errors
    /// [`TrainError::Io`] where there is no file, [`TrainError::BadState`] where it is not a state.
    pub fn load(path: &Path, weight_decay: f64, device: &Device) -> Result<AdamW, TrainError> {
        let bad = |reason: String| TrainError::bad_state(path, reason);
        let bytes = std::fs::read(path).map_err(TrainError::io("read", path))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(e.to_string()))?;
        let step = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get("step"))
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| bad("no step count".into()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
        let tensor = |name: &str| -> Result<Tensor<1>, TrainError> {
            let view = file.tensor(name).map_err(|e| bad(e.to_string()))?;
            if view.dtype() != Dtype::F32 {
                return Err(bad(format!("`{name}` is not f32")));
            }
            let values: Vec<f32> = view
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|chunk| f32::from_le_bytes(*chunk))
                .collect();
            let n = values.len();
            Ok(Tensor::from_data(TensorData::new(values, [n]), device))
        };
        let mut moments = BTreeMap::new();
        for name in file.names() {
            if let Some(base) = name.strip_suffix("/m") {
                moments.insert(base.to_owned(), [tensor(name)?, tensor(&format!("{base}/v"))?]);
            }
        }
        Ok(AdamW {
            weight_decay,
            step,
            moments,
        })
    }
}

struct Stepper<'a> {
    adamw: &'a mut AdamW,
    gradients: GradientsParams,
    learning_rate: f64,
    bias_1: f64,
    bias_2: f64,
    path: Vec<String>,
}

impl ModuleMapper for Stepper<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let path = self.path.join(".");
        param.map(|tensor| {
            let shape = tensor.dims();
            let mut value = tensor.inner();
            let gradient: Tensor<1> = gradient.inner().flatten(0, D - 1);
            let device = gradient.device();
            let [m, v] = self.adamw.moments.remove(&path).unwrap_or_else(|| {
                let zeros = Tensor::zeros(gradient.shape(), &device);
                [zeros.clone(), zeros]
            });
            let m = m.mul_scalar(BETA_1) + gradient.clone().mul_scalar(1.0 - BETA_1);
            let v = v.mul_scalar(BETA_2) + gradient.square().mul_scalar(1.0 - BETA_2);
            let denominator = v.clone().div_scalar(self.bias_2).sqrt().add_scalar(EPSILON);
            let update = m.clone().mul_scalar(self.learning_rate / self.bias_1) / denominator;
            self.adamw.moments.insert(path.clone(), [m, v]);
            if self.adamw.weight_decay > 0.0 && is_decayed::<D>(&path) {
                value = value.mul_scalar(1.0 - self.learning_rate * self.adamw.weight_decay);
            }
            Tensor::from_inner(value - update.reshape(shape)).require_grad()
        })
    }
}

/// Weights of convolutions and linear layers are decayed; vectors (biases, norms) and the prior offsets are not.
fn is_decayed<const D: usize>(path: &str) -> bool {
    D > 1 && path != "offset"
}

/// Scales all gradients so that their joint norm is at most `max_norm`; returns the norm before, still on the device.
///
/// Burn clips each tensor by its own norm, which changes the direction of a step; this keeps it.
pub fn clip_global_norm(
    network: &Network,
    gradients: &mut GradientsParams,
    max_norm: f64,
) -> Option<Tensor<1>> {
    let mut squares = SquaredNorm { gradients, sum: None };
    network.visit(&mut squares);
    let norm = squares.sum?.sqrt();
    let factor = norm
        .clone()
        .add_scalar(1e-6)
        .recip()
        .mul_scalar(max_norm)
        .clamp_max(1.0);
    network.visit(&mut Scale { gradients, factor });
    Some(norm)
}

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients
                .register(param.id, gradient * self.factor.clone().reshape([1; D]));
        }
    }
}
