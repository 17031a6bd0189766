//! A statistic of the caller's.

use crate::{
    Undefined,
    engine::{Computed, Resampled},
};

pub(crate) struct Custom<F> {
    pub(crate) n_clusters: usize,
    pub(crate) values: F,
}

impl<F: Fn(&[f64]) -> Vec<Result<f64, Undefined>> + Sync> Resampled for Custom<F> {
    type Scratch = ();

    fn scratch(&self) {}

    fn n_units(&self) -> usize {
        self.n_clusters
    }

    fn values(&self, multiplicity: &[f64], (): &mut ()) -> Vec<Result<Computed, Undefined>> {
        let values = (self.values)(multiplicity).into_iter();
        values
            .map(|value| value.map(|value| Computed { value, over: None }))
            .collect()
    }
}
