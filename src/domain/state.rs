//! Kinds and states, with the numbers of MS-RSMP section 2.2.4 where it has them.

use super::word_enum::words;

words! {
    /// The life of a side (`NtmsPartitionState`): who owns the data on it.
    pub enum SideState {
        /// Not yet identified.
        Unknown = 0 "unknown",
        /// Waits for the free label to be written.
        Unprepared = 1 "unprepared",
        /// Its type fits no drive of the library.
        Incompatible = 2 "incompatible",
        /// Retired: never allocated again.
        Decommissioned = 3 "decommissioned",
        /// May be allocated.
        Available = 4 "available",
        /// Owned: it has a logical medium.
        Allocated = 5 "allocated",
        /// Owned, and no longer written.
        Complete = 6 "complete",
        /// Its label is unknown, or it is blank.
        Foreign = 7 "foreign",
        /// Its label type is known, its label identifier is not.
        Import = 8 "import",
        /// Kept for the owner of another side of the same medium.
        Reserved = 9 "reserved",
    }
}

impl SideState {
    /// Returns whether somebody owns the side or has it kept (allocated, complete or reserved).
    pub fn is_held(self) -> bool {
        matches!(self, Self::Allocated | Self::Complete | Self::Reserved)
    }

    /// Returns whether the side has a logical medium (allocated or complete).
    pub fn is_owned(self) -> bool {
        matches!(self, Self::Allocated | Self::Complete)
    }
}

words! {
    /// What a pool is for (`NtmsPoolType`).
    pub enum PoolType {
        /// Media free for anybody.
        Free = 1 "free",
        /// Media whose label is unknown.
        Unrecognized = 2 "unrecognized",
        /// Media with a known label type and an unknown identifier.
        Import = 3 "import",
        /// Media of an application.
        Application = 1000 "application",
    }
}

words! {
    /// Which of several available sides is taken. Every order ends with the name and the side, so it is total.
    pub enum Selection {
        /// Fewest allocations, then longest unused, then name.
        LeastUsed = 0 "least-used",
        /// The medium that has been in the catalog longest.
        Oldest = 1 "oldest",
        /// By name of the medium.
        Name = 2 "name",
        /// Media that already have an owned side first, then as least-used.
        Fill = 3 "fill",
    }
}

words! {
    /// What an operator is asked for (`NtmsOpreqCommand`).
    pub enum OperatorCommand {
        /// Bring media for a pool.
        NewMedia = 1 "new-media",
        /// Bring a cleaner.
        Cleaner = 2 "cleaner",
        /// Look after a device.
        DeviceService = 3 "device-service",
        /// Move a medium.
        MoveMedia = 4 "move-media",
        /// Read a message.
        Message = 5 "message",
    }
}

words! {
    /// The life of an operator request (`NtmsOpreqState`).
    pub enum OperatorState {
        /// Waits for a person.
        Submitted = 1 "submitted",
        /// A console showed it.
        Active = 2 "active",
        /// A person works on it.
        InProgress = 3 "in-progress",
        /// A person refused it.
        Refused = 4 "refused",
        /// A person did it.
        Complete = 5 "complete",
    }
}

impl OperatorState {
    /// Returns whether the request still waits for a person.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::Active | Self::InProgress)
    }
}

words! {
    /// Whether a library can work (`NtmsOperationalState`).
    pub enum LibraryState {
        /// It works.
        Ready = 0 "ready",
        /// Its inventory is under way.
        Initializing = 10 "initializing",
        /// It needs a person.
        NeedsService = 20 "needs-service",
        /// It is not there, or was never enabled.
        NotPresent = 21 "not-present",
    }
}

words! {
    /// How a library looks what is in its slots (`NtmsInventoryMethod`).
    pub enum InventoryMethod {
        /// Not at all.
        None = 0 "none",
        /// It reads the bar codes.
        Fast = 1 "fast",
        /// It reads the labels too.
        Omid = 2 "omid",
        /// The one that the library is set to.
        Default = 3 "default",
        /// No more.
        Stop = 5 "stop",
    }
}

words! {
    /// The parts of a library that have a number.
    pub enum ElementKind {
        /// A storage slot.
        Slot = 16 "slot",
        /// A drive.
        Drive = 5 "drive",
        /// An insert/eject port.
        Port = 8 "port",
    }
}

words! {
    /// Where a named or waiting request stands.
    pub enum RequestState {
        /// It waits for a medium.
        Waiting = 0 "waiting",
        /// It has its result.
        Finished = 1 "finished",
    }
}

words! {
    /// Work that a library does.
    pub enum WorkKind {
        /// Look what is in the slots (`NTMS_LM_INVENTORY`).
        Inventory = 8 "inventory",
        /// Take a medium out of a drive (`NTMS_LM_DISMOUNT`).
        Dismount = 16 "dismount",
        /// Bring a medium into a drive (`NTMS_LM_MOUNT`).
        Mount = 17 "mount",
    }
}

words! {
    /// The life of a library request (`NtmsLmState`).
    pub enum WorkState {
        /// Accepted, and not looked at yet.
        Queued = 0 "queued",
        /// The library does it now.
        InProcess = 1 "in-process",
        /// Done.
        Passed = 2 "passed",
        /// It could not be done.
        Failed = 3 "failed",
        /// A drive, a medium or a person is waited for.
        Waiting = 5 "waiting",
        /// Its owner or an operator took it back.
        Cancelled = 7 "cancelled",
    }
}

impl WorkState {
    /// Returns whether the request has no result yet.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::InProcess | Self::Waiting)
    }
}

words! {
    /// What a drive does with the medium in it (`NtmsDriveState`).
    pub enum DriveState {
        /// Empty.
        Dismounted = 0 "dismounted",
        /// A medium is in it and not ready yet.
        Mounted = 1 "mounted",
        /// Ready, and in use by whoever mounted it.
        Loaded = 2 "loaded",
        /// The medium is being taken out.
        Unloaded = 5 "unloaded",
        /// The medium stays until the drive is needed; the drive counts as free.
        Dismountable = 7 "dismountable",
    }
}

words! {
    /// What is done with a medium (`NtmsMediaState`).
    pub enum MediumState {
        /// In its slot or on a shelf, and nobody wants it.
        Idle = 0 "idle",
        /// A request for it was accepted; also while it is moved.
        InUse = 1 "in-use",
        /// In a drive, not ready yet.
        Mounted = 2 "mounted",
        /// Ready to be read and written.
        Loaded = 3 "loaded",
        /// Still in a drive, ready to be taken out.
        Unloaded = 4 "unloaded",
        /// A person was asked to bring it.
        OperatorRequest = 6 "operator-request",
    }
}

words! {
    /// Whether the caller is known to have read the identifier of an anonymous allocation.
    pub enum Delivery {
        /// It was read, or belongs to a named request.
        Done = 0 "delivered",
        /// Committed, and not yet known to be read.
        Pending = 1 "pending",
        /// The daemon crashed before anybody could know.
        Unknown = 2 "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_go_both_ways() {
        for &state in SideState::ALL {
            assert_eq!(SideState::from_number(state.number()), Some(state));
            assert_eq!(SideState::from_word(state.word()), Some(state));
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{state}\""));
        }
        assert_eq!(SideState::from_number(10), None);
        assert_eq!(PoolType::from_word("scratch"), None);
    }
}
