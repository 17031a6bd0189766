//! Resampling filters, and the weights they give along one axis.

use crate::fixed::Shares;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How pixels are resampled. The name says whether a filter widens when it shrinks an image (`..._antialias`, as
/// Pillow and torchvision's `antialias=True`) or always looks at its nearest neighbours (`..._interpolate`, as
/// OpenCV's `INTER_LINEAR`, `INTER_CUBIC`), which lets fine structure alias.
///
/// All filters place pixel centres at half-integer edge coordinates (`align_corners=False`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Each output pixel is the mean of the source area it covers, fractions included: OpenCV's `INTER_AREA`.
    ///
    /// It equals OpenCV to one 8-bit level when both axes shrink or both grow. Where one shrinks and the other grows,
    /// OpenCV falls back to a two-tap interpolation; this filter stays the exact mean.
    #[default]
    Area,
    /// The pixel under the centre.
    Nearest,
    /// Triangle filter, widened when shrinking.
    BilinearAntialias,
    /// The two nearest pixels along each axis.
    BilinearInterpolate,
    /// Catmull-Rom cubic (a = -0.5, as Pillow), widened when shrinking.
    BicubicAntialias,
    /// Catmull-Rom cubic (a = -0.5; OpenCV's is -0.75) over the four nearest pixels along each axis.
    BicubicInterpolate,
    /// Lanczos with three lobes, widened when shrinking.
    Lanczos3Antialias,
    /// Lanczos with three lobes over the six nearest pixels along each axis.
    Lanczos3Interpolate,
}

impl Filter {
    /// All filters.
    pub const ALL: [Filter; 8] = [
        Filter::Area,
        Filter::Nearest,
        Filter::BilinearAntialias,
        Filter::BilinearInterpolate,
        Filter::BicubicAntialias,
        Filter::BicubicInterpolate,
        Filter::Lanczos3Antialias,
        Filter::Lanczos3Interpolate,
    ];

    fn kernel(self) -> Option<Kernel> {
        let (weight, support): (fn(f64) -> f64, f64) = match self {
            Filter::Area | Filter::Nearest => return None,
            Filter::BilinearAntialias | Filter::BilinearInterpolate => (triangle, 1.0),
            Filter::BicubicAntialias | Filter::BicubicInterpolate => (catmull_rom, 2.0),
            Filter::Lanczos3Antialias | Filter::Lanczos3Interpolate => (lanczos3, 3.0),
        };
        let antialias = matches!(
            self,
            Filter::BilinearAntialias | Filter::BicubicAntialias | Filter::Lanczos3Antialias
        );
        Some(Kernel {
            weight,
            support,
            antialias,
        })
    }
}

struct Kernel {
    weight: fn(f64) -> f64,
    support: f64,
    antialias: bool,
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys 1981, a = -0.5.
fn catmull_rom(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

fn lanczos3(x: f64) -> f64 {
    fn sinc(x: f64) -> f64 {
        if x == 0.0 {
            1.0
        } else {
            let x = x * std::f64::consts::PI;
            x.sin() / x
        }
    }
    if x.abs() < 3.0 {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}

/// What lies outside the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// The bottom of the intensity window, as air in MR.
    #[default]
    Zero,
    /// The nearest pixel of the image.
    Edge,
}

/// The source pixels and weights of each output position along one axis, in compressed rows.
#[derive(Debug, Default, Clone)]
pub(crate) struct AxisWeights {
    ends: Vec<usize>,
    taps: Vec<(u32, f32)>,
    buffer: Vec<(i64, f64)>,
    /// What the weights are of: slices of one series ask for the same again and again.
    key: Option<(Axis, Filter, Padding)>,
    /// First source index and one past the last one in use.
    source_range: Option<(usize, usize)>,
    widest_span: usize,
    /// The weights in whole numbers, one for each of `taps`.
    shares: Shares,
    /// The same weights as rows of equal length, filled up with zeros; see [`AxisWeights::pack`].
    packed: Packed,
}

/// Weights of each output position as a run of `n_taps` from `starts` on.
#[derive(Debug, Default, Clone)]
pub(crate) struct Packed {
    origin: Option<usize>,
    pub n_taps: usize,
    pub starts: Vec<u32>,
    pub weights: Vec<f32>,
    /// The weights in whole numbers, where they can be told so.
    pub shares: Vec<u16>,
}

/// One axis of a resampling: output pixels cover `start..end` of a source axis with `n_source` pixels, in edge
/// coordinates (pixel `j` covers `j..j + 1`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    pub start: f64,
    pub end: f64,
    pub n_source: usize,
    pub n_output: usize,
}

impl AxisWeights {
    pub fn n_output(&self) -> usize {
        self.ends.len()
    }

