//! Tier 2: packets with their headers, which give every code block its passes and bytes.

use super::{
    codestream::{Coding, Header, MOST_LEVELS, Order},
    grid::Rect,
};
use std::ops::Range;

/// One resolution of a tile: the lowest has one band, others have three.
pub(super) struct Resolution<'a> {
    pub(super) rect: Rect,
    pub(super) bands: Vec<Band<'a>>,
}

pub(super) struct Band<'a> {
    pub(super) rect: Rect,
    /// By axis, whether it has the high frequencies.
    pub(super) high: [bool; 2],
    bit_planes: u8,
    precincts: Vec<Precinct<'a>>,
}

struct Precinct<'a> {
    n_across: usize,
    blocks: Vec<Block<'a>>,
    inclusion: TagTree,
    zero_planes: TagTree,
}

/// A code block and what the packets had for it.
pub(super) struct Block<'a> {
    /// In the coordinates of its band.
    pub(super) rect: Rect,
    pub(super) n_planes: u32,
    pub(super) n_passes: u32,
    length_bits: u32,
    pub(super) chunks: Vec<&'a [u8]>,
}

impl<'a> Band<'a> {
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<'a>> {
        self.precincts.iter().flat_map(|precinct| &precinct.blocks)
    }
}

/// All resolutions of a tile with what its packets hold; `None` unless they are all there and nothing else is.
pub(super) fn parse<'a>(header: &Header, tile: &Rect, mut data: &'a [u8]) -> Option<Vec<Resolution<'a>>> {
    let coding = &header.coding;
    let cells: Vec<Rect> = (0..=coding.n_levels)
        .map(|resolution| precinct_cells(coding, tile, resolution))
        .collect();
    let n_precincts: usize = cells.iter().map(|cells| cells.width() * cells.height()).sum();
    // Smaller than any encoder makes them by itself, and still no more memory than a few times the samples'.
    const LEAST_SAMPLES: usize = 32;
    let most_precincts = 2 * MOST_LEVELS + tile.width() * tile.height() / LEAST_SAMPLES;
    // No packet is shorter than a byte: only now is room made for precincts.
    if n_precincts > most_precincts || n_precincts * coding.n_layers as usize > data.len() {
        return None;
    }
    let mut resolutions: Vec<Resolution<'a>> = (0..=coding.n_levels)
        .map(|resolution| Resolution::new(header, tile, resolution))
        .collect();
    for_each_packet(coding, tile, &cells, |packet| {
        data = resolutions[packet.resolution].packet(coding, &packet, data)?;
        Some(())
    })?;
    data.is_empty().then_some(resolutions)
}

fn precinct_cells(coding: &Coding, tile: &Rect, resolution: usize) -> Rect {
    tile.resolution(coding.n_levels - resolution)
        .cells(coding.precincts[resolution])
}

struct Packet {
    resolution: usize,
    precinct: usize,
    layer: u32,
}

/// Goes through packets in the order of the progression.
fn for_each_packet(
    coding: &Coding,
    tile: &Rect,
    cells: &[Rect],
    mut take: impl FnMut(Packet) -> Option<()>,
) -> Option<()> {
    let mut take_all = |resolution: usize, precincts: Range<usize>, layers: Range<u32>| {
        layers
            .flat_map(|layer| precincts.clone().map(move |precinct| (layer, precinct)))
            .try_for_each(|(layer, precinct)| {
                take(Packet {
                    resolution,
                    precinct,
                    layer,
                })
            })
    };
    let all = |cells: &Rect| 0..cells.width() * cells.height();
    match coding.order {
        Order::LayerResolution => {
            for layer in 0..coding.n_layers {
                for (resolution, cells) in cells.iter().enumerate() {
                    take_all(resolution, all(cells), layer..layer + 1)?;
                }
            }
        }
        Order::ResolutionLayer => {
            for (resolution, cells) in cells.iter().enumerate() {
                take_all(resolution, all(cells), 0..coding.n_layers)?;
            }
        }
        Order::ResolutionPosition | Order::Position => {
            let mut places = Vec::new();
            for (resolution, cells) in cells.iter().enumerate() {
                let corners = corners(coding, tile, resolution, cells)?;
                places.extend(
                    (0..)
                        .zip(corners)
                        .map(|(precinct, corner)| (corner, resolution, precinct)),
                );
            }
            // Within a resolution precincts are in the order of their corners already.
            if coding.order == Order::Position {
                places.sort_unstable();
            }
            for (_, resolution, precinct) in places {
                take_all(resolution, precinct..precinct + 1, 0..coding.n_layers)?;
            }
        }
    }
    Some(())
}

