//! A node of the tree is a row of the table and an object number, and both are its inode number. There is no map of
//! inodes: a handle that the kernel kept over a remount still means the same.
//!
//! Invariants: the number of a row is part of every inode number, so it is never changed and never used again for
//! another row; object numbers are never reused either, so no generation is needed.

use crate::domain::id::{CATALOG, ObjectNo};

/// Declares the rows with their numbers. A row that goes away leaves its number unused.
macro_rules! rows {
    ($($row:ident = $number:literal,)+) => {
        /// The rows of the tree; [`super::tree`] says what each is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "every row has its sentence in the table")]
        pub enum Row { $($row,)+ }

        impl Row {
            /// Every row, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$row),+];

            /// Returns the number: the upper 16 bits of an inode number.
            pub const fn number(self) -> u64 {
                match self { $(Self::$row => $number,)+ }
            }

            /// Returns the same number, as an index.
            pub const fn index(self) -> usize {
                match self { $(Self::$row => $number,)+ }
            }

            /// Returns the row with that number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$row),)+ _ => None }
            }
        }
    };
}

#[rustfmt::skip]
rows! {
    Root = 0, Readme = 1, Status = 2, History = 3, Events = 4, LastError = 5,
    Pools = 6, Pool = 7, PoolId = 8, PoolName = 9, PoolDescription = 10, PoolType = 11, PoolMediaType = 12,
    PoolAllocateFromFree = 13, PoolDeallocateToFree = 14, PoolMaxAllocates = 15, PoolSelection = 16,
    PoolDefaultTimeout = 17, PoolPurgeTime = 18, PoolCounts = 19, PoolAllocate = 20, Requests = 21, Request = 22,
    Results = 23, Outcome = 24, PoolMedia = 25, PoolImport = 26, PoolWhy = 27,
    Medium = 28, MediumId = 29, MediumName = 30, MediumBarcode = 31, MediumSequenceNumber = 32,
    MediumDescription = 33, MediumMediaType = 34, MediumState = 35, MediumEnabled = 36, MediumLocation = 37,
    MediumPool = 38, MediumSlot = 39, MediumLibrary = 40, Sides = 41,
    Side = 42, SideId = 43, SideState = 44, SideMounts = 45, SideAllocations = 46, SideLogical = 47,
    AllMedia = 48, AnyMedium = 49,
    AllLogical = 50, Logical = 51, LogicalId = 52, LogicalName = 53, LogicalDescription = 54, LogicalState = 55,
    LogicalOwner = 56, LogicalAllocatedAt = 57, LogicalAllocatedFrom = 58, LogicalDevice = 59, LogicalPool = 60,
    LogicalSide = 61,
    Libraries = 62, Library = 63, LibraryId = 64, LibraryName = 65, LibraryDescription = 66, LibraryDriver = 67,
    LibraryEnabled = 68, LibraryState = 69, Slots = 70, Slot = 71, SlotNumber = 72, SlotState = 73, SlotMedium = 74,
    Drives = 75, Drive = 76, DriveNumber = 77, DriveState = 78, DriveMedium = 79,
    Ports = 80, Port = 81, PortNumber = 82, PortState = 83, PortMedium = 84,
    Operators = 85, Operator = 86, OperatorCommand = 87, OperatorMessage = 88, OperatorState = 89,
    OperatorSubmitted = 90, OperatorBy = 91, OperatorPool = 92, OperatorResult = 93,
    Types = 94, Type = 95, TypeSides = 96, TypeReadWrite = 97, TypeDescription = 98,
    ById = 99, PoolIds = 100, PoolById = 101, MediumIds = 102, MediumById = 103, SideIds = 104, SideById = 105,
    LogicalIds = 106, LogicalById = 107, LibraryIds = 108, LibraryById = 109,
    ByBarcode = 110, MediumByBarcode = 111,
    PoolReuseDelay = 120, SideRestsUntil = 121,
    LogicalLabel = 122, LogicalSwap = 123, SideLabelType = 124, SideLabelId = 125, SideLabelInfo = 126,
    SideCapacity = 127, PoolWantAvailable = 128,
    LibraryRequests = 160, LibraryRequest = 161, LibraryResults = 162, LibraryOutcome = 163,
    Works = 164, Work = 165, WorkOperation = 166, WorkState = 167, WorkPriority = 168, WorkOrder = 169,
    WorkQueued = 170, WorkCompleted = 171, WorkError = 172, WorkBy = 173, WorkMedium = 174, WorkDrive = 175,
    WorkLibrary = 176, DriveDevice = 177, MediumDrive = 178, MediumHomeSlot = 179,
    WorkPartOf = 180, DriveDeferDelay = 181, LibraryInventoryMethod = 182,
    LibraryAutoRecovery = 183,
    OperatorLibrary = 220, OperatorMedium = 221, OperatorDevice = 222, Ask = 223,
    Settings = 224, SettingOperatorPurgeTime = 225, SettingOperatorAutoPurge = 226, SettingOperatorKeepFailed = 227,
    SettingAttended = 228, SettingHookTimeout = 229, SettingHookAges = 230,
    PoolInfo = 250, MediumInfo = 251, SideInfo = 252, LogicalInfo = 253, LibraryInfo = 254, SlotInfo = 255,
    DriveInfo = 256, PortInfo = 257, OperatorInfo = 258, TypeInfo = 259, RootInfo = 260, Metrics = 261,
    ByState = 262, StateSides = 263, SideInState = 264, ByOwner = 265, OwnerLogical = 266, LogicalOfOwner = 267,
    ByLocation = 268, LocationLibraries = 269, LocationLibrary = 270, MediumInLibrary = 271,
    LocationOffline = 272, MediumOffline = 273, WorkInfo = 274,
    MediumHistory = 350, Export = 351, SettingRetention = 360, SettingArchived = 361,
    StatusPage = 420, LibraryStatus = 421, LibraryMap = 422,
}

