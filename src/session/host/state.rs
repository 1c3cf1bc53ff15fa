//! What a host knows of its clients: who is there, who acts, what waits for each, and what a late comer must be told.
//!
//! It decides nothing about seats and hears nobody; that is for [`Shared`](super::Shared), under whose lock all of this stands.
//! What must stay true: telling never waits, and a client is told its seat whenever that changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustix::process::{Pid, test_kill_process};

use super::super::wire::{Down, Frame, Hello, PROTOCOL, Role, Welcome, frame};
use super::measure::Measure;
use super::memory::Memory;
use super::outbox::Outbox;
use crate::engine::Awaiting;
use crate::front::Seat;
use crate::playbook::plan::Name;

/// What stands under the lock of [`Shared`](super::Shared).
#[derive(Debug)]
pub(super) struct State {
    pub(super) run: String,
    /// How many records the journal holds that were told.
    pub(super) records: u64,
    pub(super) live: bool,
    pub(super) over: bool,
    pub(super) memory: Memory,
    pub(super) expected: Option<Awaiting>,
    pub(super) clients: BTreeMap<u64, Client>,
    /// How many clients there were.
    pub(super) came: u64,
    pub(super) actor: Option<u64>,
    /// Who asked for a secret to copy it, and for which; it goes to nobody else.
    pub(super) copying: Option<(u64, Name)>,
    /// What waits for the screen that started this host; it acts, and has seen the run from its first record on.
    pub(super) starter: Option<Starter>,
}

/// The screen that started this host, while it is still to come.
#[derive(Debug)]
pub(super) struct Starter {
    pub(super) pid: Pid,
    pub(super) outbox: Arc<Outbox>,
    /// How many records there were before anything happened here.
    pub(super) records: u64,
}

/// A client that is here.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) hello: Hello,
    pub(super) outbox: Arc<Outbox>,
    pub(super) measure: Measure,
}

impl State {
    /// Knows nobody yet. `starter` is the process that will be the first to come, and acts.
    pub(super) fn new(run: &str, starter: Option<Pid>) -> Self {
        Self {
            run: run.to_owned(),
            records: 0,
            live: false,
            over: false,
            memory: Memory::default(),
            expected: None,
            clients: BTreeMap::new(),
            came: 0,
            actor: None,
            copying: None,
            starter: starter.map(|pid| Starter { pid, outbox: Arc::default(), records: 0 }),
        }
    }

    pub(super) fn welcome(&self, records: u64) -> Welcome {
        Welcome {
            protocol: PROTOCOL,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            run: self.run.clone(),
            records,
            actor: self.actor_name(),
            watchers: self.clients.len().saturating_sub(usize::from(self.actor.is_some())),
        }
    }

    pub(super) fn actor_name(&self) -> Option<String> {
        self.clients.get(&self.actor?).map(|client| client.hello.operator.clone())
    }

    /// Says whether the screen that started this host is still to come.
    pub(super) fn starter_comes(&self) -> bool {
        self.starter.as_ref().is_some_and(|starter| test_kill_process(starter.pid).is_ok())
    }

    pub(super) fn anybody(&self) -> bool {
        !self.clients.is_empty() || self.starter.is_some()
    }

    pub(super) fn outboxes(&self) -> Vec<Arc<Outbox>> {
        let starter = self.starter.iter().map(|starter| &starter.outbox);
        self.clients.values().map(|client| &client.outbox).chain(starter).map(Arc::clone).collect()
    }

    /// Tells all.
    pub(super) fn tell(&self, down: &Down) {
        if !self.anybody() {
            return;
        }
        let Some(frame) = told(down) else { return };
        for outbox in self.outboxes() {
            outbox.put(&frame);
        }
    }

    pub(super) fn tell_one(&self, id: u64, down: &Down) {
        if let Some(client) = self.clients.get(&id) {
            put(&client.outbox, down);
        }
    }

    pub(super) fn tell_actor(&self, down: &Down) {
        match self.actor {
            Some(id) => self.tell_one(id, down),
            None => self.tell_starter(down),
        }
    }

    pub(super) fn tell_starter(&self, down: &Down) {
        if let Some(starter) = &self.starter {
            put(&starter.outbox, down);
        }
    }

    /// Tells each what it may do now.
    pub(super) fn tell_seats(&self) {
        for (&id, client) in &self.clients {
            put(&client.outbox, &Down::Seat(self.seat_of(id)));
        }
    }

    pub(super) fn seat_of(&self, id: u64) -> Seat {
        if self.actor == Some(id) {
            return Seat::Acts;
        }
        let may_take_over = self.clients.get(&id).is_some_and(|client| client.hello.role == Role::Act);
        Seat::Watches { actor: self.actor_name(), may_take_over }
    }

    /// Tells a late comer what is not in the journal.
    pub(super) fn catch_up(&self, outbox: &Outbox) {
        if let Some(awaiting) = &self.expected {
            put(outbox, &Down::Expect(awaiting.clone()));
        }
        if let Some((target, picture)) = self.memory.last_picture() {
            outbox.picture(target, picture);
        }
        for down in self.memory.tell() {
            match down {
                Down::Output { target, text } => outbox.output(&target, &text),
                down => put(outbox, &down),
            }
        }
        // Last, so that what is asked stands beneath all of it.
        if self.live {
            put(outbox, &Down::Live);
        }
    }
}

/// Puts what a client is told into its outbox.
pub(super) fn put(outbox: &Outbox, down: &Down) {
    if let Some(frame) = told(down) {
        outbox.put(&frame);
    }
}

/// Makes the frame that a client is told something by; none where it would be too long.
pub(super) fn told(down: &Down) -> Option<Arc<Frame>> {
    match frame(down) {
        Ok(frame) => Some(Arc::new(frame)),
        Err(why) => {
            tracing::warn!(why, "not told to the screens");
            None
        }
    }
}
