//! The protocol of NATS, as far as a probe needs it: words out, messages in.
//!
//! By hand, because a server's words about a refusal count, and a client library takes some of them for reasons to connect
//! again. Pings are answered here. What a server sends is bounded, in length of a line and of a message.
//! Source: the client protocol in the NATS documentation.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};

/// The most bytes of a line: `INFO` of a large cluster has some thousands.
const LONGEST: usize = 64 << 10;

/// The most bytes of a message, headers and all.
const LARGEST: usize = 1 << 20;

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// What it is, as JSON.
    Info(String),
    /// All that was sent before the ping has been taken in.
    Pong,
    /// A refusal, in its words.
    Error(String),
    /// A message; with the status in its headers, where it has one.
    Message { status: Option<u16>, body: String },
}

/// Reads the first line, and not a byte more: what follows may be a TLS handshake.
pub(super) async fn first(stream: &mut (impl AsyncRead + Unpin)) -> Result<Said> {
    let mut line = Vec::with_capacity(512);
    while line.last() != Some(&b'\n') {
        if line.len() == LONGEST {
            return Err(nonsense());
        }
        line.push(stream.read_u8().await?);
    }
    match parse(&line)? {
        Parsed::Said(said @ (Said::Info(_) | Said::Error(_))) => Ok(said),
        Parsed::Said(Said::Pong | Said::Message { .. }) | Parsed::Ping | Parsed::Nothing | Parsed::Body { .. } => {
            Err(nonsense())
        }
    }
}

/// A conversation with a server, after its first line.
pub(super) struct Talk<S: AsyncRead + AsyncWrite> {
    stream: BufStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufStream::new(stream) }
    }

    /// Says something, line ends and all. It may have hung up already; what it said before that is still to be heard.
    pub(super) async fn say(&mut self, words: &[u8]) {
        if self.stream.write_all(words).await.is_ok() {
            // What is wrong with the connection is told by the reading, which follows.
            let _ = self.stream.flush().await;
        }
    }

    /// Waits for the next thing it says.
    ///
    /// # Errors
    /// When the connection breaks, or what it says is no NATS: then the kind is `InvalidData`.
    pub(super) async fn hear(&mut self) -> Result<Said> {
        loop {
            let line = self.line().await?;
            match parse(&line)? {
                Parsed::Said(said) => return Ok(said),
                Parsed::Ping => self.say(b"PONG\r\n").await,
                Parsed::Nothing => {}
                Parsed::Body { headers, length } => return self.message(headers, length).await,
            }
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST as u64).read_until(b'\n', &mut line).await?;
        if line.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    }

    async fn message(&mut self, headers: usize, length: usize) -> Result<Said> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await?;
        let bytes = bytes.strip_suffix(b"\r\n").ok_or_else(nonsense)?;
        let (headers, body) = bytes.split_at_checked(headers).ok_or_else(nonsense)?;
        Ok(Said::Message { status: status(headers)?, body: String::from_utf8_lossy(body).into_owned() })
    }
}

/// A line, understood.
enum Parsed {
    Said(Said),
    Ping,
    /// `+OK`, which says no more than the next word will.
    Nothing,
    /// A message follows; so many of its bytes are headers.
    Body {
        headers: usize,
        length: usize,
    },
}

fn parse(line: &[u8]) -> Result<Parsed> {
    let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok()).ok_or_else(nonsense)?;
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    Ok(match word.to_ascii_uppercase().as_str() {
        "INFO" => Parsed::Said(Said::Info(rest.to_owned())),
        "PONG" => Parsed::Said(Said::Pong),
        "-ERR" => Parsed::Said(Said::Error(rest.trim_matches('\'').to_owned())),
        "PING" => Parsed::Ping,
        "+OK" => Parsed::Nothing,
        // Subject, subscription, perhaps a subject for the reply, and the length.
        "MSG" => Parsed::Body { headers: 0, length: length(rest.split_whitespace().nth_back(0))? },
        "HMSG" => {
            let mut lengths = rest.split_whitespace().rev();
            let length = length(lengths.next())?;
            Parsed::Body { headers: self::length(lengths.next())?, length }
        }
        _ => return Err(nonsense()), // any text may come
    })
}

