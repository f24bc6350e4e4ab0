//! One ask inside a transaction: load the facts, let the rule decide, record the events.

use super::groups::Groups;
use super::numbers::Numbers;
use super::{allocating, archiving, asking, filing, media_type, mounting, serving, working};
use crate::domain::access::Caller;
use crate::domain::ask::{Ask, Reply, SetElement, SetLibrary, SetLogical, SetMedium, SetPool};
use crate::domain::attribute::{Holder, Way};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;
use crate::domain::id::{CATALOG, Guid, ObjectNo};
use crate::domain::object::Medium;
use crate::domain::rule::{Mint as _, attribute, deallocate, library, medium, mount, pool};
use crate::domain::state::SideState;
use crate::domain::time::Time;
use crate::store::write::Writer;
use crate::store::{self, fact, queue, read};
use std::sync::Arc;

/// Everything that performing one ask needs.
pub(super) struct Turn<'a> {
    /// The open transaction.
    pub(super) writer: &'a mut Writer,
    /// Where new numbers come from.
    pub(super) numbers: &'a Numbers,
    /// The groups of those whose requests wait.
    pub(super) groups: &'a Groups,
    /// Who asks.
    pub(super) caller: &'a Caller,
    /// The instant of all that is recorded.
    pub(super) now: Time,
    /// Requests that wait from now on, with the instant at which their time is over; the catalog itself stands for sides
    /// that rest, and a drive for the medium that stays in it.
    pub(super) deadlines: Vec<(ObjectNo, Time)>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        writer: &'a mut Writer,
        (numbers, groups): (&'a Numbers, &'a Groups),
        caller: &'a Caller,
        now: Time,
    ) -> Self {
        Self {
            writer,
            numbers,
            groups,
            caller,
            now,
            deadlines: Vec::new(),
        }
    }
}

