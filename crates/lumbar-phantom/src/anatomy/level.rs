//! What narrows at a disc: disc, ligamentum flavum, facets, and the spaces between them.

use super::person::{L1, Person};
use super::shape::kidney;
use super::spine::Spine;
use crate::labels::of;
use crate::math::{Frame, V3, bell, fade, smooth_max, v3};
use lumbar_core::{ConditionGroup, Level, Side};

/// Where the subarticular recess is measured: distance from the midline, mm. Half of RSNA's left-right distance of
/// recess marks, 17 to 20 mm by level (anatomy.md 1.5).
pub(crate) const RECESS_X_MM: [f32; 5] = [10.1, 9.4, 8.9, 8.6, 9.3];
/// Where the foramen is measured: left of the midline, behind the disc's back edge, above the disc's middle, mm.
/// Half of RSNA's left-right distance of foramen marks at a slice step of 4.4 mm (anatomy.md 5.1).
pub(crate) const FORAMEN_X_MM: [f32; 5] = [15.0, 15.6, 16.6, 17.6, 18.6];

/// Measures of one level after narrowing, in the frame of the disc's back edge. Sides are left, right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelShape {
    pub back: Frame,
    /// Share lost of canal, recesses and foramina.
    pub canal: f32,
    pub recess: [f32; 2],
    pub foramen: [f32; 2],
    /// How far the disc stands back into the canal at the midline, mm.
    pub disc_middle_mm: f32,
    pub disc_recess_mm: [f32; 2],
    /// Inner surface of the flavum at the midline and at the recess, mm behind the disc's edge, before narrowing.
    pub apex_mm: f32,
    pub gap_mm: f32,
    /// How far the flavum has come forward there.
    pub flavum_middle_mm: f32,
    pub flavum_recess_mm: [f32; 2],
    /// Front and back wall of the foramen at the root, after narrowing.
    pub foramen_front_mm: [f32; 2],
    pub foramen_back_mm: [f32; 2],
    /// Where the back wall would be without narrowing.
    pub normal_foramen_back_mm: f32,
    /// Height above the disc's middle at which the root crosses the foramen.
    pub foramen_up_mm: f32,
    pub scale: f32,
}

/// Normal front-to-back size of the recess, mm (normal at least 5: anatomy.md 1.6), and depth of the midline apex.
const GAP_MM: [f32; 5] = [7.6, 7.0, 6.5, 6.1, 6.1];
const APEX_MM: [f32; 5] = [16.5, 16.5, 17.0, 17.5, 18.5];
/// Normal front and back wall of the foramen at the root.
const FORAMEN_FRONT_MM: f32 = -2.2;
const FORAMEN_BACK_MM: [f32; 5] = [7.4, 7.2, 7.0, 6.8, 6.6];

