//! What a dataset is made with: `dataset.toml`.

use crate::{DatasetError, output::sha256_hex};
use lumbar_core::{ConditionGroup, GradingScheme, SeriesKind};
use lumbar_preprocess::{Extent, Filter, Intensity, Padding, Recipe};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Configuration of a dataset. Every key has a default; unknown keys are errors that name the nearest one.
///
/// ```
/// use lumbar_dataset::DatasetConfig;
/// let config = DatasetConfig::from_toml("size = 96\n[crop_mm]\naxial_t2 = 50.0\n", &[])?;
/// assert_eq!((config.size, config.depth), (96, 3));
/// let error = DatasetConfig::from_toml("dept = 5", &[]).unwrap_err().to_string();
/// assert!(error.contains("`dept`") && error.contains("`depth`"), "{error}");
/// # Ok::<(), lumbar_dataset::DatasetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetConfig {
    /// Grades: `three_grades` (RSNA: Normal/Mild, Moderate, Severe) or `four_grades`.
    pub grades: GradingScheme,
    /// What becomes of targets without a grade.
    pub missing_labels: MissingLabels,
    /// Which views a target gets samples on.
    pub views: Views,
    /// Crops around the target, or whole slices as the baseline.
    pub mode: SampleMode,
    /// Rows and columns of a sample.
    pub size: usize,
    /// Slices of a sample: 1, 3, 5, ...
    pub depth: usize,
    /// Side of the crop, mm, per view.
    pub crop_mm: CropMm,
    /// From stored values to grey levels.
    pub intensity: Intensity,
    /// Resampling filter.
    pub filter: Filter,
    /// What lies outside a slice.
    pub padding: Padding,
    /// Bits of a pixel: 8 or 16.
    pub bits: u8,
    /// A crop with less than this share on its slice becomes a reject.
    pub min_share_inside: f64,
    /// Largest file of pixels, MiB.
    pub shard_mib: u32,
    /// How patients are divided.
    pub split: SplitConfig,
}

impl Default for DatasetConfig {
    fn default() -> Self {
        DatasetConfig {
            grades: GradingScheme::ThreeGrades,
            missing_labels: MissingLabels::Drop,
            views: Views::Both,
            mode: SampleMode::Crop,
            size: 64,
            depth: 3,
            crop_mm: CropMm::default(),
            intensity: Intensity::default(),
            filter: Filter::Area,
            padding: Padding::Zero,
            bits: 8,
            min_share_inside: 0.5,
            shard_mib: 256,
            split: SplitConfig::default(),
        }
    }
}

/// What becomes of targets without a grade (572 of 49,375 in RSNA 2024). The choice shifts every score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingLabels {
    /// They become rejects with reason `NoGrade`.
    #[default]
    Drop,
    /// They become samples without a grade: for prediction.
    Keep,
    /// They count as the best grade, as one published solution does.
    Best,
}

/// Which views a target gets samples on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// The kind of series its condition is marked on: canal on sagittal T2, foramen on sagittal T1, recess on axial T2.
    Proper,
    /// That one and the other plane: canal on axial T2, foramen on axial T2, recess on sagittal T2.
    #[default]
    Both,
}

impl Views {
    /// The views of a condition group, the proper one first.
    pub fn of(self, group: ConditionGroup) -> &'static [SeriesKind] {
        use SeriesKind::{AxialT2, SagittalT1, SagittalT2};
        let both: &'static [SeriesKind] = match group {
            ConditionGroup::SpinalCanal => &[SagittalT2, AxialT2],
            ConditionGroup::NeuralForaminal => &[SagittalT1, AxialT2],
            ConditionGroup::Subarticular => &[AxialT2, SagittalT2],
        };
        match self {
            Views::Proper => &both[..1],
            Views::Both => both,
        }
    }
}

/// What a sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleMode {
    /// A square of `crop_mm` around the target.
    #[default]
    Crop,
    /// The whole slice, squeezed: the baseline's way, for comparison. One image then carries conflicting labels;
    /// `dataset.json` says how many.
    WholeSlice,
}

/// Side of the crop, mm, per view.
///
/// 45 mm holds a disc's height of neighbours on sagittal slices and the canal with both recesses on axial ones;
/// published solutions use 40 to 50 mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CropMm {
    /// On sagittal T1.
    pub sagittal_t1: f64,
    /// On sagittal T2.
    pub sagittal_t2: f64,
    /// On axial T2.
    pub axial_t2: f64,
}

impl Default for CropMm {
    fn default() -> Self {
        CropMm {
            sagittal_t1: 45.0,
            sagittal_t2: 45.0,
            axial_t2: 45.0,
        }
    }
}

impl CropMm {
    /// The crop on a view.
    pub fn on(&self, view: SeriesKind) -> f64 {
        match view {
            SeriesKind::SagittalT1 => self.sagittal_t1,
            SeriesKind::SagittalT2 => self.sagittal_t2,
            SeriesKind::AxialT2 => self.axial_t2,
        }
    }
}

