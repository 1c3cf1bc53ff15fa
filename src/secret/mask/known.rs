//! Finds what is a secret by its looks, though nobody registered it: tokens of known services, passwords in addresses, the
//! inside of private keys.
//!
//! Each begins with a few bytes. Two pairs of them that are rare in other text are looked for with all other
//! [`signs`](super::signs), and what stands around is compared. What follows is judged by a rule of its own. What must stay true: what stands in an address beside the password stays readable; a name, a placeholder, a hash, a number is
//! no secret; what is held back to be judged is bounded.

use std::sync::LazyLock;

use super::found::{Found, TELLING, Word};

/// What may follow a beginning.
#[derive(Clone, Copy)]
enum Rule {
    /// So many characters of a token at least, letters and digits or `-` and `_`.
    Token(usize),
    /// Three parts of base64 with dots between them, as JSON Web Tokens have.
    Web,
    /// `user:password@`.
    Address,
    /// `PRIVATE KEY-----`, with words before it.
    Key,
}

/// Where each is published: the services' documentation of their tokens, and GitHub's list of patterns for secret scanning.
const KNOWN: [(&str, Rule); 44] = [
    ("://", Rule::Address),
    // JSON of some writers
    (":\\/\\/", Rule::Address),
    ("-----BEGIN ", Rule::Key),
    ("eyJ", Rule::Web),
    ("ghp_", Rule::Token(36)),
    ("gho_", Rule::Token(36)),
    ("ghu_", Rule::Token(36)),
    ("ghs_", Rule::Token(36)),
    ("ghr_", Rule::Token(36)),
    ("github_pat_", Rule::Token(22)),
    ("glpat-", Rule::Token(20)),
    ("gldt-", Rule::Token(20)),
    ("glrt-", Rule::Token(20)),
    ("xoxb-", Rule::Token(20)),
    ("xoxp-", Rule::Token(20)),
    ("xoxa-", Rule::Token(20)),
    ("xoxr-", Rule::Token(20)),
    ("xoxs-", Rule::Token(20)),
    ("xoxe-", Rule::Token(20)),
    ("xapp-", Rule::Token(20)),
    ("AKIA", Rule::Token(16)),
    ("ASIA", Rule::Token(16)),
    ("sk_live_", Rule::Token(16)),
    ("sk_test_", Rule::Token(16)),
    ("rk_live_", Rule::Token(16)),
    ("whsec_", Rule::Token(24)),
    ("dop_v1_", Rule::Token(32)),
    ("doo_v1_", Rule::Token(32)),
    ("dor_v1_", Rule::Token(32)),
    ("fo1_", Rule::Token(20)),
    ("fm1r_", Rule::Token(20)),
    ("fm2_", Rule::Token(20)),
    ("AVNS_", Rule::Token(12)),
    ("AGE-SECRET-KEY-1", Rule::Token(40)),
    ("npm_", Rule::Token(36)),
    ("pypi-", Rule::Token(40)),
    ("hvs.", Rule::Token(20)),
    ("hvb.", Rule::Token(20)),
    ("SG.", Rule::Token(30)),
    ("ya29.", Rule::Token(20)),
    ("AIza", Rule::Token(30)),
    ("sk-ant-", Rule::Token(20)),
    ("sk-proj-", Rule::Token(20)),
    ("hf_", Rule::Token(30)),
];

/// The longest user and password that are waited for.
const ADDRESS: usize = 512;
/// The longest line that begins a key.
const FRAME: usize = 64;

/// A pair of bytes in a beginning. Of any three bytes in a row, one pair begins at an even place.
struct Part {
    pair: [u8; 2],
    /// Where in the beginning it stands.
    offset: usize,
    beginning: &'static [u8],
    rule: Rule,
}

/// Two pairs of each beginning, one of which stands at an even place, by their first byte.
static PARTS: LazyLock<Vec<Vec<Part>>> = LazyLock::new(|| {
    let mut parts: Vec<Vec<Part>> = (0..256).map(|_| Vec::new()).collect();
    for (beginning, rule) in KNOWN {
        for part in two_parts(beginning.as_bytes(), rule) {
            parts[usize::from(part.pair[0])].push(part);
        }
    }
    parts
});

