//! JPEG-LS decoding (ITU-T T.87), one component, lossless and near-lossless. Safe code of our own: the other decoders
//! there are need a C++ toolchain.

/// What a code stream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u32,
    pub(super) precision: u8,
}

/// The shape, from the frame header; `None` if there is none.
pub(super) fn shape(bytes: &[u8]) -> Option<Shape> {
    let mut markers = Markers::new(bytes)?;
    loop {
        let (marker, body) = markers.next()?;
        match marker {
            SOF55 => return frame_header(body),
            SOS => return None,
            _ => {}
        }
    }
}

const SOF55: u8 = 0xF7;
const LSE: u8 = 0xF8;
const SOS: u8 = 0xDA;
const DRI: u8 = 0xDD;

/// Marker segments before the scan.
struct Markers<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Markers<'a> {
    fn new(bytes: &'a [u8]) -> Option<Markers<'a>> {
        bytes
            .starts_with(&[0xFF, 0xD8])
            .then_some(Markers { bytes, at: 2 })
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        while *self.bytes.get(self.at)? == 0xFF && *self.bytes.get(self.at + 1)? == 0xFF {
            self.at += 1;
        }
        let &[0xFF, marker, high, low] = self.bytes.get(self.at..self.at + 4)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = self.bytes.get(self.at + 4..(self.at + 2).checked_add(length)?)?;
        self.at += 2 + length;
        Some((marker, body))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn frame_header(body: &[u8]) -> Option<Shape> {
    Some(Shape {
        precision: *body.first()?,
        rows: u32::from(u16_at(body, 1)?),
        columns: u32::from(u16_at(body, 3)?),
        components: u32::from(*body.get(5)?),
    })
}

/// Coding parameters (T.87 Annex C.2.4.1 and A.2.1).
#[derive(Debug, Clone, Copy)]
struct Parameters {
    max_value: i32,
    thresholds: [i32; 3],
    reset: i32,
    near: i32,
    range: i32,
    /// Bits of a mapped error beyond the limit.
    qbpp: u32,
    limit: u32,
}

impl Parameters {
    fn new(max_value: i32, near: i32, preset: Option<[i32; 4]>) -> Option<Parameters> {
        if max_value < 1 || near < 0 || near > (max_value / 2).min(255) {
            return None;
        }
        let clamp = |value: i32, low: i32| {
            if value > max_value || value < low {
                low
            } else {
                value
            }
        };
        let (basis, offsets, nears) = ([3, 7, 21], [2, 3, 4], [3, 5, 7]);
        let default = |i: usize, low: i32| {
            let value = if max_value >= 128 {
                let factor = (max_value.min(4095) + 128) / 256;
                factor * (basis[i] - offsets[i]) + offsets[i] + nears[i] * near
            } else {
                let factor = 256 / (max_value + 1);
                (basis[i] / factor + nears[i] * near).max(offsets[i])
            };
            clamp(value, low)
        };
        let [t1, t2, t3, reset] = preset.unwrap_or([0; 4]);
        let t1 = if t1 == 0 { default(0, near + 1) } else { t1 };
        let t2 = if t2 == 0 { default(1, t1) } else { t2 };
        let t3 = if t3 == 0 { default(2, t2) } else { t3 };
        let reset = if reset == 0 { 64 } else { reset };
        if reset < 3 {
            return None;
        }
        let range = (max_value + 2 * near) / (2 * near + 1) + 1;
        let bits_of = |n: i32| 32 - (n - 1).leading_zeros();
        let bpp = bits_of(max_value + 1).max(2);
        let (qbpp, limit) = (bits_of(range), 2 * (bpp + bpp.max(8)));
        Some(Parameters {
            max_value,
            thresholds: [t1, t2, t3],
            reset,
            near,
            range,
            qbpp,
            limit,
        })
    }

    fn quantise(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let level = match gradient.abs() {
            size if size <= self.near => 0,
            size if size < t1 => 1,
            size if size < t2 => 2,
            size if size < t3 => 3,
            _ => 4,
        };
        level * gradient.signum()
    }

    /// The size of an error, which no valid stream makes larger than the range.
    fn error_size(&self, size: u32) -> Option<i32> {
        i32::try_from(size).ok().filter(|size| *size <= self.range)
    }

    /// Prediction plus error, wrapped into the range and clamped.
    fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.max_value + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.max_value)
    }
}

