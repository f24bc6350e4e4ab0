//! The virtual library: deterministic, for trying out and for tests.
//!
//! Its cartridges are put in when it is first looked into: the first slots hold one each, with the bar codes of its
//! pattern. From then on what the catalog believes is what is there.
//!
//! What would be hardware is a directory: `<side>` is what is written on a side, `<side>.label` the label, and
//! `<library>/drive-<n>`, a link to one of the sides, the drive and at the same time what is in it. A drive that is empty
//! links to a directory that is never made, so nothing can be written to it.

use super::{Believed, Cartridge, Library, Pause, Place, beginning};
use crate::domain::acl::{Acl, List};
use crate::domain::ask::Found;
use crate::domain::driver::VirtualSpec;
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::fault::Step;
use crate::domain::id::Guid;
use nix::unistd::geteuid;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind as Io, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where the link of an empty drive leads.
const NOWHERE: &str = "../empty/drive";

/// The attribute that is the access control list of a file.
const LIST: &str = "system.posix_acl_access";

/// A library without hardware.
pub struct Simulated {
    name: String,
    spec: VirtualSpec,
    sides: PathBuf,
    drives: PathBuf,
    pause: Pause,
    /// The changer has one hand.
    hand: Mutex<()>,
}

impl Simulated {
    /// Makes the library of that name.
    pub fn new(place: Place, spec: VirtualSpec) -> Self {
        Self {
            name: place.name,
            spec,
            drives: place.dir.join(place.id.to_string()),
            sides: place.dir,
            pause: place.pause,
            hand: Mutex::new(()),
        }
    }

    fn found(&self, slot: u32, barcode: Option<String>, media_type: String) -> Found {
        Found {
            slot,
            barcode,
            media_type,
            label: self.spec.label,
        }
    }

    fn drive(&self, drive: u32) -> PathBuf {
        self.drives.join(format!("drive-{drive}"))
    }

    /// Points a drive at a side or at nothing, in one step.
    fn point(&self, drive: u32, target: &str) -> Result<()> {
        let (link, new) = (
            self.drive(drive),
            self.drives.join(format!(".drive-{drive}")),
        );
        let pointed = make_dir(&self.sides)
            .and_then(|()| make_dir(&self.drives))
            .and_then(|()| gone(fs::remove_file(&new)))
            .and_then(|()| symlink(target, &new))
            .and_then(|()| fs::rename(&new, &link));
        pointed.map_err(|error| failed(&link, &error))
    }

    fn wait(&self, ms: u32) -> Result<()> {
        if ms == 0 || (self.pause)(Duration::from_millis(ms.into())) {
            return Ok(());
        }
        Err(ErrorKind::NotReady.because("the service stops"))
    }

    /// Counts a step and refuses if the specification says that it fails this time.
    fn step(&self, step: Step, kind: ErrorKind) -> Result<()> {
        if self.spec.faults.is_empty() {
            return Ok(());
        }
        let path = self.drives.join(format!("{}s", step.word()));
        let before = fs::read_to_string(&path).unwrap_or_default();
        let time = before.trim().parse::<u32>().unwrap_or(0).saturating_add(1);
        make_dir(&self.sides)
            .and_then(|()| make_dir(&self.drives))
            .and_then(|()| fs::write(&path, format!("{time}\n")))
            .map_err(|error| failed(&path, &error))?;
        if self.spec.faults.hit(step, time) {
            return Err(kind.because(format!("fault={}:{time} of the driver", step.word())));
        }
        Ok(())
    }

