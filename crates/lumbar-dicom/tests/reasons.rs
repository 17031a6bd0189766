//! Every reason code has a file that gets it, and its row in `data-spec/reason-codes.md` names the case.

mod common;

use common::{axial, sagittal, slice, timed};
use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{
    Catalogue, Limits, MrImage, Reader, RejectReason, ScanOptions, ScanProgress, TransferSyntax,
    UnusedReason, read_header, scan,
};
use rstest::rstest;
use std::{fs, path::Path, time::Duration};

const EXPLICIT: TransferSyntax = TransferSyntax::ExplicitVrLittleEndian;

fn image() -> MrImage {
    slice(1, 1, sagittal(0.0))
}

fn bytes(image: &MrImage) -> Vec<u8> {
    image.to_bytes(EXPLICIT).expect("a slice can be written")
}

/// The image with an element, explicit little endian with a short length, written over or left out.
fn with(tag: [u8; 4], vr: &[u8; 2], value: Option<&[u8]>) -> Vec<u8> {
    let whole = bytes(&image());
    let head = [tag.as_slice(), vr].concat();
    let at = whole
        .windows(6)
        .position(|six| six == head)
        .expect("the element is there");
    let length = usize::from(u16::from_le_bytes([whole[at + 6], whole[at + 7]]));
    let new = value.map_or(Vec::new(), |value| {
        [head.as_slice(), &(value.len() as u16).to_le_bytes(), value].concat()
    });
    [&whole[..at], &new, &whole[at + 8 + length..]].concat()
}

const MODALITY: [u8; 4] = [0x08, 0, 0x60, 0];
const SOP_CLASS: [u8; 4] = [0x08, 0, 0x16, 0];
const STUDY_UID: [u8; 4] = [0x20, 0, 0x0D, 0];
const SAMPLES: [u8; 4] = [0x28, 0, 0x02, 0];
const PHOTOMETRIC: [u8; 4] = [0x28, 0, 0x04, 0];
const ROWS: [u8; 4] = [0x28, 0, 0x10, 0];
const BITS_STORED: [u8; 4] = [0x28, 0, 0x01, 1];

/// The image with an element put in before its pixel data, or the pixel data itself changed or left out.
fn before_pixels(element: &[u8], keep_pixels: bool) -> Vec<u8> {
    let whole = bytes(&image());
    let head = [0xE0, 0x7F, 0x10, 0x00, b'O', b'W'];
    let at = whole.windows(6).position(|six| six == head).expect("pixel data");
    [
        &whole[..at],
        element,
        if keep_pixels { &whole[at..] } else { &[] },
    ]
    .concat()
}

fn under(syntax: &str, pixels: &[u8]) -> Vec<u8> {
    let whole = before_pixels(pixels, false);
    let meta_end = 144 + u32::from_le_bytes([whole[140], whole[141], whole[142], whole[143]]) as usize;
    let uid = format!("{syntax}{}", if syntax.len() % 2 == 1 { "\0" } else { "" });
    let element = [&[2, 0, 0x10, 0, b'U', b'I', uid.len() as u8, 0], uid.as_bytes()].concat();
    [&whole[..128], b"DICM", &element, &whole[meta_end..]].concat()
}

/// Encapsulated pixel data of these fragments.
fn fragments(fragments: &[&[u8]]) -> Vec<u8> {
    let mut out = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0".to_vec();
    for fragment in fragments {
        out.extend_from_slice(b"\xFE\xFF\0\xE0");
        out.extend_from_slice(&(fragment.len() as u32).to_le_bytes());
        out.extend_from_slice(fragment);
    }
    out
}

const SEQUENCE: &[u8] = b"\x09\0\x10\0SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF";
const RLE: &str = "1.2.840.10008.1.2.5";
const FRAMES: &[u8] = b"\x28\0\x08\0IS\x06\x009999  ";