impl Turn<'_> {
    /// Records an event.
    pub(super) fn record(&mut self, event: Event) -> Result<()> {
        self.writer.record(event, self.caller, self.now)
    }

    /// Records events, in order.
    pub(super) fn record_all(&mut self, events: impl IntoIterator<Item = Event>) -> Result<Reply> {
        events
            .into_iter()
            .try_for_each(|event| self.record(event))?;
        Ok(Reply::Done)
    }

    /// Performs one ask.
    #[rustfmt::skip]
    pub(super) fn perform(&mut self, ask: &Ask) -> Result<Reply> {
        match ask {
            Ask::Allocate { pool, request, name } => allocating::submit(self, *pool, request, name.as_ref()),
            Ask::Unfinished { pool, name } => allocating::unfinished(self, *pool, name),
            Ask::RemoveRequest { no } => allocating::remove(self, *no),
            Ask::EndRests => self.end_rests(),
            Ask::Expire { no } => self.expire(*no),
            Ask::Undo { logical } => self.undo(*logical),
            Ask::Deallocate { logical } => self.deallocate(*logical),
            Ask::SetLogical { no, set } => self.set_logical(*no, set),
            Ask::Swap { no, other } => self.swap(*no, *other),
            Ask::CreatePool { parent, name, mode } => self.create_pool(*parent, name, *mode),
            Ask::RemovePool { no } => self.remove_pool(*no),
            Ask::PlacePool { no, parent, name } => self.place_pool(*no, *parent, name),
            Ask::SetPool { no, set } => self.set_pool(*no, set),
            Ask::Import { pool, lines } => filing::import(self, *pool, lines),
            Ask::CreateMedium { pool, name } => filing::create(self, *pool, name),
            Ask::MoveMedium { no, pool, name } => self.move_medium(*no, *pool, name),
            Ask::SetMedium { no, set } => self.set_medium(*no, set),
            Ask::RemoveMedium { no } => self.remove_medium(*no),
            Ask::SetSide { no, state } => self.set_side(*no, *state),
            Ask::CreateLibrary { name, mode } => self.create_library(name, *mode),
            Ask::RemoveLibrary { no } => self.remove_library(*no),
            Ask::SetLibrary { no, set } => self.set_library(*no, set),
            Ask::SetElement { no, set } => self.set_element(*no, set),
            Ask::Inventoried { work, found } => filing::inventoried(self, *work, found),
            Ask::Library { library, request, name } => mounting::submit(self, *library, request, name),
            Ask::UnfinishedLibrary { library, name } => mounting::unfinished(self, *library, name),
            Ask::RemoveWork { no } => mounting::remove(self, *no),
            Ask::OrderWork { no, place } => mounting::order(self, *no, *place),
            Ask::Moved { work } => working::moved(self, *work),
            Ask::Worked { work, outcome, inside } => working::worked(self, *work, outcome, *inside),
            Ask::AddType { name } => media_type::add(self, name),
            Ask::SetType { no, set } => media_type::set(self, *no, set),
            Ask::RemoveType { no } => media_type::remove(self, *no),
            Ask::SetAttribute { of, name, value, way } => self.set_attribute(*of, name, value.as_deref(), *way),
            Ask::AskOperator { request } => asking::submit(self, request),
            Ask::Set { setting } => asking::set(self, setting),
            Ask::Archive { last } => archiving::submit(self, *last),
            Ask::AnswerOperator { no, state } => asking::answer(self, *no, *state),
            Ask::RemoveOperator { no } => asking::remove(self, *no),
            Ask::Delivered { .. } | Ask::Sweep | Ask::Fold { .. } => Ok(Reply::Done), // by the core
        }
    }

    fn expire(&mut self, no: ObjectNo) -> Result<Reply> {
        let db = self.writer.db();
        if let Some(work) = queue::work(db, no)? {
            return mounting::expire(self, &work);
        }
        if let Some(drive) = read::element(db, no)? {
            serving::serve(self, drive.library)?;
            return Ok(Reply::Done);
        }
        match read::operator(db, no)? {
            Some(asked) => asking::expire(self, &asked),
            None => allocating::expire(self, no),
        }
    }

    /// Returns the events of this transaction from the place `from` on; whoever looks at them may record more.
    pub(super) fn since(&self, from: usize) -> Vec<Arc<Event>> {
        let events = self.writer.events().iter().skip(from);
        events.map(Arc::clone).collect()
    }

    /// Refuses to give away or move a medium that is in use in a drive.
    pub(super) fn demand_idle(&self, medium: &Medium) -> Result<()> {
        let db = self.writer.db();
        let inside = queue::mounted(db, medium.no)?;
        mount::demand_idle(
            queue::medium_state(db, medium.no)?,
            inside.as_ref(),
            &medium.name,
        )
    }

    fn undo(&mut self, logical: ObjectNo) -> Result<Reply> {
        let db = self.writer.db();
        if read::logical(db, logical)?.is_none() {
            return Ok(Reply::Done);
        }
        let undone = deallocate::undo(&fact::deallocate(db, logical)?)?;
        self.record_all(undone.map(|d| Event::Deallocated {
            deallocation: Box::new(d),
        }))
    }

    fn deallocate(&mut self, logical: ObjectNo) -> Result<Reply> {
        let facts = fact::deallocate(self.writer.db(), logical)?;
        self.demand_idle(&facts.medium.medium)?;
        let deallocation = Box::new(deallocate::deallocate(&facts, self.caller, self.now)?);
        let rests = deallocation.rests_until;
        self.deadlines.extend(rests.map(|until| (CATALOG, until)));
        self.record_all([Event::Deallocated { deallocation }])
    }

    /// Sides whose rest is over are available. What is left, and the next that rests, is looked at again.
    fn end_rests(&mut self) -> Result<Reply> {
        let rested = fact::rested(self.writer.db(), self.now)?;
        self.record_all(rested.into_iter().map(|side| Event::SideRested { side }))?;
        let soon = Time(self.now.0 + 10);
        let next = fact::next_rest(self.writer.db())?;
        self.deadlines
            .extend(next.map(|next| (CATALOG, next.max(soon))));
        Ok(Reply::Done)
    }

    fn set_logical(&mut self, no: ObjectNo, set: &SetLogical) -> Result<Reply> {
        let facts = fact::deallocate(self.writer.db(), no)?;
        let event = deallocate::change(&facts, set, self.caller)?;
        if matches!(set, SetLogical::State(_)) {
            // MS-RSMP: complete is for what is not mounted.
            let idle = self.demand_idle(&facts.medium.medium);
            idle.map_err(|refusal| ErrorKind::InvalidState.because(refusal.sentence))?;
        }
        self.record(event)?;
        if let SetLogical::Label(label) = set {
            filing::rename(self, &facts.medium, &label.info)?;
        }
        Ok(Reply::Done)
    }

    fn swap(&mut self, no: ObjectNo, other: Guid) -> Result<Reply> {
        let db = self.writer.db();
        let facts = fact::deallocate(db, no)?;
        let other = read::logical_by_id(db, other)?;
        let other = other
            .map(|other| fact::deallocate(db, other.no))
            .transpose()?;
        let event = deallocate::swap(&facts, other.as_ref(), self.caller)?;
        for used in other.iter().chain([&facts]) {
            let idle = self.demand_idle(&used.medium.medium);
            idle.map_err(|refusal| ErrorKind::InvalidMedia.because(refusal.sentence))?;
        }
        self.record_all([event])
    }

    fn create_pool(&mut self, parent: ObjectNo, name: &str, mode: u32) -> Result<Reply> {
        let db = self.writer.db();
        let above = fact::pool_content(db, parent)?;
        let media_type = read::media_type_named(db, name)?;
        let thing = self.numbers.thing();
        let event = pool::create(
            &above,
            media_type.as_ref(),
            (name, mode),
            self.caller,
            thing,
        )?;
        demand_new_pool(self.writer, (parent, name), None)?;
        self.record(event)?;
        Ok(Reply::Created(thing.no))
    }

    fn remove_pool(&mut self, no: ObjectNo) -> Result<Reply> {
        let db = self.writer.db();
        let facts = fact::found(fact::pool_content(db, no)?, "pool")?;
        let above = fact::pool_content(db, facts.pool.parent)?;
        self.record_all(pool::remove(&facts, &above, self.caller)?)
    }

    fn set_pool(&mut self, no: ObjectNo, set: &SetPool) -> Result<Reply> {
        let db = self.writer.db();
        let facts = fact::found(fact::pool_content(db, no)?, "pool")?;
        let media_type = if let SetPool::MediaType(name) = set {
            read::media_type_named(db, name)?
        } else {
            None
        };
        let event = pool::set(&facts, set, media_type.as_ref(), self.caller)?;
        self.record_all([event])
    }

    fn move_medium(&mut self, no: ObjectNo, pool: ObjectNo, name: &str) -> Result<Reply> {
        let facts = fact::place_medium(self.writer.db(), no, pool, name)?;
        if facts.medium.pool.no != pool {
            self.demand_idle(&facts.medium.medium)?;
        }
        self.record_all(medium::place(&facts, name, self.caller)?)
    }

    fn set_medium(&mut self, no: ObjectNo, set: &SetMedium) -> Result<Reply> {
        if let SetMedium::MediaType(name) = set {
            return media_type::retype(self, no, name);
        }
        let event = medium::set(&fact::medium_of(self.writer.db(), no)?, set, self.caller)?;
        self.record_all(event)
    }

    fn remove_medium(&mut self, no: ObjectNo) -> Result<Reply> {
        let facts = fact::medium_of(self.writer.db(), no)?;
        self.demand_idle(&facts.medium)?;
        let event = medium::remove(&facts, self.caller)?;
        self.record_all([event])
    }

    fn set_side(&mut self, no: ObjectNo, state: SideState) -> Result<Reply> {
        let db = self.writer.db();
        let side = fact::found(read::side(db, no)?, "side")?;
        let medium = fact::medium_of(db, side.medium)?;
        let event = deallocate::decommission(&medium, &side, state, self.caller)?;
        self.record_all([event])
    }

    fn set_attribute(
        &mut self,
        of: Holder,
        name: &str,
        value: Option<&[u8]>,
        way: Way,
    ) -> Result<Reply> {
        let facts = store::attribute::facts(self.writer.db(), of, name)?;
        let event = attribute::set(&facts, name, value, way, self.caller)?;
        self.record_all(event)
    }

    fn remove_library(&mut self, no: ObjectNo) -> Result<Reply> {
        let facts = fact::library(self.writer.db(), no, None, None)?;
        self.record_all(library::remove(&facts, self.caller)?)
    }

    fn set_element(&mut self, no: ObjectNo, set: &SetElement) -> Result<Reply> {
        let db = self.writer.db();
        let element = fact::found(read::element(db, no)?, "drive")?;
        let library = fact::found(read::library(db, element.library)?, "library")?;
        let event = library::set_element(&library, &element, set, self.caller)?;
        self.record_all(event)
    }

    fn place_pool(&mut self, no: ObjectNo, parent: ObjectNo, name: &str) -> Result<Reply> {
        let db = self.writer.db();
        let pool = fact::pool(db, no)?;
        let parents = (
            &fact::pool_content(db, pool.parent)?,
            &fact::pool_content(db, parent)?,
        );
        let above = if parent == CATALOG {
            Vec::new()
        } else {
            fact::ancestors(db, parent)?
        };
        let event = pool::place(&pool, parents, &above, name, self.caller)?;
        demand_new_pool(self.writer, (parent, name), Some(no))?;
        self.record_all([event])
    }

    fn create_library(&mut self, name: &str, mode: u32) -> Result<Reply> {
        let thing = self.numbers.thing();
        let event = library::create((name, mode), self.caller, thing)?;
        if read::library_named(self.writer.db(), name)?.is_some() {
            return Err(ErrorKind::AlreadyExists.because(format!("library \"{name}\" exists")));
        }
        self.record(event)?;
        Ok(Reply::Created(thing.no))
    }

    fn set_library(&mut self, no: ObjectNo, set: &SetLibrary) -> Result<Reply> {
        let (driver, name) = match set {
            SetLibrary::Driver(driver) => (Some(driver.as_str()), None),
            SetLibrary::Name(name) => (None, Some(name.as_str())),
            SetLibrary::Description(_)
            | SetLibrary::Enabled(_)
            | SetLibrary::InventoryMethod(_)
            | SetLibrary::AutoRecovery(_)
            | SetLibrary::Access(_) => (None, None),
        };
        let facts = fact::library(self.writer.db(), no, driver, name)?;
        let mut events = library::set(&facts, set, self.caller, self.numbers)?;
        if matches!(set, SetLibrary::Enabled(true))
            && let Some(media_type) = &facts.media_type
        {
            events.extend(filing::missing_leaves(self, &media_type.name)?);
        }
        self.record_all(events)
    }
}

/// Refuses a name that another pool below the parent has. Asked after the rights: what is in a closed directory is
/// nobody's business.
fn demand_new_pool(
    writer: &Writer,
    (parent, name): (ObjectNo, &str),
    own: Option<ObjectNo>,
) -> Result<()> {
    match read::pool_named(writer.db(), parent, name)? {
        Some(other) if Some(other.no) != own => {
            Err(ErrorKind::AlreadyExists.because(format!("pool \"{name}\" exists")))
        }
        _ => Ok(()),
    }
}
