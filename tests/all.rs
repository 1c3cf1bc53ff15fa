//! The tests of the built program, in one binary.

mod back;
mod bad_playbooks;
mod crash;
mod crash_rotation;
mod launch;
mod leaks;
mod rigs;
mod rotation;
mod schema;
mod screen;
mod secrets;
mod support;
