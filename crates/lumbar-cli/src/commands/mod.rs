//! One module a subcommand.

pub mod bundle;
pub mod compare;
pub mod dataset;
pub mod demo;
pub mod doctor;
pub mod evaluate;
pub mod ingest;
pub mod phantom;
pub mod report;
pub mod score;
pub mod train;
pub mod worker;
