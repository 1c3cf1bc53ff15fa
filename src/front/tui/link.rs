//! Opening a link, once the operator asked for it.
//!
//! Claims no more than is known. Only web links are handed to another program.

use std::process::{Command, Stdio};
use std::thread;

/// Hands a link to the desktop, where there is one.
#[expect(clippy::disallowed_methods, reason = "a link is opened for the operator, and is no step of the run")]
pub(super) fn open(link: &str) -> Result<(), String> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !link.starts_with("https://") && !link.starts_with("http://") {
        return Err("it is no web link".into());
    }
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if !cfg!(target_os = "macos") && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        return Err("there is no desktop here to open it".into());
    }
    let null = Stdio::null;
    let child = Command::new(program).arg(link).stdin(null()).stdout(null()).stderr(null()).spawn();
    let mut child = child.map_err(|error| format!("{program} could not be started: {error}"))?;
    // Somebody has to wait for it; how it ends is the desktop's affair.
    thread::spawn(move || child.wait());
    Ok(())
}
