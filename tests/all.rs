//! The one test binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a failure is said by failing")]

mod bad_playbooks;
mod engine;
mod journal;
mod properties;
mod schema;
mod session;
mod story;
