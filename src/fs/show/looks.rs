//! How a state looks in a drawing: a colour for what it means to a person, and a mark that tells it from the others without colour.
//!
//! Invariants: every state of a side and of a drive has its look, by its word; no two have the same mark on the same ground.

use super::markup::Markup;

/// The rules of the colours, light and dark.
pub(super) const STYLE: &str = include_str!("looks.css");

/// A look. Shapes are in a square of 1.
pub(super) struct Look {
    /// The state; also the identifier of its pattern.
    pub(super) word: &'static str,
    /// Class of the ground.
    ground: &'static str,
    /// Class of the mark.
    ink: &'static str,
    /// Shape of the mark.
    mark: &'static str,
}

const fn look(
    word: &'static str,
    ground: &'static str,
    ink: &'static str,
    mark: &'static str,
) -> Look {
    Look {
        word,
        ground,
        ink,
        mark,
    }
}

/// What is in no slot: a slot without a medium.
pub(super) const EMPTY: &str = "empty";
/// The slot of a medium that is in a drive.
pub(super) const AWAY: &str = "in-drive";
/// A medium that must not be used.
pub(super) const DISABLED: &str = "disabled";
/// An available side on a shelf.
pub(super) const OFFLINE: &str = "offline";
/// An available side that was given back a while ago.
pub(super) const RESTING: &str = "resting";

/// How many of the looks are those of drives; they are the last.
const DRIVES: usize = 5;

/// All looks, in the order in which keys and bars show them.
#[rustfmt::skip]
pub(super) const LOOKS: [Look; 20] = [
    look("available",      "good", "mark", ""),
    look(RESTING,          "good", "mark", "M.32.28h.13v.44h-.13zM.55.28h.13v.44h-.13z"),
    look(OFFLINE,          "none", "good", "M.22.5h.56v.28h-.56z"),
    look("allocated",      "held", "mark", "M.36.36h.28v.28h-.28z"),
    look("complete",       "held", "mark", "M.26.32h.48v.12h-.48zM.26.56h.48v.12h-.48z"),
    look("reserved",       "none", "held", "M.22.78v-.56l.56.56z"),
    look("import",         "wait", "deep", "M.26.36h.48l-.24.34z"),
    look("foreign",        "wait", "deep", "M.5.24l.26.26-.26.26-.26-.26z"),
    look("unprepared",     "wait", "deep", "M.42.24h.16v.52h-.16z"),
    look("unknown",        "wait", "deep", "M.26.42h.16v.16h-.16zM.58.42h.16v.16h-.16z"),
    look("incompatible",   "out",  "mark", "M.25.64l.39-.39.11.11-.39.39z"),
    look("decommissioned", "out",  "mark", "M.25.36l.11-.11.14.14.14-.14.11.11-.14.14.14.14-.11.11-.14-.14-.14.14-.11-.11.14-.14z"),
    look(DISABLED,         "out",  "mark", "M.24.42h.52v.16h-.52z"),
    look(AWAY,             "none", "line", "M.4.4h.2v.2h-.2z"),
    look(EMPTY,            "none", "line", ""),
    look("dismounted",     "none", "line", ""),
    look("mounted",        "none", "wait", "M.26.64h.48l-.24-.38z"),
    look("loaded",         "held", "mark", "M.38.28l.34.22-.34.22z"),
    look("unloaded",       "none", "wait", "M.26.36h.48l-.24.38z"),
    look("dismountable",   "none", "held", "M.32.3h.14v.4h-.14zM.54.3h.14v.4h-.14z"),
];

/// A slot is a square, a drive a circle.
const SQUARE: &str = "M.12.12h.76v.76h-.76z";
const CIRCLE: &str = "M.1.5a.4.4 0 0 1 .8 0a.4.4 0 0 1-.8 0z";

/// Counts of looks, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Looks([u32; LOOKS.len()]);

impl Looks {
    /// Counts one more of a state.
    pub(super) fn count(&mut self, word: &str) {
        let counted = LOOKS.iter().zip(&mut self.0);
        for (_, number) in counted.filter(|(look, _)| look.word == word) {
            *number += 1;
        }
    }

    /// Returns what there is, and how many.
    pub(super) fn found(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let counted = LOOKS.iter().zip(self.0);
        counted
            .map(|(look, number)| (look.word, number))
            .filter(|(_, number)| *number > 0)
    }
}

/// The patterns that fill a drawing with looks, `l-` and the word, one look a square of 1; and with `bars` the same for bars,
/// `b-` and the word: there the ground has no gaps, since it is no number of squares.
pub(super) fn patterns(bars: bool) -> Markup {
    let mut out = Markup::new("<defs>");
    let add = |out: &mut Markup, class, shape: &'static str| {
        if !shape.is_empty() {
            out.raw("<path class=\"").raw(class);
            out.raw("\" d=\"").raw(shape).raw("\"/>");
        }
    };
    for (place, look) in LOOKS.iter().enumerate() {
        let shape = if place < LOOKS.len() - DRIVES {
            SQUARE
        } else {
            CIRCLE
        };
        out.raw("<pattern id=\"l-").raw(look.word);
        out.raw("\" width=\"1\" height=\"1\" patternUnits=\"userSpaceOnUse\">");
        add(&mut out, look.ground, shape);
        add(&mut out, look.ink, look.mark);
        out.raw("</pattern>");
        if bars {
            out.raw("<pattern id=\"b-").raw(look.word);
            out.raw("\" width=\"1\" height=\"1\" patternUnits=\"userSpaceOnUse\" patternTransform=\"scale(14)\">");
            if look.ground != "none" {
                add(&mut out, look.ground, "M0 0h1v1h-1z");
            }
            add(&mut out, look.ink, look.mark);
            out.raw("</pattern>");
        }
    }
    out.raw("</defs>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::{DriveState, SideState};
    use std::collections::BTreeSet;

    #[test]
    fn every_state_has_its_look() {
        let words: BTreeSet<&str> = LOOKS.iter().map(|look| look.word).collect();
        assert_eq!(words.len(), LOOKS.len());
        let sides = SideState::ALL.iter().map(|state| state.word());
        let drives = DriveState::ALL.iter().map(|state| state.word());
        for word in sides.chain(drives.clone()) {
            assert!(words.contains(word), "{word}");
        }
        let last = &LOOKS[LOOKS.len() - DRIVES..];
        let last: BTreeSet<&str> = last.iter().map(|look| look.word).collect();
        assert_eq!(last, drives.collect(), "the drives are the last");
    }

    #[test]
    fn looks_differ_without_colour() {
        let slots = &LOOKS[..LOOKS.len() - DRIVES];
        for looks in [slots, &LOOKS[LOOKS.len() - DRIVES..]] {
            let shapes: BTreeSet<_> = looks
                .iter()
                .map(|look| (look.ground == "none", look.mark))
                .collect();
            assert_eq!(shapes.len(), looks.len());
        }
    }
}
