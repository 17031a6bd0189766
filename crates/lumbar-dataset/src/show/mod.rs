//! A sample as a picture for people: all slices of its mini-stack, the target, orientation and a scale bar.

mod canvas;
mod font;

use crate::catalogue::read_catalogue_tables;
use crate::{Dataset, DatasetError, Domain, Localisation, Sample, SampleMode};
use canvas::{Canvas, Colour, LINE, n_letters};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use lumbar_core::{Plane, SeriesKind};
use lumbar_preprocess::Orientation;

/// Slices are enlarged by a whole factor to about this many pixels.
const SLICE_PX: usize = 288;
/// Where the slices are narrower, captions still have this room, pixels.
const LEAST_WIDTH: i64 = 480;
const MARGIN: i64 = 12;
const GROUND: Colour = [24, 24, 26];
const INK: Colour = [236, 236, 236];
const FAINT: Colour = [176, 176, 182];
const AMBER: Colour = [255, 190, 60];

/// A sample as PNG: its slices side by side, the central one framed, with the target ringed, the letters of the
/// patient's directions and a scale bar in mm; below them what the sample is.
///
/// # Errors
/// [`DatasetError`] if there is no such sample or its pixels cannot be read.
pub fn show(dataset: &Dataset, index: usize) -> Result<Vec<u8>, DatasetError> {
    let sample = dataset.sample(index)?;
    let [depth, rows, columns] = dataset.shape();
    let slices = eight_bit_slices(dataset, index)?;
    let scale = (SLICE_PX / rows.max(columns)).max(1);
    let (tile_width, tile_height) = ((columns * scale) as i64, (rows * scale) as i64);
    let width = (depth as i64 * (tile_width + MARGIN) + MARGIN).max(LEAST_WIDTH);
    let captions: Vec<(String, i64, Colour)> = captions(dataset, sample)
        .into_iter()
        .flat_map(|(text, scale, colour)| {
            let lines = wrapped(&text, n_letters(width - 2 * MARGIN, scale));
            lines.into_iter().map(move |line| (line, scale, colour))
        })
        .collect();
    let lines: i64 = captions.iter().map(|(_, scale, _)| LINE as i64 * scale + 4).sum();
    let height = tile_height + lines + 3 * MARGIN;
    let mut canvas = Canvas::new(width as usize, height as usize, GROUND);
    for (k, slice) in slices.iter().enumerate() {
        let corner = [MARGIN + k as i64 * (tile_width + MARGIN), MARGIN];
        paint(&mut canvas, corner, (slice, [rows, columns]), scale);
        if k == depth / 2 {
            let place = target_px(dataset, sample)?;
            let at = |k: usize| corner[k] as f64 + (place[k] + 0.5) * scale as f64 - 0.5;
            if sample.localisation != Localisation::MiddleSlice {
                canvas.ring([at(0), at(1)], (tile_width as f64 / 24.0).max(7.0), AMBER);
            }
            scale_bar(
                &mut canvas,
                corner,
                [tile_width, tile_height],
                mm_per_pixel(sample, scale),
            );
            draw_directions(&mut canvas, corner, [tile_width, tile_height], sample.view);
            let outside = [corner[0] - 2, corner[1] - 2];
            canvas.frame(outside, [tile_width + 4, tile_height + 4], AMBER);
        }
    }
    let mut y = tile_height + 2 * MARGIN;
    for (text, scale, colour) in &captions {
        canvas.text([MARGIN, y], text, (*scale, *colour));
        y += LINE as i64 * scale + 4;
    }
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(
            &canvas.pixels,
            width as u32,
            height as u32,
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| DatasetError::corrupt("picture", dataset.path(), error))?;
    Ok(png)
}

