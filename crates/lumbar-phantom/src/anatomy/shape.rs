//! Solids as signed distances in mm: negative inside. A value may understate the distance but not overstate it by
//! more than [`SLACK`], so that a tile of a picture can be told to lie wholly inside or outside.

use super::canal::CanalMap;
use super::column::Column;
use super::level::{DiscShape, FlavumShape};
use super::sac::Sac;
use crate::math::{Frame, V3, lerp, smooth_max, v3};

/// Largest factor by which a distance below may be overstated.
pub(crate) const SLACK: f32 = 1.35;

/// A solid's form and place.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Ellipsoid {
        frame: Frame,
        radii: V3,
    },
    /// A box with edges rounded by `round`; `half` includes the rounding.
    Slab {
        frame: Frame,
        half: V3,
        round: f32,
    },
    Capsule {
        a: V3,
        b: V3,
        radius: [f32; 2],
    },
    Root(RootSegment),
    Body(BodyShape),
    Disc(DiscShape),
    Flavum(FlavumShape),
    Sac(Sac),
    CanalFat(CanalFat),
    Column(Column),
}

/// What tells a shape where things are: the maps all shapes of a scene share.
#[derive(Debug, Clone)]
pub(crate) struct Maps {
    pub canal: CanalMap,
}

impl Shape {
    /// Signed distance of a place, mm.
    #[inline]
    pub(crate) fn distance(&self, p: V3, maps: &Maps) -> f32 {
        match self {
            Shape::Ellipsoid { frame, radii } => ellipsoid(frame.to_local(p), *radii),
            Shape::Slab { frame, half, round } => slab(frame.to_local(p), *half, *round),
            Shape::Capsule { a, b, radius } => capsule(p, *a, *b, *radius),
            Shape::Root(root) => root.distance(p),
            Shape::Body(body) => body.distance(body.frame.to_local(p)),
            Shape::Disc(disc) => disc.distance(p),
            Shape::Flavum(flavum) => flavum.distance(p),
            Shape::Sac(sac) => sac.distance(maps.canal.locate(p)),
            Shape::CanalFat(fat) => fat.distance(maps, p),
            Shape::Column(column) => column.distance(p),
        }
    }

    /// Centre and radius of a ball around the solid.
    pub(crate) fn ball(&self) -> (V3, f32) {
        match self {
            Shape::Ellipsoid { frame, radii } => (frame.origin, radii.x.max(radii.y).max(radii.z)),
            Shape::Slab { frame, half, .. } => (frame.origin, half.length()),
            Shape::Capsule { a, b, radius } => (
                (*a + *b) * 0.5,
                0.5 * (*b - *a).length() + radius[0].max(radius[1]),
            ),
            Shape::Root(root) => (
                (root.a + root.b) * 0.5,
                0.5 * (root.b - root.a).length() + root.radius[0].max(root.radius[1]),
            ),
            Shape::Body(body) => (
                body.frame.origin,
                v3(
                    body.half_width[0].max(body.half_width[1]),
                    body.half_depth[0].max(body.half_depth[1]),
                    body.half_height + 2.0,
                )
                .length(),
            ),
            Shape::Disc(disc) => disc.ball(),
            Shape::Flavum(flavum) => flavum.ball(),
            Shape::Sac(_) | Shape::CanalFat(_) | Shape::Column(_) => (V3::default(), f32::INFINITY),
        }
    }
}

/// Distance to an ellipsoid, first order exact near the surface (Quilez's bound).
#[inline]
pub(crate) fn ellipsoid(l: V3, r: V3) -> f32 {
    let k0 = v3(l.x / r.x, l.y / r.y, l.z / r.z).length();
    let k1 = v3(l.x / (r.x * r.x), l.y / (r.y * r.y), l.z / (r.z * r.z)).length();
    if k1 < 1e-9 {
        return -r.x.min(r.y).min(r.z);
    }
    k0 * (k0 - 1.0) / k1
}

#[inline]
fn slab(l: V3, half: V3, round: f32) -> f32 {
    let q = v3(
        l.x.abs() - half.x + round,
        l.y.abs() - half.y + round,
        l.z.abs() - half.z + round,
    );
    let outside = v3(q.x.max(0.0), q.y.max(0.0), q.z.max(0.0)).length();
    outside + q.x.max(q.y).max(q.z).min(0.0) - round
}

#[inline]
fn capsule(p: V3, a: V3, b: V3, radius: [f32; 2]) -> f32 {
    let (pa, ba) = (p - a, b - a);
    let t = (pa.dot(ba) / ba.dot(ba)).clamp(0.0, 1.0);
    (pa - ba * t).length() - lerp(radius[0], radius[1], t)
}

/// A piece of a nerve root: a tube that may be flattened along an axis.
#[derive(Debug, Clone)]
pub(crate) struct RootSegment {
    pub a: V3,
    pub b: V3,
    pub radius: [f32; 2],
    /// Radius along `axis` relative to `radius`, at both ends.
    pub flat: [f32; 2],
    pub axis: V3,
}

