//! Soft parts that run along the back: muscles, vessels, and the body's surface.

use super::canal::CanalMap;
use crate::math::{V3, lerp};

/// A tube of elliptic cross-section that follows the spine from one height to another.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Height of the first section, mm; sections follow upwards every 2 mm.
    pub low_z: f32,
    /// Centre x, y and half axes per section.
    pub sections: Vec<[f32; 4]>,
    /// Direction of the first half axis: cosine and sine from patient x.
    pub turn: [f32; 2],
}

const STEP_MM: f32 = 2.0;

impl Column {
    /// A column through `keys` of (height, x from the midline, y behind the canal's front wall, half axes), which
    /// may come in any number of at least two, sorted upwards; the sections between are interpolated.
    pub(crate) fn through(map: &CanalMap, keys: &[[f32; 5]], turn_rad: f32) -> Column {
        let (low_z, high_z) = (keys[0][0], keys[keys.len() - 1][0]);
        let n = ((high_z - low_z) / STEP_MM) as usize + 2;
        let sections = (0..n)
            .map(|k| {
                let z = low_z + k as f32 * STEP_MM;
                let i = keys.partition_point(|key| key[0] <= z).clamp(1, keys.len() - 1);
                let t = ((z - keys[i - 1][0]) / (keys[i][0] - keys[i - 1][0])).clamp(0.0, 1.0);
                let t = t * t * (3.0 - 2.0 * t);
                let mix = |c: usize| lerp(keys[i - 1][c], keys[i][c], t);
                let middle = map.middle_at_height(z);
                [middle.x + mix(1), middle.y + mix(2), mix(3), mix(4)]
            })
            .collect();
        Column {
            low_z,
            sections,
            turn: [turn_rad.cos(), turn_rad.sin()],
        }
    }

    #[inline]
    pub(crate) fn distance(&self, p: V3) -> f32 {
        let high_z = self.low_z + (self.sections.len() - 1) as f32 * STEP_MM;
        let f = ((p.z - self.low_z) / STEP_MM).clamp(0.0, (self.sections.len() - 2) as f32);
        let i = f as usize;
        let t = f - i as f32;
        let (a, b) = (&self.sections[i], &self.sections[i + 1]);
        let mix = |c: usize| lerp(a[c], b[c], t);
        let (dx, dy) = (p.x - mix(0), p.y - mix(1));
        let (u, v) = (
            dx * self.turn[0] + dy * self.turn[1],
            dy * self.turn[0] - dx * self.turn[1],
        );
        let (rx, ry) = (mix(2), mix(3));
        let k0 = ((u / rx).powi(2) + (v / ry).powi(2)).sqrt();
        let k1 = ((u / (rx * rx)).powi(2) + (v / (ry * ry)).powi(2)).sqrt();
        let out = if k1 < 1e-6 {
            -rx.min(ry)
        } else {
            k0 * (k0 - 1.0) / k1
        };
        // The sections lean with the spine, up to 45 degrees below L5.
        (out * 0.8).max(self.low_z - p.z).max(p.z - high_z)
    }
}
