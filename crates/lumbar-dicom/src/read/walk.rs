//! Walking a data set element by element, without recursion: sequences are entered iteratively, every length is held
//! against the bytes left, and only what a visitor asks for is read.

use super::source::Source;
use crate::{Limits, ReadError, tag, tag::Tag};

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

impl Encoding {
    pub(crate) const EXPLICIT_LITTLE: Encoding = Encoding {
        explicit: true,
        big_endian: false,
    };
    pub(crate) const IMPLICIT_LITTLE: Encoding = Encoding {
        explicit: false,
        big_endian: false,
    };

    pub(crate) fn u16(self, bytes: &[u8]) -> u16 {
        let pair = [bytes[0], bytes[1]];
        if self.big_endian {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    }

    pub(crate) fn u32(self, bytes: &[u8]) -> u32 {
        let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    }
}

/// Length of an element or item that ends at a delimiter.
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// The head of an element, item or delimiter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ElementHead {
    pub(crate) tag: Tag,
    /// `None` where it is not written.
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) length: u32,
    /// Where the value begins.
    pub(crate) value_at: u64,
}

/// Representations whose length takes 32 bits after two reserved bytes (PS3.5 7.1.2).
const LONG_VRS: [&[u8; 2]; 13] = [
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
];
const SHORT_VRS: [&[u8; 2]; 21] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];

/// Whether two bytes name a value representation of the standard.
pub(crate) fn is_known_vr(bytes: &[u8]) -> bool {
    let known = |vr: &&[u8; 2]| vr.as_slice() == bytes;
    LONG_VRS.iter().any(known) || SHORT_VRS.iter().any(known)
}

/// Reads the head at `at`.
pub(crate) fn read_head(
    source: &mut Source<'_>,
    at: u64,
    encoding: Encoding,
) -> Result<ElementHead, ReadError> {
    let available = source.left(at).min(12) as usize;
    if available < 8 {
        return Err(ReadError::Truncated {
            offset: at,
            declared: 8,
            left: available as u64,
        });
    }
    let bytes = source.get(at, available)?;
    let tag = Tag(encoding.u16(bytes), encoding.u16(&bytes[2..]));
    let vr = [bytes[4], bytes[5]];
    let plain = |length| {
        Ok(ElementHead {
            tag,
            vr: None,
            length,
            value_at: at + 8,
        })
    };
    // Items carry no representation; and a writer that forgot one wrote the length there instead.
    if tag.0 == 0xFFFE || !encoding.explicit || !vr.iter().all(u8::is_ascii_uppercase) {
        return plain(encoding.u32(&bytes[4..]));
    }
    let long = match &vr {
        vr if LONG_VRS.contains(&vr) => true,
        vr if SHORT_VRS.contains(&vr) => false,
        // New representations take the long form, with zeros in between.
        _ => bytes[6..8] == [0, 0],
    };
    if !long {
        let length = u32::from(encoding.u16(&bytes[6..]));
        return Ok(ElementHead {
            tag,
            vr: Some(vr),
            length,
            value_at: at + 8,
        });
    }
    let length = bytes
        .get(8..12)
        .map(|bytes| encoding.u32(bytes))
        .ok_or(ReadError::Truncated {
            offset: at,
            declared: 12,
            left: available as u64,
        })?;
    Ok(ElementHead {
        tag,
        vr: Some(vr),
        length,
        value_at: at + 12,
    })
}

/// Where in the data set an element stands, as far as a visitor cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The data set itself.
    Top,
    /// The shared or per-frame functional groups.
    Groups { per_frame: bool },
    /// One item of them; `None` is the shared one.
    Group { frame: Option<u32> },
    /// A sequence in such an item, or an item of it.
    Macro { frame: Option<u32>, sequence: Tag },
    /// Anything else: walked only where its length is not known.
    Other,
}

impl Scope {
    fn of_sequence(self, tag: Tag) -> Scope {
        match self {
            Scope::Top if tag == tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE => Scope::Groups { per_frame: false },
            Scope::Top if tag == tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE => {
                Scope::Groups { per_frame: true }
            }
            Scope::Group { frame } if is_wanted_macro(tag) => Scope::Macro { frame, sequence: tag },
            _ => Scope::Other,
        }
    }

    fn of_item(self, index: u32) -> Scope {
        match self {
            Scope::Groups { per_frame } => Scope::Group {
                frame: per_frame.then_some(index),
            },
            inner @ Scope::Macro { .. } => inner,
            _ => Scope::Other,
        }
    }
}

