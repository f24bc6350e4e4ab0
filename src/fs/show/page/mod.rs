//! `status.html`: the whole system on one page for a browser. What needs a person comes first, then what failed and why, what
//! waits, the pools, the libraries.
//!
//! Invariants: the page asks nobody for anything: its policy lets its own style and script through, by their hashes, and nothing
//! else; it says the same without the script, which only turns instants into ages; every list is bounded and read by an index,
//! and so are the slots that are drawn; it is well-formed XML as well as HTML.

mod attention;
mod failures;
mod libraries;
mod pools;

use super::looks::patterns;
use super::markup::Markup;

use crate::domain::error::Result;
use crate::domain::id::ObjectNo;
use crate::fs::node::{Node, Row};
use crate::fs::path::home_path;
use crate::manager::views::{self, Census};
use crate::manager::{View, list, read};

const STYLE: &str = concat!("\n", include_str!("../looks.css"), include_str!("page.css"));
const SCRIPT: &str = concat!("\n", include_str!("page.js"));

/// SHA-256 of the two, as a policy says it; the test below knows the right ones.
const STYLE_HASH: &str = "sha256-scuxPDFoi6jLWwdXpJvmWCVVJ8OhBKIJaofODqrLd6g=";
const SCRIPT_HASH: &str = "sha256-VVi/NMiUQhFfm3/XceCBZy9c1c3Zm5dZOXN7DMplVqk=";

