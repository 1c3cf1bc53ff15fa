//! What waits for one client: a bounded queue that the run never waits for.
//!
//! What must stay true: putting in never blocks; records and the like are never left out (a client that lets too many of them
//! pile up is let go, and may come again); output gives way, the oldest first, and what gave way is said in its place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::wire::{Down, Frame, frame};
use crate::engine::Target;
use crate::output::Picture;

/// The most bytes of frames that wait for a client.
const FRAMES: usize = 4 << 20;

/// The most bytes of output that wait for a client.
const OUTPUT: usize = 1 << 20;

/// What stands where output gave way.
pub(super) const LEFT_OUT: &str = "\n[output left out here; the transcript has it]\n";

/// What waits for a client, and its bell.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    bell: Notify,
    /// Rung when the client is let go.
    late: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    frames: usize,
    output: usize,
    end: Option<End>,
}

#[derive(Debug)]
enum Item {
    Frame(Arc<Frame>),
    Output {
        target: Target,
        text: String,
        cut: bool,
    },
    /// Only the newest one waits.
    Picture {
        target: Target,
        picture: Arc<Picture>,
    },
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// What waits is still to be sent.
    Last,
    /// The client has let too much pile up.
    TooSlow,
}

/// What comes next out of an outbox.
#[derive(Debug)]
pub(super) enum Next {
    /// A frame to be sent.
    Frame(Arc<Frame>),
    /// That was all; the connection is to be closed.
    Over,
}

impl Outbox {
    /// Puts in a frame.
    pub(super) fn put(&self, frame: &Arc<Frame>) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        waiting.frames += frame.len();
        waiting.items.push_back(Item::Frame(Arc::clone(frame)));
        if waiting.frames > FRAMES {
            *waiting = Waiting { end: Some(End::TooSlow), ..Waiting::default() };
            self.late.notify_one();
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Puts in output; pieces that follow one another are joined.
    pub(super) fn output(&self, target: &Target, piece: &str) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        waiting.output += piece.len();
        match waiting.items.back_mut() {
            Some(Item::Output { target: last, text, .. }) if last == target => text.push_str(piece),
            Some(Item::Output { .. } | Item::Frame(_) | Item::Picture { .. }) | None => {
                waiting.items.push_back(Item::Output { target: target.clone(), text: piece.to_owned(), cut: false });
            }
        }
        waiting.give_way();
        drop(waiting);
        self.bell.notify_one();
    }

