//! Screens as they look at fixed sizes, and what keys may and may not do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by ending")]

mod copying;
mod drills;
mod floods;
mod hostile;
mod keys;
mod screens;
mod sizes;
mod story;
