//! The tests, as one binary.

mod bad_playbooks;
mod mutations;
mod schema;
mod secrets;
