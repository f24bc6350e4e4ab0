//! The allocation request: what was written, checked as far as it can be without a catalog.
//!
//! Invariants: a request is understood with every word or refused; the text form and the JSON form go through the
//! same checks; a value of [`AllocateRequest`] that `parse` made never holds a nil GUID, for on the wire that is
//! "any", which here is `None`. Whether the named things exist is not decided here.
//!
//! Source: MS-RSMP, `AllocateNtmsMedia`.

use super::error::{ErrorKind, Refusal, Result};
use super::id::Guid;
use super::json::{self, Value};
use super::time::Limit;
use super::words::{self, Known, Words};
use std::fmt;

pub use super::options::Options;

/// Longest name of a logical medium in characters (MS-RSMP, `szName`).
pub const NAME_CHARS_MAX: usize = 64;

/// The words of the text form and the keys of the JSON form that they stand for.
const WORDS: [Known; 12] = [
    ("new", "new"),
    ("next", "next"),
    ("error-if-unavailable", "error-if-unavailable"),
    ("options=", "options"),
    ("timeout=", "timeout"),
    ("side=", "side"),
    ("partition=", "side"),
    ("media=", "media"),
    ("lmid=", "media"),
    ("allocate-information", "allocate_information"),
    ("name=", "name"),
    ("description=", "description"),
];

/// The keys of the JSON form, and the order in which either form is read.
const KEYS: [&str; 7] = [
    "options",
    "timeout",
    "side",
    "media",
    "allocate_information",
    "name",
    "description",
];

/// How a request names a side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SideName {
    /// By its identifier; never nil.
    Id(Guid),
    /// By the name of its medium and its own, for example `A00001L8/A`.
    Path {
        /// The name of the medium, a valid object name.
        medium: String,
        /// The name of the side in it, a valid object name.
        side: String,
    },
}

/// A request for one side of a medium (MS-RSMP, `AllocateNtmsMedia`). The default is the empty line: any side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllocateRequest {
    /// `dwOptions`; never both `NEW` and `NEXT`.
    pub options: Options,
    /// `dwTimeout`; `None`: the default of the pool.
    pub timeout: Option<Limit>,
    /// `lpPartition`; `None`: any.
    pub side: Option<SideName>,
    /// `lpMediaId` on input, an LMID; `None`: none given.
    pub media: Option<Guid>,
    /// Whether the result says where the medium came from (`lpAllocateInformation`).
    pub allocate_information: bool,
    /// The name of the new logical medium, 1 to 64 characters.
    pub name: Option<String>,
    /// The description of the new logical medium, 0 to 127 characters.
    pub description: Option<String>,
    /// Whether the request was JSON, so that its result is.
    pub json: bool,
}

impl AllocateRequest {
    /// Reads one complete request: a line of words without its newline, or one JSON object, at most 4096 bytes.
    ///
    /// Refused with [`ErrorKind::InvalidParameter`] and a sentence that names the word or key; with
    /// [`ErrorKind::InvalidMedia`] if `next` is asked for and `media` or `side` is not an identifier.
    pub fn parse(text: &str) -> Result<Self> {
        let is_json = json::is_json(text);
        let given = if is_json {
            json::object(text, &KEYS)?
        } else {
            read_words(text)?
        };
        let mut draft = Draft::default();
        for (key, value) in given {
            draft.set(key, value)?;
        }
        let mut request = draft.finish()?;
        request.json = is_json;
        Ok(request)
    }

    /// Writes the canonical form in one line: words, or one JSON object if the request was JSON. `parse` reads the
    /// same request back; a request that `parse` made always fits into 4096 bytes.
    pub fn to_line(&self) -> String {
        if self.json {
            return self.to_object().to_string();
        }
        let mut line: Vec<String> = self.options.words().map(str::to_owned).collect();
        for (key, value) in self.pairs() {
            line.push(format!("{key}={}", words::quoted(&value)));
        }
        line.extend(
            self.allocate_information
                .then(|| "allocate-information".to_owned()),
        );
        line.join(" ")
    }

    /// The keys that have text, and their text.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("timeout", self.timeout.map(|limit| limit.to_string())),
            ("side", self.side.as_ref().map(SideName::to_string)),
            ("media", self.media.map(|id| id.to_string())),
            ("name", self.name.clone()),
            ("description", self.description.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }

    /// The request as a JSON object; what was not given is left out.
    fn to_object(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        if !self.options.is_empty() {
            let options: Vec<&str> = self.options.words().collect();
            object.insert("options".to_owned(), options.into());
        }
        object.extend(
            self.pairs()
                .map(|(key, value)| (key.to_owned(), value.into())),
        );
        if self.allocate_information {
            object.insert("allocate_information".to_owned(), true.into());
        }
        object.into()
    }
}

