//! The program. What it does is in the library; here is only what must come before everything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A child is started through ourselves: see `exec::child_main`. Nothing may come before this.
    runsheet::exec::child_main().unwrap_or_else(runsheet::app::main)
}
