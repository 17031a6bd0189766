//! Roots outside the sac: down the recess, under the pedicle, through the foramen.

use super::canal::CanalMap;
use super::level::{FORAMEN_X_MM, LevelShape, RECESS_X_MM};
use super::person::{L1, Person};
use super::scene::{Material, Solid};
use super::shape::{RootSegment, Shape};
use super::spine::Spine;
use crate::math::{V3, v3};

/// A point of a root's path with its radius and flattening (front to back).
#[derive(Clone, Copy)]
struct Knot {
    place: V3,
    radius: f32,
    flat: f32,
}

/// Adds both roots of L1 to L5, and S1 as far as its foramen. Root n leaves the sac above disc n-1/n, crosses the
/// recess there, runs down medial to pedicle n and out through foramen n/n+1.
pub(crate) fn add(
    solids: &mut Vec<Solid>,
    person: &Person,
    spine: &Spine,
    _map: &CanalMap,
    levels: &[LevelShape; 5],
) {
    for n in 0..6 {
        for (side, sign) in [(0, 1.0_f32), (1, -1.0)] {
            let knots = path(n, side, sign, person, spine, levels);
            for pair in knots.windows(2) {
                let level = &levels[n.min(4)];
                solids.push(Solid {
                    shape: Shape::Root(RootSegment {
                        a: pair[0].place,
                        b: pair[1].place,
                        radius: [pair[0].radius, pair[1].radius],
                        flat: [pair[0].flat, pair[1].flat],
                        axis: level.back.y,
                    }),
                    material: Material::Nerve,
                });
            }
        }
    }
}

/// Root radius by vertebra, mm: extradural diameter 3.9 at L1 to 5.5 at S1, ganglion 3.2 to 6.5 wide (anatomy.md 1.5).
const ROOT_RADIUS: [f32; 6] = [1.3, 1.4, 1.55, 1.7, 1.85, 1.9];
const GANGLION_RADIUS: [f32; 6] = [1.9, 2.1, 2.4, 2.7, 2.9, 2.8];

fn path(
    n: usize,
    side: usize,
    sign: f32,
    person: &Person,
    spine: &Spine,
    levels: &[LevelShape; 5],
) -> Vec<Knot> {
    let k = person.scale;
    let radius = ROOT_RADIUS[n] * k;
    let mut knots = Vec::with_capacity(8);
    let round = |place, radius| Knot {
        place,
        radius,
        flat: 1.0,
    };
    if n > 0 {
        // Recess of the disc above vertebra n.
        let level = &levels[n - 1];
        let front = level.disc_recess_mm[side];
        let gap = level.gap_mm - level.flavum_recess_mm[side] - front;
        let middle = front + 0.5 * gap;
        let flat = ((0.5 * gap - 0.15) / radius).clamp(0.25, 1.0);
        let x = RECESS_X_MM[n - 1] * k;
        let at = |x: f32, y: f32, z: f32| level.back.to_patient(v3(sign * x, y, z));
        knots.push(round(at(x - 3.2, middle.max(3.0) + 0.8, 9.0), 0.8 * radius));
        knots.push(Knot {
            place: at(x - 0.6, middle, 1.5),
            radius,
            flat,
        });
        knots.push(Knot {
            place: at(x + 0.2, middle, -3.0),
            radius,
            flat,
        });
        knots.push(round(at(x + 1.6, 3.2, -9.0), radius));
    }
    if n < 5 {
        // Under the pedicle of vertebra n and out.
        let level = &levels[n];
        let vertebra = &spine.vertebrae[L1 + n];
        let beside = vertebra.frame.to_patient(v3(
            sign * (FORAMEN_X_MM[n] - 4.5) * k,
            vertebra.half_depth[1] + 3.0 * k,
            -1.0,
        ));
        if n == 0 {
            knots.push(round(
                vertebra
                    .frame
                    .to_patient(v3(sign * 8.0 * k, vertebra.half_depth[1] + 5.0 * k, 9.0)),
                0.9,
            ));
        }
        knots.push(round(beside, radius));
        let (front, back) = (level.foramen_front_mm[side], level.foramen_back_mm[side]);
        let middle = 0.5 * (front + back);
        let ganglion = GANGLION_RADIUS[n] * k;
        let flat = ((0.5 * (back - front) - 0.15) / ganglion).clamp(0.15, 1.0);
        let x = FORAMEN_X_MM[n] * k;
        let at = |x: f32, y: f32, z: f32| level.back.to_patient(v3(sign * x, y, z));
        let up = level.foramen_up_mm;
        knots.push(Knot {
            place: at(x - 1.5, middle, up + 1.0),
            radius: 0.95 * ganglion,
            flat,
        });
        knots.push(Knot {
            place: at(x + 2.5, middle, up - 2.0),
            radius: ganglion,
            flat,
        });
        knots.push(round(at(x + 9.0, -1.0, up - 8.0), 0.85 * ganglion));
        knots.push(round(at(x + 15.0, -8.0, up - 20.0), 0.7 * ganglion));
        knots.push(round(at(x + 19.0, -15.0, up - 38.0), 0.7 * ganglion));
    } else {
        // S1: down inside the sacral canal.
        let s1 = &spine.vertebrae[L1 + 5];
        let at = |x: f32, y: f32, z: f32| s1.frame.to_patient(v3(sign * x * k, s1.half_depth[1] + y, z));
        knots.push(round(at(13.5, 5.0, -4.0), radius));
        knots.push(round(at(16.0, 3.0, -14.0), GANGLION_RADIUS[5] * k));
        knots.push(round(at(19.0, -8.0, -26.0), radius));
    }
    knots
}