impl fmt::Display for SideName {
    /// Writes the value of `side=`, unquoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Path { medium, side } => write!(f, "{medium}/{side}"),
        }
    }
}

/// A request of which the identifiers are not read yet, because what is wrong with them depends on the options.
#[derive(Debug, Default)]
struct Draft {
    /// What is complete.
    request: AllocateRequest,
    /// The text of `side`.
    side: Option<String>,
    /// The text of `media`.
    media: Option<String>,
}

impl Draft {
    /// Takes one key and its value.
    fn set(&mut self, key: &'static str, value: Value) -> Result<()> {
        match key {
            "timeout" => self.request.timeout = Some(timeout(value)?),
            "side" => self.side = Some(value.identifier(key)?),
            "media" => self.media = Some(value.identifier(key)?),
            "name" => self.request.name = Some(name(key, &value.text(key)?)?),
            "description" => {
                let text = words::text(key, &value.text(key)?, 0..=words::DESCRIPTION_MAX)?;
                self.request.description = Some(text);
            }
            "allocate_information" => {
                let Value::Flag(flag) = value else {
                    return Err(value.unfit(key, "true or false"));
                };
                self.request.allocate_information = flag;
            }
            _ => self.request.options.add(options(value)?)?,
        }
        Ok(())
    }

    /// Checks the options against each other and reads the identifiers.
    fn finish(self) -> Result<AllocateRequest> {
        let mut request = self.request;
        if request.options.contains(Options::NEW | Options::NEXT) {
            return Err(ErrorKind::InvalidParameter.because("new and next exclude each other"));
        }
        let kind = if request.options.contains(Options::NEXT) {
            ErrorKind::InvalidMedia
        } else {
            ErrorKind::InvalidParameter
        };
        let as_kind = |refusal: Refusal| kind.because(refusal.sentence);
        if let Some(text) = self.side {
            request.side = side(&text).map_err(as_kind)?;
        }
        if let Some(text) = self.media {
            request.media = guid("media", &text).map_err(as_kind)?;
        }
        Ok(request)
    }
}

/// Reads the options: a list of names, or the number on the wire.
fn options(value: Value) -> Result<Options> {
    match value {
        Value::Number(text) => Options::from_number(&text),
        Value::List(names) => Options::from_names(names.iter().map(String::as_str)),
        Value::Null | Value::Flag(_) | Value::Text(_) => {
            Err(value.unfit("options", "a list of names or a number"))
        }
    }
}

/// Reads the timeout.
fn timeout(value: Value) -> Result<Limit> {
    match value {
        Value::Text(text) | Value::Number(text) => Limit::of("timeout", &text),
        Value::Null | Value::Flag(_) | Value::List(_) => {
            Err(value.unfit("timeout", "a number of milliseconds or text such as 90s"))
        }
    }
}

/// Checks the name of a logical medium: an object name within the protocol's limit.
fn name(key: &str, text: &str) -> Result<String> {
    words::object_name(key, text)?;
    words::text(key, text, 1..=NAME_CHARS_MAX)
}

/// Reads the value of `side`: `<medium>/<side>`, split at the last `/`, or a GUID.
pub(super) fn side(text: &str) -> Result<Option<SideName>> {
    let Some((medium, side)) = text.rsplit_once('/') else {
        return Ok(guid("side", text)?.map(SideName::Id));
    };
    Ok(Some(SideName::Path {
        medium: words::object_name("side", medium)?,
        side: words::object_name("side", side)?,
    }))
}

/// Reads a GUID; the nil GUID means any, as if it had been left out.
pub(super) fn guid(key: &str, text: &str) -> Result<Option<Guid>> {
    let id = Guid::parse(text).map_err(|refusal| words::bad(key, &refusal.sentence))?;
    Ok(Some(id).filter(|id| !id.is_nil()))
}

/// Reads the text form to keys and values.
fn read_words(line: &str) -> Result<Vec<(&'static str, Value)>> {
    let mut found = Words::collect(words::split(line)?, &WORDS)?;
    let mut given = Vec::new();
    for word in Options::all().words() {
        if found.take(word).is_some() {
            given.push(("options", Value::List(vec![word.to_owned()])));
        }
    }
    for key in KEYS {
        if let Some(text) = found.take(key) {
            given.push((key, text_value(key, text)));
        }
    }
    Ok(given)
}

