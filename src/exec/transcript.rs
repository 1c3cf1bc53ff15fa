//! What becomes of a command's output: visible, masked, then into the transcript and on its way to a front.
//!
//! A secret that the command is about to give is not known to the masker yet. Such output is withheld, in memory, until the
//! capture is known; it is then released through the masker that knows it, or never. The transcript is written as the
//! output comes, not synced: it is for reading, nothing follows from it.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::files::{create_private, sentence};
use super::kept::CAP;
use super::shown::Outlet;
use crate::engine::Written;
use crate::output::Visible;
use crate::secret::{MaskStream, Masker};

/// One of a command's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Where a command's output goes.
pub(super) struct Sink {
    file: Option<File>,
    /// The hash and the length of what is in the file.
    sum: (Sha256, u64),
    outlet: Option<Outlet>,
    ways: [Way; 2],
    masked: String,
    withheld: Option<Withheld>,
    /// Of each stream: which of the two spoke last is chance.
    last_lines: [LastLine; 2],
    /// What could not be written: said once.
    trouble: Option<String>,
    path: PathBuf,
}

/// The way of one stream through visible and masked.
struct Way {
    visible: Visible,
    mask: MaskStream,
    text: String,
}

#[derive(Default)]
struct Withheld {
    pieces: Vec<(Stream, Zeroizing<Vec<u8>>)>,
    length: usize,
    lost: bool,
}

/// The most characters of the last line that are kept to be told.
const LAST_LINE: usize = 400;

impl Sink {
    /// Opens a sink: with a transcript where there is a path, with an outlet where somebody watches.
    ///
    /// # Errors
    /// When the transcript cannot be made: a sentence.
    pub(super) fn open(path: Option<PathBuf>, outlet: Option<Outlet>, masker: &Arc<Masker>) -> Result<Self, String> {
        let opened = path.as_ref().map(|path| {
            open(path).map_err(|error| format!("the transcript cannot be written: {}", sentence(path, &error)))
        });
        let (file, sum) =
            opened.transpose()?.map_or_else(|| (None, (Sha256::new(), 0)), |(file, sum)| (Some(file), sum));
        Ok(Self {
            file,
            sum,
            outlet,
            ways: [Way::new(masker), Way::new(masker)],
            masked: String::new(),
            withheld: None,
            last_lines: [LastLine::default(), LastLine::default()],
            trouble: None,
            path: path.unwrap_or_default(),
        })
    }

    /// Keeps all output back from now on.
    pub(super) fn withhold(&mut self) {
        self.withheld = Some(Withheld::default());
    }