/// The page.
pub(crate) fn page(view: &View, _no: ObjectNo) -> Result<String> {
    let census = views::census(view)?;
    let troubled = attention::troubled(view)?;
    let needs = census.operators_open
        + census.delivery_unknown
        + i64::try_from(troubled.len()).unwrap_or(i64::MAX);
    let mut out = head(needs);
    out.add(&verdict(view, needs)?).add(&facts(view, &census)?);
    for section in [
        attention::section(view, &census, &troubled)?,
        failures::section(view)?,
        attention::waiting(view, &census)?,
        pools::pools(view, &census)?,
        libraries::libraries(view, &census)?,
        foot(view)?,
    ] {
        out.add(&section);
    }
    out.raw("<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    Ok(out.finish())
}

/// Everything before the first word that is seen. `needs` is how many things need a person.
fn head(needs: i64) -> Markup {
    let mut out = Markup::new(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>",
    );
    if needs > 0 {
        out.raw("(").number(needs).raw(") ");
    }
    out.raw("ntmsfs status</title>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '");
    out.raw(STYLE_HASH).raw("'; script-src '").raw(SCRIPT_HASH);
    out.raw("'; base-uri 'none'; form-action 'none'\"/>\n");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    out.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    out.raw("<meta name=\"referrer\" content=\"no-referrer\"/>\n");
    out.raw("<meta http-equiv=\"refresh\" content=\"30\"/>\n<style>")
        .raw(STYLE);
    out.raw("</style>\n</head>\n<body>\n");
    out.raw("<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\">");
    out.add(&patterns(true)).raw("</svg>\n");
    out
}

/// What a person has to know, in one line.
fn verdict(view: &View, needs: i64) -> Result<Markup> {
    let mut out = Markup::new("<header>\n<h1>Removable storage</h1>\n");
    match needs {
        0 => out.raw("<p class=\"verdict calm\">\u{2713} Nothing needs a person.</p>\n"),
        1 => out.raw("<p class=\"verdict alarm\">\u{25b2} One thing needs a person.</p>\n"),
        _ => {
            out.raw("<p class=\"verdict alarm\">\u{25b2} ")
                .number(needs);
            out.raw(" things need a person.</p>\n")
        }
    };
    out.raw("<p class=\"soft\">");
    if let Some(head) = list::head(view)? {
        out.raw("Last change ").since(head.time).raw(". ");
    }
    out.raw("<span id=\"read\"></span></p>\n");
    if !read::settings(view)?.attended {
        out.raw("<p><strong>Nobody attends</strong>: <code>settings/attended</code> is 0, so what would wait for a person fails at once.</p>\n");
    }
    Ok(out)
}

/// The numbers of the whole catalog.
fn facts(view: &View, census: &Census) -> Result<Markup> {
    let (sides, available) = list::totals(view)?;
    let mut out = Markup::new("<dl class=\"facts\">\n");
    for (word, number) in [
        ("sides to allocate now", available),
        ("sides", sides),
        ("media", census.media),
        ("pools", census.pools),
        ("libraries", census.libraries),
        ("requests waiting", census.requests_waiting),
    ] {
        out.raw("<div><dt>").raw(word).raw("</dt><dd>");
        out.number(number).raw("</dd></div>\n");
    }
    out.raw("</dl>\n</header>\n<main>\n");
    Ok(out)
}

/// What catalog it is, and where there is more.
fn foot(view: &View) -> Result<Markup> {
    let (id, created) = read::catalog(view)?;
    let mut out = Markup::new("</main>\n<footer class=\"soft\">\n<p>Catalog <code>");
    out.text(&id.to_string())
        .raw("</code>, made ")
        .since(created);
    out.raw(", ntmsfs ")
        .raw(env!("CARGO_PKG_VERSION"))
        .raw(".</p>\n<p>More: ");
    out.raw("<a href=\"status\">status</a>, <a href=\"info.json\">info.json</a>, <a href=\"metrics\">metrics</a>, ");
    out.raw("<a href=\"history\">history</a>, <a href=\"operator/\">operator</a>, <a href=\"work/\">work</a>.</p>\n</footer>\n");
    Ok(out)
}

/// Adds a link to the directory of an object, or a file in it, with a text; the text alone if it is gone.
pub(super) fn add_link(
    out: &mut Markup,
    view: &View,
    (node, file): (Node, &'static str),
    text: &Markup,
) -> Result<()> {
    match home_path(view, node)? {
        Some(path) => out.link(&path, file).add(text).raw("</a>"),
        None => out.add(text),
    };
    Ok(())
}

/// Adds the path of a pool as a link to its directory.
pub(super) fn add_pool(out: &mut Markup, view: &View, no: ObjectNo) -> Result<()> {
    let Some(pool) = read::pool(view, no)? else {
        out.raw("a pool that is gone");
        return Ok(());
    };
    let mut path = Markup::default();
    path.name(&read::pool_path(view, &pool)?);
    add_link(out, view, (Node::new(Row::Pool, no), ""), &path)
}

/// Adds the name of a library as a link to its directory.
pub(super) fn add_library(out: &mut Markup, view: &View, no: ObjectNo) -> Result<()> {
    let Some(library) = read::library(view, no)? else {
        out.raw("a library that is gone");
        return Ok(());
    };
    let mut name = Markup::default();
    name.name(&library.name);
    add_link(out, view, (Node::new(Row::Library, no), ""), &name)
}

/// Begins a table: what it is, and what is in its columns, each with a class.
pub(super) fn begin_table(
    class: &'static str,
    caption: &'static str,
    heads: &[(&'static str, &'static str)],
) -> Markup {
    let mut out = Markup::new("<table class=\"");
    out.raw(class).raw("\">\n<caption>").raw(caption);
    out.raw("</caption>\n<thead><tr>");
    for (head, class) in heads {
        out.raw("<th scope=\"col\" class=\"").raw(class).raw("\">");
        out.raw(head).raw("</th>");
    }
    out.raw("</tr></thead>\n<tbody>\n");
    out
}

/// Says how many there are if only the first are shown.
pub(super) fn add_more(out: &mut Markup, shown: usize, all: i64) {
    let more = all - i64::try_from(shown).unwrap_or(i64::MAX);
    if more > 0 {
        out.raw("<p class=\"soft\">\u{2026} and ")
            .number(more)
            .raw(" more.</p>\n");
    }
}

#[cfg(test)]
mod tests;
