//! Numbers and texts out of values. What cannot be read is `None`; the caller decides what that means.

use super::walk::Value;

impl<'a> Value<'a> {
    /// Without padding.
    pub(crate) fn trimmed(self) -> &'a [u8] {
        let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
        let bytes = self.bytes;
        let start = bytes
            .iter()
            .position(|byte| !is_padding(byte))
            .unwrap_or(bytes.len());
        let end = bytes
            .iter()
            .rposition(|byte| !is_padding(byte))
            .map_or(start, |last| last + 1);
        &bytes[start..end]
    }

    /// Printable ASCII text; `None` if empty or otherwise.
    pub(crate) fn text(self) -> Option<&'a str> {
        let trimmed = self.trimmed();
        let printable = !trimmed.is_empty() && trimmed.iter().all(|byte| (0x20..0x7F).contains(byte));
        printable.then(|| std::str::from_utf8(trimmed).ok()).flatten()
    }

    /// Code strings: upper case letters, digits, space and underscore; others are dropped.
    pub(crate) fn codes(self) -> Vec<String> {
        let is_code = |code: &&str| {
            !code.is_empty()
                && code.len() <= 16
                && code
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b' ')
        };
        let text = self.text().unwrap_or_default();
        text.split('\\')
            .map(str::trim)
            .filter(is_code)
            .map(str::to_owned)
            .collect()
    }

    /// A unique identifier: digits and dots, at most 64.
    pub(crate) fn uid(self) -> Option<String> {
        let text = self.text()?;
        let valid = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        valid.then(|| text.to_owned())
    }

    /// Decimal strings, or binary floats where the representation says so.
    pub(crate) fn decimals(self) -> Option<Vec<f64>> {
        match self.vr.as_ref() {
            Some(b"FD") => Some(self.bytes.chunks_exact(8).map(|bytes| self.f64(bytes)).collect()),
            Some(b"FL") => Some(
                self.bytes
                    .chunks_exact(4)
                    .map(|bytes| f64::from(f32::from_bits(self.encoding.u32(bytes))))
                    .collect(),
            ),
            _ => self
                .text()?
                .split('\\')
                .map(|number| number.trim().parse().ok())
                .collect(),
        }
    }

    /// The first decimal, if it is finite.
    pub(crate) fn decimal(self) -> Option<f64> {
        self.decimals()?
            .first()
            .copied()
            .filter(|number| number.is_finite())
    }

    /// A binary double where the representation is not written.
    pub(crate) fn double(self) -> Option<f64> {
        let value = match self.vr {
            None if self.bytes.len() == 8 => self.f64(self.bytes),
            _ => self.decimal()?,
        };
        value.is_finite().then_some(value)
    }

    fn f64(self, bytes: &[u8]) -> f64 {
        let (low, high) = (self.encoding.u32(bytes), self.encoding.u32(&bytes[4..]));
        let (low, high) = if self.encoding.big_endian {
            (high, low)
        } else {
            (low, high)
        };
        f64::from_bits(u64::from(high) << 32 | u64::from(low))
    }

    /// The first integer string; whole numbers written as decimals are taken.
    pub(crate) fn integer(self) -> Option<i32> {
        let text = self.text()?.split('\\').next()?.trim();
        text.parse().ok().or_else(|| {
            let number: f64 = text.parse().ok()?;
            let whole = number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX);
            whole.then_some(number as i32)
        })
    }

    /// An unsigned short; a writer's unsigned long is taken if it fits.
    pub(crate) fn u16(self) -> Option<u16> {
        match self.bytes.len() {
            0 | 1 => None,
            4 if self.vr.as_ref() != Some(b"US") => u16::try_from(self.encoding.u32(self.bytes)).ok(),
            _ => Some(self.encoding.u16(self.bytes)),
        }
    }

    /// Unsigned longs.
    pub(crate) fn u32s(self) -> Vec<u32> {
        self.bytes
            .chunks_exact(4)
            .map(|bytes| self.encoding.u32(bytes))
            .collect()
    }

    /// Unsigned 64-bit numbers.
    pub(crate) fn u64s(self) -> Vec<u64> {
        self.bytes
            .chunks_exact(8)
            .map(|bytes| self.f64(bytes).to_bits())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::walk::Encoding;
    use rstest::rstest;

    fn value(bytes: &[u8]) -> Value<'_> {
        Value {
            bytes,
            encoding: Encoding::EXPLICIT_LITTLE,
            vr: None,
        }
    }

    #[rstest]
    #[case(b"1.5 ", Some(1.5))]
    #[case(b" -2E-1\\3\0", Some(-0.2))]
    #[case(b"nan", None)]
    #[case(b"inf", None)]
    #[case(b"1,5", None)]
    #[case(b"", None)]
    fn decimals(#[case] bytes: &[u8], #[case] expected: Option<f64>) {
        assert_eq!(value(bytes).decimal(), expected);
    }

    #[rstest]
    #[case(b"7 ", Some(7))]
    #[case(b"+7", Some(7))]
    #[case(b"7.0", Some(7))]
    #[case(b"7.5", None)]
    #[case(b"99999999999", None)]
    fn integers(#[case] bytes: &[u8], #[case] expected: Option<i32>) {
        assert_eq!(value(bytes).integer(), expected);
    }

    #[test]
    fn doubles_in_both_orders() {
        let little = 2.25f64.to_le_bytes();
        let big = 2.25f64.to_be_bytes();
        assert_eq!(value(&little).double(), Some(2.25));
        let encoding = Encoding {
            explicit: true,
            big_endian: true,
        };
        assert_eq!(
            Value {
                bytes: &big,
                encoding,
                vr: Some(*b"FD")
            }
            .double(),
            Some(2.25)
        );
    }

    #[test]
    fn a_uid_is_digits_and_dots() {
        assert_eq!(value(b"1.2.3\0").uid().as_deref(), Some("1.2.3"));
        assert_eq!(value(b"../../etc").uid(), None);
    }
}
