//! What is graded: conditions, their groups, and the 25 targets of a study.

use crate::{Level, ParseError, Side, StudyId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One of the five graded conditions. A sided condition carries its side in its name, as in the RSNA tables.
///
/// ```
/// use lumbar_core::{Condition, ConditionGroup, Side};
/// let c: Condition = "Left Subarticular Stenosis".parse()?;
/// assert_eq!(c.column_name(), "left_subarticular_stenosis");
/// assert_eq!(c.group(), ConditionGroup::Subarticular);
/// assert_eq!(c.side(), Some(Side::Left));
/// assert_eq!(c.mirrored(), Condition::RightSubarticularStenosis);
/// # Ok::<(), lumbar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Narrowing of the spinal canal around the thecal sac.
    SpinalCanalStenosis,
    /// Narrowing of the left neural foramen, where the exiting root leaves the canal.
    LeftNeuralForaminalNarrowing,
    /// Narrowing of the right neural foramen.
    RightNeuralForaminalNarrowing,
    /// Narrowing of the left subarticular (lateral) recess, where the traversing root lies.
    LeftSubarticularStenosis,
    /// Narrowing of the right subarticular recess.
    RightSubarticularStenosis,
}

const COLUMN_NAMES: [&str; 5] = [
    "spinal_canal_stenosis",
    "left_neural_foraminal_narrowing",
    "right_neural_foraminal_narrowing",
    "left_subarticular_stenosis",
    "right_subarticular_stenosis",
];

const DISPLAY_NAMES: [&str; 5] = [
    "Spinal Canal Stenosis",
    "Left Neural Foraminal Narrowing",
    "Right Neural Foraminal Narrowing",
    "Left Subarticular Stenosis",
    "Right Subarticular Stenosis",
];

impl Condition {
    /// All conditions in the order of the RSNA label table.
    pub const ALL: [Condition; 5] = [
        Condition::SpinalCanalStenosis,
        Condition::LeftNeuralForaminalNarrowing,
        Condition::RightNeuralForaminalNarrowing,
        Condition::LeftSubarticularStenosis,
        Condition::RightSubarticularStenosis,
    ];

    /// Position in the RSNA label table, 0 to 4.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The condition of a group on a side. The canal has no side: `side` is then ignored.
    pub fn of_group(group: ConditionGroup, side: Side) -> Condition {
        match (group, side) {
            (ConditionGroup::SpinalCanal, _) => Condition::SpinalCanalStenosis,
            (ConditionGroup::NeuralForaminal, Side::Left) => Condition::LeftNeuralForaminalNarrowing,
            (ConditionGroup::NeuralForaminal, Side::Right) => Condition::RightNeuralForaminalNarrowing,
            (ConditionGroup::Subarticular, Side::Left) => Condition::LeftSubarticularStenosis,
            (ConditionGroup::Subarticular, Side::Right) => Condition::RightSubarticularStenosis,
        }
    }

    /// The group this condition is scored in.
    pub fn group(self) -> ConditionGroup {
        match self {
            Condition::SpinalCanalStenosis => ConditionGroup::SpinalCanal,
            Condition::LeftNeuralForaminalNarrowing | Condition::RightNeuralForaminalNarrowing => {
                ConditionGroup::NeuralForaminal
            }
            Condition::LeftSubarticularStenosis | Condition::RightSubarticularStenosis => {
                ConditionGroup::Subarticular
            }
        }
    }

    /// The side of the patient, `None` for the canal.
    pub fn side(self) -> Option<Side> {
        match self {
            Condition::SpinalCanalStenosis => None,
            Condition::LeftNeuralForaminalNarrowing | Condition::LeftSubarticularStenosis => Some(Side::Left),
            Condition::RightNeuralForaminalNarrowing | Condition::RightSubarticularStenosis => {
                Some(Side::Right)
            }
        }
    }

    /// The same condition on the other side; the canal stays itself.
    pub fn mirrored(self) -> Condition {
        match self.side() {
            Some(side) => Condition::of_group(self.group(), side.opposite()),
            None => self,
        }
    }

    /// `left_neural_foraminal_narrowing`, as in the label table.
    pub fn column_name(self) -> &'static str {
        COLUMN_NAMES[self.index()]
    }

    /// `Left Neural Foraminal Narrowing`, as in the coordinates table.
    pub fn display_name(self) -> &'static str {
        DISPLAY_NAMES[self.index()]
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.display_name())
    }
}

impl FromStr for Condition {
    type Err = ParseError;

    /// Takes column names and display names, in any case, with spaces or underscores.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let name = text.trim().to_ascii_lowercase().replace(' ', "_");
        COLUMN_NAMES
            .iter()
            .position(|column| *column == name)
            .map(|i| Condition::ALL[i])
            .ok_or_else(|| ParseError::new(text, "a condition (such as `spinal_canal_stenosis`)"))
    }
}

/// The three groups the RSNA score is computed in: a condition without its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionGroup {
    /// Spinal canal stenosis.
    #[serde(rename = "canal")]
    SpinalCanal,
    /// Left and right neural foraminal narrowing.
    #[serde(rename = "foraminal")]
    NeuralForaminal,
    /// Left and right subarticular stenosis.
    #[serde(rename = "subarticular")]
    Subarticular,
}

impl ConditionGroup {
    /// All groups in the order of the RSNA label table.
    pub const ALL: [ConditionGroup; 3] = [
        ConditionGroup::SpinalCanal,
        ConditionGroup::NeuralForaminal,
        ConditionGroup::Subarticular,
    ];