fn length(word: Option<&str>) -> Result<usize> {
    word.and_then(|word| word.parse().ok()).filter(|length| *length <= LARGEST).ok_or_else(nonsense)
}

/// Reads the status out of headers: `NATS/1.0 503`.
fn status(headers: &[u8]) -> Result<Option<u16>> {
    if headers.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(headers).map_err(|_| nonsense())?;
    let rest = text.lines().next().and_then(|line| line.strip_prefix("NATS/1.0")).ok_or_else(nonsense)?;
    Ok(rest.split_whitespace().next().and_then(|status| status.parse().ok()))
}

fn nonsense() -> Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    async fn heard(said: &[u8]) -> Result<Said> {
        let (ours, mut theirs) = duplex(1 << 21);
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        Talk::new(ours).hear().await
    }

    fn message(status: Option<u16>, body: &str) -> Said {
        Said::Message { status, body: body.to_owned() }
    }

    #[tokio::test]
    async fn words_of_every_kind() {
        for (said, wanted) in [
            ("INFO {\"a\":1} \r\n", Said::Info("{\"a\":1}".to_owned())),
            ("PONG\r\n", Said::Pong),
            ("+OK\r\nPING\r\npong\r\n", Said::Pong),
            ("-ERR 'Authorization Violation'\r\n", Said::Error("Authorization Violation".to_owned())),
            ("MSG a.b 1 3\r\nx\r\n\r\n", message(None, "x\r\n")),
            ("MSG a.b 1 c.d 0\r\n\r\n", message(None, "")),
            ("HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", message(Some(503), "")),
            ("HMSG a 1 r 18 20\r\nNATS/1.0\r\na: b\r\n\r\nhi\r\n", message(None, "hi")),
        ] {
            match heard(said.as_bytes()).await {
                Ok(heard) => assert_eq!(heard, wanted, "{said:?}"),
                Err(error) => panic!("{said:?}: {error}"),
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_nats() {
        let long = format!("INFO {}\r\n", "x".repeat(LONGEST));
        let large = format!("MSG a 1 {}\r\n", LARGEST + 1);
        for said in [
            "",
            "\r\n",
            "PONG",
            "PONG\n",
            "HTTP/1.1 400\r\n",
            "MSG a 1\r\n",
            "MSG a 1 -1\r\n\r\n",
            "MSG a 1 5\r\nab",
            "MSG a 1 2\r\nabcd",
            "HMSG a 1 9 4\r\nabcd\r\n",
            "HMSG a 1 4 4\r\nabcd\r\n",
            "MSG a 1 18446744073709551615\r\n",
            &long,
            &large,
        ] {
            assert!(heard(said.as_bytes()).await.is_err(), "{said:?}");
        }
    }

    #[tokio::test]
    async fn the_first_line_is_read_and_not_a_byte_more() {
        let (mut ours, mut theirs) = duplex(1 << 10);
        theirs.write_all(b"INFO {}\r\n\x16\x03").await.unwrap();
        assert_eq!(first(&mut ours).await.unwrap(), Said::Info("{}".to_owned()));
        assert_eq!(ours.read_u8().await.unwrap(), 0x16);
    }

    #[tokio::test]
    async fn the_first_line_is_never_another() {
        for said in ["PONG\r\n", "PING\r\n", "+OK\r\n", "MSG a 1 0\r\n", "SSH-2.0-OpenSSH\r\n"] {
            let (mut ours, mut theirs) = duplex(1 << 10);
            theirs.write_all(said.as_bytes()).await.unwrap();
            assert!(first(&mut ours).await.is_err(), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_ping_is_answered() {
        let (ours, mut theirs) = duplex(1 << 10);
        theirs.write_all(b"PING\r\nPONG\r\n").await.unwrap();
        Talk::new(ours).hear().await.unwrap();
        let mut said = String::new();
        theirs.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "PONG\r\n");
    }
}
