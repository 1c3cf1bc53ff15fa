//! Real processes and files under the real executor.

mod ahead;
mod appends;
mod commands;
mod cost;
mod edits;
mod ends;
mod formats;
mod handed;
mod metadata;
mod others;
mod terminals;