fn is_wanted_macro(tag: Tag) -> bool {
    matches!(
        tag,
        tag::FRAME_CONTENT_SEQUENCE
            | tag::PLANE_POSITION_SEQUENCE
            | tag::PLANE_ORIENTATION_SEQUENCE
            | tag::PIXEL_MEASURES_SEQUENCE
            | tag::FRAME_VOI_LUT_SEQUENCE
            | tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE
            | tag::MR_TIMING_SEQUENCE
            | tag::MR_ECHO_SEQUENCE
            | tag::MR_MODIFIER_SEQUENCE
    )
}

/// Receives the values it asks for.
pub(crate) trait Visitor {
    /// Whether the value of this element is wanted.
    fn wants(&self, scope: Scope, tag: Tag) -> bool;
    /// The value, at most [`Limits::max_value_bytes`] long.
    fn value(&mut self, scope: Scope, tag: Tag, value: Value<'_>);
}

/// A value and how to read numbers in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) encoding: Encoding,
    pub(crate) vr: Option<[u8; 2]>,
}

/// Where the walk ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WalkEnd {
    /// At the pixel data element of the data set.
    PixelData(ElementHead),
    /// At the end of the data set.
    End,
}

#[derive(Debug)]
struct Container {
    kind: Kind,
    scope: Scope,
    /// First byte behind it; `None` ends at a delimiter.
    end: Option<u64>,
    encoding: Encoding,
    n_items: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sequence,
    Item,
    /// Encapsulated pixel data below the top (an icon): its items hold bytes, not elements.
    Fragments,
}

/// Walks the data set from `at` to its pixel data or its end.
pub(crate) fn walk(
    source: &mut Source<'_>,
    at: u64,
    encoding: Encoding,
    limits: &Limits,
    visitor: &mut dyn Visitor,
) -> Result<WalkEnd, ReadError> {
    let mut walker = Walker {
        source,
        at,
        top: encoding,
        stack: Vec::new(),
        n_elements: 0,
        limits,
    };
    while let Some(head) = walker.next_head()? {
        if let Some(end) = walker.step(head, visitor)? {
            return Ok(end);
        }
    }
    Ok(WalkEnd::End)
}

/// Elements between two looks at the clock: some tens of microseconds.
const CLOCK_EVERY: usize = 1024;

struct Walker<'s, 'b, 'l> {
    source: &'s mut Source<'b>,
    at: u64,
    top: Encoding,
    stack: Vec<Container>,
    n_elements: usize,
    limits: &'l Limits,
}

