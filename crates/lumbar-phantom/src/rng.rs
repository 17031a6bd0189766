//! Random numbers: one seed, split by purpose, so that no draw depends on the order of work or on the thread count.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator for the parameters of one thing (a study, a series), keyed by everything that names it.
pub(crate) struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The generator of `purpose` for item `idx` under a key from [`key`].
    pub(crate) fn new(key: u64, purpose: &str, idx: u64) -> Draw {
        Draw {
            rng: ChaCha8Rng::seed_from_u64(mix(text_hash(purpose, key) ^ mix(idx))),
        }
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub(crate) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Standard normal, Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Normal with a mean and a standard deviation, cut off at two and a half deviations so that no anatomy leaves
    /// the human range.
    pub(crate) fn around(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * self.normal().clamp(-2.5, 2.5)
    }

    /// True with a probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Index drawn with weights.
    pub(crate) fn pick(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (i, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return i;
            }
        }
        weights.len() - 1
    }

    /// Integer in low..=high.
    pub(crate) fn int(&mut self, low: usize, high: usize) -> usize {
        low + (self.unit() * (high - low + 1) as f64) as usize
    }
}

/// The key under which a site and a seed draw: sites never share a stream.
pub(crate) fn key(site: &str, seed: u64) -> u64 {
    text_hash(site, mix(seed))
}

/// Scrambles 64 bits (the finaliser of SplitMix64).
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn text_hash(text: &str, start: u64) -> u64 {
    text.bytes().fold(start, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// A fast generator of approximately normal numbers for pixel noise: the sum of four 16-bit uniforms. Its tails end
/// at 3.5 deviations, which no picture of 12 bits shows.
pub(crate) struct PixelNoise {
    state: u64,
}

impl PixelNoise {
    /// A stream of its own for one slice.
    pub(crate) fn new(seed: u64) -> PixelNoise {
        PixelNoise { state: mix(seed) }
    }

    /// Next standard normal.
    pub(crate) fn next(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let sum = (z & 0xffff) + ((z >> 16) & 0xffff) + ((z >> 32) & 0xffff) + (z >> 48);
        // Sum of four uniforms on 0..65536: mean 131070, SD 65536 * sqrt(4 / 12).
        (sum as f32 - 131_070.0) * (1.0 / 37_837.22)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_noise_is_standard_normal() {
        let mut noise = PixelNoise::new(1);
        let values: Vec<f64> = (0..100_000).map(|_| f64::from(noise.next())).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / 1e5 - mean * mean;
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
            "{mean} {variance}"
        );
    }

    #[test]
    fn sites_and_purposes_do_not_share_a_stream() {
        let first = |key, purpose| Draw::new(key, purpose, 0).bits();
        let values = [
            first(key("a", 1), "x"),
            first(key("b", 1), "x"),
            first(key("a", 2), "x"),
            first(key("a", 1), "y"),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values[i + 1..].iter().all(|b| a != b));
        }
    }
}
