//! Sorting many keys by their leading digits.

/// Below this many items the standard sort is as fast.
const FEW: usize = 2_000;

/// Bits per digit: its counts (16 kB) stay in the nearest cache.
const DIGIT: u32 = 11;

/// Digits that are counted; what they leave equal is sorted by comparison.
const DIGITS: u32 = 3;

/// Sorts by rising key; items of equal key keep their order.
///
/// Three counting passes over the highest bits in which keys differ at all bring 33 bits in order. Runs that agree in
/// those are few and short for scores that differ, and left to the standard sort, so the worst case is n log n.
pub(crate) fn sort_by_key<T: Copy + Default>(mut items: Vec<T>, key: impl Fn(&T) -> u64) -> Vec<T> {
    let Some(first) = items.first().map(&key) else {
        return items;
    };
    if items.len() < FEW {
        items.sort_by_key(key);
        return items;
    }
    let varying = items.iter().fold(0, |bits, item| bits | (key(item) ^ first));
    let n_varying = u64::BITS - varying.leading_zeros();
    let shift = n_varying.saturating_sub(DIGIT * DIGITS);
    let of = |item: &T, digit: u32| (key(item) >> (shift + digit * DIGIT)) as usize & ((1 << DIGIT) - 1);
    let mut counts = [[0_u32; 1 << DIGIT]; DIGITS as usize];
    for item in &items {
        for (digit, count) in (0..).zip(&mut counts) {
            count[of(item, digit)] += 1;
        }
    }
    let mut other = vec![T::default(); items.len()];
    for (digit, start) in (0..).zip(&mut counts) {
        let mut sum = 0;
        for count in start.iter_mut() {
            (*count, sum) = (sum, sum + *count);
        }
        for item in &items {
            let place = &mut start[of(item, digit)];
            other[*place as usize] = *item;
            *place += 1;
        }
        std::mem::swap(&mut items, &mut other);
    }
    if shift > 0 {
        sort_runs(&mut items, &key, shift);
    }
    items
}

/// Sorts each run of items whose keys agree above the lowest `shift` bits.
fn sort_runs<T: Copy>(items: &mut [T], key: &impl Fn(&T) -> u64, shift: u32) {
    let mut start = 0;
    while start < items.len() {
        let head = key(&items[start]) >> shift;
        let mut end = start + 1;
        while end < items.len() && key(&items[end]) >> shift == head {
            end += 1;
        }
        if end - start > 1 {
            items[start..end].sort_by_key(key);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::order::sort_key;

    #[test]
    fn it_sorts_as_the_standard_sort_does() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 11
        };
        let n = 5_000;
        let kinds: [Vec<u64>; 6] = [
            (0..n)
                .map(|_| sort_key(random() as f64 / 2_f64.powi(53)))
                .collect(),
            (0..n).map(|_| sort_key((random() % 100) as f64)).collect(),
            (0..n).map(|_| sort_key(-(random() as f64 * 1e-300))).collect(),
            // All alike in the leading bits.
            (0..n).map(|_| (1 << 63) | (random() % 1_000_000)).collect(),
            (0..n)
                .map(|i| if i % 2 == 0 { u64::MAX } else { random() % 7 })
                .collect(),
            vec![42; n],
        ];
        for keys in kinds {
            let items: Vec<(u64, u32)> = keys.iter().enumerate().map(|(i, k)| (*k, i as u32)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            assert_eq!(sort_by_key(items, |item| item.0), expected);
            let mut plain = keys.clone();
            plain.sort_unstable();
            assert_eq!(sort_by_key(keys, |key| *key), plain);
        }
    }
}
