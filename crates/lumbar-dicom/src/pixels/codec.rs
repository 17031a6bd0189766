//! Third-party codecs, kept at arm's length: the code stream's own size is held against the header before the decoder
//! sees it, and a panic becomes an error.
//!
//! JPEG Lossless, JPEG-LS and plain JPEG 2000 (`jpeg2000`) are our own. Residual risk: `jpeg-decoder` (DCT) is safe Rust. `openjp2` is a port of OpenJPEG with
//! unsafe code in it, and has every JPEG 2000 stream that our own decoder leaves: a hostile one may still corrupt memory or
//! abort, which only a worker process contains.

use super::{jpeg_lossless, jpeg2000, jpegls, samples::Sink};
use crate::{Codec, PixelFormat, ReadError, TransferSyntax};
use std::{io::Read, panic::catch_unwind};

/// Decodes one frame into `sink`.
pub(super) fn decode_frame(
    bytes: &[u8],
    syntax: TransferSyntax,
    format: &PixelFormat,
    sink: &mut Sink,
) -> Result<(), ReadError> {
    match syntax.codec() {
        Codec::JpegDct | Codec::JpegLossless => {
            let decoded = contained("JPEG", || jpeg(bytes, syntax, format))?;
            match decoded {
                Jpeg::Bytes(bytes) => sink.push_decoded_slice(&bytes, i32::from),
                Jpeg::Words(words) => sink.push_decoded_slice(&words, i32::from),
            }
        }
        Codec::Jpeg2000 => {
            let components = contained("JPEG 2000", || jpeg_2000(bytes, format))?;
            if let [only] = components.as_slice() {
                sink.push_decoded_slice(only, |value| value);
                return Ok(());
            }
            let n_pixels = components[0].len();
            sink.push_decoded(
                (0..n_pixels).flat_map(|pixel| components.iter().map(move |plane| plane[pixel])),
            );
        }
        Codec::JpegLs => sink.push_decoded_slice(&jpeg_ls(bytes, format)?, i32::from),
        _ => {
            return Err(ReadError::Unsupported {
                syntax,
                what: "no decoder in this build",
            });
        }
    }
    Ok(())
}

fn contained<T>(
    codec: &'static str,
    decode: impl FnOnce() -> Result<T, ReadError> + std::panic::UnwindSafe,
) -> Result<T, ReadError> {
    catch_unwind(decode).unwrap_or(Err(ReadError::CodecPanicked { codec }))
}

fn corrupt<T>(codec: &'static str, what: impl std::fmt::Display) -> Result<T, ReadError> {
    // Decoders' messages speak of markers and sizes; cut short all the same.
    let what = what
        .to_string()
        .chars()
        .filter(char::is_ascii)
        .take(120)
        .collect();
    Err(ReadError::Corrupt { codec, what })
}

/// What a code stream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StreamShape {
    rows: u32,
    columns: u32,
    components: u32,
    precision: u8,
}

fn check_shape(codec: &'static str, found: StreamShape, format: &PixelFormat) -> Result<(), ReadError> {
    let StreamShape {
        rows,
        columns,
        components,
        precision,
    } = found;
    if (rows, columns) != (format.rows, format.columns) || components != u32::from(format.samples_per_pixel) {
        return corrupt(
            codec,
            format_args!(
                "{rows} x {columns} x {components} samples, expected {} x {} x {}",
                format.rows, format.columns, format.samples_per_pixel
            ),
        );
    }
    if u16::from(precision) > format.bits_allocated {
        return corrupt(
            codec,
            format_args!("{precision} bits a sample, more than allocated"),
        );
    }
    Ok(())
}

enum Jpeg {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
}

fn jpeg(bytes: &[u8], syntax: TransferSyntax, format: &PixelFormat) -> Result<Jpeg, ReadError> {
    const CODEC: &str = "JPEG";
    let Some((shape, process)) = jpeg_shape(bytes) else {
        return corrupt(CODEC, "no frame header");
    };
    check_shape(CODEC, shape, format)?;
    if process == LOSSLESS_PROCESS {
        return jpeg_lossless::decode(bytes)
            .map(Jpeg::Words)
            .or_else(|what| corrupt(CODEC, what));
    }
    // Under a lossless transfer syntax callers count on our own code.
    if syntax.codec() == Codec::JpegLossless {
        return corrupt(CODEC, "a DCT stream under a lossless transfer syntax");
    }
    if shape.precision != 8 {
        return Err(ReadError::Unsupported {
            syntax,
            what: "DCT of more than 8 bits",
        });
    }
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let decoded = match decoder.decode() {
        Ok(decoded) => decoded,
        Err(error) => return corrupt(CODEC, error),
    };
    let n_samples = shape.rows as usize * shape.columns as usize * shape.components as usize;
    match decoder.info().map(|info| info.pixel_format) {
        Some(jpeg_decoder::PixelFormat::L8 | jpeg_decoder::PixelFormat::RGB24)
            if decoded.len() == n_samples =>
        {
            Ok(Jpeg::Bytes(decoded))
        }
        _ => corrupt(CODEC, "decoded to another size or layout than its header says"),
    }
}

