//! The whole system in one read, for people. Everything is bounded: the tree itself shows the rest.

use super::map::condition;
use super::pool::counts_of;
use super::{section, table};
use crate::domain::counts::Standing;
use crate::domain::error::Result;
use crate::domain::id::{CATALOG, ObjectNo};
use crate::domain::name::printable;
use crate::domain::object::{Pool, Request};
use crate::domain::state::SideState;
use crate::manager::list::{self, Kind};
use crate::manager::views::{self, Census};
use crate::manager::{View, log, read};

/// How many lines a section has at most. Enough for a screen or two, cheap enough for every stat(2).
const LINES: u32 = 100;

/// The same for operator requests, which people read first.
const OPERATORS: u32 = 20;

/// The columns of the pools.
const POOL_HEADS: [&str; 7] = [
    "pool",
    "available",
    "allocated",
    "complete",
    "reserved",
    "offline",
    "disabled",
];

/// The summary.
pub(crate) fn status(view: &View, _no: ObjectNo) -> Result<String> {
    let (id, created) = read::catalog(view)?;
    let mut out = format!("catalog {id}, made {created}\n{}", totals(view)?);
    for section in [
        bounded("pools", &POOL_HEADS, pools(view)?),
        bounded("libraries", &[], libraries(view)?),
        bounded("waiting requests", &[], waiting(view)?),
        operators(view)?,
        bounded("delivery unknown", &[], undelivered(view)?),
    ] {
        out.push('\n');
        out.push_str(&section);
    }
    Ok(out)
}

/// What there is, in one line, and the end of the history in another.
fn totals(view: &View) -> Result<String> {
    let Census {
        pools,
        media,
        libraries,
        ..
    } = views::census(view)?;
    let (sides, available) = list::totals(view)?;
    let counted = [
        (media, "medium", "media"),
        (sides, "side", "sides"),
        (
            available,
            "of them to allocate now",
            "of them to allocate now",
        ),
        (pools, "pool", "pools"),
        (libraries, "library", "libraries"),
    ];
    let counted = counted.map(|(number, one, many)| counted_as(number, one, many));
    let archived = match log::begin(view)?.seq {
        0 => String::new(),
        seq => format!(", those up to {seq} in archives"),
    };
    let last = list::head(view)?.map_or_else(String::new, |head| {
        let records = counted_as(head.seq, "record", "records");
        format!("{records}, the last of {}{archived}\n", head.time)
    });
    Ok(format!("{}\n{last}", counted.join(", ")))
}

fn counted_as(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn libraries(view: &View) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for item in list::page(view, Kind::LibraryId, CATALOG, 0, LINES)? {
        if let Some(library) = read::library(view, item.no)? {
            let driver = printable(library.driver.split(' ').next().unwrap_or_default());
            let condition = condition(&library).to_owned();
            rows.push(vec![printable(&library.name), condition, driver]);
        }
    }
    Ok(rows)
}

/// A section that may be cut: the last line says if there may be more.
fn bounded(title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let full = rows.len() >= usize::try_from(LINES).unwrap_or(usize::MAX);
    let mut out = section(title, heads, rows);
    if full {
        out.extend(["only the first ", &LINES.to_string(), " are shown\n"]);
    }
    out
}

fn pools(view: &View) -> Result<Vec<Vec<String>>> {
    let page = list::page(view, Kind::PoolId, CATALOG, 0, LINES)?;
    let mut rows = Vec::new();
    for item in page {
        if let Some(pool) = read::pool(view, item.no)? {
            rows.push(pool_row(view, &pool)?);
        }
    }
    Ok(rows)
}

fn pool_row(view: &View, pool: &Pool) -> Result<Vec<String>> {
    let counts = counts_of(view, pool)?;
    let states = [
        SideState::Available,
        SideState::Allocated,
        SideState::Complete,
        SideState::Reserved,
    ];
    let states = states.map(|state| counts.all(state));
    let standings = [Standing::Offline, Standing::Disabled];
    let standings = standings.map(|standing| counts.standing(standing));
    let numbers = states.into_iter().chain(standings);
    let path = printable(&read::pool_path(view, pool)?);
    let cells = numbers.map(|number| number.to_string());
    Ok(std::iter::once(path).chain(cells).collect())
}

fn waiting(view: &View) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for no in list::requests_waiting(view, LINES)? {
        if let Some(request) = read::request(view, no)? {
            rows.push(vec![waiting_line(view, &request)?]);
        }
    }
    Ok(rows)
}

fn waiting_line(view: &View, request: &Request) -> Result<String> {
    let pool = match read::pool(view, request.pool)? {
        Some(pool) => printable(&read::pool_path(view, &pool)?),
        None => "-".to_owned(),
    };
    let name = request
        .name
        .as_deref()
        .map_or_else(|| "-".to_owned(), printable);
    let until = request.deadline.map_or_else(
        || "never ends by time".to_owned(),
        |time| format!("until {time}"),
    );
    let Request { no, submitted, .. } = request;
    let uid = request.caller.uid;
    Ok(format!(
        "{no}  {pool}  {name}  uid {uid}  since {submitted}  {until}"
    ))
}

/// What people are asked for and have not answered, oldest first. How old each is, its directory says: nothing that is
/// shown contains the time of reading.
fn operators(view: &View) -> Result<String> {
    let open = list::operators_open(view, ObjectNo(0), OPERATORS)?;
    if open.is_empty() {
        return Ok("open operator requests: none\n".to_owned());
    }
    let heads = ["number", "command", "state", "submitted", "by"].map(str::to_owned);
    let cells = open.iter().map(|operator| {
        vec![
            operator.no.to_string(),
            operator.command.to_string(),
            operator.state.to_string(),
            operator.submitted.to_string(),
            operator.uid.to_string(),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heads.to_vec()).chain(cells).collect();
    let messages = open.iter().map(|operator| printable(&operator.message));
    let messages = std::iter::once("message".to_owned()).chain(messages);
    let mut out = "open operator requests:\n".to_owned();
    for (row, message) in table(&rows).lines().zip(messages) {
        out.extend([row, "  ", &message, "\n"]);
    }
    let shown = i64::try_from(open.len()).unwrap_or(i64::MAX);
    let more = list::count_operators_open(view)? - shown;
    if more > 0 {
        out.extend(["\u{2026} and ", &more.to_string(), " more\n"]);
    }
    Ok(out)
}

fn undelivered(view: &View) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for no in list::delivery_unknown(view, LINES)? {
        if let Some(logical) = read::logical(view, no)? {
            let owner = logical.owner;
            rows.push(vec![format!(
                "{}  uid {owner}  {}",
                logical.id, logical.created
            )]);
        }
    }
    Ok(rows)
}
