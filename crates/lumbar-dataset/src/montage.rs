//! Example pictures of each grade.

use crate::show::eight_bit_slices;
use crate::{Dataset, DatasetError};
use lumbar_core::{ConditionGroup, SeriesKind, Severity};
use sha2::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// Pictures of one grade of a condition group on a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MontageRow {
    /// What is graded.
    pub group: ConditionGroup,
    /// The kind of series.
    pub view: SeriesKind,
    /// The grade.
    pub grade: Severity,
    /// Sample and the 8-bit grey levels of its central slice.
    pub pictures: Vec<(usize, Vec<u8>)>,
}

/// Up to `n` pictures of each grade, condition group and view, by group, view and grade.
///
/// Which ones is drawn by a hash of the sample's id, so that the choice is the same each time and has no favourites;
/// patients are not repeated while there are others.
///
/// # Errors
/// [`DatasetError`] if pixels cannot be read.
pub fn montage(dataset: &Dataset, n: usize) -> Result<Vec<MontageRow>, DatasetError> {
    let mut rows: BTreeMap<(usize, SeriesKind, usize), Vec<usize>> = BTreeMap::new();
    let scheme = dataset.config().grades;
    for (index, sample) in dataset.samples().iter().enumerate() {
        if let Some(grade) = sample.severity.and_then(|grade| scheme.index_of(grade)) {
            let key = (sample.target.condition.group().index(), sample.view, grade);
            rows.entry(key).or_default().push(index);
        }
    }
    rows.into_iter()
        .map(|((group, view, grade), indices)| {
            let pictures = chosen(dataset, indices, n).into_iter().map(|index| {
                let mut slices = eight_bit_slices(dataset, index)?;
                let middle = slices.len() / 2;
                Ok((index, slices.swap_remove(middle)))
            });
            Ok(MontageRow {
                group: ConditionGroup::ALL[group],
                view,
                grade: scheme.grades()[grade],
                pictures: pictures.collect::<Result<_, DatasetError>>()?,
            })
        })
        .collect()
}

fn chosen(dataset: &Dataset, mut indices: Vec<usize>, n: usize) -> Vec<usize> {
    let samples = dataset.samples();
    indices.sort_by_cached_key(|index| {
        let hash: [u8; 32] = sha2::Sha256::digest(samples[*index].sample_id.as_bytes()).into();
        hash
    });
    let mut seen = BTreeSet::new();
    let (first, again): (Vec<usize>, Vec<usize>) = indices
        .into_iter()
        .partition(|index| seen.insert(&samples[*index].patient));
    first.into_iter().chain(again).take(n).collect()
}
