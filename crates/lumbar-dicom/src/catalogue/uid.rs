//! A unique identifier in half the bytes of its text.

const DOT: u8 = 10;

/// Appends digits and dots, at most 255 of them, two to a byte, after their number. `None`, and nothing is appended, for
/// any other text.
pub(super) fn pack(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let n_characters = u8::try_from(text.len()).ok()?;
    let half = |character: u8| match character {
        b'.' => Some(DOT),
        digit => digit.is_ascii_digit().then(|| digit - b'0'),
    };
    if !text.bytes().all(|character| half(character).is_some()) {
        return None;
    }
    out.push(n_characters);
    out.extend(text.as_bytes().chunks(2).map(|pair| {
        let halves = pair.iter().filter_map(|character| half(*character));
        halves.fold(0, |byte, half| byte << 4 | half)
    }));
    Some(())
}

/// Takes what [`pack`] appended from the front of `bytes`; `None` if that is not what stands there.
pub(super) fn unpack(bytes: &mut &[u8]) -> Option<String> {
    let (n_characters, rest) = bytes.split_first()?;
    let n_characters = usize::from(*n_characters);
    let (packed, rest) = rest.split_at_checked(n_characters.div_ceil(2))?;
    *bytes = rest;
    let mut text = String::with_capacity(n_characters);
    for (number, byte) in packed.iter().enumerate() {
        // The last byte of an odd number has one.
        let halves = [byte >> 4, byte & 15];
        let alone = number * 2 + 1 == n_characters;
        for half in &halves[usize::from(alone)..] {
            text.push(if *half == DOT { '.' } else { (b'0' + half) as char });
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_text_comes_back(text in "[0-9.]{0,64}") {
            let mut bytes = Vec::new();
            prop_assert_eq!(pack(&text, &mut bytes), Some(()));
            prop_assert_eq!(bytes.len(), 1 + text.len().div_ceil(2));
            bytes.push(77);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(unpack(&mut rest), Some(text));
            prop_assert_eq!(rest, &[77][..]);
        }
    }

    #[test]
    fn what_is_no_uid_is_refused() {
        let mut bytes = Vec::new();
        assert_eq!(pack("1.2.x", &mut bytes), None);
        assert_eq!(pack(&"1".repeat(256), &mut bytes), None);
        assert!(bytes.is_empty());
        assert_eq!(unpack(&mut &[][..]), None);
        assert_eq!(unpack(&mut &[3, 0x12][..]), None);
    }
}
