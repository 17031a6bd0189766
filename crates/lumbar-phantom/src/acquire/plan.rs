//! Where the slices of a study lie.

use super::protocol::{Protocol, Scanner};
use crate::anatomy::{L1, S1, Scene};
use crate::config::{PhantomConfig, Pixels};
use crate::rng::{Draw, key};
use lumbar_core::{ImagePlane, PixelSpacing, Point, SeriesKind, Vector};

/// A slice to be taken, and the number it will bear.
#[derive(Debug, Clone)]
pub(crate) struct PlannedSlice {
    pub plane: ImagePlane,
    pub instance_number: i32,
}

/// A series to be taken.
#[derive(Debug, Clone)]
pub(crate) struct SeriesPlan {
    pub protocol: Protocol,
    pub scanner: Scanner,
    /// In the order of acquisition.
    pub slices: Vec<PlannedSlice>,
    /// Which optional tags are left out.
    pub absent: AbsentTags,
    pub seed: u64,
}

/// Optional tags that a series lacks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AbsentTags {
    pub modality: bool,
    pub timing: bool,
    pub frame_of_reference: bool,
    pub spacing_between: bool,
    pub rescale: bool,
    pub thickness: bool,
    pub sequence: bool,
}

/// Plans all series of a study.
pub(crate) fn plan_study(
    config: &PhantomConfig,
    study_idx: u64,
    scene: &Scene,
    roll: f32,
) -> Vec<SeriesPlan> {
    let seed = key(config.site.name(), config.seed);
    let mut d = Draw::new(seed, "plan", study_idx);
    let quirks = config.quirks;
    let scanner = Scanner::draw(config.site, &mut d);
    let mut kinds = Vec::with_capacity(5);
    // Shares of 1,975 RSNA studies: 2 lack T1, 1 lacks T2, 7 have two T1 (rsna.md section 1).
    let missing = d.unit();
    let lacks_t1 = quirks.missing_series && missing < 0.001;
    let lacks_t2 = quirks.missing_series && (0.001..0.0015).contains(&missing);
    if !lacks_t1 {
        kinds.push(SeriesKind::SagittalT1);
    }
    if quirks.missing_series && d.chance(0.0035) {
        kinds.push(SeriesKind::SagittalT1);
    }
    if !lacks_t2 {
        kinds.push(SeriesKind::SagittalT2);
    }
    let more = if quirks.several_axial {
        d.pick(&[0.83, 0.155, 0.015])
    } else {
        0
    };
    kinds.extend(std::iter::repeat_n(SeriesKind::AxialT2, 1 + more));

    // The technician centres a little off the spine, the same way in both sagittal series.
    let aim = [d.around(0.0, 2.0), d.around(0.0, 0.02), d.around(0.0, 0.025)];
    let n_axial = 1 + more;
    let mut axial_idx = 0;
    kinds
        .into_iter()
        .enumerate()
        .map(|(i, kind)| {
            let anisotropic = quirks.anisotropic_spacing;
            let mut protocol = Protocol::draw(kind, &scanner, quirks.varied_matrices, anisotropic, &mut d);
            let stretch = if anisotropic && d.chance(0.06) {
                d.range(0.82, 0.95)
            } else {
                1.0
            };
            if config.pixels == Pixels::Tiny {
                protocol.matrix = [32, 32];
            }
            let mut planes = match kind {
                SeriesKind::AxialT2 => {
                    axial_idx += 1;
                    let share = AxialShare {
                        index: axial_idx - 1,
                        of: n_axial,
                        per_disc: match config.pixels {
                            Pixels::Full => [4, 6],
                            Pixels::Tiny => TINY_PER_DISC,
                        },
                    };
                    axial(scene, &protocol, stretch, roll, share, &mut d)
                }
                _ => sagittal(scene, &protocol, stretch, aim, &mut d),
            };
            // Left foramen has the larger number in 64% of RSNA's sagittal series; 12% of axial ones count upwards.
            let turned = if kind == SeriesKind::AxialT2 { 0.12 } else { 0.36 };
            if quirks.either_direction && d.chance(turned) {
                planes.reverse();
            }
            SeriesPlan {
                slices: numbered(planes, quirks.number_gaps, &mut d),
                absent: if quirks.absent_tags {
                    absent(&mut d)
                } else {
                    AbsentTags::default()
                },
                protocol,
                scanner: scanner.clone(),
                seed: crate::rng::mix(d.bits() ^ i as u64),
            }
        })
        .collect()
}

