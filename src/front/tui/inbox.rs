//! What the session has told and the screen has not looked at yet.
//!
//! The session puts in and goes on at once; the screen takes all of it when it is woken. What must stay true: neither
//! waits for the other, and a flood of output takes a bounded place, its oldest part giving way.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::engine::Target;
use crate::front::Update;
use crate::output::Told;

/// The most output of one target that waits, in bytes.
const PENDING: usize = 1024 * 1024;

/// What waits.
#[derive(Debug)]
pub(super) enum Item {
    /// Anything but output.
    Update(Update),
    /// Output, pieces joined.
    Output {
        /// Whose.
        target: Target,
        /// The text.
        text: String,
        /// There was more, which gave way.
        cut: bool,
    },
    /// Something about what was copied.
    Copied(Told),
    /// End now, without waiting for the operator.
    Close,
}

/// The box, and its bell.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    items: Mutex<VecDeque<Item>>,
    bell: Notify,
}

impl Inbox {
    /// Puts something in.
    pub(super) fn put(&self, update: Update) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        match update {
            Update::Output { target, text } => match items.back_mut() {
                Some(Item::Output { target: last, text: pending, cut }) if *last == target => {
                    pending.push_str(&text);
                    if pending.len() > PENDING {
                        halve(pending);
                        *cut = true;
                    }
                }
                Some(_) | None => {
                    items.push_back(Item::Output { target, text: text.as_ref().to_owned(), cut: false });
                }
            },
            Update::Picture { target, picture } => {
                // Only the newest one is looked at.
                items.retain(|item| !matches!(item, Item::Update(Update::Picture { target: of, .. }) if *of == target));
                items.push_back(Item::Update(Update::Picture { target, picture }));
            }
            other => items.push_back(Item::Update(other)),
        }
        drop(items);
        self.bell.notify_one();
    }

    /// Puts in what came of copying.
    pub(super) fn copied(&self, told: Told) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push_back(Item::Copied(told));
        self.bell.notify_one();
    }

    /// Asks the screen to end.
    pub(super) fn close(&self) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push_back(Item::Close);
        self.bell.notify_one();
    }

    /// Takes everything out.
    pub(super) fn drain(&self) -> VecDeque<Item> {
        std::mem::take(&mut *self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something was put in.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }
}

/// Lets the older half go, up to the end of a line.
fn halve(text: &mut String) {
    let half = text.len() / 2;
    let cut = text.as_bytes()[half..].iter().position(|&byte| byte == b'\n').map_or_else(
        || (half..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len()),
        |at| half + at + 1,
    );
    text.drain(..cut);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_joined_and_bounded_and_order_is_kept() {
        let inbox = Inbox::default();
        let target = Target::step(&"a".into());
        for number in 0..200_000 {
            inbox.put(Update::Output { target: target.clone(), text: format!("line {number}\n").into() });
        }
        inbox.put(Update::Live);
        let items = inbox.drain();
        assert_eq!(items.len(), 2);
        assert!(matches!(&items[1], Item::Update(Update::Live)));
        assert!(matches!(&items[0], Item::Output { text, cut: true, .. }
            if text.len() <= PENDING && text.ends_with("line 199999\n") && text.starts_with("line ")));
    }
}
