//! Who is trained on, validated on, tested on: by patient, stratified by grades.

use crate::table::TableReader;
use crate::{DatasetError, SplitConfig};
use lumbar_core::{PatientKey, StudyId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, str::FromStr};

/// One side of the train/valid/test split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Trained on.
    Train,
    /// Choices are made on.
    Valid,
    /// Reported on, once.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 3] = [Part::Train, Part::Valid, Part::Test];

    /// `train`, `valid` or `test`.
    pub fn name(self) -> &'static str {
        ["train", "valid", "test"][self as usize]
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Part {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        Part::ALL
            .into_iter()
            .find(|part| part.name() == text)
            .ok_or_else(|| DatasetError::config("split", text, "train, valid or test"))
    }
}

/// Where a patient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// In the train/valid/test split.
    pub part: Part,
    /// In the cross-validation, 0 to folds - 1: the fold in which the patient is held out.
    pub fold: u32,
}

/// What the split knows of a patient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatientLabels {
    /// How many labels of each stratum (condition group and grade) the patient has; all patients have as many strata.
    pub counts: Vec<u32>,
    /// The sites of the patient's studies, as far as they are known.
    pub sites: BTreeSet<String>,
}

/// Divides patients into train, validation and test, and into folds.
///
/// A pure function of the set of (patient, labels), the configuration and, if given, an older split whose patients
/// keep their places. Patients are placed one by one, those with the rarest labels first and ties in an order drawn
/// from the seed, each where it brings the shares of all strata nearest to what is asked for.
///
/// # Errors
/// [`DatasetError::Split`] if `test_sites` names a site no patient has.
pub fn split(
    patients: &BTreeMap<PatientKey, PatientLabels>,
    config: &SplitConfig,
    keep: &BTreeMap<PatientKey, Assignment>,
) -> Result<BTreeMap<PatientKey, Assignment>, DatasetError> {
    let sites: BTreeSet<&str> = patients
        .values()
        .flat_map(|labels| labels.sites.iter().map(String::as_str))
        .collect();
    if let Some(unknown) = config
        .test_sites
        .iter()
        .find(|site| !sites.contains(site.as_str()))
    {
        return Err(DatasetError::Split {
            detail: format!(
                "no patient of site `{unknown}`; there are {}",
                if sites.is_empty() {
                    "no sites".to_owned()
                } else {
                    Vec::from_iter(sites).join(", ")
                }
            ),
        });
    }
    let shares = [1.0 - config.valid - config.test, config.valid, config.test];
    // A patient seen at a site left out and at another goes to the test as a whole: otherwise the patient would be
    // trained on, or the site would.
    let left_out = |labels: &PatientLabels| labels.sites.iter().any(|site| config.test_sites.contains(site));
    let parts = if config.test_sites.is_empty() {
        let fixed =
            |patient: &PatientKey, _: &PatientLabels| keep.get(patient).map(|kept| kept.part as usize);
        place(patients, &shares, (config.seed, "parts"), fixed)
    } else {
        // The test is the sites left out; the rest is divided into train and validation.
        let rest = [1.0 - config.valid, config.valid, 0.0];
        let fixed = |patient: &PatientKey, labels: &PatientLabels| {
            if left_out(labels) {
                return Some(Part::Test as usize);
            }
            keep.get(patient)
                .map(|kept| kept.part as usize)
                .filter(|part| *part != Part::Test as usize)
        };
        place(patients, &rest, (config.seed, "parts"), fixed)
    };
    let folds = vec![1.0 / config.folds as f64; config.folds];
    let in_range = |fold: u32| (fold as usize) < config.folds;
    let fixed = |patient: &PatientKey, _: &PatientLabels| {
        keep.get(patient)
            .map(|kept| kept.fold)
            .filter(|fold| in_range(*fold))
            .map(|fold| fold as usize)
    };
    let folds = place(patients, &folds, (config.seed, "folds"), fixed);
    Ok(patients
        .keys()
        .zip(parts.into_iter().zip(folds))
        .map(|(patient, (part, fold))| {
            let assignment = Assignment {
                part: Part::ALL[part],
                fold: fold as u32,
            };
            (patient.clone(), assignment)
        })
        .collect())
}

/// Where the patients of a dataset stand: what to keep when studies are added.
///
/// # Errors
/// [`DatasetError`] if `splits.parquet` cannot be read, or has a patient on two sides.
pub fn split_of(dataset: &Path) -> Result<BTreeMap<PatientKey, Assignment>, DatasetError> {
    Ok(Kept::read(dataset)?.patients)
}

/// Where the patients and studies of an older dataset stand. Patients may go by other hashes there, studies then tell them.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    patients: BTreeMap<PatientKey, Assignment>,
    studies: BTreeMap<StudyId, Assignment>,
}

impl Kept {
    /// Of a dataset; nobody's if there is none.
    pub fn of(older: Option<&Path>) -> Result<Kept, DatasetError> {
        older.map_or(Ok(Kept::default()), Kept::read)
    }

