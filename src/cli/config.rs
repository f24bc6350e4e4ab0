//! The configuration: what ntmsfs.conf(5) says.
//!
//! Invariants: a file is taken whole or refused whole, with the line and the nearest key; what is not in it is as usual. Who
//! may write it may do what it says, so nobody but root and the user of the daemon may.

use crate::domain::quota::{self, Quota, Quotas};
use crate::domain::words::nearest;
use crate::manager::limits::Limits;
use anyhow::{Context as _, Result, anyhow, bail};
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// The file that is read if no other is named; it may be missing.
pub(super) const PATH: &str = "/etc/ntmsfs.conf";

/// Longer files are refused.
const BYTES_MAX: u64 = 65_536;

/// The table of a configuration: what one user may have.
const TABLE: &str = "limits";

/// The configuration of a daemon, which can be read again.
#[derive(Debug)]
pub(super) struct Source {
    /// The file that was named, if one was.
    pub(super) named: Option<PathBuf>,
    pub(super) limits: Arc<Limits>,
}

impl Source {
    /// Reads the configuration for the first time.
    pub(super) fn open(named: Option<&Path>) -> Result<Self> {
        let named = named.map(std::path::absolute).transpose()?;
        let limits = Arc::new(Limits::new(load(named.as_deref())?));
        Ok(Self { named, limits })
    }

    /// Reads it again; if it is refused, everything stays as it was.
    pub(super) fn reload(&self) {
        match load(self.named.as_deref()) {
            Ok(quotas) => {
                self.limits.replace(quotas);
                tracing::info!("the configuration was read again");
            }
            Err(error) => {
                let why = super::message(&error);
                tracing::error!(why, "the configuration stays as it was");
            }
        }
    }
}

/// Reads the named file, or the usual one if there is one.
pub(super) fn load(named: Option<&Path>) -> Result<Quotas> {
    let path = named.unwrap_or(Path::new(PATH));
    let file = match File::open(path) {
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(Quotas::default());
        }
        opened => opened.with_context(|| path.display().to_string())?,
    };
    let text = read(&file).with_context(|| path.display().to_string())?;
    parse(&text).map_err(|refused| anyhow!("{}: {refused}", path.display()))
}

/// Reads a file that only those may write who may do anything to the daemon.
fn read(file: &File) -> Result<String> {
    let found = file.metadata()?;
    if !found.is_file() {
        bail!("a configuration is a regular file");
    }
    let trusted = [0, nix::unistd::geteuid().as_raw()].contains(&found.uid());
    if !trusted || found.mode() & 0o022 != 0 {
        bail!("others may write it: it must belong to root, and only to be written by its owner");
    }
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() > usize::try_from(BYTES_MAX)? {
        bail!("it has more than {BYTES_MAX} bytes");
    }
    Ok(text)
}

/// Reads the text of a configuration; the error is a sentence that begins with the line.
pub fn parse(text: &str) -> std::result::Result<Quotas, String> {
    let at = |span: Range<usize>, what: String| format!("line {}: {what}", line(text, span.start));
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        at(span, error.message().replace('\n', "; "))
    })?;
    let mut quotas = Quotas::default();
    for (key, value) in table.get_ref() {
        let (name, span) = (key.get_ref().as_ref(), key.span());
        if name != TABLE {
            return Err(at(span, unknown("table", name, [TABLE])));
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at(span, format!("{name:?} is a table: write [{name}]")));
        };
        for (key, value) in table {
            let (name, span) = (key.get_ref().as_ref(), key.span());
            let quota = named(name).map_err(|what| at(span.clone(), what))?;
            let size = number(value.get_ref()).ok_or_else(|| {
                let what = format!(
                    "{name} is a number from 0, which is no limit, to {}",
                    i64::MAX
                );
                at(value.span(), what)
            })?;
            quotas.set(quota, size);
        }
    }
    Ok(quotas)
}

/// Counts lines from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("unknown {what} {name:?}; did you mean {near:?}?"),
        None => format!("unknown {what} {name:?}"),
    }
}

fn named(key: &str) -> std::result::Result<Quota, String> {
    let found = quota::ALL.into_iter().find(|quota| quota.row().key == key);
    let keys = quota::ALL.map(|quota| quota.row().key);
    found.ok_or_else(|| unknown("limit", key, keys))
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(digits) = value else {
        return None;
    };
    let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok()?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quotas(changed: &[(Quota, u64)]) -> Quotas {
        let mut quotas = Quotas::default();
        for (quota, size) in changed {
            quotas.set(*quota, *size);
        }
        quotas
    }

    #[test]
    fn what_is_written_is_taken_and_the_rest_is_as_usual() {
        for (text, changed) in [
            ("", [].as_slice()),
            ("# nothing\n\n[limits]\n", &[]),
            ("[limits]\nopen_files = 0\n", &[(Quota::OpenFiles, 0)]),
            (
                "limits.names = 0x10\nlimits.\"open_files\" = 1_000",
                &[(Quota::Names, 16), (Quota::OpenFiles, 1000)],
            ),
        ] {
            assert_eq!(parse(text), Ok(quotas(changed)), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_line_and_the_nearest_key() {
        for (text, sentence) in [
            (
                "\n[limit]\n",
                "line 2: unknown table \"limit\"; did you mean \"limits\"?",
            ),
            ("[drives]", "line 1: unknown table \"drives\""),
            (
                "limits = 3",
                "line 1: \"limits\" is a table: write [limits]",
            ),
            (
                "[limits]\n\n open_file = 3",
                "line 3: unknown limit \"open_file\"; did you mean \"open_files\"?",
            ),
            (
                "[limits]\nnames = -1",
                "line 2: names is a number from 0, which is no limit, to 9223372036854775807",
            ),
            (
                "[limits]\nnames = \"3\"",
                "line 2: names is a number from 0, which is no limit, to 9223372036854775807",
            ),
            ("[limits]\nnames = 3\nnames = 4", "line 3: duplicate key"),
            ("[limits\n", "line 1: unclosed table, expected `]`"),
        ] {
            assert_eq!(parse(text), Err(sentence.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,200}") {
            drop(parse(&text));
        }

        #[test]
        fn no_text_of_such_letters_makes_it_panic(text in "[\\[\\]limts.=\"'#\n 0-9_x{},-]{0,80}") {
            drop(parse(&text));
        }
    }
}
