//! The verbs that list what there is.

use super::objects::{Lister, Listing, pool_of, text};
use super::operator::is_answered;
use super::place::{Place, Tree};
use super::table::Column::{Number, State, Text};
use crate::domain::time::Time;
use crate::manager::clock;
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What is listed, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line, as in the files info.json.
    #[arg(long)]
    json: bool,
}

/// The same of one pool.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListOfPool {
    /// Only what is in this pool, such as Backup or Backup/Daily.
    #[arg(add = super::complete::pools())]
    pool: Option<String>,
    #[command(flatten)]
    list: List,
}

/// The counts of a pool that have a column.
const COUNTS: [&str; 5] = ["available", "allocated", "complete", "reserved", "offline"];

const POOLS: Listing = Listing {
    called: "pools",
    columns: &[
        Text("pool"),
        Text("type"),
        Text("media"),
        Number(COUNTS[0]),
        Number(COUNTS[1]),
        Number(COUNTS[2]),
        Number(COUNTS[3]),
        Number(COUNTS[4]),
    ],
    cells: |_, info| {
        let names = [
            pool_of(&text(info, "path")),
            text(info, "type"),
            text(info, "media_type"),
        ];
        let counts = info.get("counts").unwrap_or(&Value::Null);
        names
            .into_iter()
            .chain(COUNTS.map(|count| text(counts, count)))
            .collect()
    },
};

/// The state of what can be disabled.
fn state_of(info: &Value) -> String {
    match info.get("enabled") {
        Some(Value::Bool(false)) => "disabled".to_owned(),
        _ => text(info, "state"),
    }
}

const MEDIA: Listing = Listing {
    called: "media",
    columns: &[
        Text("medium"),
        Text("barcode"),
        Text("type"),
        Text("pool"),
        Text("location"),
        State("state"),
    ],
    cells: |_, info| {
        vec![
            text(info, "name"),
            text(info, "barcode"),
            text(info, "media_type"),
            pool_of(&text(info, "pool")),
            text(info, "location"),
            state_of(info),
        ]
    },
};

const LOGICAL: Listing = Listing {
    called: "logical media",
    columns: &[
        Text("lmid"),
        Text("name"),
        State("state"),
        Number("owner"),
        Text("pool"),
        Text("side"),
        Text("allocated"),
        Text("device"),
    ],
    cells: |_, info| {
        vec![
            text(info, "id"),
            text(info, "name"),
            text(info, "state"),
            text(info, "owner"),
            pool_of(&text(info, "pool")),
            side_of(&text(info, "side")),
            text(info, "allocated_at"),
            text(info, "device"),
        ]
    },
};

const LIBRARIES: Listing = Listing {
    called: "libraries",
    columns: &[
        Text("library"),
        State("state"),
        Number("drives"),
        Number("used"),
        Number("slots"),
        Text("driver"),
    ],
    cells: |dir, info| {
        let drives = drives(&dir.join("drives"));
        vec![
            text(info, "name"),
            state_of(info),
            drives.0.to_string(),
            drives.1.to_string(),
            fs::read_dir(dir.join("slots"))
                .map_or(0, Iterator::count)
                .to_string(),
            text(info, "driver"),
        ]
    },
};

const OPERATOR: Listing = Listing {
    called: "requests to a person",
    columns: &[
        Number("number"),
        Text("asks for"),
        State("state"),
        Number("age"),
        Number("by"),
        Text("concerns"),
        Text("message"),
    ],
    cells: |dir, info| {
        let number = dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let of = |key: &str| text(info, key);
        let concerns = [
            pool_of(&of("pool")),
            last(&of("medium")),
            last(&of("library")),
        ];
        vec![
            number,
            of("command"),
            of("state"),
            since(&of("submitted")),
            of("by"),
            concerns
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default(),
            of("message"),
        ]
    },
};

/// The last name of a path.
fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Medium and letter of the path of a side.
fn side_of(path: &str) -> String {
    let mut names = path.rsplit('/');
    match (names.next(), names.nth(1)) {
        (Some(letter), Some(medium)) => format!("{medium}/{letter}"),
        _ => String::new(),
    }
}

