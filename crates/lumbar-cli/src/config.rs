//! Configuration from files and `--set`, with errors that name the nearest valid key.

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::{Table, Value};

/// Reads a configuration: the file (if any), then each `key=value` on top, then everything else by default.
///
/// # Errors
/// If the file cannot be read, is not TOML, or holds an unknown key or value; the nearest valid one is named.
pub fn load<T: DeserializeOwned>(file: Option<&Path>, set: &[String]) -> anyhow::Result<T> {
    let mut table = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration `{}`", path.display()))?;
            text.parse::<Table>()
                .with_context(|| format!("`{}` is not TOML", path.display()))?
        }
        None => Table::new(),
    };
    for assignment in set {
        assign(&mut table, assignment)?;
    }
    Value::Table(table).try_into().map_err(|error: toml::de::Error| {
        let message = error.message().to_owned();
        let place = file.map(|f| format!(" in `{}`", f.display())).unwrap_or_default();
        match nearest(&message) {
            Some(hint) => Hinted {
                message: format!("configuration{place}: {message}"),
                hint,
            }
            .into(),
            None => anyhow::anyhow!("configuration{place}: {message}"),
        }
    })
}

/// An error with a line of advice.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Hinted {
    /// What is wrong.
    pub message: String,
    /// What would help.
    pub hint: String,
}

fn assign(table: &mut Table, assignment: &str) -> anyhow::Result<()> {
    let Some((key, text)) = assignment.split_once('=') else {
        bail!("`--set {assignment}` is not `key=value`");
    };
    // `--set a.b=text` needs no quotes: what is not TOML is text.
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let Some(last) = parts.pop().filter(|last| !last.is_empty()) else {
        bail!("`--set {assignment}` names no key");
    };
    let mut here = table;
    for part in parts {
        let entry = here
            .entry(part.to_owned())
            .or_insert_with(|| Value::Table(Table::new()));
        here = entry
            .as_table_mut()
            .with_context(|| format!("`--set {assignment}`: `{part}` is not a table"))?;
    }
    here.insert(last.to_owned(), value);
    Ok(())
}

/// "did you mean" from serde's "unknown field `x`, expected one of `a`, `b`".
fn nearest(message: &str) -> Option<String> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next()?;
    quoted
        .map(|candidate| (strsim::jaro_winkler(found, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.6)
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_train::RunConfig;

    fn set(assignments: &[&str]) -> anyhow::Result<RunConfig> {
        load(
            None,
            &assignments.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn set_beats_defaults_and_needs_no_quotes() {
        let config = set(&["seed=7", "data.view=axial_t2", "data.groups=[\"canal\"]"]).unwrap();
        assert_eq!(config.seed, 7);
        assert_eq!(config.data.view, lumbar_core::SeriesKind::AxialT2);
    }

    #[test]
    fn a_wrong_key_names_the_nearest() {
        let error = set(&["optimiser.lerning_rate=0.1"]).unwrap_err();
        assert_eq!(
            error.downcast_ref::<Hinted>().unwrap().hint,
            "did you mean `learning_rate`?"
        );
        let error = set(&["data.view=axial"]).unwrap_err();
        assert_eq!(
            error.downcast_ref::<Hinted>().unwrap().hint,
            "did you mean `axial_t2`?"
        );
        assert!(set(&["seed"]).is_err());
        assert!(set(&["=3"]).is_err());
    }
}
