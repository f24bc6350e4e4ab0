//! A request to a person: what was written to `ask`, checked as far as it can be without a catalog, and what its event
//! carries.
//!
//! Invariants: every word is understood or refused; which objects a command takes is one table; text for people has at
//! most 256 bytes and no control characters. Whether the objects exist is not decided here.
//!
//! Source: MS-RSMP, `SubmitNtmsOperatorRequest`; reference sections 2.13 and 6.12.

use super::error::{ErrorKind, Refusal, Result};
use super::id::ObjectNo;
use super::json::{self, Value};
use super::name;
use super::state::{ElementKind, OperatorCommand};
use super::time::{Limit, Time};
use super::words;
use serde::{Deserialize, Serialize};

/// Longest text for people in bytes (MS-RSMP, `szMessage`).
pub const MESSAGE_MAX: usize = 256;

/// Keys of the JSON form; those of the text form are the same with `=`, but the command stands alone.
const KEYS: [&str; 9] = [
    "command", "pool", "library", "medium", "drive", "slot", "port", "timeout", "text",
];

/// What a command takes: one of the first must be there, of the second any, of the third at most one.
struct Takes {
    one_of: &'static [&'static str],
    any: &'static [&'static str],
    part: &'static [&'static str],
}

/// Returns what a command takes (reference section 2.13: Arg1, Arg2).
const fn takes(command: OperatorCommand) -> Takes {
    let (one_of, any, part): (&[_], &[_], &[_]) = match command {
        OperatorCommand::NewMedia => (&["pool"], &["library"], &[]),
        OperatorCommand::Cleaner => (&["library"], &[], &["slot"]),
        OperatorCommand::DeviceService => (&["library", "medium"], &[], &["drive", "slot", "port"]),
        OperatorCommand::MoveMedia => (&["medium"], &["library"], &[]),
        OperatorCommand::Message => (&["text"], &[], &[]),
    };
    Takes { one_of, any, part }
}

/// A request for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRequest {
    /// What is asked.
    pub command: OperatorCommand,
    /// A pool by its path below `pools`, such as `Backup/Daily`, or its identifier.
    pub pool: Option<String>,
    /// A library by its name or identifier.
    pub library: Option<String>,
    /// A medium by its name or identifier.
    pub medium: Option<String>,
    /// A part of the library.
    pub part: Option<(ElementKind, u32)>,
    /// Text for people, 1 to 256 bytes.
    pub text: Option<String>,
    /// How long the answer is waited for.
    pub timeout: Limit,
    /// Whether the request was JSON, so that its result is.
    pub json: bool,
}

impl OperatorRequest {
    /// Reads one complete request: a line of words without its newline, or one JSON object, at most 4096 bytes. Refused
    /// with [`ErrorKind::InvalidParameter`] and a sentence that names the word.
    pub fn parse(line: &str) -> Result<Self> {
        let is_json = json::is_json(line);
        let mut given = if is_json {
            json::object(line, &KEYS)?
                .into_iter()
                .map(|(key, value)| Ok((key, plain(key, value)?)))
                .collect::<Result<Vec<_>>>()?
        } else {
            read_words(line)?
        };
        let mut take = |key: &str| {
            let at = given.iter().position(|(found, _)| *found == key)?;
            Some(given.swap_remove(at).1)
        };
        let Some(word) = take("command") else {
            return Err(no_command(None));
        };
        let command =
            OperatorCommand::from_word(&word).ok_or_else(|| no_command(Some(word.as_str())))?;
        let mut request = Self {
            command,
            pool: take("pool"),
            library: take("library"),
            medium: take("medium"),
            part: None,
            text: take("text").map(|text| message(&text)).transpose()?,
            timeout: take("timeout")
                .map_or(Ok(Limit::Never), |text| Limit::of("timeout", &text))?,
            json: is_json,
        };
        for kind in [ElementKind::Drive, ElementKind::Slot, ElementKind::Port] {
            let Some(number) = take(kind.word()) else {
                continue;
            };
            let number = words::number(kind.word(), &number, 1..=u32::MAX)?;
            if let Some((other, _)) = request.part.replace((kind, number)) {
                return Err(words::bad(kind.word(), &format!("{other} is given, too")));
            }
        }
        request.demand_arguments()?;
        Ok(request)
    }

