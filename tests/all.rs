//! The tests, as one binary.

mod bad_playbooks;
mod schema;
mod secrets;
