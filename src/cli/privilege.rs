//! Giving up rights: whom a daemon serves as, and what it may still do.
//!
//! Invariants: root mounts, and the server is somebody else: the user who is named, or the owner of the catalog. Whoever it is,
//! root too, it has no capability, can get none, and gains nothing by a program that it would start. Nothing is given
//! up half: what cannot be given up ends the start.

use super::failure::{Failure, Status};
use anyhow::{Context as _, Result};
use nix::unistd::{
    AccessFlags, Gid, Uid, User, access, geteuid, getgrouplist, setgroups, setresgid, setresuid,
};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

/// Somebody with all groups.
#[derive(Debug)]
pub(super) struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Identity {
    /// Whom a catalog is served as: the named user, by name or number; else its owner.
    pub(super) fn of(catalog: &Path, named: Option<&str>) -> Result<Self> {
        let found = fs::metadata(catalog).with_context(|| catalog.display().to_string())?;
        let owner = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
        let Some(name) = named else {
            return Self::numbered(owner.0, owner.1);
        };
        if let Ok(number) = name.parse() {
            return Self::numbered(Uid::from_raw(number), owner.1);
        }
        let user = User::from_name(name).context("the user database")?;
        let user = user.ok_or_else(|| {
            Failure::new(
                Status::Usage,
                format!("runas={name}: there is no such user"),
            )
        })?;
        Self::known(&user)
    }

    /// A user by number; one whom nobody knows has that group and no other.
    fn numbered(uid: Uid, gid: Gid) -> Result<Self> {
        match User::from_uid(uid).context("the user database")? {
            Some(user) => Self::known(&user),
            None => Ok(Self {
                uid,
                gid,
                groups: vec![gid],
            }),
        }
    }

    fn known(user: &User) -> Result<Self> {
        let name = CString::new(user.name.as_str()).context("the name of a user")?;
        let groups = getgrouplist(&name, user.gid).context("the groups of a user")?;
        Ok(Self {
            uid: user.uid,
            gid: user.gid,
            groups,
        })
    }

    /// Becomes this user without any capability. To be called by root, before there is a second thread.
    pub(super) fn assume(&self) -> Result<()> {
        bound(CapabilitySet::empty());
        setgroups(&self.groups).context("setting the groups")?;
        setresgid(self.gid, self.gid, self.gid).context("setting the group")?;
        setresuid(self.uid, self.uid, self.uid).context("setting the user")?;
        keep(CapabilitySet::empty())?;
        // Another process of this user, a hook for one, takes nothing out of the memory of this one.
        nix::sys::prctl::set_dumpable(false).context("hiding the memory")
    }
}

/// Keeps these capabilities, if there are any at all, and can get no other.
pub(super) fn keep(capabilities: CapabilitySet) -> Result<()> {
    if let Err(error) = rustix::thread::clear_ambient_capability_set() {
        // A kernel before 4.3 has none.
        tracing::debug!(%error, "no ambient capabilities");
    }
    let now = rustix::thread::capabilities(None).context("looking at the capabilities")?;
    let kept = now.permitted & capabilities;
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).context("giving up capabilities")
}

/// Bounds what any program started from here can ever have. Without effect for a root that may not do so, in a container for
/// example: [`gain_nothing`] has the same end.
pub(super) fn bound(capabilities: CapabilitySet) {
    for capability in CapabilitySet::all().iter() {
        if !capabilities.contains(capability)
            && rustix::thread::capability_is_in_bounding_set(capability) == Ok(true)
            && let Err(error) = rustix::thread::remove_capability_from_bounding_set(capability)
        {
            tracing::warn!(%error, ?capability, "stays within bounds");
        }
    }
}

/// No program that is started from here on gains anything by its mode or its capabilities.
pub(super) fn gain_nothing() -> Result<()> {
    nix::sys::prctl::set_no_new_privs().context("no new privileges")
}

/// Gives a catalog that root has made to the owner of its directory, and its lock with it, so that he can be served as.
///
/// He may exchange files there meanwhile, so only what root has just made is given: a file of root with one name.
pub(super) fn give_to_owner(catalog: &Path) -> Result<()> {
    let dir = catalog.parent().filter(|dir| !dir.as_os_str().is_empty());
    let found = fs::metadata(dir.unwrap_or(Path::new("."))).context("its directory")?;
    if !geteuid().is_root() || found.uid() == 0 {
        return Ok(());
    }
    let mut lock = catalog.as_os_str().to_owned();
    lock.push(".lock");
    for path in [catalog, Path::new(&lock)] {
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.with_context(|| path.display().to_string())?,
        };
        let made = file.metadata()?;
        if made.is_file() && made.uid() == 0 && made.nlink() == 1 {
            fchown(&file, Some(found.uid()), Some(found.gid()))
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// Refuses to serve as somebody who cannot: whoever mounts may not know who that is.
pub(super) fn demand_writable(catalog: &Path) -> Result<()> {
    let dir = catalog.parent().unwrap_or(Path::new("/"));
    let file = AccessFlags::R_OK | AccessFlags::W_OK;
    for (path, flags) in [
        (catalog, file),
        (dir, AccessFlags::W_OK | AccessFlags::X_OK),
    ] {
        access(path, flags).with_context(|| {
            let uid = geteuid();
            let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
            let name = name.unwrap_or_else(|| "without a name".to_owned());
            format!(
                "serving as user {name} ({uid}), who must be able to write {} (see runas= in mount.ntmsfs(8))",
                path.display()
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_served_as_its_owner_or_as_who_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let own = Identity::of(dir.path(), None).unwrap();
        assert_eq!(own.uid, geteuid());
        assert!(own.groups.contains(&own.gid));
        let root = Identity::of(dir.path(), Some("root")).unwrap();
        assert_eq!((root.uid, root.gid), (Uid::from_raw(0), Gid::from_raw(0)));
        let number = Identity::of(dir.path(), Some("77777")).unwrap();
        assert_eq!(number.uid, Uid::from_raw(77777));
        assert_eq!(number.groups, [number.gid]);
        for (path, name, sentence) in [
            (
                dir.path(),
                "no-such-user",
                "runas=no-such-user: there is no such user",
            ),
            (Path::new("/none/catalog"), "root", "/none/catalog"),
        ] {
            let error = Identity::of(path, Some(name)).unwrap_err();
            assert_eq!(error.to_string(), sentence);
        }
    }
}
