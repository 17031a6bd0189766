//! Vectors of sixteen 16-bit words. LLVM finds the vector instruction for the upper half of a product only now and then, so
//! the operations are named here.

/// Words in a vector: one of AVX2, two of SSE2.
pub(crate) const WORDS: usize = 16;

/// A piece of work on vectors of words. `run` and all it calls must be `#[inline(always)]`, or they stay compiled for the least
/// machine.
pub(crate) trait WordKernel {
    /// Does the work.
    fn run<W: Words>(self);
}

/// Sixteen words, lane by lane.
pub(crate) trait Words: Copy {
    fn load(words: &[u16; WORDS]) -> Self;
    fn splat(word: u16) -> Self;
    fn store(self, to: &mut [u16; WORDS]);
    fn add(self, other: Self) -> Self;
    fn saturating_add(self, other: Self) -> Self;
    fn saturating_sub(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// Lower half of each product.
    fn mul_low(self, other: Self) -> Self;
    /// Upper half of each product.
    fn mul_high(self, other: Self) -> Self;
    /// Each word's upper byte.
    fn upper_byte(self) -> Self;
    /// Rows and columns exchanged.
    fn turn(block: &Block, out: &mut Block);
    /// The same for words of which only the lower byte is in use.
    fn turn_bytes(block: &[Self; WORDS], out: &mut [[u8; WORDS]; WORDS]);
}

/// Sixteen rows of sixteen words.
pub(crate) type Block = [[u16; WORDS]; WORDS];

/// What every machine has.
#[derive(Clone, Copy)]
pub(crate) struct Plain([u16; WORDS]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Plain, with: impl Fn(u16, u16) -> u16) -> Plain {
        Plain(std::array::from_fn(|lane| with(self.0[lane], other.0[lane])))
    }
}

impl Words for Plain {
    #[inline(always)]
    fn load(words: &[u16; WORDS]) -> Plain {
        Plain(*words)
    }

    #[inline(always)]
    fn splat(word: u16) -> Plain {
        Plain([word; WORDS])
    }

    #[inline(always)]
    fn store(self, to: &mut [u16; WORDS]) {
        *to = self.0;
    }

    #[inline(always)]
    fn add(self, other: Plain) -> Plain {
        self.zip(other, u16::wrapping_add)
    }

    #[inline(always)]
    fn saturating_add(self, other: Plain) -> Plain {
        self.zip(other, u16::saturating_add)
    }

    #[inline(always)]
    fn saturating_sub(self, other: Plain) -> Plain {
        self.zip(other, u16::saturating_sub)
    }

    #[inline(always)]
    fn min(self, other: Plain) -> Plain {
        self.zip(other, Ord::min)
    }

    #[inline(always)]
    fn mul_low(self, other: Plain) -> Plain {
        self.zip(other, u16::wrapping_mul)
    }

    #[inline(always)]
    fn mul_high(self, other: Plain) -> Plain {
        self.zip(other, |a, b| ((u32::from(a) * u32::from(b)) >> 16) as u16)
    }

    #[inline(always)]
    fn upper_byte(self) -> Plain {
        self.zip(self, |word, _| word >> 8)
    }

    #[inline(always)]
    fn turn(block: &Block, out: &mut Block) {
        *out = std::array::from_fn(|column| std::array::from_fn(|row| block[row][column]));
    }

    #[inline(always)]
    fn turn_bytes(block: &[Plain; WORDS], out: &mut [[u8; WORDS]; WORDS]) {
        *out = std::array::from_fn(|column| std::array::from_fn(|row| block[row].0[column] as u8));
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Block, WORDS, Words};
    use std::arch::x86_64::*;

    /// A vector of AVX2; only [`Level::run_words`](crate::simd::Level::run_words) names it, once it has asked the machine.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256i);

