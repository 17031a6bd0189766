//! Calibration: does "30%" happen in 30 of 100 cases?

mod score_map;

pub use score_map::ScoreMap;