    /// Makes a cartridge that was never loaded, and reads the label of one that was.
    ///
    /// The label comes last and whole: a cartridge that was being made when the service died was never loaded.
    fn verify(&self, side: Guid) -> Result<()> {
        let (data, label) = (
            self.sides.join(side.to_string()),
            self.sides.join(format!("{side}.label")),
        );
        let wanted = format!("ntmsfs {side}\n");
        let written = fs::metadata(&data).is_ok_and(|data| data.len() > 0);
        if !label.exists() && !written {
            there(create(&data, b"")).map_err(|error| failed(&data, &error))?;
            let new = self.sides.join(format!(".{side}.label"));
            gone(fs::remove_file(&new))
                .and_then(|()| create(&new, wanted.as_bytes()))
                .and_then(|()| fs::rename(&new, &label))
                .and_then(|()| File::open(&self.sides)?.sync_all())
                .map_err(|error| failed(&label, &error))?;
        }
        let read = fs::read(&label).unwrap_or_default();
        if read != wanted.as_bytes() {
            return Err(ErrorKind::UnexpectedOmid.because(format!(
                "the label says \"{}\", expected was {side}",
                String::from_utf8_lossy(&read).trim_end()
            )));
        }
        Ok(())
    }

    /// Gives a side to a user, for reading or for writing too, or to nobody.
    ///
    /// Its file stays that of the service, so that nobody else can change who may do what with it; the user is an entry of its
    /// access control list.
    fn give(&self, side: Guid, user: Option<(u32, bool)>) -> Result<()> {
        let path = self.sides.join(side.to_string());
        let given = match user {
            // Root may do everything anyway; whoever serves a catalog for himself owns the file.
            Some((uid, writes)) if uid == 0 || uid == geteuid().as_raw() => {
                allow(&path, if writes { 0o600 } else { 0o400 })
            }
            Some((uid, writes)) => list(&path, uid, writes),
            None => allow(&path, 0o600),
        };
        given.map_err(|error| failed(&path, &error))
    }
}

impl Library for Simulated {
    fn inventory(&self, believed: &[Believed]) -> Result<Vec<Found>> {
        if !believed.is_empty() {
            let again = |(slot, barcode, media_type): &Believed| {
                self.found(*slot, barcode.clone(), media_type.clone())
            };
            return Ok(believed.iter().map(again).collect());
        }
        let first = |n| {
            Ok(self.found(
                n,
                Some(self.spec.barcode(&self.name, n)?),
                self.spec.media_type.clone(),
            ))
        };
        (1..=self.spec.cartridges).map(first).collect()
    }

    fn inside(&self, drive: u32) -> Result<Option<Guid>> {
        let link = self.drive(drive);
        match fs::read_link(&link) {
            Ok(target) => {
                let name = target.file_name().and_then(|name| name.to_str());
                Ok(name.and_then(|name| Guid::parse(name).ok()))
            }
            Err(error) if error.kind() == Io::NotFound => Ok(None),
            Err(error) => Err(failed(&link, &error)),
        }
    }

    fn fetch(&self, cartridge: &Cartridge, drive: u32) -> Result<()> {
        let _hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait(self.spec.move_time_ms)?;
        self.step(Step::Move, ErrorKind::MediumNotAccessible)?;
        self.point(drive, &format!("../{}", cartridge.side))
    }

    fn load(&self, cartridge: &Cartridge, drive: u32) -> Result<String> {
        self.wait(self.spec.load_time_ms)?;
        {
            let _counting = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
            self.step(Step::Load, ErrorKind::UnableToLoad)?;
            self.step(Step::Label, ErrorKind::UnexpectedOmid)?;
        }
        self.verify(cartridge.side)?;
        if let Some(label) = &cartridge.label {
            let data = self.sides.join(cartridge.side.to_string());
            beginning::verify(&data, label)?;
        }
        self.give(cartridge.side, Some((cartridge.uid, cartridge.writes)))?;
        let path = self.drive(drive);
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| {
            ErrorKind::DeviceNotAvailable.because("the path of the catalog is no text")
        })
    }

    fn release(&self, drive: u32) -> Result<()> {
        match self.inside(drive)? {
            Some(side) if self.sides.join(side.to_string()).exists() => self.give(side, None),
            Some(_) | None => Ok(()),
        }
    }

    fn unload(&self, drive: u32) -> Result<()> {
        {
            let _counting = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
            self.step(Step::Unload, ErrorKind::UnableToLoad)?;
        }
        self.release(drive)
    }

    fn put_back(&self, drive: u32, _slot: Option<u32>) -> Result<()> {
        let _hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait(self.spec.move_time_ms)?;
        self.point(drive, NOWHERE)
    }
}