    /// Puts in a picture; one that waits still is not worth sending any more.
    pub(super) fn picture(&self, target: &Target, picture: &Arc<Picture>) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        waiting.items.retain(|item| !matches!(item, Item::Picture { .. }));
        waiting.items.push_back(Item::Picture { target: target.clone(), picture: Arc::clone(picture) });
        drop(waiting);
        self.bell.notify_one();
    }

    /// Puts in a frame in the place of everything that waits, and nothing more comes.
    pub(super) fn put_last(&self, frame: &Arc<Frame>) {
        let mut waiting = self.waiting();
        if waiting.end.is_none() {
            let items = VecDeque::from([Item::Frame(Arc::clone(frame))]);
            *waiting = Waiting { items, frames: frame.len(), output: 0, end: Some(End::Last) };
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Lets nothing more go out, not even what waits: the connection is gone.
    pub(super) fn lose(&self) {
        *self.waiting() = Waiting { end: Some(End::Last), ..Waiting::default() };
        self.bell.notify_one();
    }

    /// Says that nothing more comes once what waits has been sent.
    pub(super) fn close(&self) {
        self.waiting().end.get_or_insert(End::Last);
        self.bell.notify_one();
    }

    /// Says whether the client has let too much pile up.
    pub(super) fn is_too_slow(&self) -> bool {
        self.waiting().end == Some(End::TooSlow)
    }

    /// Waits until the client is let go, even while a frame is being written to it.
    pub(super) async fn overrun(&self) {
        while !self.is_too_slow() {
            self.late.notified().await;
        }
    }

    /// Waits for what is next.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut waiting = self.waiting();
        match waiting.items.pop_front() {
            Some(Item::Frame(frame)) => {
                waiting.frames -= frame.len();
                Some(Next::Frame(frame))
            }
            Some(Item::Output { target, text, cut }) => {
                waiting.output -= text.len();
                let text = if cut { [LEFT_OUT, &text].concat() } else { text };
                drop(waiting);
                // At most six times what may wait: far less than a frame may have.
                frame(&Down::Output { target, text }).ok().map(|frame| Next::Frame(Arc::new(frame)))
            }
            Some(Item::Picture { target, picture }) => {
                drop(waiting);
                let down = Down::Picture { target, picture: Picture::clone(&picture) };
                // A picture of the largest terminal is shorter than the longest frame.
                frame(&down).ok().map(|frame| Next::Frame(Arc::new(frame)))
            }
            None => waiting.end.map(|_| Next::Over),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked left whole items behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Lets the oldest output go until the rest has room.
    fn give_way(&mut self) {
        let mut at = 0;
        while self.output > OUTPUT
            && let Some(item) = self.items.get_mut(at)
        {
            if let Item::Output { text, cut, .. } = item {
                let before = text.len();
                // Half at once, or every small piece would move all of it.
                let gone = if before > OUTPUT / 2 { before / 2 } else { before };
                drop_front(text, gone);
                *cut = true;
                self.output -= before - text.len();
                if text.is_empty() {
                    at += 1;
                }
            } else {
                at += 1;
            }
        }
    }
}

/// Drops the beginning of a text: so many bytes, and the rest of the line that they end in where that is near.
pub(super) fn drop_front(text: &mut String, bytes: usize) {
    let from = text.ceil_char_boundary(bytes.min(text.len()));
    let line = text.as_bytes()[from..].iter().take(16 * 1024).position(|&byte| byte == b'\n');
    text.drain(..line.map_or(from, |line| from + line + 1));
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::understand;
    use super::*;
    use crate::playbook::plan::StepId;

    fn down(next: Option<Next>) -> String {
        match next {
            Some(Next::Frame(frame)) => match understand::<Down>(&frame[4..]).unwrap() {
                Down::Output { text, .. } => text,
                other => format!("{other:?}"),
            },
            Some(Next::Over) => "over".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_flood_is_bounded_and_says_what_it_left_out() {
        let outbox = Outbox::default();
        let target = Target::step(&StepId::new("flood"));
        for number in 0..200_000 {
            outbox.output(&target, &format!("line {number}\n"));
        }
        let live = Arc::new(frame(&Down::Live).unwrap());
        outbox.put(&live);
        outbox.output(&target, "behind\n");
        let text = down(outbox.take());
        assert!(text.len() <= OUTPUT + LEFT_OUT.len() && text.ends_with("line 199999\n"));
        assert!(text.strip_prefix(LEFT_OUT).unwrap().starts_with("line "));
        assert_eq!([(); 3].map(|()| down(outbox.take())), ["Live", "behind\n", "nothing"]);
        let left = outbox.waiting().output;
        assert_eq!(left + outbox.waiting().frames, 0);
        outbox.close();
        assert_eq!(down(outbox.take()), "over");
    }

    #[test]
    fn records_are_not_left_out_but_who_lets_them_pile_up_is_let_go() {
        let outbox = Outbox::default();
        let note = Arc::new(frame(&Down::Notice("x".repeat(1 << 20))).unwrap());
        for _ in 0..3 {
            outbox.put(&note);
        }
        assert!(!outbox.is_too_slow());
        outbox.put(&note);
        assert!(outbox.is_too_slow());
        assert_eq!(down(outbox.take()), "over");
    }

    #[test]
    fn a_last_word_goes_before_everything_that_waits() {
        let outbox = Outbox::default();
        let notice = |text: &str| Arc::new(frame(&Down::Notice(text.to_owned())).unwrap());
        outbox.put(&notice("before"));
        outbox.output(&Target::step(&StepId::new("a")), "printed\n");
        outbox.put_last(&notice("go"));
        outbox.put(&notice("behind"));
        assert_eq!([(); 3].map(|()| down(outbox.take())), ["Notice(\"go\")", "over", "over"]);
    }

    #[test]
    fn the_oldest_output_gives_way_wherever_it_stands() {
        let outbox = Outbox::default();
        let target = |name: &str| Target::step(&StepId::new(name));
        let live = Arc::new(frame(&Down::Live).unwrap());
        for name in ["a", "b", "c"] {
            outbox.output(&target(name), &format!("{}\n", "é".repeat(OUTPUT / 4)));
            outbox.put(&live);
        }
        let texts = [(); 6].map(|()| down(outbox.take()));
        assert!(texts[0].starts_with(LEFT_OUT) && texts[0].len() < OUTPUT / 2, "{}", texts[0].len());
        assert!(!texts[4].contains(LEFT_OUT) && texts[4].len() == OUTPUT / 2 + 1);
        assert_eq!([&texts[1], &texts[3], &texts[5]], ["Live"; 3]);
    }

    #[test]
    fn of_pictures_only_the_newest_waits() {
        let outbox = Outbox::default();
        let target = Target::step(&StepId::new("a"));
        for number in 0..1000 {
            let picture = Picture { rows: vec![format!("picture {number}")], ..Picture::default() };
            outbox.picture(&target, &Arc::new(picture));
        }
        outbox.output(&target, "behind\n");
        assert!(down(outbox.take()).contains("picture 999"));
        assert_eq!([(); 2].map(|()| down(outbox.take())), ["behind\n", "nothing"]);
    }
}