/// How patients are divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// Seed.
    pub seed: u64,
    /// Share of patients for validation.
    pub valid: f64,
    /// Share of patients for the test.
    pub test: f64,
    /// Folds of the cross-validation kept beside the train/valid/test split.
    pub folds: usize,
    /// Sites whose patients all go to the test (leave-site-out); the test share is then theirs.
    pub test_sites: Vec<String>,
}

impl Default for SplitConfig {
    fn default() -> Self {
        SplitConfig {
            seed: 0,
            valid: 0.15,
            test: 0.15,
            folds: 5,
            test_sites: Vec::new(),
        }
    }
}

impl DatasetConfig {
    /// Reads a file, then applies `key=value` settings, then checks.
    ///
    /// # Errors
    /// [`DatasetError`] naming the key, and the nearest valid one where it is unknown.
    pub fn read(path: &Path, settings: &[String]) -> Result<DatasetConfig, DatasetError> {
        let text = std::fs::read_to_string(path).map_err(DatasetError::io("reading", path))?;
        DatasetConfig::from_toml(&text, settings)
    }

    /// As [`DatasetConfig::read`], from text. A setting is a line of TOML such as `split.seed=3`.
    ///
    /// # Errors
    /// As [`DatasetConfig::read`].
    pub fn from_toml(text: &str, settings: &[String]) -> Result<DatasetConfig, DatasetError> {
        let syntax = |error: &dyn std::fmt::Display| DatasetError::ConfigSyntax {
            detail: format!("{error}"),
        };
        let mut table: toml::Table = text.parse().map_err(|error| syntax(&error))?;
        for setting in settings {
            merge(&mut table, parse_setting(setting)?);
        }
        check_keys(&table)?;
        let config: DatasetConfig = toml::Value::Table(table)
            .try_into()
            .map_err(|error| syntax(&error))?;
        config.validate()?;
        Ok(config)
    }

    /// This configuration with `key=value` settings on top.
    ///
    /// # Errors
    /// As [`DatasetConfig::read`].
    pub fn with_settings(&self, settings: &[String]) -> Result<DatasetConfig, DatasetError> {
        DatasetConfig::from_toml(&self.to_toml()?, settings)
    }

    /// The configuration with every key, as TOML.
    ///
    /// # Errors
    /// [`DatasetError::ConfigSyntax`] if a value has no TOML form (a seed beyond 63 bits).
    pub fn to_toml(&self) -> Result<String, DatasetError> {
        toml::to_string_pretty(self).map_err(|error| DatasetError::ConfigSyntax {
            detail: format!("{error}"),
        })
    }

    /// SHA-256 over all keys but those that do not change the content, in hexadecimal.
    pub fn hash(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        sha256_hex(json.as_bytes())
    }

    /// Refuses values that cannot be.
    ///
    /// # Errors
    /// [`DatasetError::Config`] naming the key.
    pub fn validate(&self) -> Result<(), DatasetError> {
        let need = |holds: bool, key, found: &dyn std::fmt::Display, expected: &str| {
            if holds {
                Ok(())
            } else {
                Err(DatasetError::config(key, found, expected))
            }
        };
        need((1..=4096).contains(&self.size), "size", &self.size, "1 to 4096")?;
        need(
            self.depth % 2 == 1 && self.depth < 100,
            "depth",
            &self.depth,
            "an odd number below 100",
        )?;
        need(self.bits == 8 || self.bits == 16, "bits", &self.bits, "8 or 16")?;
        need(
            (1..=4096).contains(&self.shard_mib),
            "shard_mib",
            &self.shard_mib,
            "1 to 4096",
        )?;
        for view in SeriesKind::ALL {
            let mm = self.crop_mm.on(view);
            need((1.0..=1000.0).contains(&mm), "crop_mm", &mm, "1 to 1000 mm")?;
        }
        let share = self.min_share_inside;
        need((0.0..=1.0).contains(&share), "min_share_inside", &share, "0 to 1")?;
        let split = &self.split;
        for (key, share) in [("split.valid", split.valid), ("split.test", split.test)] {
            need(
                (0.0..1.0).contains(&share),
                key,
                &share,
                "a share from 0 to below 1",
            )?;
        }
        let sum = split.valid + split.test;
        need(
            sum < 1.0,
            "split.valid + split.test",
            &sum,
            "below 1, so that something is left to train on",
        )?;
        need(
            (1..=100).contains(&split.folds),
            "split.folds",
            &split.folds,
            "1 to 100",
        )?;
        need(
            split.seed <= i64::MAX as u64,
            "split.seed",
            &split.seed,
            "below 2^63",
        )?;
        self.intensity.validate()?;
        Ok(())
    }

