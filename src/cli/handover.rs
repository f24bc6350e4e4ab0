//! A descriptor that goes from one process to another: with a word over a socket, or from the service manager.

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// The longest word: a path of the kernel and a sentence.
const WORD_MAX: usize = 8192;

/// The first descriptor that a service manager passes on (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

/// The name under which the service manager keeps the connection to the kernel.
pub(super) const NAME: &str = "fuse";

/// Sends a word, and a descriptor with it.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    word: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sent = descriptor.map(|it| [it]);
    if let Some(sent) = &sent
        && !control.push(SendAncillaryMessage::ScmRights(sent))
    {
        return Err(io::Error::other("there is no room for a descriptor"));
    }
    let flags = SendFlags::NOSIGNAL;
    sendmsg(socket, &[IoSlice::new(word)], &mut control, flags)?;
    Ok(())
}

/// Receives what was sent at once; the word is empty if the other side has ended.
pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut word = vec![0; WORD_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut bytes = [IoSliceMut::new(&mut word)];
        match recvmsg(socket, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    let sent = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sent) => sent.next(),
        RecvAncillaryMessage::ScmCredentials(_) | _ => None,
    });
    word.truncate(received.bytes);
    Ok((word, sent))
}

/// Takes the connection to the kernel that the service manager has kept, if it was given to this process.
pub(super) fn passed() -> Result<Option<OwnedFd>> {
    let said = |name| std::env::var(name).unwrap_or_default();
    if said("LISTEN_PID") != std::process::id().to_string() {
        return Ok(None);
    }
    let Some(number) = number_of(&said("LISTEN_FDS"), &said("LISTEN_FDNAMES"))? else {
        return Ok(None);
    };
    // A number alone is no descriptor; the kernel makes one of it.
    let own = pidfd_open(getpid(), PidfdFlags::empty()).context("looking at this process")?;
    let taken = pidfd_getfd(own.as_fd(), number, PidfdGetfdFlags::empty());
    let taken = taken.with_context(|| format!("taking descriptor {number}"))?;
    Ok(Some(taken))
}

/// Finds the number of the descriptor among those that are passed.
fn number_of(count: &str, names: &str) -> Result<Option<i32>> {
    if count.is_empty() || names.is_empty() {
        return Ok(None);
    }
    let count: usize = count.parse().context("LISTEN_FDS")?;
    let mut ours = names.split(':').enumerate().filter(|it| it.1 == NAME);
    let found = ours.next().map(|(at, _)| at);
    if ours.next().is_some() {
        bail!("the service manager passes more than one connection to the kernel");
    }
    let number = found.filter(|at| *at < count).map(i32::try_from);
    let number = number.transpose().map_err(|_| anyhow!("LISTEN_FDNAMES"))?;
    Ok(number.map(|at| FIRST + at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_descriptor_arrives_with_its_word() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        send(here.as_fd(), b"mounted", Some(writer.as_fd())).unwrap();
        drop(writer);
        let (word, sent) = receive(there.as_fd()).unwrap();
        assert_eq!(word, b"mounted");
        std::fs::File::from(sent.unwrap()).write_all(b"x").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        send(here.as_fd(), b"a word", None).unwrap();
        let (word, sent) = receive(there.as_fd()).unwrap();
        assert!(word == b"a word" && sent.is_none());
        drop(here);
        assert_eq!(receive(there.as_fd()).unwrap().0, b"");
    }

    #[test]
    fn the_one_of_our_name_is_taken() {
        for (count, names, found) in [
            ("", "", Some(None)),
            ("1", "fuse", Some(Some(3))),
            ("3", "a:fuse:b", Some(Some(4))),
            ("1", "a:fuse", Some(None)),
            ("2", "fuse:fuse", None),
            ("x", "fuse", None),
        ] {
            assert_eq!(number_of(count, names).ok(), found, "{count} {names}");
        }
    }
}