/// The directories of named requests: requests, one of them, results, one of them.
const NAMED: [[Row; 4]; 2] = [
    [Row::Requests, Row::Request, Row::Results, Row::Outcome],
    [
        Row::LibraryRequests,
        Row::LibraryRequest,
        Row::LibraryResults,
        Row::LibraryOutcome,
    ],
];

impl Row {
    /// Returns the row of the results, if this is one of named requests.
    pub fn outcome(self) -> Option<Self> {
        let found = NAMED.into_iter().find(|[_, request, ..]| *request == self);
        found.map(|[.., outcome]| outcome)
    }

    /// Returns the row of the entries, if this is a directory of named requests or of their results.
    pub fn named(self) -> Option<Self> {
        NAMED
            .into_iter()
            .find_map(|[requests, request, results, outcome]| {
                match (self == requests, self == results) {
                    (true, _) => Some(request),
                    (_, true) => Some(outcome),
                    (false, false) => None,
                }
            })
    }
}

/// Bits of an inode number below the row.
const OBJECT_BITS: u32 = 48;

/// One file, directory or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node {
    /// What it is.
    pub row: Row,
    /// Of which object.
    pub no: ObjectNo,
}

impl Node {
    /// The root of the tree; its inode number is the 1 that the kernel expects.
    pub const ROOT: Self = Self::new(Row::Root, CATALOG);

    /// Names a node; whether it exists, the catalog says.
    pub const fn new(row: Row, no: ObjectNo) -> Self {
        Self { row, no }
    }

    /// Returns the inode number: the row above 48 bits of object number.
    pub const fn ino(self) -> u64 {
        self.row.number() << OBJECT_BITS | (self.no.0.unsigned_abs() & ((1 << OBJECT_BITS) - 1))
    }

    /// Returns the node with that inode number; `None` if no row has the number.
    pub fn from_ino(ino: u64) -> Option<Self> {
        let row = Row::from_number(ino >> OBJECT_BITS)?;
        let no = i64::try_from(ino & ((1 << OBJECT_BITS) - 1)).ok()?;
        Some(Self::new(row, ObjectNo(no)))
    }
}

const _: () = assert!(Node::ROOT.ino() == 1, "the kernel gives the root inode 1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_ascending_and_small() {
        for pair in Row::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        for row in Row::ALL {
            assert_eq!(Row::from_number(row.number()), Some(*row));
            assert!(row.number() < 0x8000, "an inode number fits into i64");
        }
    }

    #[test]
    fn an_inode_number_is_a_node() {
        for &row in Row::ALL {
            for no in [1, 77, (1 << 48) - 1] {
                let node = Node::new(row, ObjectNo(no));
                assert_eq!(Node::from_ino(node.ino()), Some(node));
            }
        }
        assert_eq!(Node::from_ino(0x7fff << 48 | 1), None);
    }
}
