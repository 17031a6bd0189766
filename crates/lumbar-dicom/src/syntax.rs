//! Transfer syntaxes: how a data set and its pixels are encoded.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The encodings this crate knows by name. [`TransferSyntax::codec`] says what its pixels need.
///
/// ```
/// use lumbar_dicom::TransferSyntax;
/// assert_eq!(TransferSyntax::from_uid("1.2.840.10008.1.2.5"), Some(TransferSyntax::RleLossless));
/// assert_eq!(TransferSyntax::RleLossless.uid(), "1.2.840.10008.1.2.5");
/// assert!(TransferSyntax::RleLossless.is_encapsulated());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransferSyntax {
    /// Uncompressed, value representations left out.
    ImplicitVrLittleEndian,
    /// Uncompressed, value representations written.
    ExplicitVrLittleEndian,
    /// Uncompressed, big endian (retired, still met).
    ExplicitVrBigEndian,
    /// The data set after the meta group is one deflate stream.
    DeflatedExplicitVrLittleEndian,
    /// GE private: implicit little endian with big endian pixel data.
    GePrivateBigEndianPixels,
    /// Run lengths per byte plane: the encoding of the RSNA 2024 files.
    RleLossless,
    /// JPEG, 8-bit DCT.
    JpegBaseline,
    /// JPEG, DCT of up to 12 bits.
    JpegExtended,
    /// JPEG process 14, any predictor.
    JpegLossless,
    /// JPEG process 14 with predictor 1.
    JpegLosslessSv1,
    /// JPEG-LS without loss.
    JpegLsLossless,
    /// JPEG-LS with a bounded error per pixel.
    JpegLsNearLossless,
    /// JPEG 2000 without loss.
    Jpeg2000Lossless,
    /// JPEG 2000, lossless or lossy.
    Jpeg2000,
    /// High-throughput JPEG 2000 without loss.
    Htj2kLossless,
    /// High-throughput JPEG 2000 without loss, resolution first.
    Htj2kLosslessRpcl,
    /// High-throughput JPEG 2000, lossless or lossy.
    Htj2k,
    /// JPEG XL without loss.
    JpegXlLossless,
    /// A JPEG file repacked as JPEG XL.
    JpegXlRecompression,
    /// JPEG XL, lossless or lossy.
    JpegXl,
    /// Each frame is one deflate stream.
    DeflatedImageFrame,
}

/// What decodes the pixel data of a [`TransferSyntax`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Stored values as they are; our own code.
    Raw,
    /// Run lengths; our own code.
    Rle,
    /// JPEG with DCT.
    JpegDct,
    /// JPEG process 14.
    JpegLossless,
    /// JPEG-LS.
    JpegLs,
    /// JPEG 2000 and HTJ2K.
    Jpeg2000,
    /// JPEG XL.
    JpegXl,
    /// Deflate per frame.
    DeflatedFrame,
}

impl Codec {
    /// Whether there is a decoder for it in this build.
    pub fn is_supported(self) -> bool {
        self != Codec::JpegXl
    }

    /// Whether its decoder is our own safe code: what runs in the caller's process even where there are workers.
    pub fn is_own(self) -> bool {
        matches!(
            self,
            Codec::Raw | Codec::Rle | Codec::JpegLossless | Codec::JpegLs
        )
    }
}

use TransferSyntax as T;