    fn read(dataset: &Path) -> Result<Kept, DatasetError> {
        let table = TableReader::open(&dataset.join("splits.parquet"))?;
        let (study, patient) = (table.text("study_id")?, table.text("patient")?);
        let (part, fold) = (table.text("split")?, table.u32("fold")?);
        let mut kept = Kept::default();
        for i in 0..table.n_rows() {
            let assignment = Assignment {
                part: table.parse(part[i], "split", i)?,
                fold: table.must(fold[i], "fold", i)?,
            };
            let patient: PatientKey = table.parse(patient[i], "patient", i)?;
            if *kept.patients.entry(patient).or_insert(assignment) != assignment {
                return Err(table.corrupt(format_args!("row {i}: a patient on two sides")));
            }
            kept.studies
                .insert(table.parse(study[i], "study_id", i)?, assignment);
        }
        Ok(kept)
    }

    /// The places to keep, of the patients that have these studies.
    pub fn here<'a>(
        &self,
        studies: impl Iterator<Item = (&'a StudyId, &'a PatientKey)>,
    ) -> Result<BTreeMap<PatientKey, Assignment>, DatasetError> {
        let mut here = BTreeMap::new();
        for (study, patient) in studies {
            if let Some(kept) = self.patients.get(patient).or_else(|| self.studies.get(study)) {
                here.entry(patient.clone()).or_insert(*kept);
            }
        }
        if here.is_empty() && !self.patients.is_empty() {
            return Err(DatasetError::Nothing {
                what: "patient or study of the older dataset",
                hint: "none of them is in this one, so there is no place to keep; where ids are hashed, both must be made \
                       with one identity key"
                    .to_owned(),
            });
        }
        Ok(here)
    }
}

/// The bin of each patient, in the order of the map.
fn place(
    patients: &BTreeMap<PatientKey, PatientLabels>,
    shares: &[f64],
    salt: (u64, &str),
    fixed: impl Fn(&PatientKey, &PatientLabels) -> Option<usize>,
) -> Vec<usize> {
    let n_strata = patients
        .values()
        .map(|labels| labels.counts.len())
        .max()
        .unwrap_or(0);
    // The last stratum counts patients, so that bins also hold their share of these.
    let strata = |labels: &PatientLabels| -> Vec<f64> {
        let mut strata: Vec<f64> = labels.counts.iter().map(|n| f64::from(*n)).collect();
        strata.resize(n_strata, 0.0);
        strata.push(1.0);
        strata
    };
    let vectors: Vec<Vec<f64>> = patients.values().map(strata).collect();
    let mut totals = vec![0.0; n_strata + 1];
    for vector in &vectors {
        totals.iter_mut().zip(vector).for_each(|(total, n)| *total += n);
    }
    let share_of_totals = |vector: &[f64]| -> f64 {
        vector
            .iter()
            .zip(&totals)
            .filter(|(_, total)| **total > 0.0)
            .map(|(n, total)| n / total)
            .sum()
    };
    let mut bins = vec![usize::MAX; vectors.len()];
    let mut filled = vec![vec![0.0; n_strata + 1]; shares.len()];
    let mut open: Vec<(f64, [u8; 32], usize)> = Vec::new();
    for (i, (patient, labels)) in patients.iter().enumerate() {
        match fixed(patient, labels) {
            Some(bin) => {
                bins[i] = bin;
                filled[bin]
                    .iter_mut()
                    .zip(&vectors[i])
                    .for_each(|(sum, n)| *sum += n);
            }
            None => open.push((share_of_totals(&vectors[i]), draw(salt, patient), i)),
        }
    }
    open.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, _, i) in open {
        let best = (0..shares.len())
            .filter(|bin| shares[*bin] > 0.0)
            .min_by(|a, b| {
                let cost = |bin: usize| added_cost(&filled[bin], &vectors[i], &totals, shares[bin]);
                cost(*a).total_cmp(&cost(*b)).then(a.cmp(b))
            })
            .unwrap_or(0);
        bins[i] = best;
        filled[best]
            .iter_mut()
            .zip(&vectors[i])
            .for_each(|(sum, n)| *sum += n);
    }
    bins
}

/// By how much the squared distance from the wanted shares grows when a bin takes a patient.
fn added_cost(filled: &[f64], patient: &[f64], totals: &[f64], share: f64) -> f64 {
    filled
        .iter()
        .zip(patient)
        .zip(totals)
        .filter(|(_, total)| **total > 0.0)
        .map(|((sum, n), total)| {
            let wanted = share * total;
            let miss = |value: f64| (value / wanted - 1.0).powi(2);
            share * (miss(sum + n) - miss(*sum))
        })
        .sum()
}

