//! A library that a test plays: it does what the library would do, and says what it finds.

#![expect(
    clippy::panic,
    reason = "a helper that finds something else has failed its test"
)]

use crate::harness::world::{World, looked_into, root};
use ntmsfs::domain::access::Caller;
use ntmsfs::domain::ask::{Ask, Named, Reply, SetLibrary};
use ntmsfs::domain::error::{Refusal, Result};
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::domain::library_request::LibraryRequest;
use ntmsfs::domain::state::{DriveState, MediumState, WorkKind, WorkState};
use ntmsfs::domain::work::Work;
use ntmsfs::manager::{queue, read};
use ntmsfs::store::fact;

pub(crate) const MO: &str = "MO-5.25";

/// A library that a test plays.
pub(crate) struct Played {
    pub(crate) world: World,
    pub(crate) library: ObjectNo,
    pub(crate) pool: ObjectNo,
}

impl Played {
    /// Media m1, m2, … in the slots of a virtual library, of which all sides are allocated.
    pub(crate) fn new(media: u32, drives: u32) -> Self {
        let text = format!("virtual type={MO} slots=20 drives={drives} cartridges=0");
        let mut played = Self::with(&text);
        for n in 1..=media {
            played
                .world
                .import(played.pool, &format!("m{n} slot=box/{n}"));
            played.world.take(played.pool, &format!("side=m{n}/A"));
        }
        played
    }

    pub(crate) fn with(driver: &str) -> Self {
        let mut world = World::new();
        let name = "box".to_owned();
        let made = world.ask(&root(), Ask::CreateLibrary { name, mode: 0o755 });
        let Ok(Reply::Created(library)) = made else {
            panic!("{made:?}")
        };
        let set = SetLibrary::Driver(driver.to_owned());
        world.done(Ask::SetLibrary { no: library, set });
        world.enable_library(library, true);
        let pool = world.pool(CATALOG, "Backup", MO);
        Self {
            world,
            library,
            pool,
        }
    }

    pub(crate) fn ask_as(&mut self, caller: &Caller, line: &str) -> Result<ObjectNo> {
        let request = Box::new(LibraryRequest::parse(line)?);
        let unnamed = self.world.named("");
        let no = unnamed.no;
        let name = Named {
            name: format!("r{no}"),
            no,
            body: line.to_owned(),
        };
        let library = self.library;
        let ask = Ask::Library {
            library,
            request,
            name,
        };
        self.world.ask(caller, ask).map(|_| no)
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> ObjectNo {
        self.ask_as(&root(), line).expect(line)
    }

    pub(crate) fn work(&self, no: ObjectNo) -> Work {
        queue::work(self.world.db(), no)
            .expect("work")
            .expect("work")
    }

    /// The result in one word: the device, `ok`, or the kind of the failure; or the state while there is none.
    pub(crate) fn word(&self, no: ObjectNo) -> String {
        let work = self.work(no);
        if work.state.is_open() {
            return work.state.to_string();
        }
        if work.result.starts_with("0x") {
            return format!("{:?}", crate::harness::world::kind_in(&work.result));
        }
        work.result
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// The result, line by line.
    pub(crate) fn lines(&self, no: ObjectNo) -> Vec<String> {
        self.work(no).result.lines().map(str::to_owned).collect()
    }

    /// The parts of a request for several media, in its order.
    pub(crate) fn parts(&self, no: ObjectNo) -> Vec<ObjectNo> {
        let parts = queue::parts(self.world.db(), no).expect("parts");
        parts.iter().map(|part| part.no).collect()
    }

    /// The work that the library does now: not what waits for its parts, and not a part that is ready.
    pub(crate) fn going(&self) -> Vec<ObjectNo> {
        let open = fact::open_work(self.world.db()).expect("work");
        let going = |no: &ObjectNo| {
            let work = self.work(*no);
            let task = queue::task(self.world.db(), *no).expect("a task");
            if work.kind == WorkKind::Inventory {
                return work.state == WorkState::InProcess || work.name.is_none();
            }
            work.state == WorkState::InProcess && work.result.is_empty() && task.is_some()
        };
        open.into_iter().filter(going).collect()
    }

    /// The library does what it was given, and all that follows from it.
    pub(crate) fn play(&mut self) {
        while let Some(&work) = self.going().first() {
            self.finish(work, Ok(()), None);
        }
    }

    pub(crate) fn finish(
        &mut self,
        work: ObjectNo,
        outcome: std::result::Result<(), Refusal>,
        left: Option<bool>,
    ) {
        if self.work(work).kind == WorkKind::Inventory {
            return self.look(work);
        }
        let task = queue::task(self.world.db(), work)
            .expect("a task")
            .expect("a task");
        let mounts = task.work.kind == WorkKind::Mount;
        if mounts {
            self.world.done(Ask::Moved { work });
        }
        let inside = left.unwrap_or(mounts && outcome.is_ok());
        let outcome = outcome.map(|()| format!("/drive-{}", task.drive));
        self.world.done(Ask::Worked {
            work,
            outcome,
            inside,
        });
        self.world.sound();
    }

    /// The library finds what the catalog believes.
    fn look(&mut self, work: ObjectNo) {
        let asked = fact::inventory(self.world.db(), work).expect("work");
        let (library, believed) = asked.expect("an inventory");
        let found = looked_into(&library, &believed);
        self.world.done(Ask::Inventoried { work, found });
        self.world.sound();
    }

    pub(crate) fn state(&self) -> &'static str {
        let library = read::library(self.world.db(), self.library).expect("a library");
        library.expect("a library").state.word()
    }

    pub(crate) fn set(&mut self, set: SetLibrary) {
        let no = self.library;
        self.world.done(Ask::SetLibrary { no, set });
    }

    pub(crate) fn drive(&self, number: u32) -> (DriveState, String) {
        let drives = queue::drives(self.world.db(), self.library).expect("drives");
        let drive = drives
            .into_iter()
            .find(|drive| drive.number == number)
            .expect("a drive");
        drive.inside.map_or(
            (DriveState::Dismounted, String::new()),
            |(inside, _, name)| (inside.state, name),
        )
    }

    pub(crate) fn medium(&self, name: &str) -> MediumState {
        queue::medium_state(self.world.db(), self.world.medium(name).no).expect("a state")
    }

    pub(crate) fn lmid(&self, name: &str) -> String {
        self.world.lmid(name, "A").expect("an LMID").to_string()
    }

    pub(crate) fn operator(&self, work: ObjectNo) -> ObjectNo {
        self.work(work).operator.expect("an operator request")
    }
}
