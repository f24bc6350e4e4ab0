//! The map of a library: its drives, ports and slots as a drawing, by itself (`map.svg`) or as part of a page.
//!
//! Invariants: the text and the work are bounded. Slots are told by name while they are few; more of them share one shape for each
//! look; no more than [`SQUARES`] are looked at.

use super::found;
use super::looks::{AWAY, DISABLED, EMPTY, Looks, STYLE, patterns};
use super::markup::Markup;
use super::squares::{GAP, Grid, Parts, SQUARES, Square, WIDTH};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::Library;
use crate::domain::rule::mount::Drive;
use crate::domain::state::{DriveState, ElementKind, SideState};
use crate::manager::slots::{Occupant, Place};
use crate::manager::{View, queue, read, slots};

/// Most slots that are told by name.
pub(super) const NAMED: u32 = 250;

/// What is shown of the sides of one medium if they differ, the first that one of them has.
const PRECEDENCE: [SideState; 10] = [
    SideState::Allocated,
    SideState::Complete,
    SideState::Reserved,
    SideState::Available,
    SideState::Import,
    SideState::Foreign,
    SideState::Unprepared,
    SideState::Unknown,
    SideState::Incompatible,
    SideState::Decommissioned,
];

/// A library as it is drawn.
pub(super) struct Drawing {
    /// The shapes, for an element `svg`.
    shapes: Markup,
    /// Its height.
    height: u32,
    /// Whether the squares are small.
    dense: bool,
    /// How many slots have which look.
    pub(super) slots: Looks,
    /// How many drives have which look.
    pub(super) drives: Looks,
    /// How many ports there are.
    pub(super) ports: u32,
    /// How many slots it has that are not drawn.
    rest: u32,
}

/// Returns how the slot of a medium looks.
fn look_of(medium: &Occupant) -> &'static str {
    if medium.away {
        return AWAY;
    }
    if !medium.enabled {
        return DISABLED;
    }
    let state = PRECEDENCE.iter().find(|state| medium.sides.contains(state));
    state.map_or(SideState::Unknown.word(), |state| state.word())
}

/// Returns how a slot looks.
pub(super) fn look(place: &Place) -> &'static str {
    place.medium.as_ref().map_or(EMPTY, look_of)
}

/// Says what is in a slot.
fn title(place: &Place) -> Markup {
    let mut out = Markup::new("slot ");
    out.number(place.number).raw(": ");
    let Some(medium) = &place.medium else {
        out.raw(EMPTY);
        return out;
    };
    out.short(&medium.name);
    for (state, letter) in medium.sides.iter().zip(0..) {
        if medium.sides.len() > 1 {
            out.raw(", side ").text(&read::letter(letter)).raw(" ");
        } else {
            out.raw(", ");
        }
        out.raw(state.word());
    }
    if medium.away {
        out.raw(", in a drive");
    }
    if !medium.enabled {
        out.raw(", ").raw(DISABLED);
    }
    out
}

/// Says what a drive does.
fn drive_title(drive: &Drive) -> Markup {
    let mut out = Markup::new("drive ");
    out.number(drive.number).raw(": ");
    if let Some((.., name)) = &drive.inside {
        out.short(name).raw(", ");
    }
    out.raw(drive_state(drive).word());
    out
}

/// Returns what a drive does.
pub(super) fn drive_state(drive: &Drive) -> DriveState {
    let inside = drive.inside.as_ref();
    inside.map_or(DriveState::Dismounted, |(inside, ..)| inside.state)
}

/// Draws a library; `named` if each slot is told by name, as long as they are few.
pub(super) fn draw(view: &View, library: ObjectNo, named: bool) -> Result<Drawing> {
    let places = slots::up_to(view, library, SQUARES)?;
    let all = slots::size(view, library, ElementKind::Slot)?;
    let drives = queue::drives(view, library)?;
    let ports = slots::size(view, library, ElementKind::Port)?;
    let (mut of_slots, mut of_drives) = (Looks::default(), Looks::default());
    for place in &places {
        of_slots.count(look(place));
    }
    let grid = Grid::of(places.len());
    let named = named && all <= NAMED;
    let square = |place: &Place| Square {
        look: look(place),
        title: named.then(|| title(place)),
    };
    let mut drawn = Parts::new(grid);
    let circles = drives.iter().map(|drive| {
        let look = drive_state(drive).word();
        of_drives.count(look);
        let title = Some(drive_title(drive));
        Square { look, title }
    });
    drawn.others("drives", circles.collect());
    drawn.others("ports", (1..=ports).map(port).collect());
    drawn.slots(places.iter().map(square).collect());
    let (shapes, height) = drawn.finish();
    Ok(Drawing {
        shapes,
        height,
        dense: grid.is_dense(),
        slots: of_slots,
        drives: of_drives,
        ports,
        rest: all.saturating_sub(SQUARES),
    })
}

