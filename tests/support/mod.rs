//! What tests stand on: throwaway servers and the programs that playbooks call.
//!
//! Everything here runs on free loopback ports, keeps its data in a folder of its own, and is gone with the value that
//! started it, after a panic too. `scripts/setup-tests` installs what is needed.

#![expect(clippy::expect_used, clippy::panic, reason = "a rig says what it needs by failing")]

mod aggregator;
pub(crate) mod authority;
pub(crate) mod desk;
mod doctl;
pub(crate) mod fly;
pub(crate) mod gate;
pub(crate) mod keys;
pub(crate) mod knife;
pub(crate) mod mariadb;
pub(crate) mod nats;
pub(crate) mod operator;
pub(crate) mod platform;
pub(crate) mod postgres;
pub(crate) mod power;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod rig;
pub(crate) mod robodj;
pub(crate) mod rotation;
pub(crate) mod ssh;
pub(crate) mod terminal;
