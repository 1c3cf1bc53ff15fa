//! What a terminal shows, at one moment: rows of text and colours, in which secrets can be masked where they stand.
//!
//! A program may have drawn a secret in any order, over several rows, in many colours; on the screen it is one text, and so it is
//! searched: each row alone, and all of them joined as a reader joins them. What must stay true: what is told to be hidden is not
//! in a picture, and one sign stands for it, whatever its length.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What a terminal shows: ready to be shown to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The rows: visible text, with colours.
    pub rows: Vec<String>,
    /// How many columns the terminal has.
    pub columns: u16,
    /// The row and the column of the cursor, from 0; none where it is hidden.
    pub cursor: Option<(u16, u16)>,
    /// The program wants the arrow keys written in their other way (DECCKM).
    pub application_cursor: bool,
    /// The program wants to be told where a paste begins and ends.
    pub bracketed_paste: bool,
}

/// What a terminal shows, with what may be secret in it.
pub struct Grid {
    rows: Vec<Row>,
    picture: Picture,
}

struct Row {
    text: String,
    cells: Vec<Cell>,
    /// It goes on in the next one.
    goes_on: bool,
}

struct Cell {
    /// Where it begins in the row's text.
    at: usize,
    /// Its column.
    column: u16,
    look: Look,
}

/// Colours and styles.
#[expect(clippy::struct_excessive_bools, reason = "each is a style of its own")]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    colours: [vt100::Color; 2],
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
}

impl Grid {
    /// Takes what a screen shows.
    pub(super) fn of(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let (row, column) = screen.cursor_position();
        let picture = Picture {
            rows: Vec::new(),
            columns: columns.get(),
            cursor: (!screen.hide_cursor()).then_some((row, column)),
            application_cursor: screen.application_cursor(),
            bracketed_paste: screen.bracketed_paste(),
        };
        Self { rows: (0..rows.get()).map(|row| Row::of(screen, row, columns.get())).collect(), picture }
    }

    /// Makes a picture. `hidden` tells which ranges of a text must not be seen; `sign` stands in their place.
    #[must_use]
    pub fn picture(&self, hidden: impl Fn(&str) -> Vec<Range<usize>>, sign: &str) -> Picture {
        let mut ranges: Vec<Vec<Range<usize>>> = self.rows.iter().map(|row| hidden(&row.text)).collect();
        let (all, starts) = self.joined();
        for range in hidden(&all) {
            for ((row, start), ranges) in self.rows.iter().zip(&starts).zip(&mut ranges) {
                let (from, to) = (range.start.max(*start), range.end.min(start + row.text.len()));
                if from < to {
                    ranges.push(from - start..to - start);
                }
            }
        }
        let mut picture = Picture { rows: Vec::with_capacity(self.rows.len()), ..self.picture.clone() };
        for (at, (row, ranges)) in self.rows.iter().zip(&ranges).enumerate() {
            let cursor = picture.cursor.filter(|(row, _)| usize::from(*row) == at).map(|(_, column)| column);
            let (text, cursor) = row.set(ranges, sign, cursor);
            picture.rows.push(text);
            if let (Some(moved), Some((_, column))) = (cursor, &mut picture.cursor) {
                *column = moved;
            }
        }
        picture
    }

    /// Joins the rows as a reader does; where each begins in that.
    fn joined(&self) -> (String, Vec<usize>) {
        let mut all = String::new();
        let mut starts = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            starts.push(all.len());
            all.push_str(&row.text);
            if !row.goes_on {
                all.push('\n');
            }
        }
        (all, starts)
    }
}

impl std::fmt::Debug for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grid").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Row {
    fn of(screen: &vt100::Screen, row: u16, columns: u16) -> Self {
        let mut made = Self { text: String::new(), cells: Vec::new(), goes_on: screen.row_wrapped(row) };
        let seen = |column: u16| {
            screen.cell(row, column).is_some_and(|cell| cell.has_contents() || Look::of(cell) != Look::default())
        };
        let end = (0..columns).rev().find(|&column| seen(column)).map_or(0, |last| last + 1);
        for column in 0..end {
            let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
            made.cells.push(Cell { at: made.text.len(), column, look: Look::of(cell) });
            made.text.push_str(if cell.has_contents() { cell.contents() } else { " " });
        }
        // A program that breaks lines itself fills a row as one does that leaves it to the terminal.
        made.goes_on |= end == columns && screen.cell(row, columns - 1).is_some_and(vt100::Cell::has_contents);
        made
    }

    /// Sets the row, with a sign for what is hidden; and says where the cursor comes to stand.
    fn set(&self, hidden: &[Range<usize>], sign: &str, cursor: Option<u16>) -> (String, Option<u16>) {
        let mut text = String::with_capacity(self.text.len() + 16);
        let (mut look, mut within) = (Look::default(), false);
        // How far what was set stands from where it stood.
        let mut moved: i32 = 0;
        let mut stands = None;
        for (number, cell) in self.cells.iter().enumerate() {
            let next = self.cells.get(number + 1);
            let end = next.map_or(self.text.len(), |next| next.at);
            if cursor.is_some_and(|cursor| cursor == cell.column) {
                stands = Some(moved);
            }
            if hidden.iter().any(|range| range.start < end && cell.at < range.end) {
                if !within {
                    Look::default().write(&mut look, &mut text);
                    text.push_str(sign);
                    moved += i32::try_from(super::columns(sign)).unwrap_or(0);
                }
                within = true;
                moved -= i32::from(next.map_or(cell.column + 1, |next| next.column) - cell.column);
                continue;
            }
            within = false;
            cell.look.write(&mut look, &mut text);
            text.push_str(&self.text[cell.at..end]);
        }
        Look::default().write(&mut look, &mut text);
        let stands = stands.unwrap_or(moved);
        let cursor = cursor.map(|cursor| u16::try_from((i32::from(cursor) + stands).max(0)).unwrap_or(u16::MAX));
        (text, cursor)
    }
}

