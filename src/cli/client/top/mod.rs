//! `ntmsfs top`: the system on a terminal, as it changes.

mod draw;
mod page;
mod screen;

use super::looks::{self, Looks};
use super::place::{Place, Tree};
use anyhow::Result;
use clap::Args;
use page::{Page, Reader};
use screen::{Input, Screen, line};
use std::time::Duration;

#[derive(Debug, Args)]
pub(in crate::cli) struct Top {
    /// Seconds between two looks at the tree.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    delay: u64,
    #[command(flatten)]
    place: Place,
}

/// What is on the terminal.
struct View {
    page: Page,
    /// Why it is not what the tree says now.
    lost: Option<String>,
    /// The first line that is seen.
    first: usize,
}

impl Top {
    pub(super) fn run(&self) -> Result<()> {
        let tree = self.place.find()?;
        let mut reader = Reader::default();
        let page = reader.read(&tree)?;
        let mut screen = Screen::open()?;
        let mut view = View {
            page,
            lost: None,
            first: 0,
        };
        let looked = self.look(&tree, &mut reader, &mut screen, &mut view);
        screen.close()?;
        looked
    }

    /// Shows the page until somebody quits.
    fn look(
        &self,
        tree: &Tree,
        reader: &mut Reader,
        screen: &mut Screen,
        view: &mut View,
    ) -> Result<()> {
        loop {
            let height = view.draw(tree)?;
            let page = isize::try_from(height).unwrap_or(1);
            for input in screen.wait(Duration::from_secs(self.delay))? {
                match input {
                    Input::Quit => return Ok(()),
                    Input::Refresh => view.refresh(reader.read(tree)),
                    Input::Scroll(lines) => view.scroll(lines),
                    Input::Page(pages) => view.scroll(pages * page),
                    Input::Top => view.first = 0,
                    Input::Bottom => view.first = usize::MAX,
                    Input::Nothing => {}
                }
                view.keep_within(height);
            }
        }
    }
}

impl View {
    /// A tree that is gone leaves what was seen last; it may come back.
    fn refresh(&mut self, read: Result<Page>) {
        match read {
            Ok(page) => (self.page, self.lost) = (page, None),
            Err(error) => self.lost = Some(format!("shown is what was seen last: {error:#}")),
        }
    }

    fn scroll(&mut self, lines: isize) {
        self.first = self.first.saturating_add_signed(lines);
    }

    /// Does not scroll beyond the last line.
    fn keep_within(&mut self, room: usize) {
        let lines = draw::lines(&self.page, 0).len();
        self.first = self.first.min(lines.saturating_sub(room));
    }

    /// Draws it, and tells how many lines are seen at once.
    fn draw(&mut self, tree: &Tree) -> Result<usize> {
        let (width, height) = looks::size();
        let looks = Looks::of_stdout();
        let lines = draw::lines(&self.page, width);
        let room = height.saturating_sub(2);
        self.keep_within(room);
        let head = match (&self.lost, &self.page.system) {
            (Some(lost), _) => ("1;31", lost.clone()),
            (None, Some(system)) => ("", system.clone()),
            (None, None) => ("", tree.root().to_string_lossy().into_owned()),
        };
        let seen = lines.iter().skip(self.first).take(room);
        let mut shown = vec![line(&[head], width, looks)];
        shown.extend(seen.map(|pieces| line(pieces, width, looks)));
        shown.resize(height.saturating_sub(1), String::new());
        let last = (self.first + room).min(lines.len());
        let foot = format!(
            "q quit  j/k scroll  r refresh  lines {}-{last} of {}",
            self.first + 1,
            lines.len()
        );
        shown.push(line(&[("7", foot)], width, looks));
        shown.truncate(height);
        Screen::draw(&shown)?;
        Ok(room)
    }
}
