//! The lines of the page.
//!
//! Invariant: what needs a person comes first; a state has a sign and a colour, so it can be told without colours too.

use super::page::{Item, Library, Page, Pool};
use super::screen::Piece;
use crate::cli::client::table::cut;
use crate::domain::name::printable;
use unicode_width::UnicodeWidthStr as _;

/// A state of sides on the page.
pub(super) struct State {
    pub(super) word: &'static str,
    sign: &'static str,
    colour: &'static str,
}

/// The states with a sign of their own.
pub(super) const STATES: [State; 4] = [
    State {
        word: "available",
        sign: "\u{2588}",
        colour: "32",
    },
    State {
        word: "allocated",
        sign: "\u{2593}",
        colour: "34",
    },
    State {
        word: "complete",
        sign: "\u{2592}",
        colour: "36",
    },
    State {
        word: "reserved",
        sign: "\u{2591}",
        colour: "33",
    },
];

/// All other states.
const OTHER: State = State {
    word: "other",
    sign: "\u{b7}",
    colour: "90",
};

/// The widest bar, and the widest name beside it.
const BAR: usize = 60;
const NAME: usize = 24;

const TITLE: &str = "1";
const SOFT: &str = "90";
const ALARM: &str = "31";

/// The lines of a page of a width.
pub(super) fn lines(page: &Page, width: usize) -> Vec<Vec<Piece>> {
    let mut out = Vec::new();
    section(&mut out, "Asked of people", Some(&page.operators), "33");
    section(&mut out, "Last failures", page.failures.as_deref(), ALARM);
    section(&mut out, "Waiting requests", page.waiting.as_deref(), "33");
    title(&mut out, "Pools");
    out.push(legend());
    out.extend(page.pools.iter().map(|pool| bar(pool, width)));
    title(&mut out, "Libraries");
    for library in &page.libraries {
        add_library(&mut out, library);
    }
    out
}

fn title(out: &mut Vec<Vec<Piece>>, text: &str) {
    if !out.is_empty() {
        out.push(Vec::new());
    }
    out.push(vec![(TITLE, text.to_owned())]);
}

fn section(out: &mut Vec<Vec<Piece>>, name: &str, items: Option<&[Item]>, colour: &'static str) {
    title(out, name);
    match items {
        None => out.push(vec![(
            SOFT,
            "  not for you: root and the group of the mount option gid= see them".to_owned(),
        )]),
        Some([]) => out.push(vec![(SOFT, "  none".to_owned())]),
        Some(items) => {
            for Item { age, what, more } in items {
                out.push(vec![
                    (SOFT, format!("{age:>5}  ")),
                    (colour, what.clone()),
                    ("", format!("  {more}")),
                ]);
            }
        }
    }
}

fn legend() -> Vec<Piece> {
    let words = STATES.iter().chain([&OTHER]);
    let mut out = vec![("", "  ".to_owned())];
    for state in words {
        out.push((state.colour, state.sign.repeat(2)));
        out.push((SOFT, format!(" {}  ", state.word)));
    }
    out
}

fn bar(pool: &Pool, width: usize) -> Vec<Piece> {
    let numbers = numbers(pool);
    let name = cut(&printable(&pool.name), NAME);
    let room = width.saturating_sub(NAME + 6 + numbers.width());
    // Numbers may be cut, the bar is what is looked at.
    let places = room.clamp(10, BAR);
    let mut out = vec![(
        "",
        format!(
            "  {name}{}  ",
            " ".repeat(NAME.saturating_sub(name.width()))
        ),
    )];
    let lengths = lengths(&pool.sides, places);
    for (state, length) in STATES.iter().chain([&OTHER]).zip(lengths) {
        out.push((state.colour, state.sign.repeat(length)));
    }
    let empty = places - lengths.iter().sum::<usize>();
    out.push(("", format!("{}  ", " ".repeat(empty))));
    out.push((SOFT, numbers));
    out
}

/// The numbers of a pool: those that are not 0.
fn numbers(pool: &Pool) -> String {
    let states = STATES.iter().chain([&OTHER]).map(|state| state.word);
    let counted = states.zip(pool.sides).chain([("offline", pool.offline)]);
    let shown: Vec<String> = counted
        .filter(|(_, number)| *number > 0)
        .map(|(word, number)| format!("{number} {word}"))
        .collect();
    if shown.is_empty() {
        "empty".to_owned()
    } else {
        shown.join(", ")
    }
}

/// Shares the places of a bar: what is there at all has one, and together they fill it.
fn lengths(sides: &[u64; 5], places: usize) -> [usize; 5] {
    let all: u128 = sides.iter().map(|&number| u128::from(number)).sum();
    let mut out = [0; 5];
    if all == 0 {
        return out;
    }
    for (length, &number) in out.iter_mut().zip(sides) {
        let share = u128::from(number) * u128::try_from(places).unwrap_or(0) / all;
        *length = usize::try_from(share)
            .unwrap_or(0)
            .max(usize::from(number > 0));
    }
    // Roundings go to the largest.
    loop {
        let sum: usize = out.iter().sum();
        let Some(largest) = out.iter_mut().max() else {
            return out;
        };
        match sum.cmp(&places) {
            std::cmp::Ordering::Less => *largest += places - sum,
            std::cmp::Ordering::Equal => return out,
            std::cmp::Ordering::Greater => *largest -= 1,
        }
    }
}

fn add_library(out: &mut Vec<Vec<Piece>>, library: &Library) {
    let colour = match library.state.as_str() {
        "ready" => "32",
        "initializing" => "33",
        _ => ALARM,
    };
    let mut head = vec![
        ("", format!("  {}  ", library.name)),
        (colour, library.state.clone()),
    ];
    if !library.slots.is_empty() {
        head.push((SOFT, format!("  slots: {}", library.slots)));
    }
    if library.work > 0 {
        head.push(("33", format!("  {} to do", library.work)));
    }
    out.push(head);
    out.extend(
        library
            .drives
            .iter()
            .map(|drive| vec![("", format!("    drive {drive}"))]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::looks::Looks;
    use crate::cli::client::top::screen::line;

    #[test]
    fn a_bar_is_shared_by_what_is_there() {
        assert_eq!(lengths(&[0; 5], 10), [0; 5]);
        assert_eq!(lengths(&[1, 1, 0, 0, 0], 10), [5, 5, 0, 0, 0]);
        assert_eq!(lengths(&[1_000_000, 1, 0, 1, 1], 10), [7, 1, 0, 1, 1]);
        assert_eq!(
            lengths(&[u64::MAX, u64::MAX, 0, 0, 0], 11)
                .iter()
                .sum::<usize>(),
            11
        );
    }

    #[test]
    fn a_page_fits_every_width() {
        let pool = Pool {
            name: "日本".repeat(20),
            sides: [5, 4, 3, 2, 1],
            offline: 3,
        };
        let item = Item {
            age: "3d".to_owned(),
            what: "w".repeat(50),
            more: "m".repeat(200),
        };
        let page = Page {
            pools: vec![pool],
            operators: vec![item],
            ..Page::default()
        };
        for width in [1, 20, 80, 200] {
            for pieces in lines(&page, width) {
                let shown = line(&pieces, width, Looks::plain(None));
                assert!(shown.width() <= width, "{width}: {shown}");
            }
        }
        let text: Vec<String> = lines(&page, 80)
            .iter()
            .map(|pieces| line(pieces, 80, Looks::plain(None)))
            .collect();
        assert!(
            text.iter()
                .any(|line| line.contains("\u{2588}\u{2593}") || line.contains("\u{2588}\u{2588}")),
            "{text:#?}"
        );
    }
}
