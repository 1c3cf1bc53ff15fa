//! The playbook: YAML in, a checked [`plan::Plan`] or all its faults out. Pure: no file, clock, process or terminal.

mod name;
pub mod plan;
mod template;

impl plan::InputSpec {
    /// Says whether a value fits, and gives it in its usual form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn accepts(&self, text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }
}
