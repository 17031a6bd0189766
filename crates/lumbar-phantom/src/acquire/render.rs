//! Taking a slice: tissue signal averaged over the slice's thickness, coil, noise, reconstruction.

use super::plan::SeriesPlan;
use super::resample::{Axis, Grid};
use crate::anatomy::{CSF, Candidates, FAT, N_TISSUES, Scene, Voxel};
use crate::math::{V3, v3};
use crate::rng::PixelNoise;
use lumbar_core::{ImagePlane, SeriesKind};

/// Sizes of the tiles in which solids are sorted out, in samples: each level divides the one before.
const TILES: [usize; 3] = [64, 16, 4];
/// Samples per acquired pixel along each axis.
const OVERSAMPLING: f64 = 1.7;

/// A slice's picture, row major, 12 bits.
pub(crate) fn render(scene: &Scene, plan: &SeriesPlan, slice_idx: usize) -> Vec<u16> {
    let plane = &plan.slices[slice_idx].plane;
    let protocol = &plan.protocol;
    let (rows, columns) = (plane.rows() as usize, plane.columns() as usize);
    let spacing = plane.spacing();
    let output = [
        Grid {
            n: rows,
            step_mm: spacing.row_mm,
            first_mm: 0.0,
        },
        Grid {
            n: columns,
            step_mm: spacing.column_mm,
            first_mm: 0.0,
        },
    ];
    // Acquired pixels are never finer than reconstructed ones.
    let acquired = [
        protocol.acquired_mm[0].max(spacing.row_mm),
        protocol.acquired_mm[1].max(spacing.column_mm),
    ];
    let fine: [Grid; 2] = std::array::from_fn(|a| covering(output[a], acquired[a] / OVERSAMPLING));
    let coarse: [Grid; 2] = std::array::from_fn(|a| covering(output[a], acquired[a]));
    let clean = Sampler::new(scene, plan, plane, fine).signal();
    let down = Axis::new(fine[0], output[0], acquired[0], protocol.ringing);
    let across = Axis::new(fine[1], output[1], acquired[1], protocol.ringing);
    let mut real = across.along_rows(&down.down_columns(&clean));

    // Complex noise on the acquired grid goes through the same reconstruction; the magnitude is then Rician.
    let mut noise = PixelNoise::new(plan.seed ^ (slice_idx as u64) << 32);
    let noise_down = Axis::new(coarse[0], output[0], acquired[0], protocol.ringing);
    let noise_across = Axis::new(coarse[1], output[1], acquired[1], protocol.ringing);
    let mut channel = || {
        let white: Vec<f32> = (0..coarse[0].n * coarse[1].n).map(|_| noise.next()).collect();
        noise_across.along_rows(&noise_down.down_columns(&white))
    };
    let (in_phase, quadrature) = (channel(), channel());
    let reference = reference_signal(scene, plan);
    // Stated as the deviation in the picture, after the reconstruction has smoothed it.
    let sigma = protocol.noise * reference / (noise_down.noise_gain() * noise_across.noise_gain());
    let coil = CoilCorrection::new(scene, plan, plane);
    let scale = vendor_scale(plan) / reference;
    let mut out = Vec::with_capacity(rows * columns);
    for (row, line) in real.chunks_exact_mut(columns).enumerate() {
        let base = coil.row(row);
        for (column, value) in line.iter().enumerate() {
            let at = row * columns + column;
            let (a, b) = (value + sigma * in_phase[at], sigma * quadrature[at]);
            let magnitude = (a * a + b * b).sqrt() * base * coil.columns[column];
            out.push((magnitude * scale + 0.5).clamp(0.0, 4095.0) as u16);
        }
    }
    out
}

/// A picture of noise for headers that need any pixels at all.
pub(crate) fn tiny(plan: &SeriesPlan, slice_idx: usize) -> Vec<u16> {
    let plane = &plan.slices[slice_idx].plane;
    let mut noise = PixelNoise::new(plan.seed ^ (slice_idx as u64) << 32);
    (0..plane.rows() * plane.columns())
        .map(|_| (300.0 + 60.0 * noise.next()).clamp(0.0, 4095.0) as u16)
        .collect()
}

/// Samples `step_mm` apart that cover a grid's field with room for the kernel's ends.
fn covering(output: Grid, step_mm: f64) -> Grid {
    let field = output.n as f64 * output.step_mm;
    let n = (field / step_mm).ceil() as usize + 4;
    let first_mm = -0.5 * output.step_mm + 0.5 * (field - (n as f64 - 1.0) * step_mm);
    Grid { n, step_mm, first_mm }
}

