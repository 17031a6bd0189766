//! Entry points for fuzzers: the parsers that meet bytes from outside, each alone. Not an API.
//!
//! A target returns a word on what became of the input, so that a mutator without coverage can tell new behaviour from
//! old; it panics where a promise of the parser does not hold. `examples/fuzz.rs` drives them.

use crate::{Limits, PixelFormat, ReadError, pixels, read::preface, read_header_bytes, read_image_bytes};

/// A parser under test.
pub type Target = fn(&[u8]) -> String;

/// Every target by name.
pub const TARGETS: [(&str, Target); 5] = [
    ("meta", meta),
    ("rle", rle),
    ("jpeg2000", jpeg2000),
    ("fragments", fragments),
    ("file", file),
];

/// Limits small enough for thousands of runs a second, and large enough for the seeds.
pub fn limits() -> Limits {
    Limits {
        max_file_bytes: 4 << 20,
        max_elements: 20_000,
        max_rows_columns: 1024,
        max_frames: 256,
        max_decoded_bytes: 8 << 20,
        expansion_floor_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// Magic, meta group, transfer syntax, gzip and deflate.
pub fn meta(bytes: &[u8]) -> String {
    match preface::open_bytes(bytes, &limits()) {
        Ok(opened) => {
            assert!(opened.data_set_at <= opened.source.total());
            format!("{} {:?}", opened.syntax, opened.warnings)
        }
        Err(error) => word(&error),
    }
}

/// One RLE frame. The first bytes say what header it stands under: rows, columns, bytes a sample, samples a pixel.
pub fn rle(bytes: &[u8]) -> String {
    let Some((shape, frame)) = bytes.split_at_checked(4) else {
        return "short".to_owned();
    };
    let format = PixelFormat {
        rows: u32::from(shape[0]) + 1,
        columns: u32::from(shape[1]) + 1,
        samples_per_pixel: u16::from(shape[3] % 4) + 1,
        n_frames: 1,
        bits_allocated: if shape[2].is_multiple_of(2) { 8 } else { 16 },
        bits_stored: 8,
        high_bit: 7,
        signed: shape[2] & 4 != 0,
        photometric: None,
        planar: false,
        padding: None,
    };
    match pixels::fuzz_rle(frame, &format) {
        Ok(n_samples) => {
            let expected = format.rows * format.columns * u32::from(format.samples_per_pixel);
            assert_eq!(n_samples, expected as usize);
            format!("ok {} {}", format.bits_allocated, format.samples_per_pixel)
        }
        Err(error) => word(&error),
    }
}

/// A JPEG 2000 stream for our own decoder alone, which takes or declines it.
pub fn jpeg2000(bytes: &[u8]) -> String {
    match pixels::fuzz_jpeg2000(bytes, limits().max_rows_columns) {
        Some((size, n_samples)) => {
            assert_eq!(size[0] * size[1], n_samples);
            format!("taken {}", size[0].min(size[1]).ilog2())
        }
        None => "declined".to_owned(),
    }
}

/// Fragments to frames. The first bytes say how many frames there are and how long the extended offset table is.
pub fn fragments(bytes: &[u8]) -> String {
    let Some((counts, rest)) = bytes.split_at_checked(2) else {
        return "short".to_owned();
    };
    let n_frames = u32::from(counts[0]) + 1;
    let n_offsets = usize::from(counts[1] % 8).min(rest.len() / 8);
    let (table, items) = rest.split_at(8 * n_offsets);
    let offsets: Vec<u64> = table
        .chunks_exact(8)
        .filter_map(|eight| Some(u64::from_le_bytes(eight.try_into().ok()?)))
        .collect();
    match pixels::fuzz_fragments(items, &offsets, n_frames) {
        Ok(n_bytes) => {
            assert!(n_bytes <= items.len(), "no byte belongs to two frames");
            format!("ok {}", n_frames.min(3))
        }
        Err(error) => word(&error),
    }
}

/// A whole file: header, and pixels of every codec.
pub fn file(bytes: &[u8]) -> String {
    let limits = limits();
    let header = read_header_bytes(bytes, &limits);
    match (&header, read_image_bytes(bytes, &limits)) {
        (Ok(_), Ok(image)) => {
            let pixels = &image.pixels;
            let n_samples = pixels.rows() * pixels.columns() * u32::from(pixels.samples_per_pixel());
            for frame in 0..pixels.n_frames() {
                let frame = pixels.frame(frame).expect("a frame that is held");
                assert_eq!(frame.len(), n_samples as usize);
            }
            format!("{} {:?}", image.header.transfer_syntax, image.header.warnings)
        }
        (Err(error), Err(_)) => word(error),
        (Ok(header), Err(error)) => format!("{} {}", header.transfer_syntax, word(&error)),
        (Err(_), Ok(_)) => panic!("pixels were read under a header that was refused"),
    }
}

/// The reason and the message without its numbers.
fn word(error: &ReadError) -> String {
    let message = error.to_string();
    let text: String = message.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{} {text}", error.reason())
}
