//! From stored values to 0..1: percentiles or the file's own window.

use crate::{Histogram, PreprocessError};
use serde::{Deserialize, Serialize};

/// Which pixels a percentile is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PercentileScope {
    /// All slices of the series: slices keep their brightness relative to each other.
    #[default]
    Series,
    /// Each slice by itself, as the baseline did.
    Slice,
}

/// How stored values become grey levels.
///
/// MR has no physical unit, so the default is percentiles 1 to 99 of the series. A window (VOI, from the file or given
/// here) is the other school; a slice whose file has none is then an exclusion, not a silent change of method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Intensity {
    /// Linear between two percentiles, clipped outside.
    Percentile {
        /// Pixels the percentiles are taken over.
        #[serde(default)]
        scope: PercentileScope,
        /// Percentile (0 to 100) that becomes black.
        low: f64,
        /// Percentile (0 to 100) that becomes white.
        high: f64,
    },
    /// The first window of the file, by DICOM's LINEAR function.
    FileWindow,
    /// A window in rescaled units, by DICOM's LINEAR function.
    Window {
        /// Window centre.
        center: f64,
        /// Window width, above 1.
        width: f64,
    },
}

impl Default for Intensity {
    fn default() -> Self {
        Intensity::Percentile {
            scope: PercentileScope::Series,
            low: 1.0,
            high: 99.0,
        }
    }
}

impl Intensity {
    /// Refuses percentiles out of order and empty windows.
    ///
    /// # Errors
    /// [`PreprocessError::BadParameter`] naming the key.
    pub fn validate(&self) -> Result<(), PreprocessError> {
        match *self {
            Intensity::Percentile { low, high, .. } => {
                let ordered = (0.0..=100.0).contains(&low) && (0.0..=100.0).contains(&high) && low < high;
                if ordered {
                    Ok(())
                } else {
                    Err(PreprocessError::parameter(
                        "intensity.low, intensity.high",
                        format_args!("{low}, {high}"),
                        "0 <= low < high <= 100",
                    ))
                }
            }
            Intensity::FileWindow => Ok(()),
            Intensity::Window { center, width } => {
                if center.is_finite() && width > 1.0 && width.is_finite() {
                    Ok(())
                } else {
                    Err(PreprocessError::parameter(
                        "intensity.width",
                        width,
                        "a finite window wider than 1",
                    ))
                }
            }
        }
    }
}

/// Whether large stored values are bright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Polarity {
    /// MONOCHROME2: large values are bright.
    #[default]
    Bright,
    /// MONOCHROME1: large values are dark; grey levels are inverted.
    Dark,
}

/// The modality rescale of a slice: real value = `slope` x stored + `intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Units per stored step.
    pub slope: f64,
    /// Value of stored 0.
    pub intercept: f64,
}

impl Default for Rescale {
    fn default() -> Self {
        Rescale {
            slope: 1.0,
            intercept: 0.0,
        }
    }
}

/// A linear map from 16-bit pixels to grey levels 0..=1, clipped at both ends.
///
/// All our intensity methods are such a map; it is applied on the fly while resampling, so no copy of the slice is
/// made, clipping comes before averaging, and rounding to 8 bits comes once, at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueMap {
    /// What becomes black and what white, as given: a whole bound stays whole. Equal where all is black.
    bounds: [f64; 2],
    scale: f32,
    flip: bool,
}

impl ValueMap {
    /// `low` becomes black and `high` white (the other way round for [`Polarity::Dark`]). Where `high <= low`, as in
    /// an image of one value, everything becomes black.
    pub fn between(low: f64, high: f64, polarity: Polarity) -> ValueMap {
        let width = high - low;
        let valid = width > 0.0 && width.is_finite();
        ValueMap {
            bounds: [low, if valid { high } else { low }],
            scale: if valid { (1.0 / width) as f32 } else { 0.0 },
            flip: valid && polarity == Polarity::Dark,
        }
    }

    /// Percentiles `low` to `high` of a histogram.
    ///
    /// # Errors
    /// As [`Histogram::percentile`].
    pub fn percentiles(
        histogram: &Histogram,
        low: f64,
        high: f64,
        polarity: Polarity,
    ) -> Result<ValueMap, PreprocessError> {
        Ok(ValueMap::between(
            histogram.percentile(low)?,
            histogram.percentile(high)?,
            polarity,
        ))
    }

    /// A window in rescaled units, by the LINEAR function of DICOM PS3.3 C.11.2.1.2.1: black at
    /// `center - 0.5 - (width - 1) / 2`, white at `center - 0.5 + (width - 1) / 2`.
    ///
    /// `offset` is what was added to the stored value to make it a `u16` (0 for unsigned, 32,768 for signed pixels).
    pub fn window([center, width]: [f64; 2], rescale: Rescale, offset: f64, polarity: Polarity) -> ValueMap {
        let half = (width - 1.0) / 2.0;
        let to_pixel = |value: f64| (value - rescale.intercept) / rescale.slope + offset;
        let (black, white) = (to_pixel(center - 0.5 - half), to_pixel(center - 0.5 + half));
        if black <= white {
            ValueMap::between(black, white, polarity)
        } else {
            // A negative slope turns the window round.
            let turned = match polarity {
                Polarity::Bright => Polarity::Dark,
                Polarity::Dark => Polarity::Bright,
            };
            ValueMap::between(white, black, turned)
        }
    }

