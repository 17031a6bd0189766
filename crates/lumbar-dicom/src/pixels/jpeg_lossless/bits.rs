//! Bits of entropy-coded data, without the zeros that follow each byte of ones.

use super::huffman::Table;

/// A reader that stops at markers: behind the last byte it gives zeros and remembers having done so.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the top.
    window: u64,
    n_bits: u32,
    /// How many of `n_bits` are made up.
    n_made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Bits<'a> {
        Bits {
            bytes,
            at,
            window: 0,
            n_bits: 0,
            n_made_up: 0,
        }
    }

    /// Where the data ends, as far as read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next difference, modulo 65,536.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &Table) -> Result<u16, &'static str> {
        // A code and its extra bits are 32 bits at most.
        if self.n_bits < 32 {
            self.refill();
        }
        let (difference, n_bits) = table.look_up((self.window >> 32) as u32)?;
        self.window <<= n_bits;
        self.n_bits -= n_bits;
        Ok(difference)
    }

    /// Whether what was read was there.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.n_bits < self.n_made_up {
            return Err("the entropy-coded data ends early");
        }
        Ok(())
    }

    /// Goes behind the next restart marker.
    pub(super) fn restart(&mut self) -> Result<(), &'static str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let marker = rest
            .windows(2)
            .position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7));
        let marker = marker.ok_or("a restart marker is missing")?;
        *self = Bits::new(self.bytes, self.at + marker + 2);
        Ok(())
    }

    fn refill(&mut self) {
        if let Some(eight) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*eight);
            // A byte of ones is a byte of zeros in the complement.
            let turned = !word;
            let has_ones = turned.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0;
            if !has_ones {
                let n_bytes = (64 - self.n_bits) / 8;
                self.window |= word >> self.n_bits;
                self.at += n_bytes as usize;
                self.n_bits += 8 * n_bytes;
                // Bits beyond the whole bytes taken come again with the next refill.
                self.window &= u64::MAX << (64 - self.n_bits);
                return;
            }
        }
        while self.n_bits <= 56 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.n_made_up += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.window |= u64::from(byte) << (56 - self.n_bits);
            self.n_bits += 8;
        }
    }
}