/// Each slice of a sample in 8 bits, `rows x columns` grey levels; of 16 bits the upper 8.
pub(crate) fn eight_bit_slices(dataset: &Dataset, index: usize) -> Result<Vec<Vec<u8>>, DatasetError> {
    let n_bytes = usize::from(dataset.config().bits / 8);
    let pixels = dataset.pixels(index)?;
    let n_slice = dataset.shape()[1] * dataset.shape()[2] * n_bytes;
    Ok(pixels
        .chunks_exact(n_slice.max(1))
        .map(|slice| slice.iter().skip(n_bytes - 1).step_by(n_bytes).copied().collect())
        .collect())
}

fn captions(dataset: &Dataset, sample: &Sample) -> Vec<(String, i64, Colour)> {
    let target = sample.target;
    let grade = sample
        .severity
        .map_or_else(|| "no grade".to_owned(), |grade| grade.to_string());
    let side = target
        .condition
        .side()
        .map_or_else(String::new, |side| format!("{side} "));
    let place = match sample.crop_mm {
        Some(mm) => format!("{mm:.0} mm around the target"),
        None => "the whole slice".to_owned(),
    };
    let fills = match sample.n_end_fills + sample.n_gap_fills {
        0 => String::new(),
        n => format!(", {n} slices repeated"),
    };
    let mut captions = vec![
        (
            format!(
                "{}  {side}{}: {grade}",
                target.level,
                target.condition.group().display_name().to_lowercase()
            ),
            3,
            INK,
        ),
        (
            format!(
                "{}, {place}, {}{fills}",
                sample.view.description(),
                match sample.off_plane_mm.abs() {
                    mm if mm < 0.05 => "on the central slice".to_owned(),
                    mm => format!("{mm:.1} mm off the central slice"),
                }
            ),
            2,
            FAINT,
        ),
        (
            format!(
                "study {}, series {}; {}, fold {}; place: {}",
                sample.study,
                sample.series,
                sample.assignment.part,
                sample.assignment.fold,
                sample.localisation.name().replace('_', " ")
            ),
            2,
            FAINT,
        ),
    ];
    if dataset.info().domain != Domain::Clinical {
        captions.push((
            "SYNTHETIC. Research use only, not a medical device".to_owned(),
            2,
            AMBER,
        ));
    } else {
        captions.push(("Research use only, not a medical device".to_owned(), 2, FAINT));
    }
    captions
}

/// Lines of at most `most` letters, broken between words; a longer word is cut.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut n_line = 0;
    // A run of spaces stays where it is not at a break.
    for word in text.split_inclusive(' ') {
        for piece in word.chars().collect::<Vec<_>>().chunks(most.max(1)) {
            let n_seen = piece.len() - usize::from(piece.ends_with(&[' ']));
            if n_line + n_seen > most {
                lines.push(String::new());
                n_line = 0;
            }
            n_line += piece.len();
            if let Some(line) = lines.last_mut() {
                line.extend(piece);
            }
        }
    }
    lines
}

/// The target on the central slice of the sample, `[x, y]` in pixels of the sample.
fn target_px(dataset: &Dataset, sample: &Sample) -> Result<[f64; 2], DatasetError> {
    let [_, rows, columns] = dataset.shape();
    if dataset.config().mode == SampleMode::Crop {
        // A crop has its target in the middle.
        return Ok([columns as f64 / 2.0 - 0.5, rows as f64 / 2.0 - 0.5]);
    }
    let catalogue = read_catalogue_tables(dataset.path())?;
    let slices = catalogue.slices_of(&sample.study, &sample.series);
    let plane = slices
        .iter()
        .find(|slice| slice.source == sample.source && slice.frame == sample.frame)
        .and_then(|slice| slice.plane)
        .ok_or_else(|| {
            DatasetError::corrupt(
                "dataset",
                dataset.path(),
                "a sample's slice is not in slices.parquet",
            )
        })?;
    let turn = Orientation::canonical(&plane);
    let mut share = [
        (sample.pixel.column + 0.5) / f64::from(plane.columns()),
        (sample.pixel.row + 0.5) / f64::from(plane.rows()),
    ];
    if turn.transpose {
        share.swap(0, 1);
    }
    for (share, flips) in share.iter_mut().zip([turn.flip_columns, turn.flip_rows]) {
        if flips {
            *share = 1.0 - *share;
        }
    }
    Ok([share[0] * columns as f64 - 0.5, share[1] * rows as f64 - 0.5])
}

