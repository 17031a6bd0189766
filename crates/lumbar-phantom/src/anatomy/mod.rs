//! A person's lumbar anatomy in patient space, and what tissue is at any place.

mod bones;
mod canal;
mod column;
mod level;
mod nerves;
mod person;
mod sac;
mod scene;
mod shape;
mod soft;
mod spine;
mod surface;
mod texture;
mod tissue;

pub(crate) use person::{L1, Person, S1};
pub(crate) use scene::{Candidates, Scene, Voxel};
pub(crate) use tissue::{CSF, Contrast, FAT, N_TISSUES};