    /// Takes bytes as they came. None at all say that none have come for a while: a prompt should be seen whole.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(withheld) = &mut self.withheld {
            withheld.take(stream, bytes);
            return;
        }
        let way = &mut self.ways[stream as usize];
        way.text.clear();
        way.visible.push(bytes, &mut way.text);
        self.masked.clear();
        if bytes.is_empty() {
            way.mask.stall_str(&mut self.masked);
        } else {
            way.mask.push_str(&way.text, &mut self.masked);
        }
        self.let_out(stream);
    }

    /// Lets out what was withheld, through the masker that knows the secret by now.
    pub(super) fn release(&mut self, masker: &Arc<Masker>) {
        let Some(withheld) = self.withheld.take() else { return };
        self.ways = [Way::new(masker), Way::new(masker)];
        for (stream, bytes) in &withheld.pieces {
            self.take(*stream, bytes);
        }
        if withheld.lost {
            self.say(&format!("\n… more than {} MiB; the rest was not kept\n", CAP >> 20));
        }
    }

    /// Ends the output: what is held back at the end of a stream comes out, what is withheld never does.
    pub(super) fn finish(&mut self) {
        if let Some(withheld) = self.withheld.take()
            && withheld.length > 0
        {
            self.say("output withheld: it may hold the secret\n");
        }
        for stream in [Stream::Out, Stream::Err] {
            let way = &mut self.ways[stream as usize];
            way.text.clear();
            way.visible.finish(&mut way.text);
            self.masked.clear();
            way.mask.push_str(&way.text, &mut self.masked);
            way.mask.finish_str(&mut self.masked);
            self.let_out(stream);
        }
        if let Some(outlet) = &mut self.outlet {
            outlet.finish();
        }
    }

    /// Adds a word of our own.
    pub(super) fn say(&mut self, text: &str) {
        self.masked.clear();
        self.masked.push_str(text);
        self.write();
    }

    /// Returns the last line of a stream that says something, or of the other where that one said nothing. Masked.
    pub(super) fn last_line(&self, stream: Stream) -> Option<&str> {
        let last = |stream: Stream| Some(self.last_lines[stream as usize].0.trim()).filter(|line| !line.is_empty());
        let other = match stream {
            Stream::Out => Stream::Err,
            Stream::Err => Stream::Out,
        };
        last(stream).or_else(|| last(other))
    }

    /// Says what is in the transcript by now; nothing where there is none, or not a whole one.
    pub(super) fn written(&self) -> Option<Written> {
        let (hasher, size) = &self.sum;
        self.file.as_ref().map(|_| Written { size: *size, sha256: hex(&hasher.clone().finalize()) })
    }

    /// Returns what went wrong with the transcript.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn let_out(&mut self, stream: Stream) {
        if self.masked.is_empty() {
            return;
        }
        self.last_lines[stream as usize].note(&self.masked);
        self.write();
    }

    fn write(&mut self) {
        if let Some(file) = &mut self.file {
            match file.write_all(self.masked.as_bytes()) {
                Ok(()) => {
                    self.sum.0.update(self.masked.as_bytes());
                    self.sum.1 += self.masked.len() as u64;
                }
                Err(error) => {
                    self.file = None;
                    self.trouble = Some(format!("the transcript is not whole: {}", sentence(&self.path, &error)));
                }
            }
        }
        if let Some(outlet) = &mut self.outlet {
            outlet.show(&self.masked);
        }
    }
}

/// Opens a transcript to go on behind what is there: captures that are fetched again have one for all times.
fn open(path: &Path) -> io::Result<(File, (Sha256, u64))> {
    let mut file = create_private(path, OpenOptions::new().read(true).append(true).create(true))?;
    let mut hasher = Sha256::new();
    let mut before = Vec::new();
    file.rewind()?;
    let size = file.read_to_end(&mut before)?;
    hasher.update(&before);
    Ok((file, (hasher, size as u64)))
}

/// Writes bytes as small hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The last line that says something.
#[derive(Default)]
struct LastLine(String);

impl LastLine {
    fn note(&mut self, text: &str) {
        let trimmed = text.trim_end();
        if trimmed.is_empty() {
            return;
        }
        let line = trimmed.rfind('\n').map_or(trimmed, |end| &trimmed[end + 1..]);
        // The piece goes on with the line before it, unless that one had ended.
        if line.len() < trimmed.len() || self.0.ends_with('\n') {
            self.0.clear();
        }
        self.add(line);
        let after = &text[trimmed.len()..];
        self.add(if after.contains('\n') { "\n" } else { after });
    }

    fn add(&mut self, text: &str) {
        // A line end must find room: it says that the line is over.
        let room = LAST_LINE.saturating_sub(self.0.len()).max(usize::from(text == "\n"));
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
    }
}

impl Way {
    fn new(masker: &Arc<Masker>) -> Self {
        Self { visible: Visible::new(), mask: masker.stream(), text: String::new() }
    }
}

impl Withheld {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let room = CAP - self.length;
        if bytes.len() > room {
            self.lost = true;
        }
        let bytes = &bytes[..bytes.len().min(room)];
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some((last, piece)) if *last == stream && piece.capacity() - piece.len() >= bytes.len() => {
                piece.extend_from_slice(bytes);
            }
            Some(_) | None => {
                let mut piece = Zeroizing::new(Vec::with_capacity(bytes.len().max(4096)));
                piece.extend_from_slice(bytes);
                self.pieces.push((stream, piece));
            }
        }
    }
}

/// Takes the colours out of a text that is visible otherwise.
pub(super) fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let end = after.find('m').map_or(after.len(), |end| end + 1);
        rest = &after[end..];
    }
    plain.push_str(rest);
    plain
}