/// Sets a mode, and takes the access control list away.
fn allow(path: &Path, mode: u32) -> io::Result<()> {
    match rustix::fs::removexattr(path, LIST) {
        // There is none, or there cannot be any.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
        other => other?,
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Lets one more user in than the owner.
fn list(path: &Path, uid: u32, writes: bool) -> io::Result<()> {
    let bits = if writes { 6 } else { 4 };
    let acl = Acl {
        users: vec![(uid, bits)],
        ..Acl::default()
    };
    let list = List {
        mode: 0o600 | bits << 3,
        acl: Some(acl),
    };
    let attribute = list.attribute().unwrap_or_default();
    match rustix::fs::setxattr(path, LIST, &attribute, XattrFlags::empty()) {
        Err(Errno::OPNOTSUPP) => Err(io::Error::other(
            "only a file system with access control lists can give a side to another user",
        )),
        other => Ok(other?),
    }
}

/// Makes a directory that others may pass through, but not list.
fn make_dir(path: &Path) -> io::Result<()> {
    there(fs::DirBuilder::new().mode(0o711).create(path))
}

/// Makes a new file with that text.
fn create(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// What is there already need not be made.
fn there(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == Io::AlreadyExists => Ok(()),
        other => other,
    }
}

/// What is gone already need not be removed.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == Io::NotFound => Ok(()),
        other => other,
    }
}

fn failed(path: &Path, error: &io::Error) -> Refusal {
    ErrorKind::DeviceNotAvailable.because(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::open;
    use std::sync::Arc;

    /// What a service that died at that moment left of a cartridge: its data and its label, and what loading says.
    #[test]
    fn a_cartridge_that_was_being_made_is_made_at_the_next_load() {
        let side = Guid::parse("01a22051-46c1-73dc-8f2e-5116bf961970").expect("a GUID");
        let label = format!("ntmsfs {side}\n");
        let label = Some(label.as_str());
        let states = [
            (None, None, None, None),
            (Some(""), None, None, None),
            (Some(""), None, Some("ntm"), None),
            (Some(""), label, None, None),
            (Some("data"), label, None, None),
            // This service leaves none of these.
            (Some("data"), None, None, Some(ErrorKind::UnexpectedOmid)),
            (Some(""), Some("ntm"), None, Some(ErrorKind::UnexpectedOmid)),
            (None, label, None, Some(ErrorKind::DeviceNotAvailable)),
        ];
        for (data, label, new, expected) in states {
            let dir = tempfile::tempdir().expect("a directory");
            let place = Place {
                id: Guid::NIL,
                name: "lto".to_owned(),
                dir: dir.path().to_owned(),
                pause: Arc::new(|_| true),
            };
            let names = [
                side.to_string(),
                format!("{side}.label"),
                format!(".{side}.label"),
            ];
            for (name, text) in names.iter().zip([data, label, new]) {
                if let Some(text) = text {
                    fs::write(dir.path().join(name), text).expect("a file");
                }
            }
            let cartridge = Cartridge {
                side,
                slot: Some(1),
                uid: geteuid().as_raw(),
                writes: true,
                label: None,
            };
            let library = open(place, "virtual type=LTO-8 slots=1 drives=1").expect("a library");
            let loaded = library
                .load(&cartridge, 1)
                .err()
                .map(|refusal| refusal.kind);
            assert_eq!(loaded, expected, "{data:?} {label:?} {new:?}");
        }
    }
}
