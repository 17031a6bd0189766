//! The same measures in parts of the cases.

use crate::{Bootstrap, Estimate, Evaluation, InputError, Measure, Undefined, validate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A column that divides the cases: the level, the side, the scanner, whatever stands beside each row.
#[derive(Debug, Clone, Copy)]
pub struct SubgroupColumn<'a> {
    /// Its name, for tables.
    pub name: &'a str,
    /// Its value for each row.
    pub values: &'a [&'a str],
    /// Subgroups of fewer patients (rows, if the rows have no clusters) are listed but their values are suppressed:
    /// they would be noise, and might point at a person.
    pub minimum: usize,
}

/// The measures of one subgroup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// The column.
    pub column: String,
    /// The value all its rows share.
    pub value: String,
    /// Number of rows.
    pub n: usize,
    /// Number of clusters, if rows belong to some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_clusters: Option<usize>,
    /// The measures; [`Undefined::Suppressed`] if the subgroup is smaller than the stated minimum.
    pub estimates: Vec<Estimate>,
}

/// The measures in each subgroup, in the order of the column's values; with intervals if a bootstrap is given.
///
/// ```
/// use lumbar_metrics::{Evaluation, Measure, Undefined, clinic::{SubgroupColumn, subgroups}};
///
/// let evaluation = Evaluation::new(2, &[0, 1, 1], &[0.9, 0.1, 0.2, 0.8, 0.6, 0.4])?;
/// let side = SubgroupColumn { name: "side", values: &["left", "left", "right"], minimum: 2 };
/// let groups = subgroups(&evaluation, side, &[Measure::Accuracy], None)?;
/// assert_eq!(groups[0].estimates[0].value, Ok(1.0));
/// assert_eq!(groups[1].estimates[0].value, Err(Undefined::Suppressed { n: 1, minimum: 2 }));
/// # Ok::<(), lumbar_metrics::InputError>(())
/// ```
///
/// # Errors
/// If there is not one value per row.
pub fn subgroups(
    evaluation: &Evaluation,
    column: SubgroupColumn<'_>,
    measures: &[Measure],
    bootstrap: Option<&Bootstrap>,
) -> Result<Vec<Subgroup>, InputError> {
    validate::length("subgroup column", evaluation.n_rows(), column.values.len())?;
    let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, value) in column.values.iter().enumerate() {
        rows_of.entry(value).or_default().push(row);
    }
    let subgroup = |(value, rows): (&str, Vec<usize>)| {
        let part = evaluation.select(&rows);
        let n = part.n_clusters().unwrap_or(part.n_rows());
        let estimates = match bootstrap {
            _ if n < column.minimum => suppressed(&part, measures, column.minimum),
            Some(bootstrap) => bootstrap.estimate(&part, measures),
            None => part.estimates(measures),
        };
        Subgroup {
            column: column.name.to_owned(),
            value: value.to_owned(),
            n: part.n_rows(),
            n_clusters: part.n_clusters(),
            estimates,
        }
    };
    Ok(rows_of.into_iter().map(subgroup).collect())
}

fn suppressed(part: &Evaluation, measures: &[Measure], minimum: usize) -> Vec<Estimate> {
    let n = part.n_clusters().unwrap_or(part.n_rows());
    let estimate = |measure: &Measure| Estimate {
        measure: measure.to_string(),
        value: Err(Undefined::Suppressed { n, minimum }),
        interval: None,
        n: part.n_rows(),
        n_clusters: part.n_clusters(),
        grades_used: None,
    };
    measures.iter().map(estimate).collect()
}
