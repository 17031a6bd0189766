//! Fast reproducible noise.

/// Noise of a standard deviation; the values depend on the seed alone.
///
/// Each deviate is the sum of the four bytes of a random word (Irwin-Hall; kurtosis 2.7 where a Gaussian has 3, steps of
/// 1/148 of the standard deviation), which is enough for augmentation and an order of magnitude faster than an exact
/// Gaussian. The words come from generators side by side, so that any SIMD width makes the same ones.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    sigma: f32,
    state: [[u32; LANES]; 4],
}

/// So many that the compiler makes a loop of it, which it turns into SIMD; unrolled, it does not.
const LANES: usize = 32;

impl Noise {
    pub fn new(sigma: f32, seed: u64) -> Noise {
        let mut n = 0;
        let mut word = || {
            n += 1;
            mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(n))) as u32
        };
        let mut state = std::array::from_fn(|_| std::array::from_fn(|_| word()));
        // The generator must not start with zeros only.
        state[0] = state[0].map(|word| word | 1);
        Noise { sigma, state }
    }

    pub fn sigma(&self) -> f32 {
        self.sigma
    }

    /// The next deviates, of standard deviation 1.
    pub fn fill(&mut self, deviates: &mut [f32]) {
        let (whole, rest) = deviates.as_chunks_mut::<LANES>();
        for chunk in whole {
            step(&mut self.state, chunk);
        }
        let n = rest.len();
        if n > 0 {
            let mut chunk = [0.0; LANES];
            step(&mut self.state, &mut chunk);
            rest.copy_from_slice(&chunk[..n]);
        }
    }
}

/// One step of xoshiro128++ (Blackman and Vigna 2021) in each lane.
fn step([s0, s1, s2, s3]: &mut [[u32; LANES]; 4], deviates: &mut [f32; LANES]) {
    // Sum of four bytes: mean 4 x 255 / 2, variance 4 x (256^2 - 1) / 12.
    const MEAN: f32 = 510.0;
    const SCALE: f32 = 1.0 / 147.801_67;
    for lane in 0..LANES {
        let (a, b, c, d) = (s0[lane], s1[lane], s2[lane], s3[lane]);
        let word = a.wrapping_add(d).rotate_left(7).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        s1[lane] = b ^ c;
        s0[lane] = a ^ d;
        s2[lane] = c ^ (b << 9);
        s3[lane] = d.rotate_left(11);
        let pairs = (word & 0x00ff_00ff) + (word >> 8 & 0x00ff_00ff);
        let sum = (pairs & 0xffff) + (pairs >> 16);
        deviates[lane] = (sum as i32 as f32 - MEAN) * SCALE;
    }
}

/// SplitMix64's output function (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference outputs of xoshiro128++ from state 1, 2, 3, 4 (test vector of the crate `rand_xoshiro`).
    #[test]
    fn the_generator_is_xoshiro128_plus_plus() {
        let words = [641u32, 1_573_767, 3_222_811_527, 3_517_856_514, 836_907_274];
        let mut state = [[1; LANES], [2; LANES], [3; LANES], [4; LANES]];
        for word in words {
            let sum: u32 = word.to_le_bytes().into_iter().map(u32::from).sum();
            let mut deviates = [0.0; LANES];
            step(&mut state, &mut deviates);
            let found = deviates[3] * 147.801_67 + 510.0;
            assert!((found - sum as f32).abs() < 0.01, "{found} {sum}");
        }
    }

    #[test]
    fn deviates_are_standard_and_independent_of_their_neighbours() {
        let mut values = vec![0.0f32; 200_003];
        Noise::new(1.0, 42).fill(&mut values);
        let n = values.len() as f64;
        let moment = |lag: usize| -> f64 {
            values
                .iter()
                .zip(&values[lag..])
                .map(|(a, b)| f64::from(a * b))
                .sum::<f64>()
                / n
        };
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        // Five standard errors of a mean of 200,000.
        assert!(mean.abs() < 0.0112, "{mean}");
        assert!((moment(0) - 1.0).abs() < 0.0146, "{}", moment(0));
        for lag in [1, 2, 7, 8, 31, 32, 33, 64, 128] {
            assert!(moment(lag).abs() < 0.0112, "{lag}: {}", moment(lag));
        }
    }

    #[test]
    fn rows_of_any_length_go_on_where_the_last_ended() {
        let (mut a, mut b) = (Noise::new(1.0, 5), Noise::new(1.0, 5));
        let (mut long, mut short) = (vec![0.0; 128], vec![0.0; 64]);
        a.fill(&mut long);
        b.fill(&mut short);
        assert_eq!(long[..64], short);
        b.fill(&mut short);
        assert_eq!(long[64..], short);
    }
}
