//! What goes over a run's socket: frames, and what can be said in them.
//!
//! A frame is its length in four bytes, greatest first, and that many bytes of JSON. The first of each side is a greeting
//! with the version of the protocol. What must stay true: a [`Word`] cannot express a result of the world, so no client
//! can bring one; a frame longer than its limit is refused by its length alone, before there is room for it; and buffers
//! that may have held a secret are wiped.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use crate::engine::{Aside, Awaiting, Finding, Input, Refusal, Stamped, Target};
use crate::front::{Answer, Handed, Offer, Say, Seat};
use crate::output::Picture;
use crate::playbook::plan::{Name, StepId};
use crate::secret::Secret;
use crate::secret::wiped::{Appending, append};

/// The version of all this. Another one is not talked to.
pub const PROTOCOL: u32 = 1;

/// The longest frame that a host takes, in bytes: more than the longest answer that a screen takes.
pub const TO_HOST: usize = 1 << 20;

/// The longest frame that a screen takes, in bytes: more than the most output that waits for it.
pub const TO_SCREEN: usize = 16 << 20;

/// The only part of a greeting that every version has.
#[derive(Debug, Serialize, Deserialize)]
pub struct Version {
    /// The version of the protocol.
    pub protocol: u32,
}

/// The first frame of a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol.
    pub protocol: u32,
    /// The version of the program.
    pub program: String,
    /// What it came for.
    pub role: Role,
    /// Who sits there.
    pub operator: String,
    /// The account of the operating system.
    pub account: String,
    /// The machine.
    pub host: String,
}

/// What a client came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To act; to watch as long as somebody else acts.
    Act,
    /// To watch, whatever happens.
    Watch,
    /// To ask who is there, and go.
    Look,
    /// To hand in a signature, and go.
    Sign,
}

/// The host's answer to a greeting that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol.
    pub protocol: u32,
    /// The version of the program.
    pub program: String,
    /// The run.
    pub run: String,
    /// How many records the client must read from the journal itself; the later ones come in frames.
    pub records: u64,
    /// Who acts, if anybody does.
    pub actor: Option<String>,
    /// How many others watch.
    pub watchers: usize,
}

/// What a client sends behind its greeting.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Up {
    /// A person's word.
    Say(Word),
    /// Act in place of whoever does.
    TakeOver,
    /// The screen goes, for this reason.
    Detach(String),
    /// A signature, from whoever may sign, whoever acts.
    Sign(Box<Handed>),
}

/// What a person may say to a run. Nothing that comes from the world is among it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the input of the same name, with its fields")]
pub enum Word {
    Go {
        step: StepId,
        confirmed: bool,
    },
    GoAnyway {
        step: StepId,
        reason: String,
    },
    Answer {
        target: Target,
        answers: Vec<(Name, Given)>,
    },
    VerifyAgain {
        target: Target,
    },
    Recapture {
        step: StepId,
    },
    ByHand {
        target: Target,
        note: String,
    },
    Skip {
        target: Target,
        reason: Option<String>,
    },
    Stop {
        hard: bool,
    },
    Enough {
        target: Target,
    },
    ExtendWindow {
        by_ms: u64,
        reason: String,
    },
    Overrun {
        reason: String,
    },
    Note {
        step: Option<StepId>,
        text: String,
    },
    Evidence {
        step: StepId,
        item: u32,
        offer: Offer,
    },
    EvidenceMissing {
        step: StepId,
        item: u32,
        reason: Option<String>,
    },
    Tick {
        target: Target,
        item: u32,
        ticked: bool,
    },
    Quiz {
        step: StepId,
        choice: String,
    },
    Aside(Aside),
    Rollback {
        to: Option<StepId>,
    },
    Undo {
        target: Target,
    },
    SignOff {
        #[serde(default)]
        step: Option<StepId>,
        role: String,
        name: String,
    },
    RefuseSignOff {
        #[serde(default)]
        step: Option<StepId>,
        role: String,
        name: String,
        reason: String,
    },
    Abandon {
        reason: String,
    },
    Preview {
        target: Target,
    },
    CopySecret {
        name: Name,
    },
    Type {
        target: Target,
        keys: Given,
    },
    Size {
        columns: u16,
        rows: u16,
    },
    Leave,
}

/// A person's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// A value that may be shown.
    Text(String),
    /// A secret.
    #[serde(with = "spelled")]
    Secret(Secret),
}

impl From<Answer> for Given {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Text(text) => Self::Text(text),
            Answer::Secret(secret) => Self::Secret(secret),
        }
    }
}

