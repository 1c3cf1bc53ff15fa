//! Finds the places in a text that an edit changes, and writes what is put there as it must stand there: the value of a
//! dotenv key or at a pointer, the matches of a regular expression, the password inside a URL. Finds exactly what the
//! playbook says or says what is there instead; it shows no value.

use std::ops::Range;
use std::sync::LazyLock;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;
use zeroize::Zeroizing;

use super::value::{self, Value};
use crate::exec::dotenv::{self, Quote};
use crate::playbook::plan::EditPlace;

/// All but what RFC 3986 calls unreserved: what is left stands in any URL, in any quotes, in any shell.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// User and password of a URL. A password is taken to the last `@` before the host ends.
#[expect(clippy::expect_used, reason = "the pattern is fixed and a test compiles it")]
static USERINFO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@'"`]*:([^\s/?#'"`]+)@"#).expect("the pattern is fixed")
});

/// A place to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where.
    pub range: Range<usize>,
    /// How what stands there is written.
    pub form: Form,
}

/// How what stands at a place is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Match,
    /// As the value of a dotenv file, in these quotes.
    Dotenv(Quote),
    /// As a value of a format that has texts and numbers. Only this part of what it says is changed.
    Value(Value, Range<usize>),
}

impl Place {
    /// Returns what gives way: as it is meant, without quotes and escapes.
    pub(super) fn old<'t>(&'t self, text: &'t str) -> &'t str {
        match &self.form {
            Form::Match | Form::Dotenv(_) => &text[self.range.clone()],
            Form::Value(value, part) => &value.says[part.clone()],
        }
    }

    /// Writes what is put in as it must stand here. `gap`: it is a name in braces, for a value that is still to come.
    ///
    /// # Errors
    /// Why it cannot stand here: a sentence without the file's name.
    pub(super) fn written(&self, text: &str, put: &str, gap: bool) -> Result<Zeroizing<String>, String> {
        let as_it_is = || Zeroizing::new(put.to_owned());
        let at_line = |why: &str| format!("line {}: {why}", line_of(text, self.range.start));
        match &self.form {
            Form::Match => Ok(as_it_is()),
            Form::Dotenv(_) if gap => Ok(as_it_is()),
            Form::Dotenv(quote) => quote.holds(put).map(|()| as_it_is()).map_err(|why| {
                at_line(&format!("the new value has {why}, which not every reader of such a file takes as it is"))
            }),
            Form::Value(value, part) => {
                let whole = replaced(&value.says, part, put);
                if gap { Ok(value.write_gap(&whole)) } else { value.write(&whole).map_err(at_line) }
            }
        }
    }

    /// Makes sure that a text is read as before once the new value is in it.
    ///
    /// # Errors
    /// A sentence without the file's name.
    pub(super) fn check(&self, place: &EditPlace, old: &str, new: &str, put: &str) -> Result<(), String> {
        match (place, &self.form) {
            (EditPlace::Dotenv(key), _) if !dotenv::reads_alike(old, new, key) => Err(format!(
                "with the new value of {key}, readers of such files would read more than that value differently; look at \
                 the quotes and comments of the file"
            )),
            (EditPlace::Value(format, pointer), Form::Value(value, part)) => {
                value.check((old, new), &replaced(&value.says, part, put), *format, pointer)
            }
            (EditPlace::Dotenv(_) | EditPlace::Match(_) | EditPlace::Value(..) | EditPlace::Append { .. }, _) => Ok(()),
        }
    }
}

/// Puts a text in the place of a part of another.
fn replaced(text: &str, part: &Range<usize>, put: &str) -> Zeroizing<String> {
    let mut whole = Zeroizing::new(String::with_capacity(text.len() + put.len()));
    for piece in [&text[..part.start], put, &text[part.end..]] {
        whole.push_str(piece);
    }
    whole
}

/// Finds the places of an edit in a text.
///
/// # Errors
/// A sentence without the file's name.
pub(super) fn find(text: &str, place: &EditPlace, count: usize) -> Result<Vec<Place>, String> {
    match place {
        EditPlace::Dotenv(key) => {
            let found = dotenv::find(text, key)?;
            Ok(vec![Place { range: found.value, form: Form::Dotenv(found.quote) }])
        }
        EditPlace::Value(format, pointer) => {
            let found = value::find(text, *format, pointer)?;
            let whole = 0..found.says.len();
            Ok(vec![Place { range: found.range.clone(), form: Form::Value(found, whole) }])
        }
        EditPlace::Match(pattern) => matches(text, pattern, count),
        EditPlace::Append { .. } => Ok(vec![Place { range: text.len()..text.len(), form: Form::Match }]),
    }
}

