//! Catalogue of a folder: every file accounted for, series found and recognised, slices in patient order.

mod records;

pub use records::{
    Catalogue, Confidence, Reject, Rescale, SeriesRecord, SeriesWarning, SliceRecord, StackRecord, Window,
};