impl From<Given> for Answer {
    fn from(given: Given) -> Self {
        match given {
            Given::Text(text) => Self::Text(text),
            Given::Secret(secret) => Self::Secret(secret),
        }
    }
}

/// A secret on its way between two processes of one user: on a socket or a pipe, nowhere else.
mod spelled {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::secret::Secret;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// What a host sends behind its greeting.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "but for the first and the last each is the update of the same name, with its fields")]
pub enum Down {
    /// What the turn comes to whose records come next.
    Expect(Awaiting),
    Record(Stamped),
    Live,
    Output {
        target: Target,
        text: String,
    },
    Attempt {
        target: Target,
        probe: usize,
        attempt: u32,
        finding: Finding,
        pass: bool,
        saw: String,
    },
    Picture {
        target: Target,
        picture: Picture,
    },
    Preview {
        target: Target,
        diff: Result<String, String>,
    },
    Refused(Refusal),
    Notice(String),
    Page {
        title: String,
        text: String,
    },
    /// To the one screen that asked for it, and acts.
    Secret {
        name: Name,
        #[serde(with = "spelled")]
        secret: Secret,
    },
    Seat(Seat),
    /// To the one who handed in a signature: it is taken, and on disk.
    Signed,
    /// The session is over, and this is how.
    Over(Farewell),
}

/// The host's answer to a greeting.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// Come in.
    Welcome(Welcome),
    /// No: a sentence.
    Sorry(String),
}

/// How a session ended, as the program says it: what the operator at the screen is told, and the exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    /// The exit status.
    pub code: u8,
    /// What happened; none where nothing is to be told.
    pub what: Option<String>,
    /// Because of what.
    pub because: Option<String>,
    /// What to do now.
    pub next: Option<String>,
}

impl Word {
    /// Makes what the session hears.
    #[must_use]
    pub fn say(self) -> Say {
        Say::Input(match self {
            Self::Go { step, confirmed } => Input::Go { step, confirmed },
            Self::GoAnyway { step, reason } => Input::GoAnyway { step, reason },
            Self::Answer { target, answers } => {
                let answers = answers.into_iter().map(|(name, given)| (name, given.into())).collect();
                return Say::Answer { target, answers };
            }
            Self::VerifyAgain { target } => Input::VerifyAgain { target },
            Self::Recapture { step } => Input::Recapture { step },
            Self::ByHand { target, note } => Input::ByHand { target, note },
            Self::Skip { target, reason } => Input::Skip { target, reason },
            Self::Stop { hard } => Input::Stop { hard },
            Self::Enough { target } => Input::Enough { target },
            Self::Evidence { step, item, offer } => return Say::Evidence { step, item, offer },
            Self::EvidenceMissing { step, item, reason } => Input::EvidenceMissing { step, item, reason },
            Self::Tick { target, item, ticked } => Input::Tick { target, item, ticked },
            Self::Quiz { step, choice } => Input::Quiz { step, choice },
            Self::Aside(aside) => Input::Aside(aside),
            Self::ExtendWindow { by_ms, reason } => {
                Input::ExtendWindow { by: std::time::Duration::from_millis(by_ms), reason }
            }
            // A person at a screen is no policy.
            Self::Overrun { reason } => Input::Overrun { reason, by_policy: false },
            Self::Note { step, text } => Input::Note { step, text },
            Self::Rollback { to } => Input::Rollback { to, by_policy: false },
            Self::Undo { target } => Input::Undo { target },
            Self::SignOff { step, role, name } => Input::SignOff { step, role, name },
            Self::RefuseSignOff { step, role, name, reason } => Input::RefuseSignOff { step, role, name, reason },
            Self::Abandon { reason } => Input::Abandon { reason },
            Self::Preview { target } => return Say::Preview(target),
            Self::Type { target, keys: Given::Secret(keys) } => return Say::Type { target, keys },
            Self::Type { target, keys: Given::Text(text) } => return Say::Type { target, keys: Secret::new(text) },
            Self::Size { columns, rows } => return Say::Size { columns, rows },
            Self::CopySecret { name } => Input::CopySecret { name },
            Self::Leave => return Say::Quit,
        })
    }
}

