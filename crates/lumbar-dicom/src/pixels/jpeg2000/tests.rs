use proptest::prelude::*;

mod streams;

/// By OpenJPEG's port, as it is called where this decoder gives nothing.
fn reference(bytes: &[u8]) -> Option<Vec<i32>> {
    let image = jpeg2k::Image::from_bytes(bytes).ok()?;
    match image.components() {
        [only] => Some(only.data().to_vec()),
        _ => None,
    }
}

/// What this decoder makes of bytes that were, or still are, one of the streams here.
fn decode(bytes: &[u8], stream: &str) -> Option<Vec<i32>> {
    let whole = bytes_of(stream);
    let side = |at: usize| usize::from(whole[at + 2]) << 8 | usize::from(whole[at + 3]);
    // Right and bottom, left and top.
    super::decode(bytes, side(8) - side(16), side(12) - side(20))
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits"))
        .collect()
}

/// Curves and edges that wrap round at the highest value.
fn picture([columns, rows]: [i32; 2], precision: u32, signed: bool) -> Vec<i32> {
    let zero = if signed { 1 << (precision - 1) } else { 0 };
    (0..rows)
        .flat_map(|y| (0..columns).map(move |x| (x, y)))
        .map(|(x, y)| {
            let value = x * x * 5 + y * y * 3 + x * y * 7 + (x / 8 + y / 8) % 2 * 300;
            (value & ((1 << precision) - 1)) - zero
        })
        .collect()
}

#[rstest::rstest]
#[case(streams::PLAIN, [37, 29], 12, false)]
#[case(streams::SIGNED, [33, 18], 16, true)]
#[case(streams::TILES, [40, 21], 8, false)]
#[case(streams::PARTS, [30, 30], 6, false)]
#[case(streams::LAYERS, [31, 27], 10, false)]
#[case(streams::TALL, [26, 45], 12, false)]
#[case(streams::POSITIONS, [34, 23], 9, false)]
#[case(streams::FLAT, [19, 1], 1, false)]
fn decodes_the_picture(
    #[case] hex: &str,
    #[case] size: [i32; 2],
    #[case] precision: u32,
    #[case] signed: bool,
) {
    let found = decode(&bytes_of(hex), hex).expect("a stream for this decoder");
    assert_eq!(found, picture(size, precision, signed));
}

#[test]
fn missing_planes_are_filled_in_as_openjpeg_does() {
    let bytes = bytes_of(streams::LOSSY);
    let found = decode(&bytes, streams::LOSSY).expect("a stream for this decoder");
    assert_ne!(found, picture([40, 32], 12, false));
    assert_eq!(Some(found), reference(&bytes));
}

const ALL: [&str; 9] = [
    streams::PLAIN,
    streams::SIGNED,
    streams::TILES,
    streams::PARTS,
    streams::LAYERS,
    streams::TALL,
    streams::LOSSY,
    streams::POSITIONS,
    streams::FLAT,
];

#[test]
fn a_stream_cut_short_is_left_to_the_other_decoder() {
    for hex in ALL {
        let bytes = bytes_of(hex);
        assert!((0..bytes.len()).all(|end| decode(&bytes[..end], hex).is_none()));
        // What follows the end does not matter: DICOM pads to an even length.
        assert_eq!(decode(&[&bytes[..], &[0]].concat(), hex), decode(&bytes, hex));
    }
}

const SIZE: u8 = 0x51;
const CODING: u8 = 0x52;
const QUANTISATION: u8 = 0x5C;
const TILE: u8 = 0x90;

/// What this decoder does not know, byte by byte behind a marker.
#[rstest::rstest]
#[case::high_throughput(SIZE, 2, 0x40)]
#[case::tile_beside_the_image(SIZE, 31, 1)]
#[case::two_components(SIZE, 37, 2)]
#[case::seventeen_bits(SIZE, 38, 16)]
#[case::subsampling(SIZE, 39, 2)]
#[case::unknown_style(CODING, 2, 8)]
#[case::unknown_progression(CODING, 3, 5)]
#[case::no_layers(CODING, 5, 0)]
#[case::component_transform(CODING, 6, 1)]
#[case::levels_without_quantisation(CODING, 7, 5)]
#[case::large_blocks(CODING, 8, 9)]
#[case::raw_passes(CODING, 10, 1)]
#[case::irreversible(CODING, 11, 0)]
#[case::quantised(QUANTISATION, 2, 0x42)]
#[case::another_marker(QUANTISATION, -1, 0x5E)]
#[case::tile_out_of_order(TILE, 3, 1)]
#[case::part_out_of_order(TILE, 8, 1)]
#[case::another_length(TILE, 7, 0)]
#[case::number_of_parts_unknown(TILE, 9, 0)]
fn another_kind_of_stream_is_left_to_the_other_decoder(
    #[case] marker: u8,
    #[case] offset: isize,
    #[case] value: u8,
) {
    let mut bytes = bytes_of(streams::PLAIN);
    let at = bytes.windows(2).position(|two| two == [0xFF, marker]);
    let at = at
        .expect("the marker is there")
        .strict_add(2)
        .strict_add_signed(offset);
    assert_ne!(std::mem::replace(&mut bytes[at], value), value);
    assert_eq!(decode(&bytes, streams::PLAIN), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Damage within a block cannot be seen: then the samples are those that the other decoder would give.
    #[test]
    fn damage_gives_what_openjpeg_gives_or_nothing(
        stream in 0..ALL.len(),
        places in prop::collection::vec((any::<u16>(), prop_oneof![any::<u8>(), Just(0xFF), 0x80u8..0xA0]), 1..4),
    ) {
        let mut bytes = bytes_of(ALL[stream]);
        let n = bytes.len();
        for (place, value) in places {
            bytes[usize::from(place) % n] = value;
        }
        if let Some(found) = decode(&bytes, ALL[stream]) {
            prop_assert_eq!(Some(found), reference(&bytes));
        }
    }

    #[test]
    fn noise_behind_a_header_is_no_stream(
        stream in 0..ALL.len(),
        noise in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let bytes = bytes_of(ALL[stream]);
        let start = bytes.windows(2).position(|two| two == [0xFF, 0x93]).expect("data begin") + 2;
        let mut noisy = bytes[..start].to_vec();
        noisy.extend(&noise);
        noisy.resize(bytes.len().max(start + 2), 0x55);
        let end = noisy.len() - 2;
        noisy[end..].copy_from_slice(&[0xFF, 0xD9]);
        if let Some(found) = decode(&noisy, ALL[stream]) {
            prop_assert_eq!(Some(found), reference(&noisy));
        }
    }
}
