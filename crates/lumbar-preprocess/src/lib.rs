//! Pixels to model inputs: intensity, resampling, crops in mm, mini-stacks, mirroring, augmentation.
//!
//! Everything here is a pure function of pixels, parameters and, for augmentation, a random generator passed in. The
//! same code prepares pixels for training and for grading, so a trained model never sees them prepared differently.
//!
//! ```
//! use lumbar_core::{ImagePlane, PixelPoint, PixelSpacing, Point, Vector};
//! use lumbar_preprocess::{Extent, Filter, Histogram, Padding, Pixels, Polarity, Recipe, Scratch, SliceView, ValueMap};
//!
//! // A sagittal slice of 320 x 320 pixels of 0.6 mm.
//! let plane = ImagePlane::new(
//!     Point::new(1.5, -90.0, 96.0),
//!     [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
//!     PixelSpacing { row_mm: 0.6, column_mm: 0.6 },
//!     [320, 320],
//! )?;
//! let values: Vec<u16> = (0..320 * 320).map(|i| (i % 4096) as u16).collect();
//!
//! // Grey levels by percentiles 1 to 99 (of the series; here it has one slice).
//! let mut histogram = Histogram::new();
//! histogram.add(&values)?;
//! let map = ValueMap::percentiles(&histogram, 1.0, 99.0, Polarity::Bright)?;
//!
//! // 45 mm around a point, as 64 x 64 pixels of 8 bits.
//! let recipe = Recipe { extent: Extent::CropMm(45.0), shape: [64, 64], filter: Filter::Area, padding: Padding::Zero };
//! let target = plane.pixel_to_patient(PixelPoint::new(170.0, 140.0));
//! let slice = SliceView { plane: &plane, pixels: Pixels::new(&values, [320, 320])?, map };
//! let mut crop = vec![0u8; 64 * 64];
//! recipe.render(&[slice], target, (&mut crop, &mut Scratch::default()))?;
//! assert!(recipe.place(&plane, target).share_inside == 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is here
//!
//! | module | what |
//! |---|---|
//! | [`histogram`], [`percentiles`] | exact percentiles of 16-bit pixels, of a series and of one slice |
//! | [`intensity`] | percentile and window normalisation, MONOCHROME1, rescale |
//! | [`filter`], [`mod@resample`] | filters by honest names; crop, turn and resample in one pass |
//! | [`orient`] | how slices are hung; position along the stack |
//! | [`stack`] | the slices around a slice, in patient space |
//! | [`mirror`] | exchange of left and right |
//! | [`recipe`] | all of these in their order: [`Recipe`] |
//! | [`augment`] | random changes of one sample |
//!
//! # Determinism
//!
//! Resampling sums in a fixed order in `f32`, and Rust never fuses a multiplication with an addition; pictures of 8 bits are
//! summed in whole numbers where filter and window allow it. So the bytes do not depend on SIMD level, thread count or which
//! slices came before. The Lanczos filters alone call `sin`, whose last
//! bit may differ between platforms.
//!
//! # What is left to others
//!
//! Files and DICOM are `lumbar-dicom`; which slice and point a sample is made from is `lumbar-dataset`. Augmentation of
//! whole batches (mixing samples) belongs to the trainer.

pub mod augment;
pub mod filter;
pub mod histogram;
pub mod intensity;
pub mod mirror;
pub mod orient;
pub mod percentiles;
pub mod recipe;
pub mod resample;
pub mod stack;

mod error;
mod fixed;
mod simd;
mod strips;

pub use augment::{Augment, AugmentScratch};
pub use error::PreprocessError;
pub use filter::{Filter, Padding};
pub use histogram::Histogram;
pub use intensity::{Intensity, PercentileScope, Polarity, Rescale, ValueMap};
pub use mirror::MirrorOp;
pub use orient::Orientation;
pub use percentiles::slice_percentiles;
pub use recipe::{Extent, Placed, Recipe, SliceView, blank_centre};
pub use resample::{Level, Pixels, Region, Resampling, Scratch, resample};
