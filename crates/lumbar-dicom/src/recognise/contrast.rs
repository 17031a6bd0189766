//! Weighting from grey levels alone, for series whose headers say nothing: is the fluid in the thecal sac bright?
//!
//! Sagittal: two measures on a grid of 2 mm, in logarithms so that a coil's falling sensitivity is a slow slope. The
//! slices through the sac are held against those beside it, where pedicles and foraminal fat are instead; and the sac
//! against what lies in front of and behind it. Each takes the best path from head to foot, as the sac is the one thing
//! that runs through the whole image. Axial: a disc of the sac's size near the middle against the ring around it.
//!
//! The bounds were set on phantoms of three sites and seen to hold on a real sagittal T2 volume. Fluid that is bright
//! may be T2 or STIR, which grey levels do not tell apart; both serve as sagittal T2.

use lumbar_core::{Plane, Weighting};

/// One slice as it is seen: small values dark.
#[derive(Debug, Clone)]
pub struct View {
    /// Grey levels, row by row.
    pub values: Vec<f32>,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Distance between rows, mm.
    pub row_mm: f64,
    /// Distance between columns, mm.
    pub column_mm: f64,
    /// Position along the normal, mm.
    pub along_mm: f64,
}

/// Bounds of the sagittal score: fluid bright above, dark below, and not told between. Phantoms: T1 0.30 to 0.56,
/// T2 and STIR 0.74 to 1.45; the real T2 volume 0.77.
const SAGITTAL_BRIGHT: f64 = 0.68;
const SAGITTAL_DARK: f64 = 0.60;
/// A path at least this much darker than the slices beside it must be there for fluid to be called dark: an image
/// without a spine has none.
const SAGITTAL_DARK_PATH: f64 = 0.6;
/// Axial T2 of phantoms 0.58 to 1.0; T1, cut axially out of sagittal phantoms, 0.35 to 0.58.
const AXIAL_BRIGHT: f64 = 0.62;

/// What the grey levels suggest, with the reason; `None` if they suggest nothing.
///
/// Views of a sagittal series are those of one stack; of an axial series, any.
pub fn weighting(plane: Plane, views: &[View]) -> Option<(Weighting, String)> {
    match plane {
        Plane::Sagittal => sagittal(views),
        Plane::Axial => axial(views),
        Plane::Coronal | Plane::Oblique => None,
    }
}

fn sagittal(views: &[View]) -> Option<(Weighting, String)> {
    let grids = common_grids(views)?;
    let along: Vec<f64> = views.iter().map(|view| view.along_mm).collect();
    let (bright, dark) = beside(&grids, &along)?;
    let tube = tube(&grids[grids.len() / 2]);
    let score = bright + 0.3 * tube;
    let found = if score >= SAGITTAL_BRIGHT {
        (Weighting::T2, "bright")
    } else if score <= SAGITTAL_DARK && dark >= SAGITTAL_DARK_PATH {
        (Weighting::T1, "dark")
    } else {
        return None;
    };
    Some((
        found.0,
        format!("fluid in the sac is {} (score {score:.2})", found.1),
    ))
}

fn axial(views: &[View]) -> Option<(Weighting, String)> {
    let mut scores: Vec<f64> = views.iter().filter_map(blob).collect();
    if scores.is_empty() {
        return None;
    }
    scores.sort_by(f64::total_cmp);
    let score = scores[scores.len() / 2];
    (score >= AXIAL_BRIGHT).then(|| {
        let reason = format!("fluid in the sac is bright (score {score:.2})");
        (Weighting::T2, reason)
    })
}

/// Pixels of 2 mm.
const GRID_MM: f64 = 2.0;

#[derive(Debug, Clone)]
struct Grid {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

/// Means over a box around every grid point of the image.
fn grid(view: &View) -> Option<Grid> {
    let whole = Grid {
        rows: view.rows,
        columns: view.columns,
        values: view.values.iter().map(|value| f64::from(*value)).collect(),
    };
    if whole.values.len() != view.rows * view.columns {
        return None;
    }
    let half = |mm: f64| (GRID_MM / mm / 2.0 - 0.5).round().max(0.0) as usize;
    let means = whole.means(half(view.row_mm), half(view.column_mm));
    let rows = (view.rows as f64 * view.row_mm / GRID_MM) as usize;
    let columns = (view.columns as f64 * view.column_mm / GRID_MM) as usize;
    // Less than a disc's height tells nothing; more than a whole body is no spine.
    if !(24..=512).contains(&rows) || !(24..=512).contains(&columns) {
        return None;
    }
    let at = |i: usize, mm: f64, n: usize| {
        let centre = (i as f64 + 0.5) * GRID_MM / mm - 0.5;
        (centre.round().max(0.0) as usize).min(n - 1)
    };
    let values = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| {
            let (y, x) = (
                at(row, view.row_mm, view.rows),
                at(column, view.column_mm, view.columns),
            );
            means.values[y * view.columns + x]
        })
        .collect();
    Some(Grid {
        rows,
        columns,
        values,
    })
}