#[rstest]
#[case::not_dicom("NotDicom", b"study_id,series_id\n".to_vec())]
#[case::empty_file("EmptyFile", Vec::new())]
#[case::dicom_directory("DicomDirectory", with(SOP_CLASS, b"UI", Some(b"1.2.840.10008.1.3.10")))]
#[case::truncated("Truncated", bytes(&image())[..400].to_vec())]
#[case::malformed_element(
    "MalformedElement",
    before_pixels(b"\x09\0\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF", true)
)]
#[case::too_deep("TooDeep", before_pixels(&SEQUENCE.repeat(65), true))]
#[case::too_many_elements("TooManyElements", before_pixels(&b"\x09\0\x11\0LO\0\0".repeat(1_000_000), true))]
#[case::unknown_transfer_syntax("UnknownTransferSyntax", under("1.2.3.4", &fragments(&[b"  "])))]
#[case::unsupported_encoding("UnsupportedEncoding", under("1.2.840.10008.1.2.4.110", &fragments(&[b"  "])))]
#[case::no_pixel_data("NoPixelData", before_pixels(&[], false))]
#[case::missing_uid("MissingUid", with(STUDY_UID, b"UI", None))]
#[case::missing_attribute("MissingAttribute", with(ROWS, b"US", None))]
#[case::invalid_attribute("InvalidAttribute", with(BITS_STORED, b"US", Some(&[17, 0])))]
#[case::image_too_large("ImageTooLarge", with(ROWS, b"US", Some(&9000u16.to_le_bytes())))]
#[case::too_many_frames("TooManyFrames", before_pixels(b"\x28\0\x08\0IS\x06\x0010001 ", true))]
#[case::pixel_data_too_short("PixelDataTooShort", before_pixels(FRAMES, true))]
#[case::malformed_fragments("MalformedFragments", under(RLE, &fragments(&[])))]
#[case::corrupt_pixel_data("CorruptPixelData", under(RLE, &fragments(&[&[7; 70]])))]
#[case::not_mr("NotMr", with(MODALITY, b"CS", Some(b"CT")))]
#[case::colour_image("ColourImage", with(PHOTOMETRIC, b"CS", Some(b"RGB ")))]
#[case::secondary_capture(
    "SecondaryCapture",
    with(SOP_CLASS, b"UI", Some(b"1.2.840.10008.5.1.4.1.1.7\0"))
)]
#[case::burned_in_annotation("BurnedInAnnotation", before_pixels(b"\x28\0\x01\x03CS\x04\0YES ", true))]
fn file_reasons(#[case] code: &str, #[case] bytes: Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("file"), bytes).expect("a file can be written");
    let catalogue = scanned(folder.path(), Limits::default());
    assert_eq!(reasons(&catalogue), [code]);
}

#[rstest]
#[case::file_too_large("FileTooLarge", Limits { max_file_bytes: 100, ..Limits::default() })]
#[case::timed_out("TimedOut", Limits { max_time: Duration::ZERO, ..Limits::default() })]
#[case::decoded_too_large("DecodedTooLarge", Limits { max_decoded_bytes: 100, ..Limits::default() })]
#[case::expansion_too_large("ExpansionTooLarge", Limits { expansion_floor_bytes: 0, max_expansion: 0, ..Limits::default() })]
fn limit_reasons(#[case] code: &str, #[case] limits: Limits) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    image()
        .write(&path, TransferSyntax::RleLossless)
        .expect("a slice can be written");
    assert_eq!(reasons(&scanned(folder.path(), limits)), [code]);
}

/// What a screen shows, and tiles of a volume, by ImageType.
#[rstest]
#[case::siemens_mosaic("SiemensMosaic", "MOSAIC")]
#[case::screen_save("SecondaryCapture", "SCREEN SAVE")]
fn image_type_reasons(#[case] code: &str, #[case] value: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut marked = image();
    marked.image_type.push(value.to_owned());
    fs::write(folder.path().join("file"), bytes(&marked)).expect("a file can be written");
    assert_eq!(reasons(&scanned(folder.path(), Limits::default())), [code]);
}

