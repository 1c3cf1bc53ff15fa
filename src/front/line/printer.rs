//! What plain lines are written on: a queue, and a thread that writes.
//!
//! A terminal that somebody has held (Ctrl-S), or a pager that is not read on, makes a writer wait for as long as it likes.
//! Nobody else may wait with it: not the session, not the command, not a word typed to stop it. What must stay true: the
//! queue's place is bounded, the oldest of the commands' output giving way, which is said where it happened; everything
//! else is written, in order; and a question counts as asked when its last byte is out, not before.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::output::past_the_buffer;
use crate::words::count;

/// The most output of commands that waits to be written, in bytes.
const WAITING: usize = 256 << 10;

/// The most bytes of one write, so that what gives way is not more than needed.
const WRITE: usize = 8 << 10;

/// How long a writer that is not held may take for what there is, as long as the machine has time for it.
const AT_ONCE: Duration = Duration::from_millis(300);

/// How long this program's thread may be put aside by a busy machine. A write that took less was not held up: what it wrote
/// was there when it began.
const PUT_ASIDE: Duration = Duration::from_secs(1);

/// How long what is left may take to be written once the program was told to end.
const LAST: Duration = Duration::from_secs(1);

/// Somewhere to write lines.
#[derive(Clone)]
pub(super) struct Printer(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Rung when there is more to write, and when some was written.
    bell: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Item>,
    /// The bytes of commands' output among it.
    output: usize,
    /// How many marks were made.
    marks: u64,
    /// The last mark that was reached, and when.
    reached: Option<(u64, Instant)>,
    /// Something is being written.
    writing: bool,
    /// What was wrong with the last write.
    failed: Option<io::ErrorKind>,
    closed: bool,
    /// Nobody waits for long any more.
    hurried: bool,
}

enum Item {
    /// Our own words.
    Said(String),
    /// Lines of a command.
    Output(String),
    /// Lines of a command that gave way.
    LeftOut(usize),
    /// What the terminal is asked and nobody sees; it may hold a secret.
    Asked(Zeroizing<Vec<u8>>),
    /// A place whose time is wanted.
    Mark(u64),
}

/// A place in what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

