//! Where the daemon writes its log: the journal if standard error leads there, else standard error in the foreground, else
//! the system's log socket.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// The socket of the journal (systemd's native protocol).
const JOURNAL: &str = "/run/systemd/journal/socket";

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

/// Sends each record to the journal, field by field: what is written `error = …` in the code is `NTMSFS_ERROR` there.
struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// The journal, if standard error is connected to it (`JOURNAL_STREAM`, systemd.exec(5)).
    fn connected() -> Option<Self> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = rustix::fs::fstat(io::stderr()).ok()?;
        if stream != format!("{}:{}", stderr.st_dev, stderr.st_ino) || !Path::new(JOURNAL).exists()
        {
            return None;
        }
        let socket = UnixDatagram::unbound().ok()?;
        Some(Self { socket })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry::new(*event.metadata().level());
        event.record(&mut entry);
        // By the path each time: the journal may have begun anew.
        drop(self.socket.send_to(&entry.finish(), JOURNAL));
    }
}

/// One record in the form of the journal.
struct Entry {
    fields: Vec<u8>,
    message: String,
    others: String,
}

impl Entry {
    fn new(level: Level) -> Self {
        let priority = match level {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            _ => "7",
        };
        let mut entry = Self {
            fields: Vec::new(),
            message: String::new(),
            others: String::new(),
        };
        entry.put("PRIORITY", priority);
        entry.put("SYSLOG_IDENTIFIER", "ntmsfs");
        entry
    }

    /// A value of several lines has its length before it.
    fn put(&mut self, name: &str, value: &str) {
        self.fields.extend(name.as_bytes());
        if value.contains('\n') {
            self.fields.push(b'\n');
            let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
            self.fields.extend(length.to_le_bytes());
        } else {
            self.fields.push(b'=');
        }
        self.fields.extend(value.as_bytes());
        self.fields.push(b'\n');
    }

    fn take(&mut self, name: &str, value: &str) {
        if name == "message" {
            value.clone_into(&mut self.message);
            return;
        }
        self.put(&format!("NTMSFS_{}", name.to_uppercase()), value);
        // A string cannot fail to take more.
        write!(self.others, " {name}={value}").ok();
    }

    /// The message has the fields in it, as in any other log, so that it says everything where only it is shown.
    fn finish(mut self) -> Vec<u8> {
        let message = format!("{}{}", self.message, self.others);
        self.put("MESSAGE", message.trim_start());
        self.fields
    }
}

impl Visit for Entry {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value);
    }
}

/// Sets the log up for the rest of the process.
pub(super) fn begin(foreground: bool) {
    if let Some(journal) = Journal::connected() {
        let log = tracing_subscriber::registry().with(LevelFilter::INFO);
        return drop(log.with(journal).try_init());
    }
    let log = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_its_fields() {
        let mut entry = Entry::new(Level::WARN);
        entry.take("message", "stays");
        entry.take("error", "no\nroom");
        entry.take("pool", "7");
        let mut expected = b"PRIORITY=4\nSYSLOG_IDENTIFIER=ntmsfs\nNTMSFS_ERROR\n".to_vec();
        expected.extend(7_u64.to_le_bytes());
        expected.extend(b"no\nroom\nNTMSFS_POOL=7\nMESSAGE\n");
        expected.extend(26_u64.to_le_bytes());
        expected.extend(b"stays error=no\nroom pool=7\n");
        assert_eq!(
            entry.finish().escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }
}
