//! One person: everything about the anatomy that is drawn at random, before any geometry.

use crate::config::Site;
use crate::labels::Narrowing;
use crate::rng::{Draw, key};
use lumbar_core::Target;

/// Vertebrae from T10 down to S5.
pub(crate) const N_VERTEBRAE: usize = 13;
/// Position of L1 in the list of vertebrae; the disc below vertebra `i` has index `i`.
pub(crate) const L1: usize = 3;
/// Position of S1.
pub(crate) const S1: usize = 8;

/// The random part of a study's anatomy.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub female: bool,
    pub age_years: f64,
    /// Size of the bones, 1 for the mean of both sexes.
    pub scale: f32,
    pub narrowings: [Narrowing; Target::COUNT],
    /// Tilt of L3 and angles added at each disc, radians.
    pub tilt_l3: f32,
    pub disc_angle: [f32; N_VERTEBRAE],
    /// Sideways angle added at each disc, radians.
    pub side_angle: [f32; N_VERTEBRAE],
    pub disc_height_mm: [f32; N_VERTEBRAE],
    /// Degeneration of each disc, 0 (bright, high) to 1 (black).
    pub disc_degeneration: [f32; N_VERTEBRAE],
    /// Width and depth of the bony canal relative to the mean.
    pub canal_scale: f32,
    /// Share of each canal narrowing that comes from the disc (the rest from behind).
    pub ventral_share: [f32; 5],
    /// Angle of each facet joint to the sagittal plane, radians, `[level][side]`.
    pub facet_angle: [[f32; 2]; 5],
    pub marrow_fat: f32,
    pub muscle_fat: f32,
    /// Fat between skin and fascia in the midline behind, mm.
    pub subcutaneous_mm: f32,
    pub posterior_fat_mm: f32,
    /// Where the cord ends, vertebra index with fraction (3.8: lower third of L1).
    pub conus: f32,
    /// Where the sac ends, likewise.
    pub sac_end: f32,
    /// Patient position: offset of L3 from the isocentre, mm, and roll about the long axis, radians.
    pub offset_mm: [f32; 3],
    pub roll: f32,
    pub texture_seed: u64,
}