/// SOF3.
const LOSSLESS_PROCESS: u8 = 3;

/// Shape and process (the low half of the SOF marker) from the frame header.
fn jpeg_shape(bytes: &[u8]) -> Option<(StreamShape, u8)> {
    let mut at = 2;
    if bytes.get(..2)? != [0xFF, 0xD8] {
        return None;
    }
    loop {
        while *bytes.get(at)? == 0xFF && *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        let &[0xFF, marker] = bytes.get(at..at + 2)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]));
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let sof = bytes.get(at + 4..at + 10)?;
                let shape = StreamShape {
                    precision: sof[0],
                    rows: u32::from(u16::from_be_bytes([sof[1], sof[2]])),
                    columns: u32::from(u16::from_be_bytes([sof[3], sof[4]])),
                    components: u32::from(sof[5]),
                };
                return Some((shape, marker & 0x0F));
            }
            // The scan begins without a frame header before it.
            0xDA | 0xD9 => return None,
            _ => at += 2 + length.max(2),
        }
    }
}

fn jpeg_ls(bytes: &[u8], format: &PixelFormat) -> Result<Vec<u16>, ReadError> {
    const CODEC: &str = "JPEG-LS";
    let Some(jpegls::Shape {
        rows,
        columns,
        components,
        precision,
    }) = jpegls::shape(bytes)
    else {
        return corrupt(CODEC, "no frame header");
    };
    check_shape(
        CODEC,
        StreamShape {
            rows,
            columns,
            components,
            precision,
        },
        format,
    )?;
    jpegls::decode(bytes).or_else(|what| corrupt(CODEC, what))
}

fn jpeg_2000(bytes: &[u8], format: &PixelFormat) -> Result<Vec<Vec<i32>>, ReadError> {
    const CODEC: &str = "JPEG 2000";
    let Some(shape) = jpeg2000_shape(bytes) else {
        return corrupt(CODEC, "no image size marker");
    };
    check_shape(CODEC, shape, format)?;
    if shape.components == 1
        && let Some(samples) = jpeg2000::decode(bytes, shape.columns as usize, shape.rows as usize)
    {
        return Ok(vec![samples]);
    }
    let image = match jpeg2k::Image::from_bytes(bytes) {
        Ok(image) => image,
        Err(error) => return corrupt(CODEC, error),
    };
    let n_pixels = shape.rows as usize * shape.columns as usize;
    let components = image.components();
    if components.len() != shape.components as usize
        || components.iter().any(|plane| plane.data().len() != n_pixels)
    {
        return corrupt(CODEC, "decoded to another size than its header says");
    }
    Ok(components.iter().map(|plane| plane.data().to_vec()).collect())
}

/// Shape from the SIZ marker, which follows the start of the code stream; a JP2 file wraps that in boxes.
fn jpeg2000_shape(bytes: &[u8]) -> Option<StreamShape> {
    const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    let at = bytes.windows(4).take(4096).position(|four| four == START)?;
    let siz = bytes.get(at + 4..at + 4 + 39)?;
    let u32_at = |i: usize| u32::from_be_bytes([siz[i], siz[i + 1], siz[i + 2], siz[i + 3]]);
    let (width, height, left, top) = (u32_at(4), u32_at(8), u32_at(12), u32_at(16));
    let components = u32::from(u16::from_be_bytes([siz[36], siz[37]]));
    let (tile_width, tile_height) = (u32_at(20), u32_at(24));
    // Far more tiles than any encoder makes: a table of them would be the attack.
    const MOST_TILES: u64 = 65_535;
    let n_tiles =
        u64::from(width.div_ceil(tile_width.max(1))) * u64::from(height.div_ceil(tile_height.max(1)));
    if n_tiles > MOST_TILES {
        return None;
    }
    Some(StreamShape {
        rows: height.checked_sub(top)?,
        columns: width.checked_sub(left)?,
        components,
        precision: (siz[38] & 0x7F) + 1,
    })
}

