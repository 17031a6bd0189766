//! Random changes of one sample, as pure functions of pixels, parameters and a random generator passed in.

mod apply;
mod blur;
mod curve;
mod finish;
mod noise;
mod warp;

pub use apply::AugmentScratch;

use crate::PreprocessError;
use curve::Curve;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use warp::Warp;

/// How much a sample may change. Every key is the largest change; 0 switches it off.
///
/// # Order of operations
/// 1. stack jitter, slice dropout: which slice stands where;
/// 2. grey curve: gamma, then contrast about mid-grey, then brightness;
/// 3. geometry: rotation and scale about the centre, then shift, in one bilinear pass, the edge repeated outside;
/// 4. blur;
/// 5. bias field (a coil's smooth shading);
/// 6. noise;
/// 7. clipping to 0..=1.
///
/// None of these exchanges sides: mirroring is [`MirrorOp`](crate::MirrorOp) and changes the label too.
///
/// ```
/// use lumbar_preprocess::{Augment, AugmentScratch};
/// use rand::SeedableRng;
/// let sample = vec![90u8; 3 * 32 * 32];
/// let mut out = vec![0.0f32; sample.len()];
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
/// let changes = Augment::default().draw(3, &mut rng)?;
/// changes.apply(&sample, [3, 32, 32], (&mut out, &mut AugmentScratch::default()))?;
/// assert!(out.iter().all(|grey| (0.0..=1.0).contains(grey)));
/// # Ok::<(), lumbar_preprocess::PreprocessError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Shift along each axis, as a share of the side of the crop.
    pub shift: f64,
    /// Rotation in the image plane, degrees.
    pub rotation_deg: f64,
    /// Zoom: the factor lies between `1 / (1 + scale)` and `1 + scale`.
    pub scale: f64,
    /// Grey added, in 0..1.
    pub brightness: f64,
    /// Contrast about mid-grey: the factor lies between `1 / (1 + contrast)` and `1 + contrast`.
    pub contrast: f64,
    /// Gamma lies between `1 / (1 + gamma)` and `1 + gamma`.
    pub gamma: f64,
    /// Shading of a linear and quadratic field at the corners of the crop, as a share.
    pub bias_field: f64,
    /// Standard deviation of added noise, in 0..1.
    pub noise: f64,
    /// Standard deviation of a Gaussian blur, output pixels.
    pub blur_px: f64,
    /// Probability that a sample gets each of bias field, noise and blur.
    pub probability: f64,
    /// Probability that a slice other than the central one is blanked.
    pub slice_dropout: f64,
    /// Probability that the whole stack moves by one slice up or down, the end repeated.
    pub stack_jitter: f64,
}

impl Default for Augment {
    /// Moderate changes, about what published solutions of the RSNA 2024 challenge use.
    fn default() -> Self {
        Augment {
            shift: 0.06,
            rotation_deg: 10.0,
            scale: 0.1,
            brightness: 0.08,
            contrast: 0.2,
            gamma: 0.2,
            bias_field: 0.2,
            noise: 0.03,
            blur_px: 0.8,
            probability: 0.5,
            slice_dropout: 0.0,
            stack_jitter: 0.1,
        }
    }
}

impl Augment {
    /// No change at all.
    pub const NONE: Augment = Augment {
        shift: 0.0,
        rotation_deg: 0.0,
        scale: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        gamma: 0.0,
        bias_field: 0.0,
        noise: 0.0,
        blur_px: 0.0,
        probability: 0.0,
        slice_dropout: 0.0,
        stack_jitter: 0.0,
    };

    /// Refuses negative changes and probabilities above 1.
    ///
    /// # Errors
    /// [`PreprocessError::BadParameter`] naming the key.
    pub fn validate(&self) -> Result<(), PreprocessError> {
        let bounded = |name, value: f64, most: f64, expected| {
            if (0.0..=most).contains(&value) {
                Ok(())
            } else {
                Err(PreprocessError::parameter(name, value, expected))
            }
        };
        bounded("augment.shift", self.shift, 1.0, "0 to 1")?;
        bounded("augment.rotation_deg", self.rotation_deg, 180.0, "0 to 180")?;
        bounded("augment.scale", self.scale, 10.0, "0 to 10")?;
        bounded("augment.brightness", self.brightness, 1.0, "0 to 1")?;
        bounded("augment.contrast", self.contrast, 10.0, "0 to 10")?;
        bounded("augment.gamma", self.gamma, 10.0, "0 to 10")?;
        bounded("augment.bias_field", self.bias_field, 1.0, "0 to 1")?;
        bounded("augment.noise", self.noise, 1.0, "0 to 1")?;
        bounded("augment.blur_px", self.blur_px, 4.0, "0 to 4")?;
        bounded("augment.probability", self.probability, 1.0, "0 to 1")?;
        bounded("augment.slice_dropout", self.slice_dropout, 1.0, "0 to 1")?;
        bounded("augment.stack_jitter", self.stack_jitter, 1.0, "0 to 1")
    }

