//! What the fuzz targets reach of the probes. Not part of the library: it is there with the feature `fuzzing` only.

use std::io::ErrorKind;

use futures_util::future::FutureExt as _;
use tokio::io::{AsyncWriteExt as _, duplex};

use super::resp::{Reply, Talk};

/// What was understood of a server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer, as text, with the number of its rows.
    Answer(String, u64),
    /// A refusal.
    Refusal(String),
    /// The connection ended before the answer did.
    Ended,
    /// It is no answer.
    Nonsense,
}

/// Reads what a Redis server said, up to its hanging up.
#[must_use]
pub fn reply(said: &[u8]) -> Heard {
    let talk = async {
        let (ours, mut theirs) = duplex(said.len() + 64);
        theirs.write_all(said).await?;
        theirs.shutdown().await?;
        Talk::new(ours).say(&["PING"]).await
    };
    // both ends are in memory with room for everything, so nothing ever waits
    match tokio::task::unconstrained(talk).now_or_never() {
        Some(Ok(Reply::Error(words))) => Heard::Refusal(words),
        Some(Ok(reply @ (Reply::Text(_) | Reply::Nil | Reply::List(_)))) => Heard::Answer(reply.text(), reply.rows()),
        Some(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Heard::Ended,
        Some(Err(_)) | None => Heard::Nonsense,
    }
}
