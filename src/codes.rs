//! The error table: kind → name, code of the protocol, errno, meaning. One exhaustive match; a kind without a row
//! does not compile.
//!
//! Source: winerror.h codes as MS-RSMP 2.2.6 uses them; HRESULT = 0x80070000 + code.

use crate::domain::error::{ErrorKind as K, Refusal};

/// One row of the error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The name in winerror.h.
    pub name: &'static str,
    /// The Win32 code.
    pub win32: u16,
    /// What the kernel hands to the caller.
    pub errno: i32,
    /// One sentence for the manual: what it means here.
    pub meaning: &'static str,
}

impl Code {
    /// Returns the HRESULT of the wire.
    pub fn hresult(self) -> u32 {
        0x8007_0000 + u32::from(self.win32)
    }
}

/// Every kind, in the order of the codes; the manual prints the table in this order.
#[rustfmt::skip]
pub const ALL: [K; 34] = [
    K::AccessDenied,
    K::NotEnoughMemory,
    K::InvalidDrive,
    K::WriteProtect,
    K::NotReady,
    K::NotSupported,
    K::InvalidParameter,
    K::InvalidName,
    K::Busy,
    K::AlreadyExists,
    K::Cancelled,
    K::Timeout,
    K::NotEnoughQuota,
    K::InvalidMedia,
    K::InvalidLibrary,
    K::InvalidMediaPool,
    K::DriveMediaMismatch,
    K::MediaOffline,
    K::LibraryOffline,
    K::NotEmpty,
    K::MediaUnavailable,
    K::ResourceDisabled,
    K::ObjectNotFound,
    K::DatabaseFailure,
    K::DatabaseFull,
    K::MediaIncompatible,
    K::ResourceNotPresent,
    K::DeviceNotAvailable,
    K::RequestRefused,
    K::LibraryFull,
    K::MediumNotAccessible,
    K::UnableToLoad,
    K::UnexpectedOmid,
    K::InvalidState,
];

