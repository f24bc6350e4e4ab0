//! The libraries on the page: their drives in words, and a map of each.

use super::super::looks::Looks;
use super::super::map::{self, NAMED, condition};
use super::super::markup::Markup;
use super::super::squares::SQUARES;
use super::{add_library, add_link, add_more, begin_table};
use crate::domain::error::Result;
use crate::domain::id::CATALOG;
use crate::domain::object::Library;
use crate::domain::rule::mount::Drive;
use crate::domain::state::ElementKind;
use crate::fs::node::{Node, Row};
use crate::manager::list::{self, Kind};
use crate::manager::views::Census;
use crate::manager::{View, queue, read, slots};

/// Most libraries that are shown: those with the lowest numbers.
const LIBRARIES: u32 = 50;

/// Slots that are drawn on one page. A library that would be beyond them is not drawn here: its `map.svg` is.
const SLOTS: u32 = 12_000;

/// Slots that are told by name on one page.
const TOLD: u32 = 1_000;

/// Drives of a library that have a line.
const DRIVES: usize = 16;

/// What of a page is left for the next libraries.
struct Room {
    slots: u32,
    told: u32,
}

/// The libraries.
pub(super) fn libraries(view: &View, census: &Census) -> Result<Markup> {
    let mut out = Markup::new(
        "<section aria-labelledby=\"libraries\">\n<h2 id=\"libraries\">Libraries</h2>\n",
    );
    let page = list::page(view, Kind::LibraryId, CATALOG, 0, LIBRARIES)?;
    if page.is_empty() {
        out.raw("<p>None. <code>mkdir libraries/NAME</code> makes one.</p>\n");
    }
    let mut room = Room {
        slots: SLOTS,
        told: TOLD,
    };
    for item in &page {
        if let Some(library) = read::library(view, item.no)? {
            add_one(&mut out, view, &library, &mut room)?;
        }
    }
    add_more(&mut out, page.len(), census.libraries);
    out.raw("</section>\n");
    Ok(out)
}

fn add_one(out: &mut Markup, view: &View, library: &Library, room: &mut Room) -> Result<()> {
    let size = |kind| slots::size(view, library.no, kind);
    let (count, ports) = (size(ElementKind::Slot)?, size(ElementKind::Port)?);
    let drives = queue::drives(view, library.no)?;
    out.raw("<article class=\"library\">\n<h3>");
    add_library(out, view, library.no)?;
    out.raw(" <span class=\"state\">")
        .raw(condition(library))
        .raw("</span></h3>\n<p class=\"soft\">");
    if library.driver.is_empty() {
        out.raw("no driver yet");
    } else {
        out.name(library.driver.split(' ').next().unwrap_or_default());
    }
    out.raw(", ").counted(count, "slot").raw(", ");
    let fitted = u32::try_from(drives.len()).unwrap_or(u32::MAX);
    out.counted(fitted, "drive")
        .raw(", ")
        .counted(ports, "port");
    if !library.description.is_empty() {
        out.raw(": ").name(&library.description);
    }
    out.raw(".</p>\n");
    add_drives(out, &drives);
    add_map(out, view, (library, count), room)?;
    out.raw("</article>\n");
    Ok(())
}

/// Adds the drives that have something, in words; the map has all of them.
fn add_drives(out: &mut Markup, drives: &[Drive]) {
    let busy = drives.iter().filter_map(|drive| {
        let inside = drive.inside.as_ref();
        inside.map(|(inside, _, name)| (drive.number, inside, name))
    });
    let busy: Vec<_> = busy.collect();
    if busy.is_empty() {
        return;
    }
    out.add(&begin_table(
        "",
        "Drives in use",
        &[("Drive", "word"), ("Medium", ""), ("State", "word")],
    ));
    for (number, inside, name) in busy.iter().take(DRIVES) {
        out.raw("<tr><th scope=\"row\">").number(*number);
        out.raw("</th><td>").name(name);
        out.raw("<span class=\"under\">uid ").number(inside.uid);
        if !inside.device.is_empty() {
            out.raw(" <code>").text(&inside.device).raw("</code>");
        }
        out.raw("</span></td><td class=\"word\">")
            .raw(inside.state.word());
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table>\n");
    let all = i64::try_from(busy.len()).unwrap_or(i64::MAX);
    add_more(out, busy.len().min(DRIVES), all);
}

/// Adds the map, as far as there is room for it.
fn add_map(
    out: &mut Markup,
    view: &View,
    (library, count): (&Library, u32),
    room: &mut Room,
) -> Result<()> {
    let by_itself = (Node::new(Row::Library, library.no), "map.svg");
    if count > room.slots.min(SQUARES) {
        out.raw("<p>Its slots are too many for this page: ");
        add_link(out, view, by_itself, &Markup::new("map.svg"))?;
        out.raw(" shows them.</p>\n");
        return Ok(());
    }
    room.slots -= count;
    let named = count <= room.told.min(NAMED);
    if named {
        room.told -= count;
    }
    let drawing = map::draw(view, library.no, named)?;
    if drawing.is_empty() {
        out.raw("<p>It was never in use: it has no slots yet.</p>\n");
        return Ok(());
    }
    let (of_slots, of_drives) = (drawing.slots.clone(), drawing.drives.clone());
    out.raw("<figure>").add(&drawing.inline());
    out.raw("\n<figcaption><ul class=\"key\">");
    add_key(out, &of_slots);
    add_key(out, &of_drives);
    out.raw("</ul></figcaption></figure>\n");
    Ok(())
}

fn add_key(out: &mut Markup, looks: &Looks) {
    for (word, number) in looks.found() {
        out.raw("<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><path fill=\"url(#l-")
            .raw(word);
        out.raw(")\" d=\"M0 0h1v1h-1z\"/></svg>")
            .number(number)
            .raw(" ")
            .raw(word)
            .raw("</li>");
    }
}