/// Decodes a code stream of one component; `Err` says what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u16>, &'static str> {
    let mut markers = Markers::new(bytes).ok_or("no start of image")?;
    let (mut shape, mut preset) = (None, None);
    let near = loop {
        let (marker, body) = markers.next().ok_or("no scan")?;
        match marker {
            SOF55 => shape = frame_header(body),
            LSE if body.first() == Some(&1) => {
                let value = |i: usize| {
                    u16_at(body, 1 + 2 * i)
                        .map(i32::from)
                        .ok_or("short preset parameters")
                };
                preset = Some([value(0)?, value(1)?, value(2)?, value(3)?, value(4)?]);
            }
            LSE => return Err("mapping tables are not supported"),
            DRI if body.iter().any(|byte| *byte != 0) => return Err("restart intervals are not supported"),
            SOS => match body {
                // One component: count, selector, table, NEAR, interleave mode, point transform.
                &[1, _, 0, near, _, 0] => break i32::from(near),
                _ => return Err("a scan of several components, a mapping table or a point transform"),
            },
            _ => {}
        }
    };
    let shape = shape.ok_or("no frame header")?;
    if shape.components != 1 || !(2..=16).contains(&shape.precision) {
        return Err("expected one component of 2 to 16 bits");
    }
    let full = (1 << shape.precision) - 1;
    let max_value = preset
        .map(|preset| preset[0])
        .filter(|value| *value != 0)
        .unwrap_or(full);
    let thresholds = preset.map(|[_, t1, t2, t3, reset]| [t1, t2, t3, reset]);
    if max_value > full {
        return Err("a largest value beyond the precision");
    }
    let parameters = Parameters::new(max_value, near, thresholds).ok_or("impossible coding parameters")?;
    let (rows, columns) = (shape.rows as usize, shape.columns as usize);
    Decoder::new(parameters, &bytes[markers.at..])
        .image(rows, columns)
        .ok_or("the scan ends early or is damaged")
}

/// Orders of run lengths (T.87 A.2.1, table J).
const RUN_ORDERS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];
const N_CONTEXTS: usize = 365;

#[derive(Debug, Clone, Copy)]
struct Context {
    /// Sum of error sizes.
    a: i32,
    /// Sum of errors (in a run-interruption context: count of negative ones).
    b: i32,
    /// Prediction correction.
    c: i32,
    /// Occurrences.
    n: i32,
}

impl Context {
    /// Golomb order for sums of `a`.
    fn order(&self, a: i32) -> u32 {
        let mut k = 0;
        while k < 24 && (i64::from(self.n) << k) < i64::from(a) {
            k += 1;
        }
        k
    }
}

struct Decoder<'a> {
    parameters: Parameters,
    contexts: Vec<Context>,
    run_index: usize,
    bits: Bits<'a>,
}

