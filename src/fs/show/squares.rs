//! Squares in rows, as the parts of a map: one shape for each that has a title, and one for all others of a look.
//!
//! Invariant: a row of equal squares costs as much text as one of them.

use super::markup::Markup;

/// Most slots that are drawn.
pub(super) const SQUARES: u32 = 10_000;

/// Where squares begin, beside what they are; the width of all; the space between the parts.
const LEFT: u32 = 24;
pub(super) const WIDTH: u32 = 226;
pub(super) const GAP: u32 = 4;

/// How many in a row, and the width of one.
type Size = (u32, u32);

/// How squares are laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// For up to so many slots.
    most: u32,
    slots: Size,
    /// Of drives and ports, which are few.
    others: Size,
    /// Of how many rows of slots one is numbered.
    step: u32,
}

/// The layouts, for few squares first.
const GRIDS: [Grid; 3] = [
    Grid {
        most: 400,
        slots: (20, 10),
        others: (20, 10),
        step: 1,
    },
    Grid {
        most: 2_500,
        slots: (50, 4),
        others: (25, 8),
        step: 2,
    },
    Grid {
        most: SQUARES,
        slots: (100, 2),
        others: (40, 5),
        step: 5,
    },
];

impl Grid {
    /// Returns the layout for so many slots.
    pub(super) fn of(slots: usize) -> Self {
        let [few, some, many] = GRIDS;
        let fits = |grid: &Self| usize::try_from(grid.most).is_ok_and(|most| slots <= most);
        [few, some].into_iter().find(fits).unwrap_or(many)
    }

    /// Whether squares are small.
    pub(super) const fn is_dense(self) -> bool {
        self.slots.1 < self.others.1
    }
}

/// One square.
pub(super) struct Square {
    /// How it looks.
    pub(super) look: &'static str,
    /// The sentence that tells it from the others; none if they are too many.
    pub(super) title: Option<Markup>,
}

/// The parts below each other.
pub(super) struct Parts {
    grid: Grid,
    out: Markup,
    height: u32,
}

impl Parts {
    pub(super) fn new(grid: Grid) -> Self {
        let (out, height) = (Markup::default(), 0);
        Self { grid, out, height }
    }

    /// Adds slots with the numbers of their rows.
    pub(super) fn slots(&mut self, squares: Vec<Square>) {
        let (columns, width) = self.grid.slots;
        let Some(top) = self.begin(squares.len()) else {
            return;
        };
        let rows = self.add(squares, self.grid.slots);
        for row in (0..rows).filter(|row| row % self.grid.step == 0) {
            self.out.raw("<text text-anchor=\"end\" x=\"");
            self.out.number(LEFT - 2).raw("\" y=\"");
            self.out.number(top + row * width + width / 2).raw("\">");
            self.out.number(row * columns + 1).raw("</text>");
        }
    }

    /// Adds drives or ports with that word.
    pub(super) fn others(&mut self, word: &'static str, squares: Vec<Square>) {
        let Some(top) = self.begin(squares.len()) else {
            return;
        };
        let (_, width) = self.grid.others;
        self.out.raw("<text x=\"0\" y=\"").number(top + width / 2);
        self.out.raw("\">").raw(word).raw("</text>");
        self.add(squares, self.grid.others);
    }

    /// Returns where a part begins; `None` if there is nothing in it.
    fn begin(&mut self, squares: usize) -> Option<u32> {
        if squares == 0 {
            return None;
        }
        if self.height > 0 {
            self.height += GAP;
        }
        Some(self.height)
    }

    /// Adds squares and returns how many rows they have.
    fn add(&mut self, squares: Vec<Square>, (columns, width): Size) -> u32 {
        let rows = u32::try_from(squares.len())
            .unwrap_or(u32::MAX)
            .div_ceil(columns);
        self.out.raw("<g transform=\"translate(").number(LEFT);
        self.out.raw(" ").number(self.height).raw(") scale(");
        self.out.number(width).raw(")\">");
        add_squares(&mut self.out, squares, columns);
        self.out.raw("</g>");
        self.height += rows * width;
        rows
    }

    /// The shapes, and the height of all.
    pub(super) fn finish(self) -> (Markup, u32) {
        (self.out, self.height)
    }
}

/// Adds those with a title one by one, of the others one shape for each look.
fn add_squares(out: &mut Markup, squares: Vec<Square>, columns: u32) {
    let mut shapes: Vec<(&'static str, Markup)> = Vec::new();
    // The last square and what continues it: look, row, first column, how many.
    let mut run: Option<(&'static str, u32, u32, u32)> = None;
    for (square, place) in squares.into_iter().zip(0..) {
        let (row, column) = (place / columns, place % columns);
        if let Some(title) = square.title {
            let mut shape = Markup::default();
            add_run(&mut shape, row, column, 1);
            add_shape(out, square.look, &shape, &title);
            continue;
        }
        run = match run {
            Some((look, at, first, count)) if look == square.look && at == row => {
                Some((look, at, first, count + 1))
            }
            other => {
                end_run(&mut shapes, other);
                Some((square.look, row, column, 1))
            }
        };
    }
    end_run(&mut shapes, run);
    for (look, shape) in shapes {
        add_shape(out, look, &shape, &Markup::new(look));
    }
}

fn end_run(shapes: &mut Vec<(&'static str, Markup)>, run: Option<(&'static str, u32, u32, u32)>) {
    let Some((look, row, column, count)) = run else {
        return;
    };
    if let Some((_, shape)) = shapes.iter_mut().find(|(known, _)| *known == look) {
        add_run(shape, row, column, count);
    } else {
        let mut shape = Markup::default();
        add_run(&mut shape, row, column, count);
        shapes.push((look, shape));
    }
}

fn add_run(shape: &mut Markup, row: u32, column: u32, count: u32) {
    shape.raw("M").number(column).raw(" ").number(row);
    shape
        .raw("h")
        .number(count)
        .raw("v1h-")
        .number(count)
        .raw("z");
}

fn add_shape(out: &mut Markup, look: &'static str, shape: &Markup, title: &Markup) {
    out.raw("<path fill=\"url(#l-")
        .raw(look)
        .raw(")\" d=\"")
        .add(shape);
    out.raw("\"><title>").add(title).raw("</title></path>");
}
