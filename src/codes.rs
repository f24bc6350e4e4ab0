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
pub const ALL: [K; 33] = [
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

/// Returns the Win32 code in a line that [`line`] rendered.
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