impl Up {
    /// Puts what a front said into a frame's words; none where it is nothing that a person says.
    #[must_use]
    pub fn of(say: Say) -> Option<Self> {
        let input = match say {
            Say::Input(input) => input,
            Say::Answer { target, answers } => {
                let answers = answers.into_iter().map(|(name, answer)| (name, answer.into())).collect();
                return Some(Self::Say(Word::Answer { target, answers }));
            }
            Say::Evidence { step, item, offer } => return Some(Self::Say(Word::Evidence { step, item, offer })),
            Say::Preview(target) => return Some(Self::Say(Word::Preview { target })),
            Say::Type { target, keys } => {
                return Some(Self::Say(Word::Type { target, keys: Given::Secret(keys) }));
            }
            Say::Size { columns, rows } => return Some(Self::Say(Word::Size { columns, rows })),
            Say::Quit => return Some(Self::Say(Word::Leave)),
            Say::Detach(why) => return Some(Self::Detach(why)),
            Say::TakeOver => return Some(Self::TakeOver),
            Say::Sign { .. } | Say::Presence(_) => return None,
        };
        Some(Self::Say(match input {
            Input::Go { step, confirmed } => Word::Go { step, confirmed },
            Input::GoAnyway { step, reason } => Word::GoAnyway { step, reason },
            Input::VerifyAgain { target } => Word::VerifyAgain { target },
            Input::Recapture { step } => Word::Recapture { step },
            Input::ByHand { target, note } => Word::ByHand { target, note },
            Input::Skip { target, reason } => Word::Skip { target, reason },
            Input::Stop { hard } => Word::Stop { hard },
            Input::Enough { target } => Word::Enough { target },
            Input::ExtendWindow { by, reason } => {
                Word::ExtendWindow { by_ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX), reason }
            }
            Input::Overrun { reason, by_policy: _ } => Word::Overrun { reason },
            Input::Note { step, text } => Word::Note { step, text },
            Input::EvidenceMissing { step, item, reason } => Word::EvidenceMissing { step, item, reason },
            Input::Tick { target, item, ticked } => Word::Tick { target, item, ticked },
            Input::Quiz { step, choice } => Word::Quiz { step, choice },
            Input::Aside(aside) => Word::Aside(aside),
            Input::Rollback { to, by_policy: _ } => Word::Rollback { to },
            Input::Undo { target } => Word::Undo { target },
            Input::SignOff { step, role, name } => Word::SignOff { step, role, name },
            Input::RefuseSignOff { step, role, name, reason } => Word::RefuseSignOff { step, role, name, reason },
            Input::Abandon { reason } => Word::Abandon { reason },
            Input::CopySecret { name } => Word::CopySecret { name },
            // Results of the world, and what the session itself says. Signatures are handed in by a word of their own.
            Input::Begin { .. }
            | Input::Answer { .. }
            | Input::Saved { .. }
            | Input::Performed { .. }
            | Input::Probed { .. }
            | Input::Recaptured { .. }
            | Input::Recovered { .. }
            | Input::LookedAhead { .. }
            | Input::Evidence { .. }
            | Input::FollowUp { .. }
            | Input::TemporaryRemoved { .. }
            | Input::Resume { .. }
            | Input::Presence(_)
            | Input::Sign(_)
            | Input::Pause { .. } => return None,
        }))
    }
}

/// A frame, ready to be written.
pub type Frame = Zeroizing<Vec<u8>>;

/// Why a connection is given up.
#[derive(Debug)]
pub enum Broken {
    /// It is not what was agreed: a sentence.
    Frame(String),
    /// The connection does not carry any more.
    Connection(std::io::Error),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(why) => f.write_str(why),
            Self::Connection(error) => write!(f, "{error}"),
        }
    }
}

/// Makes a frame.
///
/// # Errors
/// When it would be longer than any frame may be: a sentence.
pub fn frame<T: Serialize>(value: &T) -> Result<Frame, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    bytes.extend_from_slice(&[0; 4]);
    serde_json::to_writer(Appending(&mut bytes), value).map_err(|error| error.to_string())?;
    let length = bytes.len() - 4;
    let head = u32::try_from(length).ok().filter(|_| length <= TO_SCREEN).ok_or("too long for a frame")?;
    bytes[..4].copy_from_slice(&head.to_be_bytes());
    Ok(bytes)
}

/// Reads what a frame's bytes say.
///
/// # Errors
/// When they say nothing that is understood. The sentence has nothing of them in it: there may be a secret.
pub fn understand<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Broken::Frame(format!("a frame that is not understood, at line {line}, column {column}"))
    })
}