impl Look {
    fn of(cell: &vt100::Cell) -> Self {
        Self {
            colours: [cell.fgcolor(), cell.bgcolor()],
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underline: cell.underline(),
            inverse: cell.inverse(),
        }
    }

    /// Writes the order that leads from another look to this one, if that is another.
    fn write(self, from: &mut Self, out: &mut String) {
        use std::fmt::Write as _;

        if *from == self {
            return;
        }
        *from = self;
        // writing to a String does not fail
        out.push_str("\u{1b}[0");
        let styles = [(self.bold, 1), (self.dim, 2), (self.italic, 3), (self.underline, 4), (self.inverse, 7)];
        for (_, number) in styles.iter().filter(|(on, _)| *on) {
            let _ = write!(out, ";{number}");
        }
        for (colour, base) in self.colours.iter().zip([38, 48]) {
            let _ = match colour {
                vt100::Color::Default => Ok(()),
                vt100::Color::Idx(number) => write!(out, ";{base};5;{number}"),
                vt100::Color::Rgb(red, green, blue) => write!(out, ";{base};2;{red};{green};{blue}"),
            };
        }
        out.push('m');
    }
}

#[cfg(test)]
mod tests {
    use super::super::Screen;
    use super::*;

    /// Finds a word wherever it stands.
    fn hides(word: &'static str) -> impl Fn(&str) -> Vec<Range<usize>> {
        move |text| text.match_indices(word).map(|(at, found)| at..at + found.len()).collect()
    }

    fn shown(columns: u16, rows: u16, text: &str) -> Picture {
        let mut screen = Screen::new(columns, rows);
        screen.push(text.as_bytes());
        screen.grid().picture(hides("CANARY"), "[secret]")
    }

    #[test]
    fn a_secret_is_found_however_it_was_drawn() {
        for text in [
            "a CANARY b",
            "a CAN\x1b[31mARY\x1b[0m b",
            "a CAN\x1b[9;9H\x1b[1;6HARY b",
            "a    ARY b\x1b[1;3HCAN",
            "a XANARY b\x1b[1;3HC",
            "a CAxx\x08\x08NARY b",
        ] {
            let picture = shown(30, 3, text);
            assert_eq!(picture.rows[0], "a [secret] b", "{text:?}");
        }
        let picture = shown(6, 3, "xxxCANARYyyy");
        assert_eq!(picture.rows, ["xxx[secret]", "[secret]yyy", ""]);
        // A program that breaks the line itself.
        let picture = shown(6, 3, "\x1b[1;1HxxxCAN\x1b[2;1HARYyyy");
        assert_eq!(picture.rows, ["xxx[secret]", "[secret]yyy", ""]);
    }

    #[test]
    fn the_cursor_stands_where_it_stood_in_the_text() {
        assert_eq!(shown(30, 3, "a CANARY b").cursor, Some((0, 12)));
        assert_eq!(shown(30, 3, "a CANARY b\x1b[1;1H").cursor, Some((0, 0)));
        assert_eq!(shown(30, 3, "a CANARY b\x1b[1;10H").cursor, Some((0, 11)));
        assert_eq!(shown(30, 3, "a CANARY b\x1b[2;5H").cursor, Some((1, 4)));
        assert_eq!(shown(30, 3, "\x1b[?25l").cursor, None);
    }

    #[test]
    fn colours_and_wide_letters_stay() {
        let picture = shown(30, 2, "\x1b[1;31m漢\x1b[0;48;2;1;2;3m x\x1b[0m");
        assert_eq!(picture.rows[0], "\x1b[0;1;38;5;1m漢\x1b[0;48;2;1;2;3m x\x1b[0m");
    }
}
