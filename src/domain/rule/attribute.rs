//! `SetNtmsObjectAttribute` (MS-RSMP): an attribute of an object is set or removed by whoever may change the object.

use crate::domain::access::{Access, Caller, Right};
use crate::domain::attribute::{Holder, LIST_MAX, OBJECT_MAX, Octets, VALUE_MAX, Way};
use crate::domain::error::{ErrorKind, Result};
use crate::domain::event::Event;

/// What setting an attribute looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The object.
    pub of: Holder,
    /// Its name, for people.
    pub shown: String,
    /// Whose rights hold for it; `None` leaves it to root.
    pub access: Option<Access>,
    /// Who may change it while he has USE, beside those who have MODIFY.
    pub owner: Option<u32>,
    /// The value of the attribute now.
    pub value: Option<Vec<u8>>,
    /// Bytes of all its other attributes, names and values.
    pub others: usize,
    /// Bytes of the names of the others, each with a zero byte.
    pub others_listed: usize,
}

/// Sets an attribute, or removes it if there is no value. What is so already is no event.
pub fn set(
    facts: &Facts,
    name: &str,
    value: Option<&[u8]>,
    way: Way,
    caller: &Caller,
) -> Result<Option<Event>> {
    demand(facts, caller)?;
    let missing = facts.value.is_none();
    if missing && (value.is_none() || way == Way::Replace) {
        let sentence = format!("\"{}\" has no attribute \"{name}\"", facts.shown);
        return Err(ErrorKind::ResourceNotPresent.because(sentence));
    }
    if !missing && way == Way::Create {
        let sentence = format!("\"{}\" has an attribute \"{name}\" already", facts.shown);
        return Err(ErrorKind::AlreadyExists.because(sentence));
    }
    if let Some(value) = value {
        demand_room(facts, name, value)?;
    }
    let changed = facts.value.as_deref() != value;
    Ok(changed.then(|| Event::AttributeChanged {
        of: facts.of,
        name: name.to_owned(),
        value: value.map(|value| Octets(value.to_vec())),
        uid: caller.uid,
    }))
}

fn demand(facts: &Facts, caller: &Caller) -> Result<()> {
    match &facts.access {
        _ if caller.is_root() => Ok(()),
        None => Err(ErrorKind::AccessDenied
            .because(format!("only root sets attributes of \"{}\"", facts.shown))),
        Some(access) if facts.owner == Some(caller.uid) && access.permits(caller, Right::Use) => {
            Ok(())
        }
        Some(access) => access.demand(caller, Right::Modify, &facts.shown),
    }
}

fn demand_room(facts: &Facts, name: &str, value: &[u8]) -> Result<()> {
    if value.len() > VALUE_MAX {
        return Err(ErrorKind::InvalidParameter.because(format!(
            "the value of \"{name}\" has {} bytes, at most {VALUE_MAX} are allowed",
            value.len()
        )));
    }
    let (bytes, listed) = (
        facts.others + name.len() + value.len(),
        facts.others_listed + name.len() + 1,
    );
    let over = |bytes, of, max| {
        Err(ErrorKind::DatabaseFull.because(format!(
            "the attributes of \"{}\" would have {bytes} bytes{of}, at most {max} are allowed",
            facts.shown
        )))
    };
    if bytes > OBJECT_MAX {
        return over(bytes, "", OBJECT_MAX);
    }
    if listed > LIST_MAX {
        return over(listed, " of names", LIST_MAX);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Thing;
    use crate::domain::id::{Guid, ObjectNo};

    fn facts(value: Option<&[u8]>) -> Facts {
        Facts {
            of: Holder::Pool(Thing {
                no: ObjectNo(7),
                id: Guid::NIL,
            }),
            shown: "Backup".to_owned(),
            access: Some(Access {
                uid: 10,
                gid: 10,
                mode: 0o755,
                control: 0o660,
                acl: None,
                control_acl: None,
            }),
            owner: None,
            value: value.map(<[u8]>::to_vec),
            others: 100,
            others_listed: 10,
        }
    }

    fn user(uid: u32) -> Caller {
        Caller {
            uid,
            gid: uid,
            ..Caller::default()
        }
    }

    #[test]
    fn ways_to_set_and_remove() {
        let (old, new) = (Some(&b"old"[..]), Some(&b"new"[..]));
        let set = |before, value, way| {
            let done = set(&facts(before), "user.a", value, way, &user(10));
            done.map(|event| event.is_some())
                .map_err(|refusal| refusal.kind)
        };
        for (before, value, way, expected) in [
            (None, new, Way::Any, Ok(true)),
            (old, new, Way::Any, Ok(true)),
            (old, old, Way::Any, Ok(false)),
            (None, new, Way::Create, Ok(true)),
            (old, new, Way::Create, Err(ErrorKind::AlreadyExists)),
            (old, new, Way::Replace, Ok(true)),
            (None, new, Way::Replace, Err(ErrorKind::ResourceNotPresent)),
            (old, None, Way::Any, Ok(true)),
            (None, None, Way::Any, Err(ErrorKind::ResourceNotPresent)),
        ] {
            assert_eq!(
                set(before, value, way),
                expected,
                "{before:?} {value:?} {way:?}"
            );
        }
    }

    #[test]
    fn whoever_may_change_the_object_may() {
        let (mut of, none) = (facts(None), user(11));
        let tried = |of: &Facts, caller: &Caller| {
            set(of, "user.a", Some(b""), Way::Any, caller).map_err(|refusal| refusal.kind)
        };
        assert!(tried(&of, &user(10)).is_ok() && tried(&of, &user(0)).is_ok());
        assert_eq!(tried(&of, &none), Err(ErrorKind::AccessDenied));
        of.owner = Some(11);
        assert!(tried(&of, &none).is_ok(), "the owner has USE");
        of.access = of.access.map(|access| Access {
            mode: 0o700,
            ..access
        });
        assert_eq!(
            tried(&of, &none),
            Err(ErrorKind::AccessDenied),
            "and now has not"
        );
        of.access = None;
        assert_eq!(tried(&of, &user(10)), Err(ErrorKind::AccessDenied));
        assert!(tried(&of, &user(0)).is_ok());
    }

    #[test]
    fn the_room_of_an_object_has_an_end() {
        let mut of = facts(None);
        let tried = |of: &Facts, length: usize| {
            let value = vec![0; length];
            let done = set(of, "user.a", Some(&value), Way::Any, &user(0));
            done.map(drop)
                .map_err(|refusal| (refusal.kind, refusal.sentence))
        };
        assert_eq!(tried(&of, VALUE_MAX), Ok(()));
        let (kind, sentence) = tried(&of, VALUE_MAX + 1).unwrap_err();
        assert_eq!(kind, ErrorKind::InvalidParameter);
        assert!(
            sentence.contains("65536") && sentence.contains("65535"),
            "{sentence}"
        );
        of.others = OBJECT_MAX - 10;
        assert_eq!(tried(&of, 4), Ok(()));
        assert_eq!(tried(&of, 5).unwrap_err().0, ErrorKind::DatabaseFull);
        (of.others, of.others_listed) = (0, LIST_MAX - 7);
        assert_eq!(tried(&of, 4), Ok(()));
        of.others_listed += 1;
        assert_eq!(tried(&of, 4).unwrap_err().0, ErrorKind::DatabaseFull);
    }
}
