//! What the tests of the manager share: a clock that stands until it is moved, and a core on a new catalog.

#![expect(
    clippy::panic,
    reason = "a helper that finds something else has failed its test"
)]

use ntmsfs::domain::access::Caller;
use ntmsfs::domain::allocate_request::AllocateRequest;
use ntmsfs::domain::ask::{
    Ask, Found, Named, Reply, SetAccess, SetLibrary, SetMedium, SetPool, SetType,
};
use ntmsfs::domain::error::{ErrorKind, Result};
use ntmsfs::domain::event::Event;
use ntmsfs::domain::id::{CATALOG, Guid, ObjectNo};
use ntmsfs::domain::import::ImportLine;
use ntmsfs::domain::object::{Library, Logical, Medium, Operator, Request, Side};
use ntmsfs::domain::state::{OperatorState, SideState};
use ntmsfs::domain::time::Time;
use ntmsfs::library::{Believed, Place};
use ntmsfs::manager::clock::Clock;
use ntmsfs::manager::core::Core;
use ntmsfs::manager::{Durability, Faults, founding, log, read};
use ntmsfs::store::checkpoint::Checkpoint;
use ntmsfs::store::write::Writer;
use ntmsfs::store::{check, fact};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The instant at which every test begins: some day in 2031.
const START: i64 = 1_930_000_000_000;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(START) };
}

/// Moves the clock of this thread.
pub(crate) fn advance(ms: i64) {
    NOW.set(NOW.get() + ms);
}

/// Sets the clock of this thread back to its beginning.
pub(crate) fn reset() {
    NOW.set(START);
}

pub(crate) fn now() -> i64 {
    NOW.get()
}

/// The clock of the thread that asks it.
pub(crate) fn clock() -> Clock {
    Clock {
        utc: || Time(NOW.get()),
        boot: || Duration::from_millis(NOW.get().unsigned_abs()),
    }
}

/// Returns the full figure under `NTMSFS_LONG=1`, else the usual one.
pub(crate) fn rounds(usual: u64, long: u64) -> u64 {
    let wanted = std::env::var_os("NTMSFS_LONG").is_some_and(|value| value == "1");
    if wanted { long } else { usual }
}

/// A folder in memory, if there is one.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory)
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// The bytes of a catalog that was just founded.
fn founded() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("catalog");
        founding::found(&path).expect("a new catalog");
        std::fs::read(path).expect("the catalog")
    })
}

pub(crate) fn user(uid: u32) -> Caller {
    Caller {
        uid,
        gid: uid,
        ..Caller::default()
    }
}

pub(crate) fn root() -> Caller {
    Caller::default()
}

/// A core on a catalog of its own, and the events of its last ask.
pub(crate) struct World {
    folder: tempfile::TempDir,
    core: Option<Core>,
    /// Nobody else opens the catalog: it stays locked, which spares thousands of system calls.
    alone: bool,
    pub(crate) faults: Faults,
    pub(crate) events: Vec<Arc<Event>>,
}