/// Where precincts begin, row before column, at the full resolution.
fn corners(coding: &Coding, tile: &Rect, resolution: usize, cells: &Rect) -> Option<Vec<[u64; 2]>> {
    let level = (coding.n_levels - resolution) as u32;
    let scale = coding.precincts[resolution].map(|exponent| exponent + level);
    // OpenJPEG leaves out precincts of such a size.
    if scale.iter().any(|exponent| *exponent >= 31) {
        return None;
    }
    let corner = |x: u32, y: u32| {
        [
            (u64::from(y) << scale[1]).max(u64::from(tile.top)),
            (u64::from(x) << scale[0]).max(u64::from(tile.left)),
        ]
    };
    let rows = cells.top..cells.bottom;
    Some(
        rows.flat_map(|y| (cells.left..cells.right).map(move |x| corner(x, y)))
            .collect(),
    )
}

impl<'a> Resolution<'a> {
    fn new(header: &Header, tile: &Rect, resolution: usize) -> Self {
        const LOW: [bool; 2] = [false, false];
        const HIGH: [[bool; 2]; 3] = [[true, false], [false, true], [true, true]];
        let coding = &header.coding;
        let rect = tile.resolution(coding.n_levels - resolution);
        let cells = precinct_cells(coding, tile, resolution);
        let mut precinct_size = coding.precincts[resolution];
        let (kinds, first): (&[_], _) = if resolution == 0 {
            (&[LOW], 0)
        } else {
            precinct_size = precinct_size.map(|exponent| exponent - 1);
            (&HIGH, 3 * resolution - 2)
        };
        let block_size = [0, 1].map(|axis| coding.block[axis].min(precinct_size[axis]));
        let bands = kinds.iter().enumerate().map(|(index, high)| {
            let rect = match resolution {
                0 => rect,
                _ => tile.band(coding.n_levels - resolution + 1, *high),
            };
            let rows = cells.top..cells.bottom;
            let precincts = rows
                .flat_map(|y| (cells.left..cells.right).map(move |x| [x, y]))
                .map(|cell| Precinct::new(&Rect::cell(cell, precinct_size).intersection(&rect), block_size))
                .collect();
            Band {
                rect,
                high: *high,
                bit_planes: header.bit_planes[first + index],
                precincts,
            }
        });
        Self {
            rect,
            bands: bands.collect(),
        }
    }

    /// Takes one packet off `data`.
    fn packet(&mut self, coding: &Coding, packet: &Packet, data: &'a [u8]) -> Option<&'a [u8]> {
        let mut data = data;
        if coding.has_packet_start {
            data = data.strip_prefix(&[0xFF, 0x91])?.get(4..)?;
        }
        let mut bits = Bits::new(data);
        let mut added = Vec::new();
        if bits.bit()? == 1 {
            for (band_idx, band) in self.bands.iter_mut().enumerate() {
                let precinct = &mut band.precincts[packet.precinct];
                for block_idx in 0..precinct.blocks.len() {
                    let length = precinct.block(block_idx, band.bit_planes, packet.layer, &mut bits)?;
                    added.extend(length.map(|length| (band_idx, block_idx, length)));
                }
            }
        }
        data = bits.align()?;
        if coding.has_header_end {
            data = data.strip_prefix(&[0xFF, 0x92])?;
        }
        for (band, block, length) in added {
            let (chunk, rest) = data.split_at_checked(length)?;
            self.bands[band].precincts[packet.precinct].blocks[block]
                .chunks
                .push(chunk);
            data = rest;
        }
        Some(data)
    }
}

impl Precinct<'_> {
    fn new(rect: &Rect, block_size: [u32; 2]) -> Self {
        let cells = rect.cells(block_size);
        let blocks = (cells.top..cells.bottom)
            .flat_map(|y| (cells.left..cells.right).map(move |x| [x, y]))
            .map(|cell| Block {
                rect: Rect::cell(cell, block_size).intersection(rect),
                n_planes: 0,
                n_passes: 0,
                length_bits: 3,
                chunks: Vec::new(),
            })
            .collect();
        Self {
            n_across: cells.width(),
            blocks,
            inclusion: TagTree::new(cells.width(), cells.height()),
            zero_planes: TagTree::new(cells.width(), cells.height()),
        }
    }

