//! Configuration from files and `--set`, with errors that name the key and the nearest valid one.

use anyhow::{Context, anyhow};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Display;
use std::path::Path;
use toml::{Table, Value};

/// Reads a configuration: the file (if any), then each `key=value` on top, then everything else by default; `check`
/// refuses values that cannot be.
///
/// # Errors
/// If the file cannot be read, is not TOML, or holds an unknown key or a wrong value: the message has its line and key.
/// [`WrongUsage`] if it is a `key=value` that is wrong.
pub fn load<T: DeserializeOwned, E: Display>(
    file: Option<&Path>,
    set: &[String],
    check: impl Fn(&T) -> Result<(), E>,
) -> anyhow::Result<T> {
    let mut table = Table::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration `{}`", path.display()))?;
        let in_file = |error: Fault| {
            let line = error.line.map(|line| format!(" line {line}")).unwrap_or_default();
            with_hint(
                format!("`{}`{line}: {}", path.display(), error.message),
                error.hint,
            )
        };
        table = text
            .parse()
            .map_err(|error: toml::de::Error| in_file(Fault::of(&text, &error)))?;
        let alone: T = toml::from_str(&text).map_err(|error| in_file(Fault::of(&text, &error)))?;
        check(&alone).map_err(|error| anyhow!("`{}`: {error}", path.display()))?;
    }
    over(table, set, check)
}

/// A configuration with each `key=value` on top.
///
/// # Errors
/// [`WrongUsage`] if one names no key or holds a wrong value.
pub fn load_over<T: DeserializeOwned + Serialize, E: Display>(
    base: &T,
    set: &[String],
    check: impl Fn(&T) -> Result<(), E>,
) -> anyhow::Result<T> {
    over(Table::try_from(base)?, set, check)
}

fn over<T: DeserializeOwned, E: Display>(
    mut table: Table,
    set: &[String],
    check: impl Fn(&T) -> Result<(), E>,
) -> anyhow::Result<T> {
    for assignment in set {
        assign(&mut table, assignment)?;
    }
    // Through text, whose errors know where they are.
    let text = toml::to_string(&table)?;
    let usage = |message: String, hint| WrongUsage { message, hint };
    let config: T = toml::from_str(&text).map_err(|error| {
        let fault = Fault::of(&text, &error);
        usage(format!("`--set`: {}", fault.message), fault.hint)
    })?;
    check(&config).map_err(|error| usage(error.to_string(), None))?;
    Ok(config)
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

/// Arguments that cannot be: the exit code is 2, as for those that the parser of arguments refuses.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct WrongUsage {
    /// What is wrong.
    pub message: String,
    /// What would help, if that is known.
    pub hint: Option<String>,
}

impl WrongUsage {
    /// Wrong usage that explains itself.
    pub fn new(message: impl Into<String>) -> WrongUsage {
        WrongUsage {
            message: message.into(),
            hint: None,
        }
    }
}

fn with_hint(message: String, hint: Option<String>) -> anyhow::Error {
    match hint {
        Some(hint) => Hinted { message, hint }.into(),
        None => anyhow!(message),
    }
}

fn assign(table: &mut Table, assignment: &str) -> Result<(), WrongUsage> {
    let wrong = |why: String| WrongUsage::new(format!("`--set {assignment}`{why}"));
    let (key, text) = assignment
        .split_once('=')
        .ok_or_else(|| wrong(" is not `key=value`".to_owned()))?;
    if text.trim().is_empty() {
        return Err(wrong(" has no value".to_owned()));
    }
    // `--set a.b=text` needs no quotes: what is not TOML is text.
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(text.trim().to_owned()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let last = parts
        .pop()
        .filter(|last| !last.is_empty())
        .ok_or_else(|| wrong(" names no key".to_owned()))?;
    let mut here = table;
    for part in parts {
        let entry = here
            .entry(part.to_owned())
            .or_insert_with(|| Value::Table(Table::new()));
        here = entry
            .as_table_mut()
            .ok_or_else(|| wrong(format!(": `{part}` is not a table")))?;
    }
    here.insert(last.to_owned(), value);
    Ok(())
}

/// What is wrong with a configuration, and where.
struct Fault {
    line: Option<usize>,
    message: String,
    hint: Option<String>,
}

impl Fault {
    fn of(text: &str, error: &toml::de::Error) -> Fault {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count());
        let key = line.and_then(|line| key_at(text, line));
        // The types of Rust mean nothing to who writes a configuration.
        let words = error
            .message()
            .replace("expected usize", "expected a whole number")
            .replace("expected u64", "expected a whole number")
            .replace("expected u32", "expected a whole number")
            .replace("expected u8", "expected a whole number")
            .replace("expected a sequence", "expected a list, in brackets")
            .replace("expected f64", "expected a number");
        let (message, hint) = match (unknown(error.message()), key) {
            (Some((what, found, valid)), key) => {
                let place = match (what, key) {
                    ("value", Some(key)) => format!("`{key}`: "),
                    _ => String::new(),
                };
                let hint = match near(found, &valid) {
                    Some(valid) => format!("did you mean `{valid}`?"),
                    None => format!("there are `{}`", valid.join("`, `")),
                };
                (format!("{place}no {what} `{found}`"), Some(hint))
            }
            (None, Some(key)) => (format!("`{key}`: {words}"), None),
            (None, None) => (words, None),
        };
        Fault {
            line: line.map(|line| line + 1),
            message,
            hint,
        }
    }
}