    /// Draws the changes of one sample of `depth` slices. The same generator state gives the same changes.
    ///
    /// # Errors
    /// As [`Augment::validate`], and for more than 128 slices.
    pub fn draw(&self, depth: usize, rng: &mut impl Rng) -> Result<Changes, PreprocessError> {
        self.validate()?;
        if depth > Places::MAX_DEPTH {
            return Err(PreprocessError::parameter("depth", depth, "at most 128 slices"));
        }
        // Every value is drawn whether it is used or not, so that switching one change off leaves the others alone.
        let rotation = spread(rng) * self.rotation_deg.to_radians();
        let zoom = factor(self.scale, rng);
        let shift = [spread(rng) * self.shift, spread(rng) * self.shift];
        let (brightness, contrast, gamma) = (
            spread(rng) * self.brightness,
            factor(self.contrast, rng),
            factor(self.gamma, rng),
        );
        let bias = std::array::from_fn(|_| (spread(rng) * self.bias_field / 3.0) as f32);
        let (noise, noise_seed) = (rng.random::<f64>() * self.noise, rng.random::<u64>());
        let blur = rng.random::<f64>() * self.blur_px;
        let mut happens = || rng.random::<f64>() < self.probability;
        let (with_bias, with_noise, with_blur) = (happens(), happens(), happens());
        Ok(Changes {
            places: Places::draw(self, depth, rng),
            curve: Curve {
                gamma,
                contrast,
                brightness,
            },
            warp: Warp::new(rotation, zoom, shift),
            blur_px: if with_blur { blur } else { 0.0 },
            bias: if with_bias { bias } else { [0.0; 5] },
            noise: if with_noise { noise as f32 } else { 0.0 },
            noise_seed,
        })
    }
}

/// Uniform in -1..1.
fn spread(rng: &mut impl Rng) -> f64 {
    rng.random::<f64>() * 2.0 - 1.0
}

/// Between `1 / (1 + most)` and `1 + most`, as often below 1 as above.
fn factor(most: f64, rng: &mut impl Rng) -> f64 {
    (1.0 + most).powf(spread(rng))
}

/// Which slice stands at each place of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    depth: usize,
    /// How far the stack moved: -1, 0 or 1.
    jitter: isize,
    /// One bit a place: it is blank.
    blank: u128,
}

impl Places {
    const MAX_DEPTH: usize = u128::BITS as usize;

    fn draw(config: &Augment, depth: usize, rng: &mut impl Rng) -> Places {
        let moves = rng.random::<f64>() < config.stack_jitter;
        let jitter = if rng.random::<bool>() { 1 } else { -1 };
        let mut blank = 0;
        for place in 0..depth {
            if rng.random::<f64>() < config.slice_dropout && place != depth / 2 {
                blank |= 1u128 << place;
            }
        }
        Places {
            depth,
            jitter: if moves { jitter } else { 0 },
            blank,
        }
    }

    /// The slice at a place; `None` is a blank.
    fn slice(&self, place: usize) -> Option<usize> {
        let last = self.depth as isize - 1;
        let slice = (place as isize + self.jitter).clamp(0, last) as usize;
        (self.blank >> place & 1 == 0).then_some(slice)
    }
}

