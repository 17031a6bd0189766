//! From the first byte to the data set: magic, meta group, transfer syntax, deflate and gzip.

use super::{
    source::Source,
    walk::{Encoding, is_known_vr, read_head},
};
use crate::{HeaderWarning, Limits, ReadError, TransferSyntax, limits::Deadline, tag};
use std::{fs::File, io::Read, path::Path};

/// A file opened up to its data set.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) source: Source<'a>,
    /// Where the data set begins.
    pub(crate) data_set_at: u64,
    pub(crate) syntax: TransferSyntax,
    /// How elements are in fact written, should the file contradict its syntax.
    pub(crate) encoding: Encoding,
    pub(crate) media_storage_sop_class: Option<String>,
    pub(crate) has_magic: bool,
    pub(crate) warnings: Vec<HeaderWarning>,
    /// The file or its data set is compressed, and [`Inflate::Refused`] left it so: nothing else here is of use.
    pub(crate) needs_inflating: bool,
}

/// Whether gzip and deflate, which are not our own code, may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inflate {
    Allowed,
    Refused,
}

impl<'a> Opened<'a> {
    fn compressed(source: Source<'a>) -> Opened<'a> {
        Opened {
            source,
            data_set_at: 0,
            syntax: TransferSyntax::DeflatedExplicitVrLittleEndian,
            encoding: Encoding::EXPLICIT_LITTLE,
            media_storage_sop_class: None,
            has_magic: true,
            warnings: Vec::new(),
            needs_inflating: true,
        }
    }
}

/// Opens the file at `path`.
pub(crate) fn open_path(
    path: &Path,
    limits: &Limits,
    inflate: Inflate,
) -> Result<Opened<'static>, ReadError> {
    let file = File::open(path)?;
    let total = file.metadata()?.len();
    check_size(total, limits)?;
    open(
        Source::file(file, total, Deadline::start(limits)),
        limits,
        inflate,
    )
}

/// Opens bytes in memory.
pub(crate) fn open_bytes<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, ReadError> {
    check_size(bytes.len() as u64, limits)?;
    open(
        Source::borrowed(bytes, Deadline::start(limits)),
        limits,
        Inflate::Allowed,
    )
}

fn check_size(total: u64, limits: &Limits) -> Result<(), ReadError> {
    match total {
        0 => Err(ReadError::Empty),
        found if found > limits.max_file_bytes => Err(ReadError::FileTooLarge {
            found,
            limit: limits.max_file_bytes,
        }),
        _ => Ok(()),
    }
}

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

fn open<'a>(mut source: Source<'a>, limits: &Limits, allowed: Inflate) -> Result<Opened<'a>, ReadError> {
    let (mut warnings, deadline) = (Vec::new(), source.deadline());
    if source.total() > 18 && source.get(0, 2)? == GZIP_MAGIC {
        if allowed == Inflate::Refused {
            return Ok(Opened::compressed(source));
        }
        let encoded = source.total();
        let bytes = source.tail(0, encoded as usize)?;
        let inflated = inflate(flate2::read::GzDecoder::new(&*bytes), encoded, limits, deadline)?;
        warnings.push(HeaderWarning::Gzip);
        source = Source::owned(inflated, deadline);
    }
    let start = match magic_end(&mut source)? {
        Some(at) => {
            if at != 132 {
                warnings.push(HeaderWarning::NoPreamble);
            }
            at
        }
        None if looks_like_data_set(&mut source)? => {
            warnings.push(HeaderWarning::NoMagic);
            0
        }
        None => return Err(ReadError::NotDicom),
    };
    let has_magic = start != 0;
    let meta = read_meta(&mut source, start, limits)?;
    if meta.n_elements == 0 {
        warnings.push(HeaderWarning::NoMetaGroup);
    }
    let mut data_set_at = meta.end;
    let declared = match meta.transfer_syntax {
        Some(uid) => Some(TransferSyntax::from_uid(&uid).ok_or(ReadError::UnknownTransferSyntax)?),
        None => None,
    };
    if declared == Some(TransferSyntax::DeflatedExplicitVrLittleEndian) {
        if allowed == Inflate::Refused {
            return Ok(Opened::compressed(source));
        }
        let encoded = source.left(data_set_at);
        let bytes = source.tail(data_set_at, encoded as usize)?;
        let inflated = inflate(
            flate2::read::DeflateDecoder::new(&*bytes),
            encoded,
            limits,
            deadline,
        )?;
        source = Source::owned(inflated, deadline);
        data_set_at = 0;
    }
    let seen = guess_encoding(&mut source, data_set_at, declared)?;
    let syntax = declared.unwrap_or_else(|| {
        warnings.push(HeaderWarning::GuessedTransferSyntax);
        match (seen.explicit, seen.big_endian) {
            (_, true) => TransferSyntax::ExplicitVrBigEndian,
            (true, false) => TransferSyntax::ExplicitVrLittleEndian,
            (false, false) => TransferSyntax::ImplicitVrLittleEndian,
        }
    });
    if seen
        != (Encoding {
            explicit: syntax.is_explicit(),
            big_endian: syntax.is_big_endian(),
        })
    {
        warnings.push(HeaderWarning::EncodingContradictsTransferSyntax);
    }
    Ok(Opened {
        source,
        data_set_at,
        syntax,
        encoding: seen,
        media_storage_sop_class: meta.media_storage_sop_class,
        has_magic,
        warnings,
        needs_inflating: false,
    })
}

