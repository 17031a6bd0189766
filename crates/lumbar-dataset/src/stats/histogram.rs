//! Histograms of spacings, and what is missing.

use super::Tally;
use lumbar_dicom::{Catalogue, SeriesRecord, SliceRecord};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many values lie where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Width of a bin.
    pub width: f64,
    /// Bins from the first that holds a value to the last, those between included.
    pub bins: Vec<Bin>,
}

/// Values from `from` up to below `from` + the width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Lower edge, a whole multiple of the width.
    pub from: f64,
    /// Values in it.
    pub n: u64,
}

impl Histogram {
    /// Values in bins of `1 / per_unit`. What is not finite is left out.
    pub(super) fn of(values: impl Iterator<Item = f64>, per_unit: u32) -> Histogram {
        let scale = f64::from(per_unit);
        let mut bins: BTreeMap<i64, u64> = BTreeMap::new();
        for value in values.filter(|value| value.is_finite()) {
            // 0.3 written as 0.29999999 belongs to 0.3.
            *bins.entry((value * scale + 1e-6).floor() as i64).or_default() += 1;
        }
        let ends = (bins.keys().next().copied(), bins.keys().last().copied());
        let all = match ends {
            (Some(first), Some(last)) => first..=last,
            _ => {
                return Histogram {
                    width: 1.0 / scale,
                    bins: Vec::new(),
                };
            }
        };
        Histogram {
            width: 1.0 / scale,
            bins: all
                .map(|bin| Bin {
                    from: bin as f64 / scale,
                    n: bins.get(&bin).copied().unwrap_or(0),
                })
                .collect(),
        }
    }
}

/// Attributes that files lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Series without an attribute, by the attribute's column in `series.parquet`.
    pub series: Tally,
    /// Slices without an attribute, by column of `slices.parquet`; `plane` is the whole geometry.
    pub slices: Tally,
}

impl Missing {
    pub(super) fn of(catalogue: &Catalogue) -> Missing {
        let of_series: [Lacks<SeriesRecord>; 11] = [
            ("patient_key", |s| s.patient_key.is_none()),
            ("kind", |s| s.kind.is_none()),
            ("plane", |s| s.plane.is_none()),
            ("description", |s| s.description.is_none()),
            ("spacing_mm", |s| s.spacing_mm.is_none()),
            ("slice_thickness_mm", |s| s.slice_thickness_mm.is_none()),
            ("frame_of_reference", |s| s.frame_of_reference.is_none()),
            ("manufacturer", |s| s.manufacturer.is_none()),
            ("repetition_time_ms", |s| s.repetition_time_ms.is_none()),
            ("echo_time_ms", |s| s.echo_time_ms.is_none()),
            ("field_strength_t", |s| s.field_strength_t.is_none()),
        ];
        let of_slices: [Lacks<SliceRecord>; 4] = [
            ("plane", |s| s.plane.is_none()),
            ("instance_number", |s| s.instance_number.is_none()),
            ("rescale_slope", |s| s.rescale.is_none()),
            ("window_center", |s| s.window.is_none()),
        ];
        Missing {
            series: tally(&catalogue.series, &of_series),
            slices: tally(&catalogue.slices, &of_slices),
        }
    }
}

/// The name of an attribute, and whether a row lacks it.
type Lacks<T> = (&'static str, fn(&T) -> bool);

fn tally<T>(rows: &[T], lacks: &[Lacks<T>]) -> Tally {
    lacks
        .iter()
        .map(|(name, lacks)| {
            let n = rows.iter().filter(|row| lacks(row)).count() as u64;
            ((*name).to_owned(), n)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_named_by_their_lower_edge_and_none_between_is_left_out() {
        let histogram = Histogram::of([0.3, 0.29999999, 0.35, 0.61, f64::NAN].into_iter(), 10);
        let bins: Vec<(f64, u64)> = histogram.bins.iter().map(|bin| (bin.from, bin.n)).collect();
        assert_eq!(bins, [(0.3, 3), (0.4, 0), (0.5, 0), (0.6, 1)]);
        assert!(Histogram::of(std::iter::empty(), 10).bins.is_empty());
    }
}