/// Looks into a library that has nowhere to keep what is in its drives.
pub(crate) fn looked_into(library: &Library, believed: &[Believed]) -> Result<Vec<Found>> {
    let place = Place {
        id: library.id,
        name: library.name.clone(),
        dir: PathBuf::new(),
        pause: Arc::new(|_| true),
    };
    let library = ntmsfs::library::open(place, &library.driver).expect("a driver");
    library.inventory(believed)
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(founded(), Faults::default())
    }

    /// Opens a copy of a catalog that nobody else opens.
    pub(crate) fn alone(bytes: &[u8]) -> Self {
        Self::of(bytes, Faults::default(), true)
    }

    /// Opens a copy of a catalog, given as its bytes.
    pub(crate) fn with(bytes: &[u8], faults: Faults) -> Self {
        Self::of(bytes, faults, false)
    }

    fn of(bytes: &[u8], faults: Faults, alone: bool) -> Self {
        let folder = folder();
        std::fs::write(folder.path().join("catalog"), bytes).expect("a copy of the catalog");
        let mut world = Self {
            folder,
            core: None,
            alone,
            faults,
            events: Vec::new(),
        };
        world.open();
        world
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("catalog")
    }

    fn open(&mut self) {
        let writer = Writer::open(&self.path(), Durability::None, self.faults.clone());
        let core = Core::new(writer.expect("a catalog"), clock(), self.faults.clone());
        self.core = Some(core.expect("a core"));
        if self.alone {
            self.sql("PRAGMA locking_mode=EXCLUSIVE");
        }
    }

    /// Drops the core and opens the catalog again, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.restart_after(0);
    }

    /// The same, with the catalog closed for a while.
    pub(crate) fn restart_after(&mut self, ms: i64) {
        self.core = None;
        advance(ms);
        self.open();
    }

    /// Closes the catalog and returns its bytes.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.core = None;
        std::fs::read(self.path()).expect("the catalog")
    }

    pub(crate) fn core(&mut self) -> &mut Core {
        self.core.as_mut().expect("an open core")
    }

    pub(crate) fn db(&self) -> &rusqlite::Connection {
        self.core.as_ref().expect("an open core").writer().db()
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.db().execute_batch(sql).expect(sql);
    }

    /// One ask, one batch.
    pub(crate) fn ask(&mut self, caller: &Caller, ask: Ask) -> Result<Reply> {
        let mut batch = self.core().batch(&[(caller.clone(), ask)]);
        self.events = batch.events;
        batch.answers.pop().expect("an answer")
    }

    /// What root asks is done.
    pub(crate) fn done(&mut self, ask: Ask) {
        let shown = format!("{ask:?}");
        let reply = self.ask(&root(), ask);
        assert_eq!(reply, Ok(Reply::Done), "{shown}");
    }

    fn created(&mut self, ask: Ask) -> ObjectNo {
        match self.ask(&root(), ask) {
            Ok(Reply::Created(no)) => no,
            other => panic!("{other:?}"),
        }
    }

    /// Makes an application pool of root's with everything open.
    pub(crate) fn pool(&mut self, parent: ObjectNo, name: &str, media_type: &str) -> ObjectNo {
        let (name, mode) = (name.to_owned(), 0o777);
        let no = self.created(Ask::CreatePool { parent, name, mode });
        self.set(no, SetAccess::Control(0o666));
        if !media_type.is_empty() {
            self.set(no, SetPool::MediaType(media_type.to_owned()));
        }
        no
    }

    pub(crate) fn set_as(
        &mut self,
        caller: &Caller,
        no: ObjectNo,
        set: impl Into<SetPool>,
    ) -> Result<Reply> {
        let set = set.into();
        self.ask(caller, Ask::SetPool { no, set })
    }

    pub(crate) fn set(&mut self, no: ObjectNo, set: impl Into<SetPool>) {
        let set = set.into();
        self.done(Ask::SetPool { no, set });
    }

    /// Adds a media type with so many sides.
    pub(crate) fn media_type(&mut self, name: &str, sides: u32) {
        let name = name.to_owned();
        let no = self.created(Ask::AddType { name });
        let set = SetType::Sides(sides);
        self.done(Ask::SetType { no, set });
    }

    /// Makes an enabled virtual library without cartridges, of which the inventory is done.
    pub(crate) fn library(&mut self, name: &str, media_type: &str, slots: u32) -> ObjectNo {
        let (mode, driver) = (
            0o777,
            format!("virtual type={media_type} slots={slots} drives=1 cartridges=0"),
        );
        let no = self.created(Ask::CreateLibrary {
            name: name.to_owned(),
            mode,
        });
        let set = SetLibrary::Driver(driver);
        self.done(Ask::SetLibrary { no, set });
        self.enable_library(no, true);
        no
    }

    pub(crate) fn enable_library(&mut self, no: ObjectNo, on: bool) {
        let set = SetLibrary::Enabled(on);
        self.done(Ask::SetLibrary { no, set });
        for work in fact::open_work(self.db()).expect("work") {
            let (library, believed) = fact::inventory(self.db(), work)
                .expect("work")
                .expect("open work");
            let found = looked_into(&library, &believed);
            self.done(Ask::Inventoried { work, found });
        }
    }

    /// Switches a library off and on again: the inventory that begins with it finds so much.
    pub(crate) fn inventory(&mut self, library: ObjectNo, found: Result<Vec<Found>>) {
        for on in [false, true] {
            let set = SetLibrary::Enabled(on);
            self.done(Ask::SetLibrary { no: library, set });
        }
        let work = fact::open_work(self.db()).expect("work")[0];
        self.done(Ask::Inventoried { work, found });
    }

    pub(crate) fn leaf(&self, system: &str, media_type: &str) -> ObjectNo {
        let above = read::pool_named(self.db(), CATALOG, system)
            .expect("a pool")
            .expect("a system pool");
        let leaf = read::pool_named(self.db(), above.no, media_type).expect("a pool");
        leaf.expect("a leaf").no
    }

    /// Imports one line.
    pub(crate) fn import(&mut self, pool: ObjectNo, line: &str) -> ObjectNo {
        self.done(lines(pool, &[line]));
        let name = line.split_whitespace().next().expect("a name");
        self.medium(name).no
    }

    pub(crate) fn medium(&self, name: &str) -> Medium {
        read::medium_named(self.db(), name)
            .expect("a medium")
            .expect("a medium of that name")
    }

    pub(crate) fn side(&self, medium: &str, letter: &str) -> Side {
        let no = self.medium(medium).no;
        read::side_lettered(self.db(), no, letter)
            .expect("a side")
            .expect("a side of that letter")
    }

    /// The states of all sides of a medium.
    pub(crate) fn states(&self, medium: &str) -> Vec<SideState> {
        let no = self.medium(medium).no;
        read::sides(self.db(), no)
            .expect("sides")
            .iter()
            .map(|side| side.state)
            .collect()
    }

    pub(crate) fn enable(&mut self, medium: &str, on: bool) {
        let (no, set) = (self.medium(medium).no, SetMedium::Enabled(on));
        self.done(Ask::SetMedium { no, set });
    }

    pub(crate) fn move_to(
        &mut self,
        caller: &Caller,
        medium: &str,
        pool: ObjectNo,
    ) -> Result<Reply> {
        let (no, name) = (self.medium(medium).no, medium.to_owned());
        self.ask(caller, Ask::MoveMedium { no, pool, name })
    }

    /// Submits a request; a body that cannot be read is refused here, as a write refuses it.
    pub(crate) fn submit(
        &mut self,
        caller: &Caller,
        pool: ObjectNo,
        body: &str,
        name: Option<&str>,
    ) -> Result<Reply> {
        let request = Box::new(AllocateRequest::parse(body)?);
        let name = name.map(|name| self.named(name));
        self.ask(
            caller,
            Ask::Allocate {
                pool,
                request,
                name,
            },
        )
    }

    /// A name with a number of its own.
    pub(crate) fn named(&mut self, name: &str) -> Named {
        let no = self.core().reserve().expect("a number below the ceiling");
        Named {
            name: name.to_owned(),
            no,
            body: String::new(),
        }
    }

    /// Allocates as root and returns what was taken, as `medium/letter`, with its LMID.
    pub(crate) fn take(&mut self, pool: ObjectNo, body: &str) -> (String, Logical) {
        match self.submit(&root(), pool, body, None) {
            Ok(Reply::Allocated { logical, .. }) => (self.place(logical), self.logical(logical)),
            other => panic!("{body}: {other:?}"),
        }
    }

    /// Submits as root and returns the request that waits.
    pub(crate) fn wait(&mut self, pool: ObjectNo, body: &str, name: Option<&str>) -> ObjectNo {
        match self.submit(&root(), pool, body, name) {
            Ok(Reply::Waiting { request }) => request,
            other => panic!("{body}: {other:?}"),
        }
    }

    pub(crate) fn logical(&self, no: ObjectNo) -> Logical {
        read::logical(self.db(), no)
            .expect("a logical medium")
            .expect("a logical medium of that number")
    }

    /// The place of a logical medium as `medium/letter`.
    pub(crate) fn place(&self, logical: ObjectNo) -> String {
        let side = read::side(self.db(), self.logical(logical).side)
            .expect("a side")
            .expect("its side");
        let medium = read::medium(self.db(), side.medium)
            .expect("a medium")
            .expect("its medium");
        format!("{}/{}", medium.name, side.letter)
    }

    /// The LMID of a side, if it has one.
    pub(crate) fn lmid(&self, medium: &str, letter: &str) -> Option<Guid> {
        self.side(medium, letter)
            .logical
            .map(|no| self.logical(no).id)
    }

    pub(crate) fn request(&self, no: ObjectNo) -> Option<Request> {
        read::request(self.db(), no).expect("a request")
    }

    pub(crate) fn operator(&self, no: ObjectNo) -> Option<Operator> {
        read::operator(self.db(), no).expect("an operator request")
    }

    pub(crate) fn answer(
        &mut self,
        caller: &Caller,
        no: ObjectNo,
        state: OperatorState,
    ) -> Result<Reply> {
        self.ask(caller, Ask::AnswerOperator { no, state })
    }

    /// Performs what the clock has due, and returns how many asks it were.
    pub(crate) fn due(&mut self) -> usize {
        let mut count = 0;
        let mut events = Vec::new();
        while let Some(ask) = self.core().due() {
            self.done(ask);
            events.append(&mut self.events);
            count += 1;
        }
        self.events = events;
        count
    }

    /// What the requests that ended in the last ask gave: number, and the place or the code.
    pub(crate) fn ended(&self) -> Vec<(Option<ObjectNo>, String)> {
        let mut out = Vec::new();
        for event in &self.events {
            if let Event::Allocated { allocation } = &**event {
                out.push((allocation.request.no, self.place(allocation.logical.no)));
            }
            if let Event::RequestFailed { request, code, .. } = &**event {
                let kind = ntmsfs::codes::kind_of(*code).expect("a code of the table");
                out.push((request.no, format!("{kind:?}")));
            }
        }
        out
    }

    /// Says that the records up to one are in an archive.
    pub(crate) fn archive(&mut self, seq: i64) {
        let last = log::at(self.db(), seq)
            .expect("a record")
            .expect("a record of that number");
        self.done(Ask::Archive { last: last.mark() });
    }

    /// Lets the checkpoint follow, and returns in how many pieces.
    pub(crate) fn fold(&mut self) -> usize {
        let mut checkpoint = Checkpoint::load(self.db()).expect("the checkpoint");
        let mut pieces = 0;
        while let Some(piece) = checkpoint.advance(self.db()).expect("a piece") {
            self.done(Ask::Fold {
                piece: Box::new(piece),
            });
            pieces += 1;
        }
        pieces
    }

    /// Everything that must hold, holds.
    pub(crate) fn sound(&self) {
        assert_eq!(check::invariants(self.db()), Ok(Vec::new()));
        assert_eq!(check::chain(self.db()), Ok(()));
        assert_eq!(check::rebuilt(self.db()), Ok(Vec::new()));
    }
}

/// An import of lines, numbered from 1.
pub(crate) fn lines(pool: ObjectNo, lines: &[&str]) -> Ask {
    let read = |line: &&str| {
        ImportLine::parse(line)
            .expect("a line")
            .expect("no comment")
    };
    Ask::Import {
        pool,
        lines: (1..).zip(lines.iter().map(read)).collect(),
    }
}

/// What a request gave, in one word: the place for a success, `waits`, or the kind of the failure or refusal.
pub(crate) fn word(world: &World, reply: &Result<Reply>) -> String {
    match reply {
        Ok(Reply::Allocated { logical, .. }) => world.place(*logical),
        Ok(Reply::Waiting { .. }) => "waits".to_owned(),
        Ok(Reply::Failed { result }) => format!("{:?}", kind_in(result)),
        Ok(reply) => format!("{reply:?}"),
        Err(refusal) => format!("{:?}", refusal.kind),
    }
}

/// The kind that a line of a failed result names.
pub(crate) fn kind_in(result: &str) -> ErrorKind {
    let code = result
        .get(2..10)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let code = code.and_then(|code| u16::try_from(code & 0xffff).ok());
    code.and_then(ntmsfs::codes::kind_of)
        .expect("a code of the table")
}
