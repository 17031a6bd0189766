//! The subsets an evaluation is broken down into.

use crate::Case;
use lumbar_core::{Condition, ConditionGroup, Level, SeriesKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which cases a row of the evaluation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scope {
    /// All of them.
    All,
    /// A condition group, both sides together.
    Group {
        /// The group.
        group: ConditionGroup,
    },
    /// A condition.
    Condition {
        /// The condition.
        condition: Condition,
    },
    /// A level, all conditions together.
    Level {
        /// The level.
        level: Level,
    },
    /// A condition group at a level.
    GroupLevel {
        /// The group.
        group: ConditionGroup,
        /// The level.
        level: Level,
    },
    /// Everything graded from a view, from the predictions on that view alone.
    View {
        /// The view.
        view: SeriesKind,
    },
    /// A condition group graded from a view, from the predictions on that view alone.
    GroupView {
        /// The group.
        group: ConditionGroup,
        /// The view.
        view: SeriesKind,
    },
}

impl Scope {
    /// The scopes of combined predictions: all, then groups, conditions, levels, and groups at levels.
    pub fn combined() -> Vec<Scope> {
        let groups = ConditionGroup::ALL.into_iter();
        let at_levels = groups.clone().flat_map(|group| {
            Level::ALL
                .into_iter()
                .map(move |level| Scope::GroupLevel { group, level })
        });
        std::iter::once(Scope::All)
            .chain(groups.map(|group| Scope::Group { group }))
            .chain(
                Condition::ALL
                    .into_iter()
                    .map(|condition| Scope::Condition { condition }),
            )
            .chain(Level::ALL.into_iter().map(|level| Scope::Level { level }))
            .chain(at_levels)
            .collect()
    }

    /// The scopes of predictions on one view.
    pub fn of_view(view: SeriesKind) -> Vec<Scope> {
        let groups = ConditionGroup::ALL.into_iter();
        std::iter::once(Scope::View { view })
            .chain(groups.map(|group| Scope::GroupView { group, view }))
            .collect()
    }

    /// Whether a case is in it. That the case is of the right view is the caller's choice of cases.
    pub(crate) fn holds(self, case: &Case) -> bool {
        let target = case.target;
        match self {
            Scope::All | Scope::View { .. } => true,
            Scope::Group { group } | Scope::GroupView { group, .. } => target.condition.group() == group,
            Scope::Condition { condition } => target.condition == condition,
            Scope::Level { level } => target.level == level,
            Scope::GroupLevel { group, level } => target.condition.group() == group && target.level == level,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::All => f.write_str("all"),
            Scope::Group { group } => f.write_str(group.display_name()),
            Scope::Condition { condition } => write!(f, "{condition}"),
            Scope::Level { level } => write!(f, "{level}"),
            Scope::GroupLevel { group, level } => write!(f, "{} {level}", group.display_name()),
            Scope::View { view } => f.write_str(view.description()),
            Scope::GroupView { group, view } => {
                write!(f, "{} on {}", group.display_name(), view.description())
            }
        }
    }
}
