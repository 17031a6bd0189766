//! Tier 1: bit planes of a code block (ITU-T T.800 annex D).
//!
//! Samples are taken in stripes of four rows, column by column. A word for each column of a stripe holds what its four
//! samples need to know of themselves and their neighbours.

use super::{
    mq::{Context, Mq, Source, context},
    packets::Block,
};

use std::hint::select_unpredictable;

/// Columns that are taken together: their samples in a stripe are the 64 bits of a word, column by column.
const GROUP: usize = 16;
/// Samples of a block at most; neither side is over 1024.
const N_SAMPLES: usize = 4096;
/// Groups at most: all in one column of them.
const N_GROUPS: usize = 256;
/// A word for each column, and at either side of a stripe, above the first and below the last one more.
const N_SURROUNDINGS: usize = (GROUP + 2) * (N_GROUPS + 2);

/// In a group: the rows at the edges of the stripe.
const TOP: u64 = 0x1111_1111_1111_1111;
const BOTTOM: u64 = TOP << 3;

// What a column's word says of it and the columns at its sides, six rows of three samples from above the stripe to below
// it: in the lowest 18 bits who is significant, from here on who of them is negative.
const NEGATIVE: u32 = 20;
/// The first of the column's own samples; the next ones three bits apart.
const OWN: u32 = 4;
/// The eight neighbours of a sample among the nine bits that begin above it to the left.
const NEIGHBOURS: u64 = 0o757;
/// Those above, left, right and below.
const SIDES: u64 = 0o252;

// Contexts by table D.1 and after it: 0 to 8 significance, 9 to 13 sign, 14 to 16 refinement.
const SIGN: usize = 9;
const REFINEMENT: usize = 14;
const RUN: usize = 17;
const UNIFORM: usize = 18;
/// A power of two, so that an index can be masked.
const N_CONTEXTS: usize = 32;

/// Room for one block, used again for each.
pub(super) struct Decoder {
    surroundings: Box<[u64; N_SURROUNDINGS]>,
    /// Twice the magnitude with half a step of what is still unknown, and the sign at the top; column by column of a
    /// stripe, four to each.
    samples: Box<[u32; N_SAMPLES]>,
    groups: Box<[Group; N_GROUPS]>,
    joined: Vec<u8>,
}

/// Sets of a group's samples.
#[derive(Clone, Copy, Default)]
struct Group {
    significant: u64,
    /// Taken by the first pass of this plane.
    visited: u64,
    refined: u64,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            surroundings: Box::new([0; N_SURROUNDINGS]),
            samples: Box::new([0; N_SAMPLES]),
            groups: Box::new([Group::default(); N_GROUPS]),
            joined: Vec::new(),
        }
    }
}

impl Decoder {
    /// Decodes a block of a band that has high frequencies as `high` says, and writes its coefficients to `target`, whose
    /// rows are `stride` apart.
    pub(super) fn decode(&mut self, block: &Block<'_>, high: [bool; 2], target: &mut [i32], stride: usize) {
        let shape = Shape::of(block);
        self.surroundings[..shape.stride * (shape.n_stripes + 2)].fill(0);
        self.groups[..shape.n_groups * shape.n_stripes].fill(Group::default());
        self.samples[..4 * shape.width * shape.n_stripes].fill(0);
        let bytes = match block.chunks.as_slice() {
            [only] => only,
            chunks => {
                self.joined.clear();
                chunks
                    .iter()
                    .for_each(|chunk| self.joined.extend_from_slice(chunk));
                self.joined.as_slice()
            }
        };
        let mut source = Source::new(bytes);
        let mq = Mq::new(&mut source);
        let mut passes = Passes {
            surroundings: &mut self.surroundings[..],
            samples: &mut self.samples,
            groups: &mut self.groups[..shape.n_groups * shape.n_stripes],
            shape,
            mq,
            source,
            contexts: FRESH,
            significance: &SIGNIFICANCE[usize::from(high[0]) + 2 * usize::from(high[1])],
        };
        let mut plane = block.n_planes;
        // The first plane only has the last of the three passes.
        for pass in 2..block.n_passes + 2 {
            match pass % 3 {
                0 => passes.propagate(plane),
                1 => passes.refine(plane),
                _ => {
                    passes.clean_up(plane);
                    plane -= 1;
                }
            }
        }
        self.store(shape, target, stride);
    }

