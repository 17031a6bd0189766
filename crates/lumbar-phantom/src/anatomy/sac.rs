//! The thecal sac: fluid, cord and the roots of the cauda equina.

use super::canal::{CanalMap, CanalPoint};
use super::level::LevelShape;
use super::person::{L1, N_VERTEBRAE, Person, S1};
use super::spine::Spine;
use super::tissue::{CORD, CSF, NERVE, TissueId};
use crate::math::{fade, lerp};
use crate::rng::mix;

/// Cross-section of the sac at one place along the canal.
#[derive(Debug, Clone, Copy, Default)]
struct Section {
    half_width: f32,
    half_depth: f32,
    /// Distance of the sac's front from the back wall of the bodies, mm.
    front: f32,
    /// 0 round, 0.5 triangular with the apex behind.
    triangular: f32,
    /// Share by which the front corners are pushed in, left and right.
    pinch: [f32; 2],
    /// 0 to 1: how much the roots fill the whole sac.
    crowd: f32,
}

/// The sac, one section per mm of the canal.
#[derive(Debug, Clone)]
pub(crate) struct Sac {
    sections: Vec<Section>,
    conus_s: f32,
    end_s: f32,
    /// Where L1 and S1 are along the canal: the roots grow fewer in between.
    first_s: f32,
    last_s: f32,
    seed: u64,
}

// By disc from T10/T11 to L5/S1, then S1/S2 and S2/S3: half width, half depth, front gap, triangularity. Areas follow
// the normal dural cross-sections of anatomy.md 1.5 (190, 175, 165, 152, 130 square mm from L1/2 to L5/S1).
const HALF_WIDTH: [f32; 10] = [8.4, 8.7, 9.2, 9.4, 9.1, 8.9, 8.6, 7.7, 6.0, 4.0];
const HALF_DEPTH: [f32; 10] = [6.8, 7.0, 7.1, 6.8, 6.5, 6.3, 6.1, 5.7, 4.4, 3.4];
const FRONT: [f32; 10] = [1.2, 1.2, 1.2, 1.2, 1.2, 1.3, 1.6, 4.2, 6.0, 6.0];
const TRIANGULAR: [f32; 10] = [0.0, 0.0, 0.05, 0.15, 0.25, 0.36, 0.44, 0.40, 0.2, 0.0];

impl Sac {
    pub(crate) fn build(person: &Person, spine: &Spine, map: &CanalMap, levels: &[LevelShape; 5]) -> Sac {
        let s_of = |p| map.locate(p).s;
        let disc_s: Vec<f32> = (0..N_VERTEBRAE - 1)
            .map(|i| s_of(spine.discs[i].back().origin))
            .collect();
        let body_s = |at: f32| {
            let i = (at as usize).min(N_VERTEBRAE - 1);
            let v = &spine.vertebrae[i];
            let along = (0.5 - at.fract()) * 2.0 * v.half_height;
            s_of(v.frame.to_patient(crate::math::v3(0.0, v.half_depth[0], along)))
        };
        let end_s = body_s(person.sac_end);
        let wide = person.scale * person.canal_scale;
        let n = map.length() as usize + 1;
        let sections = (0..n)
            .map(|s| {
                let s = s as f32;
                let mut section = normal(&disc_s, s, wide);
                for (l, level) in levels.iter().enumerate() {
                    narrow(&mut section, level, s - disc_s[L1 + l]);
                }
                // A blunt end.
                let end = ((end_s - s) / 14.0).clamp(0.0, 1.0).sqrt();
                section.half_width *= end;
                section.half_depth *= end;
                section
            })
            .collect();
        Sac {
            sections,
            conus_s: body_s(person.conus),
            end_s,
            first_s: disc_s[L1],
            last_s: disc_s[S1],
            seed: person.texture_seed,
        }
    }

    #[inline]
    fn section(&self, s: f32) -> Section {
        let f = s.clamp(0.0, (self.sections.len() - 2) as f32);
        let i = f as usize;
        let t = f - i as f32;
        let (a, b) = (&self.sections[i], &self.sections[i + 1]);
        Section {
            half_width: lerp(a.half_width, b.half_width, t),
            half_depth: lerp(a.half_depth, b.half_depth, t),
            front: lerp(a.front, b.front, t),
            triangular: lerp(a.triangular, b.triangular, t),
            pinch: [lerp(a.pinch[0], b.pinch[0], t), lerp(a.pinch[1], b.pinch[1], t)],
            crowd: lerp(a.crowd, b.crowd, t),
        }
    }

    #[inline]
    pub(crate) fn distance(&self, c: CanalPoint) -> f32 {
        if c.s >= self.end_s {
            return (c.s - self.end_s).max(0.3);
        }
        let section = self.section(c.s);
        let (x, y) = section.unit(c);
        let rho = (x * x + y * y).sqrt();
        (rho - 1.0) * section.half_width.min(section.half_depth).max(0.1)
    }