impl<'a> Decoder<'a> {
    fn new(parameters: Parameters, scan: &'a [u8]) -> Decoder<'a> {
        let a = ((parameters.range + 32) / 64).max(2);
        Decoder {
            parameters,
            contexts: vec![Context { a, b: 0, c: 0, n: 1 }; N_CONTEXTS + 2],
            run_index: 0,
            bits: Bits {
                bytes: scan,
                at: 0,
                buffer: 0,
                n_bits: 0,
                after_ff: false,
            },
        }
    }

    fn image(mut self, rows: usize, columns: usize) -> Option<Vec<u16>> {
        // One sample of border on both sides, so that every neighbour has a place.
        let mut above = vec![0i32; columns + 2];
        let mut line = vec![0i32; columns + 2];
        let mut out = Vec::new();
        for _ in 0..rows {
            line[0] = above[1];
            above[columns + 1] = above[columns];
            self.line(&above, &mut line)?;
            out.extend(line[1..=columns].iter().map(|value| *value as u16));
            std::mem::swap(&mut above, &mut line);
        }
        Some(out)
    }

    fn line(&mut self, above: &[i32], line: &mut [i32]) -> Option<()> {
        let columns = line.len() - 2;
        let mut x = 1;
        while x <= columns {
            let (left, up, corner, right) = (line[x - 1], above[x], above[x - 1], above[x + 1]);
            let quantise = |gradient| self.parameters.quantise(gradient);
            let levels = [
                quantise(right - up),
                quantise(up - corner),
                quantise(corner - left),
            ];
            if levels == [0; 3] {
                x = self.run(above, line, x)?;
            } else {
                line[x] = self.regular(levels, [left, up, corner])?;
                x += 1;
            }
        }
        Some(())
    }

    /// A sample from its context (T.87 A.4 to A.6).
    fn regular(&mut self, levels: [i32; 3], [left, up, corner]: [i32; 3]) -> Option<i32> {
        let parameters = self.parameters;
        let number = 81 * levels[0] + 9 * levels[1] + levels[2];
        let sign = number.signum();
        let context = self.contexts.get_mut(number.unsigned_abs() as usize)?;
        let edge = if corner >= left.max(up) {
            left.min(up)
        } else if corner <= left.min(up) {
            left.max(up)
        } else {
            left + up - corner
        };
        let predicted = (edge + sign * context.c).clamp(0, parameters.max_value);
        let k = context.order(context.a);
        let mapped = self.bits.golomb(k, parameters.limit, parameters.qbpp)?;
        let half = parameters.error_size(mapped >> 1)?;
        let error = if parameters.near == 0 && k == 0 && 2 * context.b <= -context.n {
            if mapped & 1 == 1 { half } else { -half - 1 }
        } else if mapped & 1 == 0 {
            half
        } else {
            -half - 1
        };
        context.b = context.b.checked_add(error * (2 * parameters.near + 1))?;
        context.a = context.a.checked_add(error.abs())?;
        if context.n == parameters.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        if context.b <= -context.n {
            context.b = (context.b + context.n).max(1 - context.n);
            context.c = (context.c - 1).max(-128);
        } else if context.b > 0 {
            context.b = (context.b - context.n).min(0);
            context.c = (context.c + 1).min(127);
        }
        Some(parameters.reconstruct(predicted, sign * error))
    }

    /// A run of equal samples and the one that ends it (T.87 A.7); returns the column behind.
    fn run(&mut self, above: &[i32], line: &mut [i32], start: usize) -> Option<usize> {
        let end = line.len() - 1;
        let value = line[start - 1];
        let mut x = start;
        while self.bits.bit()? {
            let whole = 1usize << RUN_ORDERS[self.run_index];
            let n = whole.min(end - x);
            line[x..x + n].fill(value);
            x += n;
            if n == whole {
                self.run_index = (self.run_index + 1).min(31);
            }
            if x == end {
                return Some(x);
            }
        }
        let order = RUN_ORDERS[self.run_index];
        let n = self.bits.take(order)? as usize;
        if n >= end - x {
            return None;
        }
        line[x..x + n].fill(value);
        x += n;
        line[x] = self.interruption(value, above[x], order)?;
        self.run_index = self.run_index.saturating_sub(1);
        Some(x + 1)
    }

    fn interruption(&mut self, left: i32, up: i32, order: u32) -> Option<i32> {
        let parameters = self.parameters;
        let alike = (left - up).abs() <= parameters.near;
        let kind = i32::from(alike);
        let context = self.contexts.get_mut(N_CONTEXTS + usize::from(alike))?;
        let k = context.order(context.a + if alike { context.n >> 1 } else { 0 });
        let limit = parameters.limit.checked_sub(order + 1)?;
        let mapped = self.bits.golomb(k, limit, parameters.qbpp)?;
        parameters.error_size(mapped >> 1)?;
        let mapped = mapped as i32;
        let sum = mapped + kind;
        let size = (sum + 1) / 2;
        let mostly_positive = k == 0 && 2 * context.b < context.n;
        let error = if (sum & 1 == 1) == mostly_positive {
            size
        } else {
            -size
        };
        context.b += i32::from(error < 0);
        context.a = context.a.checked_add((mapped + 1 - kind) >> 1)?;
        if context.n == parameters.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        let (predicted, sign) = match alike {
            true => (left, 1),
            false => (up, if left > up { -1 } else { 1 }),
        };
        Some(parameters.reconstruct(predicted, sign * error))
    }
}

/// Bits of a scan, high first; a byte behind 0xFF holds seven.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    n_bits: u32,
    after_ff: bool,
}