    fn store(&self, shape: Shape, target: &mut [i32], stride: usize) {
        let stripes = self.samples.chunks_exact(4 * shape.width);
        let mut left = shape.height;
        for (stripe, rows) in stripes.zip(target.chunks_mut(4 * stride).take(shape.n_stripes)) {
            let n_rows = left.min(4);
            left -= n_rows;
            for (row_idx, row) in rows.chunks_mut(stride).take(n_rows).enumerate() {
                for (coefficient, column) in row.iter_mut().zip(stripe.chunks_exact(4)) {
                    let magnitude = (column[row_idx] << 1 >> 2) as i32;
                    let sign = column[row_idx] as i32 >> 31;
                    *coefficient = (magnitude ^ sign) - sign;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    n_stripes: usize,
    /// Groups of a stripe.
    n_groups: usize,
    /// Words from a stripe to the next.
    stride: usize,
}

impl Shape {
    fn of(block: &Block<'_>) -> Self {
        let (width, height) = (block.rect.width(), block.rect.height());
        let n_groups = width.div_ceil(GROUP);
        Self {
            width,
            height,
            n_stripes: height.div_ceil(4),
            n_groups,
            stride: n_groups * GROUP + 2,
        }
    }

    fn has_four_rows(&self, stripe: usize) -> bool {
        self.height >= 4 * stripe + 4
    }

    /// Samples of a group that are in the block.
    fn inside(&self, stripe: usize, group: usize) -> u64 {
        let n_columns = (self.width - group * GROUP).min(GROUP);
        let n_rows = (self.height - 4 * stripe).min(4);
        (TOP * (0xF >> (4 - n_rows))) & u64::MAX >> (64 - 4 * n_columns)
    }
}

struct Passes<'a, 'b> {
    surroundings: &'a mut [u64],
    samples: &'a mut [u32; N_SAMPLES],
    groups: &'a mut [Group],
    shape: Shape,
    mq: Mq,
    source: Source<'b>,
    contexts: [Context; N_CONTEXTS],
    significance: &'static [u8; 512],
}

impl Passes<'_, '_> {
    /// Samples that are not significant and have a neighbour that is.
    #[inline(never)]
    fn propagate(&mut self, plane: u32) {
        let (mut mq, mut contexts, shape) = (self.mq, self.contexts, self.shape);
        for (stripe, group) in shape.groups() {
            let at = stripe * shape.n_groups + group;
            let Group { mut significant, .. } = self.groups[at];
            let inside = shape.inside(stripe, group);
            let mut left = self.neighboured(stripe, group) & !significant & inside;
            if left == 0 {
                continue;
            }
            let first = 4 * (stripe * shape.width + group * GROUP);
            let mut columns = Columns::new(self.surroundings, &shape, stripe, group);
            let mut visited = 0;
            while left != 0 {
                let place = left.trailing_zeros();
                left &= left - 1;
                visited |= 1 << place;
                let around = columns.around(place);
                let context = self.significance[(around & NEIGHBOURS) as usize];
                if mq.decode(&mut self.source, &mut contexts[usize::from(context) % N_CONTEXTS]) == 1 {
                    let negative = sign(&mut mq, &mut self.source, &mut contexts, around);
                    self.samples[(first + place as usize) % N_SAMPLES] = 3 << (plane - 1) | negative << 31;
                    columns.tell(place, negative);
                    significant |= 1 << place;
                    // Those that come after it now have a neighbour.
                    left |= AFTER[place as usize % 4] << place & !significant & inside;
                }
            }
            self.groups[at].significant = significant;
            self.groups[at].visited = visited;
        }
        (self.mq, self.contexts) = (mq, contexts);
    }

    /// Another bit of each sample that was significant before this plane.
    #[inline(never)]
    fn refine(&mut self, plane: u32) {
        let (mut mq, shape) = (self.mq, self.shape);
        let half = 1u32 << (plane - 1);
        let [mut lonely, mut first, mut later] = [0, 1, 2].map(|context| self.contexts[REFINEMENT + context]);
        for (stripe, group) in shape.groups() {
            let at = stripe * shape.n_groups + group;
            let Group {
                significant,
                visited,
                refined,
            } = self.groups[at];
            let mut left = significant & !visited;
            if left == 0 {
                continue;
            }
            self.groups[at].refined = refined | left;
            let neighboured = self.neighboured(stripe, group) & !refined;
            let start = 4 * (stripe * shape.width + group * GROUP);
            while left != 0 {
                let place = left.trailing_zeros();
                left &= left - 1;
                // All three stay in registers.
                let (is_first, is_later) = (neighboured >> place & 1 == 1, refined >> place & 1 == 1);
                let mut context = select_unpredictable(is_first, first, lonely);
                context = select_unpredictable(is_later, later, context);
                let bit = mq.decode(&mut self.source, &mut context);
                lonely = select_unpredictable(is_first | is_later, lonely, context);
                first = select_unpredictable(is_first, context, first);
                later = select_unpredictable(is_later, context, later);
                let sample = &mut self.samples[(start + place as usize) % N_SAMPLES];
                *sample = sample.wrapping_sub(half).wrapping_add(bit << plane);
            }
        }
        self.contexts[REFINEMENT..REFINEMENT + 3].copy_from_slice(&[lonely, first, later]);
        self.mq = mq;
    }

    /// All that no other pass of this plane took.
    #[inline(never)]
    fn clean_up(&mut self, plane: u32) {
        let (mut mq, mut contexts, shape) = (self.mq, self.contexts, self.shape);
        for (stripe, group) in shape.groups() {
            let at = stripe * shape.n_groups + group;
            let Group {
                mut significant,
                visited,
                ..
            } = self.groups[at];
            self.groups[at].visited = 0;
            let mut left = !(significant | visited) & shape.inside(stripe, group);
            if left == 0 {
                continue;
            }
            let has_runs = shape.has_four_rows(stripe);
            let first = 4 * (stripe * shape.width + group * GROUP);
            let mut columns = Columns::new(self.surroundings, &shape, stripe, group);
            while left != 0 {
                let mut place = left.trailing_zeros();
                let mut around = columns.around(place);
                // A column without significant samples in it or next to it: then none of its samples was visited either.
                let is_run = has_runs && place % 4 == 0 && around == 0;
                if is_run {
                    if mq.decode(&mut self.source, &mut contexts[RUN]) == 0 {
                        left &= !(0xF << place);
                        continue;
                    }
                    let run = mq.decode(&mut self.source, &mut contexts[UNIFORM]) << 1;
                    place += run | mq.decode(&mut self.source, &mut contexts[UNIFORM]);
                    around = columns.around(place);
                }
                left &= !1 << place;
                let context = self.significance[(around & NEIGHBOURS) as usize];
                let context = &mut contexts[usize::from(context) % N_CONTEXTS];
                // The sample that ends a run is known to be significant.
                if is_run || mq.decode(&mut self.source, context) == 1 {
                    let negative = sign(&mut mq, &mut self.source, &mut contexts, around);
                    self.samples[(first + place as usize) % N_SAMPLES] = 3 << (plane - 1) | negative << 31;
                    columns.tell(place, negative);
                    significant |= 1 << place;
                }
            }
            self.groups[at].significant = significant;
        }
        (self.mq, self.contexts) = (mq, contexts);
    }

    /// Samples of a group that have a significant neighbour.
    #[inline(always)]
    fn neighboured(&self, stripe: usize, group: usize) -> u64 {
        let n_groups = self.shape.n_groups;
        let significant = |stripe: usize, group: usize| self.groups[stripe * n_groups + group].significant;
        // Above and below each sample, and whether it is itself significant.
        let vertical = |group: usize| {
            let own = significant(stripe, group);
            let mut found = own << 1 & !TOP | own >> 1 & !BOTTOM;
            if stripe > 0 {
                found |= significant(stripe - 1, group) >> 3 & TOP;
            }
            if stripe + 1 < self.shape.n_stripes {
                found |= significant(stripe + 1, group) << 3 & BOTTOM;
            }
            (found, found | own)
        };
        let (mut found, all) = vertical(group);
        found |= all << 4 | all >> 4;
        if group > 0 {
            found |= vertical(group - 1).1 >> 60;
        }
        if group + 1 < n_groups {
            found |= vertical(group + 1).1 << 60;
        }
        found
    }
}

impl Shape {
    /// Stripes, and the groups in each.
    fn groups(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.n_stripes).flat_map(move |stripe| (0..self.n_groups).map(move |group| (stripe, group)))
    }
}

/// Neighbours of a sample that come after it, by its row: below it and in the next column.
const AFTER: [u64; 4] = [0b11_0010, 0b11_1010, 0b11_1010, 0b01_1000];

/// Of a sample that has just become significant, from what is around it: whether it is negative.
#[inline(always)]
fn sign(mq: &mut Mq, source: &mut Source<'_>, contexts: &mut [Context; N_CONTEXTS], around: u64) -> u32 {
    let index = around & SIDES | (around >> NEGATIVE & SIDES) >> 1;
    let sign = SIGNS[index as usize];
    mq.decode(source, &mut contexts[usize::from(sign & 0x1F)]) ^ u32::from(sign >> 7)
}

/// Words of a group's columns, and of those above and below, each with one more column at either side.
struct Columns<'a> {
    above: &'a mut [u64; GROUP + 2],
    own: &'a mut [u64; GROUP + 2],
    below: &'a mut [u64; GROUP + 2],
}

impl<'a> Columns<'a> {
    #[inline(always)]
    fn new(surroundings: &'a mut [u64], shape: &Shape, stripe: usize, group: usize) -> Self {
        let (above, rest) = surroundings[stripe * shape.stride..].split_at_mut(shape.stride);
        let (own, below) = rest.split_at_mut(shape.stride);
        let [above, own, below] = [above, own, below].map(|words| {
            words[group * GROUP..]
                .first_chunk_mut()
                .expect("a stripe has two words more than its groups have columns")
        });
        Self { above, own, below }
    }

    /// What a sample needs to know of its neighbours.
    #[inline(always)]
    fn around(&self, place: u32) -> u64 {
        self.own[place as usize / 4 % GROUP + 1] >> (3 * (place % 4))
    }

    /// Tells a sample's neighbours that it has become significant.
    #[inline(always)]
    fn tell(&mut self, place: u32, negative: u32) {
        let (column, row) = (place as usize / 4 % GROUP, place % 4);
        let news = 1u64 | u64::from(negative) << NEGATIVE;
        // To the column on the left it is on the right.
        let tell = |words: &mut [u64; GROUP + 2], news: u64| {
            words[column] |= news << 1;
            words[column + 1] |= news;
            words[column + 2] |= news >> 1;
        };
        tell(self.own, news << (OWN + 3 * row));
        if row == 0 {
            tell(self.above, news << 16);
        }
        if row == 3 {
            tell(self.below, news << 1);
        }
    }
}

const FRESH: [Context; N_CONTEXTS] = {
    let mut contexts = [context(0); N_CONTEXTS];
    contexts[0] = context(4);
    contexts[RUN] = context(3);
    contexts[UNIFORM] = context(46);
    contexts
};

/// Context of significance (table D.1) by the nine bits around a sample: LL, HL, LH and HH.
static SIGNIFICANCE: [[u8; 512]; 4] = {
    let mut tables = [[0; 512]; 4];
    let mut band = 0;
    while band < 4 {
        let mut around = 0;
        while around < 512 {
            tables[band][around] = significance(band, around);
            around += 1;
        }
        band += 1;
    }
    tables
};

const fn significance(band: usize, around: usize) -> u8 {
    let (diagonal, vertical) = (count(around, 0o505), count(around, 0o202));
    let horizontal = count(around, 0o050);
    let (first, second) = match band {
        1 => (vertical, horizontal),
        _ => (horizontal, vertical),
    };
    if band == 3 {
        return match (diagonal, horizontal + vertical) {
            (3.., _) => 8,
            (2, 1..) => 7,
            (2, _) => 6,
            (1, 2..) => 5,
            (1, 1) => 4,
            (1, _) => 3,
            (_, 2..) => 2,
            (_, sides) => sides,
        };
    }
    match (first, second, diagonal) {
        (2.., _, _) => 8,
        (1, 1.., _) => 7,
        (1, _, 1..) => 6,
        (1, _, _) => 5,
        (_, 2.., _) => 4,
        (_, 1, _) => 3,
        (_, _, 2..) => 2,
        (_, _, diagonal) => diagonal,
    }
}

const fn count(around: usize, mask: usize) -> u8 {
    (around & mask).count_ones() as u8
}

/// Context of a sign (tables D.2 and D.3), and at the top whether the decision is turned round. By the neighbours at the
/// sides: above, left, right, below from the second bit on in steps of two, and whether each is negative one bit lower.
static SIGNS: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index] = sign_context(index);
        index += 1;
    }
    table
};

const fn sign_context(index: usize) -> u8 {
    let vertical = contribution(index) + contribution(index >> 6);
    let horizontal = contribution(index >> 2) + contribution(index >> 4);
    let (context, turned) = match (horizontal.signum(), vertical.signum()) {
        (1, 1) => (4, 0),
        (1, 0) => (3, 0),
        (1, _) => (2, 0),
        (0, 1) => (1, 0),
        (0, 0) => (0, 0),
        (0, _) => (1, 1),
        (_, 1) => (2, 1),
        (_, 0) => (3, 1),
        (_, _) => (4, 1),
    };
    (SIGN as u8 + context) | turned << 7
}

/// Of a neighbour by two bits: whether it is significant, above whether it is negative.
const fn contribution(bits: usize) -> i8 {
    match bits & 3 {
        2 => 1,
        3 => -1,
        _ => 0,
    }
}
