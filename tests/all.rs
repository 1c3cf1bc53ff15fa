//! The one test binary.

mod bad_playbooks;
mod launch;
mod schema;
