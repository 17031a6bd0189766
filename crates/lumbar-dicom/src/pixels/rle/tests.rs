use super::*;
use proptest::prelude::*;

/// PackBits as the standard words it: one byte after the other, until there are `wanted` or the segment ends.
fn unpacked(segment: &[u8], wanted: usize) -> Vec<u8> {
    let (mut bytes, mut out) = (segment.iter().copied(), Vec::new());
    while out.len() < wanted
        && let Some(code) = bytes.next()
    {
        match code {
            0..=127 => out.extend(bytes.by_ref().take(usize::from(code) + 1)),
            128 => {}
            129.. => out.extend(
                bytes
                    .next()
                    .into_iter()
                    .flat_map(|byte| std::iter::repeat_n(byte, 257 - usize::from(code))),
            ),
        }
    }
    out.truncate(wanted);
    out
}

/// A frame of these segments.
fn framed(segments: &[Vec<u8>]) -> Vec<u8> {
    let mut words = vec![segments.len() as u32];
    let mut at = HEADER_BYTES;
    for segment in segments {
        words.push(at as u32);
        at += segment.len();
    }
    words.resize(HEADER_BYTES / 4, 0);
    let header = words.iter().flat_map(|word| word.to_le_bytes());
    header.chain(segments.concat()).collect()
}

fn format(n_pixels: usize, sample_bytes: usize, samples: usize, signed: bool) -> PixelFormat {
    PixelFormat {
        rows: 1,
        columns: n_pixels as u32,
        samples_per_pixel: samples as u16,
        n_frames: 1,
        bits_allocated: 8 * sample_bytes as u16,
        bits_stored: 8 * sample_bytes as u16,
        high_bit: 8 * sample_bytes as u16 - 1,
        signed,
        photometric: None,
        planar: false,
        padding: None,
    }
}

fn decoded(frame: &[u8], format: &PixelFormat) -> Result<Vec<u8>, String> {
    let mut sink = Sink::new(format, 1);
    decode_frame(frame, format, &mut sink).map_err(|error| error.to_string())?;
    Ok(sink.finish().to_le_bytes())
}

/// What [`decode_frame`] must give, made of whole planes. Planes are read side by side, [`BLOCK`] pixels at a time, so the
/// plane that an error names is the first one of the first block that ends early.
fn expected(segments: &[Vec<u8>], n_pixels: usize, sample_bytes: usize) -> Result<Vec<u8>, String> {
    let planes: Vec<Vec<u8>> = segments
        .iter()
        .map(|segment| unpacked(segment, n_pixels))
        .collect();
    let short = planes.iter().filter(|plane| plane.len() < n_pixels);
    if let Some(plane) = short.min_by_key(|plane| plane.len() / BLOCK) {
        return Err(ReadError::Corrupt {
            codec: "RLE",
            what: format!(
                "a segment of {} bytes when decoded, expected {n_pixels}",
                plane.len()
            ),
        }
        .to_string());
    }
    Ok((0..n_pixels)
        .flat_map(|pixel| {
            let samples = planes.chunks(sample_bytes);
            samples.flat_map(move |bytes| bytes.iter().rev().map(move |plane| plane[pixel]))
        })
        .collect())
}

fn run(n: usize, byte: u8) -> Vec<u8> {
    vec![(257 - n) as u8, byte]
}

fn literal(n: usize, byte: u8) -> Vec<u8> {
    let bytes = (0..n).map(|i| byte.wrapping_add((i * i) as u8));
    std::iter::once((n - 1) as u8).chain(bytes).collect()
}

/// One piece: short ones as in anatomy, ones of all lengths, and codes that do nothing.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (2..=40usize, any::<u8>()).prop_map(|(n, byte)| run(n, byte)),
        6 => (1..=4usize, any::<u8>()).prop_map(|(n, byte)| literal(n, byte)),
        2 => (2..=RUN, any::<u8>()).prop_map(|(n, byte)| run(n, byte)),
        3 => (1..=RUN, any::<u8>()).prop_map(|(n, byte)| literal(n, byte)),
        1 => Just(vec![RESERVED]),
    ]
}

