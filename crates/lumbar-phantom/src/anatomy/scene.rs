//! All solids of a person, and the two questions a sampler asks: what is here, and what may be near.

use super::canal::CanalMap;
use super::level::LevelShape;
use super::person::{L1, Person};
use super::sac::Sac;
use super::shape::{Maps, SLACK, Shape};
use super::spine::Spine;
use super::surface::{Depth, Surface};
use super::texture::Texture;
use super::tissue::{self, AIR, ANNULUS, BLOOD, BOWEL, CARTILAGE, CORTEX, FLUID, KIDNEY, LIGAMENT, MARROW};
use super::tissue::{MUSCLE, N_TISSUES, NERVE, NUCLEUS, SKIN, Tissue, TissueId, VEIN};
use crate::math::{Frame, V3, fade, lerp, v3};
use lumbar_core::Level;

/// What a solid is made of.
#[derive(Debug, Clone)]
pub(crate) enum Material {
    Sac,
    Nerve,
    /// Bone with a shell of `cortex` mm; `fatty` adds to the marrow's fat.
    Bone {
        cortex: f32,
        fatty: f32,
    },
    /// The vertebral body with an index.
    Body(usize),
    /// The disc below the vertebra with an index.
    Disc(usize),
    Ligament,
    /// A facet joint: two bony processes with a gap along the frame's y axis at x = 0.
    Facet {
        frame: Frame,
        gap_mm: f32,
    },
    /// Fat of the canal, squeezed out where a level is narrow.
    CanalFat,
    /// Muscle with fat beyond the person's own.
    Muscle {
        fatty: f32,
    },
    Vessel(TissueId),
    Kidney,
}

/// A form and what fills it.
#[derive(Debug, Clone)]
pub(crate) struct Solid {
    pub shape: Shape,
    pub material: Material,
}

/// What is at a place: a tissue, mixed with fat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Voxel {
    pub tissue: TissueId,
    /// Share of fat, 0 to 1.
    pub fat: f32,
    /// Signal relative to the tissue's mean.
    pub gain: f32,
}

const fn pure(tissue: TissueId) -> Voxel {
    Voxel {
        tissue,
        fat: 0.0,
        gain: 1.0,
    }
}

/// A person's anatomy.
pub(crate) struct Scene {
    /// Earlier solids win.
    solids: Vec<Solid>,
    maps: Maps,
    surface: Surface,
    texture: Texture,
    pub tissues: [Tissue; N_TISSUES],
    pub levels: [LevelShape; 5],
    pub spine: Spine,
    marrow_fat: f32,
    muscle_fat: f32,
    degeneration: [f32; super::person::N_VERTEBRAE],
}

/// The solids that may be found within a region, nearest first in rank.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    pub ids: Vec<u16>,
    /// Whether the first solid fills the whole region, or none comes near it.
    pub settled: bool,
}

impl Scene {
    pub(crate) fn build(person: &Person) -> Scene {
        let spine = Spine::build(person);
        let canal = CanalMap::build(&spine);
        let levels = Level::ALL.map(|level| LevelShape::build(person, &spine, level));
        let mut solids = Vec::with_capacity(256);
        solids.push(Solid {
            shape: Shape::Sac(Sac::build(person, &spine, &canal, &levels)),
            material: Material::Sac,
        });
        super::nerves::add(&mut solids, person, &spine, &canal, &levels);
        super::bones::add(&mut solids, person, &spine, &canal, &levels);
        super::soft::add(&mut solids, person, &spine, &canal);
        let surface = Surface::build(person, &spine, &canal);
        Scene {
            solids,
            maps: Maps { canal },
            surface,
            texture: Texture::new(person.texture_seed),
            tissues: tissue::table(person),
            levels,
            spine,
            marrow_fat: person.marrow_fat,
            muscle_fat: person.muscle_fat,
            degeneration: person.disc_degeneration,
        }
    }

    /// Every solid.
    pub(crate) fn all(&self) -> Candidates {
        Candidates {
            ids: (0..self.solids.len() as u16).collect(),
            settled: false,
        }
    }