impl LevelShape {
    pub(crate) fn build(person: &Person, spine: &Spine, level: Level) -> LevelShape {
        let l = level.index();
        let disc = &spine.discs[L1 + l];
        let narrow = |group, side| of(&person.narrowings, group, level, side);
        let canal = narrow(ConditionGroup::SpinalCanal, Side::Left);
        let recess = Side::ALL.map(|side| narrow(ConditionGroup::Subarticular, side));
        let foramen = Side::ALL.map(|side| narrow(ConditionGroup::NeuralForaminal, side));
        let (scale, wide) = (person.scale, person.scale * person.canal_scale);
        let gap = GAP_MM[l] * wide;
        let apex = APEX_MM[l] * wide;
        let share = person.ventral_share[l];
        // Depth the sac loses: up to 60% of about 12.5 mm (see `Sac`).
        let lost = canal * 0.6 * 12.5 * wide;
        let fat_behind = (apex - (1.4 + 12.8) * wide).max(0.5);
        let closed = recess.map(|r| 0.93 * r * gap);
        let walls: [[f32; 2]; 2] = std::array::from_fn(|side| {
            let (front, back) = (FORAMEN_FRONT_MM * scale, FORAMEN_BACK_MM[l] * scale);
            // From about 9 mm wide to 1 mm (anatomy.md 1.6: normal at least 4, severe below 2).
            let closing = (back - front - 1.0) * foramen[side];
            [front + 0.5 * closing, back - 0.5 * closing]
        });
        LevelShape {
            back: disc.back(),
            canal,
            recess,
            foramen,
            disc_middle_mm: share * lost + 0.4,
            disc_recess_mm: closed.map(|c| 0.5 * c),
            apex_mm: apex,
            gap_mm: gap,
            // The posterior fat goes too: what is left of it shrinks faster than the sac.
            flavum_middle_mm: (1.0 - share) * lost + fat_behind * (1.0 - (1.0 - canal).powi(2)),
            flavum_recess_mm: closed.map(|c| 0.5 * c),
            foramen_front_mm: walls.map(|w| w[0]),
            foramen_back_mm: walls.map(|w| w[1]),
            normal_foramen_back_mm: FORAMEN_BACK_MM[l] * scale,
            foramen_up_mm: disc.half_height + 5.5 * scale,
            scale,
        }
    }

    /// How much of the fat around a place this level's narrowing has pressed out, 0 to 1.
    pub(crate) fn squeezed(&self, p: V3) -> f32 {
        let l = self.back.to_local(p);
        if l.z.abs() > 18.0 || l.x.abs() > 30.0 {
            return 0.0;
        }
        let side = if l.x > 0.0 { 0 } else { 1 };
        let x = l.x.abs();
        let at_disc = fade(l.z.abs(), 3.5, 8.0);
        let recess = self.recess[side] * fade(x, 12.0, 14.5) * (1.0 - fade(x, 3.5, 6.5));
        let canal = self.canal * fade(x, 6.5, 9.5);
        // Around the root, not down to the disc.
        let foramen = self.foramen[side]
            * (1.0 - fade(x, 11.5, 14.0))
            * fade((l.z - self.foramen_up_mm).abs(), 5.5, 9.0);
        let pressed = |share: f32| ((share - 0.08) * 1.35).clamp(0.0, 1.0);
        (at_disc * pressed(recess).max(pressed(canal))).max(pressed(foramen))
    }

    /// The middle of the unnarrowed canal at the disc: the canal's target point. It does not move with the narrowing,
    /// so that where a crop is centred says nothing about the grade; nor do the other two.
    pub(crate) fn canal_point(&self) -> V3 {
        self.back.to_patient(v3(0.0, 0.43 * self.apex_mm, 0.0))
    }

    /// The middle of a recess: its target point.
    pub(crate) fn recess_point(&self, level: Level, side: Side) -> V3 {
        let x = side.x_sign() as f32 * RECESS_X_MM[level.index()] * self.scale;
        self.back.to_patient(v3(x, 0.5 * self.gap_mm, 0.0))
    }

    /// The middle of a foramen where the root crosses it: its target point.
    pub(crate) fn foramen_point(&self, level: Level, side: Side) -> V3 {
        let s = side as usize;
        let x = FORAMEN_X_MM[level.index()] * self.scale;
        self.back.to_patient(v3(
            side.x_sign() as f32 * x,
            0.5 * (self.foramen_front_mm[s] + self.foramen_back_mm[s]),
            self.foramen_up_mm,
        ))
    }
}

/// An intervertebral disc; the bodies above and below cut it out of this slab.
#[derive(Debug, Clone)]
pub(crate) struct DiscShape {
    pub frame: Frame,
    pub half_width: f32,
    pub half_depth: f32,
    pub half_height: f32,
    /// All around, mm.
    pub bulge_mm: f32,
    /// Into the canal in the midline, and towards each recess at `recess_x_mm`.
    pub middle_mm: f32,
    pub recess_mm: [f32; 2],
    pub recess_x_mm: f32,
}

