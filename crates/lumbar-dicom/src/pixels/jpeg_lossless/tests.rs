use super::*;
use proptest::prelude::*;

/// How a test stream is written.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rows: usize,
    columns: usize,
    n_components: usize,
    precision: u32,
    predictor: u8,
    transform: u32,
    /// Rows between restarts; 0 for none.
    rows_apart: usize,
    interleaved: bool,
}

/// Every category has a code of five bits.
const LENGTH: u32 = 5;

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    byte: u8,
    n_bits: u32,
}

impl Writer {
    fn put(&mut self, bits: u32, n: u32) {
        for i in (0..n).rev() {
            self.byte = self.byte << 1 | (bits >> i & 1) as u8;
            self.n_bits += 1;
            if self.n_bits == 8 {
                self.out.push(self.byte);
                if self.byte == 0xFF {
                    self.out.push(0);
                }
                (self.byte, self.n_bits) = (0, 0);
            }
        }
    }

    fn align(&mut self) {
        while self.n_bits > 0 {
            self.put(1, 1);
        }
    }
}

fn marker(out: &mut Vec<u8>, code: u8, body: &[u8]) {
    out.extend([0xFF, code]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
}

/// An encoder by the letter of T.81, sample by sample, that shares nothing with the decoder.
fn encode(plan: Plan, samples: &[u16]) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    let mut table = vec![0; 17];
    table[LENGTH as usize] = 17;
    table.extend(0..=16u8);
    marker(&mut out, 0xC4, &table);
    let size = [
        (plan.rows as u16).to_be_bytes(),
        (plan.columns as u16).to_be_bytes(),
    ];
    let mut frame = vec![
        plan.precision as u8,
        size[0][0],
        size[0][1],
        size[1][0],
        size[1][1],
        plan.n_components as u8,
    ];
    (0..plan.n_components as u8).for_each(|id| frame.extend([id, 0x11, 0]));
    marker(&mut out, 0xC3, &frame);
    let interval = plan.rows_apart * plan.columns;
    marker(&mut out, 0xDD, &(interval as u16).to_be_bytes());
    let all: Vec<usize> = (0..plan.n_components).collect();
    let scans: Vec<Vec<usize>> = if plan.interleaved {
        vec![all]
    } else {
        all.into_iter().map(|component| vec![component]).collect()
    };
    for members in scans {
        let mut header = vec![members.len() as u8];
        members
            .iter()
            .for_each(|component| header.extend([*component as u8, 0]));
        header.extend([plan.predictor, 0, plan.transform as u8]);
        marker(&mut out, 0xDA, &header);
        let mut writer = Writer::default();
        let value = |row: usize, column: usize, component: usize| {
            i32::from(samples[(row * plan.columns + column) * plan.n_components + component])
                >> plan.transform
        };
        for row in 0..plan.rows {
            let fresh = row == 0 || plan.rows_apart > 0 && row % plan.rows_apart == 0;
            if fresh && row > 0 {
                writer.align();
                writer
                    .out
                    .extend([0xFF, 0xD0 + ((row / plan.rows_apart - 1) % 8) as u8]);
            }
            for column in 0..plan.columns {
                for &c in &members {
                    let predicted = match (fresh, column) {
                        (true, 0) => 1 << (plan.precision - plan.transform - 1),
                        (true, _) => value(row, column - 1, c),
                        (false, 0) => value(row - 1, 0, c),
                        _ => {
                            let (ra, rb) = (value(row, column - 1, c), value(row - 1, column, c));
                            let rc = value(row - 1, column - 1, c);
                            [
                                ra,
                                rb,
                                rc,
                                ra + rb - rc,
                                ra + ((rb - rc) >> 1),
                                rb + ((ra - rc) >> 1),
                                (ra + rb) >> 1,
                            ][usize::from(plan.predictor) - 1]
                        }
                    };
                    let difference = i32::from((value(row, column, c) - predicted) as i16);
                    let category = 32 - difference.unsigned_abs().leading_zeros();
                    writer.put(category, LENGTH);
                    if (1..16).contains(&category) {
                        let extra = if difference < 0 {
                            difference - 1
                        } else {
                            difference
                        };
                        writer.put(extra as u32 & ((1 << category) - 1), category);
                    }
                }
            }
        }
        writer.align();
        out.extend(writer.out);
    }
    out.extend([0xFF, 0xD9]);
    out
}

fn plans() -> impl Strategy<Value = Plan> {
    let size = (1usize..9, 1usize..40, 1usize..4);
    (size, 2u32..=16, 1u8..=7, 0u32..3, 0usize..4, any::<bool>()).prop_map(
        |((rows, columns, n_components), precision, predictor, transform, rows_apart, interleaved)| Plan {
            rows,
            columns,
            n_components,
            precision,
            predictor,
            transform: transform.min(precision - 1),
            rows_apart,
            interleaved,
        },
    )
}

/// Mostly smooth, with jumps over the whole range.
fn picture(plan: Plan, seed: u64) -> Vec<u16> {
    let mut state = seed | 1;
    let top = (1u32 << plan.precision) - 1;
    let mut value = top / 2;
    let step = |state: &mut u64| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as u32
    };
    (0..plan.rows * plan.columns * plan.n_components)
        .map(|_| {
            let draw = step(&mut state);
            value = if draw.is_multiple_of(5) {
                step(&mut state)
            } else {
                value.wrapping_add(draw % 7).wrapping_sub(3)
            } & top;
            (value >> plan.transform << plan.transform) as u16
        })
        .collect()
}

proptest! {
    #[test]
    fn decodes_what_was_encoded(plan in plans(), seed in any::<u64>()) {
        let samples = picture(plan, seed);
        prop_assert_eq!(decode(&encode(plan, &samples)), Ok(samples));
    }

    #[test]
    fn damage_is_an_error_or_other_samples(plan in plans(), seed in any::<u64>(), places in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
        let mut bytes = encode(plan, &picture(plan, seed));
        let n = bytes.len();
        for (place, value) in places {
            bytes[usize::from(place) % n] = value;
        }
        if let Ok(samples) = decode(&bytes) {
            prop_assert!(!samples.is_empty());
        }
    }

    #[test]
    fn a_stream_cut_short_is_an_error(plan in plans(), seed in any::<u64>(), share in 0.0f64..0.9) {
        let mut bytes = encode(plan, &picture(plan, seed));
        // The last few bytes may be padding and the end marker.
        bytes.truncate(((bytes.len() - 6) as f64 * share) as usize);
        prop_assert!(decode(&bytes).is_err());
    }
}