/// Signal that the noise and the scale refer to: CSF on T2, fat on T1.
fn reference_signal(scene: &Scene, plan: &SeriesPlan) -> f32 {
    let signals = plan.protocol.contrast.signals(&scene.tissues);
    match plan.protocol.kind {
        SeriesKind::SagittalT1 => signals[FAT as usize] * 0.85,
        _ => signals[CSF as usize],
    }
}

/// Stored value of the reference: each series has its own gain (anatomy.md 6.2, point 9).
fn vendor_scale(plan: &SeriesPlan) -> f32 {
    let unit = (plan.seed >> 40) as f32 / (1_u64 << 24) as f32;
    430.0 + 420.0 * unit
}

/// Distance behind which the coil lies, mm behind the canal's front wall at L3/4.
const COIL_BEHIND_MM: f32 = 85.0;

/// Sensitivity at a place: an exponential in the distance from the back, weaker towards the ends.
struct Coil {
    back_y: f32,
    middle_z: f32,
}

impl Coil {
    fn new(scene: &Scene) -> Coil {
        let middle = scene.levels[2].back.origin;
        Coil {
            back_y: middle.y + COIL_BEHIND_MM,
            middle_z: middle.z,
        }
    }
}

/// The scanner's own correction, which lifts signal and noise alike, relative to the canal.
struct CoilCorrection {
    rows: Vec<f32>,
    columns: Vec<f32>,
}

impl CoilCorrection {
    fn new(scene: &Scene, plan: &SeriesPlan, plane: &ImagePlane) -> CoilCorrection {
        let coil = Coil::new(scene);
        let rate = 1.0 / plan.scanner.coil_mm - 1.0 / plan.protocol.coil_left_mm;
        let origin = V3::from_point(plane.origin());
        let (across, down) = steps(plane);
        let rows = (0..plane.rows())
            .map(|r| {
                (rate * (coil.back_y - COIL_BEHIND_MM - origin.y - down.y * r as f32))
                    .min(1.6)
                    .exp()
            })
            .collect();
        let columns = (0..plane.columns())
            .map(|c| (-rate * across.y * c as f32).exp())
            .collect();
        CoilCorrection { rows, columns }
    }

    fn row(&self, row: usize) -> f32 {
        self.rows[row]
    }
}

/// Steps of one column and one row, mm.
fn steps(plane: &ImagePlane) -> (V3, V3) {
    let spacing = plane.spacing();
    (
        V3::from_vector(plane.row_direction() * spacing.column_mm),
        V3::from_vector(plane.column_direction() * spacing.row_mm),
    )
}

/// Evaluates the anatomy on the fine grid of a slice.
struct Sampler<'a> {
    scene: &'a Scene,
    signals: [f32; N_TISSUES],
    fine: [Grid; 2],
    origin: V3,
    /// Steps of the fine grid along columns and rows, and the unit normal.
    across: V3,
    down: V3,
    normal: V3,
    thickness: f32,
    coil: Coil,
    coil_rate: f32,
    saturated: f32,
    front_y: f32,
    fat_shift: usize,
}

