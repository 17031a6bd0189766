//! Example crops, as pictures inside the page.

use crate::{ExampleCrop, ReportError, ReportInput};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use lumbar_core::{ConditionGroup, SeriesKind, Severity};

/// The crops of a group on a view, a column per grade.
pub(crate) struct CropRow {
    pub(crate) title: String,
    pub(crate) columns: Vec<CropColumn>,
}

pub(crate) struct CropColumn {
    pub(crate) grade: String,
    pub(crate) pictures: Vec<Picture>,
}

pub(crate) struct Picture {
    pub(crate) uri: String,
    pub(crate) alt: String,
    pub(crate) caption: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) directions: [String; 4],
    pub(crate) bar: Option<ScaleBar>,
}

/// A scale bar: its length, and what share of the picture's width that is, in percent.
pub(crate) struct ScaleBar {
    pub(crate) mm: u32,
    pub(crate) percent: String,
}

/// A bar of a round length, about a quarter of the picture.
fn scale_bar(crop: &ExampleCrop) -> Option<ScaleBar> {
    let width_mm = crop.mm_per_pixel * f64::from(crop.width);
    if !(width_mm > 0.0 && width_mm.is_finite()) {
        return None;
    }
    let off = |mm: &u32| (f64::from(*mm) / (0.25 * width_mm)).ln().abs();
    let mm = [1, 2, 5, 10, 20, 50, 100]
        .into_iter()
        .min_by(|a, b| off(a).total_cmp(&off(b)))?;
    Some(ScaleBar {
        mm,
        percent: format!("{:.1}", 100.0 * f64::from(mm) / width_mm),
    })
}

/// Rows by group and view, columns by grade, in the order of the scheme. Rows without any crop are left out.
pub(crate) fn crop_rows(input: &ReportInput) -> Result<Vec<CropRow>, ReportError> {
    let mut rows = Vec::new();
    for group in ConditionGroup::ALL {
        for view in SeriesKind::ALL {
            let of_row = |crop: &&ExampleCrop| crop.group == group && crop.view == view;
            if !input.examples.iter().any(|crop| of_row(&crop)) {
                continue;
            }
            let columns = input.evaluation.grades.iter().map(|grade| {
                let crops = input
                    .examples
                    .iter()
                    .filter(of_row)
                    .filter(|crop| crop.severity == *grade);
                Ok(CropColumn {
                    grade: grade.display_name().to_owned(),
                    pictures: crops.map(picture).collect::<Result<_, ReportError>>()?,
                })
            });
            rows.push(CropRow {
                title: format!("{} on {}", group.display_name(), view.description()),
                columns: columns.collect::<Result<_, ReportError>>()?,
            });
        }
    }
    Ok(rows)
}

fn picture(crop: &ExampleCrop) -> Result<Picture, ReportError> {
    Ok(Picture {
        uri: data_uri(crop)?,
        alt: alt(crop.group, crop.view, crop.severity),
        caption: crop.caption.clone(),
        width: crop.width,
        height: crop.height,
        directions: crop.directions.clone(),
        bar: scale_bar(crop),
    })
}

fn alt(group: ConditionGroup, view: SeriesKind, severity: Severity) -> String {
    format!(
        "{}, {}, graded {severity}",
        view.description(),
        group.display_name().to_lowercase()
    )
}

fn data_uri(crop: &ExampleCrop) -> Result<String, ReportError> {
    grey_png_uri(&crop.pixels, [crop.width, crop.height], &crop.caption)
}

/// A grey picture as a PNG inside the page.
pub(crate) fn grey_png_uri(
    pixels: &[u8],
    [width, height]: [u32; 2],
    caption: &str,
) -> Result<String, ReportError> {
    if u64::from(width) * u64::from(height) != pixels.len() as u64 || pixels.is_empty() {
        return Err(ReportError::Crop {
            caption: caption.to_owned(),
            width,
            height,
            found: pixels.len(),
        });
    }
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(pixels, width, height, ExtendedColorType::L8)
        .map_err(ReportError::Png)?;
    Ok(format!("data:image/png;base64,{}", base64(&png)))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize] as char;
            text.push(if i > chunk.len() { '=' } else { letter });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // RFC 4648, section 10.
    #[rstest]
    #[case("", "")]
    #[case("f", "Zg==")]
    #[case("fo", "Zm8=")]
    #[case("foo", "Zm9v")]
    #[case("foobar", "Zm9vYmFy")]
    fn base64_of_the_rfc(#[case] bytes: &str, #[case] text: &str) {
        assert_eq!(base64(bytes.as_bytes()), text);
    }

    #[test]
    fn pixels_that_do_not_fill_the_crop_are_refused() {
        let crop = ExampleCrop {
            group: ConditionGroup::SpinalCanal,
            view: SeriesKind::SagittalT2,
            severity: Severity::Severe,
            caption: "L4/L5".into(),
            width: 4,
            height: 4,
            pixels: vec![0; 15],
            directions: ["A", "P", "H", "F"].map(String::from),
            mm_per_pixel: 1.0,
        };
        let error = data_uri(&crop).unwrap_err().to_string();
        assert_eq!(error, "crop `L4/L5` has 15 pixels, expected 4 x 4");
    }
}
