//! The skeleton of frames: where each vertebra and disc is and how it leans.

use super::person::{N_VERTEBRAE, Person, S1};
use crate::math::{Frame, V3, v3};

/// A vertebral body: its frame has its origin in the middle of the body, x to the left, y back, z up along the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vertebra {
    pub frame: Frame,
    /// Half width and half depth at the upper and lower end, mm.
    pub half_width: [f32; 2],
    pub half_depth: [f32; 2],
    pub half_height: f32,
    /// Tangent of half the wedge angle: how much higher the front is than the middle, per mm.
    pub wedge: f32,
    /// Depth of the hollow of the upper and lower endplate, mm.
    pub hollow: [f32; 2],
}

/// A disc: its frame has its origin in the middle of the disc.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disc {
    pub frame: Frame,
    pub half_width: f32,
    pub half_depth: f32,
    pub half_height: f32,
}

impl Disc {
    /// The disc's axes with the origin at the middle of its back edge: where canal, recess and foramen are measured.
    pub(crate) fn back(&self) -> Frame {
        self.frame.moved(v3(0.0, self.half_depth, 0.0))
    }
}

/// All vertebrae and discs.
#[derive(Debug, Clone)]
pub(crate) struct Spine {
    pub vertebrae: [Vertebra; N_VERTEBRAE],
    /// Disc `i` lies below vertebra `i`; the last one is never built.
    pub discs: [Disc; N_VERTEBRAE],
}

// Sizes from T10 to S5, mm: Panjabi 1992 for L1-L5 enlarged by a tenth in height for the living (anatomy.md 1.1), the
// rest continued from them.
const UPPER_WIDTH: [f32; N_VERTEBRAE] = [
    31.0, 34.0, 38.0, 41.2, 42.6, 44.1, 46.6, 47.3, 50.0, 40.0, 32.0, 25.0, 19.0,
];
const LOWER_WIDTH: [f32; N_VERTEBRAE] = [
    34.0, 38.0, 41.0, 43.3, 45.5, 48.0, 49.5, 49.4, 41.0, 33.0, 26.0, 20.0, 14.0,
];
const UPPER_DEPTH: [f32; N_VERTEBRAE] = [
    29.0, 30.5, 32.0, 34.1, 34.6, 35.2, 35.5, 34.7, 32.5, 22.0, 17.0, 13.5, 11.0,
];
const LOWER_DEPTH: [f32; N_VERTEBRAE] = [
    30.0, 31.5, 33.5, 35.3, 34.9, 34.8, 34.2, 33.6, 23.0, 17.5, 14.0, 11.5, 8.0,
];
const HEIGHT: [f32; N_VERTEBRAE] = [
    22.5, 23.5, 25.0, 26.6, 27.4, 27.6, 27.6, 27.4, 29.0, 24.0, 20.0, 17.0, 14.0,
];
/// Front minus back height, mm: L5 4.0 (COOK), the others from memory of anatomy.md 1.1.
const WEDGE: [f32; N_VERTEBRAE] = [
    -1.5, -1.8, -2.0, -1.5, -0.5, 0.3, 1.2, 3.8, 2.0, 0.0, -1.5, -2.0, -2.0,
];

impl Spine {
    /// Lays out the chain from L3 up and down.
    pub(crate) fn build(person: &Person) -> Spine {
        let scale = person.scale;
        let tilts = tilts(person);
        let rolls = rolls(person);
        let hollow = |i: usize| {
            if i == S1 {
                [0.3, 0.2]
            } else if i > S1 {
                [0.0, 0.0]
            } else {
                [1.2, 2.0]
            }
        };
        let body = |i: usize, origin: V3| Vertebra {
            frame: Frame::leaning(origin, tilts[i], rolls[i]),
            half_width: [UPPER_WIDTH[i] * scale * 0.5, LOWER_WIDTH[i] * scale * 0.5],
            half_depth: [UPPER_DEPTH[i] * scale * 0.5, LOWER_DEPTH[i] * scale * 0.5],
            half_height: HEIGHT[i] * scale * 0.5,
            wedge: WEDGE[i] / (UPPER_DEPTH[i] + LOWER_DEPTH[i]),
            hollow: hollow(i),
        };
        let offset = person.offset_mm;
        const L3: usize = super::person::L1 + 2;
        let mut vertebrae = [body(L3, v3(offset[0], offset[1], offset[2])); N_VERTEBRAE];
        let mut discs = [Disc {
            frame: vertebrae[L3].frame,
            half_width: 1.0,
            half_depth: 1.0,
            half_height: 0.5,
        }; N_VERTEBRAE];
        let disc_frame = |i: usize, origin: V3| {
            Frame::leaning(
                origin,
                0.5 * (tilts[i] + tilts[i + 1]),
                0.5 * (rolls[i] + rolls[i + 1]),
            )
        };
        for i in L3..N_VERTEBRAE - 1 {
            let upper = vertebrae[i];
            let end = upper.frame.to_patient(v3(0.0, 0.0, -upper.half_height));
            let half = 0.5 * person.disc_height_mm[i];
            let axis = disc_frame(i, end).z;
            let next = body(i + 1, end - axis * (2.0 * half));
            vertebrae[i + 1] = Vertebra {
                frame: next.frame.moved(v3(0.0, 0.0, -next.half_height)),
                ..next
            };
            discs[i].frame = disc_frame(i, end - axis * half);
        }
        for i in (0..L3).rev() {
            let lower = vertebrae[i + 1];
            let end = lower.frame.to_patient(v3(0.0, 0.0, lower.half_height));
            let half = 0.5 * person.disc_height_mm[i];
            let axis = disc_frame(i, end).z;
            let next = body(i, end + axis * (2.0 * half));
            vertebrae[i] = Vertebra {
                frame: next.frame.moved(v3(0.0, 0.0, next.half_height)),
                ..next
            };
            discs[i].frame = disc_frame(i, end + axis * half);
        }
        for i in 0..N_VERTEBRAE - 1 {
            // A disc is as wide as its neighbours and 1 mm more (anatomy.md 1.2).
            discs[i].half_width = 0.25 * (LOWER_WIDTH[i] + UPPER_WIDTH[i + 1]) * scale + 0.7;
            discs[i].half_depth = 0.25 * (LOWER_DEPTH[i] + UPPER_DEPTH[i + 1]) * scale + 0.5;
            discs[i].half_height = 0.5 * person.disc_height_mm[i];
        }
        Spine { vertebrae, discs }
    }
}

fn wedge_angle(i: usize) -> f32 {
    2.0 * (WEDGE[i] / (UPPER_DEPTH[i] + LOWER_DEPTH[i])).atan()
}

fn tilts(person: &Person) -> [f32; N_VERTEBRAE] {
    const L3: usize = super::person::L1 + 2;
    let mut tilts = [person.tilt_l3; N_VERTEBRAE];
    let step = |i: usize| person.disc_angle[i] + 0.5 * (wedge_angle(i) + wedge_angle(i + 1));
    for i in L3..N_VERTEBRAE - 1 {
        tilts[i + 1] = tilts[i] + step(i);
    }
    for i in (0..L3).rev() {
        tilts[i] = tilts[i + 1] - step(i);
    }
    tilts
}

fn rolls(person: &Person) -> [f32; N_VERTEBRAE] {
    let mut rolls = [0.0; N_VERTEBRAE];
    for i in 1..N_VERTEBRAE {
        rolls[i] = rolls[i - 1] + person.side_angle[i - 1];
    }
    // The sacrum sits level on the pelvis.
    let base = rolls[S1];
    rolls.map(|roll| roll - base)
}