/// Gives the value of a word the kind that its key has in the text form.
fn text_value(key: &str, text: String) -> Value {
    match (key, text.as_str()) {
        ("allocate_information", _) => Value::Flag(true),
        ("side" | "media", "null") => Value::Null,
        ("options", t) if t.starts_with(|c: char| c.is_ascii_digit()) => Value::Number(text),
        ("options", t) => Value::List(t.split(',').map(str::to_owned).collect()),
        _ => Value::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    const ID: &str = "0198c2f0-1111-7abc-8def-0123456789ab";

    fn good(text: &str) -> AllocateRequest {
        AllocateRequest::parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
    }

    #[test]
    fn an_empty_line_asks_for_any_side() {
        for text in ["", "  ", "\t"] {
            assert_eq!(good(text), AllocateRequest::default());
            assert_eq!(good(text).to_line(), "");
        }
        let any = AllocateRequest {
            json: true,
            ..AllocateRequest::default()
        };
        assert_eq!(good(" {} \r\n"), any);
        assert_eq!(any.to_line(), "{}");
    }

    #[test]
    fn both_forms_say_the_same() {
        for (line, object) in [
            ("new", r#"{"options":["new"]}"#),
            ("options=new,error-if-unavailable", r#"{"options":5}"#),
            (
                "options=0X6",
                r#"{"options":["error-if-unavailable","next"]}"#,
            ),
            ("next options=4", r#"{"options":6}"#),
            ("options=0", r#"{"options":[]}"#),
            ("timeout=90s", r#"{"timeout":90000}"#),
            ("timeout=-1", r#"{"timeout":-1}"#),
            ("timeout=infinite", r#"{"timeout":4294967295}"#),
            ("timeout=\"0\"", r#"{"timeout":"0"}"#),
            ("partition=A00001L8/A", r#"{"side":"A00001L8/A"}"#),
            ("lmid=00000000-0000-0000-0000-000000000000", "{}"),
            ("side=00000000000000000000000000000000", r#"{"options":0}"#),
            (
                "description='' name='a \"b\"'",
                r#"{"name":"a \"b\"","description":""}"#,
            ),
            ("allocate-information", r#"{"allocate_information":true}"#),
            ("", r#"{"allocate_information":false}"#),
        ] {
            let json = AllocateRequest {
                json: true,
                ..good(line)
            };
            assert_eq!(good(object), json, "{line}");
            assert_eq!(good(&good(line).to_line()), good(line));
            assert_eq!(good(&json.to_line()), json);
        }
    }

    #[test]
    fn the_canonical_line() {
        let text = format!(
            "name=\"$a\" allocate-information error-if-unavailable timeout=60000 media={{{ID}}} \
             new side='odd name/B'",
        );
        let line = format!(
            "new error-if-unavailable timeout=1m side=\"odd name/B\" media={ID} name=\"\\$a\" \
             allocate-information"
        );
        assert_eq!(good(&text).to_line(), line);
        let side = good(&text).side;
        let (medium, name) = ("odd name".to_owned(), "B".to_owned());
        assert_eq!(side, Some(SideName::Path { medium, side: name }));
        let id = Guid::parse(ID).unwrap();
        assert_eq!(good(&format!("side={ID}")).side, Some(SideName::Id(id)));
    }

    #[test]
    fn refused_lines_name_the_word() {
        for (line, named) in [
            ("newer", "\"newer\": no such word; the nearest one is new"),
            ("new=1", "new"),
            ("timeout", "timeout="),
            ("NEW", "NEW"),
            ("new new", "new is given twice"),
            ("new options=1", "new is given twice"),
            ("options=new,new", "new is given twice"),
            ("options=1 options=4", "options"),
            ("side=a/A partition=a/A", "partition and side"),
            ("options=", "options: "),
            ("options=0x8", "options: \"0x8\""),
            ("options=8", "options: "),
            ("options=0x+1", "options: "),
            ("new next", "new and next"),
            ("options=3", "new and next"),
            ("timeout=", "timeout: "),
            ("timeout=1.5s", "timeout: \"1.5s\""),
            ("timeout=4294967296", "timeout: "),
            ("side=null", "side: null"),
            ("partition=null", "side: null"),
            ("next media=null", "media: null"),
            ("media=", "media: \"\""),
            ("media=a/A", "media: "),
            ("side=A00001L8", "side: "),
            ("side=/A", "side: "),
            ("side=m/", "side: "),
            ("side=a/b/A", "side: "),
            ("name=", "name: "),
            ("name='a\u{1}'", "name: "),
            ("description='\u{7f}'", "description: "),
            ("name='a", "quotation"),
            ("new # any", "#"),
        ] {
            let refusal = AllocateRequest::parse(line).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{line}");
            assert!(refusal.sentence.contains(named), "{line}: {refusal}");
        }
    }

    #[test]
    fn refused_objects_name_the_key() {
        for (object, named) in [
            ("{", "JSON: "),
            (r#"{"lmid":"x"}"#, "lmid"),
            (r#"{"optoins":[]}"#, "options"),
            (r#"{"timeout":1,"timeout":1}"#, "timeout is given twice"),
            (r#"{"options":"new"}"#, "options: "),
            (r#"{"options":["old"]}"#, "options: "),
            (r#"{"options":[1]}"#, "options: "),
            (r#"{"options":5.0}"#, "options: "),
            (r#"{"options":-1}"#, "options: "),
            (r#"{"options":null}"#, "options: null"),
            (r#"{"timeout":1.5}"#, "timeout: "),
            (r#"{"timeout":null}"#, "timeout: null"),
            (r#"{"side":null}"#, "side: null"),
            (r#"{"options":2,"media":null}"#, "media: null"),
            (r#"{"media":5}"#, "media: "),
            (r#"{"allocate_information":1}"#, "allocate_information: "),
            (r#"{"name":null}"#, "name: null"),
            (r#"{"name":"a\u0000b"}"#, "name: "),
            (r#"{"description":false}"#, "description: "),
        ] {
            let refusal = AllocateRequest::parse(object).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{object}");
            assert!(refusal.sentence.contains(named), "{object}: {refusal}");
        }
        let deep = format!("{{\"side\":{}", "[".repeat(4000));
        assert!(AllocateRequest::parse(&deep).is_err());
    }

    #[test]
    fn next_makes_a_bad_identifier_invalid_media() {
        for text in [
            "media=42 next",
            "options=0x2 side=42",
            "side=/A next",
            "next media=",
            r#"{"media":"42","options":["next"]}"#,
        ] {
            let refusal = AllocateRequest::parse(text).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidMedia, "{text}");
        }
        let kind = |text| AllocateRequest::parse(text).unwrap_err().kind;
        for line in ["next media=42 colour=red", "new next media=42"] {
            assert_eq!(kind(line), ErrorKind::InvalidParameter);
        }
    }

    #[test]
    fn lengths_have_the_limits_of_the_protocol() {
        let e = "\u{e9}";
        for (word, longest) in [("name", 64), ("description", 127)] {
            let line = |length| format!("{word}={}", e.repeat(length));
            assert!(AllocateRequest::parse(&line(longest)).is_ok());
            assert!(AllocateRequest::parse(&line(longest + 1)).is_err());
        }
        let (side, text) = ("$".repeat(255), "$".repeat(127));
        let largest = good(&format!(
            "side='{side}/{side}' name='{}' description='{text}'",
            "$".repeat(64)
        ));
        assert_eq!(good(&largest.to_line()), largest);
        let spaces = " ".repeat(4094);
        assert!(AllocateRequest::parse(&format!("{{{spaces}}}")).is_ok());
        assert!(AllocateRequest::parse(&format!("{{ {spaces}}}")).is_err());
    }

    /// Text of so many characters that is a valid name if it is not too long.
    fn any_name(chars: usize) -> impl Strategy<Value = String> {
        let fit = |c: char| {
            if words::object_name("", &c.to_string()).is_ok() {
                c
            } else {
                '"'
            }
        };
        proptest::collection::vec(any::<char>().prop_map(fit), 1..=chars)
            .prop_map(String::from_iter)
    }

    fn any_side() -> impl Strategy<Value = SideName> {
        prop_oneof![
            (1..u128::MAX).prop_map(|n| SideName::Id(Guid(uuid::Uuid::from_u128(n)))),
            (any_name(60), any_name(60)).prop_map(|(medium, side)| SideName::Path { medium, side }),
        ]
    }

    prop_compose! {
        fn any_request()(
            bits in 0..8_u32, timeout in of(any::<u32>()), side in of(any_side()),
            media in of(1..u128::MAX), flags in any::<(bool, bool)>(),
            name in of(any_name(63)), description in of(any_name(127)),
        ) -> AllocateRequest {
            let options = Options::from_bits_truncate(if bits & 3 == 3 { bits - 1 } else { bits });
            AllocateRequest {
                options,
                timeout: timeout.map(Limit::from_ms),
                side,
                media: media.map(|n| Guid(uuid::Uuid::from_u128(n))),
                allocate_information: flags.0,
                name,
                description,
                json: flags.1,
            }
        }
    }

    proptest! {
        #[test]
        fn a_request_is_read_back(request in any_request()) {
            let line = request.to_line();
            prop_assert!(line.len() <= words::LINE_MAX && !line.contains('\n'));
            prop_assert_eq!(AllocateRequest::parse(&line), Ok(request));
        }

        #[test]
        fn parsing_never_panics(
            text in any::<String>(),
            near in "((new|next|options=|side=|media=|name=|[0-9a-fx,/'\"\\\\#]{0,9}) ?){0,9}",
            json in "\\{((\"(options|side|name)\":)?([\\[\\]{}0-9.,]|null|\"new\")){0,9}\\}",
        ) {
            for text in [text, near, json] {
                if let Ok(request) = AllocateRequest::parse(&text) {
                    prop_assert_eq!(AllocateRequest::parse(&request.to_line()), Ok(request));
                }
            }
        }
    }
}
