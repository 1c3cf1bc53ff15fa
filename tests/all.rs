//! The tests of the built program, in one binary.

mod bad_playbooks;
mod launch;
mod probes;
mod rigs;
mod schema;
mod secrets;
mod support;
