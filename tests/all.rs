//! The tests of the built program, in one binary.

mod bad_playbooks;
mod crash;
mod launch;
mod rigs;
mod rotation;
mod schema;
mod screen;
mod secrets;
mod support;
