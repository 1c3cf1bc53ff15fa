//! The tests, as one binary.

mod secrets;
