//! Stored values from files on disk, whatever stands in the bits beside them.

mod common;

use common::{sagittal, slice};
use lumbar_dicom::{Limits, TransferSyntax, read_image};

/// Bits above BitsStored held overlays once; they are no part of the value.
#[test]
fn bits_above_bits_stored_do_not_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slice.dcm");
    let slice = slice(1, 1, sagittal(0.0));
    let clean = slice
        .to_bytes(TransferSyntax::ExplicitVrLittleEndian)
        .expect("a slice can be written");
    let expected: Vec<u8> = slice
        .pixels
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let begin = clean.len() - expected.len();
    // Nowhere, in the first sample, in the last one, everywhere.
    for marked in [
        vec![],
        vec![1],
        vec![expected.len() - 1],
        (1..expected.len()).step_by(2).collect(),
    ] {
        let mut bytes = clean.clone();
        marked.iter().for_each(|at| bytes[begin + at] |= 0xA0);
        std::fs::write(&path, &bytes).expect("a file can be written");
        let image = read_image(&path, &Limits::default()).expect("the file is whole");
        assert_eq!(
            image.pixels.to_le_bytes(),
            expected,
            "{} samples marked",
            marked.len()
        );
        assert_eq!(
            image.pixels.frame(0).expect("a frame").as_u16(),
            Some(slice.pixels.as_slice())
        );
    }
}