    /// `_mm256_mulhi_epu16` is a widening, a product and a shift to LLVM; where one factor is the same all through a loop it is
    /// widened ahead of it, and what is left inside no longer looks like this instruction.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn upper_half(one: __m256i, other: __m256i) -> __m256i {
        let upper: __m256i;
        // SAFETY: registers in, a register out, and the caller has AVX2.
        unsafe {
            std::arch::asm!(
                "vpmulhuw {upper}, {one}, {other}",
                upper = lateout(ymm_reg) upper,
                one = in(ymm_reg) one,
                other = in(ymm_reg) other,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        upper
    }

    // SAFETY of every block below: the machine has AVX2, see there; references are valid for the sixteen words or bytes that are
    // loaded and stored, and none of these instructions asks for alignment.
    impl Words for Avx2 {
        #[inline(always)]
        fn load(words: &[u16; WORDS]) -> Avx2 {
            Avx2(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
        }

        #[inline(always)]
        fn splat(word: u16) -> Avx2 {
            Avx2(unsafe { _mm256_set1_epi16(word as i16) })
        }

        #[inline(always)]
        fn store(self, to: &mut [u16; WORDS]) {
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        fn add(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { _mm256_add_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn saturating_add(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { _mm256_adds_epu16(self.0, other.0) })
        }

        #[inline(always)]
        fn saturating_sub(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { _mm256_subs_epu16(self.0, other.0) })
        }

        #[inline(always)]
        fn min(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { _mm256_min_epu16(self.0, other.0) })
        }

        #[inline(always)]
        fn mul_low(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { _mm256_mullo_epi16(self.0, other.0) })
        }

        #[inline(always)]
        fn mul_high(self, other: Avx2) -> Avx2 {
            Avx2(unsafe { upper_half(self.0, other.0) })
        }

        #[inline(always)]
        fn upper_byte(self) -> Avx2 {
            Avx2(unsafe { _mm256_srli_epi16::<8>(self.0) })
        }

        #[inline(always)]
        fn turn(block: &Block, out: &mut Block) {
            unsafe {
                for right in [0, 8] {
                    let mut rows = [_mm256_setzero_si256(); 8];
                    for (row, words) in rows.iter_mut().enumerate() {
                        // The eight rows below beside these.
                        let [above, below] =
                            [row, row + 8].map(|row| block[row][right..right + 8].as_ptr().cast());
                        *words = _mm256_inserti128_si256::<1>(
                            _mm256_castsi128_si256(_mm_loadu_si128(above)),
                            _mm_loadu_si128(below),
                        );
                    }
                    for (column, words) in turn_eight(rows).into_iter().enumerate() {
                        Avx2(words).store(&mut out[right + column]);
                    }
                }
            }
        }

        #[inline(always)]
        fn turn_bytes(block: &[Avx2; WORDS], out: &mut [[u8; WORDS]; WORDS]) {
            unsafe {
                let mut bytes = [_mm256_setzero_si256(); 8];
                for (pair, bytes) in bytes.iter_mut().enumerate() {
                    // In each half: eight bytes of one row of words, then as many of the next.
                    *bytes = _mm256_packus_epi16(block[2 * pair].0, block[2 * pair + 1].0);
                }
                for _ in 0..4 {
                    bytes = riffle(bytes);
                }
                for (row, bytes) in bytes.into_iter().enumerate() {
                    _mm_storeu_si128(out[row].as_mut_ptr().cast(), _mm256_castsi256_si128(bytes));
                    let below = _mm256_extracti128_si256::<1>(bytes);
                    _mm_storeu_si128(out[row + 8].as_mut_ptr().cast(), below);
                }
            }
        }
    }

    /// Exchanges rows and columns of the squares of eight words that the halves are.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn turn_eight(rows: [__m256i; 8]) -> [__m256i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let low = [
            _mm256_unpacklo_epi16(a, b),
            _mm256_unpacklo_epi16(c, d),
            _mm256_unpacklo_epi16(e, f),
            _mm256_unpacklo_epi16(g, h),
        ];
        let high = [
            _mm256_unpackhi_epi16(a, b),
            _mm256_unpackhi_epi16(c, d),
            _mm256_unpackhi_epi16(e, f),
            _mm256_unpackhi_epi16(g, h),
        ];
        let mut out = rows;
        for (half, [ab, cd, ef, gh]) in [low, high].into_iter().enumerate() {
            let (abcd, efgh) = (_mm256_unpacklo_epi32(ab, cd), _mm256_unpacklo_epi32(ef, gh));
            out[half * 4] = _mm256_unpacklo_epi64(abcd, efgh);
            out[half * 4 + 1] = _mm256_unpackhi_epi64(abcd, efgh);
            let (abcd, efgh) = (_mm256_unpackhi_epi32(ab, cd), _mm256_unpackhi_epi32(ef, gh));
            out[half * 4 + 2] = _mm256_unpacklo_epi64(abcd, efgh);
            out[half * 4 + 3] = _mm256_unpackhi_epi64(abcd, efgh);
        }
        out
    }

    /// Bytes of the first four between those of the last four, as cards: an index of seven bits, three for the vector and four for
    /// the byte in its half, is turned by one bit.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn riffle(bytes: [__m256i; 8]) -> [__m256i; 8] {
        let mut out = bytes;
        for i in 0..4 {
            out[2 * i] = _mm256_unpacklo_epi8(bytes[i], bytes[i + 4]);
            out[2 * i + 1] = _mm256_unpackhi_epi8(bytes[i], bytes[i + 4]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Level;

    /// Turns a block and takes bytes of one, with every instruction set there is.
    struct Turned<'a> {
        block: &'a Block,
        turned: &'a mut Block,
        bytes: &'a mut [[u8; WORDS]; WORDS],
    }

    impl WordKernel for Turned<'_> {
        #[inline(always)]
        fn run<W: Words>(self) {
            W::turn(self.block, self.turned);
            let mut columns = [W::splat(0); WORDS];
            for (column, words) in columns.iter_mut().zip(self.block) {
                *column = W::load(words);
            }
            W::turn_bytes(&columns, self.bytes);
        }
    }

    #[test]
    fn blocks_are_turned() {
        let block: Block =
            std::array::from_fn(|row| std::array::from_fn(|column| (row * 16 + column) as u16));
        for level in [Level::Baseline, Level::best()] {
            let (mut turned, mut bytes) = ([[0; WORDS]; WORDS], [[0; WORDS]; WORDS]);
            level.run_words(Turned {
                block: &block,
                turned: &mut turned,
                bytes: &mut bytes,
            });
            for row in 0..WORDS {
                for column in 0..WORDS {
                    assert_eq!(turned[column][row], block[row][column]);
                    assert_eq!(u16::from(bytes[column][row]), block[row][column]);
                }
            }
        }
    }
}
