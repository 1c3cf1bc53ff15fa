//! Real processes and files under the real executor.

mod commands;
mod edits;
mod ends;
mod others;
