//! Requests to a person (MS-RSMP 3.2.5.2.1; reference sections 4.6, 5.7, 6.12).

use crate::domain::access::{Access, Caller, Right};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::object::{Element, Library, Medium, Operator, Pool};
use crate::domain::operator_request::{OperatorRecord, OperatorRequest};
use crate::domain::setting::Setting;
use crate::domain::state::{OperatorCommand, OperatorState};
use crate::domain::time::Time;

/// The objects that a request names, and what they are in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concern {
    /// The pool, or that of the medium, with its path.
    pub pool: Option<(Pool, String)>,
    /// The library that is named.
    pub library: Option<Library>,
    /// The medium.
    pub medium: Option<Medium>,
    /// The library that the medium is in.
    pub home: Option<Library>,
    /// The slot, drive or port.
    pub element: Option<Element>,
}

impl Concern {
    /// Whose CONTROL a command needs (note 20): that of the pool for media, that of the library for devices.
    fn governor(&self, command: OperatorCommand) -> Option<(&Access, &str)> {
        let pool = || {
            let (pool, path) = self.pool.as_ref()?;
            Some((&pool.access, path.as_str()))
        };
        match command {
            OperatorCommand::Message => None,
            OperatorCommand::NewMedia | OperatorCommand::MoveMedia => pool(),
            OperatorCommand::Cleaner | OperatorCommand::DeviceService => {
                let library = self.library.as_ref().or(self.home.as_ref());
                library.map_or_else(pool, |l| Some((&l.access, l.name.as_str())))
            }
        }
    }

    /// Returns whether the caller has CONTROL of anything that is concerned, and the name of the first.
    fn permits(&self, caller: &Caller) -> (bool, Option<&str>) {
        let pool = self
            .pool
            .iter()
            .map(|(pool, path)| (&pool.access, path.as_str()));
        let libraries = self.library.iter().chain(&self.home);
        let library = libraries.map(|l| (&l.access, l.name.as_str()));
        let all: Vec<(&Access, &str)> = pool.chain(library).collect();
        let may = caller.is_root() || all.iter().any(|(a, _)| a.permits(caller, Right::Control));
        (may, all.first().map(|(_, name)| *name))
    }
}

/// Sends a request to a person. With nobody to attend it is refused at once.
pub fn submit(
    request: &OperatorRequest,
    concern: &Concern,
    attended: bool,
    caller: &Caller,
    (no, now): (ObjectNo, Time),
) -> Result<Event> {
    let command = request.command;
    if let Some((access, name)) = concern.governor(command) {
        access.demand(caller, Right::Control, name)?;
    }
    if let (OperatorCommand::NewMedia, Some((pool, path))) = (command, &concern.pool)
        && pool.media_type.is_none()
    {
        return Err(ErrorKind::InvalidMediaPool.because(format!(
            "pool \"{path}\" holds no media; write its media_type"
        )));
    }
    if let (Some((kind, number)), Some(library), None) =
        (request.part, &concern.library, &concern.element)
    {
        return Err(ErrorKind::ResourceNotPresent.because(format!(
            "library \"{}\" has no {kind} {number}",
            library.name
        )));
    }
    if !attended {
        return Err(ErrorKind::RequestRefused.because(format!("{NOBODY}; {command} is refused")));
    }
    let named = |no: Option<ObjectNo>, by: bool| no.filter(|_| by);
    Ok(Event::OperatorSubmitted {
        operator: Box::new(OperatorRecord {
            no,
            command,
            message: request
                .text
                .clone()
                .unwrap_or_else(|| plea(request, concern)),
            uid: caller.uid,
            pool: named(
                concern.pool.as_ref().map(|(p, _)| p.no),
                request.pool.is_some(),
            ),
            library: concern.library.as_ref().map(|library| library.no),
            medium: concern.medium.as_ref().map(|medium| medium.no),
            element: concern.element.as_ref().map(|element| element.no),
            deadline: request.timeout.after(now),
        }),
    })
}

/// Why nobody is asked.
pub const NOBODY: &str = "nobody attends this system (settings/attended is 0)";