/// Returns the row of a kind.
#[rustfmt::skip]
pub fn code(kind: K) -> Code {
    let row = |name, win32, errno, meaning| Code { name, win32, errno, meaning };
    match kind {
        K::AccessDenied       => row("ERROR_ACCESS_DENIED", 5, libc::EACCES, "You lack the right; ask the owner of the pool, or root."),
        K::NotEnoughMemory    => row("ERROR_NOT_ENOUGH_MEMORY", 8, libc::ENOMEM, "Memory ran out while the request was processed; nothing was changed."),
        K::InvalidDrive       => row("ERROR_INVALID_DRIVE", 15, libc::ENODEV, "The library has no drive of that number."),
        K::WriteProtect       => row("ERROR_WRITE_PROTECT", 19, libc::EROFS, "The logical medium is complete; mount it for reading."),
        K::NotReady           => row("ERROR_NOT_READY", 21, libc::EBUSY, "The service is starting, stopping or overloaded; try again."),
        K::NotSupported       => row("ERROR_NOT_SUPPORTED", 50, libc::EOPNOTSUPP, "The tree, the library or this version does not have the operation."),
        K::InvalidParameter   => row("ERROR_INVALID_PARAMETER", 87, libc::EINVAL, "A word, number or combination that does not exist; the sentence names it."),
        K::InvalidName        => row("ERROR_INVALID_NAME", 123, libc::EINVAL, "No object may have that name."),
        K::Busy               => row("ERROR_BUSY", 170, libc::EBUSY, "In use, or a request is already waiting on this descriptor."),
        K::AlreadyExists      => row("ERROR_ALREADY_EXISTS", 183, libc::EEXIST, "The name or bar code is taken."),
        K::Cancelled          => row("ERROR_CANCELLED", 1223, libc::ECANCELED, "An operator refused the request for media, or the requester cancelled it."),
        K::Timeout            => row("ERROR_TIMEOUT", 1460, libc::ETIMEDOUT, "The time of the request was over before a medium was available."),
        K::NotEnoughQuota     => row("ERROR_NOT_ENOUGH_QUOTA", 1816, libc::EDQUOT, "You have as much of it as one user may have; the sentence names the limit of ntmsfs.conf(5)."),
        K::InvalidMedia       => row("ERROR_INVALID_MEDIA", 4300, libc::EINVAL, "The identifier is not that of a suitable medium."),
        K::InvalidLibrary     => row("ERROR_INVALID_LIBRARY", 4301, libc::EINVAL, "The identifier is not that of a suitable library."),
        K::InvalidMediaPool   => row("ERROR_INVALID_MEDIA_POOL", 4302, libc::EINVAL, "The pool cannot do that: a system pool, a pool of pools, or the wrong kind."),
        K::DriveMediaMismatch => row("ERROR_DRIVE_MEDIA_MISMATCH", 4303, libc::EMEDIUMTYPE, "Drive and medium do not fit."),
        K::MediaOffline       => row("ERROR_MEDIA_OFFLINE", 4304, libc::ENOMEDIUM, "The medium is on a shelf; put it into a library."),
        K::LibraryOffline     => row("ERROR_LIBRARY_OFFLINE", 4305, libc::ENXIO, "The library is not online."),
        K::NotEmpty           => row("ERROR_NOT_EMPTY", 4307, libc::ENOTEMPTY, "Objects depend on it: media, children, requests or allocated media."),
        K::MediaUnavailable   => row("ERROR_MEDIA_UNAVAILABLE", 4308, libc::ENOSPC, "No medium is available; the sentence and the pool's why file say the numbers."),
        K::ResourceDisabled   => row("ERROR_RESOURCE_DISABLED", 4309, libc::EPERM, "The medium or library is disabled; write 1 to its enabled file."),
        K::ObjectNotFound     => row("ERROR_OBJECT_NOT_FOUND", 4312, libc::ENOENT, "No object has that name or identifier."),
        K::DatabaseFailure    => row("ERROR_DATABASE_FAILURE", 4313, libc::EIO, "The catalog could not be read or written; see the log and run ntmsfs check."),
        K::DatabaseFull       => row("ERROR_DATABASE_FULL", 4314, libc::ENOSPC, "The disk of the catalog is full; nothing was changed."),
        K::MediaIncompatible  => row("ERROR_MEDIA_INCOMPATIBLE", 4315, libc::EMEDIUMTYPE, "The medium is of another type than the pool."),
        K::ResourceNotPresent => row("ERROR_RESOURCE_NOT_PRESENT", 4316, libc::ENODEV, "The slot, drive or port does not exist."),
        K::DeviceNotAvailable => row("ERROR_DEVICE_NOT_AVAILABLE", 4319, libc::EBUSY, "Something in between is missing, such as the free pool of the media type."),
        K::RequestRefused     => row("ERROR_REQUEST_REFUSED", 4320, libc::ECANCELED, "An operator refused the request."),
        K::LibraryFull        => row("ERROR_LIBRARY_FULL", 4322, libc::ENOSPC, "The library has no free slot."),
        K::MediumNotAccessible => row("ERROR_MEDIUM_NOT_ACCESSIBLE", 4323, libc::EIO, "The changer could not reach the medium."),
        K::UnableToLoad       => row("ERROR_UNABLE_TO_LOAD_MEDIUM", 4324, libc::EIO, "The drive could not load the medium, or not give it back."),
        K::UnexpectedOmid     => row("ERROR_UNEXPECTED_OMID", 4334, libc::EIO, "The label on the medium is not the expected one; the medium was put back."),
        K::InvalidState       => row("ERROR_INVALID_STATE", 5023, libc::EBUSY, "The object's state does not allow it."),
    }
}

