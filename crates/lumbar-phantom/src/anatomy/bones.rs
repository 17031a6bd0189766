//! Vertebrae, discs, flava, facets and the canal's fat, in order of rank.

use super::canal::CanalMap;
use super::level::{DiscShape, FORAMEN_X_MM, FlavumShape, LevelShape, RECESS_X_MM};
use super::person::{L1, N_VERTEBRAE, Person, S1};
use super::scene::{Material, Solid};
use super::shape::{BodyShape, CanalFat, Shape};
use super::spine::Spine;
use crate::math::{Frame, V3, v3};

/// Adds everything bony and what holds it together.
pub(crate) fn add(
    solids: &mut Vec<Solid>,
    person: &Person,
    spine: &Spine,
    map: &CanalMap,
    levels: &[LevelShape; 5],
) {
    flava(solids, spine, levels, person);
    bodies(solids, spine, person);
    discs(solids, spine, levels, person);
    foramina(solids, spine, levels);
    foraminal_fat(solids, levels);
    solids.push(Solid {
        shape: Shape::CanalFat(canal_fat(spine, map, person)),
        material: Material::CanalFat,
    });
    facets(solids, levels, person);
    for i in 0..S1 {
        arch(solids, spine, person, i);
    }
    sacrum(solids, spine, person);
}

fn bodies(solids: &mut Vec<Solid>, spine: &Spine, person: &Person) {
    for (i, v) in spine.vertebrae.iter().enumerate() {
        // Lips grow with the discs above and below (anatomy.md 4.2).
        let lip = |disc: Option<usize>| disc.map_or(0.0, |d| 2.2 * person.disc_degeneration[d].powi(2));
        let lips = if i >= S1 {
            [lip(i.checked_sub(1)) * 0.5, 0.0]
        } else {
            [lip(i.checked_sub(1)), lip(Some(i))]
        };
        solids.push(Solid {
            shape: Shape::Body(BodyShape {
                frame: v.frame,
                half_width: v.half_width,
                half_depth: v.half_depth,
                half_height: v.half_height,
                wedge: v.wedge,
                hollow: v.hollow,
                lips,
            }),
            material: Material::Body(i),
        });
    }
}

fn discs(solids: &mut Vec<Solid>, spine: &Spine, levels: &[LevelShape; 5], person: &Person) {
    for i in 0..N_VERTEBRAE - 1 {
        let disc = &spine.discs[i];
        let level = i.checked_sub(L1).and_then(|l| levels.get(l));
        let worn = person.disc_degeneration[i];
        solids.push(Solid {
            shape: Shape::Disc(DiscShape {
                frame: disc.frame,
                half_width: disc.half_width,
                half_depth: disc.half_depth,
                half_height: disc.half_height,
                bulge_mm: if i < S1 { 0.3 + 0.9 * worn } else { 0.0 },
                middle_mm: level.map_or(0.3, |l| l.disc_middle_mm),
                recess_mm: level.map_or([0.0; 2], |l| l.disc_recess_mm),
                recess_x_mm: level.map_or(9.0, |_| RECESS_X_MM[i - L1] * person.scale),
            }),
            material: Material::Disc(i),
        });
    }
}

fn flava(solids: &mut Vec<Solid>, spine: &Spine, levels: &[LevelShape; 5], person: &Person) {
    // Three more discs above, with the measures of L1/L2 and no narrowing.
    for i in 0..S1 {
        let flavum = match i.checked_sub(L1) {
            Some(l) => FlavumShape {
                back: levels[l].back,
                apex_mm: levels[l].apex_mm,
                gap_mm: levels[l].gap_mm,
                thick_mm: 3.0,
                middle_mm: levels[l].flavum_middle_mm,
                recess_mm: levels[l].flavum_recess_mm,
                recess_x_mm: RECESS_X_MM[l] * person.scale,
                height_mm: [8.0, 9.0],
            },
            None => FlavumShape {
                back: spine.discs[i].back(),
                apex_mm: levels[0].apex_mm,
                gap_mm: levels[0].gap_mm,
                thick_mm: 2.5,
                middle_mm: 0.0,
                recess_mm: [0.0; 2],
                recess_x_mm: RECESS_X_MM[0] * person.scale,
                height_mm: [7.0, 8.0],
            },
        };
        solids.push(Solid {
            shape: Shape::Flavum(flavum),
            material: Material::Ligament,
        });
    }
}