/// The frames of a connection, as they come. Waiting for the next one may be given up and begun again.
#[derive(Debug)]
pub struct Frames<R> {
    reader: R,
    held: Zeroizing<Vec<u8>>,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Begins to read frames of at most so many bytes.
    #[must_use]
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, held: Zeroizing::new(Vec::new()), limit }
    }

    /// Waits for the next frame; none when the other side has closed, in the middle of a frame or not.
    ///
    /// # Errors
    /// [`Broken`]: too long a frame, or the connection is gone.
    pub async fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let mut piece = Zeroizing::new(vec![0; 16 * 1024]);
        loop {
            if let Some(frame) = split(&mut self.held, self.limit)? {
                return Ok(Some(frame));
            }
            match self.reader.read(&mut piece).await.map_err(Broken::Connection)? {
                0 => return Ok(None),
                length => append(&mut self.held, &piece[..length]),
            }
        }
    }
}

/// Takes the first whole frame off what has come.
///
/// # Errors
/// [`Broken`]: the frame that begins there says that it is longer than the limit.
pub fn split(held: &mut Zeroizing<Vec<u8>>, limit: usize) -> Result<Option<Frame>, Broken> {
    let Some(length) = held.first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(Broken::Frame(format!("a frame of {length} bytes; {limit} are the most")));
    }
    let Some(body) = held.get(4..4 + length) else { return Ok(None) };
    let frame = Zeroizing::new(body.to_vec());
    // What is left behind the end is wiped with the rest.
    held.drain(..4 + length);
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let words = [Up::TakeOver, Up::Say(Word::Leave), Up::Detach("SIGHUP".to_owned())];
        let bytes: Vec<u8> = words.iter().flat_map(|word| frame(word).unwrap().to_vec()).collect();
        for cut in 0..=bytes.len() {
            let mut held = Zeroizing::new(Vec::new());
            let mut seen = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                held.extend_from_slice(part);
                while let Some(frame) = split(&mut held, TO_HOST).unwrap() {
                    seen.push(format!("{:?}", understand::<Up>(&frame).unwrap()));
                }
            }
            assert_eq!(seen, words.each_ref().map(|word| format!("{word:?}")));
            assert!(held.is_empty());
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length() {
        let mut held = Zeroizing::new(u32::MAX.to_be_bytes().to_vec());
        assert!(matches!(split(&mut held, TO_HOST), Err(Broken::Frame(why)) if why.contains("4294967295")));
    }

    #[test]
    fn nothing_of_the_world_is_a_word() {
        for said in [
            r#"{"say":{"performed":{"target":{"step":"a"},"attempt":1,"outcome":{"how":"ok","saw":"","took_ms":1}}}}"#,
            r#"{"say":{"probed":{"target":{"step":"a"},"verdicts":[]}}}"#,
            r#"{"say":{"resume":{"operator":"a","account":"a","host":"b","program":"1"}}}"#,
            r#"{"say":{"pause":{"why":"x"}}}"#,
            r#"{"say":{"presence":{"detached":{"operator":"a","why":"x"}}}}"#,
        ] {
            assert!(understand::<Up>(said.as_bytes()).is_err(), "{said}");
        }
        let by_policy = r#"{"say":{"rollback":{"to":null,"by_policy":true}}}"#;
        let Ok(Up::Say(word)) = understand::<Up>(by_policy.as_bytes()) else { panic!("a rollback is a word") };
        assert!(matches!(word.say(), Say::Input(Input::Rollback { by_policy: false, .. })));
    }

    #[test]
    fn what_is_not_understood_is_not_repeated() {
        let told = understand::<Up>(br#"{"say":{"CANARY-secret":1}}"#).unwrap_err().to_string();
        assert!(!told.contains("CANARY"), "{told}");
    }

    #[test]
    fn a_secret_arrives_and_is_not_shown() {
        let target = Target::step(&StepId::new("ask"));
        let answers = vec![(Name::new("token"), Given::Secret(Secret::new("CANARY-\"token\"".to_owned())))];
        let up = Up::Say(Word::Answer { target, answers });
        assert!(!format!("{up:?}").contains("CANARY"));
        let bytes = frame(&up).unwrap();
        let Ok(Up::Say(Word::Answer { answers, .. })) = understand(&bytes[4..]) else { panic!("an answer") };
        assert!(matches!(&answers[0].1, Given::Secret(secret) if secret.expose() == "CANARY-\"token\""));
    }

    #[test]
    fn what_is_typed_is_not_shown() {
        let keys = Secret::new("CANARY\u{3}\r".to_owned());
        let say = Say::Type { target: Target::step(&StepId::new("ask")), keys };
        let up = Up::of(say).unwrap();
        assert!(!format!("{up:?}").contains("CANARY"));
        let bytes = frame(&up).unwrap();
        let Ok(Up::Say(word)) = understand(&bytes[4..]) else { panic!("a word") };
        assert!(matches!(word.say(), Say::Type { keys, .. } if keys.expose() == "CANARY\u{3}\r"));
    }
}
