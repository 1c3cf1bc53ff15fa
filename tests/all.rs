//! The tests of the built program, in one binary.

mod bad_playbooks;
mod launch;
mod mutations;
mod rigs;
mod schema;
mod secrets;
mod support;
