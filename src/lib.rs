//! runsheet walks an operator through an operations playbook.

pub mod app;
pub mod cli;
pub mod ending;
pub mod engine;
pub mod exec;
pub mod front;
pub mod journal;
pub mod output;
pub mod playbook;
pub mod report;
pub mod secret;
pub mod session;
pub mod words;
