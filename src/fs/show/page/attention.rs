//! The parts of the page that somebody may have to act on: what needs a person, and what waits.

use super::super::markup::Markup;
use super::failures::{add_request, work_of};
use super::{add_library, add_link, add_more, add_pool, begin_table};
use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::domain::object::{Library, Logical, Operator, Request};
use crate::domain::state::OperatorState;
use crate::domain::time::Time;
use crate::domain::work::Work;
use crate::fs::node::{Node, Row};
use crate::manager::views::Census;
use crate::manager::{View, list, queue, read};

/// Most entries of each list. What is beyond them is counted, or said to be there; the tree has it all.
const OPERATORS: u32 = 50;
const TROUBLED: u32 = 50;
const UNDELIVERED: u32 = 20;
const WAITING: u32 = 50;

/// Returns the libraries that are in use and do not work.
pub(super) fn troubled(view: &View) -> Result<Vec<Library>> {
    let found = list::libraries_troubled(view, TROUBLED)?;
    let found = found.into_iter().map(|no| read::library(view, no));
    Ok(found
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// What needs a person.
pub(super) fn section(view: &View, census: &Census, troubled: &[Library]) -> Result<Markup> {
    let operators = list::operators_open(view, ObjectNo(0), OPERATORS)?;
    let undelivered = list::delivery_unknown(view, UNDELIVERED)?;
    let mut out = Markup::new(
        "<section aria-labelledby=\"person\">\n<h2 id=\"person\">Needs a person</h2>\n",
    );
    if operators.is_empty() && troubled.is_empty() && undelivered.is_empty() {
        out.raw("<p>Nothing.</p>\n</section>\n");
        return Ok(out);
    }
    out.raw("<ul class=\"cards\">\n");
    for library in troubled {
        add_troubled(&mut out, view, library)?;
    }
    for operator in &operators {
        add_operator(&mut out, view, operator)?;
    }
    out.raw("</ul>\n");
    add_more(&mut out, operators.len(), census.operators_open);
    if !undelivered.is_empty() {
        add_undelivered(&mut out, view, &undelivered)?;
        add_more(&mut out, undelivered.len(), census.delivery_unknown);
    }
    out.raw("</section>\n");
    Ok(out)
}

fn add_troubled(out: &mut Markup, view: &View, library: &Library) -> Result<()> {
    out.raw("<li><p class=\"what\">Library ");
    add_library(out, view, library.no)?;
    out.raw(" is ")
        .raw(library.state.word())
        .raw(".</p>\n<p>Since ");
    out.since(library.modified).raw(". When it is well again: <code>inventory</code> as a request to it, or 0 and 1 to its <code>enabled</code>.</p></li>\n");
    Ok(())
}

fn add_operator(out: &mut Markup, view: &View, operator: &Operator) -> Result<()> {
    out.raw("<li><p class=\"what\">").name(&operator.message);
    out.raw("</p>\n<p>")
        .raw(operator.command.word())
        .raw(", asked ");
    out.since(operator.submitted)
        .raw(" by uid ")
        .number(operator.uid);
    if let Some(pool) = operator.pool {
        out.raw(", pool ");
        add_pool(out, view, pool)?;
    }
    if let Some(library) = operator.library {
        out.raw(", library ");
        add_library(out, view, library)?;
    }
    out.raw(match operator.state {
        OperatorState::Active => ". <strong>Somebody has seen it.</strong></p>\n<p>",
        OperatorState::InProgress => ". <strong>Somebody works on it.</strong></p>\n<p>",
        OperatorState::Submitted | OperatorState::Refused | OperatorState::Complete => ".</p>\n<p>",
    });
    let node = Node::new(Row::Operator, operator.no);
    let mut name = Markup::new("operator/");
    name.number(operator.no.0);
    add_link(out, view, (node, ""), &name)?;
    out.raw(". When it is done: <code>echo complete &gt; operator/")
        .number(operator.no.0);
    out.raw("/state</code></p></li>\n");
    Ok(())
}

fn add_undelivered(out: &mut Markup, view: &View, undelivered: &[ObjectNo]) -> Result<()> {
    out.add(&begin_table(
        "",
        "Delivery unknown: the daemon ended before anybody could know whether the owner has read the LMID. If he has not, rmdir of it gives it back.",
        &[("LMID", ""), ("Owner", ""), ("Allocated", "age")],
    ));
    for no in undelivered {
        let Some(Logical {
            id, owner, created, ..
        }) = read::logical(view, *no)?
        else {
            continue;
        };
        let mut text = Markup::default();
        text.text(&id.to_string());
        out.raw("<tr><th scope=\"row\">");
        add_link(out, view, (Node::new(Row::Logical, *no), ""), &text)?;
        out.raw("</th><td>uid ").number(owner).raw("</td><td>");
        out.since(created).raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table>\n");
    Ok(())
}

/// What waits: for a medium, or for a library.
pub(super) fn waiting(view: &View, census: &Census) -> Result<Markup> {
    let requests = list::requests_waiting(view, WAITING)?;
    let works = queue::oldest(view, WAITING + 1)?;
    let mut out =
        Markup::new("<section aria-labelledby=\"waiting\">\n<h2 id=\"waiting\">Waiting</h2>\n");
    if requests.is_empty() && works.is_empty() {
        out.raw("<p>Nothing.</p>\n</section>\n");
        return Ok(out);
    }
    if !requests.is_empty() {
        out.add(&begin_table(
            "",
            "Requests for a medium, oldest first",
            &[("Request", ""), ("Since", "age"), ("Ends", "age")],
        ));
        for no in &requests {
            if let Some(request) = read::request(view, *no)? {
                add_waiting(&mut out, view, &request)?;
            }
        }
        out.raw("</tbody>\n</table>\n");
        add_more(&mut out, requests.len(), census.requests_waiting);
    }
    if !works.is_empty() {
        add_works(&mut out, view, &works)?;
    }
    out.raw("</section>\n");
    Ok(out)
}

fn add_waiting(out: &mut Markup, view: &View, request: &Request) -> Result<()> {
    out.raw("<tr><th scope=\"row\">");
    add_request(out, request.name.as_deref(), Some(request.no));
    out.raw("<span class=\"under\">uid ")
        .number(request.caller.uid);
    out.raw(", pool ");
    add_pool(out, view, request.pool)?;
    out.raw(" (");
    let why = (Node::new(Row::Pool, request.pool), "why");
    add_link(out, view, why, &Markup::new("why"))?;
    out.raw(")</span></th><td>")
        .since(request.submitted)
        .raw("</td><td>");
    add_deadline(out, request.deadline);
    out.raw("</td></tr>\n");
    Ok(())
}

fn add_deadline(out: &mut Markup, deadline: Option<Time>) {
    match deadline {
        Some(time) => out.until(time),
        None => out.raw("never"),
    };
}

fn add_works(out: &mut Markup, view: &View, works: &[Work]) -> Result<()> {
    out.add(&begin_table(
        "",
        "Work of the libraries, oldest first",
        &[("Work", ""), ("Since", "age"), ("Ends", "age")],
    ));
    let shown = usize::try_from(WAITING).unwrap_or(usize::MAX);
    for work in works.iter().take(shown) {
        let (what, place) = work_of(view, (work.no, work.name.as_deref()), work.library)?;
        out.raw("<tr><th scope=\"row\">").add(&what);
        out.raw("<span class=\"under\">").raw(work.state.word());
        if work.operator.is_some() {
            out.raw(" for a person");
        }
        out.raw(", ").add(&place).raw("</span></th><td>");
        out.since(work.queued).raw("</td><td>");
        add_deadline(out, work.deadline);
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table>\n");
    if works.len() > shown {
        out.raw("<p class=\"soft\">\u{2026} and more under <a href=\"work/\">work</a>.</p>\n");
    }
    Ok(())
}
