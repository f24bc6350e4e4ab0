//! What a library can never serve, who may give back what, and what a person is asked: checks of one request, and their
//! sentences.

use super::{Drive, Facts};
use crate::domain::access::{Caller, Right};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::hand::HandSpec;
use crate::domain::library_request::MountRequest;
use crate::domain::object::{Library, Medium, Side};
use crate::domain::state::{DriveState, MediumState, SideState};
use crate::domain::work::Inside;

/// A side of a mount, and the drive that it has to be in.
pub(super) type Wanted<'a> = (&'a Medium, &'a Side, Option<u32>);

/// Refuses a mount that this library can never serve.
pub(super) fn fits(facts: &Facts, request: &MountRequest, wanted: &[Wanted<'_>]) -> Result<()> {
    for (at, part) in wanted.iter().enumerate() {
        fits_one(facts, request, part)?;
        let before = wanted.iter().take(at);
        if before.into_iter().any(|other| other.0.no == part.0.no) {
            return Err(twice(&part.0.name));
        }
    }
    let drives = facts.drives.len();
    if wanted.len() > drives {
        let library = &facts.library.name;
        let sentence = match drives {
            0 => format!("library \"{library}\" has no drive"),
            _ => format!(
                "{} media need as many drives at once, library \"{library}\" has {drives}",
                wanted.len()
            ),
        };
        return Err(ErrorKind::ResourceNotPresent.because(sentence));
    }
    Ok(())
}

fn fits_one(facts: &Facts, request: &MountRequest, wanted: &Wanted<'_>) -> Result<()> {
    let (medium, side, drive) = wanted;
    let library = &facts.library;
    if !medium.enabled {
        return Err(
            ErrorKind::ResourceDisabled.because(format!("medium \"{}\" is disabled", medium.name))
        );
    }
    if medium.media_type != facts.media_type {
        return Err(ErrorKind::DriveMediaMismatch.because(format!(
            "medium \"{}\" is {}, library \"{}\" takes {}",
            medium.name, medium.media_type, library.name, facts.media_type
        )));
    }
    if medium.library.is_some_and(|no| no != library.no) {
        return Err(ErrorKind::DriveMediaMismatch.because(format!(
            "medium \"{}\" is not in library \"{}\"",
            medium.name, library.name
        )));
    }
    if request.write == Some(true) && side.state == SideState::Complete {
        return Err(ErrorKind::WriteProtect.because(format!(
            "medium \"{}\" side {} is complete; mount it for reading",
            medium.name, side.letter
        )));
    }
    match drive {
        Some(number) if !has(&facts.drives, *number) => Err(no_drive(*number, facts)),
        _ => Ok(()),
    }
}

fn has(drives: &[Drive], number: u32) -> bool {
    drives.iter().any(|drive| drive.number == number)
}

/// Refuses what is on a shelf, if that is not to be waited for.
pub(super) fn demand_online(request: &MountRequest, wanted: &[Wanted<'_>]) -> Result<()> {
    let mut off = wanted
        .iter()
        .filter(|(medium, ..)| medium.library.is_none());
    match off.next().filter(|_| request.error_if_offline) {
        Some((medium, ..)) => {
            Err(ErrorKind::MediaOffline
                .because(format!("medium \"{}\" is on a shelf", medium.name)))
        }
        None => Ok(()),
    }
}

/// Who may give back what is in a drive: whoever mounted it, and whoever may change the library.
pub(super) fn demand_holder(
    inside: &Inside,
    name: &str,
    library: &Library,
    caller: &Caller,
) -> Result<()> {
    if inside.uid == caller.uid || library.access.permits(caller, Right::Modify) {
        return Ok(());
    }
    Err(ErrorKind::AccessDenied.because(format!(
        "uid {} mounted medium \"{name}\"; uid {} lacks MODIFY on \"{}\"",
        inside.uid, caller.uid, library.name
    )))
}

/// Refuses to give away or move a medium that somebody has in a drive, or that is on its way.
pub fn demand_idle(state: MediumState, inside: Option<&Inside>, name: &str) -> Result<()> {
    let spare = inside.is_some_and(|inside| inside.state == DriveState::Dismountable);
    if spare || matches!(state, MediumState::Idle | MediumState::OperatorRequest) {
        return Ok(());
    }
    Err(ErrorKind::Busy.because(format!("medium \"{name}\" is {state}; dismount it first")))
}

/// What a person is asked.
pub(super) fn plea(
    facts: &Facts,
    hands: &HandSpec,
    drive: u32,
    (medium, side): (&Medium, &Side),
    out: Option<&str>,
) -> String {
    let first = out.map_or(String::new(), |name| {
        format!("take out medium \"{name}\" and ")
    });
    format!(
        "{first}put medium \"{}\" side {} into drive {drive} of library \"{}\" ({})",
        medium.name, side.letter, facts.library.name, hands.device
    )
}

pub(super) fn disabled(library: &Library) -> Refusal {
    ErrorKind::ResourceDisabled.because(format!("library \"{}\" is disabled", library.name))
}

pub(super) fn no_drive(number: u32, facts: &Facts) -> Refusal {
    ErrorKind::InvalidDrive.because(format!(
        "library \"{}\" has no drive {number}",
        facts.library.name
    ))
}

pub(super) fn unknown_medium() -> Refusal {
    ErrorKind::InvalidMedia.because("no medium has that identifier or name")
}

pub(super) fn twice(name: &str) -> Refusal {
    ErrorKind::InvalidMedia.because(format!("medium \"{name}\" is given twice"))
}
