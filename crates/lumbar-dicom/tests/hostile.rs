//! Damaged files: whatever the damage, a value or a reason comes back.

mod common;

use common::{sagittal, slice, timed};
use lumbar_dicom::{
    Limits, MrImage, ReadError, RejectReason, TransferSyntax, read_header_bytes, read_image_bytes,
};
use rstest::rstest;

const SYNTAXES: [TransferSyntax; 5] = [
    TransferSyntax::ImplicitVrLittleEndian,
    TransferSyntax::ExplicitVrLittleEndian,
    TransferSyntax::ExplicitVrBigEndian,
    TransferSyntax::DeflatedExplicitVrLittleEndian,
    TransferSyntax::RleLossless,
];

fn file(syntax: TransferSyntax) -> Vec<u8> {
    timed(slice(1, 1, sagittal(0.0)), 500.0, 10.0)
        .to_bytes(syntax)
        .expect("a slice can be written")
}

/// A small generator, so that a failure names the seed that gives it again (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

#[test]
fn a_file_cut_anywhere_gives_a_reason() {
    for syntax in SYNTAXES {
        let whole = file(syntax);
        assert!(read_image_bytes(&whole, &Limits::default()).is_ok());
        for cut in 0..whole.len() {
            let result = read_image_bytes(&whole[..cut], &Limits::default());
            // RLE may lose its trailing delimiter and padding; deflate its padding.
            let may_lose = if syntax.is_encapsulated() { 10 } else { 2 };
            assert!(
                result.is_err() || cut + may_lose >= whole.len(),
                "{syntax} cut at {cut} of {}",
                whole.len()
            );
            let _ = read_header_bytes(&whole[..cut], &Limits::default());
        }
    }
}

#[test]
fn twenty_thousand_mutations_give_values_or_reasons() {
    let limits = Limits::default();
    let mut n_read = 0;
    for syntax in SYNTAXES {
        let whole = file(syntax);
        for seed in 0..4000 {
            let mut random = Random(seed);
            let mut bytes = whole.clone();
            for _ in 0..1 + random.below(6) {
                let at = random.below(bytes.len());
                match random.below(5) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes[at] = 0xFF,
                    // Lengths live in two and four bytes.
                    3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xFF),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            match read_image_bytes(&bytes, &limits) {
                Ok(_) => n_read += 1,
                Err(error) => assert_ne!(
                    error.reason(),
                    RejectReason::CodecPanicked,
                    "{syntax} seed {seed}"
                ),
            }
        }
    }
    // Most mutations hit pixels or text: a reader that refuses everything would pass otherwise.
    assert!(n_read > 5000, "{n_read} of 20000 read");
}

/// An element with a tag, a representation and a declared length, explicit little endian.
fn element(tag: (u16, u16), vr: &[u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&tag.0.to_le_bytes());
    out.extend_from_slice(&tag.1.to_le_bytes());
    out.extend_from_slice(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN") {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&length.to_le_bytes());
    } else {
        out.extend_from_slice(&(length as u16).to_le_bytes());
    }
    out.extend_from_slice(value);
    out
}

fn with_magic(data_set: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    out.extend_from_slice(&element((2, 0x10), b"UI", 20, b"1.2.840.10008.1.2.1\0"));
    out.extend_from_slice(data_set);
    out
}

fn image_header(rows: u16, columns: u16, frames: &str) -> Vec<u8> {
    let us = |tag, value: u16| element(tag, b"US", 2, &value.to_le_bytes());
    let mut out = us((0x28, 0x02), 1);
    out.extend(element(
        (0x28, 0x08),
        b"IS",
        frames.len() as u32,
        frames.as_bytes(),
    ));
    out.extend(us((0x28, 0x10), rows));
    out.extend(us((0x28, 0x11), columns));
    out.extend(us((0x28, 0x100), 16));
    out.extend(us((0x28, 0x101), 12));
    out.extend(us((0x28, 0x102), 11));
    out.extend(us((0x28, 0x103), 0));
    out
}

fn image(rows: u16, columns: u16, frames: &str, pixel_bytes: usize) -> Vec<u8> {
    let mut data_set = image_header(rows, columns, frames);
    data_set.extend(element(
        (0x7FE0, 0x10),
        b"OW",
        pixel_bytes as u32,
        &vec![0; pixel_bytes],
    ));
    with_magic(&data_set)
}

fn reason(bytes: &[u8], limits: &Limits) -> Option<RejectReason> {
    read_image_bytes(bytes, limits).err().map(|error| error.reason())
}

