//! The one test binary.

mod bad_playbooks;
mod engine;
mod schema;
mod story;
