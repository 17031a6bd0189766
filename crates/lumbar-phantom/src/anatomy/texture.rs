//! Smooth random texture in three dimensions.

use crate::math::V3;
use crate::rng::mix;

const N: usize = 32;

/// Value noise on a periodic lattice: about -1 to 1, smooth, cheap.
#[derive(Debug, Clone)]
pub(crate) struct Texture {
    lattice: Vec<f32>,
}

impl Texture {
    pub(crate) fn new(seed: u64) -> Texture {
        let lattice = (0..N * N * N)
            .map(|i| (mix(seed ^ i as u64) >> 40) as f32 * (2.0 / (1_u64 << 24) as f32) - 1.0)
            .collect();
        Texture { lattice }
    }

    /// Value at a place with a grain of `grain` mm along each axis.
    #[inline]
    pub(crate) fn at(&self, p: V3, grain: V3) -> f32 {
        let split = |value: f32| {
            let floor = value.floor();
            let t = value - floor;
            (floor as i32 as usize & (N - 1), t * t * (3.0 - 2.0 * t))
        };
        let (i, tx) = split(p.x / grain.x);
        let (j, ty) = split(p.y / grain.y);
        let (k, tz) = split(p.z / grain.z);
        let (i1, j1, k1) = ((i + 1) & (N - 1), (j + 1) & (N - 1), (k + 1) & (N - 1));
        let get = |i: usize, j: usize, k: usize| self.lattice[(k * N + j) * N + i];
        let row = |j: usize, k: usize| get(i, j, k) + (get(i1, j, k) - get(i, j, k)) * tx;
        let near = row(j, k) + (row(j1, k) - row(j, k)) * ty;
        let far = row(j, k1) + (row(j1, k1) - row(j, k1)) * ty;
        near + (far - near) * tz
    }
}
