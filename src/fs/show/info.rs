//! `info.json`: everything that the files of an object say, in one read; and the schema of it.
//!
//! Invariant: members come from the rows of the table below the object's directory: files by their [`ValueType`], links and
//! results as text or null. Nothing is written for one kind of object alone but what the catalog itself has no files for.

use super::line;
use super::value_type::{ValueType, value_type};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::fs::access::modified_of;
use crate::fs::listing;
use crate::fs::node::{Node, Row};
use crate::fs::path::home_path;
use crate::fs::tree::{Behaviour, Name, Show, ShowResult, Spec, Target, children};
use crate::manager::{View, list, log, read, views};
use serde_json::{Map, Value, json};

/// The name of the file.
pub(crate) const NAME: &str = "info.json";

/// Most names of a directory that are shown.
const NAMES: u32 = 100;

/// The directories that have the file, and what their objects are called in it.
const OBJECTS: [(Row, &str); 12] = [
    (Row::Root, "catalog"),
    (Row::Pool, "pool"),
    (Row::Medium, "medium"),
    (Row::Side, "side"),
    (Row::Logical, "logical"),
    (Row::Library, "library"),
    (Row::Slot, "slot"),
    (Row::Drive, "drive"),
    (Row::Port, "port"),
    (Row::Operator, "operator"),
    (Row::Work, "work"),
    (Row::Type, "type"),
];

/// What the catalog says of itself: it has no files for it.
#[rustfmt::skip]
const FACTS: [(&str, ValueType, Show, &str); 15] = [
    ("version", ValueType::Text, |_, _| Ok(line(env!("CARGO_PKG_VERSION"))), "Version of the program."),
    ("id", ValueType::Text, |view, _| Ok(line(read::catalog(view)?.0)), "Identifier of the catalog."),
    ("created", ValueType::Time, |view, _| Ok(line(read::catalog(view)?.1)), "When the catalog was made."),
    ("records", ValueType::Number, |view, _| Ok(line(list::head(view)?.map_or(0, |head| head.seq))), "Sequence number of the last record of the history."),
    ("oldest_record", ValueType::Number, |view, _| Ok(line(log::first(view)?)), "Sequence number of the oldest record that is not in an archive."),
    ("history_bytes", ValueType::Number, |view, _| Ok(line(list::head(view)?.map_or(0, |head| head.end) - log::begin(view)?.end)), "Length of the history."),
    ("pools", ValueType::Number, |view, _| Ok(line(views::census(view)?.pools)), "Pools of all levels."),
    ("libraries", ValueType::Number, |view, _| Ok(line(views::census(view)?.libraries)), "Libraries."),
    ("media_types", ValueType::Number, |view, _| Ok(line(views::census(view)?.media_types)), "Types of media."),
    ("media", ValueType::Number, |view, _| Ok(line(views::census(view)?.media)), "Media."),
    ("sides", ValueType::Number, |view, _| Ok(line(list::totals(view)?.0)), "Sides of all media."),
    ("allocatable", ValueType::Number, |view, _| Ok(line(list::totals(view)?.1)), "Sides that can be allocated now."),
    ("requests_waiting", ValueType::Number, |view, _| Ok(line(views::census(view)?.requests_waiting)), "Allocation requests that wait."),
    ("operator_requests", ValueType::Number, |view, _| Ok(line(views::census(view)?.operators_open)), "Requests to a person that have no answer."),
    ("counts", ValueType::Counts, |view, _| super::pool::counts_of_all(view), "Sides of all pools in each state, and how many are offline or disabled."),
];

/// Where a member comes from.
enum Source {
    /// What a file shows.
    Shown(Show),
    /// Where a link leads, from the root of the tree.
    Link(Target),
    /// A result, once there is one.
    Result(ShowResult),
    /// The names in a directory.
    Names(Row),
}

/// One member of an object.
struct Member {
    key: &'static str,
    value_type: ValueType,
    source: Source,
    sentence: &'static str,
}

/// Returns what a row says of its object; `None` for what does something, or holds other objects.
fn member(spec: &Spec) -> Option<Member> {
    let Name::Is(key) = spec.name else {
        return None;
    };
    let value_type = value_type(spec.row);
    let source = match spec.behaviour {
        _ if value_type == ValueType::Omitted || key == NAME => return None,
        Behaviour::Shown(show) | Behaviour::Attr(show, _) => Source::Shown(show),
        Behaviour::Link(target) => Source::Link(target),
        Behaviour::ResultFile(show) => Source::Result(show),
        Behaviour::Dir(_) if value_type == ValueType::Names => Source::Names(spec.row),
        Behaviour::Dir(_)
        | Behaviour::Transaction
        | Behaviour::Ask
        | Behaviour::Bulk
        | Behaviour::RequestFile(_)
        | Behaviour::Stream
        | Behaviour::History
        | Behaviour::Export
        | Behaviour::LastError => return None,
    };
    let sentence = spec.doc;
    Some(Member {
        key,
        value_type,
        source,
        sentence,
    })
}

/// Returns the members of the objects of a directory, in the order of the table.
fn members(dir: Row) -> impl Iterator<Item = Member> {
    let facts = if dir == Row::Root { &FACTS[..] } else { &[] };
    let facts = facts
        .iter()
        .map(|&(key, value_type, show, sentence)| Member {
            key,
            value_type,
            source: Source::Shown(show),
            sentence,
        });
    facts.chain(children(dir).filter_map(member))
}

