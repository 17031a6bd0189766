//! The canal's own coordinates: `s` down along the back wall of the vertebral bodies, `v` back from it, `u` left.

use super::person::N_VERTEBRAE;
use super::spine::Spine;
use crate::math::{V3, v3};

/// Cell of the lookup table, mm.
const CELL_MM: f32 = 2.0;
/// Step of the curve, mm.
const STEP_MM: f32 = 0.5;
/// Places further than this from the curve keep the value of the table's border: nothing of the canal is there.
const REACH_MM: f32 = 45.0;

/// Place in the canal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CanalPoint {
    /// Left of the canal's midline, mm.
    pub u: f32,
    /// Behind the back wall of the bodies, mm.
    pub v: f32,
    /// Down along the canal, mm.
    pub s: f32,
}

/// The map from patient space to canal coordinates, tabulated in the sagittal plane.
#[derive(Debug, Clone)]
pub(crate) struct CanalMap {
    /// The curve: points every `STEP_MM`.
    curve: Vec<V3>,
    /// Lower corner of the table in y and z.
    corner: [f32; 2],
    size: [usize; 2],
    /// `[s, v]` per cell corner.
    table: Vec<[f32; 2]>,
}

impl CanalMap {
    pub(crate) fn build(spine: &Spine) -> CanalMap {
        let curve = smooth(&resample(&back_wall(spine)));
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for p in &curve {
            for (axis, value) in [p.y, p.z].into_iter().enumerate() {
                low[axis] = low[axis].min(value);
                high[axis] = high[axis].max(value);
            }
        }
        let corner = [low[0] - REACH_MM, low[1] - 5.0];
        let size = [
            ((high[0] - low[0] + 2.0 * REACH_MM) / CELL_MM) as usize + 2,
            ((high[1] - low[1] + 10.0) / CELL_MM) as usize + 2,
        ];
        let mut table = Vec::with_capacity(size[0] * size[1]);
        for k in 0..size[1] {
            for j in 0..size[0] {
                let y = corner[0] + j as f32 * CELL_MM;
                let z = corner[1] + k as f32 * CELL_MM;
                table.push(nearest(&curve, y, z));
            }
        }
        CanalMap {
            curve,
            corner,
            size,
            table,
        }
    }

    /// Canal coordinates of a place.
    #[inline]
    pub(crate) fn locate(&self, p: V3) -> CanalPoint {
        let fy = ((p.y - self.corner[0]) / CELL_MM).clamp(0.0, (self.size[0] - 2) as f32);
        let fz = ((p.z - self.corner[1]) / CELL_MM).clamp(0.0, (self.size[1] - 2) as f32);
        let (j, k) = (fy as usize, fz as usize);
        let (ty, tz) = (fy - j as f32, fz - k as f32);
        let at = k * self.size[0] + j;
        let (a, b) = (self.table[at], self.table[at + 1]);
        let (c, d) = (self.table[at + self.size[0]], self.table[at + self.size[0] + 1]);
        let mix = |i: usize| {
            let near = a[i] + (b[i] - a[i]) * ty;
            let far = c[i] + (d[i] - c[i]) * ty;
            near + (far - near) * tz
        };
        let s = mix(0);
        CanalPoint {
            u: p.x - self.middle(s).x,
            v: mix(1),
            s,
        }
    }

    /// The curve's point at `s`.
    #[inline]
    pub(crate) fn middle(&self, s: f32) -> V3 {
        let f = (s / STEP_MM).clamp(0.0, (self.curve.len() - 2) as f32);
        let i = f as usize;
        let t = f - i as f32;
        self.curve[i] * (1.0 - t) + self.curve[i + 1] * t
    }

    /// The place at canal coordinates, near the curve.
    #[cfg(test)]
    fn place(&self, c: CanalPoint) -> V3 {
        let m = self.middle(c.s);
        let t = (self.middle(c.s + 1.0) - self.middle(c.s - 1.0)).unit();
        // Perpendicular to the curve in the sagittal plane, towards the back.
        let n = v3(0.0, -t.z, t.y).unit();
        m + n * c.v + v3(c.u, 0.0, 0.0)
    }

    /// Length of the curve, mm.
    pub(crate) fn length(&self) -> f32 {
        (self.curve.len() - 1) as f32 * STEP_MM
    }