/// Grids of one shape, cut off at the 99th percentile (vessels, coil) and lifted off zero for logarithms.
fn common_grids(views: &[View]) -> Option<Vec<Grid>> {
    let grids: Vec<Grid> = views.iter().map(grid).collect::<Option<_>>()?;
    let (rows, columns) = (
        grids.iter().map(|grid| grid.rows).min()?,
        grids.iter().map(|grid| grid.columns).min()?,
    );
    let mut grids: Vec<Grid> = grids.iter().map(|grid| grid.part(0..rows, 0..columns)).collect();
    lift(&mut grids)?;
    Some(grids)
}

fn lift(grids: &mut [Grid]) -> Option<()> {
    let mut all: Vec<f64> = grids
        .iter()
        .flat_map(|grid| grid.values.iter().copied())
        .collect();
    let place = all.len() * 99 / 100;
    let high = *all.select_nth_unstable_by(place, f64::total_cmp).1;
    let low = all.iter().copied().fold(f64::INFINITY, f64::min);
    let range = high - low;
    if !(range > 0.0 && range.is_finite()) {
        return None;
    }
    for value in grids.iter_mut().flat_map(|grid| &mut grid.values) {
        *value = ((*value).min(high) - low) / range + 0.03;
    }
    Some(())
}

/// Best bright and best dark path of the slices through the sac against those 14 to 24 mm beside them. The spine may
/// lie off the middle of the stack, so a few centres are tried.
fn beside(grids: &[Grid], along: &[f64]) -> Option<(f64, f64)> {
    let middle = (along.first()? + along.last()?) / 2.0;
    let mut best: Option<(f64, f64)> = None;
    for shift in [-8.0, -4.0, 0.0, 4.0, 8.0] {
        let pick = |range: std::ops::RangeInclusive<f64>| -> Option<Grid> {
            let chosen: Vec<&Grid> = grids
                .iter()
                .zip(along)
                .filter(|(_, at)| range.contains(&(*at - middle - shift).abs()))
                .map(|(grid, _)| grid)
                .collect();
            mean(&chosen)
        };
        let (Some(through), Some(aside)) = (pick(0.0..=5.0), pick(14.0..=24.0)) else {
            continue;
        };
        let (through, aside) = (through.means(2, 2), aside.means(2, 2));
        let ratio = through.zip(&aside, |a, b| (a / b).ln()).inner(0.2..0.8);
        let centred = ratio.centred();
        let (bright, dark) = (centred.best_path(), centred.map(|value| -value).best_path());
        best = Some(best.map_or((bright, dark), |(b, d)| (b.max(bright), d.max(dark))));
    }
    best
}

/// How much more a bright tube stands out than a dark one in the middle slice: 10 mm wide, flanks 12 mm away.
fn tube(middle: &Grid) -> f64 {
    let around = middle.means(15, 15);
    let log = middle.zip(&around, |value, around| (value / (around + 0.05)).ln());
    let core = log.means(2, 2);
    let flank = log.means(2, 1);
    let side = |columns: isize| flank.shifted(columns);
    let (left, right) = (side(-6), side(6));
    let least = |a: Grid, b: Grid| a.zip(&b, f64::min).inner(0.25..0.8).best_path();
    let bright = least(core.zip(&left, |c, f| c - f), core.zip(&right, |c, f| c - f));
    let dark = least(core.zip(&left, |c, f| f - c), core.zip(&right, |c, f| f - c));
    bright - dark
}

/// The best disc of 10 x 14 mm near the middle against the ring around it.
fn blob(view: &View) -> Option<f64> {
    let mut one = [grid(view)?];
    lift(&mut one)?;
    let [grid] = one;
    const INNER: f64 = 5.0 * 7.0;
    const OUTER: f64 = 15.0 * 17.0;
    let ring = grid.means(7, 8).zip(&grid.means(2, 3), |outer, inner| {
        (outer * OUTER - inner * INNER) / (OUTER - INNER)
    });
    let ratio = grid
        .means(2, 3)
        .zip(&ring, |inner, ring| (inner / ring.max(1e-3)).ln());
    let around = |n: usize, mm: f64| {
        let half = (mm / GRID_MM) as usize;
        (n / 2).saturating_sub(half)..(n / 2 + half).min(n)
    };
    let centre = ratio.part(around(grid.rows, 30.0), around(grid.columns, 20.0));
    centre.values.iter().copied().max_by(f64::total_cmp)
}

fn mean(grids: &[&Grid]) -> Option<Grid> {
    let (first, rest) = grids.split_first()?;
    let mut sum = (*first).clone();
    for grid in rest {
        sum = sum.zip(grid, |a, b| a + b);
    }
    Some(sum.map(|value| value / grids.len() as f64))
}

impl Grid {
    fn map(&self, f: impl Fn(f64) -> f64) -> Grid {
        Grid {
            values: self.values.iter().map(|value| f(*value)).collect(),
            ..*self
        }
    }

    fn zip(&self, other: &Grid, f: impl Fn(f64, f64) -> f64) -> Grid {
        let pairs = self.values.iter().zip(&other.values);
        Grid {
            values: pairs.map(|(a, b)| f(*a, *b)).collect(),
            ..*self
        }
    }

