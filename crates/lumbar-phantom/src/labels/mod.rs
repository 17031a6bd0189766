//! From one latent degeneration per study to 25 narrowings, two readers' grades, and what an oracle would say.

mod latent;
mod readers;

pub(crate) use latent::of;
pub use latent::{Narrowing, draw_narrowings};
pub use readers::{Readings, draw_readings, oracle_probabilities, reader_sd};