impl Printer {
    /// Takes somewhere to write, and begins.
    pub(super) fn on(out: Box<dyn Write + Send>) -> Self {
        let printer = Self(Arc::new(Shared { queue: Mutex::default(), bell: Condvar::new() }));
        let theirs = printer.clone();
        // Not waited for: it may be at a write that never comes back.
        thread::spawn(move || theirs.write_all_there_is(out));
        printer
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Every change of the queue is whole before anything in it can panic.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes words of our own.
    pub(super) fn say(&self, text: String) {
        let mut queue = self.queue();
        match queue.waiting.back_mut() {
            Some(Item::Said(last)) if last.len() < WRITE => last.push_str(&text),
            Some(_) | None => queue.waiting.push_back(Item::Said(text)),
        }
        self.0.bell.notify_all();
    }

    /// Asks the terminal for something that is no text.
    pub(super) fn ask(&self, bytes: Zeroizing<Vec<u8>>) {
        self.queue().waiting.push_back(Item::Asked(bytes));
        self.0.bell.notify_all();
    }

    /// Writes lines of a command, or leaves the oldest of them out that wait.
    pub(super) fn output(&self, lines: String) {
        let mut queue = self.queue();
        queue.output += lines.len();
        match queue.waiting.back_mut() {
            Some(Item::Output(last)) if last.len() < WRITE => last.push_str(&lines),
            Some(_) | None => queue.waiting.push_back(Item::Output(lines)),
        }
        while queue.output > WAITING && queue.give_way() {}
        self.0.bell.notify_all();
    }

    /// Marks the place up to which all was written until now.
    pub(super) fn mark(&self) -> Mark {
        let mut queue = self.queue();
        queue.marks += 1;
        let mark = queue.marks;
        queue.waiting.push_back(Item::Mark(mark));
        self.0.bell.notify_all();
        Mark(mark)
    }

    /// Returns when a place was reached; none when it was not yet. Waits for a moment: what is written may have been read,
    /// and answered, before the thread that wrote it could say so.
    pub(super) fn reached(&self, mark: Mark) -> Option<Instant> {
        let not_yet = |queue: &mut Queue| queue.reached.is_none_or(|(reached, _)| reached < mark.0);
        let waited = self.0.bell.wait_timeout_while(self.queue(), PUT_ASIDE, not_yet);
        let queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.reached.filter(|(reached, _)| *reached >= mark.0).map(|(_, at)| at)
    }

    /// Waits until all is written, or so long. Says whether it is.
    fn written(&self, within: Duration) -> bool {
        let busy = |queue: &mut Queue| queue.writing || !queue.waiting.is_empty();
        let waited = self.0.bell.wait_timeout_while(self.queue(), within, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Learns that the program was told to end: [`Printer::finish`] waits for a moment only.
    pub(super) fn hurry(&self) {
        self.queue().hurried = true;
        self.0.bell.notify_all();
    }

    /// Ends the writing once all is written, and waits for that: a pager may be read as slowly as one likes. But who was
    /// told to end does not wait for a terminal that is held.
    pub(super) fn finish(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        self.0.bell.notify_all();
        let busy = |queue: &mut Queue| (queue.writing || !queue.waiting.is_empty()) && !queue.hurried;
        drop(self.0.bell.wait_while(queue, busy).unwrap_or_else(PoisonError::into_inner));
        self.written(LAST);
    }

    fn write_all_there_is(&self, mut out: Box<dyn Write + Send>) {
        let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.closed;
        let mut wrote = None;
        loop {
            let mut queue = self.0.bell.wait_while(self.queue(), idle).unwrap_or_else(PoisonError::into_inner);
            let Some(item) = queue.next() else { return };
            let text = match item {
                Item::Said(text) | Item::Output(text) => text,
                Item::LeftOut(lines) => {
                    format!(
                        "  ({} not shown: it came faster than it could be printed)\n",
                        count(lines, "line", "lines")
                    )
                }
                Item::Asked(bytes) => {
                    queue.writing = true;
                    drop(queue);
                    // Past the buffer, which is not wiped. What a terminal does not take it does not copy.
                    let _ = out.flush().and_then(|()| past_the_buffer(&bytes));
                    self.queue().writing = false;
                    self.0.bell.notify_all();
                    continue;
                }
                Item::Mark(mark) => {
                    queue.reached = Some((mark, wrote.take().unwrap_or_else(Instant::now)));
                    self.0.bell.notify_all();
                    continue;
                }
            };
            queue.writing = true;
            drop(queue);
            let begun = Instant::now();
            // Where it cannot be written the run goes on: its record is the journal.
            let failed = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
            // Who answers at once has seen it, though this thread may have been put aside before it could look at the time.
            wrote = Some(if begun.elapsed() < PUT_ASIDE { begun } else { Instant::now() });
            let mut queue = self.queue();
            queue.writing = false;
            queue.failed = failed.map(|error| error.kind());
            drop(queue);
            self.0.bell.notify_all();
        }
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.say(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    /// Gives the writer a moment, and says where it failed. Does not wait for one that is held.
    fn flush(&mut self) -> io::Result<()> {
        self.written(AT_ONCE);
        self.queue().failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Queue {
    fn next(&mut self) -> Option<Item> {
        let item = self.waiting.pop_front()?;
        if let Item::Output(text) = &item {
            self.output -= text.len();
        }
        Some(item)
    }

    /// Lets the oldest output that waits go, and notes that. Says whether there was some.
    fn give_way(&mut self) -> bool {
        let Some(at) = self.waiting.iter().position(|item| matches!(item, Item::Output(_))) else { return false };
        let Some(Item::Output(text)) = self.waiting.get_mut(at).map(|item| std::mem::replace(item, Item::LeftOut(0)))
        else {
            return false;
        };
        self.output -= text.len();
        let gone = text.matches('\n').count();
        if let Some(Item::LeftOut(lines)) = at.checked_sub(1).and_then(|before| self.waiting.get_mut(before)) {
            *lines += gone;
            self.waiting.remove(at);
        } else if let Some(Item::LeftOut(lines)) = self.waiting.get_mut(at) {
            *lines = gone;
        }
        true
    }
}

#[cfg(test)]
impl Printer {
    /// Waits until all is written, for tests that look at it.
    pub(super) fn settle(&self) {
        assert!(self.written(Duration::from_mins(1)), "it is not written");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Writes only when it is let.
    struct Held {
        lets: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Let go for good when nobody holds it any more.
            let _ = self.lets.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_writer_that_is_held() {
        let ((hold, lets), (written, wrote)) = (channel(), channel());
        let printer = Printer::on(Box::new(Held { lets, written }));
        printer.say("begun\n".into());
        for number in 0..200_000 {
            printer.output(format!("  | line {number}\n"));
            if number == 100_000 {
                printer.say("in between\n".into());
            }
        }
        printer.say("asked\n".into());
        let mark = printer.mark();
        let asked = Instant::now();
        {
            let queue = printer.queue();
            let length = |item: &Item| match item {
                Item::Said(text) | Item::Output(text) => text.len(),
                Item::LeftOut(_) | Item::Asked(_) | Item::Mark(_) => 0,
            };
            let pending: usize = queue.waiting.iter().map(length).sum();
            assert!(pending <= WAITING + 64, "{pending}");
            assert!(queue.waiting.len() < 100, "{}", queue.waiting.len());
        }
        assert_eq!(printer.reached(mark), None, "nobody can have read it");
        assert!(!printer.written(Duration::from_millis(1)));
        drop(hold);
        printer.finish();
        assert!(printer.reached(mark).is_some_and(|at| at >= asked));
        let text: String = wrote.iter().collect();
        assert!(text.starts_with("begun\n"), "{}", &text[..200]);
        assert!(text.ends_with("  | line 199999\nasked\n"));
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}"));
        assert!(place("lines not shown") < place("in between"), "{}", &text[..200]);
        let shown = text.matches("  | line").count();
        let left_out: usize = text
            .lines()
            .filter_map(|line| line.strip_prefix("  (")?.split_once(" lines not shown")?.0.parse::<usize>().ok())
            .sum();
        assert_eq!(shown + left_out, 200_000, "every line is shown or counted");
    }
}
