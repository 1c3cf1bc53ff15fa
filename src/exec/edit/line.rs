//! Lines at the end of a file: put there once, and taken away again though others have written to the file since.
//!
//! A file that people and programs write to is not put back whole when there is more in it than we left: only our line
//! goes. What must stay true: a line of somebody else is never taken away, and ours is not put there twice.

use super::super::files::{self, Found};
use super::Change;
use crate::engine::SavedFile;
use crate::exec::scene::Scene;
use crate::playbook::plan::{EditPlace, EditSpec};

/// Checks that a text is one line without a secret in it.
///
/// # Errors
/// What is in the way, without the text.
pub(super) fn check(line: &str, scene: &Scene) -> Result<(), &'static str> {
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return Err("the line to append would have a line end or another control character in it");
    }
    if scene.secrets.masker().mask(line) != line {
        return Err("the line to append would have a secret in it");
    }
    Ok(())
}

/// Says how often a text stands in a file as a line of its own.
pub(super) fn count(text: &str, line: &str) -> usize {
    text.lines().filter(|known| *known == line).count()
}

/// Returns what is to be put at the end of a text so that this line stands there: with the line ends that the text has, and
/// one for its last line where it lacks it.
pub(super) fn ending(text: &str, line: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    format!("{before}{line}{end}")
}

/// Says whether a step does nothing but append lines.
pub(in crate::exec) fn only_lines(specs: &[EditSpec]) -> bool {
    specs.iter().all(|spec| matches!(spec.place, EditPlace::Append { .. }))
}

/// Takes the lines of a step away from a file that others have written to since. Says what was done; none where the file
/// is as we left it, or as it was: then it is put back whole.
///
/// # Errors
/// What is not as expected: a sentence with the file's name.
pub(in crate::exec) fn take_back(
    specs: &[EditSpec],
    file: &SavedFile,
    copy: Option<&[u8]>,
    scene: &Scene,
) -> Result<Option<String>, String> {
    let Ok(found) = files::read(std::path::Path::new(&file.path)) else { return Ok(None) };
    let specs: Vec<&EditSpec> =
        specs.iter().filter(|spec| scene.path(&spec.file).is_ok_and(|path| is(&path, &found))).collect();
    let (standing, attributes) = (found.standing, found.attributes.clone());
    let path = found.path.clone();
    let now = Change::none(&file.path, found)?;
    let before = now.of_copy(copy.unwrap_or_default())?;
    if now.old == before.old || before.edited(&specs, scene)?.new == now.old {
        return Ok(None);
    }
    let mut text = now.old.to_string();
    let mut gone = 0;
    for spec in specs.iter().rev() {
        let line = super::filling(&spec.put, scene)?.text;
        let earlier = copy.map_or(0, |copy| count(&String::from_utf8_lossy(copy), &line));
        if count(&text, &line) > earlier {
            text = without_last(&text, &line);
            gone += 1;
        }
    }
    if gone < specs.len() {
        return Err(format!(
            "{} was changed by somebody else, and what was appended is not all there any more; look at its end and take \
             out by hand what is left of it",
            file.path
        ));
    }
    files::prepare(&path, text.as_bytes(), standing, &attributes)?.put()?;
    Ok(Some(format!("took the appended lines out of {}; what others wrote there stays", file.path)))
}

fn is(path: &std::path::Path, found: &Found) -> bool {
    crate::exec::links::resolve(path).is_ok_and(|resolved| resolved.path == found.path)
}

/// Leaves out the last line that is this one.
fn without_last(text: &str, line: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is = |known: &&str| known.trim_end_matches('\n').trim_end_matches('\r') == line;
    let last = lines.iter().rposition(is);
    lines.iter().enumerate().filter(|(at, _)| Some(*at) != last).map(|(_, line)| *line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_put_at_the_end_as_the_file_ends_its_lines() {
        for (text, after) in
            [("", "x\n"), ("a\n", "a\nx\n"), ("a", "a\nx\n"), ("a\r\nb", "a\r\nb\r\nx\r\n"), ("a\r\n", "a\r\nx\r\n")]
        {
            assert_eq!(format!("{text}{}", ending(text, "x")), after);
        }
    }

    #[test]
    fn the_last_one_of_equal_lines_is_left_out() {
        assert_eq!(without_last("x\na\nx\r\nb", "x"), "x\na\nb");
        assert_eq!(without_last("a\n", "x"), "a\n");
        assert_eq!(count("x\nxx\nx\r\n", "x"), 2);
    }
}