impl RootSegment {
    #[inline]
    fn distance(&self, p: V3) -> f32 {
        let (pa, ba) = (p - self.a, self.b - self.a);
        let t = (pa.dot(ba) / ba.dot(ba)).clamp(0.0, 1.0);
        let off = pa - ba * t;
        let flat = lerp(self.flat[0], self.flat[1], t);
        let radius = lerp(self.radius[0], self.radius[1], t);
        let along = off.dot(self.axis);
        let across = (off.dot(off) - along * along).max(0.0);
        // Distance in the space where the tube is round, scaled back by its thin side: a lower bound.
        ((across + (along / flat).powi(2)).sqrt() - radius) * flat.min(1.0)
    }
}

/// A vertebral body: waisted, kidney-shaped, with hollow endplates.
#[derive(Debug, Clone)]
pub(crate) struct BodyShape {
    pub frame: Frame,
    pub half_width: [f32; 2],
    pub half_depth: [f32; 2],
    pub half_height: f32,
    pub wedge: f32,
    pub hollow: [f32; 2],
    /// Lips at the front and side rims, mm.
    pub lips: [f32; 2],
}

impl BodyShape {
    /// Distance of a place in the body's frame.
    #[inline]
    pub(crate) fn distance(&self, l: V3) -> f32 {
        let height = self.half_height - l.y * self.wedge;
        let q = (l.z / height).clamp(-1.2, 1.2);
        let t = 0.5 - 0.5 * q.clamp(-1.0, 1.0);
        // A waist of 8% at the sides and front, and a lip where the rim has grown.
        let rim = q * q;
        let lip = if q > 0.0 { self.lips[0] } else { self.lips[1] } * rim * rim * rim;
        let waist = 0.92 + 0.08 * rim;
        let a = lerp(self.half_width[0], self.half_width[1], t) * waist + lip;
        let b = lerp(self.half_depth[0], self.half_depth[1], t);
        let (out, rho) = kidney(l.x, l.y, a, b, waist, lip);
        let hollow = if q > 0.0 { self.hollow[0] } else { self.hollow[1] };
        // Deepest a little behind the middle (CONCAV).
        let dy = (l.y - 0.15 * b) / b;
        let dish = hollow * (1.0 - (l.x / a).powi(2) - dy * dy).max(0.0);
        let _ = rho;
        smooth_max(out, l.z.abs() - height + dish, 2.0)
    }
}

/// Outline of a body or disc: between an ellipse and a rounded box, hollow at the back. Returns the distance along
/// the ray from the middle, and the fraction of the outline's radius.
#[inline]
pub(crate) fn kidney(x: f32, y: f32, a: f32, b: f32, front_waist: f32, front_lip: f32) -> (f32, f32) {
    let b = if y < 0.0 { b * front_waist + front_lip } else { b };
    let back = if y > 0.0 {
        let near = 1.0 - (x / 14.0).powi(2);
        1.0 + 0.07 * near.max(0.0)
    } else {
        1.0
    };
    let (nx, ny) = (x / a, y * back / b);
    let (x2, y2) = (nx * nx, ny * ny);
    // Fourth-order blend: 2 would be an ellipse, 0.9 gives the blunt back corners of a lumbar endplate.
    let rho = (x2 * x2 + y2 * y2 + 0.9 * x2 * y2).sqrt().sqrt();
    let r = (x * x + y * y).sqrt();
    if rho < 1e-3 {
        return (-a.min(b), rho);
    }
    (r * (1.0 - 1.0 / rho) * 0.9, rho)
}

/// The fat-filled bony canal: everything between the bodies' back wall and the laminae.
#[derive(Debug, Clone)]
pub(crate) struct CanalFat {
    /// Half width, depth at the midline, per mm of `s`.
    pub profile: Vec<[f32; 2]>,
}

impl CanalFat {
    #[inline]
    fn distance(&self, maps: &Maps, p: V3) -> f32 {
        let c = maps.canal.locate(p);
        let f = c.s.clamp(0.0, (self.profile.len() - 2) as f32);
        let i = f as usize;
        let t = f - i as f32;
        let width = lerp(self.profile[i][0], self.profile[i + 1][0], t);
        let depth = lerp(self.profile[i][1], self.profile[i + 1][1], t);
        // A rounded triangle: full width in front, an apex behind.
        let front = -1.0 - c.v;
        let x = c.u.abs();
        let side = x - width;
        // The laminae slope from the widest point to the apex.
        let slope = 0.75;
        let roof = (c.v - depth + slope * (x - 2.0).max(0.0)) * 0.8;
        let ends = (2.0 - c.s).max(c.s - (self.profile.len() as f32 - 3.0));
        smooth_max(smooth_max(front, side, 2.0), roof, 3.0).max(ends)
    }
}