/// Grey levels enlarged by a whole factor, smoothly between the middles of pixels.
fn paint(
    canvas: &mut Canvas,
    [x, y]: [i64; 2],
    (levels, [rows, columns]): (&[u8], [usize; 2]),
    scale: usize,
) {
    let between = |i: usize, n: usize| {
        let at = ((i as f64 + 0.5) / scale as f64 - 0.5).clamp(0.0, n as f64 - 1.0);
        let first = at as usize;
        (first, (first + 1).min(n - 1), at - first as f64)
    };
    for row in 0..rows * scale {
        let (above, below, down) = between(row, rows);
        for column in 0..columns * scale {
            let (left, right, across) = between(column, columns);
            let level = |row: usize, column: usize| f64::from(levels[row * columns + column]);
            let along = |row: usize| level(row, left) * (1.0 - across) + level(row, right) * across;
            let grey = (along(above) * (1.0 - down) + along(below) * down).round() as u8;
            canvas.set(x + column as i64, y + row as i64, [grey; 3]);
        }
    }
}

fn mm_per_pixel(sample: &Sample, scale: usize) -> f64 {
    sample.sample_spacing_mm[1] / scale as f64
}

/// A bar of 1, 2, 5, 10, ... mm, about a quarter of the picture, at its lower left.
fn scale_bar(canvas: &mut Canvas, [x, y]: [i64; 2], [width, height]: [i64; 2], mm_per_px: f64) {
    if !(mm_per_px > 0.0 && mm_per_px.is_finite()) {
        return;
    }
    let wanted_mm = width as f64 * mm_per_px / 4.0;
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];
    let nearest = |a: &f64, b: &f64| (a / wanted_mm).ln().abs().total_cmp(&(b / wanted_mm).ln().abs());
    let mm = steps.into_iter().min_by(nearest).unwrap_or(10.0);
    let length = (mm / mm_per_px).round() as i64;
    let (left, top) = (x + 10, y + height - 14);
    canvas.fill([left - 1, top - 1], [length + 2, 6], [0, 0, 0]);
    canvas.fill([left, top], [length, 4], INK);
    canvas.text_on_picture([left, top - 20], &format!("{mm:.0} mm"), (2, INK));
}

/// Where the patient's directions lie on the slices of a sample, which hang canonically: left, right, top and bottom of the
/// image, as `R`, `L`, `A`, `P`, `H`, `F`.
pub fn directions(view: SeriesKind) -> [&'static str; 4] {
    match view.plane() {
        Plane::Sagittal => ["A", "P", "H", "F"],
        Plane::Coronal => ["R", "L", "H", "F"],
        _ => ["R", "L", "A", "P"],
    }
}

fn draw_directions(canvas: &mut Canvas, [x, y]: [i64; 2], [width, height]: [i64; 2], view: SeriesKind) {
    let [left, right, top, bottom] = directions(view);
    let (middle_x, middle_y) = (x + width / 2 - 5, y + height / 2 - 7);
    for (at, letter) in [
        ([x + 6, middle_y], left),
        ([x + width - 16, middle_y], right),
        ([middle_x, y + 6], top),
        ([middle_x, y + height - 20], bottom),
    ] {
        canvas.text_on_picture(at, letter, (2, INK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn captions_lose_no_letter_and_stay_in_the_picture(text in "[a-z ;]{0,200}", most in 1usize..80) {
            let lines = wrapped(&text, most);
            prop_assert_eq!(lines.concat(), text);
            prop_assert!(lines.iter().all(|line| line.trim_end().chars().count() <= most));
        }
    }

    #[test]
    fn captions_break_between_words() {
        assert_eq!(wrapped("study 12, series 345", 10), ["study 12, ", "series 345"]);
    }
}
