//! What a service manager runs beside the daemon, as root and outside of its sandbox (ntmsfs@.service).
//!
//! A service in a sandbox has a view of its own of all mounts, so what it mounts nobody sees. So the service manager mounts,
//! by [`attach`], before it starts the service, and keeps the connection for it until then (the descriptor store of `sd_notify(3)`);
//! the daemon finds it among what it is given ([`super::handover::passed`]). By [`detach`] it takes the mount away.

use super::mount::Mount;
use super::{handover, mountpoint, notify};
use anyhow::{Context as _, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixDatagram;

/// How long the service manager may take to hear what it was told, in milliseconds.
const PATIENCE: u16 = 10_000;

/// Mounts, and has the service manager keep the connection.
pub(super) fn attach(mount: &Mount) -> Result<()> {
    let (catalog, dir) = (mount.catalog()?, mount.dir()?);
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        bail!("this is for a service manager that keeps descriptors; see ntmsfs mount");
    };
    let socket = UnixDatagram::unbound().context("a socket")?;
    let address = notify::address(place.as_encoded_bytes());
    let connected = address.and_then(|address| socket.connect_addr(&address));
    connected.context("NOTIFY_SOCKET")?;
    let (device, mounted) = mountpoint::mount(&catalog, &dir, mount.options.read_only)
        .with_context(|| format!("mounting on {}", dir.display()))?;
    let kept = keep(&socket, device.as_fd());
    if kept.is_err() {
        drop(mounted.unmount());
    }
    kept
}

/// Returns when the service manager has it: it looks at nothing that a process sent which has ended before.
fn keep(socket: &UnixDatagram, device: BorrowedFd<'_>) -> Result<()> {
    let store = format!("FDSTORE=1\nFDNAME={}", handover::NAME);
    handover::send(socket.as_fd(), store.as_bytes(), Some(device)).context("NOTIFY_SOCKET")?;
    let (ours, theirs) = std::io::pipe().context("a pipe")?;
    handover::send(socket.as_fd(), b"BARRIER=1", Some(theirs.as_fd())).context("NOTIFY_SOCKET")?;
    drop(theirs);
    let mut closed = [PollFd::new(ours.as_fd(), PollFlags::empty())];
    if poll(&mut closed, PollTimeout::from(PATIENCE)).context("waiting for the service manager")?
        == 0
    {
        bail!("the service manager does not listen");
    }
    Ok(())
}

/// Takes the mount of the catalog away, served or dead; if there is none, there is nothing to do.
pub(super) fn detach(mount: &Mount) -> Result<()> {
    let gone = mountpoint::unmount(&mount.catalog, &mount.dir);
    gone.with_context(|| format!("unmounting {}", mount.dir.display()))
}