/// A patient's place in the order of ties.
fn draw((seed, salt): (u64, &str), patient: &PatientKey) -> [u8; 32] {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(salt.as_bytes());
    hash.update(patient.as_str().as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn patients(n: usize, seed: u64) -> BTreeMap<PatientKey, PatientLabels> {
        (0..n)
            .map(|i| {
                let bits = (i as u64 + 1)
                    .wrapping_mul(seed | 1)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    >> 20;
                let severe = u32::from(bits.is_multiple_of(20));
                let moderate = (bits % 3) as u32;
                let labels = PatientLabels {
                    counts: vec![5 - severe - moderate, moderate, severe],
                    sites: BTreeSet::from([format!("s{}", bits % 4)]),
                };
                (PatientKey::new(format!("p{i:05}")).unwrap(), labels)
            })
            .collect()
    }

    fn shares(
        assigned: &BTreeMap<PatientKey, Assignment>,
        all: &BTreeMap<PatientKey, PatientLabels>,
        stratum: usize,
    ) -> [f64; 3] {
        let count = |part: Option<Part>| -> f64 {
            all.iter()
                .filter(|(p, _)| part.is_none_or(|part| assigned[*p].part == part))
                .map(|(_, l)| f64::from(l.counts[stratum]))
                .sum()
        };
        Part::ALL.map(|part| count(Some(part)) / count(None))
    }

    #[test]
    fn shares_hold_for_every_grade() {
        let all = patients(600, 5);
        let assigned = split(&all, &SplitConfig::default(), &BTreeMap::new()).unwrap();
        for stratum in 0..3 {
            let [train, valid, test] = shares(&assigned, &all, stratum);
            assert!(
                (train - 0.7).abs() < 0.03 && (valid - 0.15).abs() < 0.03 && (test - 0.15).abs() < 0.03,
                "{train} {valid} {test}"
            );
        }
        for fold in 0..5 {
            let n = assigned.values().filter(|a| a.fold == fold).count();
            assert!((115..=125).contains(&n), "{n}");
        }
    }

    #[test]
    fn an_older_split_is_kept_when_patients_are_added() {
        let all = patients(100, 1);
        let first: BTreeMap<_, _> = all.clone().into_iter().take(60).collect();
        let old = split(&first, &SplitConfig::default(), &BTreeMap::new()).unwrap();
        let new = split(&all, &SplitConfig::default(), &old).unwrap();
        assert!(
            old.iter()
                .all(|(patient, assignment)| new[patient] == *assignment)
        );
        assert_eq!(new.len(), 100);
    }

    #[test]
    fn a_site_is_left_out_as_a_whole() {
        let all = patients(200, 3);
        let config = SplitConfig {
            test_sites: vec!["s2".to_owned()],
            ..SplitConfig::default()
        };
        let assigned = split(&all, &config, &BTreeMap::new()).unwrap();
        for (patient, labels) in &all {
            assert_eq!(assigned[patient].part == Part::Test, labels.sites.contains("s2"));
        }
        let config = SplitConfig {
            test_sites: vec!["mars".to_owned()],
            ..SplitConfig::default()
        };
        assert_eq!(
            split(&all, &config, &BTreeMap::new()).unwrap_err().to_string(),
            "split: no patient of site `mars`; there are s0, s1, s2, s3"
        );
    }

    #[test]
    fn a_patient_of_two_sites_goes_with_the_one_left_out() {
        let mut all = patients(40, 9);
        let both = PatientKey::new("p00003").unwrap();
        all.get_mut(&both).unwrap().sites = ["s0", "s2"].map(str::to_owned).into();
        let config = SplitConfig {
            test_sites: vec!["s2".to_owned()],
            ..SplitConfig::default()
        };
        assert_eq!(
            split(&all, &config, &BTreeMap::new()).unwrap()[&both].part,
            Part::Test
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_patient_stands_once_whatever_the_scheme(
            n in 0usize..80, seed in any::<u32>(), data in any::<u64>(), folds in 1usize..8,
            valid in 0.0f64..0.4, test in 0.0f64..0.4, leave_out in any::<bool>(), n_kept in 0usize..80,
        ) {
            let all = patients(n, data);
            let plain = SplitConfig { seed: u64::from(seed), folds, valid, test, test_sites: vec![] };
            let has_site = all.values().any(|labels| labels.sites.contains("s1"));
            let sites = if leave_out && has_site { vec!["s1".to_owned()] } else { vec![] };
            let config = SplitConfig { test_sites: sites.clone(), ..plain.clone() };
            // An older split of some of the patients, by another seed.
            let some: BTreeMap<_, _> = all.clone().into_iter().take(n_kept).collect();
            let older = SplitConfig { seed: u64::from(seed) ^ 1, ..plain };
            let keep = split(&some, &older, &BTreeMap::new()).unwrap();
            let assigned = split(&all, &config, &keep).unwrap();
            prop_assert_eq!(assigned.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>());
            prop_assert!(assigned.values().all(|a| (a.fold as usize) < folds));
            for (patient, kept) in &keep {
                prop_assert_eq!(assigned[patient].fold, kept.fold);
                if sites.is_empty() {
                    prop_assert_eq!(assigned[patient].part, kept.part);
                }
            }
            if !sites.is_empty() {
                for (patient, labels) in &all {
                    prop_assert_eq!(assigned[patient].part == Part::Test, labels.sites.contains("s1"));
                }
            }
            // The same set in another order of insertion is the same split.
            let again: BTreeMap<_, _> = all.into_iter().rev().collect();
            prop_assert_eq!(split(&again, &config, &keep).unwrap(), assigned);
        }
    }
}