/// A segment for `n_pixels`, or cut short; what follows is padding or rubbish.
fn segment(n_pixels: usize) -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(piece(), 1..60);
    (
        pieces,
        any::<bool>(),
        prop::option::weighted(0.15, any::<prop::sample::Index>()),
    )
        .prop_map(move |(pieces, rubbish, cut)| {
            let (mut bytes, mut n_out) = (Vec::new(), 0);
            for piece in pieces.iter().cycle() {
                n_out += length(piece[0]);
                bytes.extend(piece);
                // A stream of nothing but the reserved code is never long enough.
                if n_out >= n_pixels || bytes.len() > 4 * n_pixels + 400 {
                    break;
                }
            }
            if rubbish {
                bytes.extend([RESERVED, 3, 0, 200, 1, 90]);
            }
            bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
            bytes
        })
}

fn frame_parts() -> impl Strategy<Value = (usize, usize, usize, Vec<Vec<u8>>)> {
    let kinds = prop::sample::select(vec![(1, 1), (2, 1), (2, 1), (4, 1), (1, 3), (2, 3)]);
    let n_pixels = prop_oneof![1..300usize, 1..3 * BLOCK];
    (kinds, n_pixels).prop_flat_map(|((sample_bytes, samples), n_pixels)| {
        let segments = prop::collection::vec(segment(n_pixels), sample_bytes * samples);
        (Just(n_pixels), Just(sample_bytes), Just(samples), segments)
    })
}

proptest! {
    #[test]
    fn frames_decode_as_the_standard_words_it((n_pixels, sample_bytes, samples, segments) in frame_parts(), signed: bool) {
        let format = format(n_pixels, sample_bytes, samples, signed);
        prop_assert_eq!(
            decoded(&framed(&segments), &format),
            expected(&segments, n_pixels, sample_bytes)
        );
    }

    #[test]
    fn bytes_of_no_plan_decode_as_the_standard_words_it(
        segments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 2),
        n_pixels in 1..4000usize,
    ) {
        let format = format(n_pixels, 2, 1, false);
        prop_assert_eq!(decoded(&framed(&segments), &format), expected(&segments, n_pixels, 2));
    }
}

#[test]
fn pieces_of_all_lengths_follow_each_other() {
    // What follows keeps the end of the segment away, and says whether the plane has many runs.
    for following in [run(8, 77), literal(30, 3)] {
        let following: Vec<u8> = following.into_iter().cycle().take(310).collect();
        let pieces = |byte| {
            let runs = (2..=SHORT + 2).chain([RUN]).map(move |n| run(n, byte));
            runs.chain((1..=SHORT + 2).chain([RUN]).map(move |n| literal(n, byte)))
        };
        for first in pieces(5) {
            for second in pieces(140) {
                let segment = [first.as_slice(), &second, &following].concat();
                let n_pixels = unpacked(&segment, usize::MAX).len();
                let segments = [segment];
                assert_eq!(
                    decoded(&framed(&segments), &format(n_pixels, 1, 1, false)),
                    expected(&segments, n_pixels, 1),
                    "{first:?}, then {second:?}"
                );
            }
        }
    }
}

#[test]
fn a_segment_may_end_at_any_byte() {
    // Runs, single bytes, literals and a reserved code, again and again: short enough to cut everywhere.
    let some = [
        255, 7, 0, 1, 250, 3, 2, 9, 8, 7, 128, 40, 160, 5, 0, 0, 241, 6, 225, 2, 15, 1,
    ];
    let whole: Vec<u8> = some.into_iter().cycle().take(600).collect();
    let n_pixels = unpacked(&whole, usize::MAX).len();
    let other = vec![129; 2 * n_pixels.div_ceil(RUN)];
    let format = format(n_pixels, 2, 1, false);
    for cut in 0..=whole.len() {
        for segments in [
            [whole[..cut].to_vec(), other.clone()],
            [other.clone(), whole[..cut].to_vec()],
            [whole[..cut].to_vec(), whole.clone()],
        ] {
            assert_eq!(
                decoded(&framed(&segments), &format),
                expected(&segments, n_pixels, 2),
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn pieces_may_end_behind_a_block() {
    for n in 2..=RUN {
        for before in 0..3 {
            // A plane of runs beside one of literals, neither in step with blocks.
            let n_pixels = 2 * BLOCK + 5;
            let mut runs = vec![before as u8; before * 2];
            let mut literals = vec![0; before * 2];
            for i in 0..n_pixels.div_ceil(n) {
                runs.extend([(257 - n) as u8, i as u8]);
                literals.push((n - 1) as u8);
                literals.extend((0..n).map(|place| (place * 5 + i) as u8));
            }
            let segments = [runs, literals];
            let format = format(n_pixels, 2, 1, true);
            assert_eq!(
                decoded(&framed(&segments), &format),
                expected(&segments, n_pixels, 2),
                "pieces of {n}"
            );
        }
    }
}
