//! A data set as bytes: elements in tag order, in any of the uncompressed encodings.

use super::WriteError;
use crate::{TransferSyntax, tag::Tag};

/// The value of an element to be written.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    U16(u16),
    Bytes(Vec<u8>),
    /// 16-bit words, in the byte order of the data set.
    Words(Vec<u16>),
    /// One encapsulated frame: empty offset table, one fragment.
    Fragment(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) vr: &'static [u8; 2],
    pub(super) value: Value,
}

impl Element {
    /// A text element; several values are joined with backslashes by the caller.
    pub(super) fn text(
        tag: Tag,
        vr: &'static [u8; 2],
        text: impl Into<String>,
    ) -> Result<Element, WriteError> {
        let text = text.into();
        let longest = text.split('\\').map(str::len).max().unwrap_or(0);
        let limit = longest_text(vr);
        if longest > limit {
            return Err(WriteError::ValueTooLong {
                tag,
                found: longest,
                limit,
            });
        }
        if !text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
            return Err(WriteError::NotAscii { tag });
        }
        Ok(Element {
            tag,
            vr,
            value: Value::Text(text),
        })
    }

    pub(super) fn u16(tag: Tag, value: u16) -> Element {
        Element {
            tag,
            vr: b"US",
            value: Value::U16(value),
        }
    }
}

/// Longest value in characters (PS3.5 Table 6.2-1); the representations used here only.
fn longest_text(vr: &[u8; 2]) -> usize {
    match vr {
        b"CS" | b"DS" | b"SH" | b"TM" => 16,
        b"IS" => 12,
        b"DA" => 8,
        b"AS" => 4,
        _ => 64,
    }
}

/// The preamble, the meta group and the data set. `elements` are sorted here.
pub(super) fn encode_file(
    meta: Vec<Element>,
    mut elements: Vec<Element>,
    syntax: TransferSyntax,
) -> Result<Vec<u8>, WriteError> {
    elements.sort_by_key(|element| element.tag);
    let mut meta_bytes = Vec::with_capacity(256);
    for element in meta {
        Encoding::EXPLICIT_LITTLE.write(element, &mut meta_bytes);
    }
    let mut out = vec![0u8; 128];
    out.extend_from_slice(b"DICM");
    out.extend_from_slice(&[2, 0, 0, 0]);
    out.extend_from_slice(b"UL\x04\0");
    out.extend_from_slice(&(meta_bytes.len() as u32).to_le_bytes());
    out.append(&mut meta_bytes);

    let encoding = Encoding {
        explicit: syntax.is_explicit(),
        big_endian: syntax.is_big_endian(),
    };
    if syntax == TransferSyntax::DeflatedExplicitVrLittleEndian {
        let mut data_set = Vec::new();
        for element in elements {
            encoding.write(element, &mut data_set);
        }
        out.append(&mut deflate(&data_set).map_err(WriteError::Deflate)?);
    } else {
        for element in elements {
            encoding.write(element, &mut out);
        }
    }
    Ok(out)
}

/// A raw deflate stream (no zlib header), padded to an even length (PS3.5 A.5).
fn deflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    let mut out = encoder.finish()?;
    if out.len() % 2 == 1 {
        out.push(0);
    }
    Ok(out)
}

#[derive(Debug, Clone, Copy)]
struct Encoding {
    explicit: bool,
    big_endian: bool,
}

impl Encoding {
    const EXPLICIT_LITTLE: Encoding = Encoding {
        explicit: true,
        big_endian: false,
    };

    fn write(self, element: Element, out: &mut Vec<u8>) {
        let Element { tag, vr, value } = element;
        self.u16(tag.0, out);
        self.u16(tag.1, out);
        let (bytes, undefined) = self.value_bytes(vr, value);
        let length = if undefined { u32::MAX } else { bytes.len() as u32 };
        if !self.explicit {
            self.u32(length, out);
        } else if matches!(vr, b"OB" | b"OW" | b"UN" | b"SQ" | b"UT") {
            out.extend_from_slice(vr);
            out.extend_from_slice(&[0, 0]);
            self.u32(length, out);
        } else {
            out.extend_from_slice(vr);
            self.u16(length as u16, out);
        }
        out.extend_from_slice(&bytes);
    }

    fn value_bytes(self, vr: &[u8; 2], value: Value) -> (Vec<u8>, bool) {
        match value {
            Value::Text(text) => {
                let mut bytes = text.into_bytes();
                if bytes.len() % 2 == 1 {
                    bytes.push(if vr == b"UI" { 0 } else { b' ' });
                }
                (bytes, false)
            }
            Value::U16(value) => {
                let mut bytes = Vec::with_capacity(2);
                self.u16(value, &mut bytes);
                (bytes, false)
            }
            Value::Bytes(bytes) => (bytes, false),
            Value::Words(words) => {
                let mut bytes = Vec::with_capacity(2 * words.len());
                for word in words {
                    self.u16(word, &mut bytes);
                }
                (bytes, false)
            }
            Value::Fragment(fragment) => {
                let mut bytes = Vec::with_capacity(fragment.len() + 24);
                bytes.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
                bytes.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
                bytes.extend_from_slice(&(fragment.len() as u32).to_le_bytes());
                bytes.extend_from_slice(&fragment);
                bytes.extend_from_slice(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
                (bytes, true)
            }
        }
    }

    fn u16(self, value: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(&if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    fn u32(self, value: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }
}

/// A number as a decimal string (DS): at most 16 characters, as many digits as fit.
pub(super) fn decimal(tag: Tag, value: f64) -> Result<String, WriteError> {
    const LONGEST: usize = 16;
    if !value.is_finite() {
        return Err(WriteError::NotFinite { tag });
    }
    let shortest = format!("{value}");
    if shortest.len() <= LONGEST {
        return Ok(shortest);
    }
    let fixed = (0..LONGEST)
        .rev()
        .map(|digits| format!("{value:.digits$}"))
        .find(|text| text.len() <= LONGEST);
    // A small number keeps more of itself in exponent notation.
    let exponent = (0..LONGEST)
        .rev()
        .map(|digits| format!("{value:.digits$e}"))
        .find(|text| text.len() <= LONGEST);
    let error = |text: &Option<String>| {
        text.as_ref()
            .and_then(|text| text.parse::<f64>().ok())
            .map_or(f64::INFINITY, |read| (read - value).abs())
    };
    let best = if error(&fixed) <= error(&exponent) {
        fixed
    } else {
        exponent
    };
    best.ok_or(WriteError::ValueTooLong {
        tag,
        found: shortest.len(),
        limit: LONGEST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_fit_and_keep_nine_digits(mantissa in -1.0f64..1.0, exponent in -20i32..20) {
            let value = mantissa * 10f64.powi(exponent);
            let text = decimal(tag::PIXEL_SPACING, value).unwrap();
            prop_assert!(text.len() <= 16, "{text}");
            let read: f64 = text.parse().unwrap();
            prop_assert!((read - value).abs() <= 1e-9 * value.abs(), "{value} became {text}");
        }
    }

    #[test]
    fn decimals_read_naturally() {
        for (value, text) in [
            (0.625, "0.625"),
            (-120.0, "-120"),
            (1.0 / 3.0, "0.33333333333333"),
            (0.0, "0"),
        ] {
            assert_eq!(decimal(tag::PIXEL_SPACING, value).unwrap(), text);
        }
        assert!(decimal(tag::PIXEL_SPACING, f64::NAN).is_err());
    }
}
