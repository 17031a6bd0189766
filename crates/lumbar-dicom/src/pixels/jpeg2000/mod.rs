//! JPEG 2000 as medical images mostly are (ITU-T T.800): a plain code stream of one component of up to 16 bits, coded
//! reversibly (5/3), in any number of tiles, resolutions, layers and precincts and any progression.
//!
//! What is not of this kind, and what is damaged, is not for this decoder: it gives no samples and no reason, and the
//! caller has another decoder that is as lenient as its users are used to. What it does give are that decoder's samples to
//! the bit, also where layers were cut off.
//!
//! Sizes are held against the bytes there are before room is made, and no more is reserved than a few times the image.

mod codestream;
mod grid;
mod mq;
mod packets;
mod tier1;
mod wavelet;

use codestream::{Codestream, Header};
use grid::Rect;
use packets::Resolution;
use wavelet::{Inverse, Plane};

/// Decodes a stream to samples, row by row, if it is one for this decoder and of an image of this size.
pub(super) fn decode(bytes: &[u8], columns: usize, rows: usize) -> Option<Vec<i32>> {
    let stream = Codestream::parse(bytes)?;
    let image = stream.header.image;
    if (image.width(), image.height()) != (columns, rows) {
        return None;
    }
    let mut samples = vec![0; image.width() * image.height()];
    let mut room = Room::default();
    for (tile, data) in &stream.tiles {
        let resolutions = packets::parse(&stream.header, tile, data)?;
        if !stays_in_range(&resolutions) {
            return None;
        }
        room.decode(tile, &resolutions);
        let first = (tile.top - image.top) as usize * image.width() + (tile.left - image.left) as usize;
        room.write(&stream.header, &mut samples[first..], image.width());
    }
    Some(samples)
}

/// Whether no sum in the transform can leave 32 bits.
fn stays_in_range(resolutions: &[Resolution<'_>]) -> bool {
    const MOST: u64 = 1 << 30;
    let mut bound = 0u64;
    resolutions.iter().all(|resolution| {
        let blocks = resolution.bands.iter().flat_map(|band| band.blocks());
        let largest = 1u64 << blocks.map(|block| block.n_planes).max().unwrap_or(0);
        // A step in one direction gives no more than the low band and one and a half of the high one, and rounding.
        bound += 6 * largest + 4;
        bound < MOST
    })
}

/// Buffers that a tile needs, used again for the next.
#[derive(Default)]
struct Room {
    blocks: tier1::Decoder,
    transform: Inverse,
    coefficients: Plane,
    below: Plane,
    picture: Plane,
}

impl Room {
    /// Leaves the tile in `picture`, around zero.
    fn decode(&mut self, tile: &Rect, resolutions: &[Resolution<'_>]) {
        let (width, height) = (tile.width(), tile.height());
        self.coefficients.resize(width, height);
        self.coefficients.values[..width * height].fill(0);
        for (lower, resolution) in [None]
            .into_iter()
            .chain(resolutions.iter().map(Some))
            .zip(resolutions)
        {
            self.decode_blocks(lower, resolution, width);
        }
        let lowest = &resolutions[0].rect;
        self.picture.resize(lowest.width(), lowest.height());
        if !lowest.is_empty() {
            let rows = self.picture.values.chunks_exact_mut(lowest.width());
            let coefficients = self.coefficients.values.chunks_exact(width);
            for (row, coefficients) in rows.zip(coefficients).take(lowest.height()) {
                row.copy_from_slice(&coefficients[..lowest.width()]);
            }
        }
        for resolution in &resolutions[1..] {
            std::mem::swap(&mut self.below, &mut self.picture);
            let coefficients = (self.coefficients.values.as_slice(), width);
            self.transform
                .run(&resolution.rect, &self.below, coefficients, &mut self.picture);
        }
    }

    /// Bands lie where the transform takes them from: the high frequencies behind the low ones in either direction.
    fn decode_blocks(&mut self, lower: Option<&Resolution<'_>>, resolution: &Resolution<'_>, stride: usize) {
        let offset = lower.map_or([0, 0], |lower| [lower.rect.width(), lower.rect.height()]);
        for band in &resolution.bands {
            for block in band.blocks().filter(|block| block.n_passes > 0) {
                let x = (block.rect.left - band.rect.left) as usize + usize::from(band.high[0]) * offset[0];
                let y = (block.rect.top - band.rect.top) as usize + usize::from(band.high[1]) * offset[1];
                let target = &mut self.coefficients.values[y * stride + x..];
                self.blocks.decode(block, band.high, target, stride);
            }
        }
    }

    fn write(&self, header: &Header, target: &mut [i32], stride: usize) {
        let half = 1 << (header.precision - 1);
        let (shift, least, most) = if header.signed {
            (0, -half, half - 1)
        } else {
            (half, 0, 2 * half - 1)
        };
        let width = self.picture.width;
        let rows = self.picture.values.chunks_exact(width).take(self.picture.height);
        for (target, row) in target.chunks_mut(stride).zip(rows) {
            for (sample, value) in target[..width].iter_mut().zip(row) {
                *sample = (value + shift).clamp(least, most);
            }
        }
    }
}

#[cfg(test)]
mod tests;
