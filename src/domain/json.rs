//! JSON requests: one flat object with known keys.
//!
//! Invariants: at most [`LINE_MAX`] bytes; a key occurs once; nothing nests deeper than a list of text, so hostile
//! text costs neither stack nor more memory than it has bytes. What a value means is not decided here.

use super::error::{ErrorKind, Refusal, Result};
use super::words::{self, LINE_MAX};
use serde::de::{Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What stands behind a key, in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The protocol's NULL pointer.
    Null,
    /// A word without a value, or a JSON truth value.
    Flag(bool),
    /// A whole number in any notation that the key has, not yet checked.
    Number(String),
    /// Text.
    Text(String),
    /// Several words.
    List(Vec<String>),
}

impl Value {
    /// Names the kind of value for a sentence.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
        }
    }

    /// The refusal of a value of the wrong kind.
    pub fn unfit(&self, key: &str, wanted: &str) -> Refusal {
        words::bad(
            key,
            &format!("{} does not fit; it takes {wanted}", self.kind()),
        )
    }

    /// Returns the text, refused if it is something else.
    pub fn text(self, key: &str) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::List(_) => {
                Err(self.unfit(key, "text"))
            }
        }
    }

    /// Returns the text of an identifier; null is the protocol's NULL pointer.
    pub fn identifier(self, key: &str) -> Result<String> {
        if matches!(self, Self::Null) {
            let wrong = "null is the NULL pointer of the protocol; leave the word out for any";
            return Err(words::bad(key, wrong));
        }
        self.text(key)
    }
}

/// Returns whether a request is in the JSON form, also one that is refused.
pub fn is_json(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('{')
}

/// Reads one object with the given keys, in the order in which it has them. Anything else around or in it is
/// refused with [`ErrorKind::InvalidParameter`]; what is wrong with a value names its key.
pub fn object(text: &str, keys: &[&'static str]) -> Result<Vec<(&'static str, Value)>> {
    if text.len() > LINE_MAX {
        return Err(ErrorKind::InvalidParameter.because("the request is longer than 4096 bytes"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(ObjectVisitor { keys })
        .and_then(|given| json.end().map(|()| given))
        .map_err(|error| ErrorKind::InvalidParameter.because(format!("JSON: {error}")))
}

/// Reads the object. Unknown and repeated keys are refused, which a map of `serde_json` would not do.
struct ObjectVisitor<'a> {
    /// The keys that the object may have.
    keys: &'a [&'static str],
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Vec<(&'static str, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut given: Self::Value = Vec::new();
        while let Some(written) = map.next_key::<String>()? {
            let Some(&key) = self.keys.iter().find(|key| **key == written) else {
                return Err(A::Error::custom(
                    words::unknown(&written, self.keys.iter().copied()).sentence,
                ));
            };
            if given.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(words::repeated(key, key).sentence));
            }
            let value = map
                .next_value()
                .map_err(|error| A::Error::custom(format_args!("{key}: {error}")))?;
            given.push((key, value));
        }
        Ok(given)
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(json: D) -> std::result::Result<Self, D::Error> {
        json.deserialize_any(ValueVisitor)
    }
}

/// Reads one value. Objects and lists of anything but text do not occur, which bounds the nesting.
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, true, false or a list of text")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> std::result::Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            texts.push(text);
        }
        Ok(Value::List(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&str; 2] = ["name", "count"];

    #[test]
    fn objects_keep_their_order_and_values() {
        let text = r#" {"count": [ "a", "" ], "name": -1} "#;
        let list = Value::List(vec!["a".to_owned(), String::new()]);
        let values = object(text, &KEYS).unwrap();
        assert_eq!(values.first(), Some(&("count", list)));
        assert_eq!(object("{}", &KEYS), Ok(Vec::new()));
        let number = object(r#"{"name":18446744073709551615}"#, &KEYS);
        let largest = Value::Number("18446744073709551615".to_owned());
        assert_eq!(number, Ok(vec![("name", largest)]));
    }

    #[test]
    fn what_is_not_a_flat_object_is_refused() {
        for text in [
            "",
            "[]",
            "null",
            "{}x",
            r#"{"name":{}}"#,
            r#"{"name":[null]}"#,
            r#"{"name":1.0}"#,
            r#"{"name":1e400}"#,
            r#"{"name":1,"name":1}"#,
            r#"{"name":1,"n\u0061me":1}"#,
            r#"{"Name":1}"#,
            r#"{"name":1,}"#,
            "{} {}",
            "{",
            "{\"name\":\"a\nb\"}",
            "{\"name\":\"\\ud800\"}",
        ] {
            let refusal = object(text, &KEYS).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_is_read_back(name in any::<String>(), flag in any::<bool>()) {
            let text = serde_json::json!({"name": name, "count": flag}).to_string();
            let values = vec![("name", Value::Text(name)), ("count", Value::Flag(flag))];
            prop_assert_eq!(object(&text, &KEYS), Ok(values));
        }

        #[test]
        fn reading_never_panics(text in any::<String>(), near in "\\{[\\[\\]{}\",:0-9a-z\\\\]{0,40}") {
            drop(object(&text, &KEYS));
            drop(object(&near, &KEYS));
        }
    }
}
