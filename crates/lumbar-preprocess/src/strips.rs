//! The loops of resampling: strips of [`LANES`] output rows, first down the columns, then along the rows.

use crate::filter::AxisWeights;
use crate::simd::{self, Kernel, LANES, Lanes};
use crate::{Pixels, ValueMap};
use std::ops::Range;

/// Memory of one strip, and the source rows it shares with the next.
#[derive(Debug, Default, Clone)]
pub(crate) struct StripMemory {
    /// Rows of grey levels, as many as one output row may need.
    levels: Vec<f32>,
    /// Which source row each of them is.
    held: Vec<Option<usize>>,
    /// [`LANES`] output rows before they are filtered along.
    summed: Vec<f32>,
    /// The same, turned.
    columns: Vec<Lanes>,
    /// Output columns of the strip.
    filtered: Vec<Lanes>,
    /// The same, turned back.
    greys: Vec<f32>,
}

/// One slice on its way; `take` receives each output row's number and grey levels.
pub(crate) struct Strips<'a, F> {
    pub slice: Pixels<'a>,
    pub map: &'a ValueMap,
    /// Columns of the source that count.
    pub columns: Range<usize>,
    pub vertical: &'a AxisWeights,
    pub horizontal: &'a AxisWeights,
    pub memory: &'a mut StripMemory,
    pub take: F,
}

impl<F: FnMut(usize, &[f32])> Kernel for Strips<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let width = self.columns.len();
        let stride = width.next_multiple_of(LANES);
        let n_columns = self.horizontal.n_output();
        let out_stride = n_columns.next_multiple_of(LANES);
        let n_slots = self.vertical.widest_span().max(1);
        let memory = &mut *self.memory;
        memory.held.clear();
        memory.held.resize(n_slots, None);
        memory.levels.resize(n_slots * width, 0.0);
        memory.summed.clear();
        memory.summed.resize(LANES * stride, 0.0);
        // Runs of weights may reach beyond the last column, with weight zero.
        memory.columns.clear();
        memory
            .columns
            .resize(stride + self.horizontal.packed().n_taps, [0.0; LANES]);
        memory.filtered.clear();
        memory.filtered.resize(out_stride, [0.0; LANES]);
        memory.greys.resize(LANES * out_stride, 0.0);
        let n_rows = self.vertical.n_output();
        for first in (0..n_rows).step_by(LANES) {
            let rows = first..(first + LANES).min(n_rows);
            for row in rows.clone() {
                self.sum_row(row, (row - first) * stride);
            }
            let memory = &mut *self.memory;
            simd::rows_to_columns(&memory.summed, stride, &mut memory.columns[..stride]);
            filter_columns(self.horizontal, &memory.columns, &mut memory.filtered);
            simd::columns_to_rows(&memory.filtered, out_stride, &mut memory.greys);
            for row in rows {
                let at = (row - first) * out_stride;
                (self.take)(row, &memory.greys[at..at + n_columns]);
            }
        }
    }
}

impl<F> Strips<'_, F> {
    /// Weighted sum of the source rows of output row `row`, to `summed[at..]`.
    #[inline(always)]
    fn sum_row(&mut self, row: usize, at: usize) {
        let width = self.columns.len();
        let taps = self.vertical.taps(row);
        for (source, _) in taps {
            self.hold(*source as usize);
        }
        let n_slots = self.memory.held.len();
        let (levels, summed) = (&self.memory.levels, &mut self.memory.summed[at..at + width]);
        let source = |tap: usize| {
            let slot = taps[tap].0 as usize % n_slots;
            &levels[slot * width..(slot + 1) * width]
        };
        let weight = |tap: usize| taps[tap].1;
        // The common numbers in one go, without a visit to memory between; in the same order as the rest.
        match taps.len() {
            0 => summed.fill(0.0),
            1 => weigh([source(0)], [weight(0)], summed),
            2 => weigh([source(0), source(1)], [weight(0), weight(1)], summed),
            3 => weigh([0, 1, 2].map(source), [0, 1, 2].map(weight), summed),
            4 => weigh([0, 1, 2, 3].map(source), [0, 1, 2, 3].map(weight), summed),
            n => {
                weigh([0, 1, 2, 3].map(source), [0, 1, 2, 3].map(weight), summed);
                for tap in 4..n {
                    let weight = weight(tap);
                    for (sum, level) in summed.iter_mut().zip(source(tap)) {
                        *sum += level * weight;
                    }
                }
            }
        }
    }

    /// Makes sure that a source row's grey levels are at hand.
    #[inline(always)]
    fn hold(&mut self, row: usize) {
        let width = self.columns.len();
        let slot = row % self.memory.held.len();
        if self.memory.held[slot] != Some(row) {
            let levels = &mut self.memory.levels[slot * width..(slot + 1) * width];
            self.map.apply(&self.slice.row(row)[self.columns.clone()], levels);
            self.memory.held[slot] = Some(row);
        }
    }
}

#[inline(always)]
fn weigh<const N: usize>(rows: [&[f32]; N], weights: [f32; N], out: &mut [f32]) {
    let width = out.len();
    let rows = rows.map(|row| &row[..width]);
    for (column, sum) in out.iter_mut().enumerate() {
        let mut total = rows[0][column] * weights[0];
        for tap in 1..N {
            total += rows[tap][column] * weights[tap];
        }
        *sum = total;
    }
}

/// Filters the columns of a strip, all rows of it side by side.
#[inline(always)]
fn filter_columns(weights: &AxisWeights, columns: &[Lanes], out: &mut [Lanes]) {
    match weights.packed().n_taps {
        1 => dot::<1>(weights, columns, out),
        2 => dot::<2>(weights, columns, out),
        3 => dot::<3>(weights, columns, out),
        4 => dot::<4>(weights, columns, out),
        n => dot_any(n, weights, columns, out),
    }
}

#[inline(always)]
fn dot<const N: usize>(weights: &AxisWeights, columns: &[Lanes], out: &mut [Lanes]) {
    let packed = weights.packed();
    let (rows, _) = packed.weights.as_chunks::<N>();
    for ((start, weights), out) in packed.starts.iter().zip(rows).zip(out) {
        let run = &columns[*start as usize..*start as usize + N];
        let mut total = run[0].map(|level| level * weights[0]);
        for tap in 1..N {
            add(&mut total, &run[tap], weights[tap]);
        }
        *out = total;
    }
}

#[inline(always)]
fn dot_any(n_taps: usize, weights: &AxisWeights, columns: &[Lanes], out: &mut [Lanes]) {
    let packed = weights.packed();
    let rows = packed.weights.chunks_exact(n_taps.max(1));
    for ((start, weights), out) in packed.starts.iter().zip(rows).zip(out) {
        let run = &columns[*start as usize..*start as usize + n_taps];
        let mut total = [0.0; LANES];
        for (levels, weight) in run.iter().zip(weights) {
            add(&mut total, levels, *weight);
        }
        *out = total;
    }
}

#[inline(always)]
fn add(total: &mut Lanes, levels: &Lanes, weight: f32) {
    for (sum, level) in total.iter_mut().zip(levels) {
        *sum += level * weight;
    }
}
