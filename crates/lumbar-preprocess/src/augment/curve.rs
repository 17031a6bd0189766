//! The grey curve: gamma, contrast about mid-grey, brightness, as a table over the 256 levels.

use super::warp::UNIT;
use std::sync::LazyLock;

/// A grey curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    pub gamma: f64,
    pub contrast: f64,
    pub brightness: f64,
}

impl Curve {
    /// Grey 0..=1 of each level.
    pub fn table(&self) -> [f32; 256] {
        if *self == Curve::IDENTITY {
            return std::array::from_fn(|level| level as f32 / 255.0);
        }
        let (gamma, contrast) = (self.gamma as f32, self.contrast as f32);
        let offset = (0.5 - 0.5 * self.contrast + self.brightness) as f32;
        let log2 = &*LOG2;
        std::array::from_fn(|level| (exp2(log2[level] * gamma) * contrast + offset).clamp(0.0, 1.0))
    }

    /// The table in multiples of [`UNIT`].
    pub fn wide_table(&self) -> [u16; 256] {
        self.table().map(|grey| (grey * (1.0 / UNIT) + 0.5) as u16)
    }

    const IDENTITY: Curve = Curve {
        gamma: 1.0,
        contrast: 1.0,
        brightness: 0.0,
    };
}

/// Base-2 logarithm of each level's grey; that of black is as good as minus infinity.
static LOG2: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|level| match level {
        0 => -1000.0,
        _ => (level as f64 / 255.0).log2() as f32,
    })
});

/// 2^x for x <= 0, relative error below 3e-7; 0 below 2^-126. The library's `exp2` costs ten times as much, and its
/// last bit depends on the machine.
fn exp2(x: f32) -> f32 {
    let x = x.max(-127.0);
    let whole = (x - 0.5) as i32;
    let f = x - whole as f32;
    // Polynomial of exp2f, Cephes math library (Moshier).
    let p = 1.535_336_2e-4;
    let p = p * f + 1.339_887_4e-3;
    let p = p * f + 9.618_437e-3;
    let p = p * f + 5.550_332_5e-2;
    let p = p * f + 2.402_264_8e-1;
    let p = p * f + 6.931_472e-1;
    (p * f + 1.0) * f32::from_bits(((whole + 127).max(0) as u32) << 23)
}

/// Levels `[rows, columns]` through the table, each beside its neighbour to the right: bits 0..16 are the pixel, bits
/// 16..32 the next one of the row. The last pixel of a row stands beside itself, the last row twice:
/// `[rows + 1, columns]`. Two reads then give the four pixels around any point.
pub(super) fn pairs(levels: &[u8], columns: usize, table: &[u16; 256], out: &mut [u32]) {
    let rows = levels.chunks_exact(columns).zip(out.chunks_exact_mut(columns));
    for (levels, out) in rows {
        let Some(last) = levels.last() else {
            return;
        };
        let mut right = u32::from(table[usize::from(*last)]);
        for (level, pair) in levels.iter().zip(out).rev() {
            let grey = u32::from(table[usize::from(*level)]);
            *pair = grey | right << 16;
            right = grey;
        }
    }
    let n = levels.len();
    out.copy_within(n - columns..n, n);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_gamma_then_contrast_then_brightness() {
        for (gamma, contrast, brightness) in [
            (1.0, 1.0, 0.0),
            (0.8, 1.2, 0.05),
            (1.25, 0.8, -0.08),
            (11.0, 5.0, 1.0),
            (0.09, 0.1, 0.0),
        ] {
            let curve = Curve {
                gamma,
                contrast,
                brightness,
            };
            for (level, (grey, wide)) in curve.table().into_iter().zip(curve.wide_table()).enumerate() {
                let exact = ((level as f64 / 255.0).powf(gamma) - 0.5) * contrast + 0.5 + brightness;
                let exact = exact.clamp(0.0, 1.0);
                assert!(
                    (f64::from(grey) - exact).abs() < 3e-6,
                    "{curve:?} {level}: {grey} {exact}"
                );
                assert!((f64::from(wide) * f64::from(UNIT) - exact).abs() < 1.2e-5);
            }
        }
    }

    #[test]
    fn pairs_repeat_the_edge() {
        let table = std::array::from_fn(|level| level as u16);
        let mut out = [0; 9];
        pairs(&[1, 2, 3, 4, 5, 6], 3, &table, &mut out);
        let split = out.map(|pair| (pair & 0xffff, pair >> 16));
        let rows = [(1, 2), (2, 3), (3, 3), (4, 5), (5, 6), (6, 6)];
        assert_eq!(split[..6], rows);
        assert_eq!(split[6..], rows[3..]);
    }
}
