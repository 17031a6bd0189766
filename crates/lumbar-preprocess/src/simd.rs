//! Loops compiled for more than one instruction set, chosen at run time. The results do not depend on the choice: only
//! lanes that never meet are computed side by side, and Rust fuses no multiplication with an addition.
#![expect(
    unsafe_code,
    reason = "calls into code compiled for other instruction sets, and vector stores; each with its argument"
)]

mod words;

pub(crate) use words::{Block, WORDS, WordKernel, Words};

/// Rows worked on side by side: a vector of AVX2, two of SSE2.
pub(crate) const LANES: usize = 8;

/// The same place in [`LANES`] rows.
pub(crate) type Lanes = [f32; LANES];

/// A piece of work whose loops gain from wide vectors. `run` and all it calls must be `#[inline(always)]`, or they stay
/// compiled for the least machine.
pub(crate) trait Kernel {
    /// Does the work.
    fn run(self);
}

/// Instruction sets there is code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// What the target guarantees.
    Baseline,
    /// x86-64 with AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// The best this machine has; `RUSTFLAGS="--cfg lumbar_baseline"` forces it down, to show that bytes do not change.
    pub(crate) fn best() -> Level {
        #[cfg(all(target_arch = "x86_64", not(lumbar_baseline)))]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Level::Avx2;
        }
        Level::Baseline
    }

    /// Runs a kernel of whole numbers with this instruction set.
    #[cfg_attr(not(target_arch = "x86_64"), expect(clippy::unused_self))]
    pub(crate) fn run_words(self, kernel: impl WordKernel) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn with_avx2(kernel: impl WordKernel) {
                kernel.run::<words::Avx2>();
            }
            if self == Level::Avx2 && std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the only requirement is a machine with AVX2, asked for in the line above.
                unsafe { with_avx2(kernel) };
                return;
            }
        }
        kernel.run::<words::Plain>();
    }

    /// Runs a kernel with this instruction set.
    #[cfg_attr(not(target_arch = "x86_64"), expect(clippy::unused_self))]
    pub(crate) fn run(self, kernel: impl Kernel) {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn with_avx2(kernel: impl Kernel) {
                kernel.run();
            }
            if self == Level::Avx2 && std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the only requirement is a machine with AVX2, asked for in the line above.
                unsafe { with_avx2(kernel) };
                return;
            }
        }
        kernel.run();
    }
}

/// Turns [`LANES`] rows of `n` values, `stride` apart, into `n` columns of [`LANES`]. Both `n` and `stride` are multiples of
/// [`LANES`].
#[inline(always)]
pub(crate) fn rows_to_columns(rows: &[f32], stride: usize, columns: &mut [Lanes]) {
    for (block, out) in columns.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let at = |row: usize| chunk(rows, row * stride + block * LANES);
        turn(std::array::from_fn(at), out);
    }
}

/// The reverse of [`rows_to_columns`].
#[inline(always)]
pub(crate) fn columns_to_rows(columns: &[Lanes], stride: usize, rows: &mut [f32]) {
    for (block, columns) in columns.as_chunks::<LANES>().0.iter().enumerate() {
        let mut turned = [[0.0; LANES]; LANES];
        turn(*columns, &mut turned);
        for (row, values) in turned.iter().enumerate() {
            let at = row * stride + block * LANES;
            rows[at..at + LANES].copy_from_slice(values);
        }
    }
}

#[inline(always)]
fn chunk(values: &[f32], at: usize) -> Lanes {
    let mut out = [0.0; LANES];
    out.copy_from_slice(&values[at..at + LANES]);
    out
}

/// Transposes a square. LLVM makes 64 single loads and stores of the obvious loop, so quarters are shuffled here.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn turn(rows: [Lanes; LANES], out: &mut [Lanes; LANES]) {
    turn_quarter::<0, 0>(&rows, out);
    turn_quarter::<0, 4>(&rows, out);
    turn_quarter::<4, 0>(&rows, out);
    turn_quarter::<4, 4>(&rows, out);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn turn_quarter<const DOWN: usize, const RIGHT: usize>(rows: &[Lanes; LANES], out: &mut [Lanes; LANES]) {
    use std::arch::x86_64::{
        _mm_loadu_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    };
    let from: [&[f32]; 4] = std::array::from_fn(|i| &rows[DOWN + i][RIGHT..RIGHT + 4]);
    // SAFETY: every x86-64 machine has SSE; each slice is four floats, and neither load nor store asks for alignment.
    unsafe {
        let [a, b, c, d] = from.map(|values| _mm_loadu_ps(values.as_ptr()));
        let (ab_low, ab_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        let turned = [
            _mm_movelh_ps(ab_low, cd_low),
            _mm_movehl_ps(cd_low, ab_low),
            _mm_movelh_ps(ab_high, cd_high),
            _mm_movehl_ps(cd_high, ab_high),
        ];
        for (i, values) in turned.into_iter().enumerate() {
            _mm_storeu_ps(out[RIGHT + i][DOWN..DOWN + 4].as_mut_ptr(), values);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn turn(rows: [Lanes; LANES], out: &mut [Lanes; LANES]) {
    for (i, row) in rows.iter().enumerate() {
        for (column, value) in out.iter_mut().zip(row) {
            column[i] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_twice_gives_the_rows_back() {
        let rows: Vec<f32> = (0..LANES * 24).map(|i| i as f32).collect();
        let mut columns = vec![[0.0; LANES]; 24];
        rows_to_columns(&rows, 24, &mut columns);
        assert_eq!(columns[5], std::array::from_fn(|row| (row * 24 + 5) as f32));
        assert_eq!(columns[23][7], 191.0);
        let mut back = vec![0.0; rows.len()];
        columns_to_rows(&columns, 24, &mut back);
        assert_eq!(back, rows);
    }
}
