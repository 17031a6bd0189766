//! Which device a network runs on.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A device as a user names it: `auto`, `flex`, `ndarray`, `cuda` or `cuda:1`.
///
/// `auto` is the first CUDA device where the program was built with CUDA and the driver is there, else `flex`, else
/// `ndarray`. Naming a device never falls back to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceSpec {
    /// The best device at hand.
    #[default]
    Auto,
    /// The CPU backend.
    Flex,
    /// The second CPU backend.
    Ndarray,
    /// An NVIDIA GPU by index.
    Cuda(usize),
}

/// A device that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The text names no device.
    #[error("`{0}` is not a device (auto, flex, ndarray, cuda or cuda:N)")]
    Unknown(String),
    /// The backend was left out at build time.
    #[error("this program was built without the `{0}` backend; rebuild with `--features {0}`")]
    NotBuilt(&'static str),
    /// The program has the CUDA backend, but the machine has no usable driver.
    #[error("no CUDA device: {0}")]
    NoCuda(String),
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceSpec::Auto => f.pad("auto"),
            DeviceSpec::Flex => f.pad("flex"),
            DeviceSpec::Ndarray => f.pad("ndarray"),
            DeviceSpec::Cuda(index) => f.pad(&format!("cuda:{index}")),
        }
    }
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(DeviceSpec::Auto),
            "flex" | "cpu" => Ok(DeviceSpec::Flex),
            "ndarray" => Ok(DeviceSpec::Ndarray),
            "cuda" => Ok(DeviceSpec::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(DeviceSpec::Cuda)
                .ok_or_else(|| DeviceError::Unknown(text.chars().take(40).collect())),
        }
    }
}

impl From<DeviceSpec> for String {
    fn from(spec: DeviceSpec) -> String {
        spec.to_string()
    }
}

impl TryFrom<String> for DeviceSpec {
    type Error = DeviceError;
    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl DeviceSpec {
    /// The device this names here, with `auto` replaced by what it stands for.
    ///
    /// # Errors
    /// [`DeviceError`] if the backend was not built in, or no CUDA device of that index answers.
    pub fn concrete(self) -> Result<DeviceSpec, DeviceError> {
        match self {
            DeviceSpec::Auto => [DeviceSpec::Cuda(0), DeviceSpec::Flex, DeviceSpec::Ndarray]
                .into_iter()
                .find(|spec| spec.concrete().is_ok())
                .ok_or(DeviceError::NotBuilt("flex")),
            DeviceSpec::Flex if cfg!(feature = "flex") => Ok(self),
            DeviceSpec::Flex => Err(DeviceError::NotBuilt("flex")),
            DeviceSpec::Ndarray if cfg!(feature = "ndarray") => Ok(self),
            DeviceSpec::Ndarray => Err(DeviceError::NotBuilt("ndarray")),
            DeviceSpec::Cuda(index) if cfg!(feature = "cuda") => {
                let count = cuda_device_count().map_err(DeviceError::NoCuda)?;
                if index < count {
                    Ok(self)
                } else {
                    Err(DeviceError::NoCuda(format!(
                        "the machine has {count}, `cuda:{index}` was asked for"
                    )))
                }
            }
            DeviceSpec::Cuda(_) => Err(DeviceError::NotBuilt("cuda")),
        }
    }

    /// The Burn device. Nothing of CUDA is touched before the driver library was found by hand: Burn panics without it.
    ///
    /// # Errors
    /// As [`DeviceSpec::concrete`].
    pub fn resolve(self) -> Result<Device, DeviceError> {
        match self.concrete()? {
            #[cfg(feature = "flex")]
            DeviceSpec::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(
                deprecated,
                reason = "deprecated upstream; kept as the independent backend of parity tests"
            )]
            DeviceSpec::Ndarray => Ok(Device::ndarray()),
            #[cfg(feature = "cuda")]
            DeviceSpec::Cuda(index) => Ok(Device::cuda(index)),
            other => Err(DeviceError::Unknown(other.to_string())),
        }
    }

    /// The devices this program was built for, each with what it answers here.
    pub fn survey() -> Vec<(DeviceSpec, Result<(), DeviceError>)> {
        let cuda_count = if cfg!(feature = "cuda") {
            cuda_device_count().unwrap_or(1).max(1)
        } else {
            1
        };
        [DeviceSpec::Flex, DeviceSpec::Ndarray]
            .into_iter()
            .chain((0..cuda_count).map(DeviceSpec::Cuda))
            .map(|spec| (spec, spec.concrete().map(|_| ())))
            .collect()
    }
}

/// How many CUDA devices the driver reports, or why none can be asked.
#[expect(
    unsafe_code,
    reason = "loads the driver library and calls two functions of its stable C interface"
)]
fn cuda_device_count() -> Result<usize, String> {
    let names = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
    // SAFETY: the names are those of the NVIDIA driver; its initialisers have no preconditions.
    let library = names
        .iter()
        .find_map(|name| unsafe { libloading::Library::new(*name) }.ok())
        .ok_or("the NVIDIA driver library (libcuda.so.1) is not installed")?;
    type Init = unsafe extern "C" fn(u32) -> i32;
    type Count = unsafe extern "C" fn(*mut i32) -> i32;
    // SAFETY: both signatures are those of the CUDA driver API (cuInit, cuDeviceGetCount), stable since CUDA 2.0; `count` outlives the call.
    unsafe {
        let init: libloading::Symbol<'_, Init> = library.get(b"cuInit\0").map_err(|_| "cuInit is missing")?;
        let count: libloading::Symbol<'_, Count> = library
            .get(b"cuDeviceGetCount\0")
            .map_err(|_| "cuDeviceGetCount is missing")?;
        let status = init(0);
        if status != 0 {
            return Err(format!("the driver answers error {status} to cuInit"));
        }
        let mut n_devices = 0;
        let status = count(&mut n_devices);
        if status != 0 {
            return Err(format!("the driver answers error {status} to cuDeviceGetCount"));
        }
        // The driver must stay loaded: unloading it under Burn's own handle is not supported by every version.
        std::mem::forget(library);
        match usize::try_from(n_devices) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err("the driver reports no device".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["auto", "flex", "ndarray", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceSpec>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceSpec::Cuda(0)));
        assert!("gpu".parse::<DeviceSpec>().is_err());
        assert!("cuda:x".parse::<DeviceSpec>().is_err());
    }

    #[test]
    fn a_backend_left_out_is_named() {
        if cfg!(not(feature = "cuda")) {
            assert_eq!(DeviceSpec::Cuda(0).concrete(), Err(DeviceError::NotBuilt("cuda")));
        }
        if cfg!(not(feature = "ndarray")) {
            assert_eq!(
                DeviceSpec::Ndarray.concrete(),
                Err(DeviceError::NotBuilt("ndarray"))
            );
        }
    }
}
