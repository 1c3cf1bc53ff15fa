//! The host's side: a front that is no screen but hands everything on to the screens that are connected.
//!
//! [`Hub`] is what a session in a host process has for a front. The session puts updates in and goes on; a thread serves
//! the clients. One client may act at a time, the others watch. What must stay true: no client, slow or dead or hostile,
//! holds up the run, costs more memory than a bounded queue, or can do what its seat does not allow; and who comes and
//! goes among those who act is told to the session, which writes it down.

mod measure;
mod memory;
mod outbox;
mod serve;
mod state;

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::socket::Socket;
use super::wire::{Down, Farewell, Hello, Role, Up, Welcome, Word};
use crate::engine::{Awaiting, Presence, Run};
use crate::front::{Front, Say, Seat, Spoken, Update, Words};
use crate::playbook::plan::Plan;

use measure::{Measure, TOO_MUCH};
use memory::Asked;
use outbox::Outbox;
use state::{Client, State, put, told};

/// The most clients at a time.
const CLIENTS: usize = 32;

/// How long the clients have to take the last frames when the session is over.
const PARTING: Duration = Duration::from_secs(3);

/// The front of a session that lives in a host process.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
    words: Option<UnboundedReceiver<Spoken>>,
    expected: Option<Awaiting>,
    /// Gone with the session, so that nobody comes to a run that is over.
    socket: Option<Socket>,
    /// Told once the old records have come: before that nobody can be told where the run stands.
    open: Option<oneshot::Sender<()>>,
}

/// What the session's side and the clients' side share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Rung when a client has gone.
    gone: Condvar,
    says: UnboundedSender<Spoken>,
}

/// A client that was let in.
struct Admitted {
    id: u64,
    outbox: Arc<Outbox>,
    welcome: Welcome,
}

impl Hub {
    /// Listens in the folder of a run. `starter` is the process that will be the first to come, and acts.
    ///
    /// # Errors
    /// The socket or the thread cannot be had.
    pub fn listen(folder: &Path, run: &str, starter: Option<Pid>) -> io::Result<Self> {
        let socket = Socket::listen(folder)?;
        let (says, words) = unbounded_channel();
        let shared = Arc::new(Shared { state: Mutex::new(State::new(run, starter)), gone: Condvar::new(), says });
        shared.state().tell_starter(&Down::Seat(Seat::Acts));
        let (open, opened) = oneshot::channel();
        serve::start(socket.listener()?, Arc::clone(&shared), opened)?;
        Ok(Self { shared, words: Some(words), expected: None, socket: Some(socket), open: Some(open) })
    }

    /// Tells all clients how it ended, and waits a moment until they have taken it.
    pub fn part(&self, farewell: &Farewell) {
        let mut state = self.shared.state();
        state.over = true;
        state.tell(&Down::Over(farewell.clone()));
        for outbox in state.outboxes() {
            outbox.close();
        }
        let waits = |state: &mut State| !state.clients.is_empty() || state.starter_comes();
        // Who has not taken it by then finds it in the journal.
        drop(self.shared.gone.wait_timeout_while(state, PARTING, waits));
    }
}

impl Front for Hub {
    fn take(&mut self, update: Update) {
        let mut state = self.shared.state();
        match update {
            Update::Record(stamped) => {
                state.records += 1;
                if state.live {
                    state.memory.record(&stamped.record);
                    if state.anybody() {
                        state.tell(&Down::Record((*stamped).clone()));
                    }
                } else if let Some(starter) = &mut state.starter {
                    starter.records += 1;
                }
            }
            Update::Live => {
                state.live = true;
                state.tell(&Down::Live);
                if let Some(open) = self.open.take() {
                    // A thread that has ended lets nobody in; whoever waits is told so by the system.
                    let _ = open.send(());
                }
            }
            Update::Output { target, text } => {
                state.memory.output(&target, &text);
                for outbox in state.outboxes() {
                    outbox.output(&target, &text);
                }
            }
            Update::Picture { target, picture } => {
                let picture = Arc::new(picture);
                state.memory.picture(&target, &picture);
                for outbox in state.outboxes() {
                    outbox.picture(&target, &picture);
                }
            }
            Update::Attempt { target, probe, attempt, finding, pass, saw } => {
                let asked = Asked { target, probe, attempt, finding, pass, saw };
                state.memory.attempt(asked.clone());
                state.tell(&asked.down());
            }
            Update::Preview { target, diff } => {
                state.memory.preview(&target, &diff);
                state.tell(&Down::Preview { target, diff });
            }
            // Who did not ask need not hear the answer.
            Update::Refused(refusal) => state.tell_actor(&Down::Refused(refusal)),
            Update::Notice(text) => state.tell(&Down::Notice(text)),
            Update::Page { title, text } => state.tell(&Down::Page { title, text }),
            Update::Secret { name, secret } => {
                if let Some((id, name)) = state.copying.take_if(|(_, wanted)| *wanted == name)
                    && state.actor == Some(id)
                {
                    state.tell_one(id, &Down::Secret { name, secret });
                }
            }
            // How it ended is told by `part`; a seat is for this side to give.
            Update::Over => self.socket = None,
            Update::Seat(_) => {}
            Update::Signed { guest, taken } => {
                state.tell_one(guest, &taken.map_or_else(Down::Refused, |()| Down::Signed));
            }
        }
    }

    fn answer(&mut self, plan: &Plan, run: &Run) -> Option<Say> {
        let awaiting = run.awaiting(plan);
        if self.expected.as_ref() != Some(&awaiting) {
            self.expected = Some(awaiting.clone());
            let mut state = self.shared.state();
            state.tell(&Down::Expect(awaiting.clone()));
            state.expected = Some(awaiting);
        }
        None
    }