    /// Those of `from` that may reach into a ball.
    pub(crate) fn within(&self, from: &Candidates, centre: V3, radius: f32, out: &mut Candidates) {
        out.ids.clear();
        out.settled = true;
        let reach = radius * SLACK;
        for id in &from.ids {
            let solid = &self.solids[*id as usize];
            let (ball, size) = solid.shape.ball();
            if size < 1e6 && (ball - centre).length() > size + radius {
                continue;
            }
            let distance = solid.shape.distance(centre, &self.maps);
            if distance > reach {
                continue;
            }
            out.ids.push(*id);
            let filled = distance < -reach;
            // The sac is full of threads: never uniform.
            if !filled || matches!(solid.material, Material::Sac) {
                out.settled = false;
            }
            if filled {
                break;
            }
        }
    }

    /// What is at a place, given the solids that may be there.
    #[inline]
    pub(crate) fn sample(&self, p: V3, candidates: &Candidates) -> Voxel {
        for id in &candidates.ids {
            let solid = &self.solids[*id as usize];
            let distance = solid.shape.distance(p, &self.maps);
            if distance < 0.0 {
                return self.inside(solid, p, distance);
            }
        }
        self.background(p)
    }

    fn inside(&self, solid: &Solid, p: V3, distance: f32) -> Voxel {
        match &solid.material {
            Material::Sac => match &solid.shape {
                // The dura is a fifth of a millimetre thick.
                Shape::Sac(_) if distance > -0.2 => pure(LIGAMENT),
                Shape::Sac(sac) => pure(sac.content(self.maps.canal.locate(p))),
                _ => pure(tissue::CSF),
            },
            Material::Nerve => pure(NERVE),
            Material::Bone { cortex, fatty } => self.bone(p, distance, *cortex, *fatty),
            Material::Body(i) => self.body(*i, p, distance),
            Material::Disc(i) => self.disc(*i, solid, p),
            Material::Ligament => pure(LIGAMENT),
            Material::Facet { frame, gap_mm } => self.facet(p, distance, frame, *gap_mm),
            Material::CanalFat => self.canal_fat(p),
            Material::Muscle { fatty } => self.muscle(p, distance, *fatty),
            Material::Vessel(tissue) if distance > -1.0 => Voxel {
                gain: 0.8,
                ..pure(if *tissue == BLOOD { MUSCLE } else { *tissue })
            },
            Material::Vessel(tissue) => pure(*tissue),
            Material::Kidney => {
                let sinus = fade(-distance, 6.0, 12.0);
                Voxel {
                    tissue: KIDNEY,
                    fat: 0.6 * (1.0 - sinus),
                    gain: 1.0 + 0.12 * self.texture.at(p, v3(4.0, 4.0, 4.0)),
                }
            }
        }
    }

    fn fat(&self, p: V3) -> Voxel {
        let strand = self.texture.at(p, v3(2.5, 2.5, 4.0));
        Voxel {
            tissue: MUSCLE,
            fat: (0.93 + 0.1 * strand).min(1.0),
            gain: 1.0,
        }
    }

    /// Epidural and foraminal fat: where the room shrinks, fat leaves first and fibrous tissue stays.
    fn canal_fat(&self, p: V3) -> Voxel {
        let squeezed = self
            .levels
            .iter()
            .map(|level| level.squeezed(p))
            .fold(0.0, f32::max);
        let fat = self.fat(p);
        Voxel {
            fat: fat.fat * (1.0 - squeezed),
            ..fat
        }
    }

    fn bone(&self, p: V3, distance: f32, cortex: f32, fatty: f32) -> Voxel {
        if distance > -cortex {
            return pure(CORTEX);
        }
        let grain = self.texture.at(p, v3(3.0, 3.0, 3.0));
        Voxel {
            tissue: MARROW,
            fat: (self.marrow_fat + fatty + 0.10 * grain).clamp(0.0, 1.0),
            gain: 0.9 + 0.08 * grain,
        }
    }

    fn body(&self, i: usize, p: V3, distance: f32) -> Voxel {
        if distance > -0.75 {
            return pure(CORTEX);
        }
        let vertebra = &self.spine.vertebrae[i];
        let l = vertebra.frame.to_local(p);
        // Basivertebral vein: a flat cleft from the back wall at mid height.
        let depth = vertebra.half_depth[0] - l.y;
        if l.x.abs() < 5.0 && depth < 11.0 {
            let half = 2.4 * (1.0 - depth / 11.0);
            if l.z.abs() < half && l.x.abs() < 1.5 + 0.3 * depth {
                return Voxel {
                    fat: 0.35,
                    ..pure(VEIN)
                };
            }
        }
        let fine = self.texture.at(p, v3(1.6, 1.6, 2.2));
        let coarse = self.texture.at(p, v3(7.0, 7.0, 6.0));
        Voxel {
            tissue: MARROW,
            fat: (self.marrow_fat + 0.07 * coarse + 0.05 * fine).clamp(0.0, 1.0),
            gain: 1.0 + 0.06 * fine,
        }
    }

