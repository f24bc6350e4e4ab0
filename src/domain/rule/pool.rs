//! Pools: create, change, place, remove (MS-RSMP 3.2.5.2.4.7 and .12; reference section 5).

use super::want::WANT_MAX;
use super::{Mint, media_type};
use crate::domain::access::{Access, Caller, Right};
use crate::domain::ask::{SetAccess, SetPool};
use crate::domain::change::{PoolChange, Thing};
use crate::domain::error::{ErrorKind, Refusal, Result};
use crate::domain::event::Event;
use crate::domain::id::{CATALOG, ObjectNo};
use crate::domain::object::{MediaType, Pool};
use crate::domain::state::PoolType;

/// `pools/` itself: root's, and the group root may create pools.
pub static ROOT_POOLS: Access = Access::of_root(0o775, 0o660);

/// A pool and whether anything is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The pool.
    pub pool: Pool,
    /// How many pools a pool in it would have above it.
    pub depth: usize,
    /// Whether there are media in it.
    pub has_media: bool,
    /// Whether there are pools in it.
    pub has_pools: bool,
    /// Whether a request waits in it.
    pub has_waiting: bool,
    /// Its finished requests, which go with it.
    pub finished: Vec<(ObjectNo, Option<String>)>,
}

/// Where a pool is to be: `None` is the root of `pools/`.
pub type Parent = Option<Facts>;

fn invalid(pool: &Pool, why: &str) -> Refusal {
    ErrorKind::InvalidMediaPool.because(format!("pool \"{}\" {why}", pool.name))
}

/// Returns the access that changes of names below a parent need.
fn access_of(parent: &Parent) -> (&Access, &str) {
    parent.as_ref().map_or((&ROOT_POOLS, "pools"), |facts| {
        (&facts.pool.access, &facts.pool.name)
    })
}

/// A pool of pools holds no media, and nothing but media types hangs below a system pool.
fn demand_room(parent: &Parent) -> Result<()> {
    match parent {
        Some(facts) if facts.pool.media_type.is_some() || facts.has_media => Err(invalid(
            &facts.pool,
            "holds media; a pool holds either media or pools",
        )),
        Some(facts) if facts.depth >= DEPTH_MAX => Err(invalid(
            &facts.pool,
            &format!("is {DEPTH_MAX} deep; it cannot hold pools"),
        )),
        _ => Ok(()),
    }
}

/// Pools above a pool, at most: paths, and what shows them, stay short.
pub const DEPTH_MAX: usize = 16;

/// Makes a pool: an application pool, or the leaf of a system pool for the media type of that name.
pub fn create(
    parent: &Parent,
    media_type: Option<&MediaType>,
    wanted: (&str, u32),
    caller: &Caller,
    pool: Thing,
) -> Result<Event> {
    let (name, mode) = wanted;
    let (access, above) = access_of(parent);
    access.demand(caller, Right::Modify, above)?;
    demand_room(parent)?;
    let kind = parent
        .as_ref()
        .map_or(PoolType::Application, |facts| facts.pool.kind);
    let system = kind != PoolType::Application;
    if system && media_type.is_none() {
        return Err(media_type::unknown(name));
    }
    let access = if system {
        access.clone()
    } else {
        inherited(parent, mode, caller)
    };
    Ok(Event::PoolCreated {
        pool,
        parent: parent.as_ref().map_or(CATALOG, |facts| facts.pool.no),
        name: name.to_owned(),
        kind,
        media_type: media_type.filter(|_| system).map(|t| t.name.clone()),
        access,
        kept: system,
    })
}

/// The access of a new application pool. It belongs to whoever made it. Below `pools/` nothing is inherited; below a pool
/// it has the group, the lists and CONTROL of that pool, and of its mode what the umask leaves.
fn inherited(parent: &Parent, mode: u32, caller: &Caller) -> Access {
    let own = Access {
        uid: caller.uid,
        gid: caller.gid,
        ..Access::of_root(mode & 0o777, 0o660)
    };
    let Some(above) = parent.as_ref().map(|facts| &facts.pool.access) else {
        return own;
    };
    Access {
        gid: above.gid,
        mode: own.mode & (above.mode | 0o700),
        control: above.control | 0o600,
        acl: above.acl.clone(),
        control_acl: above.control_acl.clone(),
        ..own
    }
}

/// Makes the leaf of a system pool that a media type in use needs.
pub fn leaf(root: &Pool, media_type: &str, mint: &impl Mint) -> Event {
    Event::PoolCreated {
        pool: mint.thing(),
        parent: root.no,
        name: media_type.to_owned(),
        kind: root.kind,
        media_type: Some(media_type.to_owned()),
        access: root.access.clone(),
        kept: false,
    }
}

/// Removes an empty application pool, with its finished requests.
pub fn remove(facts: &Facts, parent: &Parent, caller: &Caller) -> Result<Vec<Event>> {
    let (access, above) = access_of(parent);
    access.demand(caller, Right::Modify, above)?;
    demand_application(&facts.pool)?;
    let reasons = [
        (facts.has_media, "media"),
        (facts.has_pools, "pools"),
        (facts.has_waiting, "waiting requests"),
    ];
    if let Some((_, what)) = reasons.into_iter().find(|(there, _)| *there) {
        return Err(ErrorKind::NotEmpty.because(format!("pool \"{}\" has {what}", facts.pool.name)));
    }
    let pool = facts.pool.no;
    let mut events: Vec<Event> = Vec::with_capacity(facts.finished.len() + 1);
    events.extend(
        facts
            .finished
            .iter()
            .map(|(no, name)| Event::RequestForgotten {
                no: *no,
                pool,
                name: name.clone(),
            }),
    );
    events.extend(
        facts
            .pool
            .want_operator
            .map(|no| Event::OperatorChanged { no, state: None }),
    );
    events.push(Event::PoolRemoved {
        pool: facts.pool.thing(),
        name: facts.pool.name.clone(),
    });
    Ok(events)
}

