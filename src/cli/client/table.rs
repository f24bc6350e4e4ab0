//! Tables that fit the terminal.
//!
//! Invariants: a cell is one line of printable text whatever somebody has named; rows are kept for a while only, so a table of
//! any length is written in bounded memory.

use super::looks::Looks;
use crate::domain::name::printable;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Rows whose widths are looked at together.
const TOGETHER: usize = 1000;

/// Between two columns.
const GAP: usize = 2;

/// A column, with its head.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Text(&'static str),
    /// At the right.
    Number(&'static str),
    /// In the colour of its word.
    State(&'static str),
}

impl Column {
    fn head(self) -> &'static str {
        match self {
            Self::Text(head) | Self::Number(head) | Self::State(head) => head,
        }
    }
}

/// A table that is being written.
pub(super) struct Table<'a, W> {
    out: W,
    looks: Looks,
    columns: &'a [Column],
    rows: Vec<Vec<String>>,
    /// The widest cell of each column so far.
    widths: Vec<usize>,
    begun: bool,
}

impl<'a, W: Write> Table<'a, W> {
    pub(super) fn new(out: W, looks: Looks, columns: &'a [Column]) -> Self {
        Self {
            out,
            looks,
            columns,
            rows: Vec::new(),
            widths: columns.iter().map(|column| column.head().width()).collect(),
            begun: false,
        }
    }

    /// Adds a row, of a cell for each column.
    pub(super) fn add(&mut self, cells: &[String]) -> io::Result<()> {
        let row = cells.iter().map(|cell| printable(cell)).collect();
        self.rows.push(row);
        if self.rows.len() < TOGETHER {
            return Ok(());
        }
        self.write()
    }

    /// Writes the rest. A table without rows has no head either.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let fitted = fit(&self.widths, self.looks.width);
        if !rows.is_empty() && !self.begun {
            self.begun = true;
            let heads = self.columns.iter().map(|column| column.head().to_owned());
            let head = self.line(&heads.collect::<Vec<_>>(), &fitted, false);
            writeln!(self.out, "{}", self.looks.bold(&head))?;
        }
        for row in &rows {
            let line = self.line(row, &fitted, true);
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn line(&self, row: &[String], widths: &[usize], coloured: bool) -> String {
        let mut out = String::new();
        // What is owed before the next text: nothing stays at the end of a line.
        let mut blanks = 0;
        for ((column, width), cell) in self.columns.iter().zip(widths).zip(row) {
            let shown = cut(cell, *width);
            let rest = width.saturating_sub(shown.width());
            let is_number = matches!(column, Column::Number(_));
            if !shown.is_empty() {
                let before = blanks + if is_number { rest } else { 0 };
                out.push_str(&" ".repeat(before));
                blanks = 0;
                match column {
                    Column::State(_) if coloured => out.push_str(&self.looks.state(cell, &shown)),
                    Column::Text(_) | Column::Number(_) | Column::State(_) => out.push_str(&shown),
                }
            }
            blanks += GAP
                + if is_number && !shown.is_empty() {
                    0
                } else {
                    rest
                };
        }
        out
    }
}

/// Takes from the widest columns until all fit; from the first, which says what the row is about, only when nothing else is left.
fn fit(widths: &[usize], room: Option<usize>) -> Vec<usize> {
    let mut widths = widths.to_vec();
    let Some(room) = room else { return widths };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room {
        let widest = (widths.iter().enumerate().skip(1)).max_by_key(|(_, width)| **width);
        let at = widest
            .filter(|(_, width)| **width > 1)
            .map_or(0, |(at, _)| at);
        match widths.get_mut(at).filter(|width| **width > 1) {
            Some(width) => *width -= 1,
            None => break,
        }
    }
    widths
}

/// Cuts text to a width, with a mark where it goes on.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        out.push(c);
    }
    if width > 0 {
        out.push('\u{2026}');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::Text("name"),
        Column::Number("sides"),
        Column::State("state"),
    ];

    fn shown(width: Option<usize>, rows: &[[&str; 3]]) -> String {
        let mut out = Vec::new();
        let looks = Looks::plain(width);
        let mut table = Table::new(&mut out, looks, &COLUMNS);
        for row in rows {
            table.add(&row.map(str::to_owned)).unwrap();
        }
        table.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a", "1", "ready"], ["日本", "100", ""], ["", "", "x"]];
        let expected = "name  sides  state\na         1  ready\n日本    100\n             x\n";
        assert_eq!(shown(None, &rows), expected);
        assert_eq!(shown(None, &[]), "");
    }

    #[test]
    fn the_widest_of_the_other_columns_is_cut() {
        let long = "a".repeat(30);
        for width in 4..60 {
            let text = shown(
                Some(width),
                &[[&long, "1", "ready"], ["日本日本日本", "2", "x"]],
            );
            let widest = text
                .lines()
                .map(unicode_width::UnicodeWidthStr::width)
                .max()
                .unwrap();
            assert!(widest <= width.max(7), "{width}: {text}");
        }
        // What a row is about stays whole as long as there is anything else to cut.
        assert!(
            shown(Some(44), &[[&long, "1", "a long state"]])
                .contains(&format!("{long}      1  a lo\u{2026}"))
        );
        assert!(shown(Some(20), &[[&long, "1", "ready"]]).contains("a\u{2026}  1  \u{2026}"));
        assert!(shown(None, &[[&long, "1", "ready"]]).contains(&long));
    }

    #[test]
    fn names_are_no_commands_of_the_terminal() {
        let text = shown(None, &[["a\x1b[2J\n\u{9b}b\u{202e}", "\x07", "\r"]]);
        assert_eq!(text.lines().count(), 2);
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && printable(&c.to_string()) != c.to_string())
        );
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (text, width, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab\u{2026}"),
            ("日本語", 4, "日\u{2026}"),
            ("e\u{301}e\u{301}", 1, "\u{2026}"),
            ("abc", 0, ""),
        ] {
            assert_eq!(cut(text, width), expected, "{text}");
        }
    }
}
