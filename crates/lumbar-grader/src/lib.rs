//! A study folder in, 25 grades out: the API other Rust programs embed.
//!
//! Not written yet: this crate holds the place of whole-study grading in the order of the workspace. Until then
//! `examples/src/bin/embed.rs` shows how a trained bundle grades the samples of a data set.
