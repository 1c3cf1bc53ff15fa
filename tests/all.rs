//! The tests, as one binary.

mod bad_playbooks;
mod rigs;
mod schema;
mod secrets;
mod support;