/// The changes drawn for one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Changes {
    places: Places,
    curve: Curve,
    warp: Warp,
    blur_px: f64,
    /// Coefficients of x, y, xy, x^2 - 1/3 and y^2 - 1/3 over -1..1.
    bias: [f32; 5],
    noise: f32,
    noise_seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const SHAPE: [usize; 3] = [3, 24, 20];

    fn sample() -> Vec<u8> {
        (0..3 * 24 * 20u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    fn run(config: Augment, seed: u64, pixels: &[u8]) -> Vec<f32> {
        let mut out = vec![0.0; pixels.len()];
        let changes = config
            .draw(SHAPE[0], &mut ChaCha8Rng::seed_from_u64(seed))
            .unwrap();
        changes
            .apply(pixels, SHAPE, (&mut out, &mut AugmentScratch::default()))
            .unwrap();
        out
    }

    #[test]
    fn none_is_the_identity() {
        let pixels = sample();
        let plain: Vec<f32> = pixels.iter().map(|v| f32::from(*v) / 255.0).collect();
        assert_eq!(run(Augment::NONE, 3, &pixels), plain);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
        let pixels = sample();
        let config = Augment {
            slice_dropout: 0.3,
            ..Augment::default()
        };
        assert_eq!(run(config, 11, &pixels), run(config, 11, &pixels));
        assert_ne!(run(config, 11, &pixels), run(config, 12, &pixels));
    }

    #[test]
    fn jitter_moves_slices_and_dropout_spares_the_centre() {
        let pixels: Vec<u8> = [10u8, 20, 30].iter().flat_map(|v| vec![*v; 480]).collect();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let out = run(
                Augment {
                    stack_jitter: 0.7,
                    ..Augment::NONE
                },
                seed,
                &pixels,
            );
            seen.insert([out[0], out[480], out[960]].map(|v| (v * 255.0).round() as u8));
            let out = run(
                Augment {
                    slice_dropout: 1.0,
                    ..Augment::NONE
                },
                seed,
                &pixels,
            );
            assert_eq!(
                [out[0], out[480], out[960]].map(|v| (v * 255.0).round() as u8),
                [0, 20, 0]
            );
        }
        assert_eq!(Vec::from_iter(seen), [[10, 10, 20], [10, 20, 30], [20, 30, 30]]);
    }

    #[test]
    fn noise_and_bias_have_the_size_asked_for() {
        let pixels = vec![128u8; 3 * 24 * 20];
        let mut spread_sum = 0.0;
        for seed in 0..200 {
            let out = run(
                Augment {
                    noise: 0.1,
                    probability: 1.0,
                    ..Augment::NONE
                },
                seed,
                &pixels,
            );
            let mean = out.iter().sum::<f32>() / out.len() as f32;
            assert!((mean - 128.0 / 255.0).abs() < 0.02);
            spread_sum += (out.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / out.len() as f32).sqrt();
            let shaded = run(
                Augment {
                    bias_field: 0.2,
                    probability: 1.0,
                    ..Augment::NONE
                },
                seed,
                &pixels,
            );
            assert!(shaded.iter().all(|v| (v * 255.0 / 128.0 - 1.0).abs() < 0.4));
        }
        // The standard deviation is uniform in 0..0.1.
        assert!((spread_sum / 200.0 - 0.05).abs() < 0.01, "{}", spread_sum / 200.0);
    }

    #[test]
    fn a_shift_moves_what_is_seen() {
        let mut pixels = vec![0u8; 3 * 24 * 20];
        pixels[480 + 12 * 20 + 10] = 255;
        let centroid = |out: &[f32]| {
            let slice = &out[480..960];
            let sum: f32 = slice.iter().sum();
            let column: f32 = slice.iter().enumerate().map(|(i, v)| v * (i % 20) as f32).sum();
            column / sum
        };
        let columns: Vec<f32> = (0..30)
            .map(|seed| {
                centroid(&run(
                    Augment {
                        shift: 0.3,
                        ..Augment::NONE
                    },
                    seed,
                    &pixels,
                ))
            })
            .collect();
        assert!(
            columns.iter().any(|c| *c < 8.0) && columns.iter().any(|c| *c > 12.0),
            "{columns:?}"
        );
        assert!(columns.iter().all(|c| (c - 10.0).abs() <= 6.1));
    }

    #[test]
    fn wrong_parameters_are_named() {
        let config = Augment {
            probability: 1.5,
            ..Augment::NONE
        };
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "`augment.probability` is 1.5, expected 0 to 1");
        assert!(
            Augment {
                shift: f64::NAN,
                ..Augment::NONE
            }
            .validate()
            .is_err()
        );
    }

    proptest! {
        #[test]
        fn levels_stay_in_range(seed in any::<u64>()) {
            let config = Augment { noise: 0.5, contrast: 2.0, brightness: 0.5, bias_field: 1.0, rotation_deg: 180.0, scale: 2.0, blur_px: 4.0, ..Augment::default() };
            let out = run(config, seed, &sample());
            prop_assert!(out.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
}
