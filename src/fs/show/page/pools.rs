//! The pools on the page: what each has, as a bar.

use super::super::looks::{DISABLED, LOOKS, OFFLINE, RESTING};
use super::super::markup::Markup;
use super::super::pool::{STATES, counts_of};
use super::{add_more, add_pool, begin_table};
use crate::domain::counts::Counts;
use crate::domain::error::Result;
use crate::domain::id::CATALOG;
use crate::domain::object::Pool;
use crate::domain::state::{PoolType, SideState};
use crate::manager::list::{self, Kind};
use crate::manager::views::Census;
use crate::manager::{View, read};

/// Most pools that are looked at: those with the lowest numbers.
const POOLS: u32 = 250;

/// A pool with what it has.
struct Shelf {
    path: String,
    pool: Pool,
    counts: Counts,
}

impl Shelf {
    /// How many sides look how, in the order of the looks. Of the available ones only those that can be taken are available.
    fn parts(&self) -> Vec<(&'static str, i64)> {
        let number = |word: &str| match word {
            OFFLINE => self.counts.offline(),
            DISABLED => self.counts.disabled(),
            RESTING => self.counts.resting(),
            _ => {
                let state = STATES.into_iter().find(|state| state.word() == word);
                match state {
                    Some(SideState::Available) => self.available(),
                    Some(state) => self.counts.all(state),
                    None => 0,
                }
            }
        };
        let parts = LOOKS.iter().map(|look| (look.word, number(look.word)));
        parts.filter(|(_, number)| *number > 0).collect()
    }

    /// Sides that can be taken now.
    fn available(&self) -> i64 {
        self.counts.usable(SideState::Available)
    }
}

/// The pools that hold media, by their paths. A system pool for what nobody has brought yet is left out.
pub(super) fn pools(view: &View, census: &Census) -> Result<Markup> {
    let mut out = Markup::new("<section aria-labelledby=\"pools\">\n<h2 id=\"pools\">Pools</h2>\n");
    let page = list::page(view, Kind::PoolId, CATALOG, 0, POOLS)?;
    let mut shelves = Vec::new();
    for item in &page {
        let found = read::pool(view, item.no)?;
        let Some(pool) = found.filter(|pool| pool.media_type.is_some()) else {
            continue;
        };
        let counts = counts_of(view, &pool)?;
        let path = read::pool_path(view, &pool)?;
        let shelf = Shelf { path, pool, counts };
        let kind = shelf.pool.kind;
        let passing = matches!(kind, PoolType::Import | PoolType::Unrecognized);
        if !passing || !shelf.parts().is_empty() {
            shelves.push(shelf);
        }
    }
    shelves.sort_by(|a, b| a.path.cmp(&b.path));
    if shelves.is_empty() {
        out.raw("<p>No pool holds media. <code>mkdir pools/NAME</code> makes one.</p>\n");
    } else {
        out.add(&begin_table(
            "pools",
            "Sides of each pool by state; what can be taken now is to the right",
            &[("Pool", ""), ("Sides", ""), ("Available", "number")],
        ));
        for shelf in &shelves {
            add_shelf(&mut out, view, shelf)?;
        }
        out.raw("</tbody>\n</table>\n");
    }
    add_more(&mut out, page.len(), census.pools);
    out.raw("</section>\n");
    Ok(out)
}

fn add_shelf(out: &mut Markup, view: &View, shelf: &Shelf) -> Result<()> {
    let (pool, parts) = (&shelf.pool, shelf.parts());
    out.raw("<tr><th scope=\"row\">");
    add_pool(out, view, pool.no)?;
    out.raw("<span class=\"under\">");
    out.name(pool.media_type.as_deref().unwrap_or_default());
    out.raw("</span></th><td>")
        .add(&bar(&parts))
        .raw("<span class=\"small\">");
    add_parts(out, &parts);
    out.raw("</span>");
    let wanted = i64::from(pool.want_available);
    if wanted > shelf.available() {
        out.raw("<br/><span class=\"short\">wants ")
            .number(wanted)
            .raw(" available</span>");
    }
    out.raw("</td><td class=\"number\"><span class=\"big\">");
    out.number(shelf.available()).raw("</span></td></tr>\n");
    Ok(())
}

/// Adds the parts in words.
fn add_parts(out: &mut Markup, parts: &[(&'static str, i64)]) {
    if parts.is_empty() {
        out.raw("no media");
    }
    for (place, (word, number)) in parts.iter().enumerate() {
        out.raw(if place > 0 { " \u{b7} " } else { "" });
        out.number(*number).raw("\u{a0}").raw(word);
    }
}

/// Draws the parts beside each other, together as wide as there is room.
fn bar(parts: &[(&'static str, i64)]) -> Markup {
    let all: i64 = parts.iter().map(|(_, number)| number).sum();
    if all == 0 {
        return Markup::default();
    }
    let mut out = Markup::new("<svg class=\"bar\" role=\"img\" aria-label=\"");
    add_parts(&mut out, parts);
    out.raw("\">");
    let mut before = 0;
    for (word, number) in parts {
        let (left, right) = (before * 10_000 / all, (before + number) * 10_000 / all);
        out.raw("<rect height=\"100%\" x=\"");
        add_percent(&mut out, left);
        out.raw("\" width=\"");
        add_percent(&mut out, right - left);
        out.raw("\" fill=\"url(#b-").raw(word).raw(")\"><title>");
        out.number(*number)
            .raw(" ")
            .raw(word)
            .raw("</title></rect>");
        before += number;
    }
    out.raw("</svg>");
    out
}

/// Adds hundredths of a percent.
fn add_percent(out: &mut Markup, hundredths: i64) {
    out.number(hundredths / 100);
    let rest = hundredths % 100;
    out.raw(if rest < 10 { ".0" } else { "." })
        .number(rest)
        .raw("%");
}