    fn disc(&self, i: usize, solid: &Solid, p: V3) -> Voxel {
        let Shape::Disc(shape) = &solid.shape else {
            return pure(ANNULUS);
        };
        let (rho, height) = shape.inner(p);
        let worn = self.degeneration[i];
        let grain = self.texture.at(p, v3(4.0, 4.0, 1.5));
        // Nucleus out to 60-70% of the radius; in a worn disc the border blurs.
        let edge = 0.66 + 0.05 * grain;
        let nucleus = fade(rho, edge - 0.08 - 0.12 * worn, edge + 0.07 + 0.15 * worn);
        // The central cleft of an adult nucleus.
        let cleft = 0.25 * fade(height.abs(), 0.05, 0.30) * (1.0 - worn);
        if rho > 0.9 {
            return Voxel {
                gain: 0.55,
                ..pure(ANNULUS)
            };
        }
        let bright = nucleus - cleft;
        // Mixed by gain between nucleus and annulus, which have one fixed ratio in a given contrast.
        if bright > 0.5 {
            Voxel {
                gain: lerp(0.55, 1.0, (bright - 0.5) * 2.0) + 0.06 * grain,
                ..pure(NUCLEUS + i as TissueId)
            }
        } else {
            Voxel {
                gain: lerp(1.0, 1.35, bright * 2.0) + 0.06 * grain,
                ..pure(ANNULUS)
            }
        }
    }

    fn facet(&self, p: V3, distance: f32, frame: &Frame, gap_mm: f32) -> Voxel {
        let l = frame.to_local(p);
        // The joint is curved: concave towards the inner, rear process.
        let x = l.x + 0.018 * l.y * l.y - 0.4;
        let half = 0.5 * gap_mm;
        if x.abs() < half {
            let middle = fade(x.abs(), 0.2 * half, 0.6 * half);
            return if middle > 0.5 && gap_mm > 1.6 {
                Voxel {
                    gain: 0.6,
                    ..pure(FLUID)
                }
            } else {
                pure(CARTILAGE)
            };
        }
        if x.abs() < half + 1.1 || distance > -1.1 {
            return pure(CORTEX);
        }
        self.bone(p, -5.0, 0.0, 0.12)
    }

    fn muscle(&self, p: V3, distance: f32, fatty: f32) -> Voxel {
        // Fibres run head to foot, so streaks do; bundles are a few mm thick.
        let streak = self.texture.at(p, v3(1.7, 1.7, 16.0));
        let bundle = self.texture.at(p + v3(40.0, 9.0, 3.0), v3(4.2, 4.2, 26.0));
        let patch = self.texture.at(p + v3(9.0, 31.0, 3.0), v3(11.0, 11.0, 40.0));
        let mean = (self.muscle_fat + fatty).max(0.01);
        let edge = fade(-distance, 0.2, 1.0) * 0.3;
        let thread = (0.55 * streak + 0.75 * bundle - 0.62 + 0.9 * mean).max(0.0);
        let fat = mean * (0.75 + 0.6 * patch + 0.3 * bundle) + edge + (0.8 + mean) * thread;
        Voxel {
            tissue: MUSCLE,
            fat: fat.clamp(0.0, 0.95),
            gain: 1.0 + 0.10 * streak,
        }
    }

    /// Where no solid is: muscle sheets, fat, skin, air, bowel.
    fn background(&self, p: V3) -> Voxel {
        let depth = self.surface.depth(p);
        if depth.under_skin < 0.0 {
            return pure(AIR);
        }
        if depth.under_skin < 1.8 {
            return pure(SKIN);
        }
        if depth.under_fascia < 0.0 && depth.y > -10.0 {
            return self.subcutaneous(p, depth.under_fascia);
        }
        if depth.y > 6.0 {
            return self.back(p, depth);
        }
        let side = depth.x.abs();
        if depth.y < -40.0 + (side - 45.0).max(0.0) {
            // Retroperitoneal fat gives way to bowel in front and at the sides.
            let ragged = self.texture.at(p, v3(18.0, 18.0, 20.0));
            let border = -56.0 + 0.85 * (side - 52.0).max(0.0) + 9.0 * ragged;
            if depth.y < border {
                return self.bowel(p);
            }
        }
        self.fat(p)
    }

