//! The tests of the built program, in one binary.
#![allow(clippy::disallowed_methods, reason = "tests start programs of their own")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod architecture;
mod back;
mod back_quick;
mod bad_playbooks;
mod binary;
mod crash;
mod crash_first_steps;
mod crash_rotation;
mod doctor;
mod edits;
mod engine;
mod faults;
mod fly;
mod fly_back;
mod fronts;
mod guard;
mod guests;
mod held;
mod host;
mod hostile;
mod identity;
mod include;
mod journal;
mod launch;
mod leaks;
mod masking;
mod mutations;
mod nats;
mod power;
mod probes;
mod properties;
mod readme;
mod rigs;
mod rotation;
mod schema;
mod screen;
mod secrets;
mod session;
mod signals;
mod story;
mod support;
mod temporary;
mod terminal;
mod terminals;