    /// The whole 16-bit range: 0 is black, 65,535 white.
    pub fn full_range() -> ValueMap {
        ValueMap::between(0.0, f64::from(u16::MAX), Polarity::Bright)
    }

    /// The same map for pixels that were themselves rescaled: `pixel` here is `slope x pixel + intercept` there.
    ///
    /// For series whose slices differ in rescale: percentiles are taken in common units, and each slice gets its own
    /// map into them.
    pub fn after_rescale(self, rescale: Rescale) -> ValueMap {
        if self.scale == 0.0 || rescale.slope == 0.0 {
            return ValueMap { scale: 0.0, ..self };
        }
        let [low, high] = self
            .bounds
            .map(|bound| (bound - rescale.intercept) / rescale.slope);
        let polarity = |flip| if flip { Polarity::Dark } else { Polarity::Bright };
        if rescale.slope > 0.0 {
            ValueMap::between(low, high, polarity(self.flip))
        } else {
            ValueMap::between(high, low, polarity(!self.flip))
        }
    }

    /// What becomes black and what white; `None` if large values are dark or all is black.
    pub(crate) fn bounds(&self) -> Option<[f64; 2]> {
        (self.scale > 0.0 && !self.flip).then_some(self.bounds)
    }

    fn low(&self) -> f32 {
        self.bounds[0] as f32
    }

    /// The grey level of one pixel.
    pub fn level(&self, pixel: u16) -> f32 {
        let level = ((f32::from(pixel) - self.low()) * self.scale).clamp(0.0, 1.0);
        if self.flip { 1.0 - level } else { level }
    }

    /// Grey levels of a row of pixels.
    #[inline(always)]
    pub(crate) fn apply(&self, pixels: &[u16], out: &mut [f32]) {
        let (low, scale) = (self.low(), self.scale);
        for (pixel, level) in pixels.iter().zip(out.iter_mut()) {
            *level = ((f32::from(*pixel) - low) * scale).clamp(0.0, 1.0);
        }
        if self.flip {
            for level in out {
                *level = 1.0 - *level;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_become_black_and_white() {
        let mut histogram = Histogram::new();
        histogram.add(&(0..=1000).collect::<Vec<u16>>()).unwrap();
        let map = ValueMap::percentiles(&histogram, 1.0, 99.0, Polarity::Bright).unwrap();
        for (value, expected) in [(5, 0.0), (10, 0.0), (500, 0.5), (990, 1.0), (4000, 1.0)] {
            assert!((map.level(value) - expected).abs() < 1e-6, "{value}");
        }
        let dark = ValueMap::percentiles(&histogram, 1.0, 99.0, Polarity::Dark).unwrap();
        for (value, expected) in [(5, 1.0), (500, 0.5), (4000, 0.0)] {
            assert!((dark.level(value) - expected).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn an_image_of_one_value_is_black() {
        let map = ValueMap::between(7.0, 7.0, Polarity::Dark);
        assert_eq!([0, 7, 900].map(|v| map.level(v)), [0.0; 3]);
    }

    #[test]
    fn windows_follow_the_linear_function_through_rescale_and_sign() {
        // Centre 40, width 401: black at -160.5, white at 239.5 in rescaled units.
        let rescale = Rescale {
            slope: 2.0,
            intercept: -1024.0,
        };
        let map = ValueMap::window([40.0, 401.0], rescale, 32_768.0, Polarity::Bright);
        let stored = |value: f64| ((value + 1024.0) / 2.0 + 32_768.0) as u16;
        assert_eq!(map.level(stored(-200.0)), 0.0);
        assert_eq!(map.level(stored(300.0)), 1.0);
        assert!((map.level(stored(40.0)) - (40.0 + 160.5) as f32 / 400.0).abs() < 1e-4);
    }

    #[test]
    fn a_negative_slope_turns_the_window_round() {
        let rescale = Rescale {
            slope: -1.0,
            intercept: 100.0,
        };
        let map = ValueMap::window([50.0, 101.0], rescale, 0.0, Polarity::Bright);
        assert!(map.level(0) > 0.99 && map.level(100) < 0.01);
    }

    #[test]
    fn slices_with_their_own_slope_meet_in_common_units() {
        let common = ValueMap::between(100.0, 300.0, Polarity::Bright);
        let doubled = common.after_rescale(Rescale {
            slope: 2.0,
            intercept: 0.0,
        });
        assert_eq!(doubled.level(100), common.level(200));
        let turned = common.after_rescale(Rescale {
            slope: -1.0,
            intercept: 400.0,
        });
        assert_eq!(turned.level(150), common.level(250));
    }

    #[test]
    fn bounds_stay_as_they_were_given() {
        for bounds in [[0.0, 1500.0], [3.0, 1777.0], [12.25, 900.5], [0.0, 65_535.0]] {
            let map = ValueMap::between(bounds[0], bounds[1], Polarity::Bright);
            assert_eq!(map.bounds(), Some(bounds));
        }
        assert_eq!(ValueMap::full_range().bounds(), Some([0.0, 65_535.0]));
        assert_eq!(ValueMap::between(0.0, 9.0, Polarity::Dark).bounds(), None);
    }

    #[test]
    fn rows_and_single_pixels_agree() {
        let map = ValueMap::between(13.0, 777.0, Polarity::Dark);
        let pixels: Vec<u16> = (0..1000).collect();
        let mut levels = vec![0.0; 1000];
        map.apply(&pixels, &mut levels);
        assert!(
            pixels
                .iter()
                .zip(&levels)
                .all(|(p, level)| map.level(*p) == *level)
        );
    }
}