/// What closes a foramen: disc and osteophyte from the front, the superior process and its capsule from behind.
fn foramina(solids: &mut Vec<Solid>, _spine: &Spine, levels: &[LevelShape; 5]) {
    for (l, level) in levels.iter().enumerate() {
        for (side, sign) in [(0, 1.0_f32), (1, -1.0)] {
            let x = sign * FORAMEN_X_MM[l] * level.scale;
            let narrow = level.foramen[side];
            let front = level.foramen_front_mm[side];
            let back = level.foramen_back_mm[side];
            let k = level.scale;
            // From behind: the tip of the superior process, whose rear stays where it is.
            let rear = level.normal_foramen_back_mm + 4.0 * k;
            let size = v3(6.5 * k, 0.5 * (rear - back), (5.0 + 4.0 * narrow) * k);
            solids.push(Solid {
                shape: Shape::Ellipsoid {
                    frame: level.back.moved(v3(x, back + size.y, level.foramen_up_mm - 0.5)),
                    radii: size,
                },
                material: Material::Bone {
                    cortex: 1.2,
                    fatty: 0.0,
                },
            });
            // From the front: disc and osteophyte, whose far side lies inside body and disc.
            let size = v3(7.5, 5.0, 4.5 + 4.0 * narrow) * k;
            solids.push(Solid {
                shape: Shape::Ellipsoid {
                    frame: level.back.moved(v3(x, front - size.y, level.foramen_up_mm - 1.0)),
                    radii: size,
                },
                material: Material::Ligament,
            });
        }
    }
}

/// The fat around the root, between the pedicles.
fn foraminal_fat(solids: &mut Vec<Solid>, levels: &[LevelShape; 5]) {
    for (l, level) in levels.iter().enumerate() {
        for sign in [1.0_f32, -1.0] {
            let k = level.scale;
            let x = sign * (FORAMEN_X_MM[l] + 0.5) * k;
            solids.push(Solid {
                shape: Shape::Slab {
                    frame: level.back.moved(v3(x, 2.2 * k, level.foramen_up_mm - 4.5)),
                    half: v3(7.0, 5.0, 9.0) * k,
                    round: 4.0,
                },
                material: Material::CanalFat,
            });
        }
    }
}

fn canal_fat(spine: &Spine, map: &CanalMap, person: &Person) -> CanalFat {
    // Half width and depth of the bony canal by vertebra (anatomy.md 1.4).
    const HALF_WIDTH: [f32; N_VERTEBRAE] = [
        9.5, 10.0, 11.0, 11.8, 11.9, 12.2, 12.8, 13.8, 15.0, 13.0, 10.0, 8.0, 6.0,
    ];
    const DEPTH: [f32; N_VERTEBRAE] = [
        15.5, 16.0, 16.5, 17.0, 16.5, 16.5, 17.0, 17.5, 14.0, 10.0, 8.0, 6.0, 4.0,
    ];
    let wide = person.scale * person.canal_scale;
    let s: Vec<f32> = spine
        .vertebrae
        .iter()
        .map(|v| map.locate(v.frame.to_patient(v3(0.0, v.half_depth[0], 0.0))).s)
        .collect();
    let n = map.length() as usize + 1;
    let profile = (0..n)
        .map(|at| {
            let at = at as f32;
            let i = s.partition_point(|v| *v < at).clamp(1, N_VERTEBRAE - 1);
            let t = ((at - s[i - 1]) / (s[i] - s[i - 1])).clamp(0.0, 1.0);
            let mix = |table: &[f32; N_VERTEBRAE]| table[i - 1] + (table[i] - table[i - 1]) * t;
            [
                mix(&HALF_WIDTH) * wide,
                (mix(&DEPTH) + 0.3 * person.posterior_fat_mm) * wide,
            ]
        })
        .collect();
    CanalFat { profile }
}