/// The dotted key on a line, from 0, of a configuration.
fn key_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    let (key, _) = lines.get(line)?.split_once('=')?;
    let header = lines
        .iter()
        .rev()
        .find_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
    let table = header.map(|table| format!("{table}.")).unwrap_or_default();
    Some(table + key.trim())
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": what is unknown, its name, and the valid ones.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let what = if message.starts_with("unknown field") {
        "key"
    } else if message.starts_with("unknown variant") {
        "value"
    } else {
        return None;
    };
    let mut quoted = message.split('`').skip(1).step_by(2);
    Some((what, quoted.next()?, quoted.collect()))
}

/// The candidate that a mistyped name most likely means: it begins alike, or a third of the letters or fewer differ.
pub fn near<'a>(found: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let close = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(found, candidate);
        let begins = found.len() >= 3 && (candidate.starts_with(found) || found.starts_with(candidate));
        (begins || distance <= (found.chars().count() / 3).max(1)).then_some(distance)
    };
    candidates
        .iter()
        .filter_map(|candidate| Some((close(candidate)?, *candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbar_dataset::DatasetConfig;
    use lumbar_train::RunConfig;

    fn set(assignments: &[&str]) -> anyhow::Result<RunConfig> {
        let set: Vec<String> = assignments.iter().map(|s| (*s).to_owned()).collect();
        load(None, &set, RunConfig::validate)
    }

    fn hint(error: &anyhow::Error) -> &str {
        error
            .downcast_ref::<WrongUsage>()
            .unwrap()
            .hint
            .as_deref()
            .unwrap()
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
        assert_eq!(hint(&error), "did you mean `learning_rate`?");
        let error = set(&["data.view=axial"]).unwrap_err();
        assert_eq!(hint(&error), "did you mean `axial_t2`?");
        for wrong in ["seed", "=3", "seed=", "seed.x=3"] {
            let error = set(&[wrong]).unwrap_err();
            assert!(error.downcast_ref::<WrongUsage>().is_some(), "{wrong}: {error}");
        }
    }

    #[test]
    fn nothing_is_suggested_that_is_not_near() {
        for (found, valid) in [("bogus", "bits"), ("crop", "groups"), ("size", "seed")] {
            assert_eq!(near(found, &[valid]), None, "{found}");
        }
        assert_eq!(near("crop", &["groups", "crop_mm"]), Some("crop_mm"));
        let error = set(&["size=3"]).unwrap_err();
        assert!(
            hint(&error).starts_with("there are `seed`, `data`"),
            "{}",
            hint(&error)
        );
    }

    #[test]
    fn a_wrong_value_names_its_key_and_in_a_file_its_line() {
        let error = set(&["training.epochs=one"]).unwrap_err().to_string();
        assert!(
            error.contains("`training.epochs`") && error.contains("expected a whole number"),
            "{error}"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dataset.toml");
        let error = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = load(Some(&path), &[], DatasetConfig::validate).unwrap_err();
            assert!(error.downcast_ref::<WrongUsage>().is_none());
            error
                .to_string()
                .replace(&dir.path().display().to_string(), "DIR")
        };
        assert!(
            error("depth = 3\n[split]\nfolds = \"one\"\n")
                .starts_with("`DIR/dataset.toml` line 3: `split.folds`: ")
        );
        assert_eq!(
            error("depth = 3\nsiez = 3\n"),
            "`DIR/dataset.toml` line 2: no key `siez`"
        );
        assert!(error("depth = 3\nsize = \n").starts_with("`DIR/dataset.toml` line 2: "));
        assert!(error("depth = 4\n").starts_with("`DIR/dataset.toml`: `depth` is 4"));
    }
}