impl Walker<'_, '_, '_> {
    /// The next head, after leaving the containers that end here; `None` at the end of the data set.
    fn next_head(&mut self) -> Result<Option<ElementHead>, ReadError> {
        while self
            .stack
            .last()
            .is_some_and(|container| container.end.is_some_and(|end| self.at >= end))
        {
            self.stack.pop();
        }
        let left = self.source.left(self.at);
        if left < 8 {
            // Zeros may pad the last element; anything else is an element cut short.
            let padding = self
                .source
                .get(self.at, left as usize)?
                .iter()
                .all(|byte| *byte == 0);
            let cut = ReadError::Truncated {
                offset: self.at,
                declared: 8,
                left,
            };
            return if padding { Ok(None) } else { Err(cut) };
        }
        if self.n_elements.is_multiple_of(CLOCK_EVERY) {
            self.source.deadline().check()?;
        }
        self.n_elements += 1;
        if self.n_elements > self.limits.max_elements {
            return Err(ReadError::TooManyElements {
                limit: self.limits.max_elements,
            });
        }
        read_head(self.source, self.at, self.encoding()).map(Some)
    }

    fn encoding(&self) -> Encoding {
        self.stack.last().map_or(self.top, |container| container.encoding)
    }

    fn scope(&self) -> Scope {
        self.stack.last().map_or(Scope::Top, |container| container.scope)
    }

    fn kind(&self) -> Option<Kind> {
        self.stack.last().map(|container| container.kind)
    }

    /// Bytes from `at` to the end of the innermost container of known length, or of the file.
    fn left(&self, at: u64) -> u64 {
        let end = self
            .stack
            .iter()
            .rev()
            .find_map(|container| container.end)
            .unwrap_or(self.source.total());
        end.min(self.source.total()).saturating_sub(at)
    }

    fn step(&mut self, head: ElementHead, visitor: &mut dyn Visitor) -> Result<Option<WalkEnd>, ReadError> {
        match head.tag {
            tag::ITEM => self.enter_item(head)?,
            tag::ITEM_DELIMITER => {
                if self.kind() == Some(Kind::Item) {
                    self.stack.pop();
                }
                self.at = head.value_at;
            }
            tag::SEQUENCE_DELIMITER => {
                // A writer that forgot the last item's delimiter still ends the sequence here.
                if self.kind() == Some(Kind::Item) {
                    self.stack.pop();
                }
                if matches!(self.kind(), Some(Kind::Sequence | Kind::Fragments)) {
                    self.stack.pop();
                }
                self.at = head.value_at;
            }
            _ => return self.element(head, visitor),
        }
        Ok(None)
    }

    fn enter_item(&mut self, head: ElementHead) -> Result<(), ReadError> {
        // An item inside an item: the delimiter before it was forgotten.
        if self.kind() == Some(Kind::Item) {
            self.stack.pop();
        }
        let end = self.end_of(head)?;
        match self.stack.last_mut() {
            Some(container) if container.kind == Kind::Fragments => {
                self.at = end.ok_or(ReadError::Malformed {
                    offset: head.value_at,
                    what: "a pixel fragment of undefined length",
                })?;
            }
            Some(sequence) => {
                let scope = sequence.scope.of_item(sequence.n_items);
                let encoding = sequence.encoding;
                sequence.n_items += 1;
                self.push(Container {
                    kind: Kind::Item,
                    scope,
                    end,
                    encoding,
                    n_items: 0,
                })?;
                self.at = head.value_at;
            }
            // A stray item at the top: stepped over.
            None => self.at = end.unwrap_or(head.value_at),
        }
        Ok(())
    }

    fn element(
        &mut self,
        head: ElementHead,
        visitor: &mut dyn Visitor,
    ) -> Result<Option<WalkEnd>, ReadError> {
        // An element directly in a sequence: the sequence ended without its delimiter.
        while matches!(self.kind(), Some(Kind::Sequence | Kind::Fragments)) {
            self.stack.pop();
        }
        let scope = self.scope();
        let is_pixel_data = matches!(
            head.tag,
            tag::PIXEL_DATA | tag::FLOAT_PIXEL_DATA | tag::DOUBLE_FLOAT_PIXEL_DATA
        );
        if is_pixel_data && scope == Scope::Top {
            return Ok(Some(WalkEnd::PixelData(head)));
        }
        let is_bytes = matches!(head.vr.as_ref(), Some(b"OB" | b"OW")) || is_pixel_data;
        if head.length == UNDEFINED || head.vr.as_ref() == Some(b"SQ") {
            return self.enter_sequence(head, is_bytes).map(|()| None);
        }
        let end = self.end_of(head)?.unwrap_or(head.value_at);
        let inner = scope.of_sequence(head.tag);
        if head.vr.is_none_or(|vr| &vr == b"UN") && inner != Scope::Other {
            return self.enter_sequence(head, false).map(|()| None);
        }
        if visitor.wants(scope, head.tag) && head.length as usize <= self.limits.max_value_bytes {
            let encoding = self.encoding();
            let bytes = self.source.get(head.value_at, head.length as usize)?;
            visitor.value(
                scope,
                head.tag,
                Value {
                    bytes,
                    encoding,
                    vr: head.vr,
                },
            );
        }
        self.at = end;
        Ok(None)
    }

    fn enter_sequence(&mut self, head: ElementHead, is_bytes: bool) -> Result<(), ReadError> {
        let end = self.end_of(head)?;
        let scope = self.scope().of_sequence(head.tag);
        if let (Some(end), Scope::Other) = (end, scope) {
            self.at = end;
            return Ok(());
        }
        // An unknown representation of undefined length is implicit little endian inside (PS3.5 6.2.2).
        let encoding = match head.vr.as_ref() {
            Some(b"UN") => Encoding::IMPLICIT_LITTLE,
            _ => self.encoding(),
        };
        let kind = if is_bytes { Kind::Fragments } else { Kind::Sequence };
        self.at = head.value_at;
        self.push(Container {
            kind,
            scope,
            end,
            encoding,
            n_items: 0,
        })
    }

    fn push(&mut self, container: Container) -> Result<(), ReadError> {
        // Two containers a level: the sequence and its item.
        if self.stack.len() >= 2 * self.limits.max_depth {
            return Err(ReadError::TooDeep {
                limit: self.limits.max_depth,
            });
        }
        self.stack.push(container);
        Ok(())
    }

    /// First byte behind the value, checked against the bytes left; `None` for an undefined length.
    fn end_of(&self, head: ElementHead) -> Result<Option<u64>, ReadError> {
        if head.length == UNDEFINED {
            return Ok(None);
        }
        let (declared, left) = (u64::from(head.length), self.left(head.value_at));
        if declared > left {
            return Err(ReadError::Truncated {
                offset: head.value_at,
                declared,
                left,
            });
        }
        Ok(Some(head.value_at + declared))
    }
}
