//! Burn networks for lumbar grading, the choice of device, and the model bundle.
//!
//! A [`Network`] takes a batch of crops, `[batch, depth, height, width]`, and the [`Target`](lumbar_core::Target) each
//! crop shows, and returns one row of logits a crop. Model code takes a Burn device at run time and names no backend;
//! which backends exist is decided by the features of the program (`flex`, `ndarray`, `cuda`), which one is used by a
//! [`DeviceSpec`].
//!
#![cfg_attr(feature = "flex", doc = "```")]
#![cfg_attr(not(feature = "flex"), doc = "```ignore")]
//! use lumbar_model::{Architecture, DeviceSpec, NetworkConfig};
//! use lumbar_core::{Condition, Level, Target};
//! use burn::tensor::{Distribution, Tensor};
//!
//! let device = "flex".parse::<DeviceSpec>()?.resolve()?;
//! let network = NetworkConfig::new(Architecture::SimpleCnn, [3, 32, 32]).init(1, &device)?;
//! let crops = Tensor::random([2, 3, 32, 32], Distribution::Uniform(0.0, 1.0), &device);
//! let canal = Target::new(Condition::SpinalCanalStenosis, Level::L4L5);
//! let logits = network.forward(crops, &[canal, canal]);
//! assert_eq!(logits.dims(), [2, 3]); // two crops, three grades
//! # Ok::<(), lumbar_model::ModelError>(())
//! ```
//!
//! # Features
//!
//! | feature | backend |
//! |---|---|
//! | `flex` | the CPU backend |
//! | `ndarray` | a second, independent CPU backend for parity tests (deprecated upstream) |
//! | `cuda` | NVIDIA GPUs; builds without a toolkit, needs the driver and NVRTC at run time |
//!
//! # What is left to others
//!
//! Training is `lumbar-train`; reading a data set is `lumbar-dataset`. This crate reads nothing but bundles.

pub mod bundle;
pub mod calibration;
pub mod config;
pub mod device;
pub mod network;
pub mod weights;

mod custom_cnn;
mod error;
mod init;
mod resnet;
mod simple_cnn;

pub use bundle::{Bundle, TrainingDomain};
pub use calibration::Calibration;
pub use config::{Architecture, NetworkConfig};
pub use device::{DeviceError, DeviceSpec};
pub use error::ModelError;
pub use network::Network;
