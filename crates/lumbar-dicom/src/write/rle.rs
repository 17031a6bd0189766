//! RLE Lossless encoding (PS3.5 Annex G): one PackBits segment per byte plane, rows coded on their own.

/// Encodes one frame of 16-bit samples as an RLE fragment: a 64-byte header, then the plane of high bytes, then that
/// of low bytes, each padded to an even length.
pub(super) fn encode_frame(pixels: &[u16], columns: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + pixels.len() + pixels.len() / 2);
    out.resize(64, 0);
    let mut offsets = [0u32; 2];
    let mut row_bytes = vec![0u8; columns];
    for (segment, shift) in [8u32, 0].into_iter().enumerate() {
        offsets[segment] = out.len() as u32;
        for row in pixels.chunks(columns) {
            for (byte, pixel) in row_bytes.iter_mut().zip(row) {
                *byte = (pixel >> shift) as u8;
            }
            pack_bits(&row_bytes[..row.len()], &mut out);
        }
        if out.len() % 2 == 1 {
            out.push(0);
        }
    }
    out[..4].copy_from_slice(&2u32.to_le_bytes());
    for (segment, offset) in offsets.iter().enumerate() {
        out[4 + 4 * segment..8 + 4 * segment].copy_from_slice(&offset.to_le_bytes());
    }
    out
}

/// Longest run or literal a PackBits code can name.
const MAX_RUN: usize = 128;

fn pack_bits(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < bytes.len() {
        let run = run_length(&bytes[at..]);
        if run >= 2 {
            out.push((257 - run) as u8);
            out.push(bytes[at]);
            at += run;
            continue;
        }
        // A literal ends where a run of three begins (a run of two saves nothing inside a literal).
        let start = at;
        at += 1;
        while at < bytes.len() && at - start < MAX_RUN && run_length(&bytes[at..]) < 3 {
            at += 1;
        }
        out.push((at - start - 1) as u8);
        out.extend_from_slice(&bytes[start..at]);
    }
}

fn run_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(MAX_RUN)
        .take_while(|byte| **byte == bytes[0])
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        pack_bits(bytes, &mut out);
        out
    }

    #[test]
    fn runs_and_literals_as_in_the_standard() {
        assert_eq!(packed(&[7, 7, 7, 7]), [253, 7]);
        assert_eq!(packed(&[1, 2, 3]), [2, 1, 2, 3]);
        assert_eq!(packed(&[1, 2, 2, 2]), [0, 1, 254, 2]);
    }

    #[test]
    fn long_runs_and_literals_are_split_at_128() {
        assert_eq!(packed(&[9; 130]), [129, 9, 255, 9]);
        let distinct: Vec<u8> = (0..=199).collect();
        let out = packed(&distinct);
        assert_eq!((out[0], out[129]), (127, 71));
        assert_eq!(out.len(), 202);
    }
}