const TABLE: [(TransferSyntax, &str, &str, Codec); 21] = [
    (
        T::ImplicitVrLittleEndian,
        "1.2.840.10008.1.2",
        "Implicit VR Little Endian",
        Codec::Raw,
    ),
    (
        T::ExplicitVrLittleEndian,
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        Codec::Raw,
    ),
    (
        T::ExplicitVrBigEndian,
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        Codec::Raw,
    ),
    (
        T::DeflatedExplicitVrLittleEndian,
        "1.2.840.10008.1.2.1.99",
        "Deflated Explicit VR Little Endian",
        Codec::Raw,
    ),
    (
        T::GePrivateBigEndianPixels,
        "1.2.840.113619.5.2",
        "GE Private Implicit VR, Big Endian Pixels",
        Codec::Raw,
    ),
    (T::RleLossless, "1.2.840.10008.1.2.5", "RLE Lossless", Codec::Rle),
    (
        T::JpegBaseline,
        "1.2.840.10008.1.2.4.50",
        "JPEG Baseline",
        Codec::JpegDct,
    ),
    (
        T::JpegExtended,
        "1.2.840.10008.1.2.4.51",
        "JPEG Extended",
        Codec::JpegDct,
    ),
    (
        T::JpegLossless,
        "1.2.840.10008.1.2.4.57",
        "JPEG Lossless",
        Codec::JpegLossless,
    ),
    (
        T::JpegLosslessSv1,
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless SV1",
        Codec::JpegLossless,
    ),
    (
        T::JpegLsLossless,
        "1.2.840.10008.1.2.4.80",
        "JPEG-LS Lossless",
        Codec::JpegLs,
    ),
    (
        T::JpegLsNearLossless,
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Near-Lossless",
        Codec::JpegLs,
    ),
    (
        T::Jpeg2000Lossless,
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 Lossless",
        Codec::Jpeg2000,
    ),
    (
        T::Jpeg2000,
        "1.2.840.10008.1.2.4.91",
        "JPEG 2000",
        Codec::Jpeg2000,
    ),
    (
        T::Htj2kLossless,
        "1.2.840.10008.1.2.4.201",
        "HTJ2K Lossless",
        Codec::Jpeg2000,
    ),
    (
        T::Htj2kLosslessRpcl,
        "1.2.840.10008.1.2.4.202",
        "HTJ2K Lossless RPCL",
        Codec::Jpeg2000,
    ),
    (T::Htj2k, "1.2.840.10008.1.2.4.203", "HTJ2K", Codec::Jpeg2000),
    (
        T::JpegXlLossless,
        "1.2.840.10008.1.2.4.110",
        "JPEG XL Lossless",
        Codec::JpegXl,
    ),
    (
        T::JpegXlRecompression,
        "1.2.840.10008.1.2.4.111",
        "JPEG XL Recompression",
        Codec::JpegXl,
    ),
    (T::JpegXl, "1.2.840.10008.1.2.4.112", "JPEG XL", Codec::JpegXl),
    (
        T::DeflatedImageFrame,
        "1.2.840.10008.1.2.8.1",
        "Deflated Image Frame",
        Codec::DeflatedFrame,
    ),
];

impl TransferSyntax {
    fn row(self) -> &'static (TransferSyntax, &'static str, &'static str, Codec) {
        TABLE
            .iter()
            .find(|row| row.0 == self)
            .expect("the table names every transfer syntax, tested below")
    }

    /// Every transfer syntax known here.
    pub fn all() -> impl Iterator<Item = TransferSyntax> {
        TABLE.iter().map(|row| row.0)
    }

    /// The unique identifier, as in (0002,0010).
    pub fn uid(self) -> &'static str {
        self.row().1
    }

    /// The syntax of an identifier; trailing spaces and NULs are ignored.
    pub fn from_uid(uid: &str) -> Option<TransferSyntax> {
        let uid = uid.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        TABLE.iter().find(|row| row.1 == uid).map(|row| row.0)
    }

    /// The name for people.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// What decodes its pixel data.
    pub fn codec(self) -> Codec {
        self.row().3
    }

    /// Whether pixel data is a sequence of fragments.
    pub fn is_encapsulated(self) -> bool {
        self.codec() != Codec::Raw
    }

    /// Whether value representations are written in the data set.
    pub fn is_explicit(self) -> bool {
        !matches!(self, T::ImplicitVrLittleEndian | T::GePrivateBigEndianPixels)
    }

    /// Whether the data set (not only its pixels) is big endian.
    pub fn is_big_endian(self) -> bool {
        self == T::ExplicitVrBigEndian
    }
}

impl fmt::Display for TransferSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_unique_and_round_trip() {
        let mut uids: Vec<_> = TransferSyntax::all().map(TransferSyntax::uid).collect();
        for syntax in TransferSyntax::all() {
            assert_eq!(
                TransferSyntax::from_uid(&format!("{}\0", syntax.uid())),
                Some(syntax)
            );
        }
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), TABLE.len());
        assert_eq!(TransferSyntax::from_uid("1.2.840.10008.1.2.4.100"), None);
    }
}
