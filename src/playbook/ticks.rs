//! Lines of instructions that are ticked one by one: how they are written.

/// Returns the text of a line that is to be ticked, `- [ ] …` or `* [ ] …`; none where it is another line.
#[must_use]
pub fn tick_line(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("- [ ]").or_else(|| line.strip_prefix("* [ ]"))?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_lines_to_tick_from_others() {
        for (line, task) in [
            ("- [ ] Press it", Some("Press it")),
            ("  * [ ] Press it ", Some("Press it")),
            ("- [ ]", Some("")),
            ("- [x] Pressed", None),
            ("- [ ](a link)", None),
            ("1. [ ] Press it", None),
        ] {
            assert_eq!(tick_line(line), task, "{line}");
        }
    }
}
