//! The one test binary.

mod bad_playbooks;
mod rigs;
mod schema;
mod support;
