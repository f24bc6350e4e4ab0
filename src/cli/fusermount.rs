//! The mount of an ordinary user, through fusermount3(1), which is root for that moment: for the user himself alone.
//!
//! What is known of it: it gives the descriptor over the socket that `_FUSE_COMMFD` names, here its standard input; it
//! takes a comma and a backslash in the source only behind a backslash; it adds `nosuid` and `nodev` by itself; and it
//! refuses `allow_other` unless /etc/fuse.conf allows it, which is never asked for.

use super::handover;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// Found by its name, as every program of the user is.
const PROGRAM: &str = "fusermount3";

/// Mounts a new FUSE connection at `dir` and gives its descriptor. The error says what fusermount3 said.
pub(super) fn attach(source: &OsStr, dir: &Path, read_only: bool) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(PROGRAM);
    command
        .arg("-o")
        .arg(options(source, read_only))
        .arg("--")
        .arg(dir)
        .env("_FUSE_COMMFD", "0")
        .stdin(Stdio::from(OwnedFd::from(theirs)));
    run(&mut command)?;
    // The command holds the other end: without it, there is an end to wait for.
    drop(command);
    let (_, sent) = handover::receive(ours.as_fd())?;
    sent.ok_or_else(|| io::Error::other(format!("{PROGRAM} gave no descriptor")))
}

/// Takes away what is mounted at `dir`, at once; open files go on until they are closed.
pub(super) fn detach(dir: &Path) -> io::Result<()> {
    let mut command = Command::new(PROGRAM);
    command.args(["-u", "-z", "--"]).arg(dir);
    run(command.stdin(Stdio::null()))
}

/// The words for fusermount3. `default_permissions`: the kernel checks every access.
fn options(source: &OsStr, read_only: bool) -> OsString {
    let mut words = if read_only { "ro" } else { "rw" }.as_bytes().to_vec();
    words.extend(b",nosuid,nodev,noexec,default_permissions,subtype=ntmsfs,fsname=");
    for byte in source.as_bytes() {
        if matches!(byte, b',' | b'\\') {
            words.push(b'\\');
        }
        words.push(*byte);
    }
    OsString::from_vec(words)
}

fn run(command: &mut Command) -> io::Result<()> {
    let ran = command.stdout(Stdio::null()).output().map_err(|error| {
        let text = format!("{PROGRAM} cannot be run, and only root mounts without it: {error}");
        io::Error::new(error.kind(), text)
    })?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.trim().replace('\n', "; ");
    let text = if said.is_empty() {
        format!("{PROGRAM}: {}", ran.status)
    } else {
        said
    };
    Err(io::Error::other(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_word() {
        let words = |source: &str, read_only| {
            let words = options(OsStr::new(source), read_only);
            words.into_string().unwrap()
        };
        let rest = ",nosuid,nodev,noexec,default_permissions,subtype=ntmsfs,fsname=";
        assert_eq!(words("/a b", false), format!("rw{rest}/a b"));
        assert_eq!(words(r"/a,ro\", true), format!(r"ro{rest}/a\,ro\\"));
    }
}
