//! JPEG Lossless decoding (ITU-T T.81, Huffman process 14, frame header SOF3): any predictor, 2 to 16 bits, restart
//! intervals, components in one scan or in scans of their own.
//!
//! Everything is held against the bytes there are; damage is an error, never a panic, and no more is reserved than the
//! frame header's size, which the caller has checked.

mod bits;
mod huffman;

use bits::Bits;
use huffman::Table;

/// Decodes a stream to samples, pixel by pixel, the components of a pixel together.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<u16>, &'static str> {
    let mut decoder = Decoder::default();
    let mut at = 2;
    loop {
        let (marker, body, next) = segment(bytes, at)?;
        at = next;
        match marker {
            0xC3 => decoder.frame(body)?,
            0xC4 => decoder.tables(body)?,
            0xDD => decoder.restart_interval = usize::from(u16_at(body, 0)?),
            0xDA => {
                at = decoder.scan(body, bytes, next)?;
                if decoder.components.iter().all(|component| component.done) {
                    return Ok(decoder.samples);
                }
            }
            0xD9 => return Err("ends before all components came"),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Decoder {
    precision: u32,
    rows: usize,
    columns: usize,
    components: Vec<Component>,
    tables: [Option<Box<Table>>; 4],
    n_tables: usize,
    restart_interval: usize,
    samples: Vec<u16>,
}

struct Component {
    id: u8,
    done: bool,
}

/// The marker at or after `at` with its segment, and where the next one begins.
fn segment(bytes: &[u8], mut at: usize) -> Result<(u8, &[u8], usize), &'static str> {
    const SHORT: &str = "ends within its headers";
    while *bytes.get(at).ok_or(SHORT)? != 0xFF || matches!(bytes.get(at + 1), Some(0 | 0xFF)) {
        at += 1;
    }
    let marker = *bytes.get(at + 1).ok_or(SHORT)?;
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Ok((marker, &[], at + 2));
    }
    let length = usize::from(u16_at(bytes, at + 2)?);
    let body = bytes.get(at + 4..at + 2 + length.max(2)).ok_or(SHORT)?;
    Ok((marker, body, at + 2 + length.max(2)))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, &'static str> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err("a segment is cut short"),
    }
}

impl Decoder {
    fn frame(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let (Some(&[precision]), Some(&[n])) = (body.get(..1), body.get(5..6)) else {
            return Err("a frame header cut short");
        };
        if !self.components.is_empty() {
            return Err("two frame headers");
        }
        self.precision = u32::from(precision);
        (self.rows, self.columns) = (usize::from(u16_at(body, 1)?), usize::from(u16_at(body, 3)?));
        if !(2..=16).contains(&self.precision) || self.rows == 0 || self.columns == 0 || !(1..=4).contains(&n)
        {
            return Err("a frame header out of range");
        }
        let specifications = body
            .get(6..6 + 3 * usize::from(n))
            .ok_or("a frame header cut short")?;
        for specification in specifications.chunks_exact(3) {
            if specification[1] != 0x11 && n > 1 {
                return Err("components of different size");
            }
            let id = specification[0];
            self.components.push(Component { id, done: false });
        }
        self.samples = vec![0; self.rows * self.columns * usize::from(n)];
        Ok(())
    }

    fn tables(&mut self, mut body: &[u8]) -> Result<(), &'static str> {
        // Four components, each defined anew before its scan, need 16; each table costs work that few bytes ask for.
        const MOST_TABLES: usize = 64;
        while let Some((&target, rest)) = body.split_first() {
            self.n_tables += 1;
            if self.n_tables > MOST_TABLES {
                return Err("more Huffman tables than any encoder writes");
            }
            let (table, rest) = Table::read(rest)?;
            let slot = self
                .tables
                .get_mut(usize::from(target))
                .ok_or("a Huffman table of another class")?;
            *slot = Some(Box::new(table));
            body = rest;
        }
        Ok(())
    }

    /// Decodes the scan whose header is `body` and whose data begins at `at`; gives where it ends.
    fn scan(&mut self, body: &[u8], bytes: &[u8], at: usize) -> Result<usize, &'static str> {
        const SHORT: &str = "a scan header cut short";
        let n = usize::from(*body.first().ok_or(SHORT)?);
        let (members, rest) = body[1..].split_at_checked(2 * n).ok_or(SHORT)?;
        let &[predictor, 0, transform, ..] = rest else {
            return Err("a scan header that is not of a lossless scan");
        };
        let shift = u32::from(transform);
        if !(1..=7).contains(&predictor) || shift >= self.precision {
            return Err("a predictor or point transform out of range");
        }
        let mut scan = Scan {
            columns: self.columns,
            n_components: self.components.len(),
            start: 1 << (self.precision - shift - 1),
            shift,
            members: Vec::with_capacity(n),
        };
        for member in members.chunks_exact(2) {
            let component = self
                .components
                .iter()
                .position(|component| component.id == member[0]);
            let component = component.ok_or("a scan of a component without frame header")?;
            if std::mem::replace(&mut self.components[component].done, true) {
                return Err("a component comes twice");
            }
            let table = self
                .tables
                .get(usize::from(member[1] >> 4))
                .and_then(Option::as_deref);
            scan.members
                .push((component, table.ok_or("a scan without its Huffman table")?));
        }
        if scan.members.is_empty() {
            return Err("a scan without components");
        }
        // T.81 H.1.1: a whole number of rows.
        let rows_apart = match self.restart_interval {
            0 => self.rows,
            interval if interval.is_multiple_of(self.columns) => interval / self.columns,
            _ => return Err("a restart interval that ends within a row"),
        };
        let mut data = Bits::new(bytes, at);
        let row_len = self.columns * scan.n_components;
        for (number, interval) in self.samples.chunks_mut(row_len * rows_apart).enumerate() {
            if number > 0 {
                data.restart()?;
            }
            scan.interval(&mut data, interval, predictor)?;
        }
        Ok(data.position())
    }
}

