//! The inverse reversible transform, 5/3 (ITU-T T.800 annex F).

use super::grid::Rect;

/// Values row by row; there may be more behind them.
#[derive(Default)]
pub(super) struct Plane {
    pub(super) values: Vec<i32>,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Plane {
    pub(super) fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        if self.values.len() < width * height {
            self.values.resize(width * height, 0);
        }
    }
}

/// The transform, with room that it uses again.
#[derive(Default)]
pub(super) struct Inverse {
    high: Vec<i32>,
    even: Vec<i32>,
}

impl Inverse {
    /// Makes the resolution at `rect` from the one below and the bands of `coefficients`: those lie right of, under and
    /// diagonally from its place at their start, in rows `stride` apart.
    pub(super) fn run(
        &mut self,
        rect: &Rect,
        below: &Plane,
        (coefficients, stride): (&[i32], usize),
        out: &mut Plane,
    ) {
        let (width, height) = (rect.width(), rect.height());
        out.resize(width, height);
        if width == 0 || height == 0 {
            return;
        }
        let [odd_left, odd_top] = [rect.left % 2, rect.top % 2];
        let values = &mut out.values[..width * height];
        let (mut low_idx, mut high_idx) = (0, below.height);
        for (row_idx, row) in (odd_top..).zip(values.chunks_exact_mut(width)) {
            let source = if row_idx % 2 == 0 {
                &mut low_idx
            } else {
                &mut high_idx
            };
            let (mut low, high) = coefficients[*source * stride..][..width].split_at(below.width);
            if row_idx % 2 == 0 {
                low = &below.values[*source * below.width..][..below.width];
            }
            *source += 1;
            self.horizontal(low, high, odd_left == 1, row);
        }
        vertical(values, width, odd_top as usize);
    }

    /// Samples at even places come from the low frequencies, at odd places from the high ones.
    fn horizontal(&mut self, low: &[i32], high: &[i32], starts_odd: bool, row: &mut [i32]) {
        if high.is_empty() {
            row.copy_from_slice(low);
            return;
        }
        if low.is_empty() {
            row[0] = high[0] / 2;
            return;
        }
        mirrored(&mut self.high, high.iter().copied());
        let first = usize::from(starts_odd);
        let sides = self.high[first..].iter().zip(&self.high[first + 1..]);
        mirrored(
            &mut self.even,
            low.iter()
                .zip(sides)
                .map(|(low, (left, right))| low - ((left + right + 2) >> 2)),
        );
        let sides = self.even[1 - first..].iter().zip(&self.even[2 - first..]);
        let odd = high
            .iter()
            .zip(sides)
            .map(|(high, (left, right))| high + ((left + right) >> 1));
        let mut pairs = row.chunks_exact_mut(2);
        if starts_odd {
            for ((pair, odd), even) in pairs.by_ref().zip(odd).zip(&self.even[1..]) {
                pair.copy_from_slice(&[odd, *even]);
            }
        } else {
            for ((pair, odd), even) in pairs.by_ref().zip(odd).zip(&self.even[1..]) {
                pair.copy_from_slice(&[*even, odd]);
            }
        }
        if let [last] = pairs.into_remainder() {
            let n = self.even.len();
            *last = if starts_odd {
                high[high.len() - 1] + self.even[n - 1]
            } else {
                self.even[n - 1]
            };
        }
    }
}

/// Fills `out` with values, and with the first and the last of them once more at their side.
fn mirrored(out: &mut Vec<i32>, values: impl ExactSizeIterator<Item = i32>) {
    out.clear();
    out.push(0);
    out.extend(values);
    let last = out[out.len() - 1];
    out.push(last);
    out[0] = out[1];
}

/// Columns, all together: row by row.
fn vertical(values: &mut [i32], width: usize, odd_top: usize) {
    let height = values.len() / width;
    if height == 1 {
        if odd_top == 1 {
            values.iter_mut().for_each(|value| *value /= 2);
        }
        return;
    }
    let add_half = |value: i32, sides: i32| value + (sides >> 1);
    // An odd row follows the even row under it: then no even row is changed any more that it needs.
    for even in (odd_top..height).step_by(2) {
        lift(values, width, even, |value, sides| value - ((sides + 2) >> 2));
        if even > 0 {
            lift(values, width, even - 1, add_half);
        }
    }
    if (height - 1) % 2 != odd_top {
        lift(values, width, height - 1, add_half);
    }
}

/// Changes a row by the sum of the rows above and below, of which the other stands in for one that is not there.
#[inline(always)]
fn lift(values: &mut [i32], width: usize, row: usize, change: impl Fn(i32, i32) -> i32) {
    let (above, rest) = values.split_at_mut(row * width);
    let (row, below) = rest.split_at_mut(width);
    let above = above.rchunks_exact(width).next();
    let below = below.get(..width);
    let Some((above, below)) = above.or(below).zip(below.or(above)) else {
        return;
    };
    for ((value, above), below) in row.iter_mut().zip(above).zip(below) {
        *value = change(*value, above + below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The transform of one row or column by the letter of F.4.8: low frequencies, then high ones.
    fn forward(values: &[i32], start: usize) -> Vec<i32> {
        let n = values.len() as isize;
        if n == 1 {
            return vec![values[0] << (start % 2)];
        }
        let (mut all, start) = (values.to_vec(), start as isize % 2);
        let mirrored = |i: isize| if i < 0 { -i } else if i >= n { 2 * (n - 1) - i } else { i } as usize;
        for i in (0..n).filter(|i| (i + start) % 2 == 1) {
            all[i as usize] -= (all[mirrored(i - 1)] + all[mirrored(i + 1)]) >> 1;
        }
        for i in (0..n).filter(|i| (i + start) % 2 == 0) {
            all[i as usize] += (all[mirrored(i - 1)] + all[mirrored(i + 1)] + 2) >> 2;
        }
        let half = |odd| (0..n).filter(move |i| (i + start) % 2 == odd);
        half(0).chain(half(1)).map(|i| all[i as usize]).collect()
    }

    proptest! {
        #[test]
        fn undoes_the_forward_transform(
            (width, height) in (1usize..20, 1usize..20),
            (left, top) in (0u32..4, 0u32..4),
            seed in any::<u32>(),
        ) {
            let rect = Rect { left, top, right: left + width as u32, bottom: top + height as u32 };
            let original: Vec<i32> = (0..(width * height) as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 18) as i32 - 8000)
                .collect();
            let mut coded = original.clone();
            for x in 0..width {
                let column: Vec<i32> = (0..height).map(|y| coded[y * width + x]).collect();
                for (y, value) in forward(&column, top as usize).into_iter().enumerate() {
                    coded[y * width + x] = value;
                }
            }
            for row in coded.chunks_exact_mut(width) {
                let values = forward(row, left as usize);
                row.copy_from_slice(&values);
            }
            let low = rect.resolution(1);
            let mut below = Plane::default();
            below.resize(low.width(), low.height());
            for y in 0..low.height() {
                below.values[y * low.width()..][..low.width()].copy_from_slice(&coded[y * width..][..low.width()]);
            }
            let mut found = Plane::default();
            Inverse::default().run(&rect, &below, (&coded, width), &mut found);
            prop_assert_eq!(found.values, original);
        }
    }
}