impl<'a> Sampler<'a> {
    fn new(scene: &'a Scene, plan: &SeriesPlan, plane: &ImagePlane, fine: [Grid; 2]) -> Sampler<'a> {
        let row_direction = V3::from_vector(plane.row_direction());
        let column_direction = V3::from_vector(plane.column_direction());
        let origin = V3::from_point(plane.origin())
            + row_direction * fine[1].first_mm as f32
            + column_direction * fine[0].first_mm as f32;
        let mut signals = plan.protocol.contrast.signals(&scene.tissues);
        signals[CSF as usize] *= if plan.protocol.kind == SeriesKind::SagittalT1 {
            1.0
        } else {
            plan.scanner.csf_gain
        };
        signals[FAT as usize] *= plan.protocol.fat_gain;
        let middle = scene.levels[2].back.origin;
        Sampler {
            scene,
            signals,
            fine,
            origin,
            across: row_direction * fine[1].step_mm as f32,
            down: column_direction * fine[0].step_mm as f32,
            normal: V3::from_vector(plane.normal()),
            thickness: plan.protocol.thickness_mm as f32,
            coil: Coil::new(scene),
            coil_rate: 1.0 / plan.scanner.coil_mm,
            saturated: plan.protocol.saturated,
            front_y: middle.y - 44.0,
            fat_shift: (plan.protocol.fat_shift_mm / fine[1].step_mm).round() as usize,
        }
    }

    /// Signal on the fine grid, row major, with fat shifted along the frequency axis and the coil's sensitivity.
    fn signal(&self) -> Vec<f32> {
        let (n_rows, n_columns) = (self.fine[0].n, self.fine[1].n);
        let mut water = vec![0.0_f32; n_rows * n_columns];
        let mut fat = vec![0.0_f32; n_rows * n_columns];
        let all = self.scene.all();
        let mut lists = vec![Candidates::default(); TILES.len()];
        for row in (0..n_rows).step_by(TILES[0]) {
            for column in (0..n_columns).step_by(TILES[0]) {
                self.tile(0, [row, column], &all, &mut lists, (&mut water, &mut fat));
            }
        }
        let shift = self.fat_shift;
        for (water, fat) in water.chunks_exact_mut(n_columns).zip(fat.chunks_exact(n_columns)) {
            for (at, value) in water.iter_mut().enumerate() {
                *value += fat[at.saturating_sub(shift)];
            }
        }
        self.shade(&mut water);
        water
    }

    fn tile(
        &self,
        depth: usize,
        corner: [usize; 2],
        from: &Candidates,
        lists: &mut [Candidates],
        out: (&mut [f32], &mut [f32]),
    ) {
        let size = TILES[depth];
        let (n_rows, n_columns) = (self.fine[0].n, self.fine[1].n);
        let half = 0.5 * (size as f32 - 1.0);
        let centre =
            self.origin + self.down * (corner[0] as f32 + half) + self.across * (corner[1] as f32 + half);
        let extent = v3(
            half * self.across.length(),
            half * self.down.length(),
            0.55 * self.thickness,
        );
        let Some((list, deeper)) = lists.split_first_mut() else {
            return;
        };
        self.scene.within(from, centre, extent.length(), list);
        if depth + 1 < TILES.len() {
            let step = TILES[depth + 1];
            let (water, fat) = out;
            for row in (corner[0]..(corner[0] + size).min(n_rows)).step_by(step) {
                for column in (corner[1]..(corner[1] + size).min(n_columns)).step_by(step) {
                    self.tile(depth + 1, [row, column], list, deeper, (&mut *water, &mut *fat));
                }
            }
            return;
        }
        let (water, fat) = out;
        for row in corner[0]..(corner[0] + size).min(n_rows) {
            for column in corner[1]..(corner[1] + size).min(n_columns) {
                let p = self.origin + self.down * row as f32 + self.across * column as f32;
                let (w, f) = self.voxel(p, row, column, list);
                water[row * n_columns + column] = w;
                fat[row * n_columns + column] = f;
            }
        }
    }

    /// Mean of the samples through the thickness. Where one solid fills the tile, one will do; elsewhere four, and
    /// four neighbours together have sixteen evenly spaced depths, which the reconstruction averages.
    #[inline]
    fn voxel(&self, p: V3, row: usize, column: usize, list: &Candidates) -> (f32, f32) {
        if list.settled {
            return self.signal_of(self.scene.sample(p, list));
        }
        let phase = (((row & 1) * 2 + (column & 1)) as f32 + 0.5) * 0.25;
        // The slice's profile is a box with soft edges, a little wider than nominal.
        let step = 0.25 * 1.04 * self.thickness;
        let (mut water, mut fat) = (0.0, 0.0);
        for k in 0..4 {
            let offset = (k as f32 + phase - 2.0) * step;
            let (w, f) = self.signal_of(self.scene.sample(p + self.normal * offset, list));
            water += 0.25 * w;
            fat += 0.25 * f;
        }
        (water, fat)
    }

    #[inline]
    fn signal_of(&self, voxel: Voxel) -> (f32, f32) {
        (
            voxel.gain * (1.0 - voxel.fat) * self.signals[voxel.tissue as usize],
            voxel.gain * voxel.fat * self.signals[FAT as usize],
        )
    }

    /// Multiplies by the coil's sensitivity relative to the canal, and by the saturation band in front.
    fn shade(&self, signal: &mut [f32]) {
        let n_columns = self.fine[1].n;
        let column_factor: Vec<f32> = (0..n_columns)
            .map(|c| (self.coil_rate * self.across.y * c as f32).exp())
            .collect();
        for (row, line) in signal.chunks_exact_mut(n_columns).enumerate() {
            let start = self.origin + self.down * row as f32;
            let depth = self.coil.back_y - COIL_BEHIND_MM - start.y;
            let along = (start.z + 0.5 * n_columns as f32 * self.across.z - self.coil.middle_z) / 150.0;
            let row_factor = (-self.coil_rate * depth).exp() / (1.0 + 0.25 * along.powi(4));
            for (column, value) in line.iter_mut().enumerate() {
                let y = start.y + self.across.y * column as f32;
                let band = crate::math::fade(y, self.front_y - 30.0, self.front_y);
                *value *= row_factor * column_factor[column] * (1.0 - band * (1.0 - self.saturated));
            }
        }
    }
}
