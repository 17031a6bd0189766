//! Rotation and zoom about the centre, then a shift, by bilinear sampling.

/// Grey of one step of the 16-bit levels that are sampled.
pub(super) const UNIT: f32 = 1.0 / 65_535.0;

/// Where each output pixel looks in the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    /// Columns and rows of the source per output column and row.
    matrix: [f64; 4],
    /// Shift, as a share of the side.
    shift: [f64; 2],
}

impl Warp {
    pub fn new(rotation: f64, zoom: f64, shift: [f64; 2]) -> Warp {
        let (sin, cos) = rotation.sin_cos();
        Warp {
            matrix: [cos / zoom, sin / zoom, -sin / zoom, cos / zoom],
            shift,
        }
    }

    pub fn is_identity(&self) -> bool {
        self.matrix == [1.0, 0.0, -0.0, 1.0] && self.shift == [0.0, 0.0]
    }
}

/// Where one output row looks. Beyond the border the edge is repeated.
#[derive(Debug, Default, Clone)]
pub(super) struct RowPlan {
    columns: usize,
    /// The pixel above and to the left.
    at: Vec<u32>,
    /// How far to the right and down from it.
    fx: Vec<f32>,
    fy: Vec<f32>,
    upper: Vec<u32>,
    lower: Vec<u32>,
}

impl RowPlan {
    pub fn prepare(&mut self, warp: &Warp, [rows, columns]: [usize; 2], row: usize) {
        self.columns = columns;
        self.at.resize(columns, 0);
        self.fx.resize(columns, 0.0);
        self.fy.resize(columns, 0.0);
        self.upper.resize(columns, 0);
        self.lower.resize(columns, 0);
        let (middle_x, middle_y) = ((columns as f64 - 1.0) / 2.0, (rows as f64 - 1.0) / 2.0);
        let left = -middle_x - warp.shift[0] * columns as f64;
        let dy = row as f64 - middle_y - warp.shift[1] * rows as f64;
        let [xx, xy, yx, yy] = warp.matrix;
        // Source x and y run evenly along an output row.
        let x_start = (xx * left + xy * dy + middle_x) as f32;
        let y_start = (yx * left + yy * dy + middle_y) as f32;
        let (x_step, y_step) = (xx as f32, yx as f32);
        let (last_x, last_y) = ((columns - 1) as f32, (rows - 1) as f32);
        let stride = columns as u32;
        let places = self.at.iter_mut().zip(&mut self.fx).zip(&mut self.fy);
        for (column, ((at, fx), fy)) in places.enumerate() {
            let column = column as i32 as f32;
            let x = (x_start + x_step * column).max(0.0).min(last_x);
            let y = (y_start + y_step * column).max(0.0).min(last_y);
            let ((x0, share_x), (y0, share_y)) = (split(x), split(y));
            *at = y0 * stride + x0;
            (*fx, *fy) = (share_x, share_y);
        }
    }

    /// Samples a slice, given as [`pairs`](super::curve::pairs) of its pixels.
    pub fn sample(&mut self, pairs: &[u32], out: &mut [f32]) {
        // Reads and arithmetic apart: only the latter can use SIMD everywhere.
        let below = &pairs[self.columns..];
        for ((upper, lower), at) in self.upper.iter_mut().zip(&mut self.lower).zip(&self.at) {
            *upper = pairs[*at as usize];
            *lower = below[*at as usize];
        }
        let taps = self.upper.iter().zip(&self.lower);
        let weights = self.fx.iter().zip(&self.fy);
        for ((grey, (upper, lower)), (fx, fy)) in out.iter_mut().zip(taps).zip(weights) {
            let upper = along(*upper, *fx);
            let lower = along(*lower, *fx);
            *grey = upper + (lower - upper) * fy;
        }
    }
}

/// A coordinate in 0..2^22 as a whole number and the share 0..=1 that is left.
///
/// Adding 2^23 leaves the whole number in the mantissa, in two instructions that every SIMD level has; Rust's conversion
/// takes ten to care for numbers that do not occur here. An exact whole number may come out as the one below and a share
/// of 1, which is the same place.
fn split(coordinate: f32) -> (u32, f32) {
    const SHIFT: f32 = 8_388_608.0;
    let shifted = (coordinate - 0.5).max(0.0) + SHIFT;
    let whole = shifted.to_bits().wrapping_sub(SHIFT.to_bits());
    (whole, coordinate - (shifted - SHIFT))
}

fn along(pair: u32, share: f32) -> f32 {
    // Through i32, which SSE2 converts in one instruction.
    let left = (pair & 0xffff) as i32 as f32;
    let right = (pair >> 16) as i32 as f32;
    left + (right - left) * share
}

#[cfg(test)]
mod tests {
    use super::super::curve::pairs;
    use super::*;
    use proptest::prelude::*;

    /// One output pixel by the textbook.
    fn bilinear(warp: &Warp, levels: &[u8], [rows, columns]: [usize; 2], [row, column]: [usize; 2]) -> f64 {
        let middle = [(columns as f64 - 1.0) / 2.0, (rows as f64 - 1.0) / 2.0];
        let dx = column as f64 - middle[0] - warp.shift[0] * columns as f64;
        let dy = row as f64 - middle[1] - warp.shift[1] * rows as f64;
        let [xx, xy, yx, yy] = warp.matrix;
        let x = (xx * dx + xy * dy + middle[0]).clamp(0.0, columns as f64 - 1.0);
        let y = (yx * dx + yy * dy + middle[1]).clamp(0.0, rows as f64 - 1.0);
        let at = |x: f64, y: f64| {
            let x = (x as usize).min(columns - 1);
            f64::from(levels[(y as usize).min(rows - 1) * columns + x])
        };
        let (fx, fy) = (x.fract(), y.fract());
        let upper = at(x, y) * (1.0 - fx) + at(x + 1.0, y) * fx;
        let lower = at(x, y + 1.0) * (1.0 - fx) + at(x + 1.0, y + 1.0) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    proptest! {
        #[test]
        fn a_split_coordinate_adds_up(coordinate in 0.0f32..4_000_000.0) {
            for coordinate in [coordinate, coordinate.round()] {
                let (whole, share) = split(coordinate);
                prop_assert_eq!(whole as f32 + share, coordinate);
                prop_assert!((0.0..=1.0).contains(&share));
            }
        }

        #[test]
        fn rows_agree_with_the_textbook(
            rows in 1usize..20, columns in 1usize..20, seed in any::<u32>(),
            rotation in -4.0f64..4.0, zoom in 0.2f64..5.0, shift in [-1.0f64..1.0, -1.0f64..1.0],
        ) {
            let levels: Vec<u8> = (0..(rows * columns) as u32).map(|i| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let table = std::array::from_fn(|level| level as u16);
            let mut source = vec![0; (rows + 1) * columns];
            pairs(&levels, columns, &table, &mut source);
            let warp = Warp::new(rotation, zoom, shift);
            let (mut plan, mut out) = (RowPlan::default(), vec![0.0; columns]);
            for row in 0..rows {
                plan.prepare(&warp, [rows, columns], row);
                plan.sample(&source, &mut out);
                for (column, grey) in out.iter().enumerate() {
                    let exact = bilinear(&warp, &levels, [rows, columns], [row, column]);
                    prop_assert!((f64::from(*grey) - exact).abs() < 0.02, "{row} {column}: {grey} {exact}");
                }
            }
        }
    }
}
