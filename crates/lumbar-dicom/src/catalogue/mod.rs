//! Catalogue of a folder: every file accounted for, series found and recognised, slices in patient order.
//!
//! [`scan`] finds every file below a folder, reads the headers in parallel to learn which belong together, and arranges series
//! by series; [`scan_parts`] holds no more than some series at a time. Whatever is not used has a [`Reject`] with a stable
//! [`RejectReason`](crate::RejectReason); links are found and not followed.
//!
//! # Identity
//!
//! Study, series and instance are named by folder and file name in the RSNA layout (digits), elsewhere by keyed hashes
//! of their UIDs; patients by keyed hashes always. Paths outside the RSNA layout are hashed. Of descriptions only known
//! words are kept.

mod classify;
mod find;
mod kept;
mod layout;
mod look;
mod naming;
mod parts;
mod records;
mod scan;
mod series;
mod unused;

pub use layout::Layout;
pub use records::{
    Catalogue, CataloguePart, Confidence, Reject, Rescale, SeriesRecord, SeriesWarning, SliceRecord,
    StackRecord, Window,
};
pub use scan::{ScanError, ScanOptions, ScanProgress, scan, scan_parts};
pub use unused::{Found, Unused, Verdicts};
