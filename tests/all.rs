//! The one test binary.

mod bad_playbooks;
mod engine;
mod journal;
mod properties;
mod schema;
mod session;
mod story;
