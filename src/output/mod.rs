//! Text that comes from outside, on its way to people: made visible, kept for scrolling back, copied.
//!
//! Bytes of a child or a server go through [`Visible`] first and through the masker next; nothing after that may remove or
//! join characters. What must stay true: what comes out of [`Visible`] can neither move a cursor nor hide, reorder or
//! stack characters on a screen.

mod cell;
mod clipboard;
mod picture;
mod screen;
mod signs;
mod tail;
mod visible;

pub use cell::{columns, json, one_line, parts};
pub(crate) use clipboard::past_the_buffer;
pub use clipboard::{Clipboard, Copied, Reach, Told};
pub use picture::{Grid, Picture};
pub use screen::Screen;
pub use tail::{Tail, head};
pub use visible::{Visible, visible, visible_plain};
