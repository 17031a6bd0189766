//! Smooth random texture in three dimensions.

use crate::math::{V3, v3};
use crate::rng::mix;

const N: usize = 32;

/// Value noise on a periodic lattice: about -1 to 1, smooth, cheap. One byte a knot keeps it in the nearest cache.
#[derive(Debug, Clone)]
pub(crate) struct Texture {
    lattice: Vec<i8>,
}

impl Texture {
    pub(crate) fn new(seed: u64) -> Texture {
        let lattice = (0..N * N * N)
            .map(|i| (mix(seed ^ i as u64) >> 56) as i8)
            .collect();
        Texture { lattice }
    }

    /// Value at a place with a grain of `grain` mm along each axis.
    #[inline]
    pub(crate) fn at(&self, p: V3, grain: V3) -> f32 {
        let per_mm = v3(1.0 / grain.x, 1.0 / grain.y, 1.0 / grain.z);
        // Shifted to positive numbers, where cutting off is rounding down; patients are smaller than 1000 knots.
        let split = |value: f32| {
            let shifted = value + 1024.0;
            let cell = shifted as i32;
            let t = shifted - cell as f32;
            (cell as usize & (N - 1), t * t * (3.0 - 2.0 * t))
        };
        let (i, tx) = split(p.x * per_mm.x);
        let (j, ty) = split(p.y * per_mm.y);
        let (k, tz) = split(p.z * per_mm.z);
        let (i1, j1, k1) = ((i + 1) & (N - 1), (j + 1) & (N - 1), (k + 1) & (N - 1));
        let row = |j: usize, k: usize| {
            let line = &self.lattice[(k * N + j) * N..(k * N + j) * N + N];
            let (a, b) = (f32::from(line[i]), f32::from(line[i1]));
            a + (b - a) * tx
        };
        let (near_low, near_high) = (row(j, k), row(j1, k));
        let (far_low, far_high) = (row(j, k1), row(j1, k1));
        let near = near_low + (near_high - near_low) * ty;
        let far = far_low + (far_high - far_low) * ty;
        (near + (far - near) * tz) * (1.0 / 128.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texture_is_smooth_and_bounded() {
        let texture = Texture::new(5);
        let grain = v3(3.0, 3.0, 5.0);
        let mut last = texture.at(v3(-40.0, 7.0, 9.0), grain);
        let mut spread: f32 = 0.0;
        for i in 1..2000 {
            let value = texture.at(v3(-40.0 + 0.05 * i as f32, 7.0, 9.0), grain);
            assert!((value - last).abs() < 0.08 && value.abs() <= 1.0);
            spread = spread.max(value.abs());
            last = value;
        }
        assert!(spread > 0.4);
    }
}
