//! Copies of a study that differ from it as copies do in real archives.

use lumbar_core::{ImagePlane, PixelPoint};
use lumbar_dicom::TransferSyntax;
use serde::{Deserialize, Serialize};

/// How a copy of a study, under another study and patient id, differs from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// Another transfer syntax, the same pixels.
    ReEncoded,
    /// Values times 1.1 plus 20, clipped to 12 bits.
    Brighter,
    /// The picture moved by one pixel right and down under the same header and labels, the edge repeated.
    Shifted,
    /// One pixel in a hundred cut off at each border: 2% less field of view, header and labels adjusted.
    Cropped,
    /// The same cut, the rest stretched to the old matrix under the old header and labels.
    CroppedAndStretched,
}

impl Alteration {
    /// All alterations.
    pub const ALL: [Alteration; 5] = [
        Alteration::ReEncoded,
        Alteration::Brighter,
        Alteration::Shifted,
        Alteration::Cropped,
        Alteration::CroppedAndStretched,
    ];

    pub(crate) fn syntax(self, of_original: TransferSyntax) -> TransferSyntax {
        match (self, of_original) {
            (Alteration::ReEncoded, TransferSyntax::ExplicitVrLittleEndian) => TransferSyntax::RleLossless,
            (Alteration::ReEncoded, _) => TransferSyntax::ExplicitVrLittleEndian,
            _ => of_original,
        }
    }

    pub(crate) fn plane(self, plane: &ImagePlane) -> ImagePlane {
        let [rows, columns] = [plane.rows(), plane.columns()];
        let [top, left] = borders([rows as usize, columns as usize]).map(|n| n as u32);
        match self {
            Alteration::Cropped => ImagePlane::new(
                plane.pixel_to_patient(PixelPoint::new(f64::from(left), f64::from(top))),
                [plane.row_direction(), plane.column_direction()],
                plane.spacing(),
                [rows - 2 * top, columns - 2 * left],
            )
            .expect("a part of a plane is as good as the plane"),
            _ => *plane,
        }
    }

    /// The pixels of the copy, row by row.
    pub(crate) fn pixels(self, pixels: &[u16], [rows, columns]: [usize; 2]) -> Vec<u16> {
        let at = |row: usize, column: usize| pixels[row.min(rows - 1) * columns + column.min(columns - 1)];
        let [top, left] = borders([rows, columns]);
        match self {
            Alteration::ReEncoded => pixels.to_vec(),
            Alteration::Brighter => pixels
                .iter()
                .map(|value| (f64::from(*value) * 1.1 + 20.0).round().min(4095.0) as u16)
                .collect(),
            Alteration::Shifted => (0..rows * columns)
                .map(|i| at((i / columns).saturating_sub(1), (i % columns).saturating_sub(1)))
                .collect(),
            Alteration::Cropped => (top..rows - top)
                .flat_map(|row| (left..columns - left).map(move |column| at(row, column)))
                .collect(),
            Alteration::CroppedAndStretched => {
                // Bilinear, centres on centres of the corner pixels of the cut.
                let place = |i: usize, n: usize, cut: usize| {
                    cut as f64 + i as f64 * (n - 1 - 2 * cut) as f64 / (n - 1).max(1) as f64
                };
                let mut out = Vec::with_capacity(rows * columns);
                for row in 0..rows {
                    let y = place(row, rows, top);
                    let (y0, fy) = (y as usize, y.fract());
                    for column in 0..columns {
                        let x = place(column, columns, left);
                        let (x0, fx) = (x as usize, x.fract());
                        let value = |row, column| f64::from(at(row, column));
                        let upper = value(y0, x0) * (1.0 - fx) + value(y0, x0 + 1) * fx;
                        let lower = value(y0 + 1, x0) * (1.0 - fx) + value(y0 + 1, x0 + 1) * fx;
                        out.push((upper * (1.0 - fy) + lower * fy).round() as u16);
                    }
                }
                out
            }
        }
    }
}

/// Rows and columns cut off at each border.
fn borders(shape: [usize; 2]) -> [usize; 2] {
    shape.map(|n| (n as f64 * 0.01).round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_move_as_described() {
        let pixels: Vec<u16> = (0..100 * 200).map(|i| (i % 4000) as u16).collect();
        let of = |alteration: Alteration| alteration.pixels(&pixels, [100, 200]);
        assert_eq!(of(Alteration::ReEncoded), pixels);
        assert_eq!(of(Alteration::Brighter)[100], 130);
        assert_eq!(of(Alteration::Shifted)[201], pixels[0]);
        let cropped = of(Alteration::Cropped);
        assert_eq!((cropped.len(), cropped[0]), (98 * 196, pixels[200 + 2]));
        let stretched = of(Alteration::CroppedAndStretched);
        assert_eq!(
            (stretched.len(), stretched[0], stretched[100 * 200 - 1]),
            (100 * 200, pixels[200 + 2], pixels[98 * 200 + 197])
        );
    }
}
