//! Where the daemon writes its log: standard error in the foreground, else the system's log socket.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;

/// Sends each record as one datagram to `/dev/log` (RFC 3164: facility daemon). Without a listener it is dropped.
struct System {
    socket: Option<UnixDatagram>,
}

impl System {
    fn connect() -> Self {
        let connected =
            UnixDatagram::unbound().and_then(|socket| socket.connect("/dev/log").map(|()| socket));
        Self {
            socket: connected.ok(),
        }
    }
}

impl Write for System {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if let Some(socket) = &self.socket {
            let mut datagram = format!("<30>ntmsfs[{}]: ", std::process::id()).into_bytes();
            datagram.extend_from_slice(record.trim_ascii_end());
            // A log that cannot be written is no reason to stop.
            drop(socket.send(&datagram));
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sets the log up for the rest of the process.
pub(super) fn begin(foreground: bool) {
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_target(false)
        .with_ansi(false);
    let set = if foreground {
        log.with_writer(io::stderr).try_init()
    } else {
        log.without_time().with_writer(System::connect).try_init()
    };
    // Already set in a test process.
    drop(set);
}