fn port(number: u32) -> Square {
    let mut title = Markup::new("port ");
    title.number(number);
    Square {
        look: EMPTY,
        title: Some(title),
    }
}

/// Adds what is there, in words, as `12 available, 3 empty`.
pub(super) fn add_counts(out: &mut Markup, looks: &Looks) {
    for (place, (word, number)) in looks.found().enumerate() {
        out.raw(if place > 0 { ", " } else { "" });
        out.number(number).raw(" ").raw(word);
    }
}

impl Drawing {
    /// Whether there is anything to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.height == 0
    }

    /// Says in words what the drawing shows.
    pub(super) fn sentence(&self) -> Markup {
        let mut out = Markup::new("Slots: ");
        add_counts(&mut out, &self.slots);
        out.raw(". Drives: ");
        add_counts(&mut out, &self.drives);
        out.raw(". Ports: ").number(self.ports).raw(".");
        out
    }

    /// The drawing as an element of a page that has the patterns and the style.
    pub(super) fn inline(self) -> Markup {
        let mut out = Markup::new("<svg role=\"img\" class=\"map");
        out.raw(if self.dense { " dense" } else { "" });
        out.raw("\" aria-label=\"").add(&self.sentence());
        out.raw("\" viewBox=\"0 0 ").number(WIDTH).raw(" ");
        out.number(self.height)
            .raw("\">")
            .add(&self.shapes)
            .raw("</svg>");
        out
    }
}

/// `map.svg`: the drawing by itself, with a key.
pub(crate) fn map(view: &View, no: ObjectNo) -> Result<String> {
    let library = found(read::library(view, no)?)?;
    let drawing = draw(view, no, true)?;
    let top = 16;
    let keys = keys(&drawing, top + drawing.height + GAP);
    let height = keys.1;
    let mut out = Markup::new(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"map sheet\" viewBox=\"-4 -4 ",
    );
    out.number(WIDTH + 8).raw(" ").number(height + 8);
    out.raw("\" width=\"")
        .number(4 * (WIDTH + 8))
        .raw("\" height=\"");
    out.number(4 * (height + 8)).raw("\">\n<title>Library ");
    out.text(&library.name)
        .raw("</title>\n<desc>")
        .add(&drawing.sentence());
    out.raw("</desc>\n<style>")
        .raw(STYLE)
        .raw(SHEET)
        .raw("</style>\n");
    out.add(&patterns(false));
    out.raw("\n<text class=\"head\" x=\"0\" y=\"5\">")
        .short(&library.name);
    out.raw(": ")
        .raw(condition(&library))
        .raw("</text>\n<g transform=\"translate(0 ");
    out.number(top)
        .raw(")\">")
        .add(&drawing.shapes)
        .raw("</g>\n");
    out.add(&keys.0).raw("</svg>\n");
    Ok(out.finish())
}

/// What a drawing by itself has beside the looks: a ground, and a size that fits the window.
const SHEET: &str = ".sheet { color: #1b1f24; background: #fff; max-width: 100%; height: auto; } .sheet .head { font-size: 9px; }
@media (prefers-color-scheme: dark) { .sheet { color: #e6e9ed; background: #14181d; } }
";

/// Whether a library can work, in a word.
pub(super) const fn condition(library: &Library) -> &'static str {
    if library.enabled {
        library.state.word()
    } else {
        DISABLED
    }
}

/// The key of a drawing by itself, three entries in a row from `top` on, and where it ends.
fn keys(drawing: &Drawing, top: u32) -> (Markup, u32) {
    let mut out = Markup::default();
    let found = drawing.slots.found().chain(drawing.drives.found());
    let mut bottom = top;
    for ((word, number), place) in found.zip(0_u32..) {
        let (x, y) = (place % 3 * 75, top + place / 3 * 11);
        bottom = y + 11;
        out.raw("<g transform=\"translate(")
            .number(x)
            .raw(" ")
            .number(y);
        out.raw(")\"><path transform=\"scale(10)\" fill=\"url(#l-")
            .raw(word);
        out.raw(")\" d=\"M0 0h1v1h-1z\"/><text x=\"13\" y=\"5\">")
            .number(number);
        out.raw(" ").raw(word).raw("</text></g>\n");
    }
    if drawing.rest > 0 {
        out.raw("<text x=\"0\" y=\"").number(bottom + 5);
        out.raw("\">").number(drawing.rest).raw(match drawing.rest {
            1 => " more slot is not drawn.</text>\n",
            _ => " more slots are not drawn.</text>\n",
        });
        bottom += 11;
    }
    (out, bottom)
}