/// Returns what to do about an error of a kind: sentences for the manual.
#[rustfmt::skip]
pub fn remedy(kind: K) -> &'static str {
    match kind {
        K::AccessDenied => "Look at the rights of the pool or library with ls -ld and getfacl. USE is r-x on its directory, MODIFY w there, CONTROL w on the allocate of a pool; drawing from the free pool needs USE there too. Its owner or root gives rights with chmod or setfacl.",
        K::NotEnoughMemory => "Free memory and send the request again. If it is the daemon that grows, look at its memory and at metrics, and report it.",
        K::InvalidDrive => "ls libraries/<library>/drives shows the numbers.",
        K::WriteProtect => "Mount it with the word read. To write, allocate another medium.",
        K::NotReady => "Try again. For a library, wait until its state is ready; if that takes long, look at work/.",
        K::NotSupported => "Look for the operation that does have it in the table METHODS of ntmsfs(7); last-error names the reason.",
        K::InvalidParameter => "Correct the word. The grammars are in ntmsfs(7); a line ends with a newline.",
        K::InvalidName => "Use 1 to 255 bytes of UTF-8 without a slash or control characters.",
        K::Busy => "A mounted medium is free after its dismount; work/ and the drive link of the medium show who has it. Read the result that waits before the next request is written.",
        K::AlreadyExists => "For a named request: it was sent already, so read its result. Otherwise take another name; by-barcode/ shows who has a bar code.",
        K::Cancelled => "Ask who refused; history says who it was. Send the request again when the reason is gone.",
        K::Timeout => "cat why of the pool shows what it waited for, operator/ whether a person was asked. Bring media, or allow more time with timeout= or default_timeout.",
        K::NotEnoughQuota => "End or forget what you do not need: close files, rm requests, answer or remove requests to people. Root raises a limit in ntmsfs.conf and sends SIGHUP.",
        K::InvalidMedia => "With next, media= is an LMID of this pool from a medium that was opened with new; ls logical/ shows the LMIDs.",
        K::InvalidLibrary => "ls libraries/ shows the names, cat libraries/<library>/driver what each is.",
        K::InvalidMediaPool => "Use an application pool with a media_type. From the free pool media are drawn by allocate_from_free, or moved with mv.",
        K::DriveMediaMismatch => "Compare the media_type of the medium with what the driver of the library names; mount media of one library at a time.",
        K::MediaOffline => "Put it into a library and run an inventory; by-location/offline lists what is on the shelf.",
        K::LibraryOffline => "cat its state and status; enable it with echo 1 > enabled, and look at the log for what its device answers.",
        K::NotEmpty => "Look into its media, pools, requests and work; give back, move or forget what is there first.",
        K::MediaUnavailable => "cat why of the pool: it lists each reason with how many media have it. Import or free media, give logical media back, or set allocate_from_free.",
        K::ResourceDisabled => "Write 1 to its enabled file, once you know why somebody wrote 0: history says who.",
        K::ObjectNotFound => "It may have been renamed, purged or given back; by-id/ and history find it.",
        K::DatabaseFailure => "Look at the log of the daemon and at the disk. Unmount, run ntmsfs check, and restore the last export if it finds problems: ntmsfs-upgrade(7) says how.",
        K::DatabaseFull => "Make room where the catalog is, then try again; the daemon goes on by itself. ntmsfs archive shortens the history.",
        K::MediaIncompatible => "Move it to a pool of its type, or correct its media_type if the record is wrong.",
        K::ResourceNotPresent => "ls the slots, drives and ports of the library; a library without a door or port cannot open one.",
        K::DeviceNotAvailable => "mkdir types/<type> makes the system pools of a type; drives/ and status of the library show which drive works.",
        K::RequestRefused => "Ask who refused; history says who it was.",
        K::LibraryFull => "Eject media, or take them out and run an inventory; status of the library shows its slots.",
        K::MediumNotAccessible => "Look at the door and the magazine, then run an inventory: the medium may be in another slot.",
        K::UnableToLoad => "Disable the drive with echo 0 > enabled, look at it, clean it; the request can be sent again for another drive.",
        K::UnexpectedOmid => "Somebody wrote on it with other software, or it is another medium with the same bar code. Run an inventory with omid; write label if the new label is right.",
        K::InvalidState => "cat its state; ntmsfs(7) says which state follows which.",
    }
}

/// Renders a refusal as the one line that files and the program show: HRESULT, name, sentence.
pub fn line(refusal: &Refusal) -> String {
    let code = code(refusal.kind);
    format!(
        "0x{:08X} {} {}",
        code.hresult(),
        code.name,
        refusal.sentence
    )
}

/// Returns the Win32 code in a line that [`line()`] rendered.
pub fn number_in(line: &str) -> Option<u16> {
    let digits = line.strip_prefix("0x")?.get(..8)?;
    let hresult = u32::from_str_radix(digits, 16).ok()?;
    u16::try_from(hresult & 0xffff).ok()
}

/// Returns the kind with that Win32 code, as stored in an event.
pub fn kind_of(win32: u16) -> Option<K> {
    ALL.into_iter().find(|&kind| code(kind).win32 == win32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for pair in ALL.windows(2) {
            assert!(
                code(pair[0]).win32 < code(pair[1]).win32,
                "{pair:?} out of order or twice"
            );
        }
        for kind in ALL {
            let row = code(kind);
            assert_eq!(row.hresult(), 0x8007_0000 | u32::from(row.win32));
            assert!(
                row.name.starts_with("ERROR_") && row.meaning.ends_with('.'),
                "{row:?}"
            );
            assert!(remedy(kind).ends_with('.'), "{kind:?}");
            assert_ne!(row.errno, libc::ENOSYS, "the kernel remembers ENOSYS");
            assert_eq!(kind_of(row.win32), Some(kind));
            assert_eq!(number_in(&line(&kind.because("x"))), Some(row.win32));
        }
    }

    #[test]
    fn an_error_is_one_line() {
        let error = K::InvalidMediaPool.because("pool \"a\nb\" holds pools");
        assert_eq!(
            line(&error),
            "0x800710CE ERROR_INVALID_MEDIA_POOL pool \"a\\x0ab\" holds pools"
        );
    }
}
