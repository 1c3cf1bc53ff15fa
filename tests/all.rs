//! The tests of the built program, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod architecture;
mod bad_playbooks;
mod binary;
mod crash;
mod engine;
mod fronts;
mod journal;
mod launch;
mod mutations;
mod probes;
mod properties;
mod rigs;
mod rotation;
mod schema;
mod screen;
mod secrets;
mod session;
mod story;
mod support;
mod terminal;