/// First byte behind the magic: 132, or 4 where the preamble is missing.
fn magic_end(source: &mut Source<'_>) -> Result<Option<u64>, ReadError> {
    for at in [128, 0] {
        if source.left(at) >= 4 && source.get(at, 4)? == b"DICM" {
            return Ok(Some(at + 4));
        }
    }
    Ok(None)
}

/// Whether byte 0 begins a meta group or the identifying group of a data set.
fn looks_like_data_set(source: &mut Source<'_>) -> Result<bool, ReadError> {
    if source.left(0) < 12 {
        return Ok(false);
    }
    let bytes = source.get(0, 12)?;
    let little = matches!([bytes[0], bytes[1]], [2, 0] | [8, 0]) && bytes[3] <= 0x01;
    let big = bytes[..2] == [0, 8] && bytes[2] <= 0x01 && is_known_vr(&bytes[4..6]);
    let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    // The first values of a data set are short: group length, character set, image type, dates.
    Ok(big || little && (is_known_vr(&bytes[4..6]) || length <= 256))
}

#[derive(Debug)]
struct Meta {
    end: u64,
    n_elements: usize,
    transfer_syntax: Option<String>,
    media_storage_sop_class: Option<String>,
}

/// Reads the meta group by its tags; its declared length, often missing or wrong, is not needed.
fn read_meta(source: &mut Source<'_>, start: u64, limits: &Limits) -> Result<Meta, ReadError> {
    let mut meta = Meta {
        end: start,
        n_elements: 0,
        transfer_syntax: None,
        media_storage_sop_class: None,
    };
    while source.left(meta.end) >= 8 && source.get(meta.end, 2)? == [2, 0] {
        let head = read_head(source, meta.end, Encoding::EXPLICIT_LITTLE)?;
        let (declared, left) = (u64::from(head.length), source.left(head.value_at));
        if declared > left {
            return Err(ReadError::Truncated {
                offset: head.value_at,
                declared,
                left,
            });
        }
        meta.n_elements += 1;
        if meta.n_elements > limits.max_elements {
            return Err(ReadError::TooManyElements {
                limit: limits.max_elements,
            });
        }
        let wanted = matches!(
            head.tag,
            tag::TRANSFER_SYNTAX_UID | tag::MEDIA_STORAGE_SOP_CLASS_UID
        );
        if wanted && head.length as usize <= limits.max_value_bytes {
            let text = uid_text(source.get(head.value_at, head.length as usize)?);
            if head.tag == tag::TRANSFER_SYNTAX_UID {
                meta.transfer_syntax = text;
            } else {
                meta.media_storage_sop_class = text;
            }
        }
        meta.end = head.value_at + declared;
    }
    Ok(meta)
}

fn uid_text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// How the first element of the data set is written. The declared syntax decides unless the bytes rule it out.
fn guess_encoding(
    source: &mut Source<'_>,
    at: u64,
    declared: Option<TransferSyntax>,
) -> Result<Encoding, ReadError> {
    let declared = declared.map(|syntax| Encoding {
        explicit: syntax.is_explicit(),
        big_endian: syntax.is_big_endian(),
    });
    if source.left(at) < 8 {
        return Ok(declared.unwrap_or(Encoding::EXPLICIT_LITTLE));
    }
    let bytes = source.get(at, 8)?;
    let vr_written = is_known_vr(&bytes[4..6]);
    // Groups 0002 to 00FF read in the wrong order are beyond 0200.
    let big_endian = match declared {
        _ if bytes[0] == 0 && bytes[1] != 0 => vr_written,
        _ if bytes[0] != 0 && bytes[1] == 0 => false,
        Some(encoding) => encoding.big_endian,
        None => false,
    };
    let explicit = match declared {
        Some(encoding) if encoding.explicit => vr_written || bytes[4..6].iter().all(u8::is_ascii_uppercase),
        Some(_) | None => vr_written,
    };
    Ok(Encoding { explicit, big_endian })
}

const INFLATE_BLOCK: u64 = 4 << 20;

/// Inflates at most what the limits allow.
fn inflate(
    mut reader: impl Read,
    encoded: u64,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Vec<u8>, ReadError> {
    let by_ratio = encoded
        .saturating_mul(limits.max_expansion)
        .max(limits.expansion_floor_bytes);
    let limit = by_ratio.min(limits.max_decoded_bytes);
    let mut out = Vec::new();
    // Block by block, with a look at the clock in between.
    let result = loop {
        deadline.check()?;
        let wanted = INFLATE_BLOCK.min(limit + 1 - out.len() as u64);
        match reader.by_ref().take(wanted).read_to_end(&mut out) {
            Ok(n) if n as u64 == wanted && out.len() as u64 <= limit => {}
            result => break result,
        }
    };
    if out.len() as u64 > limit {
        return Err(if limit < limits.max_decoded_bytes {
            ReadError::ExpansionTooLarge {
                encoded,
                decoded: limit + 1,
                limit: limits.max_expansion,
            }
        } else {
            ReadError::DecodedTooLarge {
                found: limit + 1,
                limit,
            }
        });
    }
    // A stream that breaks off keeps what came before: the walk says what is missing.
    match result {
        Err(_) if out.is_empty() => Err(ReadError::Corrupt {
            codec: "deflate",
            what: "the stream does not inflate".to_owned(),
        }),
        _ => Ok(out),
    }
}