    /// The pixel recipe on a view.
    pub fn recipe(&self, view: SeriesKind) -> Recipe {
        Recipe {
            extent: match self.mode {
                SampleMode::Crop => Extent::CropMm(self.crop_mm.on(view)),
                SampleMode::WholeSlice => Extent::WholeSlice,
            },
            shape: [self.size, self.size],
            filter: self.filter,
            padding: self.padding,
        }
    }

    /// `[depth, rows, columns]` of a sample.
    pub fn shape(&self) -> [usize; 3] {
        [self.depth, self.size, self.size]
    }
}

fn parse_setting(setting: &str) -> Result<toml::Table, DatasetError> {
    let bad = || DatasetError::ConfigSyntax {
        detail: format!("`{setting}` is not `key=value`"),
    };
    let (key, value) = setting.split_once('=').ok_or_else(bad)?;
    // A bare word is taken for text, so that `filter=area` needs no quotes within a shell's quotes.
    format!("{key} = {value}")
        .parse()
        .or_else(|_| format!("{key} = {}", toml::Value::String(value.trim().to_owned())).parse())
        .map_err(|_| bad())
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Keys of `intensity`, whose set depends on its kind.
const INTENSITY_KEYS: [&str; 6] = ["kind", "scope", "low", "high", "center", "width"];

fn check_keys(table: &toml::Table) -> Result<(), DatasetError> {
    let reference = match toml::Value::try_from(DatasetConfig::default()) {
        Ok(toml::Value::Table(reference)) => reference,
        _ => return Ok(()),
    };
    for (key, value) in table {
        let Some(expected) = reference.get(key) else {
            return Err(unknown_key(key, reference.keys().map(String::as_str)));
        };
        if let (toml::Value::Table(found), toml::Value::Table(expected)) = (value, expected) {
            let valid: Vec<&str> = if key == "intensity" {
                INTENSITY_KEYS.to_vec()
            } else {
                expected.keys().map(String::as_str).collect()
            };
            if let Some(inner) = found.keys().find(|inner| !valid.contains(&inner.as_str())) {
                return Err(unknown_key(inner, valid.into_iter()));
            }
        }
    }
    Ok(())
}

fn unknown_key<'a>(key: &str, valid: impl Iterator<Item = &'a str>) -> DatasetError {
    let valid: Vec<&str> = valid.collect();
    let near = valid
        .iter()
        .map(|name| (strsim::damerau_levenshtein(key, name), name))
        .min()
        // A key that shares a letter or two with another is no slip of the pen.
        .filter(|(distance, _)| *distance <= (key.chars().count() / 3).max(1));
    let advice = match near {
        Some((_, name)) => format!("the nearest is `{name}`"),
        None => format!("there are `{}`", valid.join("`, `")),
    };
    DatasetError::ConfigSyntax {
        detail: format!("unknown key `{key}`; {advice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_round_trip_through_toml() {
        let config = DatasetConfig::default();
        let text = config.to_toml().unwrap();
        assert_eq!(DatasetConfig::from_toml(&text, &[]).unwrap(), config);
        assert_eq!(DatasetConfig::from_toml("", &[]).unwrap(), config);
        assert_eq!(config.hash().len(), 64);
        let other = DatasetConfig {
            size: 65,
            ..config.clone()
        };
        assert_ne!(other.hash(), config.hash());
    }

    #[test]
    fn settings_override_the_file() {
        let settings = [
            "split.seed=3",
            "filter=bilinear_antialias",
            "intensity.low=2",
            "crop_mm.axial_t2=60.0",
        ];
        let settings = settings.map(str::to_owned);
        let config = DatasetConfig::from_toml(
            "[intensity]\nkind='percentile'\nlow=1\nhigh=99\n[split]\nseed=1\nfolds=3",
            &settings,
        )
        .unwrap();
        assert_eq!((config.split.seed, config.split.folds), (3, 3));
        assert_eq!(config.filter, Filter::BilinearAntialias);
        assert_eq!(config.crop_mm.axial_t2, 60.0);
        assert!(matches!(config.intensity, Intensity::Percentile { low: 2.0, .. }));
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| DatasetConfig::from_toml(text, &[]).unwrap_err().to_string();
        assert_eq!(
            error("[split]\nfold = 3"),
            "configuration: unknown key `fold`; the nearest is `folds`"
        );
        let far = error("bogus = 1");
        assert!(
            far.starts_with("configuration: unknown key `bogus`; there are `") && far.contains("`bits`"),
            "{far}"
        );
        assert_eq!(
            error("depth = 4"),
            "`depth` is 4, expected an odd number below 100"
        );
        assert!(error("filter = 'linear'").contains("linear"));
        assert!(error("[split]\nvalid = 0.6\ntest = 0.4").contains("something is left to train on"));
        assert!(error("size = ").contains("configuration"));
    }
}
