//! What the text of a file is as a value, for `info.json` and its schema.
//!
//! Invariants: a row of [`crate::fs::tree::TREE`] that is not named here is text, so a new attribute is in `info.json` by itself;
//! what a type makes of a text fits the schema of the type, or the text itself is shown.

use crate::domain::time::Limit;
use crate::fs::node::Row;
use serde_json::{Map, Value, json};

/// What a text means. The empty text of a number, a length of time or a time is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// 1 or 0: true or false.
    Switch,
    /// A length of time: milliseconds, null if it never ends.
    Duration,
    /// RFC 3339 in UTC.
    Time,
    /// A table of words and numbers.
    Counts,
    /// The names in a directory, which are few.
    Names,
    /// Nothing of an object: it is not shown.
    Omitted,
}

/// Returns the type of a row's file; the only directories that have one are those with few entries.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not declared is text, and a test finds numbers among that"
)]
pub(super) const fn value_type(row: Row) -> ValueType {
    match row {
        Row::PoolAllocateFromFree
        | Row::PoolDeallocateToFree
        | Row::MediumEnabled
        | Row::LibraryEnabled
        | Row::LibraryAutoRecovery
        | Row::SettingAttended
        | Row::SettingOperatorAutoPurge
        | Row::SettingOperatorKeepFailed => ValueType::Switch,
        Row::PoolDefaultTimeout
        | Row::PoolPurgeTime
        | Row::PoolReuseDelay
        | Row::DriveDeferDelay
        | Row::SettingOperatorPurgeTime
        | Row::SettingHookTimeout
        | Row::SettingRetention => ValueType::Duration,
        Row::LogicalAllocatedAt
        | Row::OperatorSubmitted
        | Row::SideRestsUntil
        | Row::WorkQueued
        | Row::WorkCompleted => ValueType::Time,
        Row::PoolCounts => ValueType::Counts,
        Row::PoolMaxAllocates
        | Row::PoolWantAvailable
        | Row::SideCapacity
        | Row::MediumSequenceNumber
        | Row::SideMounts
        | Row::SideAllocations
        | Row::LogicalOwner
        | Row::SlotNumber
        | Row::DriveNumber
        | Row::PortNumber
        | Row::OperatorBy
        | Row::WorkPriority
        | Row::WorkOrder
        | Row::WorkBy
        | Row::TypeSides => ValueType::Number,
        Row::Sides => ValueType::Names,
        Row::Readme
        | Row::Status
        | Row::StatusPage
        | Row::LibraryStatus
        | Row::LibraryMap
        | Row::Metrics
        | Row::PoolWhy => ValueType::Omitted,
        _ => ValueType::Text,
    }
}

impl ValueType {
    /// Returns the value of a text, given with its newline.
    pub(super) fn value(self, text: &str) -> Value {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let read = match self {
            Self::Number | Self::Duration | Self::Time if text.is_empty() => Some(Value::Null),
            Self::Number => text.parse::<i64>().ok().map(Value::from),
            Self::Switch => match text {
                "0" => Some(Value::Bool(false)),
                "1" => Some(Value::Bool(true)),
                _ => None,
            },
            Self::Duration => Limit::parse(text).ok().map(|limit| Value::from(limit.ms())),
            Self::Counts => counts(text),
            Self::Text | Self::Time | Self::Names | Self::Omitted => None,
        };
        read.unwrap_or_else(|| Value::from(text))
    }

    /// Returns the schema of the values, with a sentence.
    pub(super) fn schema(self, sentence: &str) -> Value {
        let count = json!({"type": "integer", "minimum": 0});
        match self {
            Self::Text | Self::Omitted => json!({"description": sentence, "type": "string"}),
            Self::Number => json!({"description": sentence, "type": ["integer", "null"]}),
            Self::Switch => json!({"description": sentence, "type": "boolean"}),
            Self::Duration => json!({
                "description": format!("{sentence} In milliseconds; null never ends."),
                "type": ["integer", "null"], "minimum": 0
            }),
            Self::Time => json!({
                "description": sentence, "type": ["string", "null"], "format": "date-time",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"
            }),
            Self::Counts => json!({
                "description": sentence, "type": "object", "additionalProperties": count
            }),
            Self::Names => json!({
                "description": sentence, "type": "array", "items": {"type": "string"}, "uniqueItems": true
            }),
        }
    }
}

/// Reads lines of a word and a number; `None` if one is something else.
fn counts(text: &str) -> Option<Value> {
    let mut out = Map::new();
    for line in text.lines() {
        let (word, number) = line.split_once(' ')?;
        let number: u64 = number.trim_start().parse().ok()?;
        out.insert(word.to_owned(), Value::from(number));
    }
    Some(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_as_values() {
        for (value_type, text, value) in [
            (ValueType::Text, "a \"b\"\n", json!("a \"b\"")),
            (ValueType::Text, "\n", json!("")),
            (ValueType::Text, "7\n", json!("7")),
            (ValueType::Number, "-7\n", json!(-7)),
            (ValueType::Number, "\n", Value::Null),
            (ValueType::Number, "many\n", json!("many")),
            (ValueType::Switch, "1\n", json!(true)),
            (ValueType::Switch, "0\n", json!(false)),
            (ValueType::Switch, "\n", json!("")),
            (ValueType::Duration, "72h\n", json!(259_200_000)),
            (ValueType::Duration, "0\n", json!(0)),
            (ValueType::Duration, "infinite\n", Value::Null),
            (
                ValueType::Time,
                "1970-01-01T00:00:00.000Z\n",
                json!("1970-01-01T00:00:00.000Z"),
            ),
            (ValueType::Time, "\n", Value::Null),
            (
                ValueType::Counts,
                "available   3\noffline     0\n",
                json!({"available": 3, "offline": 0}),
            ),
            (ValueType::Counts, "\n", json!({})),
        ] {
            assert_eq!(value_type.value(text), value, "{value_type:?} {text:?}");
        }
    }
}
