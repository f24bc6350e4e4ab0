//! The table as the list of files of the manual.

use super::tree::{Behaviour, Guard, Name, Spec, TREE, spec};
use crate::manager::list::Kind;

/// Returns one line for each row: the pattern of its path, its mode and its sentence, with tabs between.
pub fn manual_files() -> String {
    let lines = TREE.iter().map(|spec| {
        let is_dir = matches!(spec.behaviour, Behaviour::Dir(_));
        let slash = if is_dir { "/" } else { "" };
        let (path, mode) = (path(spec), mode(spec.guard));
        format!("{path}{slash}\t{mode}\t{}\n", spec.doc)
    });
    lines.collect()
}

/// Returns the pattern of a row's path. Of two places the first is shown; the sentence names the other.
fn path(of: &Spec) -> String {
    let name = match of.name {
        Name::Is(name) => name.to_owned(),
        Name::Each(kind) => format!("<{}>", word(kind)),
    };
    match of.parents.first().map(|&parent| path(spec(parent))) {
        Some(above) if !above.is_empty() => format!("{above}/{name}"),
        _ => name,
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Pool => "pool",
        Kind::Medium | Kind::AnyMedium | Kind::Offline => "medium",
        Kind::Request | Kind::Outcome | Kind::LibraryRequest | Kind::LibraryOutcome => "name",
        Kind::Side => "side",
        Kind::Logical | Kind::Owned => "LMID",
        Kind::Library => "library",
        Kind::State => "state",
        Kind::InState => "medium.side",
        Kind::Owner => "uid",
        Kind::Located => "slot",
        Kind::Element(_) | Kind::Operator | Kind::Work => "number",
        Kind::MediaType => "media type",
        Kind::Barcode => "bar code",
        Kind::PoolId | Kind::MediumId | Kind::SideId | Kind::LibraryId => "GUID",
    }
}

fn mode(guard: Guard) -> String {
    match guard {
        Guard::Fixed(mode) | Guard::Private(mode) | Guard::Requester(mode) => format!("{mode:04o}"),
        Guard::Mode(0o777) => "stored mode".to_owned(),
        Guard::Mode(mask) => format!("mode & {mask:04o}"),
        Guard::Control => "CONTROL".to_owned(),
        Guard::ControlDir => "CONTROL with x".to_owned(),
        Guard::MediaDir => "CONTROL with x; USE with w in a free pool".to_owned(),
        Guard::Owner(0o777) => "stored mode with w".to_owned(),
        Guard::Owner(mask) => format!("mode & {mask:04o} with w"),
        Guard::State => "CONTROL | mode & 0444".to_owned(),
        Guard::UseDir => "USE with w".to_owned(),
        Guard::Link => "link".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_a_line_for_every_row() {
        let text = manual_files();
        assert_eq!(text.lines().count(), TREE.len());
        for line in text.lines() {
            assert_eq!(line.split('\t').count(), 3, "{line}");
        }
        let line = "pools/<pool>/media/<medium>/sides/<side>/state\tCONTROL | mode & 0444\t";
        assert!(text.contains(line), "{text}");
    }
}
