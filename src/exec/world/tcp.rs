//! The probe `tcp`: whether something listens. It says nothing, and takes nothing for an answer but the connection.

use std::time::Instant;

use super::connect::{Address, dial};
use super::{Asking, Heard, Miss, took};
use crate::playbook::plan::Template;

/// Makes a connection to `HOST:PORT`.
pub(super) async fn ask(address: &Template, asking: &Asking<'_>) -> Result<Heard, Miss> {
    let address = Address::parse(&asking.scene.complete(address).map_err(Miss::not_asked)?)?;
    let begin = Instant::now();
    dial(&address, asking).await?;
    Ok(Heard { saw: format!("{address} listens, {}", took(begin.elapsed())), ..Heard::default() })
}
