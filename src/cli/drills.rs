//! The words of the commands about drills.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `drills`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DrillsArgs {
    /// What to do with one of them
    #[command(subcommand)]
    pub command: Option<DrillsCommand>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `drills` can do with one of them.
#[derive(Debug, Subcommand)]
pub enum DrillsCommand {
    /// Print the scorecard of a drill
    Show(ShowDrillArgs),
}

/// `drills show`.
#[derive(Debug, Args)]
pub struct ShowDrillArgs {
    /// The drill, by the beginning of its id
    pub drill: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The playbooks: files, or names in the library
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<String>,
    /// Write a report for a build server, in the XML of `JUnit`
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The run, by the beginning of its id; the latest when left out
    pub run: Option<String>,
}