/// Facet joints: one block per joint, split by the gap.
fn facets(solids: &mut Vec<Solid>, levels: &[LevelShape; 5], person: &Person) {
    for (l, level) in levels.iter().enumerate() {
        for (side, sign) in [(0, 1.0_f32), (1, -1.0)] {
            // Hypertrophy shows far from where it narrows: a little of it only, mostly chance.
            let chance = ((person.texture_seed >> (3 * l + side + 20)) & 7) as f32 / 7.0;
            let grown = 0.8 * chance + 0.1 * level.recess[side] + 0.1 * level.foramen[side];
            let k = level.scale;
            let centre = v3(sign * (15.2 + 1.1 * l as f32) * k, level.gap_mm + 9.5, 1.0);
            // The joint runs from the front middle to the rear outside; its x axis points to the outer process.
            let frame = level
                .back
                .moved(centre)
                .yawed(-sign * person.facet_angle[l][side]);
            let half = v3(8.2 + 1.2 * grown, 8.8 + 0.8 * grown, 9.5) * k;
            let gap_mm = 1.3 + 0.6 * ((person.texture_seed >> (2 * l + side)) & 1) as f32;
            let joint = if sign > 0.0 {
                frame
            } else {
                Frame {
                    x: frame.x * -1.0,
                    ..frame
                }
            };
            solids.push(Solid {
                shape: Shape::Slab {
                    frame,
                    half,
                    round: 7.0 * k,
                },
                material: Material::Facet { frame: joint, gap_mm },
            });
        }
    }
}

fn slab(frame: Frame, half: V3, round: f32, fatty: f32) -> Solid {
    Solid {
        shape: Shape::Slab { frame, half, round },
        material: Material::Bone { cortex: 0.8, fatty },
    }
}

/// Pedicles, laminae, spinous and transverse processes of a vertebra.
fn arch(solids: &mut Vec<Solid>, spine: &Spine, person: &Person, i: usize) {
    // Pedicle widths L1-L5 are Zindrick's, the canal's half width as above (anatomy.md 1.6, 1.4).
    const PEDICLE: [f32; S1] = [6.0, 7.0, 7.5, 8.7, 8.9, 10.3, 12.9, 16.0];
    const HALF_CANAL: [f32; S1] = [9.5, 10.0, 11.0, 11.8, 11.9, 12.2, 12.8, 13.8];
    const SPAN: [f32; S1] = [28.0, 29.0, 30.0, 35.0, 38.0, 43.0, 41.0, 46.0];
    const SPINOUS: [f32; S1] = [24.0, 24.0, 26.0, 29.0, 31.0, 33.0, 29.0, 23.0];
    let v = &spine.vertebrae[i];
    let k = person.scale;
    let back = v.half_depth[0];
    let depth = (16.6 + 0.3 * person.posterior_fat_mm) * k * person.canal_scale;
    for sign in [1.0_f32, -1.0] {
        let at = |x: f32, y: f32, z: f32| v.frame.moved(v3(sign * x, y, z));
        let half_canal = HALF_CANAL[i] * k * person.canal_scale;
        let half_pedicle = 0.5 * PEDICLE[i] * k;
        let height = 0.5 * 14.8 * k;
        let x = half_canal + half_pedicle;
        solids.push(slab(
            at(x, back + 3.0, v.half_height * 0.32),
            v3(half_pedicle, 10.0 * k, height),
            half_pedicle.min(height) * 0.95,
            0.05,
        ));
        // Pars: from the pedicle down and back to the lamina.
        let top = v
            .frame
            .to_patient(v3(sign * (x + 1.0), back + 10.0 * k, v.half_height * 0.25));
        let low = v
            .frame
            .to_patient(v3(sign * (x - 1.5), back + 15.0 * k, -v.half_height * 0.95));
        solids.push(Solid {
            shape: Shape::Capsule {
                a: top,
                b: low,
                radius: [5.0 * k, 4.5 * k],
            },
            material: Material::Bone {
                cortex: 1.1,
                fatty: 0.02,
            },
        });
        // Lamina: a plate from the pars to the midline, leaning back as it goes down.
        let outer = v3(x - 3.0, back + 12.5 * k, -4.0);
        let inner = v3(1.0, back + depth + 3.5, -7.0);
        let middle = (outer + inner) * 0.5;
        let along = inner - outer;
        let angle = (along.y / -along.x).atan();
        let half = 0.5 * along.length() + 2.0;
        solids.push(slab(
            at(middle.x, middle.y, middle.z)
                .yawed(-sign * angle)
                .pitched(0.35),
            v3(half, 3.2 * k, 9.0 * k),
            2.8,
            0.08,
        ));
        // Transverse process.
        let root = v
            .frame
            .to_patient(v3(sign * (x + 2.0), back + 6.0, v.half_height * 0.2));
        let tip = v
            .frame
            .to_patient(v3(sign * SPAN[i] * k, back + 12.0, v.half_height * 0.15));
        solids.push(Solid {
            shape: Shape::Capsule {
                a: root,
                b: tip,
                radius: [4.6 * k, 2.8 * k],
            },
            material: Material::Bone {
                cortex: 1.0,
                fatty: 0.02,
            },
        });
    }
    let length = SPINOUS[i] * k;
    let frame = v
        .frame
        .moved(v3(0.0, back + depth + 2.0 + 0.5 * length, -11.0 * k))
        .pitched(-0.20);
    solids.push(slab(frame, v3(3.1, 0.5 * length, 8.2 * k), 3.0, 0.03));
}

