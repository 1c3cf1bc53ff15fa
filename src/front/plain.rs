//! Output of commands for where there are no colours.
//!
//! It was made visible and masked before: all that is left to do is to leave the colours out.

/// Leaves out the sequences for colours and styles.
pub(super) fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        match sequence.find(|letter: char| !letter.is_ascii_digit() && letter != ';' && letter != ':') {
            Some(end) if sequence[end..].starts_with('m') => rest = &sequence[end + 1..],
            Some(_) | None => {
                plain.push('\u{241b}');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out_and_nothing_else() {
        assert_eq!(without_colours("a \u{1b}[1;31mred\u{1b}[0m b"), "a red b");
        assert_eq!(without_colours("a \u{1b}[2J b"), "a \u{241b}[2J b");
    }
}
