//! The playbook: YAML in, a checked [`plan::Plan`] or all its faults out. Pure: no file, clock, process or terminal.

mod name;
pub mod plan;
mod template;
