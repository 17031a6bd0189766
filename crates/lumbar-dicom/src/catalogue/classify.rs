//! Whether a readable file is a slice to be used, and if not, why.

use crate::{Header, RejectReason, pixels};

const DICOM_DIRECTORY: &str = "1.2.840.10008.1.3.10";
/// Secondary Capture Image Storage and its multi-frame kin share this root.
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Values of ImageType by which scanners mark pictures of a screen among the images.
const SCREEN_PICTURES: [&str; 3] = ["SCREEN SAVE", "SCREENSHOT", "CSA REPORT"];
/// MR, Enhanced MR, Legacy Converted Enhanced MR.
const MR_STORAGE: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.4",
];

/// `Err` with the reason if the file is not used.
pub(super) fn check(header: &Header) -> Result<(), (RejectReason, String)> {
    let no = |reason, detail: &str| Err((reason, detail.to_owned()));
    let class = header.sop_class_uid.as_deref().unwrap_or_default();
    if class == DICOM_DIRECTORY {
        return no(
            RejectReason::DicomDirectory,
            "an index of other files, which are found by themselves",
        );
    }
    let Some(format) = &header.pixel_format else {
        return no(RejectReason::NoPixelData, "an object without pixel data");
    };
    let is_screen = |value: &String| SCREEN_PICTURES.contains(&value.as_str());
    if class.starts_with(SECONDARY_CAPTURE) || header.image_type.iter().any(is_screen) {
        return no(
            RejectReason::SecondaryCapture,
            "a screenshot or scan, which may show a name",
        );
    }
    match header.modality.as_deref() {
        Some("MR") => {}
        None if class.is_empty() || MR_STORAGE.contains(&class) => {}
        Some(_) => return no(RejectReason::NotMr, "Modality is not MR"),
        None => return no(RejectReason::NotMr, "no Modality, and the SOP class is not of MR"),
    }
    if header.burned_in_annotation == Some(true) {
        return no(RejectReason::BurnedInAnnotation, "BurnedInAnnotation is YES");
    }
    if format.samples_per_pixel != 1 || format.photometric.is_none() {
        return no(RejectReason::ColourImage, "not a grayscale image");
    }
    if header.image_type.iter().any(|value| value == "MOSAIC") {
        return no(
            RejectReason::SiemensMosaic,
            "tiles of a volume; export it as single or enhanced images",
        );
    }
    pixels::check_decodable(header).map_err(|error| (error.reason(), error.to_string()))
}
