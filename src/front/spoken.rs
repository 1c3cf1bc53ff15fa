//! The words of those who speak, on their way to the session.
//!
//! Who sits at the process's own screen says no more than a person can, and is heard in full. The clients of a host are
//! anybody's programs: each word of theirs holds a share of what its client may have waiting, and gives it back once it is
//! heard. What must stay true: whoever speaks never waits for the session, and the session never waits for who speaks.

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Say;

/// Where the session hears what is said.
#[derive(Debug)]
pub enum Words {
    /// What one person says at this process's own screen.
    Own(UnboundedReceiver<Say>),
    /// What the clients of a host say.
    Clients(UnboundedReceiver<Spoken>),
}

/// A word of a client.
#[derive(Debug)]
pub struct Spoken {
    /// What is said.
    pub say: Say,
    /// What it takes of its client's share until it is heard; none where the host itself says it.
    pub share: Option<OwnedSemaphorePermit>,
}

impl Words {
    /// Waits for the next word; none when nobody will speak again. The wait may be given up, and nothing is lost.
    pub async fn next(&mut self) -> Option<Say> {
        match self {
            Self::Own(words) => words.recv().await,
            Self::Clients(words) => words.recv().await.map(|spoken| spoken.say),
        }
    }
}