#[test]
fn duplicate_instance() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["a", "b"] {
        fs::write(folder.path().join(name), bytes(&image())).expect("a file can be written");
    }
    assert_eq!(
        reasons(&scanned(folder.path(), Limits::default())),
        ["DuplicateInstance"]
    );
}

#[test]
fn changed_meanwhile() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names = ["a", "b", "c", "d"];
    for (number, name) in (1..).zip(names) {
        let image = slice(1, number, sagittal(f64::from(number)));
        fs::write(folder.path().join(name), bytes(&image)).expect("a file can be written");
    }
    let other = bytes(&slice(1, 9, sagittal(9.0)));
    // All have been read once, and none twice.
    let change = |now: ScanProgress| {
        if now.n_done == now.n_files && now.n_arranged == 0 {
            fs::write(folder.path().join("b"), &other).expect("a file can be written");
            fs::write(folder.path().join("c"), "no image any more").expect("a file can be written");
            fs::remove_file(folder.path().join("d")).expect("a file can be removed");
        }
    };
    let options = ScanOptions {
        keep_paths: true,
        ..ScanOptions::default()
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    let catalogue = pool
        .install(|| scan(folder.path(), &options, &change))
        .expect("the folder can be scanned");
    let rejects: Vec<_> = (catalogue.rejects.iter())
        .map(|reject| {
            (
                reject.source.as_str(),
                reject.reason.code(),
                reject.series.is_some(),
            )
        })
        .collect();
    assert_eq!(
        rejects,
        [
            ("b", "ChangedMeanwhile", true),
            ("c", "NotDicom", true),
            ("d", "Unreadable", true)
        ]
    );
    assert_eq!((catalogue.n_files, catalogue.slices.len()), (4, 1));
    // Where nothing is left of a series there is none.
    let change = |_: ScanProgress| drop(fs::remove_file(folder.path().join("a")));
    fs::remove_file(folder.path().join("b")).expect("a file can be removed");
    fs::remove_file(folder.path().join("c")).expect("a file can be removed");
    let catalogue = pool
        .install(|| scan(folder.path(), &options, &change))
        .expect("the folder can be scanned");
    assert_eq!(
        (catalogue.series.len(), reasons(&catalogue)),
        (0, vec!["Unreadable"])
    );
}

#[test]
#[cfg(unix)]
fn symbolic_link_and_not_regular_file() {
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("good"), bytes(&image())).expect("a file can be written");
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A link to a file and one to a folder; neither is followed.
    for (to, name) in [
        (outside.path().join("good"), "file"),
        (outside.path().to_owned(), "folder"),
    ] {
        std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link can be made");
    }
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let catalogue = scanned(folder.path(), Limits::default());
    assert_eq!(
        reasons(&catalogue),
        ["NotRegularFile", "SymbolicLink", "SymbolicLink"]
    );
    assert!(catalogue.slices.is_empty());
}

#[test]
fn unreadable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A folder is what no user, not even root, reads as a file.
    let error = read_header(folder.path(), &Limits::default()).expect_err("no file");
    assert_eq!(error.reason(), RejectReason::Unreadable);
}

fn coronal(y: f64) -> ImagePlane {
    let spacing = PixelSpacing {
        row_mm: 1.0,
        column_mm: 1.0,
    };
    let directions = [Vector::new(1.0, 0.0, 0.0), Vector::new(0.0, 0.0, -1.0)];
    ImagePlane::new(Point::new(0.0, y, 0.0), directions, spacing, [24, 20]).expect("a valid plane")
}