/// Columns and rows that a JPEG 2000 stream says it has.
pub(super) fn jpeg2000_sides(bytes: &[u8]) -> Option<[u32; 2]> {
    let shape = jpeg2000_shape(bytes)?;
    Some([shape.columns, shape.rows])
}

/// One frame of a deflated image: exactly `expected` bytes, or it is refused.
pub(super) fn inflate_frame(bytes: &[u8], expected: u64) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    let read = flate2::read::DeflateDecoder::new(bytes)
        .take(expected)
        .read_to_end(&mut out);
    match read {
        Ok(_) if out.len() as u64 == expected => Ok(out),
        _ => corrupt("deflate", "a frame of another size than its header says"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_decoder_is_an_error() {
        let result: Result<(), _> = contained("JPEG", || panic!("as a decoder might"));
        assert!(matches!(result, Err(ReadError::CodecPanicked { codec: "JPEG" })));
    }

    /// Rows and columns: no multiple of a block.
    const SHAPE: [usize; 2] = [61, 83];
    const SIDE: usize = 8;

    /// An image with edges and texture.
    fn original() -> Vec<u8> {
        let [rows, columns] = SHAPE;
        (0..rows * columns)
            .map(|at| {
                let (row, column) = (at / columns, at % columns);
                let disc = (row / 11 + column / 9) % 2 * 120;
                (disc + row + (row * 31 + column * 17) % 23 * 3).min(255) as u8
            })
            .collect()
    }

    /// The quantisation table that a stream with one table states, in its own order.
    fn quantisation(stream: &[u8]) -> &[u8] {
        let at = stream
            .windows(5)
            .position(|five| five == [0xFF, 0xDB, 0, 67, 0])
            .expect("a table of 64 bytes");
        &stream[at + 5..at + 5 + SIDE * SIDE]
    }

    /// Largest distance of a whole block from the original, over its pixels as a vector.
    fn largest_block_error(found: &[u8], expected: &[u8]) -> f64 {
        let [rows, columns] = SHAPE;
        let squared = |row: usize, column: usize| {
            let at = row * columns + column;
            (f64::from(found[at]) - f64::from(expected[at])).powi(2)
        };
        let mut largest = 0.0f64;
        for top in (0..rows - SIDE).step_by(SIDE) {
            for left in (0..columns - SIDE).step_by(SIDE) {
                let pixels = (0..SIDE * SIDE).map(|i| squared(top + i / SIDE, left + i % SIDE));
                largest = largest.max(pixels.sum::<f64>().sqrt());
            }
        }
        largest
    }

    /// The transform of JPEG is orthonormal and rounding moves a coefficient by half its step at most, so a block moves by
    /// at most half the length of the table of steps; encoder and decoder each round a pixel or coefficient by up to one
    /// more. Clipping only brings it nearer.
    #[rstest::rstest]
    #[case(100)]
    #[case(90)]
    #[case(75)]
    fn lossy_jpeg_stays_within_what_its_quantisation_allows(#[case] quality: u8) {
        let (expected, [rows, columns]) = (original(), SHAPE);
        let mut stream = Vec::new();
        jpeg_encoder::Encoder::new(&mut stream, quality)
            .encode(
                &expected,
                columns as u16,
                rows as u16,
                jpeg_encoder::ColorType::Luma,
            )
            .expect("a picture can be encoded");
        let format = PixelFormat {
            rows: rows as u32,
            columns: columns as u32,
            samples_per_pixel: 1,
            bits_allocated: 8,
            bits_stored: 8,
            high_bit: 7,
            signed: false,
            n_frames: 1,
            photometric: Some(crate::Photometric::Monochrome2),
            planar: false,
            padding: None,
        };
        let mut sink = Sink::new(&format, 1);
        decode_frame(&stream, TransferSyntax::JpegBaseline, &format, &mut sink)
            .expect("a picture can be decoded");
        let found = sink.finish().to_le_bytes();
        let steps = quantisation(&stream).iter().map(|step| f64::from(*step).powi(2));
        let bound = steps.sum::<f64>().sqrt() / 2.0 + 2.0 * SIDE as f64;
        let error = largest_block_error(&found, &expected);
        assert!(error > 0.0 && error <= bound, "{error} beyond {bound}");
        // Another picture, though the same but for a column, is outside.
        let moved: Vec<u8> = [&expected[1..], &expected[..1]].concat();
        assert!(largest_block_error(&found, &moved) > bound);
    }
}