    /// Refuses what the command does not take, and misses what it needs.
    fn demand_arguments(&self) -> Result<()> {
        let command = self.command;
        let Takes { one_of, any, part } = takes(command);
        let named = [
            ("pool", self.pool.is_some()),
            ("library", self.library.is_some()),
            ("medium", self.medium.is_some()),
            ("text", self.text.is_some()),
        ];
        let given = |key: &&&str| named.contains(&(**key, true));
        match one_of.iter().filter(given).count() {
            1 => {}
            0 => {
                let needed = one_of.join("= or ");
                return Err(ErrorKind::InvalidParameter
                    .because(format!("{command} needs {needed}=; see ntmsfs(7)")));
            }
            _ => {
                return Err(ErrorKind::InvalidParameter
                    .because(format!("{command} takes one of {}", one_of.join(" and "))));
            }
        }
        let element = self.part.map(|(kind, _)| kind.word());
        let named = named
            .iter()
            .filter(|(_, given)| *given)
            .map(|(key, _)| *key);
        for key in named.filter(|key| *key != "text").chain(element) {
            if !one_of.contains(&key) && !any.contains(&key) && !part.contains(&key) {
                return Err(words::bad(key, &format!("{command} does not take it")));
            }
        }
        match element {
            Some(key) if self.library.is_none() => {
                Err(words::bad(key, "of which library? say library="))
            }
            _ => Ok(()),
        }
    }
}

