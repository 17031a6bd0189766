//! Where tiles, resolutions, bands, precincts and code blocks lie on the reference grid.

/// A rectangle; right and bottom are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Rect {
    pub(super) fn width(&self) -> usize {
        self.right.saturating_sub(self.left) as usize
    }

    pub(super) fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top) as usize
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// This rectangle of a tile in the resolution that halves it `level` times.
    pub(super) fn resolution(&self, level: usize) -> Self {
        self.map(|x, _| halved(x, level, 0))
    }

    /// A band's part of this rectangle of a tile after `level` transforms, at least one: `high` says by axis whether it
    /// has the high frequencies.
    pub(super) fn band(&self, level: usize, high: [bool; 2]) -> Self {
        self.map(|x, axis| halved(x, level, u64::from(high[axis]) << (level - 1)))
    }

    fn map(&self, side: impl Fn(u32, usize) -> u32) -> Self {
        Self {
            left: side(self.left, 0),
            top: side(self.top, 1),
            right: side(self.right, 0),
            bottom: side(self.bottom, 1),
        }
    }

    /// Cells of a grid through the origin that this rectangle touches, as a rectangle of their indices.
    pub(super) fn cells(&self, exponents: [u32; 2]) -> Self {
        if self.is_empty() {
            return Self {
                left: 0,
                top: 0,
                right: 0,
                bottom: 0,
            };
        }
        Self {
            left: self.left >> exponents[0],
            top: self.top >> exponents[1],
            right: ((self.right - 1) >> exponents[0]) + 1,
            bottom: ((self.bottom - 1) >> exponents[1]) + 1,
        }
    }

    /// A cell of such a grid. Only for cells that touch a rectangle within the image.
    pub(super) fn cell([x, y]: [u32; 2], exponents: [u32; 2]) -> Self {
        Self {
            left: x << exponents[0],
            top: y << exponents[1],
            right: (x + 1) << exponents[0],
            bottom: (y + 1) << exponents[1],
        }
    }
}

/// (x - less) / 2^level, rounded up.
fn halved(x: u32, level: usize, less: u64) -> u32 {
    let above = (1u64 << level) - 1;
    // Never below zero: `less` is half of 2^level, which rounding up makes good.
    ((u64::from(x) + above - less) >> level) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_a_tile_add_up_to_its_resolution() {
        for (left, right) in (0..40).flat_map(|left| (left + 1..50).map(move |right| (left, right))) {
            let tile = Rect {
                left,
                top: 0,
                right,
                bottom: 1,
            };
            for level in 1..7 {
                let [low, high] = [false, true].map(|high| tile.band(level, [high, false]));
                assert_eq!(low.width() + high.width(), tile.resolution(level - 1).width());
                assert_eq!((low.left, low.right), {
                    let resolution = tile.resolution(level);
                    (resolution.left, resolution.right)
                });
            }
        }
    }
}