#[rstest]
#[case::declared_length(with_magic(&element((9, 1), b"OB", 3_000_000_000, b"xx")), RejectReason::Truncated)]
#[case::rows(image(9000, 1, "1 ", 18_000), RejectReason::ImageTooLarge)]
#[case::no_rows(image(0, 1, "1 ", 2), RejectReason::InvalidAttribute)]
#[case::frames(image(1, 1, "20000 ", 40_000), RejectReason::TooManyFrames)]
#[case::negative_frames(image(1, 1, "-5", 10), RejectReason::InvalidAttribute)]
#[case::decoded_bytes(image(8192, 8192, "9999", 2), RejectReason::DecodedTooLarge)]
#[case::too_short(image(4, 4, "1 ", 30), RejectReason::PixelDataTooShort)]
#[case::no_pixels(with_magic(&image_header(4, 4, "1 ")), RejectReason::NoPixelData)]
fn default_limits_hold(#[case] bytes: Vec<u8>, #[case] expected: RejectReason) {
    assert_eq!(reason(&bytes, &Limits::default()), Some(expected));
}

#[test]
fn file_size_is_limited() {
    let bytes = image(4, 4, "1 ", 32);
    assert_eq!(reason(&bytes, &Limits::default()), None);
    let limits = Limits {
        max_file_bytes: bytes.len() as u64 - 1,
        ..Limits::default()
    };
    assert_eq!(reason(&bytes, &limits), Some(RejectReason::FileTooLarge));
}

#[test]
fn depth_is_limited_and_deep_nesting_needs_no_stack() {
    let nested = |depth: usize| {
        let open: Vec<u8> = [
            element((0x40, 0xA730), b"SQ", u32::MAX, &[]),
            vec![0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
        .concat();
        with_magic(&open.repeat(depth))
    };
    assert_eq!(
        reason(&nested(64), &Limits::default()),
        Some(RejectReason::NoPixelData)
    );
    assert_eq!(
        reason(&nested(65), &Limits::default()),
        Some(RejectReason::TooDeep)
    );
    let deep = Limits {
        max_depth: usize::MAX / 2,
        ..Limits::default()
    };
    assert_eq!(reason(&nested(100_000), &deep), Some(RejectReason::NoPixelData));
}

#[test]
fn elements_are_limited() {
    let many = with_magic(&element((9, 1), b"LO", 0, &[]).repeat(1000));
    assert_eq!(reason(&many, &Limits::default()), Some(RejectReason::NoPixelData));
    let limits = Limits {
        max_elements: 999,
        ..Limits::default()
    };
    assert_eq!(reason(&many, &limits), Some(RejectReason::TooManyElements));
}

#[test]
fn expansion_is_limited() {
    // 4096 x 4096 samples declared over a fragment of a few bytes.
    let mut data_set = image_header(4096, 4096, "1 ");
    data_set.extend(element((0x7FE0, 0x10), b"OB", u32::MAX, &[]));
    data_set.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
    data_set.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 4, 0, 0, 0, 1, 2, 3, 4]);
    let mut bytes = with_magic(&data_set);
    let at = bytes
        .windows(4)
        .position(|four| four == b"1.2.")
        .expect("the syntax");
    bytes[at..at + 20].copy_from_slice(b"1.2.840.10008.1.2.5\0");
    assert_eq!(
        reason(&bytes, &Limits::default()),
        Some(RejectReason::ExpansionTooLarge)
    );
}

/// A 4 x 4 image of 12 bits in one fragment under the transfer syntax `uid` (20 bytes or fewer).
fn encapsulated(uid: &str, fragment: &[u8]) -> Vec<u8> {
    let mut data_set = image_header(4, 4, "1 ");
    data_set.extend(element((0x7FE0, 0x10), b"OB", u32::MAX, &[]));
    data_set.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
    data_set.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
    data_set.extend_from_slice(&(fragment.len() as u32).to_le_bytes());
    data_set.extend_from_slice(fragment);
    let padded = format!("{uid:\0<22}");
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM");
    out.extend(element((2, 0x10), b"UI", 22, padded.as_bytes()));
    out.extend(data_set);
    out
}