fn demand_application(pool: &Pool) -> Result<()> {
    if pool.kind == PoolType::Application {
        Ok(())
    } else {
        Err(invalid(pool, "is a system pool"))
    }
}

/// Renames a pool or puts it below another one. `above` are the numbers of the new parent and all above it.
pub fn place(
    pool: &Pool,
    parents: (&Parent, &Parent),
    above: &[ObjectNo],
    name: &str,
    caller: &Caller,
) -> Result<Event> {
    let (from, to) = parents;
    for parent in [from, to] {
        let (access, name) = access_of(parent);
        access.demand(caller, Right::Modify, name)?;
    }
    demand_application(pool)?;
    demand_room(to)?;
    if let Some(facts) = to {
        demand_application(&facts.pool)?;
    }
    if above.contains(&pool.no) {
        return Err(invalid(pool, "cannot be moved below itself"));
    }
    let parent = to.as_ref().map_or(CATALOG, |facts| facts.pool.no);
    let place = PoolChange::Place {
        parent,
        name: name.to_owned(),
    };
    Ok(Event::PoolChanged {
        pool: pool.thing(),
        change: place,
    })
}

/// Changes an attribute or the access of a pool. `media_type` is the type that is to be set, if it exists.
pub fn set(
    facts: &Facts,
    wanted: &SetPool,
    media_type: Option<&MediaType>,
    caller: &Caller,
) -> Result<Event> {
    let pool = &facts.pool;
    if !matches!(wanted, SetPool::Access(_)) {
        pool.demand(caller, Right::Modify)?;
    }
    Ok(Event::PoolChanged {
        pool: pool.thing(),
        change: change(facts, wanted, media_type, caller)?,
    })
}

fn change(
    facts: &Facts,
    wanted: &SetPool,
    media_type: Option<&MediaType>,
    caller: &Caller,
) -> Result<PoolChange> {
    let pool = &facts.pool;
    if !matches!(wanted, SetPool::Description(_) | SetPool::Access(_)) {
        demand_application(pool)?;
        if facts.has_pools {
            return Err(invalid(
                pool,
                "holds pools; media and policies are for the pools in it",
            ));
        }
    }
    Ok(match wanted {
        SetPool::Description(text) => PoolChange::Description(text.clone()),
        SetPool::MediaType(name) => PoolChange::MediaType(new_type(facts, name, media_type)?),
        SetPool::AllocateFromFree(on) => PoolChange::AllocateFromFree(*on),
        SetPool::DeallocateToFree(on) => PoolChange::DeallocateToFree(*on),
        SetPool::MaxAllocates(limit) => PoolChange::MaxAllocates(*limit),
        SetPool::Selection(order) => PoolChange::Selection(*order),
        SetPool::DefaultTimeout(limit) => PoolChange::DefaultTimeout(*limit),
        SetPool::PurgeTime(limit) => PoolChange::PurgeTime(*limit),
        SetPool::ReuseDelay(span) => PoolChange::ReuseDelay(*span),
        SetPool::WantAvailable(sides) if *sides > WANT_MAX => {
            let sentence = format!("a pool wants at most {WANT_MAX} sides available, not {sides}");
            return Err(ErrorKind::InvalidParameter.because(sentence));
        }
        SetPool::WantAvailable(sides) => PoolChange::WantAvailable(*sides),
        SetPool::Access(wanted) => {
            PoolChange::Access(access(&pool.access, wanted, caller, &pool.name)?)
        }
    })
}

fn new_type(facts: &Facts, name: &str, media_type: Option<&MediaType>) -> Result<Option<String>> {
    let wanted = media_type.map(|t| t.name.clone());
    if wanted == facts.pool.media_type && wanted.is_some() {
        return Ok(wanted);
    }
    if facts.has_media || facts.has_waiting {
        let what = if facts.has_media {
            "media"
        } else {
            "waiting requests"
        };
        return Err(ErrorKind::NotEmpty.because(format!(
            "pool \"{}\" has {what}; its media type is fixed",
            facts.pool.name
        )));
    }
    if !name.is_empty() && wanted.is_none() {
        return Err(media_type::unknown(name));
    }
    Ok(wanted)
}

/// chmod, setfacl and chown: the owner and root; only root gives away, the owner may choose among his groups.
pub fn access(old: &Access, wanted: &SetAccess, caller: &Caller, name: &str) -> Result<Access> {
    let denied = |why: &str| Err(ErrorKind::AccessDenied.because(format!("{why} of \"{name}\"")));
    if !caller.is_root() && caller.uid != old.uid {
        return denied("only root and the owner change the access");
    }
    let mut new = old.clone();
    match wanted {
        SetAccess::Mode(mode) => new.mode = mode & 0o777,
        SetAccess::Control(mode) => new.control = mode & 0o666,
        SetAccess::List(list) => {
            new.mode = list.mode & 0o777;
            new.acl.clone_from(&list.acl);
        }
        SetAccess::ControlList(list) => {
            new.control = list.mode & 0o666;
            new.control_acl = list.acl.as_ref().map(|acl| acl.map(|bits| bits & 6));
        }
        SetAccess::Owner { uid, gid } => {
            let mine = |gid| caller.gid == gid || caller.groups.contains(&gid) || gid == old.gid;
            if !caller.is_root() && (uid.is_some_and(|uid| uid != old.uid) || !gid.is_none_or(mine))
            {
                return denied("only root gives away the ownership");
            }
            new.uid = uid.unwrap_or(old.uid);
            new.gid = gid.unwrap_or(old.gid);
        }
    }
    Ok(new)
}