impl Person {
    /// Draws the person of a study.
    pub(crate) fn draw(
        site: Site,
        seed: u64,
        study_idx: u64,
        narrowings: [Narrowing; Target::COUNT],
    ) -> Person {
        let mut d = Draw::new(key(site.name(), seed), "person", study_idx);
        let habit = site.population();
        let female = d.chance(0.53);
        let age_years = d.around(habit.age_years, 13.0).clamp(20.0, 90.0);
        // Sex factor of widths and depths about 1.10 (anatomy.md 1.1).
        let scale = (d.around(habit.scale, 0.04) * if female { 0.965 } else { 1.035 }) as f32;
        let old = ((age_years - 25.0) / 50.0).clamp(0.0, 1.0);

        // Recumbent segmental angles, T10/11 to S4/5, degrees (anatomy.md 1.3, scaled to a supine L1-S1 of about 40).
        const DISC_ANGLE: [f64; N_VERTEBRAE] = [
            -2.0, -1.5, 0.0, 2.5, 5.0, 7.5, 11.0, 16.0, 10.0, 4.0, -12.0, -20.0, 0.0,
        ];
        let lordosis = d.around(habit.lordosis, 0.22).max(0.35);
        let disc_angle = std::array::from_fn(|i| {
            let bend = if i < S1 { lordosis } else { 1.0 };
            (DISC_ANGLE[i] * bend + d.around(0.0, 1.2)).to_radians() as f32
        });
        let scoliotic = d.chance(0.1 + 0.15 * old);
        let curve = if scoliotic {
            d.range(2.0, 4.5)
        } else {
            d.range(0.0, 1.0)
        };
        let curve = if d.chance(0.5) { curve } else { -curve };
        // A single lumbar curve with its apex at L2/3: bends there, straightens above and below.
        const CURVE: [f64; N_VERTEBRAE] = [
            -0.6, -0.8, -0.3, 0.6, 1.0, 0.6, -0.4, -0.8, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        let side_angle = std::array::from_fn(|i| {
            let own = if i < S1 { d.around(0.0, 0.5) } else { 0.0 };
            (CURVE[i] * curve + own).to_radians() as f32
        });

        // Middle heights, mm (anatomy.md 1.2), and what is left of the S1/S2 disc and below.
        const DISC_HEIGHT: [f64; N_VERTEBRAE] =
            [5.5, 6.0, 7.5, 8.5, 9.5, 10.5, 11.5, 10.5, 3.0, 1.2, 1.0, 1.0, 1.0];
        let mut disc_height_mm = [0.0; N_VERTEBRAE];
        let mut disc_degeneration = [0.0; N_VERTEBRAE];
        for i in 0..N_VERTEBRAE {
            // Mostly age and chance, lower discs more; the narrowing of the level adds a little, so that a disc's
            // look is no stand-in for the grade.
            let lower = if (6..=7).contains(&i) { 0.15 } else { 0.0 };
            let narrow = if (L1..S1).contains(&i) {
                f64::from(mean_narrowing(&narrowings, i - L1))
            } else {
                0.2
            };
            let degeneration =
                (0.05 + 0.5 * old + lower + 0.08 * narrow + d.around(0.0, 0.22)).clamp(0.0, 1.0);
            disc_degeneration[i] = degeneration as f32;
            disc_height_mm[i] =
                (DISC_HEIGHT[i] * (1.08 - 0.35 * degeneration * degeneration) * d.around(1.0, 0.07)) as f32
                    * scale;
        }

        // Facet orientation to the sagittal plane, degrees (anatomy.md 1.6).
        const FACET: [f64; 5] = [29.0, 30.4, 38.7, 47.0, 47.3];
        let facet_angle = std::array::from_fn(|l| {
            let mean = FACET[l] + d.around(0.0, 5.0);
            std::array::from_fn(|_| (mean + d.around(0.0, 4.0)).to_radians() as f32)
        });
        let sex_fat = if female { 1.25 } else { 0.85 };
        Person {
            female,
            age_years,
            scale,
            narrowings,
            tilt_l3: (d.around(-5.5, 4.0)).to_radians() as f32,
            disc_angle,
            side_angle,
            disc_height_mm,
            disc_degeneration,
            canal_scale: d.around(1.0, 0.05) as f32,
            ventral_share: std::array::from_fn(|_| d.range(0.35, 0.6) as f32),
            facet_angle,
            marrow_fat: (0.12 + 0.22 * old + d.around(0.0, 0.04)).clamp(0.05, 0.5) as f32,
            muscle_fat: ((0.025 + 0.11 * old) * sex_fat * habit.fat * d.around(1.0, 0.35)).clamp(0.01, 0.5)
                as f32,
            subcutaneous_mm: (d.around(14.0, 5.0) * habit.fat * if female { 1.15 } else { 0.9 })
                .clamp(5.0, 45.0) as f32,
            posterior_fat_mm: d.around(5.0, 1.1) as f32,
            conus: d.around(3.75, 0.4) as f32,
            sac_end: d.around(9.5, 0.4) as f32,
            offset_mm: [
                d.around(0.0, 3.0) as f32,
                d.around(0.0, 8.0) as f32,
                d.around(0.0, 12.0) as f32,
            ],
            // Roll on the table: SD 6.5 degrees on marks, of which about half is the patient (anatomy.md 1.3).
            roll: d.around(0.0, 2.5).to_radians() as f32,
            texture_seed: d.bits(),
        }
    }
}

fn mean_narrowing(narrowings: &[Narrowing; Target::COUNT], level_idx: usize) -> f32 {
    let of_level = Target::all().filter(|target| target.level.index() == level_idx);
    let sum: f64 = of_level.map(|target| narrowings[target.index()].fraction).sum();
    (sum / 5.0) as f32
}
