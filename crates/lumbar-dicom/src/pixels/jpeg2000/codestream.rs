//! Markers of a code stream: what is coded and where each tile's packets lie.

use super::grid::Rect;
use std::borrow::Cow;

/// Resolutions are 33 at most, by the standard.
pub(super) const MOST_LEVELS: usize = 32;
const MOST_BANDS: usize = 3 * MOST_LEVELS + 1;

/// The main header.
pub(super) struct Header {
    pub(super) image: Rect,
    /// Corner of the first tile and a tile's width and height.
    tile_corner: [u32; 2],
    tile_size: [u32; 2],
    pub(super) precision: u32,
    pub(super) signed: bool,
    pub(super) coding: Coding,
    /// Bit planes a band has at most (M_b), in the order LL, then HL, LH, HH of each resolution.
    pub(super) bit_planes: [u8; MOST_BANDS],
}

/// The coding style (COD).
#[derive(Debug, Clone, Copy)]
pub(super) struct Coding {
    pub(super) has_packet_start: bool,
    pub(super) has_header_end: bool,
    pub(super) order: Order,
    pub(super) n_layers: u32,
    pub(super) n_levels: usize,
    /// Exponents of a code block's width and height.
    pub(super) block: [u32; 2],
    /// Exponents of a precinct's width and height, by resolution.
    pub(super) precincts: [[u32; 2]; MOST_LEVELS + 1],
}

/// Progression, for one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    LayerResolution,
    ResolutionLayer,
    ResolutionPosition,
    /// By position, with or without the component before it.
    Position,
}

/// A header and the packets of every tile, in the order of tiles.
pub(super) struct Codestream<'a> {
    pub(super) header: Header,
    pub(super) tiles: Vec<(Rect, Cow<'a, [u8]>)>,
}

const START_OF_STREAM: u16 = 0xFF4F;
const SIZE: u16 = 0xFF51;
const CODING: u16 = 0xFF52;
const QUANTISATION: u16 = 0xFF5C;
const COMMENT: u16 = 0xFF64;
const START_OF_TILE: u16 = 0xFF90;
const START_OF_DATA: u16 = 0xFF93;
const END_OF_STREAM: u16 = 0xFFD9;

impl<'a> Codestream<'a> {
    /// `None` for a marker that is not known here, a length that does not fit or a stream without its end.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { bytes };
        if reader.u16()? != START_OF_STREAM || reader.u16()? != SIZE {
            return None;
        }
        let size = Size::parse(reader.segment()?)?;
        let (mut coding, mut quantisation) = (None, None);
        loop {
            match reader.u16()? {
                CODING if coding.is_none() => coding = Some(Coding::parse(reader.segment()?)?),
                QUANTISATION if quantisation.is_none() => quantisation = Some(reader.segment()?),
                COMMENT => {
                    reader.segment()?;
                }
                START_OF_TILE => break,
                _ => return None,
            }
        }
        let coding = coding?;
        let header = Header {
            image: size.image,
            tile_corner: size.tile_corner,
            tile_size: size.tile_size,
            precision: size.precision,
            signed: size.signed,
            coding,
            bit_planes: bit_planes(quantisation?, coding.n_levels)?,
        };
        let tiles = header.tiles(reader)?;
        Some(Self { header, tiles })
    }
}

impl Header {
    /// Reads on behind the first start of a tile part. Parts of a tile must follow each other, tiles in their order.
    fn tiles<'a>(&self, mut reader: Reader<'a>) -> Option<Vec<(Rect, Cow<'a, [u8]>)>> {
        let across = (self.image.right - self.tile_corner[0]).div_ceil(self.tile_size[0]);
        let down = (self.image.bottom - self.tile_corner[1]).div_ceil(self.tile_size[1]);
        let n_tiles = across.checked_mul(down)?;
        // Each tile has at least one part, and that a header of 14 bytes.
        if n_tiles as usize > reader.bytes.len() / 12 {
            return None;
        }
        let mut tiles = Vec::with_capacity(n_tiles as usize);
        for tile in 0..n_tiles {
            let (mut part, mut data) = (0, Cow::Borrowed(&[][..]));
            loop {
                let (bytes, n_parts) = reader.tile_part(tile, part)?;
                if part == 0 {
                    data = Cow::Borrowed(bytes);
                } else {
                    data.to_mut().extend_from_slice(bytes);
                }
                part += 1;
                let is_last = part == n_parts;
                let expected = if is_last && tile + 1 == n_tiles {
                    END_OF_STREAM
                } else {
                    START_OF_TILE
                };
                if reader.u16()? != expected {
                    return None;
                }
                if is_last {
                    break;
                }
            }
            tiles.push((self.tile_rect(tile % across, tile / across)?, data));
        }
        Some(tiles)
    }

    fn tile_rect(&self, across: u32, down: u32) -> Option<Rect> {
        let side = |index: u32, corner: u32, size: u32, [least, most]: [u32; 2]| {
            let start = corner.checked_add(index.checked_mul(size)?)?;
            Some([start.max(least), start.saturating_add(size).min(most)])
        };
        let (image, corner, size) = (&self.image, self.tile_corner, self.tile_size);
        let [left, right] = side(across, corner[0], size[0], [image.left, image.right])?;
        let [top, bottom] = side(down, corner[1], size[1], [image.top, image.bottom])?;
        let rect = Rect {
            left,
            top,
            right,
            bottom,
        };
        (!rect.is_empty()).then_some(rect)
    }
}

