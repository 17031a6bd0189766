//! Writes one small slice in every encoding the writer has: something to hold against other DICOM tools.
//!
//! `cargo run -p lumbar-dicom --example write_series -- DIR`

use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{MrImage, TransferSyntax};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: write_series DIR")?);
    std::fs::create_dir_all(&folder)?;
    let (rows, columns) = (48u32, 40u32);
    let syntaxes = [
        TransferSyntax::ImplicitVrLittleEndian,
        TransferSyntax::ExplicitVrLittleEndian,
        TransferSyntax::ExplicitVrBigEndian,
        TransferSyntax::DeflatedExplicitVrLittleEndian,
        TransferSyntax::RleLossless,
    ];
    for (number, syntax) in (1..).zip(syntaxes) {
        let plane = ImagePlane::new(
            Point::new(-12.5, -60.0, 3.5 * f64::from(number)),
            [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 0.958, -0.286)],
            PixelSpacing {
                row_mm: 0.75,
                column_mm: 0.5,
            },
            [rows, columns],
        )?;
        let pixels = (0..rows * columns)
            .map(|i| (i / columns * 60 + i % columns) as u16)
            .collect();
        let instance_uid = format!("2.25.42.1.{number}");
        let slice = MrImage {
            frame_of_reference_uid: Some("2.25.42.2".to_owned()),
            patient_id: "PHANTOM-0001".to_owned(),
            patient_name: "PHANTOM^ONE".to_owned(),
            patient_sex: Some("O".to_owned()),
            manufacturer: "lumbar-phantom".to_owned(),
            image_type: ["DERIVED", "PRIMARY", "OTHER"].map(str::to_owned).to_vec(),
            body_part: Some("LSPINE".to_owned()),
            series_number: Some(3),
            instance_number: number,
            slice_thickness_mm: Some(3.0),
            spacing_between_slices_mm: Some(3.5),
            repetition_time_ms: Some(3500.0),
            echo_time_ms: Some(102.0),
            echo_train_length: Some(17),
            sequence_variant: Some("SK".to_owned()),
            patient_position: Some("HFS".to_owned()),
            bits_stored: 12,
            window: Some((1200.0, 2400.0)),
            ..MrImage::new(["2.25.42", "2.25.42.1", &instance_uid], plane, pixels)
        };
        slice.write(&folder.join(format!("{number}.dcm")), syntax)?;
    }
    Ok(())
}
