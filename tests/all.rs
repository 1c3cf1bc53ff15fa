//! The tests of the built program, in one binary.

mod launch;