/// The drives of a library, and those that have something in them.
fn drives(dir: &Path) -> (usize, usize) {
    let Ok(entries) = fs::read_dir(dir) else {
        return (0, 0);
    };
    let drives: Vec<_> = entries.flatten().collect();
    let used = drives
        .iter()
        .filter(|drive| fs::read_link(drive.path().join("medium")).is_ok());
    (drives.len(), used.count())
}

/// How long ago something was, in its largest unit.
pub(super) fn age(time: Time) -> String {
    let seconds = (clock::utc().0 - time.0).max(0) / 1000;
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let found = units.iter().find(|(unit, _)| seconds >= *unit);
    found.map_or_else(
        || "0s".to_owned(),
        |(unit, word)| format!("{}{word}", seconds / unit),
    )
}

/// The age of a time as the tree writes it; nothing if it is none.
pub(super) fn since(time: &str) -> String {
    Time::parse(time).map_or_else(|_| String::new(), age)
}

pub(super) fn pools(list: &List) -> Result<()> {
    let tree = list.place.find()?;
    let mut lister = Lister::new(&tree, &POOLS, list.json);
    add_pools(&tree, &mut lister, &tree.path("pools"))?;
    lister.end()
}

fn add_pools(tree: &Tree, lister: &mut Lister<'_>, dir: &Path) -> Result<()> {
    for name in tree.names(dir)? {
        let pool = dir.join(name);
        lister.add(&pool, |_| true)?;
        // One that may not be read, or is gone, was dealt with by its own line.
        if fs::read_dir(pool.join("pools")).is_ok() {
            add_pools(tree, lister, &pool.join("pools"))?;
        }
    }
    Ok(())
}

pub(super) fn media(list: &ListOfPool) -> Result<()> {
    let tree = list.list.place.find()?;
    let dir = match &list.pool {
        Some(pool) => tree.pool(pool)?.join("media"),
        None => tree.path("media"),
    };
    let mut lister = Lister::new(&tree, &MEDIA, list.list.json);
    lister.add_all(&dir, |_| true)?;
    lister.end()
}

pub(super) fn logical(list: &ListOfPool) -> Result<()> {
    let tree = list.list.place.find()?;
    let pool = list
        .pool
        .as_deref()
        .map(|pool| tree.pool(pool))
        .transpose()?;
    let pool = pool.map(|dir| {
        dir.strip_prefix(tree.root())
            .map_or_else(|_| dir.clone(), Path::to_path_buf)
    });
    let mut lister = Lister::new(&tree, &LOGICAL, list.list.json);
    lister.add_all(&tree.path("logical"), |info| {
        pool.as_ref()
            .is_none_or(|pool| Path::new(&text(info, "pool")) == pool)
    })?;
    lister.end()
}

pub(super) fn libraries(list: &List) -> Result<()> {
    let tree = list.place.find()?;
    let mut lister = Lister::new(&tree, &LIBRARIES, list.json);
    lister.add_all(&tree.path("libraries"), |_| true)?;
    lister.end()
}

/// Requests to people: the open ones, or all that are kept.
pub(super) fn operator(tree: &Tree, all: bool, json: bool) -> Result<()> {
    let mut lister = Lister::new(tree, &OPERATOR, json);
    lister.add_all(&tree.path("operator"), |info| {
        all || !is_answered(&text(info, "state"))
    })?;
    lister.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_their_largest_unit() {
        let ago = |seconds: i64| age(Time(clock::utc().0 - seconds * 1000 - 1));
        for (seconds, shown) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7200, "2h"),
            (200_000, "2d"),
        ] {
            assert_eq!(ago(seconds), shown);
        }
        assert_eq!(age(Time(clock::utc().0 + 100_000)), "0s");
    }

    #[test]
    fn sides_are_called_by_medium_and_letter() {
        assert_eq!(side_of("pools/a/media/b c/sides/A"), "b c/A");
        assert_eq!(side_of(""), "");
    }
}
