//! How fast outputs are masked, beside one aho-corasick automaton with the same forms in the same run.
//!
//! `cargo bench --bench mask`. Absolute figures hold for one machine and moment; the ratios carry. The automaton only finds;
//! the masker finds all, and writes the masked text.

#![expect(clippy::cast_precision_loss, reason = "a bench counts and prints")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runsheet::output::Visible;
use runsheet::secret::{Masker, Recipe, Secret, generate};

const PIECE: usize = 64 * 1024;
const TEXT: usize = 64 * 1024 * 1024;
const RUNS: usize = 5;

fn main() {
    let plain = plain_text(TEXT);
    for count in [10, 64, 100, 1000] {
        let secrets: Vec<Secret> = (0..count)
            .map(|number| {
                generate(if number % 2 == 0 { Recipe::Alphanumeric(24 + number % 21) } else { Recipe::Base64(32) })
            })
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        let near = ended(&plain[..TEXT / 4], &secrets, |secret| secret[..7].to_owned());
        let parts = ended(&plain[..TEXT / 4], &secrets, |secret| secret[..secret.len() / 2].to_owned());
        let json = plain[..TEXT / 4].lines().fold(String::new(), |mut text, line| {
            // writing to a String does not fail
            let _ = writeln!(text, "{{\"line\":\"{}\",\"path\":\"a\\/b%20c\"}}", line.replace(' ', "\\t"));
            text
        });
        let spelled = ended("", &secrets, |secret| {
            let all_but_one = &secret.as_bytes()[..secret.len() - 1];
            all_but_one.iter().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"))
        })
        .repeat(TEXT / 8 / (100 * count));
        let signs = "%41\\u0041&#65;\\\\␀<U+200B>".repeat(TEXT / 8 / 28);
        let backslashes = "\\".repeat(TEXT / 16);
        let before = resident();
        let start = Instant::now();
        let masker = Arc::new(Masker::new(&secrets));
        let took = start.elapsed().as_secs_f64() * 1e3;
        let kept = resident().saturating_sub(before) as f64 / count as f64;
        println!("\n{count} secrets: {masker:?}, prepared in {took:.1} ms, {kept:.0} KiB a secret");
        let automaton = AhoCorasick::new(common_forms(&secrets));
        for (name, text) in [
            ("plain", plain.as_bytes()),
            ("near miss", near.as_bytes()),
            ("parts", parts.as_bytes()),
            ("JSON", json.as_bytes()),
            ("all but one", spelled.as_bytes()),
            ("signs", signs.as_bytes()),
            ("backslashes", backslashes.as_bytes()),
        ] {
            let ours = rate(text, |text| mask(&masker, text));
            print!("  {name:11} masked {ours:6.0} MB/s");
            if let Ok(automaton) = &automaton {
                let theirs = rate(text, |text| automaton.find_iter(text).count());
                print!("   one automaton, finding only {theirs:6.0} MB/s   ratio {:.2}", ours / theirs);
            }
            println!();
        }
    }
    println!("\nmade visible, plain {:6.0} MB/s", rate(plain.as_bytes(), visible));
    println!("copied              {:6.0} MB/s", rate(plain.as_bytes(), |text| black_box(text.to_vec()).len()));
}

/// Raw, base64 and hexadecimal: about seven forms a secret.
fn common_forms(secrets: &[Secret]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for secret in secrets {
        let text = secret.expose();
        forms.push(text.as_bytes().to_vec());
        for skipped in 0..3 {
            let encoded = STANDARD.encode(format!("{}{text}", &"xxx"[..skipped]));
            forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
        }
        let spelled = |spell: fn(u8) -> String| text.bytes().map(spell).collect::<String>().into_bytes();
        forms.push(spelled(|byte| format!("{byte:02x}")));
        forms.push(spelled(|byte| format!("%{byte:02X}")));
        forms.push(spelled(|byte| format!("\\u{byte:04x}")));
    }
    forms
}

fn mask(masker: &Arc<Masker>, text: &[u8]) -> usize {
    let mut stream = masker.stream();
    let mut out = Vec::with_capacity(2 * PIECE);
    let mut total = 0;
    for piece in text.chunks(PIECE) {
        stream.push(piece, &mut out);
        total += black_box(&out).len();
        out.clear();
    }
    stream.finish(&mut out);
    total + out.len()
}

fn visible(text: &[u8]) -> usize {
    let mut stream = Visible::new();
    let mut out = String::with_capacity(2 * PIECE);
    let mut total = 0;
    for piece in text.chunks(PIECE) {
        stream.push(piece, &mut out);
        total += black_box(&out).len();
        out.clear();
    }
    total
}

/// The median of some runs in MB/s.
fn rate(text: &[u8], mut work: impl FnMut(&[u8]) -> usize) -> f64 {
    let mut rates: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work(black_box(text)));
            text.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[RUNS / 2]
}

/// Lines as builds and servers write them.
fn plain_text(length: usize) -> String {
    let mut text = String::with_capacity(length + 200);
    let mut number = 1_u64;
    while text.len() < length {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (small, id) = (number >> 54, number >> 20);
        // writing to a String does not fail
        let _ = writeln!(
            text,
            "2026-03-14T09:{:02}:{:02}Z INFO worker-{small} request {id:x} GET /api/v1/items/{small} answered 200 in {} ms",
            number >> 58,
            (number >> 50) & 63,
            (number >> 40) & 255,
        );
    }
    text.truncate(length);
    text
}

/// Lines with a part of a secret at the end of each; where there are none, one for each secret.
fn ended(plain: &str, secrets: &[Secret], part: impl Fn(&str) -> String) -> String {
    let mut text = String::with_capacity(2 * plain.len());
    let few = secrets.iter().map(|_| "");
    let lines: Vec<&str> = if plain.is_empty() { few.collect() } else { plain.lines().collect() };
    for (line, secret) in lines.into_iter().zip(secrets.iter().cycle()) {
        text.push_str(line);
        text.push_str(" token=");
        text.push_str(&part(secret.expose()));
        text.push('\n');
    }
    text
}

/// The memory of this process in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