#[rstest]
#[case::jpeg("1.2.840.10008.1.2.4.50", &[0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0])]
#[case::jpeg_ls("1.2.840.10008.1.2.4.80", &[0xFF, 0xD8, 0xFF, 0xF7, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0])]
#[case::jpeg_2000("1.2.840.10008.1.2.4.90", &[
    &[0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0][..],
    // Width, height, offsets, tile width and height, tile offsets; one component of 8 bits.
    &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0],
    &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0],
    &[0, 1, 7, 1, 1],
].concat())]
fn a_stream_of_another_size_never_reaches_its_decoder(#[case] uid: &str, #[case] stream: &[u8]) {
    let error = read_image_bytes(&encapsulated(uid, stream), &Limits::default()).expect_err("refused");
    assert_eq!(error.reason(), RejectReason::CorruptPixelData);
    let text = error.to_string();
    assert!(
        text.ends_with("65535 x 65535 x 1 samples, expected 4 x 4 x 1"),
        "{text}"
    );
}

#[test]
fn small_images_may_expand_without_bound() {
    // The same ratio below the floor is no reason to refuse: these pixels are merely missing.
    let mut limits = Limits {
        max_expansion: 2,
        ..Limits::default()
    };
    let bytes = file(TransferSyntax::RleLossless);
    assert_eq!(reason(&bytes, &limits), None);
    let empty = MrImage {
        pixels: vec![0; 480],
        ..slice(1, 1, sagittal(0.0))
    };
    let bytes = empty.to_bytes(TransferSyntax::RleLossless).expect("bytes");
    assert_eq!(reason(&bytes, &limits), None);
    limits.expansion_floor_bytes = 0;
    assert_eq!(reason(&bytes, &limits), Some(RejectReason::ExpansionTooLarge));
}

#[test]
fn values_beyond_the_limit_are_left_out() {
    let limits = |max_value_bytes| Limits {
        max_value_bytes,
        ..Limits::default()
    };
    let bytes = file(TransferSyntax::ExplicitVrLittleEndian);
    let header = |limits| read_header_bytes(&bytes, &limits).expect("a header");
    assert!(header(limits(64)).study_instance_uid.is_some());
    // Numbers of two bytes still fit; the identifier does not.
    let header = header(limits(3));
    assert_eq!(header.study_instance_uid, None);
    assert_eq!(header.pixel_format.map(|format| format.rows), Some(24));
}

#[test]
fn time_is_limited() {
    let limits = Limits {
        max_time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    for syntax in SYNTAXES {
        assert_eq!(
            reason(&file(syntax), &limits),
            Some(RejectReason::TimedOut),
            "{syntax}"
        );
    }
}

#[test]
fn an_inflated_data_set_is_limited() {
    let bytes = file(TransferSyntax::DeflatedExplicitVrLittleEndian);
    let limits = Limits {
        max_decoded_bytes: 1000,
        ..Limits::default()
    };
    assert!(matches!(
        read_header_bytes(&bytes, &limits),
        Err(ReadError::DecodedTooLarge { limit: 1000, .. })
    ));
}

#[rstest]
#[case::empty(b"", RejectReason::EmptyFile)]
#[case::text(b"study_id,series_id\r\n1,2\r\n", RejectReason::NotDicom)]
#[case::png(b"\x89PNG\r\n\x1a\n and some more bytes after it", RejectReason::NotDicom)]
#[case::zeros(&[0; 4096], RejectReason::NotDicom)]
fn other_files_are_not_dicom(#[case] bytes: &[u8], #[case] expected: RejectReason) {
    assert_eq!(reason(bytes, &Limits::default()), Some(expected));
}

#[test]
fn files_without_magic_meta_group_or_group_length_are_read() {
    let whole = file(TransferSyntax::ExplicitVrLittleEndian);
    let expected = read_image_bytes(&whole, &Limits::default())
        .expect("an image")
        .pixels;
    let meta_bytes = u32::from_le_bytes([whole[140], whole[141], whole[142], whole[143]]) as usize;
    let data_set = &whole[144 + meta_bytes..];
    let cases = [
        ("no preamble", whole[128..].to_vec()),
        ("no group length", [&whole[..132], &whole[144..]].concat()),
        ("no magic", whole[132..].to_vec()),
        ("no meta group", data_set.to_vec()),
        ("implicit, no meta group", {
            let implicit = file(TransferSyntax::ImplicitVrLittleEndian);
            let meta_bytes = u32::from_le_bytes([implicit[140], implicit[141], implicit[142], implicit[143]]);
            implicit[144 + meta_bytes as usize..].to_vec()
        }),
        ("gzip", {
            use std::io::Write;
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&whole).expect("bytes can be compressed");
            encoder.finish().expect("bytes can be compressed")
        }),
    ];
    for (name, bytes) in cases {
        let image =
            read_image_bytes(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(image.pixels, expected, "{name}");
        assert!(
            !image.header.warnings.is_empty() || name == "no group length",
            "{name} is said"
        );
    }
}