    fn part(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Grid {
        let values = rows
            .clone()
            .flat_map(|row| &self.values[row * self.columns..][columns.clone()])
            .copied()
            .collect();
        Grid {
            rows: rows.len(),
            columns: columns.len(),
            values,
        }
    }

    /// Without the ends of the field of view, and of the columns only a part.
    fn inner(&self, columns: std::ops::Range<f64>) -> Grid {
        let share = |n: usize, part: f64| (n as f64 * part) as usize;
        self.part(
            share(self.rows, 0.15)..share(self.rows, 0.85),
            share(self.columns, columns.start)..share(self.columns, columns.end),
        )
    }

    /// Means over windows of `2 * half + 1`, cut off at the edges.
    fn means(&self, half_rows: usize, half_columns: usize) -> Grid {
        let (rows, columns, wide) = (self.rows, self.columns, self.columns + 1);
        let mut sums = vec![0.0; (rows + 1) * wide];
        for row in 0..rows {
            let mut sum = 0.0;
            for column in 0..columns {
                sum += self.values[row * columns + column];
                sums[(row + 1) * wide + column + 1] = sums[row * wide + column + 1] + sum;
            }
        }
        let window = |i: usize, half: usize, n: usize| (i.saturating_sub(half), (i + half + 1).min(n));
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let (top, bottom) = window(row, half_rows, rows);
            for column in 0..columns {
                let (left, right) = window(column, half_columns, columns);
                let sum = sums[bottom * wide + right] - sums[top * wide + right] - sums[bottom * wide + left]
                    + sums[top * wide + left];
                values.push(sum / ((bottom - top) * (right - left)) as f64);
            }
        }
        Grid { values, ..*self }
    }

    /// Moved sideways; the edge repeats.
    fn shifted(&self, by: isize) -> Grid {
        let from = |column: usize| column.saturating_add_signed(-by).min(self.columns - 1);
        let values = (0..self.rows)
            .flat_map(|row| (0..self.columns).map(move |column| row * self.columns + from(column)))
            .map(|at| self.values[at])
            .collect();
        Grid { values, ..*self }
    }

    fn centred(&self) -> Grid {
        let mut sorted = self.values.clone();
        let place = sorted.len() / 2;
        let median = *sorted.select_nth_unstable_by(place, f64::total_cmp).1;
        self.map(|value| value - median)
    }

    /// Greatest mean over a path from the first row to the last that steps at most one column a row.
    fn best_path(&self) -> f64 {
        let mut rows = self.values.chunks_exact(self.columns);
        let mut best = rows.next().map_or(Vec::new(), <[f64]>::to_vec);
        for row in rows {
            let step = |column: usize| {
                let near = &best[column.saturating_sub(1)..(column + 2).min(best.len())];
                near.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            };
            best = row
                .iter()
                .enumerate()
                .map(|(column, value)| value + step(column))
                .collect();
        }
        best.iter().copied().fold(f64::NEG_INFINITY, f64::max) / self.rows as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Head to foot a tube of one grey level in another, seen on slices 4 mm apart that it fills from -6 to 6 mm.
    fn series(tube: f32, around: f32) -> Vec<View> {
        (-8..=8)
            .map(|i| {
                let along_mm = 4.0 * f64::from(i);
                let values = (0..128 * 128).map(|at| {
                    let (row, column) = (at / 128, at % 128);
                    let inside = (60..68).contains(&(column + row / 16)) && along_mm.abs() <= 6.0;
                    // Something that is not flat, as nothing in a body is.
                    let texture = ((row * 7 + column * 13) % 11) as f32;
                    texture + if inside { tube } else { around }
                });
                View {
                    values: values.collect(),
                    rows: 128,
                    columns: 128,
                    row_mm: 2.0,
                    column_mm: 2.0,
                    along_mm,
                }
            })
            .collect()
    }

    #[test]
    fn bright_and_dark_fluid_are_told_apart() {
        let found = |tube, around| weighting(Plane::Sagittal, &series(tube, around)).map(|found| found.0);
        assert_eq!(found(900.0, 300.0), Some(Weighting::T2));
        assert_eq!(found(60.0, 300.0), Some(Weighting::T1));
        assert_eq!(found(300.0, 300.0), None);
    }

    #[test]
    fn nothing_is_said_of_images_that_show_nothing() {
        let flat = View {
            values: vec![7.0; 128 * 128],
            ..series(0.0, 0.0)[0].clone()
        };
        assert_eq!(weighting(Plane::Sagittal, &vec![flat.clone(); 9]), None);
        assert_eq!(weighting(Plane::Axial, &[flat]), None);
        assert_eq!(weighting(Plane::Sagittal, &[]), None);
        let tiny = View {
            values: vec![1.0, 2.0, 3.0, 4.0],
            rows: 2,
            columns: 2,
            ..series(0.0, 0.0)[0].clone()
        };
        assert_eq!(weighting(Plane::Axial, &[tiny]), None);
    }
}