fn absent(d: &mut Draw) -> AbsentTags {
    AbsentTags {
        modality: d.chance(0.03),
        timing: d.chance(0.08),
        frame_of_reference: d.chance(0.04),
        spacing_between: d.chance(0.25),
        rescale: d.chance(0.6),
        thickness: d.chance(0.05),
        sequence: d.chance(0.2),
    }
}

/// 17 of 6,294 RSNA series have gaps, one starts near 5000 (rsna.md section 1); ours a few more, so that small sets
/// meet them.
fn numbered(planes: Vec<ImagePlane>, gaps: bool, d: &mut Draw) -> Vec<PlannedSlice> {
    let odd = gaps && d.chance(0.03);
    let start = if odd && d.chance(0.2) {
        4980
    } else if odd && d.chance(0.4) {
        2
    } else {
        1
    };
    let gap_at = if odd { d.int(1, 4) } else { usize::MAX };
    planes
        .into_iter()
        .enumerate()
        .map(|(i, plane)| PlannedSlice {
            plane,
            instance_number: start + i as i32 + i32::from(i >= gap_at),
        })
        .collect()
}

/// Rows, columns and spacing of a field: square pixels unless stretched, and then rows are the farther apart.
fn grid(protocol: &Protocol, stretch: f64) -> (PixelSpacing, [u32; 2]) {
    let [rows, columns] = protocol.matrix;
    let column_mm = round_spacing(protocol.field_mm / f64::from(rows.max(columns)));
    let row_mm = round_spacing(column_mm / stretch);
    (PixelSpacing { row_mm, column_mm }, [rows, columns])
}

