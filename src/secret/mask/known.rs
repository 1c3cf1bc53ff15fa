//! Finds what is a secret by its looks, though nobody registered it: tokens of known services, passwords in addresses, the
//! inside of private keys.
//!
//! Each begins with a few bytes. Most end with one of three signs, which are looked for, and what stands before is compared;
//! the others are searched for one by one: both are vector instructions, which an automaton of so many patterns is not. What
//! follows is judged by a rule of its own. What must stay true: what stands in an address beside the password stays readable; a name, a placeholder, a hash, a number is
//! no secret; what is held back to be judged is bounded.

use std::sync::LazyLock;

use memchr::memchr3_iter;
use memchr::memmem::Finder;

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

/// The signs that most beginnings end with.
const ENDS: [u8; 3] = [b'_', b'-', b'.'];

/// A beginning with its rule.
type Known = (&'static [u8], Rule);

/// The beginnings that end with one of [`ENDS`].
static SIGNED: LazyLock<Vec<Known>> = LazyLock::new(|| known(true).collect());

/// Those that do not.
static OTHERS: LazyLock<Vec<(Finder<'static>, Known)>> =
    LazyLock::new(|| known(false).map(|known| (Finder::new(known.0), known)).collect());

fn known(signed: bool) -> impl Iterator<Item = Known> {
    let all = KNOWN.iter().map(|(beginning, rule)| (beginning.as_bytes(), *rule));
    all.filter(move |(beginning, _)| beginning.last().is_some_and(|last| ENDS.contains(last)) == signed)
}

/// Adds what looks like a secret, and what the text's end leaves open. `before` is the byte before the text; `ends` says that
/// nothing comes after it.
pub(super) fn find(before: u8, text: &[u8], ends: bool, found: &mut Found) {
    let [one, two, three] = ENDS;
    for at in memchr3_iter(one, two, three, text) {
        // digits and blanks stand before most of them
        let Some(last) = at.checked_sub(1).map(|last| text[last]) else { continue };
        for (beginning, rule) in SIGNED.iter().filter(|(beginning, _)| beginning[beginning.len() - 2] == last) {
            if text[..=at].ends_with(beginning) {
                judge(*rule, before, text, (at + 1 - beginning.len(), at + 1), ends, found);
            }
        }
    }
    for (finder, (beginning, rule)) in OTHERS.iter() {
        for start in finder.find_iter(text) {
            judge(*rule, before, text, (start, start + beginning.len()), ends, found);
        }
    }
    // a beginning that the text's end cuts; none is longer
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
