//! The body's surface and the layers under it.

use super::canal::CanalMap;
use super::person::{L1, Person, S1};
use super::spine::Spine;
use crate::math::{V3, fade, lerp};

const STEP_MM: f32 = 2.0;

/// Skin, fascia and the borders of the back muscles, by height.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    low_z: f32,
    rows: Vec<Row>,
    /// y of the abdominal wall in front.
    front_y: f32,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// Midline x and y of the canal's front wall.
    x: f32,
    y: f32,
    /// y of the fascia behind the spine, and of the skin, in the midline.
    fascia: f32,
    skin: f32,
    /// Half width of the back muscles, and distance of the septum beside the multifidus from the midline.
    lateral: f32,
    septum: f32,
}

/// What lies at a place between skin and spine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    /// Left of the midline and behind the canal's front wall, mm.
    pub x: f32,
    pub y: f32,
    /// Under the skin, mm; negative outside.
    pub under_skin: f32,
    /// Under the fascia that covers the back muscles, mm; negative in the fat outside it.
    pub under_fascia: f32,
    pub lateral: f32,
    pub septum: f32,
}

impl Surface {
    pub(crate) fn build(person: &Person, spine: &Spine, map: &CanalMap) -> Surface {
        let low_z = map.middle(map.length()).z - 40.0;
        let high_z = map.middle(0.0).z + 40.0;
        let n = ((high_z - low_z) / STEP_MM) as usize + 2;
        let middles: Vec<V3> = (0..n)
            .map(|k| map.middle_at_height(low_z + k as f32 * STEP_MM))
            .collect();
        let k = person.scale;
        let z_of = |i: usize| spine.vertebrae[i].frame.origin.z;
        let (z_l1, z_l4, z_s1, z_s2) = (z_of(L1), z_of(L1 + 3), z_of(S1), z_of(S1 + 2));
        // The back muscles are thickest at L3-L4 and end over the sacrum (anatomy.md 1.7).
        let thick = |z: f32| {
            let up = 1.0 - fade(z, z_s2 - 10.0, z_s1 + 12.0);
            let upper = lerp(51.0, 45.0, 1.0 - fade(z, z_l4, z_l1 + 30.0));
            lerp(19.0, upper, up) * k
        };
        let mean = |values: &[f32], at: usize, reach: usize| {
            let (from, to) = (at.saturating_sub(reach), (at + reach).min(n - 1));
            values[from..=to].iter().sum::<f32>() / (to - from + 1) as f32
        };
        let raw: Vec<f32> = middles
            .iter()
            .enumerate()
            .map(|(i, m)| m.y + thick(low_z + i as f32 * STEP_MM))
            .collect();
        let fascia: Vec<f32> = (0..n).map(|i| mean(&raw, i, 9)).collect();
        let rows = (0..n)
            .map(|i| {
                let z = low_z + i as f32 * STEP_MM;
                let low = fade(z, z_s1 - 10.0, z_l4);
                // Skin bridges the hollow of the back, where the fat is thicker.
                let bridge = mean(&fascia, i, 22).max(fascia[i]);
                Row {
                    x: middles[i].x,
                    y: middles[i].y,
                    fascia: fascia[i],
                    skin: bridge.min(fascia[i] + 14.0) + person.subcutaneous_mm,
                    lateral: lerp(68.0, 46.0, low) * k,
                    septum: lerp(15.5, 27.0, fade(z, z_s1, z_l1)) * k,
                }
            })
            .collect();
        Surface {
            low_z,
            rows,
            front_y: map.middle_at_height(0.0).y - 150.0,
        }
    }

    #[inline]
    pub(crate) fn depth(&self, p: V3) -> Depth {
        let f = ((p.z - self.low_z) / STEP_MM).clamp(0.0, (self.rows.len() - 2) as f32);
        let i = f as usize;
        let t = f - i as f32;
        let (a, b) = (&self.rows[i], &self.rows[i + 1]);
        let x = p.x - lerp(a.x, b.x, t);
        let side = x.abs();
        // Lying on the back: skin nearly flat with a shallow furrow, fascia falling away to the sides.
        let furrow = 5.0 * (1.0 - (side / 30.0).powi(2)).max(0.0);
        let skin = lerp(a.skin, b.skin, t) - furrow + 4.0 - (side / 100.0).powi(2) * 6.0;
        let away = (side - 24.0).max(0.0);
        let fascia = lerp(a.fascia, b.fascia, t) - 0.0078 * away * away - 0.12 * away + 3.0 - 0.9 * furrow;
        Depth {
            x,
            y: p.y - lerp(a.y, b.y, t),
            under_skin: (skin - p.y).min(p.y - self.front_y - (side / 60.0).powi(2) * 9.0),
            under_fascia: fascia - p.y,
            lateral: lerp(a.lateral, b.lateral, t),
            septum: lerp(a.septum, b.septum, t),
        }
    }
}