/// Spacing as a decimal string of DICOM holds it.
fn round_spacing(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn vector(x: f64, y: f64, z: f64) -> Vector {
    Vector::new(x, y, z)
}

/// A plane whose field is centred on a place; cosines and origin are rounded as a header will hold them.
fn centred(centre: Point, axes: [Vector; 2], spacing: PixelSpacing, shape: [u32; 2]) -> ImagePlane {
    let round = |v: Vector, digits: f64| {
        vector(
            (v.x * digits).round() / digits,
            (v.y * digits).round() / digits,
            (v.z * digits).round() / digits,
        )
    };
    let axes = axes.map(|axis| round(axis, 1e8));
    let half_across = 0.5 * (f64::from(shape[1]) - 1.0) * spacing.column_mm;
    let half_down = 0.5 * (f64::from(shape[0]) - 1.0) * spacing.row_mm;
    let corner = centre - axes[0] * half_across - axes[1] * half_down;
    let corner = round(corner.to_vector(), 1e5);
    ImagePlane::new(Point::new(corner.x, corner.y, corner.z), axes, spacing, shape)
        .expect("a planned field has unit axes, positive spacing and pixels")
}

fn sagittal(
    scene: &Scene,
    protocol: &Protocol,
    stretch: f64,
    aim: [f64; 3],
    d: &mut Draw,
) -> Vec<ImagePlane> {
    let (spacing, shape) = grid(protocol, stretch);
    let middle = scene.levels[2].back.origin.point();
    // The canal lies at 0.545 of the width, L3/4 at 0.53 of the height (anatomy.md 5.3).
    let (width, height) = (
        spacing.column_mm * f64::from(shape[1]),
        spacing.row_mm * f64::from(shape[0]),
    );
    let turn = d.around(0.0, 1.2).to_radians();
    let lean = d.around(0.0, 1.0).to_radians();
    let across = vector(-turn.sin(), turn.cos(), 0.0);
    let down = vector(-lean.sin() * turn.cos(), -lean.sin() * turn.sin(), -lean.cos());
    let normal = across.cross(down);
    let (from_canal, from_l3) = (-0.045 * width + aim[1] * width, 0.03 * height + aim[2] * height);
    let centre = Point::new(middle.x + aim[0], middle.y + 6.0 + from_canal, middle.z + from_l3);
    let n = d.int(15, 18);
    // Right to left.
    (0..n)
        .map(|i| {
            let off = (i as f64 - 0.5 * (n as f64 - 1.0)) * protocol.step_mm;
            // The normal of (back, down) points to the right.
            centred(centre - normal * off, [across, down], spacing, shape)
        })
        .collect()
}

/// Slices beside each disc where pixels are tiny: so many that 1,975 studies have about the 147,218 slices of RSNA's.
const TINY_PER_DISC: [usize; 2] = [6, 9];

/// Which of a study's axial series, and how many slices its blocks have at least and at most.
#[derive(Clone, Copy)]
struct AxialShare {
    index: usize,
    of: usize,
    per_disc: [usize; 2],
}

/// Axial slices from head to foot: blocks parallel to each disc, or one stack, or with several series part of each.
fn axial(
    scene: &Scene,
    protocol: &Protocol,
    stretch: f64,
    roll: f32,
    share: AxialShare,
    d: &mut Draw,
) -> Vec<ImagePlane> {
    let (spacing, shape) = grid(protocol, stretch);
    let roll = f64::from(roll) * 0.5;
    let plane_at = |centre: Point, tilt: f64, off: f64, forward: f64| {
        let across = vector(roll.cos(), roll.sin(), 0.0);
        let down = vector(-roll.sin() * tilt.cos(), roll.cos() * tilt.cos(), tilt.sin());
        // `across` x `down` points up; slices run downwards.
        let normal = across.cross(down);
        centred(
            centre - normal * off - down * forward,
            [across, down],
            spacing,
            shape,
        )
    };
    let one_stack = if share.of > 1 {
        share.index > 0 && d.chance(0.4)
    } else {
        d.chance(0.18)
    };
    let forward = d.around(-2.0, 4.0);
    if one_stack {
        let (top, bottom) = (
            scene.spine.vertebrae[L1].frame.origin,
            scene.spine.vertebrae[S1].frame.origin,
        );
        let tilt = d.around(0.0, 3.0).to_radians();
        let middle = (top + bottom) * 0.5;
        let length = f64::from(top.z - bottom.z) + 12.0;
        let n = (length / protocol.step_mm) as usize + 1;
        // One field for all: centred on the canal's mean place, so that lordosis moves the canal about in it.
        let canal_y = scene
            .levels
            .iter()
            .map(|level| f64::from(level.back.origin.y))
            .sum::<f64>()
            / 5.0;
        let centre = Point::new(f64::from(middle.x), canal_y + 2.0, f64::from(middle.z));
        return (0..n)
            .map(|i| {
                let off = (i as f64 - 0.5 * (n as f64 - 1.0)) * protocol.step_mm;
                plane_at(centre, tilt, off, forward)
            })
            .collect();
    }
    // Several series share the discs out: upper ones first. A single one leaves out L1/2, or that and L2/3, now and
    // then (164 and 82 of 1,975 in RSNA).
    let levels: Vec<usize> = match (share.index, share.of) {
        (0, 1) => {
            let skip = d.pick(&[0.917, 0.042, 0.041]);
            (skip..5).collect()
        }
        (0, _) => (0..3).collect(),
        (1, _) => (3..5).collect(),
        _ => vec![4],
    };
    let per_disc = d.int(share.per_disc[0], share.per_disc[1]);
    let mut planes = Vec::with_capacity(levels.len() * per_disc);
    for l in levels {
        let level = &scene.levels[l];
        let axis = level.back.z;
        // Parallel to the disc, but technicians seldom tilt beyond 30 degrees.
        let tilt = f64::from((-axis.y).atan2(axis.z)) + d.around(0.0, 2.0).to_radians();
        let tilt = tilt.clamp(-0.55, 0.55);
        let centre = level.back.to_patient(crate::math::v3(0.0, 2.0, 0.0)).point();
        let off_centre = d.around(0.0, 0.15) * protocol.step_mm;
        for i in 0..per_disc {
            let off = (i as f64 - 0.5 * (per_disc as f64 - 1.0)) * protocol.step_mm + off_centre;
            planes.push(plane_at(centre, tilt, off, forward));
        }
    }
    planes
}