struct Size {
    image: Rect,
    tile_corner: [u32; 2],
    tile_size: [u32; 2],
    precision: u32,
    signed: bool,
}

impl Size {
    fn parse(segment: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes: segment };
        let capabilities = reader.u16()?;
        let [right, bottom, left, top] = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let tile_size = [reader.u32()?, reader.u32()?];
        let tile_corner = [reader.u32()?, reader.u32()?];
        let n_components = reader.u16()?;
        let depth = reader.u8()?;
        let subsampling = [reader.u8()?, reader.u8()?];
        let image = Rect {
            left,
            top,
            right,
            bottom,
        };
        // Far from where coordinates of 32 bits with a sign would end.
        const MOST: u32 = 1 << 20;
        let first_tile_has_image = (0..2).all(|axis| {
            let start = [left, top][axis];
            tile_size[axis] > 0
                && tile_corner[axis] <= start
                && tile_corner[axis].saturating_add(tile_size[axis]) > start
        });
        let is_plain = reader.bytes.is_empty()
            && capabilities & 0xC000 == 0
            && n_components == 1
            && subsampling == [1, 1]
            && !image.is_empty()
            && right.max(bottom) <= MOST
            && first_tile_has_image;
        let precision = u32::from(depth & 0x7F) + 1;
        (is_plain && precision <= 16).then_some(Self {
            image,
            tile_corner,
            tile_size,
            precision,
            signed: depth & 0x80 != 0,
        })
    }
}

impl Coding {
    fn parse(segment: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes: segment };
        let style = reader.u8()?;
        let order = match reader.u8()? {
            0 => Order::LayerResolution,
            1 => Order::ResolutionLayer,
            2 => Order::ResolutionPosition,
            3 | 4 => Order::Position,
            _ => return None,
        };
        let n_layers = u32::from(reader.u16()?);
        let component_transform = reader.u8()?;
        let n_levels = usize::from(reader.u8()?);
        let block = [u32::from(reader.u8()?) + 2, u32::from(reader.u8()?) + 2];
        let [block_style, transform] = [reader.u8()?, reader.u8()?];
        // Inclusion is counted in layers; OpenJPEG's trees end at 999.
        const MOST_LAYERS: u32 = 255;
        let is_plain = style & !0b111 == 0
            && (1..=MOST_LAYERS).contains(&n_layers)
            && component_transform == 0
            && n_levels <= MOST_LEVELS
            && block.iter().all(|exponent| *exponent <= 10)
            && block[0] + block[1] <= 12
            && block_style == 0
            && transform == 1;
        if !is_plain {
            return None;
        }
        let mut precincts = [[15, 15]; MOST_LEVELS + 1];
        if style & 1 != 0 {
            for (resolution, exponents) in precincts.iter_mut().take(n_levels + 1).enumerate() {
                let both = u32::from(reader.u8()?);
                *exponents = [both & 0xF, both >> 4];
                if resolution > 0 && exponents.contains(&0) {
                    return None;
                }
            }
        }
        reader.bytes.is_empty().then_some(Self {
            has_packet_start: style & 2 != 0,
            has_header_end: style & 4 != 0,
            order,
            n_layers,
            n_levels,
            block,
            precincts,
        })
    }
}

/// From a segment that says "no quantisation".
fn bit_planes(segment: &[u8], n_levels: usize) -> Option<[u8; MOST_BANDS]> {
    let (style, exponents) = segment.split_first()?;
    if style & 0x1F != 0 || exponents.len() != 3 * n_levels + 1 {
        return None;
    }
    let mut planes = [0; MOST_BANDS];
    for (planes, exponent) in planes.iter_mut().zip(exponents) {
        *planes = ((exponent >> 3) + (style >> 5)).checked_sub(1)?;
    }
    Some(planes)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// What a marker's length spans, without the length.
    fn segment(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.u16()?);
        self.take(length.checked_sub(2)?)
    }

    /// Packets of the tile part whose marker was just read, and how many parts the tile has.
    fn tile_part(&mut self, tile: u32, part: u8) -> Option<(&'a [u8], u8)> {
        let whole = self.bytes.len();
        let mut segment = Reader {
            bytes: self.segment()?,
        };
        let (index, length) = (segment.u16()?, segment.u32()? as usize);
        let [part_found, n_parts] = [segment.u8()?, segment.u8()?];
        let is_as_expected =
            segment.bytes.is_empty() && u32::from(index) == tile && part_found == part && part < n_parts;
        if !is_as_expected {
            return None;
        }
        // Nothing is looked for in a tile's header.
        if self.u16()? != START_OF_DATA {
            return None;
        }
        // The length counts from the marker on.
        let passed = whole - self.bytes.len() + 2;
        Some((self.take(length.checked_sub(passed)?)?, n_parts))
    }
}