    /// Taps of one output position.
    pub fn taps(&self, i: usize) -> &[(u32, f32)] {
        &self.taps[self.range_of(i)]
    }

    /// Shares of the taps of one output position; none where [`AxisWeights::has_shares`] says so.
    pub fn shares(&self, i: usize) -> &[u16] {
        self.shares.get(self.range_of(i))
    }

    /// Whether the weights can be told in whole numbers.
    pub fn has_shares(&self) -> bool {
        self.shares.are_whole()
    }

    fn range_of(&self, i: usize) -> Range<usize> {
        let begin = if i == 0 { 0 } else { self.ends[i - 1] };
        begin..self.ends[i]
    }

    /// First source index and one past the last one in use; `None` if all output lies outside the image.
    pub fn source_range(&self) -> Option<(usize, usize)> {
        self.source_range
    }

    /// Most source pixels from the first tap to the last of any output position, those without weight between included.
    pub fn widest_span(&self) -> usize {
        self.widest_span
    }

    /// What [`AxisWeights::pack`] made.
    pub fn packed(&self) -> &Packed {
        &self.packed
    }

    /// The weights as rows of equal length, positions counted from `origin`: what a loop without branches wants.
    pub fn pack(&mut self, origin: usize) -> &Packed {
        if self.packed.origin == Some(origin) {
            return &self.packed;
        }
        let n_taps = self.widest_span;
        let mut packed = std::mem::take(&mut self.packed);
        packed.origin = Some(origin);
        packed.n_taps = n_taps;
        packed.starts.clear();
        packed.weights.clear();
        packed.weights.resize(self.n_output() * n_taps, 0.0);
        packed.shares.clear();
        packed.shares.resize(self.n_output() * n_taps, 0);
        for i in 0..self.n_output() {
            let taps = self.taps(i);
            let start = taps.first().map_or(origin, |(j, _)| *j as usize);
            packed.starts.push((start - origin) as u32);
            for (j, weight) in taps {
                packed.weights[i * n_taps + (*j as usize - start)] += weight;
            }
            for ((j, _), share) in taps.iter().zip(self.shares(i)) {
                packed.shares[i * n_taps + (*j as usize - start)] += share;
            }
        }
        self.packed = packed;
        &self.packed
    }

    /// Computes the weights anew, reusing memory.
    pub fn fill(&mut self, axis: Axis, filter: Filter, padding: Padding) {
        let key = Some((axis, filter, padding));
        if self.key == key {
            return;
        }
        self.key = key;
        self.ends.clear();
        self.taps.clear();
        let step = (axis.end - axis.start) / axis.n_output as f64;
        for i in 0..axis.n_output {
            let begin = axis.start + step * i as f64;
            self.buffer.clear();
            match filter.kernel() {
                None if filter == Filter::Nearest => {
                    self.buffer.push(((begin + step * 0.5).floor() as i64, 1.0));
                }
                None => {
                    let end = axis.start + step * (i + 1) as f64;
                    cover(begin, end, &mut self.buffer);
                }
                Some(kernel) => convolve(&kernel, begin + step * 0.5, step, &mut self.buffer),
            }
            self.push_taps(axis.n_source, padding);
        }
        let indices = || self.taps.iter().map(|(j, _)| *j as usize);
        self.source_range = indices().min().zip(indices().max().map(|last| last + 1));
        self.widest_span = (0..self.n_output())
            .map(|i| span(self.taps(i)))
            .max()
            .unwrap_or(0);
        self.shares.fill(&self.taps, &self.ends);
        self.packed.origin = None;
    }

