//! The protocol of Redis, as far as a probe needs it: a command out, an answer in (RESP 2).
//!
//! By hand, because a server's last words count: one that takes no more clients says so before it was asked anything, and
//! hangs up. What a server sends is bounded here, in length, number and depth.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use zeroize::Zeroizing;

/// The most bytes of one answer.
const LARGEST: usize = 1 << 20;

/// How deep answers may stand in each other.
const DEEPEST: u32 = 8;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A text or a number.
    Text(String),
    /// Nothing.
    Nil,
    /// Several.
    List(Vec<Reply>),
    /// The server's refusal: a code and more words.
    Error(String),
}

impl Reply {
    /// Counts the entries.
    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::Nil => 0,
            Self::List(list) => list.len() as u64,
            Self::Text(_) | Self::Error(_) => 1,
        }
    }

    /// Writes it as text, a line an entry.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nil => String::new(),
            Self::Text(text) | Self::Error(text) => text.clone(),
            Self::List(list) => list.iter().map(Self::text).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// A conversation with a server.
pub(super) struct Talk<S: AsyncRead + AsyncWrite> {
    stream: BufStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufStream::new(stream) }
    }

    /// Says a command and waits for its answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is none: then the kind is `InvalidData`.
    pub(super) async fn say(&mut self, words: &[&str]) -> Result<Reply> {
        let mut command = Zeroizing::new(Vec::with_capacity(words.iter().map(|word| word.len() + 16).sum()));
        command.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            command.extend_from_slice(word.as_bytes());
            command.extend_from_slice(b"\r\n");
        }
        // It may have hung up already; what it said before that is still there to be read.
        let said = async {
            self.stream.write_all(&command).await?;
            self.stream.flush().await
        };
        let said = said.await;
        let mut room = LARGEST;
        match self.reply(&mut room, DEEPEST).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(said.err().unwrap_or(error)),
        }
    }

    async fn reply(&mut self, room: &mut usize, depth: u32) -> Result<Reply> {
        let line = self.line(room).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(nonsense)?;
        Ok(match kind {
            "+" => Reply::Text(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Text(rest.parse::<i64>().map_err(|_| nonsense())?.to_string()),
            "$" => match length(rest)? {
                Some(length) => Reply::Text(self.bulk(length, room).await?),
                None => Reply::Nil,
            },
            "*" if depth > 0 => match length(rest)? {
                Some(length) => {
                    let mut list = Vec::new();
                    for _ in 0..length {
                        list.push(Box::pin(self.reply(room, depth - 1)).await?);
                    }
                    Reply::List(list)
                }
                None => Reply::Nil,
            },
            _ => return Err(nonsense()), // any text may come
        })
    }

    /// Reads a line, without its end.
    async fn line(&mut self, room: &mut usize) -> Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(*room as u64).read_until(b'\n', &mut line).await?;
        if line.is_empty() && *room > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        *room = room.saturating_sub(line.len());
        let line = line.strip_suffix(b"\r\n").ok_or_else(nonsense)?;
        String::from_utf8(line.to_vec()).map_err(|_| nonsense())
    }

    async fn bulk(&mut self, length: usize, room: &mut usize) -> Result<String> {
        *room = room.checked_sub(length + 2).ok_or_else(nonsense)?;
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await?;
        let text = bytes.strip_suffix(b"\r\n").ok_or_else(nonsense)?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

/// Reads a length; -1 is nothing.
fn length(text: &str) -> Result<Option<usize>> {
    match text {
        "-1" => Ok(None),
        length => length.parse().ok().filter(|&length| length <= LARGEST).map(Some).ok_or_else(nonsense),
    }
}

fn nonsense() -> Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    async fn heard(said: &[u8]) -> Result<Reply> {
        let (ours, mut theirs) = duplex(1 << 16);
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        Talk::new(ours).say(&["PING"]).await
    }

    #[tokio::test]
    async fn answers_of_every_kind() {
        let text = |text: &str| Reply::Text(text.to_owned());
        for (said, reply) in [
            ("+PONG\r\n", text("PONG")),
            ("-WRONGPASS no\r\n", Reply::Error("WRONGPASS no".to_owned())),
            (":-12\r\n", text("-12")),
            ("$5\r\na\r\nbc\r\n", text("a\r\nbc")),
            ("$0\r\n\r\n", text("")),
            ("$-1\r\n", Reply::Nil),
            ("*2\r\n$1\r\na\r\n*1\r\n:1\r\n", Reply::List(vec![text("a"), Reply::List(vec![text("1")])])),
            ("*-1\r\n", Reply::Nil),
        ] {
            assert_eq!(heard(said.as_bytes()).await.unwrap(), reply, "{said:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer() {
        let deep = "*1\r\n".repeat(100);
        let long = format!("+{}", "x".repeat(LARGEST / 32));
        for said in [
            "",
            "\r\n",
            "+PONG",
            "+PONG\n",
            "$5\r\nab",
            "$99999999999\r\n",
            "*1048577\r\n",
            ":x\r\n",
            "HTTP/1.1 400\r\n",
            &deep,
            &long,
        ] {
            assert!(heard(said.as_bytes()).await.is_err(), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_command_is_sent_by_length() {
        let (ours, mut theirs) = duplex(1 << 16);
        theirs.write_all(b"+OK\r\n").await.unwrap();
        Talk::new(ours).say(&["AUTH", "a\r\nb"]).await.unwrap();
        let mut said = String::new();
        theirs.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "*2\r\n$4\r\nAUTH\r\n$4\r\na\r\nb\r\n");
    }
}
