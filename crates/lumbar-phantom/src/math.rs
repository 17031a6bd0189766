//! Three-vectors and frames in `f32`, for the samplers' inner loops. Same axes as `lumbar_core::geometry` (LPS, mm).

use lumbar_core::{Point, Vector};
use std::ops::{Add, Mul, Sub};

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct V3 {
    pub x: f32,
    pub y: f32,
    pub z: f32,
}

pub(crate) const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

impl V3 {
    pub(crate) fn dot(self, other: V3) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    pub(crate) fn unit(self) -> V3 {
        self * (1.0 / self.length())
    }

    pub(crate) fn point(self) -> Point {
        Point::new(f64::from(self.x), f64::from(self.y), f64::from(self.z))
    }

    pub(crate) fn from_point(p: Point) -> V3 {
        v3(p.x as f32, p.y as f32, p.z as f32)
    }

    pub(crate) fn from_vector(v: Vector) -> V3 {
        v3(v.x as f32, v.y as f32, v.z as f32)
    }
}

impl Add for V3 {
    type Output = V3;
    fn add(self, o: V3) -> V3 {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl Sub for V3 {
    type Output = V3;
    fn sub(self, o: V3) -> V3 {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl Mul<f32> for V3 {
    type Output = V3;
    fn mul(self, k: f32) -> V3 {
        v3(self.x * k, self.y * k, self.z * k)
    }
}

/// A place with its own axes: x left, y back, z up, as seen from there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub origin: V3,
    pub x: V3,
    pub y: V3,
    pub z: V3,
}

impl Frame {
    /// Axes after leaning by `tilt` (positive: the lower end goes back) and then to the side by `roll`
    /// (positive: the upper end goes left), radians.
    pub(crate) fn leaning(origin: V3, tilt: f32, roll: f32) -> Frame {
        let (st, ct) = tilt.sin_cos();
        let (sr, cr) = roll.sin_cos();
        let turn = |v: V3| v3(cr * v.x + sr * v.z, v.y, cr * v.z - sr * v.x);
        Frame {
            origin,
            x: turn(v3(1.0, 0.0, 0.0)),
            y: turn(v3(0.0, ct, st)),
            z: turn(v3(0.0, -st, ct)),
        }
    }

    /// The same axes at another origin given in this frame.
    pub(crate) fn moved(&self, local: V3) -> Frame {
        Frame {
            origin: self.to_patient(local),
            ..*self
        }
    }

    /// Turned about the own x axis (positive: lower end goes back), radians.
    pub(crate) fn pitched(&self, angle: f32) -> Frame {
        let (s, c) = angle.sin_cos();
        Frame {
            y: self.y * c + self.z * s,
            z: self.z * c - self.y * s,
            ..*self
        }
    }

    /// Turned about the own z axis (positive: x axis goes towards the back), radians.
    pub(crate) fn yawed(&self, angle: f32) -> Frame {
        let (s, c) = angle.sin_cos();
        Frame {
            x: self.x * c + self.y * s,
            y: self.y * c - self.x * s,
            ..*self
        }
    }

    #[inline]
    pub(crate) fn to_local(self, p: V3) -> V3 {
        let d = p - self.origin;
        v3(d.dot(self.x), d.dot(self.y), d.dot(self.z))
    }

    pub(crate) fn to_patient(self, l: V3) -> V3 {
        self.origin + self.x * l.x + self.y * l.y + self.z * l.z
    }
}

/// 1 below `from`, 0 above `to`, smooth in between.
#[inline]
pub(crate) fn fade(value: f32, from: f32, to: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    1.0 - t * t * (3.0 - 2.0 * t)
}

/// A bell of height 1 at 0 that is exactly 0 beyond `reach`: cheap and of bounded support, unlike a Gaussian.
#[inline]
pub(crate) fn bell(value: f32, reach: f32) -> f32 {
    let t = value / reach;
    let q = 1.0 - t * t;
    if q <= 0.0 { 0.0 } else { q * q }
}

/// Larger of two distances, rounded where they meet within `r` mm.
#[inline]
pub(crate) fn smooth_max(a: f32, b: f32, r: f32) -> f32 {
    let h = (r - (a - b).abs()).max(0.0) / r;
    a.max(b) + h * h * r * 0.25
}

/// Linear interpolation.
#[inline]
pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_perpendicular_axes_and_invert() {
        let frame = Frame::leaning(v3(1.0, 2.0, 3.0), 0.4, 0.1)
            .pitched(0.2)
            .yawed(0.3);
        assert!(frame.x.dot(frame.y).abs() < 1e-5 && frame.y.dot(frame.z).abs() < 1e-5);
        let p = v3(10.0, -4.0, 7.0);
        assert!((frame.to_patient(frame.to_local(p)) - p).length() < 1e-4);
    }

    #[test]
    fn a_leaning_frame_goes_back_on_its_way_down() {
        let frame = Frame::leaning(V3::default(), 0.5, 0.0);
        let below = frame.to_patient(v3(0.0, 0.0, -10.0));
        assert!(below.y > 0.0 && below.z < 0.0);
    }
}
