//! Reading the slices of a series, and where their grey levels begin and end.

use lumbar_dicom::{Frame, Photometric, ReadError, Reader, SliceRecord};
use lumbar_preprocess::{
    Histogram, Intensity, PercentileScope, Polarity, PreprocessError, Rescale, ValueMap, slice_percentiles,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where the study's files are, and how to read them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub root: &'a Path,
    pub reader: &'a Reader,
}

/// A slice in memory, as 16-bit pixels: real value = `rescale` of the pixel.
pub(super) struct Loaded {
    pub pixels: Vec<u16>,
    pub rescale: Rescale,
    pub padding: Option<u16>,
    pub polarity: Polarity,
    pub window: Option<[f64; 2]>,
    /// Map of the slice's own percentiles, where these are asked for.
    pub own_map: Option<ValueMap>,
}

/// The slices of a series that samples need, and the map of its percentiles.
pub(super) struct LoadedSeries {
    pub slices: BTreeMap<usize, Loaded>,
    /// In common units: real values.
    pub map: Option<SeriesMap>,
}

/// Percentiles of a series whose slices share a rescale, or in common units where they do not.
pub(super) enum SeriesMap {
    Stored(ValueMap),
    Common { map: ValueMap, units: Rescale },
}

pub(super) fn load_series(
    slices: &[SliceRecord],
    needed: &BTreeSet<usize>,
    intensity: Intensity,
    (reading, unreadable): (Reading<'_>, &mut Vec<(String, String)>),
) -> Result<LoadedSeries, PreprocessError> {
    let series_scope = matches!(
        intensity,
        Intensity::Percentile {
            scope: PercentileScope::Series,
            ..
        }
    );
    let (mut histogram, mut own) = (Histogram::new(), Histogram::new());
    let mut kept = BTreeMap::new();
    let mut rescales: Vec<Rescale> = Vec::new();
    for (i, slice) in slices.iter().enumerate() {
        if !series_scope && !needed.contains(&i) {
            continue;
        }
        let mut content = match load_slice(slice, reading) {
            Ok(content) => content,
            Err(error) => {
                unreadable.push((slice.source.clone(), error.reason().code().to_owned()));
                continue;
            }
        };
        match intensity {
            Intensity::Percentile {
                scope: PercentileScope::Series,
                ..
            } => {
                rescales.push(content.rescale);
                count(&mut histogram, &content)?;
            }
            Intensity::Percentile {
                scope: PercentileScope::Slice,
                low,
                high,
            } => {
                let polarity = turned(content.polarity, content.rescale.slope);
                content.own_map = Some(if content.padding.is_none() {
                    let [black, white] = slice_percentiles(&content.pixels, [low, high], &mut own)?;
                    ValueMap::between(black, white, polarity)
                } else {
                    own.clear();
                    count(&mut own, &content)?;
                    percentiles(&own, (low, high), polarity)?
                });
            }
            _ => {}
        }
        if needed.contains(&i) {
            kept.insert(i, content);
        }
    }
    let map = match intensity {
        Intensity::Percentile {
            scope: PercentileScope::Series,
            low,
            high,
        } => {
            let shared = rescales.windows(2).all(|pair| pair[0] == pair[1]);
            let first = kept
                .values()
                .next()
                .map(|content| (content.polarity, content.rescale));
            match first {
                None => None,
                Some((polarity, rescale)) if shared => {
                    let polarity = turned(polarity, rescale.slope);
                    Some(SeriesMap::Stored(percentiles(&histogram, (low, high), polarity)?))
                }
                Some((polarity, _)) => Some(common_map(slices, (low, high, polarity), reading)?),
            }
        }
        _ => None,
    };
    Ok(LoadedSeries { slices: kept, map })
}

/// Percentiles in real values, for a series whose slices differ in rescale: read once more, in common units.
fn common_map(
    slices: &[SliceRecord],
    (low, high, polarity): (f64, f64, Polarity),
    reading: Reading<'_>,
) -> Result<SeriesMap, PreprocessError> {
    let load = || slices.iter().filter_map(|slice| load_slice(slice, reading).ok());
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for content in load() {
        for pixel in content
            .pixels
            .iter()
            .filter(|pixel| Some(**pixel) != content.padding)
        {
            let real = content.rescale.slope * f64::from(*pixel) + content.rescale.intercept;
            (least, most) = (least.min(real), most.max(real));
        }
    }
    let width = if most > least { most - least } else { 1.0 };
    // Common units: the real range over 16 bits.
    let units = Rescale {
        slope: f64::from(u16::MAX) / width,
        intercept: -least * f64::from(u16::MAX) / width,
    };
    let mut histogram = Histogram::new();
    for content in load() {
        let common: Vec<u16> = content
            .pixels
            .iter()
            .filter(|pixel| Some(**pixel) != content.padding)
            .map(|pixel| {
                let real = content.rescale.slope * f64::from(*pixel) + content.rescale.intercept;
                (real * units.slope + units.intercept)
                    .round()
                    .clamp(0.0, f64::from(u16::MAX)) as u16
            })
            .collect();
        histogram.add(&common)?;
    }
    Ok(SeriesMap::Common {
        map: percentiles(&histogram, (low, high), polarity)?,
        units,
    })
}

/// Percentiles of a histogram; black where there is nothing but padding.
fn percentiles(
    histogram: &Histogram,
    (low, high): (f64, f64),
    polarity: Polarity,
) -> Result<ValueMap, PreprocessError> {
    if histogram.n_pixels() == 0 {
        return Ok(ValueMap::between(0.0, 0.0, Polarity::Bright));
    }
    ValueMap::percentiles(histogram, low, high, polarity)
}

/// A negative slope makes large stored values dark.
fn turned(polarity: Polarity, slope: f64) -> Polarity {
    match (polarity, slope < 0.0) {
        (polarity, false) => polarity,
        (Polarity::Bright, true) => Polarity::Dark,
        (Polarity::Dark, true) => Polarity::Bright,
    }
}

fn count(histogram: &mut Histogram, content: &Loaded) -> Result<(), PreprocessError> {
    match content.padding {
        None => histogram.add(&content.pixels),
        Some(padding) => histogram.add_where(&content.pixels, |pixel| pixel != padding),
    }
}

fn load_slice(slice: &SliceRecord, reading: Reading<'_>) -> Result<Loaded, ReadError> {
    let image = reading
        .reader
        .read_frame(&reading.root.join(&slice.path), slice.frame)?;
    let stored = image.pixels.frame(0)?;
    let (pixels, to_stored) = to_u16(stored);
    let file = slice.rescale.unwrap_or(lumbar_dicom::Rescale {
        slope: 1.0,
        intercept: 0.0,
    });
    let padding = image
        .header
        .pixel_format
        .as_ref()
        .and_then(|format| format.padding);
    Ok(Loaded {
        pixels,
        // pixel -> stored -> real.
        rescale: Rescale {
            slope: to_stored.slope * file.slope,
            intercept: to_stored.intercept * file.slope + file.intercept,
        },
        padding: padding.and_then(|value| {
            let pixel = (f64::from(value) - to_stored.intercept) / to_stored.slope;
            (pixel.fract() == 0.0 && (0.0..=65_535.0).contains(&pixel)).then_some(pixel as u16)
        }),
        polarity: match slice.photometric {
            Photometric::Monochrome1 => Polarity::Dark,
            Photometric::Monochrome2 => Polarity::Bright,
        },
        window: slice.window.map(|window| [window.center, window.width]),
        own_map: None,
    })
}

/// Stored values as 16-bit pixels, and how a pixel becomes a stored value again. 32-bit values that span more than 16
/// bits are rounded.
fn to_u16(frame: Frame<'_>) -> (Vec<u16>, Rescale) {
    let shift = |by: f64| Rescale {
        slope: 1.0,
        intercept: by,
    };
    match frame {
        Frame::U16(values) => (values.to_vec(), shift(0.0)),
        Frame::U8(values) => (values.iter().map(|value| u16::from(*value)).collect(), shift(0.0)),
        Frame::I16(values) => {
            let pixels = values
                .iter()
                .map(|value| value.cast_unsigned() ^ 0x8000)
                .collect();
            (pixels, shift(-32_768.0))
        }
        Frame::I8(values) => {
            let pixels = values
                .iter()
                .map(|value| (i16::from(*value) + 128).cast_unsigned())
                .collect();
            (pixels, shift(-128.0))
        }
        other => {
            let (least, most) = other.range().unwrap_or((0, 0));
            let step = ((most - least) as f64 / f64::from(u16::MAX)).max(1.0);
            let pixels = wide(other)
                .map(|value| ((value - least) as f64 / step).round() as u16)
                .collect();
            let back = Rescale {
                slope: step,
                intercept: least as f64,
            };
            (pixels, back)
        }
    }
}

/// Wider numbers, one by one.
fn wide(frame: Frame<'_>) -> Box<dyn Iterator<Item = i64> + '_> {
    match frame {
        Frame::U32(values) => Box::new(values.iter().copied().map(i64::from)),
        other => Box::new(other.to_i32().into_iter().map(i64::from)),
    }
}
