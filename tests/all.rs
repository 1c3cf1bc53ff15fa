//! The one test binary.

mod bad_playbooks;
mod schema;