/// Returns the two pairs of the three bytes in a row that are the rarest.
fn two_parts(beginning: &'static [u8], rule: Rule) -> impl Iterator<Item = Part> {
    // small letters make words, digits numbers, and lines divide
    let common = |pair: &[u8]| match pair {
        b"--" | [b'0'..=b'9', b'0'..=b'9'] => 9,
        [b'j' | b'k' | b'v'..=b'z', b'a'..=b'z']
        | [b'a'..=b'z', b'j' | b'k' | b'v'..=b'z']
        | [b'A'..=b'Z', b'A'..=b'Z'] => 3,
        [b'a'..=b'z', b'a'..=b'z'] => 5,
        [b'a'..=b'z', b'0'..=b'9' | b'-'] | [b'0'..=b'9', b'a'..=b'z'] => 4,
        _ => 2,
    };
    let cost = |three: &[u8]| common(&three[..2]) + common(&three[1..]);
    let threes = beginning.windows(3).map(cost).enumerate();
    let from = threes.min_by_key(|(_, cost)| *cost).map_or(0, |(at, _)| at);
    beginning.array_windows().enumerate().skip(from).take(2).map(move |(offset, pair)| Part {
        pair: *pair,
        offset,
        beginning,
        rule,
    })
}

/// Returns the pairs at which [`find_at`] has to look, where they stand at an even place.
pub(super) fn pairs() -> impl Iterator<Item = [u8; 2]> {
    PARTS.iter().flatten().map(|part| part.pair)
}

/// Adds what looks like a secret and has one of [`pairs`] at a place in its beginning. `before` is the byte before the text;
/// `ends` says that nothing comes after it.
pub(super) fn find_at(before: u8, text: &[u8], at: usize, ends: bool, found: &mut Found) {
    let Some(pair) = text[at..].first_chunk::<2>() else { return };
    for part in PARTS[usize::from(pair[0])].iter().filter(|part| part.pair == *pair) {
        let Some(start) = at.checked_sub(part.offset) else { continue };
        if text[start..].starts_with(part.beginning) {
            judge(part.rule, before, text, (start, start + part.beginning.len()), ends, found);
        }
    }
}

/// Adds what looks like a secret, looking at every place.
#[cfg(test)]
pub(super) fn find(before: u8, text: &[u8], ends: bool, found: &mut Found) {
    for (beginning, rule) in KNOWN {
        for start in memchr::memmem::find_iter(text, beginning) {
            judge(rule, before, text, (start, start + beginning.len()), ends, found);
        }
    }
    find_open(before, text, found);
}

/// All beginnings.
#[cfg(test)]
pub(super) fn beginnings() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(beginning, _)| *beginning)
}

/// Notes where a beginning stands that the text's end cuts.
pub(super) fn find_open(before: u8, text: &[u8], found: &mut Found) {
    // none is longer
    let longest = KNOWN.iter().map(|(beginning, _)| beginning.len()).max().unwrap_or(0);
    for start in text.len().saturating_sub(longest - 1)..text.len() {
        let rest = &text[start..];
        let begins = |beginning: &str| beginning.len() > rest.len() && beginning.as_bytes().starts_with(rest);
        let stands_alone = |rule: Rule| matches!(rule, Rule::Address | Rule::Key) || !within_word(before, text, start);
        if KNOWN.iter().any(|(beginning, rule)| begins(beginning) && stands_alone(*rule)) {
            found.open_from(start, None);
            break;
        }
    }
}

/// Says whether a word goes on before a place.
fn within_word(before: u8, text: &[u8], start: usize) -> bool {
    let last = start.checked_sub(1).map_or(before, |last| text[last]);
    last.is_ascii_alphanumeric()
}

fn judge(rule: Rule, before: u8, text: &[u8], (start, from): (usize, usize), ends: bool, found: &mut Found) {
    match rule {
        Rule::Address => address(text, (start, from), ends, found),
        Rule::Key => key(before, text, start, from, found),
        Rule::Token(_) | Rule::Web if within_word(before, text, start) => {}
        Rule::Token(least) => token(least, before, text, (start, from), found),
        Rule::Web => web(before, text, start, found),
    }
}

fn token(least: usize, before: u8, text: &[u8], (start, from): (usize, usize), found: &mut Found) {
    let length = length(text, from, least);
    if length < least {
        if from + length == text.len() {
            found.open_from(start, (length >= TELLING).then_some(start));
        }
    } else if is_mixed(&text[from..from + length]) {
        found.add_word(Word::Token, before, text, start, from + length);
    }
}

/// Returns how many characters of a token stand at a place, up to a number.
fn length(text: &[u8], from: usize, most: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text[from..].iter().take(most).take_while(is_part).count()
}

