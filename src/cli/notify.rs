//! What the service manager is told, in the protocol of `sd_notify(3)`: one datagram of lines `NAME=VALUE`.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells the service manager, if one started this process. One that does not listen is no reason to stop.
pub(super) fn tell(lines: &str) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let told = address(place.as_encoded_bytes()).and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.send_to_addr(lines.as_bytes(), &address)
    });
    if let Err(error) = told {
        tracing::debug!(%error, lines, "the service manager does not listen");
    }
}

/// The address of a socket: a path, or after `@` a name that is in no file system.
pub(super) fn address(place: &[u8]) -> io::Result<SocketAddr> {
    use std::os::unix::ffi::OsStrExt as _;
    match place.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(place)),
    }
}

/// How often the service manager has to hear of this process, if it wants to: milliseconds from 1.
pub(super) fn watchdog() -> Option<u64> {
    let said = |name| std::env::var(name).ok();
    let meant = said("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
    let every: u64 = said("WATCHDOG_USEC")?.parse().ok()?;
    (meant && every > 0).then(|| (every / 1000).max(1))
}