fn matches(text: &str, pattern: &Regex, count: usize) -> Result<Vec<Place>, String> {
    let found: Vec<_> = pattern.captures_iter(text).collect();
    if found.len() != count {
        let lines: Vec<usize> =
            found.iter().filter_map(|captures| Some(line_of(text, captures.get(0)?.start()))).collect();
        let expected = if count == 1 { "1 place".to_owned() } else { format!("{count} places") };
        let there = match lines.as_slice() {
            [] => "there is none".to_owned(),
            [line] => format!("there is 1, in line {line}"),
            [lines @ .., last] => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                format!("there are {}, in lines {} and {last}", lines.len() + 1, lines.join(", "))
            }
        };
        return Err(format!("expected {expected} that {pattern} matches, {there}"));
    }
    found
        .iter()
        .map(|captures| {
            let whole = captures.get(0);
            let group = if captures.len() > 1 { captures.get(1) } else { whole };
            group.map(|group| Place { range: group.range(), form: Form::Match }).ok_or_else(|| {
                let line = whole.map_or(1, |whole| line_of(text, whole.start()));
                format!("line {line}: {pattern} matches, but its group does not take part")
            })
        })
        .collect()
}

/// Narrows a place down to the password of the one URL there. A place that is itself the password of a URL stays.
///
/// # Errors
/// A sentence without the file's name.
pub(super) fn password(text: &str, place: &Place) -> Result<Place, String> {
    let line = line_of(text, place.range.start);
    let narrowed = |part: Range<usize>| {
        let start = place.range.start;
        Ok(match &place.form {
            Form::Match | Form::Dotenv(_) => {
                Place { range: start + part.start..start + part.end, form: place.form.clone() }
            }
            Form::Value(value, _) => Place { range: place.range.clone(), form: Form::Value(value.clone(), part) },
        })
    };
    let there = place.old(text);
    match there.matches("://").count() {
        1 => {
            let mut found = passwords(there);
            match (found.next(), found.next()) {
                (Some(one), None) => narrowed(one),
                (Some(_), Some(_)) | (None, _) => {
                    Err(format!("line {line}: the URL there has no user and password before its host"))
                }
            }
        }
        0 if passwords(text).any(|password| password == place.range) => Ok(place.clone()),
        0 => Err(format!("line {line}: expected a URL with a password, there is none")),
        several => Err(format!("line {line}: expected one URL, there are {several}")),
    }
}

/// Lists where the passwords of URLs stand.
pub(super) fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    USERINFO.captures_iter(text).filter_map(|captures| Some(captures.get(1)?.range()))
}

/// Encodes a password for a URL.
pub(super) fn encode(password: &str) -> String {
    utf8_percent_encode(password, RESERVED).to_string()
}

/// Returns the line of a place, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(pattern: &str) -> EditPlace {
        EditPlace::Match(Regex::new(pattern).unwrap())
    }

    fn at(text: &str, pattern: &str) -> Result<String, String> {
        let place = find(text, &by(pattern), 1)?.remove(0);
        password(text, &place).map(|place| text[place.range].to_owned())
    }

    #[test]
    fn the_password_of_the_one_url() {
        let text = "a: 'postgres://doadmin:o%40d@h:1/d',\nb: \"rediss://:pw@h\",\nc: 'http://h/x',\nd: 'plain'";
        assert_eq!(at(text, "postgres://doadmin:([^@]+)@").as_deref(), Ok("o%40d"));
        assert_eq!(at(text, "postgres://[^']+").as_deref(), Ok("o%40d"));
        assert_eq!(at(text, "b: \"([^\"]+)\"").as_deref(), Ok("pw"));
        assert_eq!(
            at(text, "c: '(.+)'").unwrap_err(),
            "line 3: the URL there has no user and password before its host"
        );
        assert_eq!(at(text, "d: '(.+)'").unwrap_err(), "line 4: expected a URL with a password, there is none");
        assert_eq!(at(text, "(?s)a: .*h\"").unwrap_err(), "line 1: expected one URL, there are 2");
        assert_eq!(
            at("postgres://u:@h", ".+").unwrap_err(),
            "line 1: the URL there has no user and password before its host"
        );
    }

    #[test]
    fn counts_are_exact() {
        let found = |count| find("x\ny\nx x\n", &by("x"), count).map(|places| places.len());
        assert_eq!(found(3), Ok(3));
        assert_eq!(found(1).unwrap_err(), "expected 1 place that x matches, there are 3, in lines 1, 3 and 3");
        assert_eq!(find("a", &by("x"), 2).unwrap_err(), "expected 2 places that x matches, there is none");
    }

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode("aZ9-._~"), "aZ9-._~");
        assert_eq!(encode("$'(&é/@:#%"), "%24%27%28%26%C3%A9%2F%40%3A%23%25");
    }
}
