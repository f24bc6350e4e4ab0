//! Access control lists: what a pool or library grants to further users and groups, and the form in which the kernel
//! hands them over.
//!
//! Source: POSIX 1003.1e draft 17, section 23; Linux `posix_acl_xattr.h`, version 2: little-endian, a version of 32 bits,
//! then entries of a tag and permissions of 16 bits and an identifier of 32. Invariant: the group bits of the mode that
//! goes with a list are its mask, so that chmod, chown and stat mean what they always mean.

use super::access::Caller;
use super::error::{ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Entries of a list, the three of the mode and the mask included.
pub const ENTRIES_MAX: usize = 256;

const VERSION: u32 = 2;
const HEADER: usize = 4;
const ENTRY: usize = 8;
/// The identifier of an entry that has none.
const NOBODY: u32 = u32::MAX;

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// What a list has beyond a mode.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Acl {
    /// Bits of the owning group, 0 to 7; those in the mode are the mask.
    pub group: u32,
    /// Users by number, ascending, and their bits, 0 to 7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<(u32, u32)>,
    /// Groups by number, ascending, and their bits, 0 to 7.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<(u32, u32)>,
}

/// A mode with the list that goes with it, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Permission bits, 0 to 0o777; with a list the group bits are its mask.
    pub mode: u32,
    /// The list.
    pub acl: Option<Acl>,
}

/// One entry as it stands in the attribute.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    bits: u32,
    id: u32,
}

impl Acl {
    /// Returns the bits that the list gives a caller who is not the owner; `None` if it says nothing of him.
    ///
    /// An entry of the user decides alone. Of the groups that he is in, the owning one among them, each gives its bits,
    /// and `want` must be in one of them.
    pub fn grants(&self, owning: u32, mask: u32, caller: &Caller, want: u32) -> Option<bool> {
        let enough = |bits: u32| bits & mask & want == want;
        if let Some((_, bits)) = self.users.iter().find(|(uid, _)| *uid == caller.uid) {
            return Some(enough(*bits));
        }
        let owning = (owning, self.group);
        let mine = |gid: u32| caller.gid == gid || caller.groups.contains(&gid);
        let mut found = None;
        for (gid, bits) in self.groups.iter().chain([&owning]) {
            if mine(*gid) {
                found = Some(found == Some(true) || enough(*bits));
            }
        }
        found
    }

    /// Returns the list with nothing but what `change` leaves of each entry's bits.
    #[must_use]
    pub fn map(&self, change: impl Fn(u32) -> u32) -> Self {
        let each =
            |entries: &[(u32, u32)]| entries.iter().map(|(id, b)| (*id, change(*b))).collect();
        Self {
            group: change(self.group),
            users: each(&self.users),
            groups: each(&self.groups),
        }
    }
}

impl List {
    /// Reads the attribute. What the kernel would not take is [`ErrorKind::InvalidParameter`]: another version, a part of an
    /// entry, a missing or doubled entry, no mask where one is needed, entries out of order, more than [`ENTRIES_MAX`].
    pub fn parse(data: &[u8]) -> Result<Self> {
        let entries = entries(data)?;
        if !entries
            .is_sorted_by(|a, b| a.tag < b.tag || a.tag == b.tag && matches!(a.tag, USER | GROUP))
        {
            return invalid(
                "its entries are not one owner, users, one group, groups, a mask, one other, in this order",
            );
        }
        let mut list = Self { mode: 0, acl: None };
        let (mut acl, mut mask) = (Acl::default(), None);
        for Entry { tag, bits, id } in &entries {
            match *tag {
                USER_OBJ => list.mode |= bits << 6,
                USER => acl.users.push((*id, *bits)),
                GROUP_OBJ => acl.group = *bits,
                GROUP => acl.groups.push((*id, *bits)),
                MASK => mask = Some(*bits),
                _ => list.mode |= bits,
            }
        }
        let has = |tag| entries.iter().any(|entry| entry.tag == tag);
        if ![USER_OBJ, GROUP_OBJ, OTHER].into_iter().all(has) {
            return invalid("an entry of the owner, of the group or of the others is missing");
        }
        for named in [&mut acl.users, &mut acl.groups] {
            named.sort_unstable();
            if !named.is_sorted_by(|(a, _), (b, _)| a < b) {
                return invalid("a user or group is named twice");
            }
        }
        let named = !acl.users.is_empty() || !acl.groups.is_empty();
        match mask {
            None if named => invalid("users or groups are named and there is no mask"),
            None => {
                list.mode |= acl.group << 3;
                Ok(list)
            }
            Some(mask) => {
                list.mode |= mask << 3;
                list.acl = Some(acl);
                Ok(list)
            }
        }
    }