/// The sacral wings and the back wall of the sacral canal.
fn sacrum(solids: &mut Vec<Solid>, spine: &Spine, person: &Person) {
    let k = person.scale;
    for (n, i) in (S1..N_VERTEBRAE).enumerate() {
        let v = &spine.vertebrae[i];
        let size = 1.0 - 0.16 * n as f32;
        for sign in [1.0_f32, -1.0] {
            let half = v3(20.0 * size, 11.0 * size + 2.0, v.half_height + 1.0) * k;
            let x = v.half_width[0] * 0.75 + half.x * 0.8;
            solids.push(slab(
                v.frame
                    .moved(v3(sign * x, 2.0 + 5.0 * size, -1.0))
                    .yawed(sign * 0.35),
                half,
                7.0,
                0.10,
            ));
        }
        let depth = [17.0, 12.5, 10.0, 8.0, 6.5][n] * k;
        solids.push(slab(
            v.frame.moved(v3(0.0, v.half_depth[1] + depth + 3.0, -2.0)),
            v3(14.0 * size, 3.5, v.half_height * 0.9),
            3.0,
            0.10,
        ));
        solids.push(slab(
            v.frame.moved(v3(0.0, v.half_depth[1] + depth + 8.0, -3.0)),
            v3(2.6, 6.0 * size, v.half_height * 0.6),
            2.4,
            0.12,
        ));
    }
    // Iliac wings: from the joint with the sacrum forward and outward, up to the crest at L4/L5.
    let base = spine.vertebrae[S1].frame.origin;
    let top = spine.discs[L1 + 3].frame.origin.z - 6.0;
    for sign in [1.0_f32, -1.0] {
        let frame = Frame::leaning(
            v3(base.x + sign * 76.0 * k, base.y + 8.0 * k, top - 60.0),
            0.0,
            sign * 0.16,
        )
        .yawed(-sign * 0.62);
        solids.push(Solid {
            shape: Shape::Slab {
                frame,
                half: v3(44.0, 6.5, 60.0) * k,
                round: 6.0,
            },
            material: Material::Bone {
                cortex: 1.5,
                fatty: 0.02,
            },
        });
    }
}