    /// A block's part of a packet's header: the number of bytes that the packet has for it, if it is in there.
    fn block(
        &mut self,
        index: usize,
        bit_planes: u8,
        layer: u32,
        bits: &mut Bits<'_>,
    ) -> Option<Option<usize>> {
        let block = &mut self.blocks[index];
        let place = [index % self.n_across, index / self.n_across];
        let is_new = block.n_passes == 0;
        let is_included = if is_new {
            self.inclusion.is_below(place, layer + 1, bits)?
        } else {
            bits.bit()? == 1
        };
        if !is_included {
            return Some(None);
        }
        if is_new {
            let bit_planes = u32::from(bit_planes);
            let mut n_zero = 0;
            while !self.zero_planes.is_below(place, n_zero + 1, bits)? {
                n_zero += 1;
                if n_zero >= bit_planes {
                    return None;
                }
            }
            block.n_planes = bit_planes.checked_sub(n_zero)?;
        }
        let n_passes = bits.n_passes()?;
        block.n_passes += n_passes;
        // The first plane has one pass, each other three.
        if block.n_planes == 0 || block.n_passes > 3 * block.n_planes - 2 {
            return None;
        }
        while bits.bit()? == 1 {
            block.length_bits += 1;
        }
        let n_bits = block.length_bits + n_passes.ilog2();
        if n_bits > 32 {
            return None;
        }
        Some(Some(bits.take(n_bits)? as usize))
    }
}

/// Nodes of all levels, the leaves first.
struct TagTree {
    /// Where a level's nodes begin, and how many it has in a row.
    levels: Vec<(usize, usize)>,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Node {
    /// The value is this or more.
    least: u32,
    is_known: bool,
}

impl TagTree {
    fn new(width: usize, height: usize) -> Self {
        let (mut levels, mut n_nodes, mut size) = (Vec::new(), 0, [width, height]);
        while size[0] * size[1] > 0 {
            levels.push((n_nodes, size[0]));
            n_nodes += size[0] * size[1];
            if size == [1, 1] {
                break;
            }
            size = size.map(|side| side.div_ceil(2));
        }
        let fresh = Node {
            least: 0,
            is_known: false,
        };
        Self {
            levels,
            nodes: vec![fresh; n_nodes],
        }
    }

    /// Whether a leaf's value is below a threshold, from as many bits as that takes.
    fn is_below(&mut self, [x, y]: [usize; 2], threshold: u32, bits: &mut Bits<'_>) -> Option<bool> {
        let (mut least, mut is_known) = (0, false);
        for (level, (start, n_across)) in self.levels.iter().enumerate().rev() {
            let node = &mut self.nodes[start + (y >> level) * n_across + (x >> level)];
            node.least = node.least.max(least);
            while !node.is_known && node.least < threshold {
                if bits.bit()? == 1 {
                    node.is_known = true;
                } else {
                    node.least += 1;
                }
            }
            (least, is_known) = (node.least, node.is_known);
        }
        Some(is_known && least < threshold)
    }
}

/// Bits of packet headers: after a byte of ones, the next has seven.
struct Bits<'a> {
    bytes: &'a [u8],
    byte: u8,
    n_left: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            byte: 0,
            n_left: 0,
        }
    }

    fn bit(&mut self) -> Option<u32> {
        if self.n_left == 0 {
            self.n_left = if self.byte == 0xFF { 7 } else { 8 };
            let (first, rest) = self.bytes.split_first()?;
            (self.byte, self.bytes) = (*first, rest);
        }
        self.n_left -= 1;
        Some(u32::from(self.byte >> self.n_left & 1))
    }

    /// At most 32.
    fn take(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    fn n_passes(&mut self) -> Option<u32> {
        // Code words in groups: the number of bits, and the first number they stand for.
        for (n_bits, first) in [(1, 1), (1, 2), (2, 3), (5, 6)] {
            let value = self.take(n_bits)?;
            let escape = (1 << n_bits) - 1;
            if value != escape {
                return Some(first + value);
            }
        }
        Some(37 + self.take(7)?)
    }

    /// What follows the header.
    fn align(self) -> Option<&'a [u8]> {
        if self.byte == 0xFF {
            return self.bytes.get(1..);
        }
        Some(self.bytes)
    }
}
