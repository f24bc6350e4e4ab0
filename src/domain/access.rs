//! Who may do what: the three rights of the protocol as permission bits, and the one rule that reads them.
//!
//! Source: MS-RSMP product behaviour note 20 (which right for which method); design: USE = `r-x` of the pool,
//! MODIFY = `w` of the pool, CONTROL = `w` of the pool's control bits. Root may do everything (note 85).

use super::acl::{Acl, List};
use super::error::{ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Who asks: the identity that the kernel gave, and the groups that the user database gives that user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caller {
    /// User identifier (file system uid).
    pub uid: u32,
    /// Group identifier (file system gid).
    pub gid: u32,
    /// Further groups of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    /// Thread identifier, 0 if it cannot be seen. Never used for a right.
    #[serde(default)]
    pub pid: u32,
    /// Name of the command, for the record only.
    #[serde(default)]
    pub command: String,
}

impl Caller {
    /// Returns the daemon itself, which acts when a time is over or a library reports.
    pub fn daemon() -> Self {
        Self {
            command: "ntmsfs".to_owned(),
            ..Self::default()
        }
    }

    /// Returns whether the caller is root.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// Owner, permission bits and access control lists of a pool or library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bits of the directory, 0 to 0o777: USE and MODIFY.
    pub mode: u32,
    /// Bits of `allocate`, `requests/`, `results/` and `media/` without `x`, 0 to 0o666: CONTROL.
    pub control: u32,
    /// The list that goes with `mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    /// The list that goes with `control`; its entries have no `x` either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_acl: Option<Acl>,
}

/// A right of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See it and mount its media.
    Use,
    /// Change its attributes.
    Modify,
    /// Allocate, deallocate, move.
    Control,
}

impl Access {
    /// Root's, and fixed: what no pool and no library has stored.
    pub const fn of_root(mode: u32, control: u32) -> Self {
        Self {
            uid: 0,
            gid: 0,
            mode,
            control,
            acl: None,
            control_acl: None,
        }
    }

    /// Returns the mode of the directory with its list.
    pub fn list(&self) -> List {
        List {
            mode: self.mode,
            acl: self.acl.clone(),
        }
    }

    /// Returns the CONTROL bits with their list.
    pub fn control_list(&self) -> List {
        List {
            mode: self.control,
            acl: self.control_acl.clone(),
        }
    }

    /// Returns whether the caller has the right.
    pub fn permits(&self, caller: &Caller, right: Right) -> bool {
        match right {
            Right::Use => self.in_mode(caller, 0o5),
            Right::Modify => self.in_mode(caller, 0o2),
            Right::Control => self.in_control(caller, 0o2),
        }
    }

    /// Returns whether the mode of the directory and its list give the caller all of `want`, 0 to 7.
    pub fn in_mode(&self, caller: &Caller, want: u32) -> bool {
        self.grants(self.mode, self.acl.as_ref(), caller, want)
    }

    /// Returns whether the bits of CONTROL and their list give the caller all of `want`: of 4 and 2.
    pub fn in_control(&self, caller: &Caller, want: u32) -> bool {
        self.grants(self.control, self.control_acl.as_ref(), caller, want)
    }

    /// Refuses with [`ErrorKind::AccessDenied`] unless the caller has the right. `name` is shown to the caller.
    pub fn demand(&self, caller: &Caller, right: Right, name: &str) -> Result<()> {
        if self.permits(caller, right) {
            return Ok(());
        }
        let right = format!("{right:?}").to_uppercase();
        Err(ErrorKind::AccessDenied
            .because(format!("uid {} lacks {right} on \"{name}\"", caller.uid)))
    }

    /// POSIX: exactly one of owner, list, group, other applies, the first that fits.
    fn grants(&self, mode: u32, acl: Option<&Acl>, caller: &Caller, want: u32) -> bool {
        let listed = || acl?.grants(self.gid, mode >> 3, caller, want);
        let class = if caller.is_root() {
            return true;
        } else if caller.uid == self.uid {
            mode >> 6
        } else if let Some(granted) = listed() {
            return granted;
        } else if caller.gid == self.gid || caller.groups.contains(&self.gid) {
            mode >> 3
        } else {
            mode
        };
        class & want == want
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let access = Access {
            uid: 10,
            gid: 20,
            ..Access::of_root(0o750, 0o060)
        };
        let who = |uid, gid, groups: &[u32]| Caller {
            uid,
            gid,
            groups: groups.to_vec(),
            ..Caller::default()
        };
        let rights = |caller: &Caller| {
            [Right::Use, Right::Modify, Right::Control].map(|right| access.permits(caller, right))
        };
        assert_eq!(rights(&who(0, 0, &[])), [true, true, true]);
        assert_eq!(
            rights(&who(10, 20, &[])),
            [true, true, false],
            "the owner is not the group"
        );
        assert_eq!(rights(&who(11, 20, &[])), [true, false, true]);
        assert_eq!(
            rights(&who(11, 99, &[5, 20])),
            [true, false, true],
            "supplementary group"
        );
        assert_eq!(rights(&who(11, 99, &[])), [false, false, false]);
        let refusal = access
            .demand(&who(11, 99, &[]), Right::Control, "Backup")
            .unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::AccessDenied);
        assert_eq!(refusal.sentence, "uid 11 lacks CONTROL on \"Backup\"");
    }

    #[test]
    fn a_list_stands_between_the_owner_and_the_others() {
        let acl = Acl {
            group: 0,
            users: vec![(11, 7)],
            groups: vec![(30, 5)],
        };
        let control_acl = Acl {
            group: 6,
            users: vec![(11, 4)],
            groups: vec![(30, 6)],
        };
        let access = Access {
            uid: 10,
            gid: 20,
            acl: Some(acl),
            control_acl: Some(control_acl),
            ..Access::of_root(0o777, 0o666)
        };
        for (uid, gid, rights) in [
            (0, 0, [true, true, true]),
            (10, 30, [true, true, true]),
            (11, 20, [true, true, false]),
            (12, 20, [false, false, true]),
            (12, 30, [true, false, true]),
            (12, 99, [true, true, true]),
        ] {
            let caller = Caller {
                uid,
                gid,
                ..Caller::default()
            };
            let found = [Right::Use, Right::Modify, Right::Control]
                .map(|right| access.permits(&caller, right));
            assert_eq!(found, rights, "{uid} {gid}");
        }
    }
}
