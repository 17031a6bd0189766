//! Every value a header is made of, in the order met: what a worker process hands over instead of a header, so that the
//! same code makes the header on either side.

use super::{
    collect::Collector,
    location::PixelLocation,
    walk::{Encoding, Scope, Value, Visitor},
};
use crate::{Header, HeaderWarning, Limits, ReadError, TransferSyntax, tag::Tag};

pub(crate) type Recording = Vec<Recorded>;

/// Far more than the header of ten thousand frames; a file that repeats an attribute without end gets no further.
const MOST_RECORDED_BYTES: usize = 32 << 20;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) scope: Scope,
    pub(crate) tag: Tag,
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Vec<u8>,
}

/// What a header takes from the file beside its values.
#[derive(Debug, Clone)]
pub(crate) struct FileFacts {
    pub(crate) syntax: TransferSyntax,
    pub(crate) media_storage_sop_class: Option<String>,
    pub(crate) warnings: Vec<HeaderWarning>,
    pub(crate) location: Option<PixelLocation>,
}

/// The header that a recording was made of.
pub(crate) fn replay(recording: &Recording, file: FileFacts, limits: &Limits) -> Result<Header, ReadError> {
    let mut collector = Collector::new(limits);
    for recorded in recording {
        let value = Value {
            bytes: &recorded.bytes,
            encoding: recorded.encoding,
            vr: recorded.vr,
        };
        if collector.wants(recorded.scope, recorded.tag) {
            collector.value(recorded.scope, recorded.tag, value);
        }
    }
    collector.finish(file, limits)
}

/// Hands values on and keeps them, where that is asked for.
pub(super) struct Tee<'r> {
    collector: Collector,
    recording: Option<&'r mut Recording>,
    n_bytes: usize,
}

impl<'r> Tee<'r> {
    pub(super) fn new(collector: Collector, recording: Option<&'r mut Recording>) -> Tee<'r> {
        Tee {
            collector,
            recording,
            n_bytes: 0,
        }
    }

    pub(super) fn into_collector(self) -> Result<Collector, ReadError> {
        if self.n_bytes > MOST_RECORDED_BYTES {
            return Err(ReadError::Malformed {
                offset: 0,
                what: "attributes repeated without end",
            });
        }
        Ok(self.collector)
    }
}

impl Visitor for Tee<'_> {
    fn wants(&self, scope: Scope, tag: Tag) -> bool {
        self.collector.wants(scope, tag)
    }

    fn value(&mut self, scope: Scope, tag: Tag, value: Value<'_>) {
        if let Some(recording) = &mut self.recording {
            self.n_bytes += value.bytes.len() + size_of::<Recorded>();
            if self.n_bytes <= MOST_RECORDED_BYTES {
                recording.push(Recorded {
                    scope,
                    tag,
                    vr: value.vr,
                    encoding: value.encoding,
                    bytes: value.bytes.to_vec(),
                });
            }
        }
        self.collector.value(scope, tag, value);
    }
}