/// A scan under way.
struct Scan<'a> {
    columns: usize,
    n_components: usize,
    /// What predicts the first sample.
    start: u16,
    /// Point transform.
    shift: u32,
    /// Which component, by which table.
    members: Vec<(usize, &'a Table)>,
}

impl Scan<'_> {
    /// Rows up to the next restart. The first is predicted from the left alone.
    fn interval(&self, data: &mut Bits<'_>, samples: &mut [u16], predictor: u8) -> Result<(), &'static str> {
        let row_len = self.columns * self.n_components;
        for row in 0..samples.len() / row_len {
            let (before, now) = samples.split_at_mut(row * row_len);
            let above = before
                .get(before.len().saturating_sub(row_len)..)
                .unwrap_or_default();
            let now = &mut now[..row_len];
            match (row, predictor) {
                (0, _) => self.row::<1>(data, &[], now)?,
                (_, 1) => self.row::<1>(data, above, now)?,
                (_, 2) => self.row::<2>(data, above, now)?,
                (_, 3) => self.row::<3>(data, above, now)?,
                (_, 4) => self.row::<4>(data, above, now)?,
                (_, 5) => self.row::<5>(data, above, now)?,
                (_, 6) => self.row::<6>(data, above, now)?,
                _ => self.row::<7>(data, above, now)?,
            }
        }
        if self.shift > 0 {
            // Prediction works on shifted values, so they are moved up only now.
            let members = |at: usize| {
                self.members
                    .iter()
                    .any(|(component, _)| at % self.n_components == *component)
            };
            for (at, sample) in samples.iter_mut().enumerate() {
                if members(at) {
                    *sample <<= self.shift;
                }
            }
        }
        Ok(())
    }

    /// One row; `above` is empty in the first.
    fn row<const PREDICTOR: u8>(
        &self,
        data: &mut Bits<'_>,
        above: &[u16],
        now: &mut [u16],
    ) -> Result<(), &'static str> {
        if let ([(_, table)], 1) = (self.members.as_slice(), self.n_components) {
            // One component, as all MR: the neighbours stay in registers.
            let mut left = above.first().copied().unwrap_or(self.start);
            let mut corner = left;
            if above.is_empty() {
                for sample in now {
                    left = left.wrapping_add(data.difference(table)?);
                    *sample = left;
                }
            } else {
                for (number, (sample, up)) in now.iter_mut().zip(above).enumerate() {
                    let predicted = if number == 0 {
                        *up
                    } else {
                        predict::<PREDICTOR>(left, *up, corner)
                    };
                    left = predicted.wrapping_add(data.difference(table)?);
                    corner = *up;
                    *sample = left;
                }
            }
        } else {
            let step = self.n_components;
            for column in 0..self.columns {
                for (component, table) in &self.members {
                    let at = column * step + component;
                    let up = above.get(at).copied();
                    let predicted = match (column, up) {
                        (0, up) => up.unwrap_or(self.start),
                        (_, None) => now[at - step],
                        (_, Some(up)) => predict::<PREDICTOR>(now[at - step], up, above[at - step]),
                    };
                    now[at] = predicted.wrapping_add(data.difference(table)?);
                }
            }
        }
        data.check()
    }
}

/// T.81 table H.1, modulo 65,536.
#[inline(always)]
fn predict<const PREDICTOR: u8>(left: u16, up: u16, corner: u16) -> u16 {
    let [a, b, c] = [left, up, corner].map(i32::from);
    let predicted = match PREDICTOR {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    };
    predicted as u16
}

#[cfg(test)]
mod tests;