/// Series 1 is always a rejected CT; the others are as given.
fn unused(series: Vec<MrImage>) -> Vec<UnusedReason> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ct = MrImage {
        modality: Some("CT".to_owned()),
        ..image()
    };
    for (n, image) in std::iter::once(ct).chain(series).enumerate() {
        fs::write(folder.path().join(n.to_string()), bytes(&image)).expect("a file can be written");
    }
    let catalogue = scanned(folder.path(), Limits::default());
    let (unused, found) = (catalogue.unused(), catalogue.found());
    let n_series = unused.iter().filter(|row| row.series.is_some()).count();
    assert_eq!(found.n_series, found.n_series_used + n_series);
    assert_eq!(found.n_studies, found.n_studies_used + unused.len() - n_series);
    unused.iter().map(|row| row.reason).collect()
}

#[rstest]
#[case::no_file_used(vec![], &[UnusedReason::NoFileUsed, UnusedReason::NoFileUsed])]
#[case::used(vec![timed(slice(2, 1, sagittal(0.0)), 500.0, 10.0)], &[UnusedReason::NoFileUsed])]
#[case::no_purpose(
    vec![timed(slice(2, 1, coronal(0.0)), 4000.0, 100.0)],
    &[UnusedReason::NoSeriesUsed, UnusedReason::NoFileUsed, UnusedReason::NoPurpose],
)]
#[case::no_series_used(
    vec![slice(2, 1, sagittal(0.0))],
    &[UnusedReason::NoSeriesUsed, UnusedReason::NoFileUsed, UnusedReason::UnknownWeighting],
)]
#[case::unknown_weighting(
    vec![slice(2, 1, sagittal(0.0)), timed(slice(3, 1, sagittal(0.0)), 500.0, 10.0)],
    &[UnusedReason::NoFileUsed, UnusedReason::UnknownWeighting],
)]
#[case::localiser(
    vec![
        timed(slice(2, 1, sagittal(0.0)), 500.0, 10.0),
        timed(slice(2, 2, axial(0.0, 0.0, 0.0)), 500.0, 10.0),
        timed(slice(3, 1, sagittal(0.0)), 500.0, 10.0),
    ],
    &[UnusedReason::NoFileUsed, UnusedReason::Localiser],
)]
fn unused_reasons(#[case] series: Vec<MrImage>, #[case] expected: &[UnusedReason]) {
    // Series come in the order of their hashed ids.
    let (mut found, mut expected) = (unused(series), expected.to_vec());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn unknown_plane() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let timed = timed(image(), 500.0, 10.0);
    let whole = bytes(&timed);
    let head = [0x20, 0, 0x37, 0, b'D', b'S'];
    let at = whole
        .windows(6)
        .position(|six| six == head)
        .expect("an orientation");
    let length = 8 + usize::from(u16::from_le_bytes([whole[at + 6], whole[at + 7]]));
    fs::write(
        folder.path().join("a"),
        [&whole[..at], &whole[at + length..]].concat(),
    )
    .expect("a file");
    let unused = scanned(folder.path(), Limits::default()).unused();
    assert_eq!(
        unused.last().map(|row| row.reason),
        Some(UnusedReason::UnknownPlane)
    );
}

fn scanned(folder: &Path, limits: Limits) -> Catalogue {
    let options = ScanOptions {
        reader: Reader {
            limits,
            workers: None,
        },
        check_pixels: true,
        keep_paths: true,
        ..ScanOptions::default()
    };
    scan(folder, &options, &|_| {}).expect("the folder can be scanned")
}

fn reasons(catalogue: &Catalogue) -> Vec<&'static str> {
    let mut reasons: Vec<_> = catalogue
        .rejects
        .iter()
        .map(|reject| reject.reason.code())
        .collect();
    reasons.sort_unstable();
    reasons
}

/// Not used by a case above, but by name: three samples under a grayscale interpretation.
#[test]
fn several_samples_are_colour_whatever_the_interpretation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("file"), with(SAMPLES, b"US", Some(&[3, 0])))
        .expect("a file can be written");
    assert_eq!(
        reasons(&scanned(folder.path(), Limits::default())),
        ["ColourImage"]
    );
}