impl Bits<'_> {
    /// Tops the buffer up to more than 48 bits, or with what there is.
    fn fill(&mut self) {
        while self.n_bits <= 48 {
            let Some(&byte) = self.bytes.get(self.at) else {
                return;
            };
            if self.after_ff && byte >= 0x80 {
                // A marker ends the scan.
                return;
            }
            let n = if self.after_ff { 7 } else { 8 };
            self.buffer |= u64::from(byte) << (64 - self.n_bits - n);
            self.n_bits += n;
            self.at += 1;
            self.after_ff = byte == 0xFF;
        }
    }

    fn take(&mut self, n: u32) -> Option<u32> {
        if n == 0 {
            return Some(0);
        }
        if self.n_bits < n {
            self.fill();
            if self.n_bits < n {
                return None;
            }
        }
        let value = (self.buffer >> (64 - n)) as u32;
        self.buffer <<= n;
        self.n_bits -= n;
        Some(value)
    }

    fn bit(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// A Golomb code of order `k`, or its escape of `qbpp` bits (T.87 A.5.3).
    fn golomb(&mut self, k: u32, limit: u32, qbpp: u32) -> Option<u32> {
        let longest = limit.checked_sub(qbpp + 1)?;
        let mut zeros = 0;
        loop {
            if self.n_bits == 0 {
                self.fill();
            }
            let run = self.buffer.leading_zeros().min(self.n_bits);
            if run < self.n_bits {
                zeros += run;
                self.take(run)?;
                self.take(1)?;
                break;
            }
            if self.n_bits == 0 || zeros > limit {
                return None;
            }
            zeros += run;
            self.take(run)?;
        }
        match zeros {
            zeros if zeros < longest => Some((zeros << k) | self.take(k)?),
            zeros if zeros == longest => Some(self.take(qbpp)? + 1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the standard (T.87 H.3), 4 x 4 pixels of 8 bits.
    const EXAMPLE: [u8; 60] = [
        0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xDA,
        0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E, 0x01, 0xC0,
        0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00, 0x01, 0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8,
        0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn the_example_of_the_standard_decodes() {
        assert_eq!(
            shape(&EXAMPLE),
            Some(Shape {
                rows: 4,
                columns: 4,
                components: 1,
                precision: 8
            })
        );
        let expected = [
            0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145,
        ];
        assert_eq!(decode(&EXAMPLE).as_deref(), Ok(expected.as_slice()));
    }

    #[test]
    fn damage_gives_an_error_or_other_values() {
        for at in 0..EXAMPLE.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut bytes = EXAMPLE;
                bytes[at] ^= flip;
                // The caller bounds the shape; here it must stay small by itself.
                if shape(&bytes).is_some_and(|shape| shape.rows * shape.columns < 1 << 20) {
                    let _ = decode(&bytes);
                }
            }
            // The scan ends five bytes before the array does.
            assert!(decode(&EXAMPLE[..at]).is_err() || at > 53, "cut at {at}");
        }
    }
}
