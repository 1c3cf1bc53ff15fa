//! The tests of the built program, in one binary.

mod bad_playbooks;
mod launch;
mod rigs;
mod rotation;
mod schema;
mod secrets;
mod support;