    /// Moves the buffered taps over, dealing with those outside the image.
    fn push_taps(&mut self, n_source: usize, padding: Padding) {
        let begin = self.taps.len();
        let last = n_source as i64 - 1;
        for (j, weight) in self.buffer.drain(..) {
            let inside = (0..=last).contains(&j);
            if !inside && padding == Padding::Zero {
                continue;
            }
            let j = j.clamp(0, last) as u32;
            match self.taps[begin..].last_mut() {
                // Taps beyond the border fall together on the border pixel.
                Some((previous, sum)) if *previous == j => *sum += weight as f32,
                _ => self.taps.push((j, weight as f32)),
            }
        }
        self.ends.push(self.taps.len());
    }
}

fn span(taps: &[(u32, f32)]) -> usize {
    match (taps.first(), taps.last()) {
        (Some(first), Some(last)) => (last.0 - first.0) as usize + 1,
        _ => 0,
    }
}

/// Fractions of `begin..end` that each source pixel covers.
fn cover(begin: f64, end: f64, out: &mut Vec<(i64, f64)>) {
    // Overlaps below this share of the output pixel are rounding of the edges, not pixels (OpenCV: 1e-3 of a pixel).
    const LEAST_SHARE: f64 = 1e-6;
    let length = end - begin;
    for j in begin.floor() as i64..end.ceil() as i64 {
        let overlap = (end.min((j + 1) as f64) - begin.max(j as f64)) / length;
        if overlap > LEAST_SHARE {
            out.push((j, overlap));
        }
    }
    normalise(out);
}

fn convolve(kernel: &Kernel, centre: f64, step: f64, out: &mut Vec<(i64, f64)>) {
    let width = if kernel.antialias { step.max(1.0) } else { 1.0 };
    let reach = kernel.support * width;
    for j in (centre - reach - 0.5).floor() as i64..=(centre + reach - 0.5).ceil() as i64 {
        let weight = (kernel.weight)((j as f64 + 0.5 - centre) / width);
        if weight != 0.0 {
            out.push((j, weight));
        }
    }
    normalise(out);
}

fn normalise(taps: &mut [(i64, f64)]) {
    let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
    for (_, weight) in taps {
        *weight /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(axis: Axis, filter: Filter, padding: Padding) -> AxisWeights {
        let mut weights = AxisWeights::default();
        weights.fill(axis, filter, padding);
        weights
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_with_edge_padding(
            start in -20.0f64..40.0, length in 0.5f64..90.0, n_source in 1usize..50, n_output in 1usize..70,
            filter in prop::sample::select(Filter::ALL.to_vec()),
        ) {
            let axis = Axis { start, end: start + length, n_source, n_output };
            let weights = weights(axis, filter, Padding::Edge);
            prop_assert_eq!(weights.n_output(), n_output);
            for i in 0..n_output {
                let sum: f64 = weights.taps(i).iter().map(|(_, w)| f64::from(*w)).sum();
                prop_assert!((sum - 1.0).abs() < 1e-5, "sum {}", sum);
                prop_assert!(weights.taps(i).iter().all(|(j, _)| (*j as usize) < n_source));
            }
        }
    }

    #[test]
    fn area_shares_are_exact() {
        let axis = Axis {
            start: 0.0,
            end: 5.0,
            n_source: 5,
            n_output: 2,
        };
        let weights = weights(axis, Filter::Area, Padding::Zero);
        assert_eq!(weights.taps(0), &[(0, 0.4), (1, 0.4), (2, 0.2)]);
        assert_eq!(weights.taps(1), &[(2, 0.2), (3, 0.4), (4, 0.4)]);
        assert_eq!(weights.source_range(), Some((0, 5)));
        assert_eq!(weights.widest_span(), 3);
    }

    #[test]
    fn outside_counts_as_zero_or_as_the_edge() {
        let axis = Axis {
            start: -1.0,
            end: 3.0,
            n_source: 2,
            n_output: 2,
        };
        let zero = weights(axis, Filter::Area, Padding::Zero);
        assert_eq!(zero.taps(0), &[(0, 0.5)]);
        assert_eq!(zero.taps(1), &[(1, 0.5)]);
        let edge = weights(axis, Filter::Area, Padding::Edge);
        assert_eq!(edge.taps(0), &[(0, 1.0)]);
        assert_eq!(edge.taps(1), &[(1, 1.0)]);
        let outside = Axis {
            start: 10.0,
            end: 12.0,
            ..axis
        };
        assert_eq!(weights(outside, Filter::Area, Padding::Zero).source_range(), None);
    }
}