    /// Position in [`ConditionGroup::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The conditions of the group: one for the canal, left then right for the others.
    pub fn conditions(self) -> &'static [Condition] {
        match self {
            ConditionGroup::SpinalCanal => &[Condition::SpinalCanalStenosis],
            ConditionGroup::NeuralForaminal => &[
                Condition::LeftNeuralForaminalNarrowing,
                Condition::RightNeuralForaminalNarrowing,
            ],
            ConditionGroup::Subarticular => &[
                Condition::LeftSubarticularStenosis,
                Condition::RightSubarticularStenosis,
            ],
        }
    }

    /// `canal`, `foraminal` or `subarticular`: for configuration keys and tables.
    pub fn short_name(self) -> &'static str {
        ["canal", "foraminal", "subarticular"][self.index()]
    }

    /// `Spinal canal stenosis` and so on, for people.
    pub fn display_name(self) -> &'static str {
        [
            "Spinal canal stenosis",
            "Neural foraminal narrowing",
            "Subarticular stenosis",
        ][self.index()]
    }
}

impl fmt::Display for ConditionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short_name())
    }
}

impl FromStr for ConditionGroup {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "canal" | "spinal" | "spinal_canal" => Ok(ConditionGroup::SpinalCanal),
            "foraminal" | "neural_foraminal" => Ok(ConditionGroup::NeuralForaminal),
            "subarticular" => Ok(ConditionGroup::Subarticular),
            _ => Err(ParseError::new(
                text,
                "a condition group (canal, foraminal or subarticular)",
            )),
        }
    }
}

/// One of the 25 things graded in a study: a condition at a level.
///
/// The order is that of the RSNA label table: condition first, then level from head to foot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Target {
    /// What is graded.
    pub condition: Condition,
    /// At which disc.
    pub level: Level,
}

impl Target {
    /// How many targets a study has.
    pub const COUNT: usize = 25;

    /// The target of a condition at a level.
    pub fn new(condition: Condition, level: Level) -> Target {
        Target { condition, level }
    }

    /// All 25 targets in the order of the RSNA label table.
    pub fn all() -> impl ExactSizeIterator<Item = Target> + Clone {
        (0..Target::COUNT).map(|i| Target {
            condition: Condition::ALL[i / 5],
            level: Level::ALL[i % 5],
        })
    }

    /// Position in the RSNA label table, 0 to 24.
    pub fn index(self) -> usize {
        self.condition.index() * 5 + self.level.index()
    }

    /// The target at a position of the RSNA label table.
    pub fn from_index(index: usize) -> Option<Target> {
        Target::all().nth(index)
    }

    /// The target that takes this one's place in a mirrored study: the other side, the same level.
    pub fn mirrored(self) -> Target {
        Target {
            condition: self.condition.mirrored(),
            level: self.level,
        }
    }

    /// `left_neural_foraminal_narrowing_l4_l5`.
    pub fn column_name(self) -> String {
        format!("{}_{}", self.condition.column_name(), self.level.column_name())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.condition, self.level)
    }
}

impl FromStr for Target {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let name = text.trim().to_ascii_lowercase();
        Target::all()
            .find(|target| target.column_name() == name)
            .ok_or_else(|| {
                ParseError::new(
                    text,
                    "a target column (such as `left_neural_foraminal_narrowing_l4_l5`)",
                )
            })
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.column_name()
    }
}

impl TryFrom<String> for Target {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Target, ParseError> {
        text.parse()
    }
}

/// A row of a submission: `<study>_<condition>_<level>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The study, with its digits as found.
    pub study: StudyId,
    /// The graded target.
    pub target: Target,
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.study, self.target.column_name())
    }
}

impl FromStr for RowId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a row id (`<study>_<condition>_<level>`)");
        let text_trimmed = text.trim();
        // A study id may itself hold underscores outside the RSNA layout, so the target is matched from the end.
        let target = Target::all()
            .find(|target| {
                text_trimmed
                    .strip_suffix(target.column_name().as_str())
                    .is_some_and(|head| head.len() > 1 && head.ends_with('_'))
            })
            .ok_or_else(error)?;
        let head = &text_trimmed[..text_trimmed.len() - target.column_name().len() - 1];
        Ok(RowId {
            study: StudyId::new(head).map_err(|_| error())?,
            target,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_stand_in_label_table_order() {
        let names: Vec<String> = Target::all().map(Target::column_name).collect();
        assert_eq!(names[0], "spinal_canal_stenosis_l1_l2");
        assert_eq!(names[9], "left_neural_foraminal_narrowing_l5_s1");
        assert_eq!(names[24], "right_subarticular_stenosis_l5_s1");
        for (i, target) in Target::all().enumerate() {
            assert_eq!(target.index(), i);
            assert_eq!(Target::from_index(i), Some(target));
            assert_eq!(target.column_name().parse(), Ok(target));
            assert_eq!(target.mirrored().mirrored(), target);
            assert_eq!(target.mirrored() == target, target.condition.side().is_none());
        }
        assert_eq!(Target::from_index(25), None);
    }

    #[test]
    fn both_spellings_of_a_condition_parse() {
        for condition in Condition::ALL {
            assert_eq!(condition.column_name().parse(), Ok(condition));
            assert_eq!(condition.display_name().parse(), Ok(condition));
        }
        assert!(
            "subarticular_stenosis".parse::<Condition>().is_err(),
            "a sided condition needs its side"
        );
    }

    #[test]
    fn row_ids_round_trip_even_with_underscores_in_the_study() {
        for text in [
            "44036939_right_subarticular_stenosis_l3_l4",
            "site_a_7_spinal_canal_stenosis_l5_s1",
        ] {
            assert_eq!(text.parse::<RowId>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "_spinal_canal_stenosis_l1_l2",
            "spinal_canal_stenosis_l1_l2",
            "1_spinal_l1_l2",
        ] {
            assert!(bad.parse::<RowId>().is_err(), "{bad:?}");
        }
    }
}