fn no_command(word: Option<&str>) -> Refusal {
    let known = OperatorCommand::ALL.iter().map(|command| command.word());
    match word {
        Some(word) => words::unknown(word, known),
        None => ErrorKind::InvalidParameter.because(format!(
            "the request begins with its command: {}",
            known.collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Checks text for people.
fn message(text: &str) -> Result<String> {
    let bytes = text.len();
    if !(1..=MESSAGE_MAX).contains(&bytes) {
        let wrong = format!("{bytes} bytes; 1 to {MESSAGE_MAX} are allowed");
        return Err(words::bad("text", &wrong));
    }
    if name::printable(text) != text {
        return Err(words::bad("text", "control characters are not allowed"));
    }
    Ok(text.to_owned())
}

/// Reads a JSON value: text, or a number where the key has one; that of a time-out is in milliseconds.
fn plain(key: &str, value: Value) -> Result<String> {
    match value {
        Value::Number(number) if matches!(key, "drive" | "slot" | "port" | "timeout") => Ok(number),
        Value::Number(_) | Value::Text(_) | Value::Null | Value::Flag(_) | Value::List(_) => {
            value.text(key)
        }
    }
}

/// Reads the text form: the command, then `key=value` in any order; other words are the text, with or without quotes. Of a
/// message nothing is a key once the text has begun, and before it only those that a message takes.
fn read_words(line: &str) -> Result<Vec<(&'static str, String)>> {
    let mut all = words::split(line)?.into_iter();
    let mut given: Vec<(&'static str, String)> = Vec::new();
    let Some(command) = all.next() else {
        return Ok(given);
    };
    let is_message = command == OperatorCommand::Message.word();
    given.push(("command", command));
    let mut text: Vec<String> = Vec::new();
    for word in all {
        let (written, value) = word.split_once('=').unwrap_or_default();
        let is_key = !written.is_empty()
            && written
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
        let is_text = written != "text" && (written != "timeout" || !text.is_empty());
        if !is_key || is_message && is_text {
            text.push(word);
            continue;
        }
        let Some(&key) = KEYS.iter().skip(1).find(|key| **key == written) else {
            return Err(words::unknown(written, KEYS.into_iter().skip(1)));
        };
        if given.iter().any(|(other, _)| *other == key) {
            return Err(words::repeated(key, key));
        }
        given.push((key, value.to_owned()));
    }
    if text.is_empty() {
        return Ok(given);
    }
    if given.iter().any(|(key, _)| *key == "text") {
        return Err(words::repeated("text", "text"));
    }
    given.push(("text", text.join(" ")));
    Ok(given)
}

/// A new operator request, with all that its row needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorRecord {
    /// Object number; also its name in the tree.
    pub no: ObjectNo,
    /// What is asked.
    pub command: OperatorCommand,
    /// One sentence for people.
    pub message: String,
    /// User who sent it.
    pub uid: u32,
    /// The pool it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<ObjectNo>,
    /// The library it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<ObjectNo>,
    /// The medium it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<ObjectNo>,
    /// The slot, drive or port it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<ObjectNo>,
    /// The instant at which it times out; none if it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use OperatorCommand as C;
    use proptest::prelude::*;

    fn request(command: C, pairs: &[(&str, &str)]) -> OperatorRequest {
        let of = |key: &str| {
            let found = pairs.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        let part = [ElementKind::Drive, ElementKind::Slot, ElementKind::Port]
            .into_iter()
            .find_map(|kind| Some((kind, of(kind.word())?.parse().unwrap())));
        OperatorRequest {
            command,
            pool: of("pool"),
            library: of("library"),
            medium: of("medium"),
            part,
            text: of("text"),
            timeout: of("timeout").map_or(Limit::Never, |text| Limit::parse(&text).unwrap()),
            json: false,
        }
    }

    /// A line, the same as JSON, the command, and what is given with it.
    type Row = (
        &'static str,
        &'static str,
        C,
        &'static [(&'static str, &'static str)],
    );

    #[test]
    fn both_forms_say_the_same() {
        #[rustfmt::skip]
        let table: [Row; 15] = [
            ("message \"Please bring coffee\"", r#"{"command":"message","text":"Please bring coffee"}"#,
             C::Message, &[("text", "Please bring coffee")]),
            ("message Please bring coffee", r#"{"text":"Please bring coffee","command":"message"}"#,
             C::Message, &[("text", "Please bring coffee")]),
            ("message text='a=b'", r#"{"command":"message","text":"a=b"}"#, C::Message, &[("text", "a=b")]),
            ("message timeout=90s call me", r#"{"command":"message","text":"call me","timeout":"90s"}"#,
             C::Message, &[("text", "call me"), ("timeout", "90s")]),
            ("message timeout=infinite 'call me'", r#"{"command":"message","text":"call me","timeout":"-1"}"#,
             C::Message, &[("text", "call me"), ("timeout", "infinite")]),
            ("message set timeout=5", r#"{"command":"message","text":"set timeout=5"}"#, C::Message, &[("text", "set timeout=5")]),
            ("move-media medium=A now timeout=90000", r#"{"command":"move-media","medium":"A","timeout":90000,"text":"now"}"#,
             C::MoveMedia, &[("medium", "A"), ("text", "now"), ("timeout", "90s")]),
            ("message pool=5", r#"{"command":"message","text":"pool=5"}"#, C::Message, &[("text", "pool=5")]),
            ("new-media pool=Backup/Daily", r#"{"command":"new-media","pool":"Backup/Daily"}"#,
             C::NewMedia, &[("pool", "Backup/Daily")]),
            ("new-media library=lto pool=A ten, please", r#"{"command":"new-media","pool":"A","library":"lto","text":"ten, please"}"#,
             C::NewMedia, &[("pool", "A"), ("library", "lto"), ("text", "ten, please")]),
            ("cleaner library=lto slot=3", r#"{"command":"cleaner","library":"lto","slot":3}"#,
             C::Cleaner, &[("library", "lto"), ("slot", "3")]),
            ("device-service library=lto drive=1 'it smokes'", r#"{"command":"device-service","library":"lto","drive":1,"text":"it smokes"}"#,
             C::DeviceService, &[("library", "lto"), ("drive", "1"), ("text", "it smokes")]),
            ("device-service medium='a b'", r#"{"command":"device-service","medium":"a b"}"#,
             C::DeviceService, &[("medium", "a b")]),
            ("move-media medium=A", r#"{"command":"move-media","medium":"A"}"#, C::MoveMedia, &[("medium", "A")]),
            ("move-media library=lto medium=A", r#"{"command":"move-media","medium":"A","library":"lto"}"#,
             C::MoveMedia, &[("medium", "A"), ("library", "lto")]),
        ];
        for (line, object, command, pairs) in table {
            let wanted = request(command, pairs);
            assert_eq!(OperatorRequest::parse(line), Ok(wanted.clone()), "{line}");
            let wanted = OperatorRequest {
                json: true,
                ..wanted
            };
            assert_eq!(OperatorRequest::parse(object), Ok(wanted), "{object}");
        }
    }

    /// Every command against every key: section 2.13.
    #[test]
    fn a_command_takes_its_arguments_and_no_others() {
        let keys = ["pool", "library", "medium", "drive", "slot", "port"];
        #[rustfmt::skip]
        let table: [(&str, &str, &[&str]); 6] = [
            ("new-media", "pool", &["library"]),
            ("cleaner", "library", &["slot"]),
            ("device-service", "library", &["drive", "slot", "port"]),
            ("device-service", "medium", &[]),
            ("move-media", "medium", &["library"]),
            ("message", "text", &[]),
        ];
        for (command, needed, optional) in table {
            let object = |more: &str| {
                let more = if more.is_empty() {
                    String::new()
                } else {
                    format!(",\"{more}\":\"1\"")
                };
                OperatorRequest::parse(&format!(
                    "{{\"command\":\"{command}\",\"{needed}\":\"1\"{more}}}"
                ))
            };
            assert!(object("").is_ok(), "{command} {needed}");
            assert!(OperatorRequest::parse(command).is_err(), "{command} alone");
            for key in keys.into_iter().filter(|key| *key != needed) {
                assert_eq!(
                    object(key).is_ok(),
                    optional.contains(&key),
                    "{command} {needed} {key}"
                );
            }
        }
    }

    #[test]
    fn refused_lines_name_the_word() {
        let long = format!("message {}", "x".repeat(257));
        for (line, named) in [
            ("", "begins with its command"),
            ("   ", "begins with its command"),
            (
                "mesage hello",
                "\"mesage\": no such word; the nearest one is message",
            ),
            ("pool=A", "no such word"),
            ("message", "message needs text="),
            ("message ''", "text: 0 bytes"),
            ("message 'a\u{7}b'", "control characters"),
            (&long, "text: 257 bytes; 1 to 256"),
            ("new-media", "new-media needs pool="),
            ("new-media pol=A", "the nearest one is pool"),
            ("new-media pool=A pool=B", "pool is given twice"),
            ("new-media pool=A x text=y", "text is given twice"),
            (
                "new-media pool=A medium=B",
                "medium: new-media does not take it",
            ),
            ("device-service", "device-service needs library= or medium="),
            (
                "device-service library=a medium=b",
                "takes one of library and medium",
            ),
            ("device-service medium=b drive=1", "drive: of which library"),
            ("device-service library=a drive=1 slot=2", "is given, too"),
            (
                "device-service library=a drive=0",
                "drive: \"0\" is not a number",
            ),
            ("cleaner library=a 'b", "quotation"),
            ("cleaner library=a timeout=soon", "timeout: "),
            (
                "cleaner library=a timeout=1 timeout=2",
                "timeout is given twice",
            ),
            ("message timeout=9999d call me", "timeout: "),
            (r#"{"command":"message","text":5}"#, "text: a number"),
            (r#"{"text":"x"}"#, "begins with its command"),
            (
                r#"{"command":"message","text":"x","to":"y"}"#,
                "no such word",
            ),
        ] {
            let refusal = OperatorRequest::parse(line).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter, "{line}");
            assert!(refusal.sentence.contains(named), "{line}: {refusal}");
        }
        assert!(OperatorRequest::parse(&format!("message {}", "x".repeat(256))).is_ok());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>(), near in "(message|cleaner|device-service) ((pool|library|drive)=?[a-z0-9'=]{0,5} ?){0,5}") {
            for line in [text, near] {
                drop(OperatorRequest::parse(&line));
            }
        }
    }
}