    /// What is at a place inside the sac.
    #[inline]
    pub(crate) fn content(&self, c: CanalPoint) -> TissueId {
        let section = self.section(c.s);
        let (x, y) = section.unit(c);
        if c.s < self.conus_s {
            // The cord fades to a tip over 28 mm (anatomy.md 1.5).
            let taper = ((self.conus_s - c.s) / 28.0).min(1.0).sqrt();
            let (dx, dy) = (
                c.u / (4.9 * taper),
                (c.v - section.front - 1.05 * section.half_depth) / (4.2 * taper),
            );
            if dx * dx + dy * dy < 1.0 {
                return CORD;
            }
        }
        if self.on_root(c.s, x, y, &section) {
            NERVE
        } else {
            CSF
        }
    }

    /// Whether a root runs here: one track per cell of a grid over the unit disc, which thins out downwards.
    fn on_root(&self, s: f32, x: f32, y: f32, section: &Section) -> bool {
        const CELL: f32 = 0.21;
        let (gx, gy) = ((x / CELL).round() as i32, (y / CELL).round() as i32);
        let down = ((s - self.first_s) / (self.last_s - self.first_s)).clamp(0.0, 1.2);
        let thin = if s < self.conus_s {
            0.5
        } else {
            lerp(0.85, 0.40, down)
        };
        let many = lerp(thin, 1.0, 0.8 * section.crowd);
        for j in gy - 1..=gy + 1 {
            for i in gx - 1..=gx + 1 {
                let bits = mix(self.seed ^ ((i as u32 as u64) << 32 | j as u32 as u64));
                let unit = |shift: u32| ((bits >> shift) & 0xfff) as f32 * (1.0 / 4096.0);
                let cy = j as f32 * CELL;
                // Supine, roots lie behind; where the sac is tight they fill it.
                let share = lerp(fade(-cy, -0.15, 0.30).max(0.10), 1.0, section.crowd);
                if unit(0) > many * share {
                    continue;
                }
                let wave = (s * 0.045 + unit(12) * std::f32::consts::TAU).sin() * 0.30;
                let px = (i as f32 + (unit(24) - 0.5) * 0.5 + wave * 0.6) * CELL;
                let py = cy + ((unit(36) - 0.5) * 0.5 + wave * 0.35) * CELL;
                if px * px + py * py > 0.80 {
                    continue;
                }
                let radius = 0.36 + 0.22 * unit(48) + 0.30 * section.crowd;
                let (dx, dy) = ((x - px) * section.half_width, (y - py) * section.half_depth);
                if dx * dx + dy * dy < radius * radius {
                    return true;
                }
            }
        }
        false
    }

    /// Area, front-to-back diameter and width of the sac at `s`, in mm.
    pub(crate) fn measures(&self, s: f32) -> [f32; 3] {
        let section = self.section(s);
        let mut area = 0.0;
        const STEP: f32 = 0.1;
        let n = 120;
        for j in -n..n {
            let v = section.front + section.half_depth + (j as f32 + 0.5) * STEP;
            for i in -n..n {
                let (x, y) = section.unit(CanalPoint {
                    u: (i as f32 + 0.5) * STEP,
                    v,
                    s,
                });
                if x * x + y * y < 1.0 {
                    area += STEP * STEP;
                }
            }
        }
        [area, 2.0 * section.half_depth, 2.0 * section.half_width]
    }
}

impl Section {
    /// The place in the unit disc that the section is an image of.
    #[inline]
    fn unit(&self, c: CanalPoint) -> (f32, f32) {
        let y = (c.v - self.front - self.half_depth) / self.half_depth.max(0.05);
        let side = if c.u > 0.0 { 0 } else { 1 };
        let width =
            (1.0 - self.triangular * y.clamp(-0.4, 1.3)) * (1.0 - self.pinch[side] * fade(y, -0.2, 0.9));
        (c.u / (self.half_width * width).max(0.05), y)
    }
}

fn normal(disc_s: &[f32], s: f32, wide: f32) -> Section {
    let i = disc_s[..10].partition_point(|d| *d < s).clamp(1, 9);
    let t = ((s - disc_s[i - 1]) / (disc_s[i] - disc_s[i - 1])).clamp(0.0, 1.0);
    // Between two discs, behind the body, there is a little more room (CHATHA).
    let room = 1.0 + 0.07 * 4.0 * t * (1.0 - t);
    let mix = |table: &[f32; 10]| lerp(table[i - 1], table[i], t);
    Section {
        half_width: mix(&HALF_WIDTH) * wide,
        half_depth: mix(&HALF_DEPTH) * wide * room,
        front: mix(&FRONT) * wide,
        triangular: mix(&TRIANGULAR) * (1.0 - 0.5 * 4.0 * t * (1.0 - t)),
        ..Section::default()
    }
}

/// Applies a level's narrowing at a distance along the canal.
fn narrow(section: &mut Section, level: &LevelShape, ds: f32) {
    let near = fade(ds.abs(), 2.5, 8.0);
    if near == 0.0 {
        return;
    }
    let loss = near * level.canal;
    let depth = section.half_depth * (1.0 - 0.60 * loss);
    // The disc pushes the front back; what is left of the loss comes from behind.
    section.front = section.front.max(near * (level.disc_middle_mm + 0.3));
    section.half_depth = depth;
    section.half_width *= 1.0 - 0.45 * loss;
    section.crowd = section
        .crowd
        .max(near * ((level.canal - 0.15) / 0.5).clamp(0.0, 1.0));
    for side in 0..2 {
        let push = near * 0.45 * level.recess[side] * level.recess[side];
        section.pinch[side] = section.pinch[side].max(push);
    }
}
