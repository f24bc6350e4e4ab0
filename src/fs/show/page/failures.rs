//! The last failures on the page, each with its reason.

use super::super::markup::Markup;
use super::{add_library, add_pool, begin_table};
use crate::codes;
use crate::domain::error::Result;
use crate::domain::event::Event;
use crate::domain::id::ObjectNo;
use crate::domain::work::WorkChange;
use crate::manager::log::Record;
use crate::manager::{View, failure, queue};

/// Most failures that are shown. The history has all of them.
const FAILURES: u32 = 20;

/// What a record says of a failure.
struct Failed {
    /// What failed.
    what: Markup,
    /// Whose it was, and where.
    place: Markup,
    /// Why.
    why: Markup,
}

/// The last failures, the newest first.
pub(super) fn section(view: &View) -> Result<Markup> {
    let mut out = Markup::new(
        "<section aria-labelledby=\"failures\">\n<h2 id=\"failures\">Last failures</h2>\n",
    );
    let records = failure::last(view, FAILURES)?;
    if records.is_empty() {
        out.raw("<p>None since the catalog was made.</p>\n</section>\n");
        return Ok(out);
    }
    out.add(&begin_table(
        "",
        "The newest first; what its owner cancelled has not failed",
        &[("What", "half"), ("Why", "")],
    ));
    for record in &records {
        let Failed { what, place, why } = told(view, record)?;
        out.raw("<tr><th scope=\"row\">").add(&what);
        out.raw("<span class=\"under\">").since(record.time);
        out.raw(", ").add(&place).raw("</span></th><td>");
        out.add(&why).raw("</td></tr>\n");
    }
    out.raw("</tbody>\n</table>\n</section>\n");
    Ok(out)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other events are no failures"
)]
fn told(view: &View, record: &Record) -> Result<Failed> {
    let (mut what, mut place, mut why) = (Markup::default(), Markup::default(), Markup::default());
    match &record.detail {
        Event::RequestFailed {
            request,
            code,
            sentence,
            ..
        } => {
            add_request(&mut what, request.name.as_deref(), request.no);
            place.raw("uid ").number(request.caller.uid).raw(", pool ");
            add_pool(&mut place, view, request.pool.no)?;
            let kind = codes::kind_of(*code);
            add_reason(
                &mut why,
                sentence,
                kind.map_or("", |kind| codes::code(kind).name),
            );
        }
        Event::WorkFinished { no, library, error } => {
            (what, place) = work_of(view, (*no, None), library.no)?;
            why.name(error.as_deref().unwrap_or_default());
        }
        Event::WorkChanged {
            no,
            library,
            name,
            change: WorkChange::Ended { error, .. },
        } => {
            (what, place) = work_of(view, (*no, name.as_deref()), library.no)?;
            add_line(&mut why, error.as_deref().unwrap_or_default());
        }
        Event::OperatorChanged { no, .. } => {
            what.raw("request to a person ").number(no.0);
            place.raw("uid ").number(record.by.uid);
            why.raw("refused by a person");
        }
        _ => {
            what.raw("record ").number(record.seq);
        }
    }
    Ok(Failed { what, place, why })
}

/// Adds the line of an error: code, name, sentence.
fn add_line(out: &mut Markup, line: &str) {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(code), Some(name), Some(sentence)) if code.starts_with("0x") => {
            add_reason(out, sentence, name);
        }
        _ => {
            out.name(line);
        }
    }
}

fn add_reason(out: &mut Markup, sentence: &str, name: &str) {
    out.name(sentence).raw(" <span class=\"soft\">");
    out.text(name).raw("</span>");
}

/// Adds which request of a pool it is.
pub(super) fn add_request(out: &mut Markup, name: Option<&str>, no: Option<ObjectNo>) {
    match (name, no) {
        (Some(name), _) => out.raw("request ").name(name),
        (None, Some(no)) => out.raw("request ").number(no.0),
        (None, None) => out.raw("request"),
    };
}

/// Says which work of a library it is; and whose, and of which library.
pub(super) fn work_of(
    view: &View,
    (no, name): (ObjectNo, Option<&str>),
    library: ObjectNo,
) -> Result<(Markup, Markup)> {
    let (mut what, mut place) = (Markup::default(), Markup::default());
    let work = queue::work(view, no)?;
    let kind = work.as_ref().map_or("work", |work| work.kind.word());
    what.raw(kind).raw(" ");
    match name {
        Some(name) => what.name(name),
        None => what.number(no.0),
    };
    if let Some(work) = work.filter(|work| work.name.is_some()) {
        place.raw("uid ").number(work.caller.uid).raw(", ");
    }
    place.raw("library ");
    add_library(&mut place, view, library)?;
    Ok((what, place))
}