/// What a person is asked if the request has no words of its own.
fn plea(request: &OperatorRequest, concern: &Concern) -> String {
    let library = |before: &str| {
        let library = concern.library.as_ref();
        library.map_or_else(String::new, |l| format!("{before} library {}", l.name))
    };
    let part = request
        .part
        .map(|(kind, number)| format!("{kind} {number} of"));
    let part = part.unwrap_or_default();
    let medium = concern.medium.as_ref().map_or("", |medium| &medium.name);
    let text = match request.command {
        OperatorCommand::NewMedia => {
            let (pool, path) = match &concern.pool {
                Some((pool, path)) => (pool.media_type.as_deref(), path.as_str()),
                None => (None, ""),
            };
            let media_type = pool.unwrap_or("any");
            format!("bring {media_type} media for pool {path}{}", library(" to"))
        }
        OperatorCommand::Cleaner if part.is_empty() => format!("bring a cleaner{}", library(" to")),
        OperatorCommand::Cleaner => format!("bring a cleaner to {part}{}", library("")),
        OperatorCommand::DeviceService if medium.is_empty() => {
            format!("look after {part}{}", library(""))
        }
        OperatorCommand::DeviceService => format!("look after medium {medium}"),
        OperatorCommand::MoveMedia => format!("move medium {medium}{}", library(" to")),
        OperatorCommand::Message => String::new(),
    };
    text.replace("  ", " ")
}

/// Records the answer of a person, or that somebody works on it. A request only goes forward: submitted, active,
/// in-progress, and from each of these to its answer. Who says in-progress has seen it, so it was active before.
///
/// Whoever has CONTROL of what is concerned may answer; who sent it with `ask` may refuse it himself.
pub fn answer(
    operator: &Operator,
    concern: &Concern,
    state: OperatorState,
    caller: &Caller,
) -> Result<Vec<Event>> {
    let own = state == OperatorState::Refused && is_own(operator, caller);
    demand(operator, concern, own, caller)?;
    let no = operator.no;
    if operator.timed_out {
        return Err(ErrorKind::InvalidState.because(format!("operator request {no} has timed out")));
    }
    if !operator.state.is_open() {
        return Err(ErrorKind::InvalidState.because(format!(
            "operator request {no} is {} already",
            operator.state
        )));
    }
    if state <= operator.state {
        return Err(ErrorKind::InvalidState.because(format!(
            "operator request {no} is {} and only goes forward: active, in-progress, then complete or refused",
            operator.state
        )));
    }
    let seen = operator.state == OperatorState::Submitted && state == OperatorState::InProgress;
    let steps = seen
        .then_some(OperatorState::Active)
        .into_iter()
        .chain([state]);
    Ok(steps
        .map(|state| Event::OperatorChanged {
            no,
            state: Some(state),
        })
        .collect())
}

/// The time of a request is over: nobody has answered, so it is refused. One that has its answer is left alone.
pub fn expire(operator: &Operator, now: Time) -> Option<Event> {
    let over = operator.deadline.is_some_and(|deadline| deadline <= now);
    let open = operator.state.is_open() && over;
    open.then_some(Event::OperatorTimedOut { no: operator.no })
}

/// Forgets a request that has its answer.
pub fn remove(operator: &Operator, concern: &Concern, caller: &Caller) -> Result<Event> {
    demand(operator, concern, is_own(operator, caller), caller)?;
    if operator.state.is_open() {
        return Err(ErrorKind::InvalidState.because(format!(
            "operator request {} waits for an answer; write it to its state",
            operator.no
        )));
    }
    Ok(Event::OperatorChanged {
        no: operator.no,
        state: None,
    })
}

/// Whether the caller sent the request himself; what a waiting request asks goes with that one.
fn is_own(operator: &Operator, caller: &Caller) -> bool {
    operator.request.is_none() && operator.uid == caller.uid
}

fn demand(operator: &Operator, concern: &Concern, own: bool, caller: &Caller) -> Result<()> {
    let (may, name) = concern.permits(caller);
    if may || own {
        return Ok(());
    }
    let (uid, no) = (caller.uid, operator.no);
    Err(ErrorKind::AccessDenied.because(match name {
        Some(name) => format!("uid {uid} lacks CONTROL on \"{name}\""),
        None => format!("operator request {no} is root's to answer"),
    }))
}

/// Changes what holds for the whole system: root alone may.
pub fn set(setting: &Setting, caller: &Caller) -> Result<Event> {
    demand_root(caller)?;
    Ok(Event::SettingChanged {
        setting: setting.clone(),
    })
}

/// Refuses to write a setting to anybody but root.
pub fn demand_root(caller: &Caller) -> Result<()> {
    if caller.is_root() {
        return Ok(());
    }
    Err(ErrorKind::AccessDenied.because(format!(
        "uid {} is not root; the settings are root's",
        caller.uid
    )))
}
