//! Huffman tables whose first bits give the whole difference.

/// Bits looked up at once: enough for the code and extra bits of nearly every difference of a 12-bit image, and small
/// enough for the nearest cache.
const LOOK_BITS: u32 = 11;

/// A table of T.81, annex C.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// By the next [`LOOK_BITS`] bits: difference in the high half, bits used in the low one. 0 bits: look further.
    whole: [u32; 1 << LOOK_BITS],
    /// First code beyond those of each length, moved up to 16 bits.
    ends: [u32; 17],
    /// What to add to a code of each length to find its symbol.
    shifts: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// Reads a table of a DHT segment; gives what follows it.
    pub(super) fn read(body: &[u8]) -> Result<(Table, &[u8]), &'static str> {
        const SHORT: &str = "a Huffman table cut short";
        let (counts, rest) = body.split_at_checked(16).ok_or(SHORT)?;
        let n: usize = counts.iter().map(|n| usize::from(*n)).sum();
        let (symbols, rest) = rest.split_at_checked(n).ok_or(SHORT)?;
        // Differences have 0 to 16 bits.
        if symbols.iter().any(|symbol| *symbol > 16) {
            return Err("a Huffman table of something else than differences");
        }
        let mut table = Table {
            whole: [0; 1 << LOOK_BITS],
            ends: [0; 17],
            shifts: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut first) = (0u32, 0i32);
        for (length, count) in (1..).zip(counts) {
            table.shifts[length] = first - code as i32;
            code += u32::from(*count);
            first += i32::from(*count);
            if code > 1 << length {
                return Err("a Huffman table with more codes than fit");
            }
            table.ends[length] = code << (16 - length);
            code <<= 1;
        }
        for bits in 0..1u32 << LOOK_BITS {
            if let Ok((difference, n_bits)) = table.search(bits << (32 - LOOK_BITS))
                && n_bits <= LOOK_BITS
            {
                table.whole[bits as usize] = u32::from(difference) << 16 | n_bits;
            }
        }
        Ok((table, rest))
    }

    /// The difference that the next 32 bits begin with, and how many it takes.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u32) -> Result<(u16, u32), &'static str> {
        let whole = self.whole[(bits >> (32 - LOOK_BITS)) as usize];
        if whole & 0xFFFF != 0 {
            return Ok(((whole >> 16) as u16, whole & 0xFFFF));
        }
        self.search(bits)
    }

    #[cold]
    fn search(&self, bits: u32) -> Result<(u16, u32), &'static str> {
        let top = bits >> 16;
        let length = (1..=16u32).find(|length| top < self.ends[*length as usize]);
        let length = length.ok_or("a code that is not in the Huffman table")?;
        let symbol = (top >> (16 - length)) as i32 + self.shifts[length as usize];
        let symbol = usize::try_from(symbol)
            .ok()
            .and_then(|symbol| self.symbols.get(symbol));
        let category = u32::from(*symbol.ok_or("a code that is not in the Huffman table")?);
        Ok(match category {
            0 => (0, length),
            // 32,768 comes without extra bits.
            16 => (0x8000, length),
            _ => {
                let extra = (bits << length) >> (32 - category);
                let is_negative = extra >> (category - 1) == 0;
                let less = if is_negative { (1 << category) - 1 } else { 0 };
                ((extra as i32 - less) as u16, length + category)
            }
        })
    }
}
