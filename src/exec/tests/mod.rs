//! Real processes and files under the real executor.

mod commands;
mod cost;
mod edits;
mod ends;
mod handed;
mod others;
