//! Fast reproducible noise.

/// Adds noise of a standard deviation to every value; the values depend on `seed` alone.
///
/// Each deviate is the sum of four 16-bit uniforms (Irwin-Hall; kurtosis 2.7 where a Gaussian has 3), which is enough
/// for augmentation and an order of magnitude faster than an exact Gaussian.
pub(super) fn add(values: &mut [f32], sigma: f32, seed: u64) {
    // Variance of a sum of four uniforms over 0..65536 is 4 x 65536^2 / 12.
    const UNIT: f32 = 1.0 / (65_536.0 * 0.577_350_3);
    const MEAN: f32 = 2.0 * 65_535.0;
    let scale = sigma * UNIT;
    for (i, value) in values.iter_mut().enumerate() {
        let bits = mix(seed.wrapping_add((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let sum = (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
        *value += (sum as u32 as f32 - MEAN) * scale;
    }
}

/// SplitMix64's output function (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
