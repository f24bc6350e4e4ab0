//! How many sides of a pool are in which state, and the sentence that says so.

use super::state::SideState;

/// Why a side cannot be used beside its state; 0 is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not in a library.
    Offline,
    /// It, its medium or its library is disabled.
    Disabled,
    /// Given back a while ago.
    Resting,
}

impl Standing {
    /// Returns the number that the catalog stores.
    const fn number(self) -> u32 {
        match self {
            Self::Offline => 1,
            Self::Disabled => 2,
            Self::Resting => 3,
        }
    }
}

/// Sides of pools by state and the number of their [`Standing`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(SideState, u32, i64)>);

impl Counts {
    /// Returns the sides of a state that are online and enabled.
    pub fn usable(&self, state: SideState) -> i64 {
        self.sum(|&(s, standing, _)| s == state && standing == 0)
    }

    /// Returns all sides of a state.
    pub fn all(&self, state: SideState) -> i64 {
        self.sum(|&(s, _, _)| s == state)
    }

    /// Returns all sides of a standing, whatever their state.
    pub fn standing(&self, standing: Standing) -> i64 {
        self.sum(|&(_, of, _)| of == standing.number())
    }

    /// Returns the sides that only their being on a shelf keeps from being available.
    pub fn offline(&self) -> i64 {
        self.kept(Standing::Offline)
    }

    /// Returns the sides that are not available since they, their medium or its library are disabled.
    pub fn disabled(&self) -> i64 {
        self.kept(Standing::Disabled)
    }

    /// Returns the sides that are not available yet since they rest after they were given back.
    pub fn resting(&self) -> i64 {
        self.kept(Standing::Resting)
    }

    fn kept(&self, by: Standing) -> i64 {
        self.sum(|&(state, of, _)| state == SideState::Available && of == by.number())
    }

    fn sum(&self, wanted: impl Fn(&(SideState, u32, i64)) -> bool) -> i64 {
        self.0
            .iter()
            .filter(|row| wanted(row))
            .map(|row| row.2)
            .sum()
    }

    /// Says what a person wants to know first: `2 available, 1 offline, 3 allocated`. Zero counts other than
    /// `available` are left out.
    pub fn sentence(&self) -> String {
        let mut parts = vec![format!("{} available", self.usable(SideState::Available))];
        let mut push = |n: i64, what: &str| {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        };
        push(self.offline(), "offline");
        push(self.disabled(), "disabled");
        push(self.resting(), "resting");
        for &state in SideState::ALL {
            if state != SideState::Available {
                push(self.all(state), state.word());
            }
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_what_is_there() {
        let counts = Counts(vec![
            (SideState::Available, 1, 2),
            (SideState::Available, 2, 1),
            (SideState::Available, 3, 4),
            (SideState::Allocated, 0, 1),
            (SideState::Allocated, 2, 2),
        ]);
        assert_eq!(
            counts.sentence(),
            "0 available, 2 offline, 1 disabled, 4 resting, 3 allocated"
        );
        assert_eq!(
            (
                counts.all(SideState::Available),
                counts.usable(SideState::Available)
            ),
            (7, 0)
        );
        assert_eq!(counts.standing(Standing::Disabled), 3);
        assert_eq!(Counts::default().sentence(), "0 available");
    }
}