impl Member {
    fn value(&self, view: &View, no: ObjectNo) -> Result<Value> {
        Ok(match self.source {
            Source::Shown(show) => self.value_type.value(&show(view, no)?),
            Source::Result(show) => {
                show(view, no)?.map_or(Value::Null, |text| self.value_type.value(&text))
            }
            Source::Link(target) => match target(view, no)? {
                Some(node) => {
                    home_path(view, node)?.map_or(Value::Null, |path| path.join("/").into())
                }
                None => Value::Null,
            },
            Source::Names(dir) => {
                let entries = listing::list(view, Node::new(dir, no), 0, NAMES)?;
                entries.into_iter().map(|entry| entry.name).collect()
            }
        })
    }

    fn schema(&self) -> Value {
        match self.source {
            Source::Shown(_) | Source::Names(_) => self.value_type.schema(self.sentence),
            Source::Link(_) => json!({
                "description": format!("{} Its path from the root of the tree, null if there is none.", self.sentence),
                "type": ["string", "null"]
            }),
            Source::Result(_) => json!({"description": self.sentence, "type": ["string", "null"]}),
        }
    }
}

fn called(dir: Row) -> &'static str {
    let object = OBJECTS.iter().find(|(row, _)| *row == dir);
    object.map_or("object", |(_, word)| word)
}

/// The object of a directory.
pub(crate) fn info(view: &View, dir: Row, no: ObjectNo) -> Result<String> {
    let node = Node::new(dir, no);
    let path = home_path(view, node)?.unwrap_or_default();
    let mut out = Map::new();
    out.insert("object".to_owned(), called(dir).into());
    out.insert("path".to_owned(), path.join("/").into());
    out.insert(
        "modified".to_owned(),
        modified_of(view, node)?.to_string().into(),
    );
    for member in members(dir) {
        out.insert(member.key.to_owned(), member.value(view, no)?);
    }
    Ok(format!("{:#}\n", Value::Object(out)))
}

/// Returns the schema of every `info.json` (JSON Schema 2020-12), newline-terminated.
pub fn info_schema() -> String {
    let mut objects = Map::new();
    for (dir, word) in OBJECTS {
        let mut properties = Map::new();
        properties.insert(
            "object".to_owned(),
            json!({"description": "What it is.", "const": word}),
        );
        let path = "Path of its directory from the root of the tree.";
        properties.insert("path".to_owned(), ValueType::Text.schema(path));
        let modified = "The last event that touched it.";
        properties.insert("modified".to_owned(), ValueType::Time.schema(modified));
        properties.extend(members(dir).map(|member| (member.key.to_owned(), member.schema())));
        let required: Vec<&String> = properties.keys().collect();
        let object = json!({"type": "object", "required": required, "properties": properties});
        objects.insert(word.to_owned(), object);
    }
    let one_of: Vec<Value> = OBJECTS
        .iter()
        .map(|(_, word)| json!({"$ref": format!("#/$defs/{word}")}))
        .collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "info.json of ntmsfs",
        "description": "What the files of one object say. Later versions may add members.",
        "oneOf": one_of,
        "$defs": objects
    });
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::tests::Sample;
    use crate::fs::tree::TREE;

    #[test]
    fn what_looks_like_a_number_or_a_time_is_declared_as_one() {
        let sample = Sample::new();
        let mut seen = Vec::new();
        for (path, node) in sample.paths() {
            let spec = crate::fs::tree::spec(node.row);
            let (Behaviour::Shown(_) | Behaviour::Attr(..), ValueType::Text) =
                (spec.behaviour, value_type(node.row))
            else {
                continue;
            };
            let text = sample.shows(&path);
            let text = text.trim_end();
            let number = text.parse::<f64>().is_ok();
            let time = crate::domain::time::Time::parse(text).is_ok();
            let length = crate::domain::time::Limit::parse(text).is_ok();
            assert!(
                !(number || time || length),
                "{path} shows {text}: declare {:?} in src/fs/show/value_type.rs",
                node.row
            );
            seen.push(node.row);
        }
        assert!(seen.len() > 20, "the files were visited");
    }

    #[test]
    fn every_object_has_its_members() {
        let sample = Sample::new();
        for (dir, word) in OBJECTS {
            let below = TREE
                .iter()
                .find(|spec| spec.name == Name::Is(NAME) && spec.parents == [dir]);
            assert!(below.is_some(), "{word} has no {NAME}");
        }
        let object = |path: &str| -> Value { serde_json::from_str(&sample.shows(path)).unwrap() };
        let pool = object("pools/Backup/info.json");
        for (key, value) in [
            ("object", json!("pool")),
            ("path", json!("pools/Backup")),
            ("modified", json!("2023-11-14T22:13:20.020Z")),
            ("allocate_from_free", json!(true)),
            ("default_timeout", json!(90_000)),
            ("max_allocates", json!(0)),
            ("media_type", json!("LTO-8")),
        ] {
            assert_eq!(pool.get(key), Some(&value), "{key}");
        }
        assert_eq!(pool["counts"]["offline"], json!(1));
        assert!(pool.get("why").is_none() && pool.get("allocate").is_none());
        let medium = object("pools/Archive/pools/Täglich \"日本\" a\\x0a/media/..ö /info.json");
        assert_eq!(medium["sides"], json!(["A", "B"]));
        assert_eq!(medium["slot"], Value::Null);
        assert_eq!(
            medium["pool"],
            json!("pools/Archive/pools/Täglich \"日本\" a\\x0a")
        );
        let root = object("info.json");
        for (key, number) in [
            ("pools", 7),
            ("media", 4),
            ("sides", 5),
            ("allocatable", 1),
            ("libraries", 1),
        ] {
            assert_eq!(root[key], json!(number), "{key}");
        }
        assert_eq!(object("operator/80/info.json")["result"], Value::Null);
        assert_eq!(
            object("operator/81/info.json")["result"],
            json!("satisfied")
        );
    }
}