/// Says whether characters are not all the same, as in `ghp_xxxxxxxx`.
fn is_mixed(token: &[u8]) -> bool {
    token.iter().any(|byte| *byte != token[0])
}

/// Judges a web token: a header and a payload, both JSON in base64, a dot between them.
fn web(before: u8, text: &[u8], start: usize, found: &mut Found) {
    const HEADER: std::ops::Range<usize> = 16..512;
    const PAYLOAD: &[u8] = b"eyJ";

    // JSON of a header has no bytes that give `-` or `_`
    let length = text[start..].iter().take(HEADER.end).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let rest = &text[start + length..];
    if length == HEADER.end || !rest.is_empty() && length < HEADER.start {
        return;
    }
    let payload = rest.strip_prefix(b".");
    if payload.is_some_and(|payload| payload.starts_with(PAYLOAD)) {
        found.add_word(Word::Token, before, text, start, start + length + 1 + PAYLOAD.len());
    } else if rest.is_empty() || payload.is_some_and(|payload| PAYLOAD.starts_with(payload)) {
        found.open_from(start, (length >= HEADER.start).then_some(start));
    }
}

/// Judges what follows `://`. Only the password is masked, up to the last `@` before the host's end.
fn address(text: &[u8], (start, from): (usize, usize), text_ends: bool, found: &mut Found) {
    let rest = &text[from..];
    let ends = |byte: u8| byte <= b' ' || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'|' | b',');
    let end = rest.iter().take(ADDRESS).position(|byte| ends(*byte));
    let cut = end.is_none() && rest.len() < ADDRESS && !text_ends;
    let user = &rest[..end.unwrap_or(rest.len().min(ADDRESS))];
    let Some(colon) = user.iter().position(|byte| matches!(byte, b':' | b'@')) else {
        if cut {
            found.open_from(start, None);
        }
        return;
    };
    if user[colon] == b'@' {
        return;
    }
    let password = colon + 1;
    let at = user.iter().rposition(|byte| *byte == b'@');
    if cut {
        let held = &user[password..at.unwrap_or(user.len()).max(password)];
        let port = held.iter().all(u8::is_ascii_digit) && held.len() <= 5;
        let telling = at.is_some() || held.len() >= TELLING && !port;
        found.open_from(start, (telling && !is_placeholder(held)).then_some(from + password));
    } else if let Some(at) = at.filter(|at| *at > password)
        && !is_placeholder(&user[password..at])
    {
        found.add(from + password, from + at);
    }
}

/// Says whether a password is none: a variable, a word in brackets, a pattern, stars, our own mark.
fn is_placeholder(password: &[u8]) -> bool {
    let same = |sign: &[u8]| password.iter().all(|byte| sign.contains(byte));
    match password {
        [b'$', rest @ ..] => {
            rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'}' | b'(' | b')'))
        }
        [b'{', .., b'}'] | [b'[', .., b']'] | [b'%', b's' | b'v' | b'd'] => true,
        [b'(', rest @ ..] => rest.starts_with(b"[^") || rest.starts_with(b".*") || rest.starts_with(b".+"),
        _ => same(b"*") || same(b"xX") || same(b".") || same("\u{2026}\u{2022}".as_bytes()),
    }
}

/// Judges what follows `-----BEGIN `: a private key is masked up to its end.
fn key(before: u8, text: &[u8], start: usize, from: usize, found: &mut Found) {
    const CLOSING: &[u8] = b"PRIVATE KEY-----";
    const BLOCK: &[u8] = b"PRIVATE KEY BLOCK-----";

    let rest = &text[from..];
    let is_part = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
    let length = rest.iter().take(FRAME).take_while(is_part).count();
    let line = &rest[..length];
    let closing = [CLOSING, BLOCK].into_iter().find_map(|closing| {
        line.windows(closing.len()).position(|part| part == closing).map(|place| place + closing.len())
    });
    match closing {
        Some(end) => {
            let from = from + end;
            let end = Word::Key.end(before, text, from);
            let blanks = text[from..end].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            // the frame alone, in a sentence
            let inside = &text[from..end.min(from + FRAME)];
            if inside.iter().any(u8::is_ascii_alphanumeric) {
                found.add_word(Word::Key, before, text, from + blanks, end);
            } else if end == text.len() && inside.len() < FRAME {
                found.open_from(start, None);
            }
        }
        None if length == rest.len() && length < FRAME => found.open_from(start, None),
        None => {}
    }
}
