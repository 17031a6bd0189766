//! The words of a series description that may leave the reader.
//!
//! Descriptions are free text and may hold names. Only words of the list below are kept, in order; anything else is
//! dropped before it is stored anywhere.

use std::fmt;

/// Words with a meaning for recognising a series, lower case.
const VOCABULARY: [&str; 74] = [
    "t1",
    "t1w",
    "t2",
    "t2w",
    "t2star",
    "pd",
    "pdw",
    "stir",
    "tirm",
    "flair",
    "dixon",
    "ideal",
    "tse",
    "fse",
    "frfse",
    "se",
    "spgr",
    "gre",
    "ge",
    "fl2d",
    "fl3d",
    "tfl",
    "mprage",
    "bssfp",
    "fiesta",
    "ciss",
    "space",
    "cube",
    "vista",
    "haste",
    "ssfse",
    "epi",
    "dwi",
    "adc",
    "diff",
    "ir",
    "tir",
    "fs",
    "fatsat",
    "spir",
    "spair",
    "wfs",
    "water",
    "fat",
    "inphase",
    "outphase",
    "gad",
    "gd",
    "post",
    "pre",
    "contrast",
    "sag",
    "sagittal",
    "tra",
    "trans",
    "transverse",
    "ax",
    "axial",
    "cor",
    "coronal",
    "obl",
    "oblique",
    "loc",
    "localizer",
    "localiser",
    "scout",
    "survey",
    "myelo",
    "lumbar",
    "lspine",
    "spine",
    "lws",
    "2d",
    "3d",
];

/// Known words of a description, without repetition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(Vec<&'static str>);

impl Words {
    /// Keeps the known words of `text`, which is read as bytes so that no character set matters.
    pub(crate) fn add(&mut self, text: &[u8]) {
        for token in text.split(|byte| !byte.is_ascii_alphanumeric()) {
            let token = token.to_ascii_lowercase();
            for word in split_token(&token) {
                if !self.0.contains(&word) {
                    self.0.push(word);
                }
            }
        }
    }

    /// Whether one of `words` is among them.
    pub fn has_any(&self, words: &[&str]) -> bool {
        self.0.iter().any(|word| words.contains(word))
    }

    /// Whether no word is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// The token itself if it is known, else the known words it is glued from (`sagt2tse`, `t2axial`).
fn split_token(token: &[u8]) -> Vec<&'static str> {
    let known = |bytes: &[u8]| VOCABULARY.iter().copied().find(|word| word.as_bytes() == bytes);
    if let Some(word) = known(token) {
        return vec![word];
    }
    let mut words = Vec::new();
    let mut rest = token;
    while !rest.is_empty() {
        let longest = VOCABULARY
            .iter()
            .copied()
            .filter(|word| rest.starts_with(word.as_bytes()))
            .max_by_key(|word| word.len());
        let Some(word) = longest else { return Vec::new() };
        words.push(word);
        rest = &rest[word.len()..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_kept() {
        let mut words = Words::default();
        words.add(b"Sag T2_TSE Miller^Anna 1957 L-SPINE (post)");
        assert_eq!(words.to_string(), "sag t2 tse spine post");
        words.add(b"SAGT1FSE");
        assert_eq!(words.to_string(), "sag t2 tse spine post t1 fse");
        assert!(words.has_any(&["t1", "t1w"]) && !words.has_any(&["ax"]));
        let mut none = Words::default();
        none.add("M\u{fc}ller, Anna".as_bytes());
        assert!(none.is_empty());
    }

    #[test]
    fn vocabulary_is_free_of_repetition() {
        let mut words = VOCABULARY.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), VOCABULARY.len());
    }
}
