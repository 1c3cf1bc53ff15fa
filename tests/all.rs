//! The one test binary.

mod bad_playbooks;
mod engine;
mod properties;
mod schema;
mod story;