    /// Writes the attribute; `None` if the mode says everything.
    pub fn attribute(&self) -> Option<Vec<u8>> {
        let acl = self.acl.as_ref()?;
        let mut data = VERSION.to_le_bytes().to_vec();
        let mut put = |tag: u16, bits: u32, id: u32| {
            let bits = u16::try_from(bits & 7).unwrap_or(0);
            data.extend_from_slice(&tag.to_le_bytes());
            data.extend_from_slice(&bits.to_le_bytes());
            data.extend_from_slice(&id.to_le_bytes());
        };
        put(USER_OBJ, self.mode >> 6, NOBODY);
        acl.users
            .iter()
            .for_each(|(id, bits)| put(USER, *bits, *id));
        put(GROUP_OBJ, acl.group, NOBODY);
        acl.groups
            .iter()
            .for_each(|(id, bits)| put(GROUP, *bits, *id));
        put(MASK, self.mode >> 3, NOBODY);
        put(OTHER, self.mode, NOBODY);
        Some(data)
    }

    /// Returns the list with nothing but the bits of `mask`, 0 to 0o777, one digit for each class; for the entries that of
    /// the group counts.
    #[must_use]
    pub fn masked(self, mask: u32) -> Self {
        Self {
            mode: self.mode & mask,
            acl: self.acl.map(|acl| acl.map(|bits| bits & mask >> 3 & 7)),
        }
    }

    /// Returns the mode alone. The group keeps what it had under the mask, so nobody gets more than before.
    #[must_use]
    pub fn stripped(&self) -> Self {
        let group = self.acl.as_ref().map_or(7, |acl| acl.group);
        Self {
            mode: self.mode & (0o707 | group << 3),
            acl: None,
        }
    }
}

fn invalid<T>(why: &str) -> Result<T> {
    Err(ErrorKind::InvalidParameter.because(format!("access control list: {why}")))
}

/// Takes the attribute apart.
fn entries(data: &[u8]) -> Result<Vec<Entry>> {
    let Some((header, rest)) = data.split_first_chunk::<HEADER>() else {
        return invalid("it is shorter than its header");
    };
    if u32::from_le_bytes(*header) != VERSION {
        return invalid("it is not of version 2");
    }
    let (rows, odd) = rest.as_chunks::<ENTRY>();
    if !odd.is_empty() {
        return invalid("its last entry is not complete");
    }
    if rows.len() > ENTRIES_MAX {
        let count = rows.len();
        return invalid(&format!(
            "it has {count} entries, at most {ENTRIES_MAX} are allowed"
        ));
    }
    rows.iter().map(|row| entry(*row)).collect()
}

