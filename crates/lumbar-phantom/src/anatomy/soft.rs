//! Muscles, vessels and kidneys.

use super::canal::CanalMap;
use super::column::Column;
use super::person::{L1, Person, S1};
use super::scene::{Material, Solid};
use super::shape::Shape;
use super::spine::Spine;
use super::tissue::{BLOOD, VEIN};
use crate::math::{Frame, v3};

/// Adds soft parts, which rank below bone.
pub(crate) fn add(solids: &mut Vec<Solid>, person: &Person, spine: &Spine, map: &CanalMap) {
    let z = |i: usize| spine.vertebrae[i].frame.origin.z;
    let k = person.scale;
    let front = -2.0 * spine.vertebrae[L1 + 2].half_depth[0];
    let mut column = |keys: Vec<[f32; 5]>, turn: f32, material: Material| {
        let mut keys = keys;
        keys.sort_by(|a, b| a[0].total_cmp(&b[0]));
        for key in &mut keys {
            for value in &mut key[1..] {
                *value *= k;
            }
        }
        solids.push(Solid {
            shape: Shape::Column(Column::through(map, &keys, turn)),
            material,
        });
    };
    for sign in [1.0_f32, -1.0] {
        // Heights, x, y behind the canal's front wall, half axes. Psoas: 8-13 square cm at L4/5, half at L2/3
        // (anatomy.md 1.7).
        column(
            vec![
                [z(L1), sign * 29.0, -14.0, 6.0, 9.0],
                [z(L1 + 1), sign * 33.0, -14.0, 9.0, 14.0],
                [z(L1 + 2), sign * 37.0, -15.0, 13.0, 18.0],
                [z(L1 + 3), sign * 41.5, -18.0, 15.5, 21.0],
                [z(L1 + 4), sign * 45.0, -26.0, 16.5, 21.0],
                [z(S1), sign * 52.0, -46.0, 15.0, 19.0],
                [z(S1) - 60.0, sign * 62.0, -75.0, 14.0, 17.0],
            ],
            sign * 0.25,
            Material::Muscle {
                fatty: -0.6 * person.muscle_fat,
            },
        );
        column(
            vec![
                [z(2), sign * 50.0, 0.0, 9.0, 4.0],
                [z(L1 + 1), sign * 60.0, 4.0, 15.0, 6.5],
                [z(L1 + 3), sign * 68.0, 6.0, 18.0, 7.5],
                [z(L1 + 4) + 8.0, sign * 76.0, 2.0, 14.0, 6.0],
            ],
            sign * -0.35,
            Material::Muscle { fatty: 0.0 },
        );
    }
    // Aorta left of the midline down to its fork at L4, then the iliac arteries; vena cava on the right.
    column(
        vec![
            [z(0) + 40.0, 8.0, front - 8.0, 10.5, 10.5],
            [z(L1), 6.0, front - 9.5, 9.5, 9.5],
            [z(L1 + 3) + 6.0, 5.0, front - 9.5, 8.8, 8.8],
            [z(L1 + 3) - 5.0, 4.0, front - 8.5, 4.0, 4.0],
        ],
        0.0,
        Material::Vessel(BLOOD),
    );
    column(
        vec![
            [z(0) + 40.0, -20.0, front - 12.0, 11.0, 9.0],
            [z(L1 + 2), -17.0, front - 8.0, 12.0, 8.0],
            [z(L1 + 4) + 8.0, -15.0, front - 6.0, 12.0, 6.5],
        ],
        0.1,
        Material::Vessel(VEIN),
    );
    for sign in [1.0_f32, -1.0] {
        for (material, inner, size) in [
            (Material::Vessel(BLOOD), 6.0, 5.0),
            (Material::Vessel(VEIN), -1.0, 6.5),
        ] {
            column(
                vec![
                    [z(S1) - 50.0, sign * 48.0, -60.0, size, size],
                    [z(S1), sign * 27.0 + inner, -42.0, size, size],
                    [z(L1 + 4), sign * 15.0 + inner, front - 7.0, size, size],
                    [z(L1 + 3) + 2.0, sign * 6.0 + inner, front - 9.0, size, size],
                ],
                0.0,
                material,
            );
        }
    }
    for sign in [1.0_f32, -1.0] {
        let middle = map.middle_at_height(z(L1 + 1));
        let frame = Frame::leaning(
            v3(
                middle.x + sign * 70.0 * k,
                middle.y - 24.0,
                0.5 * (z(L1) + z(L1 + 1)) - 4.0 * sign,
            ),
            -0.15,
            0.0,
        )
        .yawed(sign * 0.75);
        solids.push(Solid {
            shape: Shape::Ellipsoid {
                frame,
                radii: v3(20.0 * k, 34.0 * k, 52.0 * k),
            },
            material: Material::Kidney,
        });
    }
}