    /// Depth behind the curve in a horizontal plane: for muscles and skin, which do not follow the lordosis.
    #[inline]
    pub(crate) fn middle_at_height(&self, z: f32) -> V3 {
        // The curve runs down; its height falls steadily.
        let (mut low, mut high) = (0, self.curve.len() - 1);
        while high - low > 1 {
            let mid = (low + high) / 2;
            if self.curve[mid].z > z {
                low = mid;
            } else {
                high = mid;
            }
        }
        self.curve[low]
    }
}

/// The corners of the bodies' back walls, from the top down, with one point above and one below the spine.
fn back_wall(spine: &Spine) -> Vec<V3> {
    let mut points = Vec::with_capacity(2 * N_VERTEBRAE + 2);
    for vertebra in &spine.vertebrae {
        // The wall is hollow in the midline by about 7% of the half depth (see `BodyShape`).
        let h = vertebra.half_height;
        for (end, z) in [(0, h), (1, -h)] {
            points.push(
                vertebra
                    .frame
                    .to_patient(v3(0.0, vertebra.half_depth[end] * 0.94, z)),
            );
        }
    }
    let first = points[0] + (points[0] - points[1]).unit() * 60.0;
    let n = points.len();
    let last = points[n - 1] + (points[n - 1] - points[n - 2]).unit() * 40.0;
    points.insert(0, first);
    points.push(last);
    points
}

fn resample(points: &[V3]) -> Vec<V3> {
    let mut out = vec![points[0]];
    let mut left = STEP_MM;
    for pair in points.windows(2) {
        let length = (pair[1] - pair[0]).length();
        let mut at = left;
        while at <= length {
            out.push(pair[0] + (pair[1] - pair[0]) * (at / length));
            at += STEP_MM;
        }
        left = at - length;
    }
    out
}

/// Gaussian smoothing with a deviation of 6 mm, then resampled to even steps again.
fn smooth(points: &[V3]) -> Vec<V3> {
    const SIGMA: f32 = 6.0 / STEP_MM;
    let reach = (3.0 * SIGMA) as isize;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|i| (-0.5 * (i as f32 / SIGMA).powi(2)).exp())
        .collect();
    let total: f32 = weights.iter().sum();
    let n = points.len() as isize;
    let smoothed: Vec<V3> = (0..n)
        .map(|i| {
            let mut sum = V3::default();
            for (k, w) in weights.iter().enumerate() {
                sum = sum + points[(i + k as isize - reach).clamp(0, n - 1) as usize] * *w;
            }
            sum * (1.0 / total)
        })
        .collect();
    resample(&smoothed)
}

fn nearest(curve: &[V3], y: f32, z: f32) -> [f32; 2] {
    const COARSE: usize = 16;
    let distance = |i: usize| (curve[i].y - y).powi(2) + (curve[i].z - z).powi(2);
    let mut best = 0;
    for i in (0..curve.len()).step_by(COARSE) {
        if distance(i) < distance(best) {
            best = i;
        }
    }
    let (from, to) = (best.saturating_sub(COARSE), (best + COARSE).min(curve.len() - 1));
    for i in from..=to {
        if distance(i) < distance(best) {
            best = i;
        }
    }
    // Foot of the perpendicular within half a step.
    let i = best.clamp(1, curve.len() - 2);
    let (ty, tz) = (curve[i + 1].y - curve[i - 1].y, curve[i + 1].z - curve[i - 1].z);
    let length = (ty * ty + tz * tz).sqrt();
    let (ty, tz) = (ty / length, tz / length);
    let (dy, dz) = (y - curve[i].y, z - curve[i].z);
    let along = (dy * ty + dz * tz).clamp(-STEP_MM * 2.0, STEP_MM * 2.0);
    let across = -dy * tz + dz * ty;
    [i as f32 * STEP_MM + along, across]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anatomy::person::Person;
    use crate::config::Site;
    use crate::labels::draw_narrowings;

    #[test]
    fn locating_a_place_gives_it_back() {
        let person = Person::draw(Site::Main, 3, 0, draw_narrowings("main", 3, 0));
        let map = CanalMap::build(&Spine::build(&person));
        for s in [80.0, 120.0, 160.0, 200.0, 240.0] {
            for v in [-3.0, 5.0, 15.0] {
                let there = CanalPoint { u: 6.0, v, s };
                let back = map.locate(map.place(there));
                assert!((back.u - 6.0).abs() < 0.1, "{back:?} {there:?}");
                assert!(
                    (back.v - v).abs() < 0.15 && (back.s - s).abs() < 0.3,
                    "{back:?} {there:?}"
                );
            }
        }
    }
}