    /// The back muscles between spine and fascia, parted by septa of fat.
    fn back(&self, p: V3, depth: Depth) -> Voxel {
        let side = depth.x.abs();
        let ragged = 1.6 * self.texture.at(p, v3(7.0, 7.0, 14.0));
        // Between the spinous processes: ligament and fat in layers.
        if side < 3.4 {
            let layer = self.texture.at(p, v3(6.0, 11.0, 3.6));
            return Voxel {
                tissue: LIGAMENT,
                fat: (0.5 + 0.5 * layer).clamp(0.0, 0.95),
                gain: 1.0,
            };
        }
        // The group's outline: a little fat under the fascia, over the bone, and at the outer edge.
        let outer = depth.lateral - 0.0045 * (depth.y - 22.0).powi(2) + ragged - side;
        let over_bone = depth.y - 9.5 + ragged + 0.05 * side;
        let inside = outer.min(over_bone).min(depth.under_fascia - 1.2);
        if inside < 0.0 {
            return if depth.under_fascia < 1.2 {
                pure(LIGAMENT)
            } else {
                self.fat(p)
            };
        }
        // Septa beside the multifidus and between the two columns of the erector.
        let inner = depth.septum + 0.22 * (depth.y - 26.0) + 1.2 * ragged - side;
        let middle = depth.septum * 0.5 + 30.0 + 0.30 * (depth.y - 24.0) + 1.5 * ragged - side;
        let wide = 0.35 + 1.2 * self.muscle_fat;
        let septum =
            fade(inner.abs(), wide, wide + 0.8).max(0.8 * fade(middle.abs(), 0.6 * wide, wide + 0.5));
        let fatty = if inner > 0.0 {
            // Multifidus: fattest, and most so next to the spinous process and over the sacrum.
            0.6 * self.muscle_fat + 0.02 + 0.25 * self.muscle_fat * fade(side, 5.0, 12.0)
        } else {
            0.15 * self.muscle_fat
        };
        let muscle = self.muscle(p, -inside, fatty);
        Voxel {
            fat: muscle.fat.max(0.95 * septum),
            ..muscle
        }
    }

    fn subcutaneous(&self, p: V3, under_fascia: f32) -> Voxel {
        if under_fascia > -1.2 {
            return pure(LIGAMENT);
        }
        // Septa: thin sheets where a smooth field crosses zero.
        let field = self.texture.at(p, v3(14.0, 5.0, 16.0));
        let septum = fade(field.abs(), 0.01, 0.05);
        Voxel {
            tissue: MUSCLE,
            fat: 1.0 - 0.35 * septum,
            gain: 1.0,
        }
    }

    fn bowel(&self, p: V3) -> Voxel {
        let loops = self.texture.at(p, v3(16.0, 16.0, 20.0));
        let wall = self.texture.at(p + v3(17.0, 3.0, 5.0), v3(6.0, 6.0, 8.0));
        if loops > 0.45 {
            return Voxel {
                gain: 0.15,
                ..pure(BOWEL)
            };
        }
        Voxel {
            tissue: BOWEL,
            fat: (0.45 - 0.8 * loops + 0.2 * wall).clamp(0.0, 0.95),
            gain: 0.9 + 0.2 * wall,
        }
    }

    /// Normal tissue names at landmark places, for tests.
    pub(crate) fn sac_measures(&self, level_idx: usize) -> [f32; 3] {
        let s = self.maps.canal.locate(self.levels[level_idx].back.origin).s;
        match &self.solids[0].shape {
            Shape::Sac(sac) => sac.measures(s),
            _ => [0.0; 3],
        }
    }

    /// The vertebra above each graded disc, and S1.
    pub(crate) fn vertebra_names() -> [(&'static str, usize); 6] {
        ["L1", "L2", "L3", "L4", "L5", "S1"].map({
            let mut i = L1;
            move |name| {
                i += 1;
                (name, i - 1)
            }
        })
    }
}