impl DiscShape {
    pub(crate) fn distance(&self, p: V3) -> f32 {
        let l = self.frame.to_local(p);
        self.distance_local(l)
    }

    pub(crate) fn distance_local(&self, l: V3) -> f32 {
        // The rim is round: the annulus bulges most halfway between the endplates.
        let q = (l.z / (self.half_height + 2.5)).clamp(-1.0, 1.0);
        let round = 1.2 * q * q;
        let (out, _) = kidney(l.x, l.y, self.half_width, self.half_depth, 1.0, 0.0);
        let mut bulge = self.bulge_mm - round;
        if l.y > 0.0 {
            let s = if l.x > 0.0 { 0 } else { 1 };
            let into = self.middle_mm * bell(l.x, 13.0)
                + self.recess_mm[s] * bell(l.x.abs() - self.recess_x_mm, 7.5);
            let height = fade(l.z.abs(), self.half_height * 0.7, self.half_height + 3.5);
            bulge += into * height * fade(-l.y, -self.half_depth * 0.8, -self.half_depth * 0.4);
        }
        smooth_max(out - bulge, l.z.abs() - self.half_height - 2.5, 1.5)
    }

    /// Fraction of the outline's radius, 0 in the middle and 1 at the rim, and the height, -1 to 1.
    pub(crate) fn inner(&self, p: V3) -> (f32, f32) {
        let l = self.frame.to_local(p);
        // The nucleus sits a little behind the middle (anatomy.md 1.2).
        let (x, y) = (
            l.x / self.half_width,
            (l.y - 0.06 * self.half_depth) / self.half_depth,
        );
        ((x * x + y * y).sqrt(), l.z / self.half_height)
    }

    pub(crate) fn ball(&self) -> (V3, f32) {
        (
            self.frame.origin,
            self.half_width.max(self.half_depth) + self.half_height + 12.0,
        )
    }
}

/// Both halves of a ligamentum flavum: a V behind the sac, from the midline to the facets.
#[derive(Debug, Clone)]
pub(crate) struct FlavumShape {
    pub back: Frame,
    pub apex_mm: f32,
    pub gap_mm: f32,
    pub thick_mm: f32,
    pub middle_mm: f32,
    pub recess_mm: [f32; 2],
    pub recess_x_mm: f32,
    /// Extent above and below the disc's middle.
    pub height_mm: [f32; 2],
}

impl FlavumShape {
    pub(crate) fn distance(&self, p: V3) -> f32 {
        let l = self.back.to_local(p);
        let x = l.x.abs();
        let side = if l.x > 0.0 { 0 } else { 1 };
        let slope = (self.apex_mm - self.gap_mm) / self.recess_x_mm;
        let normal = if x < self.recess_x_mm {
            // Rounded apex.
            self.apex_mm - slope * ((x * x + 4.0).sqrt() - 2.0)
        } else {
            self.gap_mm - 0.25 * (x - self.recess_x_mm) + 2.0 * slope * 0.8
        };
        let window = fade(l.z.abs(), 3.0, 8.0);
        // The V flattens as its middle comes forward.
        let thicker = self.middle_mm * (1.0 - x / self.recess_x_mm).max(0.0)
            + self.recess_mm[side] * bell(x - self.recess_x_mm, 6.5);
        let inner = normal - window * thicker;
        let steep = 1.0 / (1.0 + slope * slope).sqrt();
        let layer = (inner - l.y).max(l.y - normal - self.thick_mm / steep) * steep * 0.85;
        let ends = (l.z - self.height_mm[0]).max(-self.height_mm[1] - l.z);
        smooth_max(layer, ends.max(x - 14.0), 1.5)
    }

    pub(crate) fn ball(&self) -> (V3, f32) {
        (self.back.to_patient(v3(0.0, 10.0, 0.0)), 24.0)
    }
}
