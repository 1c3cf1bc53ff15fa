//! What is left on paper: a playbook as a checklist, and the record of a run.
//!
//! Both are text made from a plan and a run, nothing else: no file, no clock. What must stay true: a secret appears by
//! name only, text from outside cannot break out of its place, and what failed is never called done.

mod checklist;
mod record;

#[cfg(test)]
mod tests;

pub use checklist::checklist;
pub use record::record;

/// Makes a text fit for one line: what a control character or a line end was becomes a blank.
fn one_line(text: &str) -> String {
    let blank = |letter: char| if letter.is_control() || steers(letter) { ' ' } else { letter };
    text.trim()
        .chars()
        .map(blank)
        .collect::<String>()
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Says whether a character changes the order of those beside it, or is not seen.
fn steers(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
