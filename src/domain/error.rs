//! The closed set of refusals, and a refusal that says which one and why.
//!
//! A kind has no fields: its name, code, errno and meaning are rows of one table, [`crate::codes`]. What was wrong
//! this time, with the object and the numbers, is the sentence.

use std::fmt;

/// Why an operation was refused. Every kind has one row in [`crate::codes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The caller lacks a right (MS-RSMP 3.1.1, access mask).
    AccessDenied,
    /// Memory could not be had while the operation was processed.
    NotEnoughMemory,
    /// No drive of that number exists.
    InvalidDrive,
    /// The medium must not be written any more.
    WriteProtect,
    /// The service is starting or stopping.
    NotReady,
    /// The library or this version cannot do it.
    NotSupported,
    /// A word, number or combination that the operation does not have.
    InvalidParameter,
    /// A name that no object may have.
    InvalidName,
    /// The object is in use.
    Busy,
    /// An object of that name exists.
    AlreadyExists,
    /// A person or the requester cancelled the request.
    Cancelled,
    /// The time allowed was over before a medium was available.
    Timeout,
    /// The user has as much of something as a user may have.
    NotEnoughQuota,
    /// The identifier is not that of a suitable medium.
    InvalidMedia,
    /// The identifier is not that of a suitable library.
    InvalidLibrary,
    /// The pool cannot do what was asked.
    InvalidMediaPool,
    /// Drive and medium do not fit or are in different libraries.
    DriveMediaMismatch,
    /// The medium is not in an online library.
    MediaOffline,
    /// The library is not online.
    LibraryOffline,
    /// Objects still depend on the one that was to go.
    NotEmpty,
    /// No medium is available.
    MediaUnavailable,
    /// The object is disabled.
    ResourceDisabled,
    /// No object of that name or identifier exists.
    ObjectNotFound,
    /// The catalog could not be read or written.
    DatabaseFailure,
    /// The catalog has no room left.
    DatabaseFull,
    /// The medium's type does not fit the pool or the device.
    MediaIncompatible,
    /// The resource does not exist.
    ResourceNotPresent,
    /// An intermediate resource is not available.
    DeviceNotAvailable,
    /// An operator refused the request.
    RequestRefused,
    /// The library has no free slot.
    LibraryFull,
    /// The changer cannot reach the medium.
    MediumNotAccessible,
    /// The drive could not load the medium, or not give it back.
    UnableToLoad,
    /// The label that was read is not the one that was expected.
    UnexpectedOmid,
    /// The object's state does not allow the operation.
    InvalidState,
}

/// One refusal: its kind and one sentence that names the object and the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The row of the error table.
    pub kind: ErrorKind,
    /// One line for a person, without control characters and without a final newline.
    pub sentence: String,
}

/// The result of everything that may be refused.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// Makes a refusal. Control characters in the sentence are escaped, so that one error is one line.
    pub fn new(kind: ErrorKind, sentence: impl AsRef<str>) -> Self {
        Self {
            kind,
            sentence: crate::domain::name::printable(sentence.as_ref()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Refusal {}

impl ErrorKind {
    /// Makes a [`Refusal`] of this kind.
    pub fn because(self, sentence: impl AsRef<str>) -> Refusal {
        Refusal::new(self, sentence)
    }
}