fn entry([t0, t1, b0, b1, id @ ..]: [u8; ENTRY]) -> Result<Entry> {
    let (tag, bits) = (u16::from_le_bytes([t0, t1]), u16::from_le_bytes([b0, b1]));
    let id = u32::from_le_bytes(id);
    if bits > 7 {
        return invalid(&format!("permissions {bits:o} are not 0 to 7"));
    }
    if !matches!(tag, USER_OBJ | USER | GROUP_OBJ | GROUP | MASK | OTHER) {
        return invalid(&format!("there is no tag {tag:#x}"));
    }
    if matches!(tag, USER | GROUP) && id == NOBODY {
        return invalid("an entry of a user or group has no number");
    }
    let bits = u32::from(bits);
    Ok(Entry { tag, bits, id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(rows: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut data = 2_u32.to_le_bytes().to_vec();
        for (tag, bits, id) in rows {
            data.extend([tag.to_le_bytes(), bits.to_le_bytes()].concat());
            data.extend(id.to_le_bytes());
        }
        data
    }

    #[test]
    fn a_list_and_its_attribute_are_the_same() {
        let data = attribute(&[
            (USER_OBJ, 7, NOBODY),
            (USER, 6, 10),
            (USER, 0, 4001),
            (GROUP_OBJ, 5, NOBODY),
            (GROUP, 7, 4100),
            (MASK, 6, NOBODY),
            (OTHER, 4, NOBODY),
        ]);
        let list = List::parse(&data).unwrap();
        let acl = Acl {
            group: 5,
            users: vec![(10, 6), (4001, 0)],
            groups: vec![(4100, 7)],
        };
        assert_eq!(
            list,
            List {
                mode: 0o764,
                acl: Some(acl)
            }
        );
        assert_eq!(list.attribute(), Some(data));
        assert_eq!(
            list.stripped(),
            List {
                mode: 0o744,
                acl: None
            }
        );
        let json = serde_json::to_string(&list.acl).unwrap();
        assert_eq!(
            json,
            r#"{"group":5,"users":[[10,6],[4001,0]],"groups":[[4100,7]]}"#
        );
        assert_eq!(
            serde_json::from_str::<Option<Acl>>(&json).unwrap(),
            list.acl
        );
    }

    #[test]
    fn users_and_groups_may_come_in_any_order() {
        let rows = [
            (USER_OBJ, 7, 0),
            (USER, 1, 9),
            (USER, 2, 8),
            (GROUP_OBJ, 5, 0),
            (MASK, 7, 0),
            (OTHER, 1, 0),
        ];
        let acl = List::parse(&attribute(&rows)).unwrap().acl.unwrap();
        assert_eq!(acl.users, [(8, 2), (9, 1)]);
    }

    #[test]
    fn three_entries_are_a_mode() {
        let data = attribute(&[(USER_OBJ, 7, 0), (GROUP_OBJ, 5, 0), (OTHER, 1, 0)]);
        let list = List::parse(&data).unwrap();
        assert_eq!(
            list,
            List {
                mode: 0o751,
                acl: None
            }
        );
        assert_eq!(list.attribute(), None);
        assert_eq!(list.stripped(), list);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let (u, g, m, o) = (
            (USER_OBJ, 7, NOBODY),
            (GROUP_OBJ, 7, NOBODY),
            (MASK, 7, NOBODY),
            (OTHER, 0, NOBODY),
        );
        let many: Vec<_> = (0..253).map(|id| (USER, 1, id)).collect();
        let mut version = attribute(&[u, g, o]);
        version[0] = 1;
        for (data, why) in [
            (Vec::new(), "shorter than its header"),
            (version, "not of version 2"),
            (attribute(&[u, g, o])[..27].to_vec(), "not complete"),
            (attribute(&[]), "missing"),
            (attribute(&[g, o]), "missing"),
            (attribute(&[u, o]), "missing"),
            (attribute(&[u, g]), "missing"),
            (attribute(&[u, (USER, 7, 5), g, o]), "no mask"),
            (attribute(&[u, g, (GROUP, 7, 5), o]), "no mask"),
            (attribute(&[u, g, u, o]), "in this order"),
            (attribute(&[u, g, g, o]), "in this order"),
            (attribute(&[o, g, u]), "in this order"),
            (attribute(&[u, g, m, m, o]), "in this order"),
            (
                attribute(&[u, (USER, 7, 5), (USER, 6, 4), (USER, 6, 5), g, m, o]),
                "named twice",
            ),
            (
                attribute(&[u, g, (GROUP, 7, 6), (GROUP, 7, 6), m, o]),
                "named twice",
            ),
            (attribute(&[u, (USER, 7, NOBODY), g, m, o]), "no number"),
            (attribute(&[u, (GROUP_OBJ, 8, 0), o]), "not 0 to 7"),
            (attribute(&[u, g, (0x40, 7, 0), o]), "no tag 0x40"),
            (
                attribute(&[&[u][..], &many, &[g, m, o]].concat()),
                "257 entries, at most 256",
            ),
        ] {
            let refusal = List::parse(&data).unwrap_err();
            assert_eq!(refusal.kind, ErrorKind::InvalidParameter);
            assert!(
                refusal.sentence.contains(why),
                "{why}: {}",
                refusal.sentence
            );
        }
        assert!(List::parse(&attribute(&[&[u][..], &many[..252], &[g, m, o]].concat())).is_ok());
    }

    #[test]
    fn a_user_entry_decides_alone_and_groups_add_up() {
        let acl = Acl {
            group: 5,
            users: vec![(10, 2)],
            groups: vec![(20, 2), (21, 0)],
        };
        let who = |uid, gid, groups: &[u32]| Caller {
            uid,
            gid,
            groups: groups.to_vec(),
            ..Caller::default()
        };
        for (caller, mask, want, answer) in [
            (who(10, 1, &[]), 7, 2, Some(true)),
            (who(10, 1, &[]), 5, 2, Some(false)),
            (who(10, 30, &[]), 7, 5, Some(false)),
            (who(11, 30, &[]), 7, 5, Some(true)),
            (who(11, 30, &[]), 4, 5, Some(false)),
            (who(11, 30, &[20]), 7, 2, Some(true)),
            (who(11, 30, &[20]), 7, 7, Some(false)),
            (who(11, 21, &[]), 7, 2, Some(false)),
            (who(11, 21, &[20]), 7, 2, Some(true)),
            (who(11, 40, &[]), 7, 4, None),
        ] {
            assert_eq!(
                acl.grants(30, mask, &caller, want),
                answer,
                "{caller:?} {mask} {want}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_read_is_written_again(data in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(list) = List::parse(&data)
                && let Some(written) = list.attribute()
            {
                prop_assert_eq!(List::parse(&written).unwrap(), list);
            }
        }
    }
}