    fn words(&mut self) -> Option<Words> {
        self.words.take().map(Words::Clients)
    }

    fn hangs_up(&self) -> bool {
        false
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left whole facts behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, say: Say, share: Option<OwnedSemaphorePermit>) {
        // The session that does not listen any more is over.
        let _ = self.says.send(Spoken { say, share });
    }

    /// Says who is here, for those who only ask.
    fn look(&self) -> Welcome {
        let state = self.state();
        state.welcome(state.records)
    }

    /// Lets a client in: to act, if nobody does; or to watch.
    ///
    /// # Errors
    /// Why not: a sentence.
    fn admit(&self, hello: &Hello, pid: Option<Pid>) -> Result<Admitted, String> {
        let mut state = self.state();
        if state.clients.len() >= CLIENTS {
            return Err(format!("{CLIENTS} screens look at this run already; close one of them"));
        }
        let started_it =
            hello.role == Role::Act && state.starter.as_ref().is_some_and(|starter| Some(starter.pid) == pid);
        // Who is told everything from the beginning may come when all is over, too.
        if state.over && !started_it {
            return Err("the run is over, or was left; `runsheet resume` goes on where it can".to_owned());
        }
        state.came += 1;
        let id = state.came;
        let (outbox, records) = match state.starter.take_if(|_| started_it) {
            Some(starter) => {
                state.actor = Some(id);
                (starter.outbox, starter.records)
            }
            None => (Arc::default(), state.records),
        };
        let welcome = state.welcome(records);
        state
            .clients
            .insert(id, Client { hello: hello.clone(), outbox: Arc::clone(&outbox), measure: Measure::default() });
        if !started_it {
            // Its seat comes first: a screen that is told nothing of one acts.
            if hello.role == Role::Act && state.actor.is_none() && !state.starter_comes() {
                self.seat(&mut state, id, None);
            } else {
                let seat = state.seat_of(id);
                put(&outbox, &Down::Seat(seat));
            }
            state.catch_up(&outbox);
        }
        drop(state);
        self.gone.notify_all();
        Ok(Admitted { id, outbox, welcome })
    }

    /// Takes what a client says, which came in so many bytes. False when that was too much: the client has been told, and is
    /// to be let go.
    fn hear(&self, id: u64, up: Up, bytes: usize) -> bool {
        let mut state = self.state();
        let acts = state.actor == Some(id);
        // A screen asks for a preview without a person's word; and who signs need not act.
        let in_turn = acts || matches!(up, Up::Say(Word::Preview { .. }) | Up::Sign(_));
        let taken = state.clients.get_mut(&id).map(|client| client.measure.take(bytes, in_turn));
        let share = match taken {
            Some(Some(share)) => share,
            Some(None) => {
                self.turn_out(&mut state, id);
                return false;
            }
            None => return true, // it has just gone
        };
        match up {
            Up::Say(word) if acts => {
                if let Word::CopySecret { name } = &word {
                    state.copying = Some((id, name.clone()));
                }
                self.say(word.say(), Some(share));
            }
            Up::Say(Word::Preview { .. }) => {}
            Up::Say(_) => {
                let who = state.actor_name().unwrap_or_else(|| "nobody".to_owned());
                let text = format!("{who} acts here; this screen only watches, so nothing was done");
                state.tell_one(id, &Down::Notice(text));
            }
            Up::TakeOver if acts => {}
            Up::TakeOver => {
                let may = state.clients.get(&id).is_some_and(|client| client.hello.role == Role::Act);
                if may {
                    self.seat(&mut state, id, Some(share));
                } else {
                    state.tell_one(
                        id,
                        &Down::Notice("this screen came to watch only; `runsheet attach` may act".into()),
                    );
                }
            }
            Up::Detach(why) => self.free(&mut state, id, &why),
            Up::Sign(handed) => self.say(Say::Sign { guest: id, handed }, Some(share)),
        }
        true
    }

    /// Has a client told that it says too much, and nothing further.
    fn turn_out(&self, state: &mut State, id: u64) {
        self.free(state, id, TOO_MUCH);
        let told = told(&Down::Notice(format!("{TOO_MUCH}; it is let go, and the run goes on without it")));
        if let (Some(client), Some(frame)) = (state.clients.get(&id), told) {
            client.outbox.put_last(&frame);
        }
    }

    /// Forgets a client.
    fn bye(&self, id: u64, why: &str) {
        let mut state = self.state();
        self.free(&mut state, id, why);
        state.clients.remove(&id);
        drop(state);
        self.gone.notify_all();
    }

    /// Gives a client the seat of who acts, and has it written down. `share` is what its word for it takes until then.
    fn seat(&self, state: &mut State, id: u64, share: Option<OwnedSemaphorePermit>) {
        let from = state.actor_name();
        let Some(client) = state.clients.get(&id) else { return };
        let (operator, account, host) =
            (client.hello.operator.clone(), client.hello.account.clone(), client.hello.host.clone());
        let presence = match from {
            Some(from) => Presence::TakenOver { operator, account, host, from },
            None => Presence::Attached { operator, account, host },
        };
        self.say(Say::Presence(presence), share);
        state.actor = Some(id);
        state.tell_seats();
    }

    /// Frees the seat of who acts, if a client has it, and has that written down.
    fn free(&self, state: &mut State, id: u64, why: &str) {
        if state.actor != Some(id) {
            return;
        }
        if let Some(operator) = state.actor_name().filter(|_| !state.over) {
            self.say(Say::Presence(Presence::Detached { operator, why: why.to_owned() }), None);
        }
        state.actor = None;
        state.tell_seats();
    }
}
