//! Screens as they look at fixed sizes, and what keys may and may not do.

mod keys;
mod screens;
mod story;
