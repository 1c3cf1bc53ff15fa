//! What the masker must find and must leave, against a search that looks everywhere, and however the text is cut.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::index::Form;
use super::*;

pub(super) fn masker(secrets: &[&str]) -> Arc<Masker> {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
    Arc::new(Masker::new(&secrets))
}

/// Masks in pieces of these lengths, and the rest in one.
pub(super) fn mask_cut(masker: &Arc<Masker>, text: &str, cuts: impl IntoIterator<Item = usize>) -> String {
    let mut stream = masker.stream();
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    for length in cuts {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        stream.push(piece, &mut out);
        rest = after;
    }
    stream.push(rest, &mut out);
    stream.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// Masks by looking for everything at every place.
pub(super) fn mask_slowly(secrets: &[&str], text: &str) -> String {
    let mut forms = Forms::default();
    for secret in secrets {
        forms.add(secret);
    }
    let text = text.as_bytes();
    let mut found = Found::default();
    for start in 0..text.len() {
        let rest = &text[start..];
        for form in forms.plain.iter().filter(|form| form.bytes().len() >= 4) {
            let form_bytes = form.bytes();
            if rest.starts_with(form_bytes) && form.is_code() {
                found.add_word(Word::Code, 0, text, start, start + form_bytes.len());
            } else if rest.starts_with(form_bytes) {
                found.add(start, start + form_bytes.len());
            } else if form_bytes.starts_with(rest) {
                found.open(start, rest.len());
            }
        }
    }
    let mut scratch = Scratch::default();
    for spelled in [Spelled::new(Kind::Text, forms.texts), Spelled::new(Kind::Code, forms.codes)] {
        (0..text.len()).for_each(|start| spelled.find_at(text, start, &mut scratch, &mut found));
    }
    known::find(0, text, true, &mut found);
    let mut hidden = vec![false; text.len()];
    for (start, end) in found.spans.iter().copied().chain(found.telling.map(|telling| (telling, text.len()))) {
        hidden[start..end].fill(true);
    }
    let mut out = Vec::new();
    for (place, byte) in text.iter().enumerate() {
        if !hidden[place] {
            out.push(*byte);
        } else if place == 0 || !hidden[place - 1] {
            out.extend_from_slice(MASK.as_bytes());
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn masks_all_that_overlapping_secrets_cover() {
    for (secrets, text, masked) in [
        (&["CANARY-pa55"][..], "a CANARY-pa55 b", "a [secret] b"),
        (&["CANARY-pa55"], "CANARY-pa55CANARY-pa55", "[secret]"),
        (&["CANARY-pa55"], "CANARY-pa5", "[secret]"),
        (&["CANARY-pa55"], "CANARY-", "CANARY-"),
        (&["CANARY-pa55"], "CANARY- CANARY-pa55", "CANARY- [secret]"),
        (&["CANARY-one-two", "two-three-CANARY"], "x CANARY-one-two-three-CANARY x", "x [secret] x"),
        (&["CANARY-long-one", "ARY-long"], "CANARY-long CANARY-long-one", "[secret] [secret]"),
        (&["abcabcabc"], "abcabcabcabcabca", "[secret]a"),
        (&["1234"], "a1234b12345", "a[secret]b[secret]5"),
        (&["123", "", "   "], "123", "123"),
        (&[" CANARY-trimmed\n"], "a CANARY-trimmed b", "a [secret] b"),
        (&["CANARY-é-日本"], "a CANARY-é-日本 é", "a [secret] é"),
        (&[], "CANARY", "CANARY"),
    ] {
        let masker = masker(secrets);
        assert_eq!(masker.mask(text), masked, "{text}");
        for first in 0..text.len() {
            for second in 0..text.len() - first {
                assert_eq!(
                    mask_cut(&masker, text, [first, second]),
                    masked,
                    "{text} cut after {first} and {second} more"
                );
            }
        }
        assert_eq!(mask_cut(&masker, text, std::iter::repeat_n(1, text.len())), masked, "{text}");
    }
}

#[test]
fn holds_back_only_what_may_become_a_secret() {
    let masker = masker(&["CANARY-pa55"]);
    let mut stream = masker.stream();
    let mut out = String::new();
    for (piece, so_far) in [
        ("password: ", "password: "),
        ("CAN", "password: "),
        ("DY CANARY-", "password: CANDY "),
        ("pa55", "password: CANDY [secret]"),
    ] {
        stream.push_str(piece, &mut out);
        assert_eq!(out, so_far);
    }
    stream.finish_str(&mut out);
    assert_eq!(out, "password: CANDY [secret]");
}

#[test]
fn a_stall_lets_a_prompt_out_and_no_more_than_seven_characters_of_a_secret() {
    let masker = masker(&["d-CANARY-pa55", "-CAN"]);
    for (pieces, seen) in [
        (&["Password", ": "][..], &["Password", "Password: "][..]),
        (&["d-C", "ANARY-pa55", " x"], &["d-C", "d-C[secret]", "d-C[secret] x"]),
        (&["d-", "C", "ANX"], &["d-", "d-C", "d-C[secret]X"]),
        (&["d-CAN", "ARY", "-pa55."], &["", "", "[secret]."]),
        (&["d-CANAR", "?no"], &["", "d[secret]AR?no"]),
        (&["word", "\x1b[1m", "word"], &["word", "word\x1b[1m", "word\x1b[1mword"]),
    ] {
        let mut stream = masker.stream();
        let mut out = String::new();
        for (piece, so_far) in pieces.iter().zip(seen) {
            stream.push_str(piece, &mut out);
            stream.stall_str(&mut out);
            assert_eq!(out, *so_far, "{pieces:?}");
            stream.stall_str(&mut out);
            assert_eq!(out, *so_far, "{pieces:?}");
        }
        stream.finish_str(&mut out);
        assert_eq!(out, *seen.last().unwrap(), "{pieces:?}");
    }
}

#[test]
fn the_lines_of_a_key_are_secrets_and_its_frame_is_not() {
    let key = "-----BEGIN CANARY KEY-----\nMIIEvQIBADANCANARY\nline-two-CANARY\nab=\n-----END CANARY KEY-----\n";
    let masker = masker(&[key]);
    let shown = masker.mask("-----BEGIN CANARY KEY-----\r\n  MIIEvQIBADANCANARY\r\n  line-two-CANARY\r\n  ab=\r\n");
    assert_eq!(shown, "-----BEGIN CANARY KEY-----\r\n  [secret]\r\n  [secret]\r\n  ab=\r\n");
    assert_eq!(masker.mask(&format!("key:\n{key}.")), "key:\n[secret].");
    assert_eq!(masker.mask(&format!("{{\"key\":{}}}", serde_json::to_string(key).unwrap())), "{\"key\":\"[secret]\"}");
}

const SECRETS: [&str; 6] = [
    "CANARY-abcdefgh0123",
    "CANARY/with+base64/chars==",
    "CANARY p@ss:w/rd?&#%=<>;,!'()*[]{}|\\^`\"~$",
    "CANARY-für-日本-🎉",
    "CANARY\ttab\nline",
    "CANA1234",
];

#[test]
fn finds_what_encoders_write() {
    const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const COMPONENT: AsciiSet = UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
    for secret in SECRETS {
        let masker = masker(&[secret]);
        let mut url = url::Url::parse("postgres://doadmin@localhost/").unwrap();
        url.set_password(Some(secret)).unwrap();
        let lower = |text: String| {
            let mut parts = text.split('%');
            let first = parts.next().unwrap().to_owned();
            parts.fold(first, |all, part| format!("{all}%{}{}", part[..2].to_lowercase(), &part[2..]))
        };
        let json = serde_json::to_string(secret).unwrap();
        let json = json[1..json.len() - 1].to_owned();
        let units = |digits: fn(u16) -> String| secret.encode_utf16().map(digits).collect::<String>();
        let bytes = |digits: fn(u8) -> String| secret.bytes().map(digits).collect::<String>();
        for form in [
            secret.to_owned(),
            url.password().unwrap().to_owned(),
            utf8_percent_encode(secret, &UNRESERVED).to_string(),
            lower(utf8_percent_encode(secret, &UNRESERVED).to_string()),
            utf8_percent_encode(secret, &COMPONENT).to_string(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            bytes(|byte| format!("%{byte:02X}")),
            bytes(|byte| format!("%{byte:02x}")),
            bytes(|byte| format!("{byte:02x}")),
            bytes(|byte| format!("{byte:02X}")),
            json.replace('/', "\\/"),
            json,
            units(|unit| format!("\\u{unit:04x}")),
            units(|unit| format!("\\u{unit:04X}")),
            secret.replace('\'', r"'\''"),
            secret.replace('\'', "''"),
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        ] {
            // a blank that is left as it is may be written as `%20` or `+`; all that matters is that none of it stays
            assert_eq!(masker.mask(&format!("a {form} b")), "a [secret] b", "{form}");
        }
    }
}

#[test]
fn finds_base64_in_every_alignment() {
    for secret in SECRETS {
        let masker = masker(&[secret]);
        for before in 0..7 {
            for after in 0..4 {
                let text = format!("{}{secret}{}", &"user:p "[..before], &"\u{7f}xyz"[..after]);
                for engine in [STANDARD, URL_SAFE] {
                    let encoded = engine.encode(&text);
                    let shown = masker.mask(&encoded);
                    let (head, tail) = shown.split_once(MASK).unwrap_or_else(|| panic!("{encoded}"));
                    // no more than the digits that the secret shares with its neighbours
                    let kept = head.len() + tail.len();
                    assert!(head.len() <= (before * 8).div_ceil(6), "{encoded} {shown}");
                    assert!(kept <= (before * 8).div_ceil(6) + (after * 8).div_ceil(6) + 1 + 2, "{encoded} {shown}");
                }
            }
        }
    }
}

#[test]
fn sees_through_colours_and_keeps_them() {
    let masker = masker(&["CANARY-pa55"]);
    for (text, masked) in [
        ("\x1b[31mCAN\x1b[0mARY-pa55\x1b[m.", "\x1b[31m[secret]\x1b[0m\x1b[m."),
        ("a\x1b[1mb CANARY-pa\x1b[1;31m", "a\x1b[1mb [secret]\x1b[1;31m"),
        ("CAN\x1b[31", "CAN\x1b[31"),
        ("\x1bCANARY-pa55\x1b[2J\x1b", "\x1b[secret]\x1b[2J\x1b"),
    ] {
        assert_eq!(masker.mask(text), masked, "{text:?}");
        for first in 0..text.len() {
            assert_eq!(mask_cut(&masker, text, [first, 1, 1]), masked, "{text:?} cut after {first}");
        }
    }
    let flood = format!("C{}ANARY-pa55", "\x1b[1m".repeat(1000));
    assert_eq!(masker.mask(&flood), format!("[secret]{}", "\x1b[1m".repeat(64)));
}

/// Texts and secrets that nearly match and often overlap.
fn hard() -> impl Strategy<Value = (Vec<String>, String, Vec<usize>)> {
    let secrets = prop::collection::vec(
        prop_oneof!["[ab]{3,9}", "[ab%]{8,24}", "[a-c/ \"é]{4,30}", "(ab|ba|\n){4,9}", "[a-d]{40,60}"],
        1..7,
    );
    let pieces =
        prop::collection::vec((any::<prop::sample::Index>(), 0_usize..100, 0_usize..100, "[ab c]{0,3}"), 0..10);
    (secrets, pieces, prop::collection::vec(0_usize..12, 0..60)).prop_map(|(secrets, pieces, cuts)| {
        let mut all = Forms::default();
        for secret in &secrets {
            all.add(secret);
        }
        let forms: Vec<&[u8]> = all.plain.iter().map(Form::bytes).collect();
        let mut text = String::new();
        for (which, from, to, between) in pieces {
            if !forms.is_empty() {
                let form: Vec<char> = String::from_utf8(which.get(&forms).to_vec()).unwrap().chars().collect();
                // whole, or a part
                let (from, to) = if from < 50 { (0, form.len()) } else { (from % (form.len() + 1), to) };
                text.extend(form.iter().take(to).skip(from));
            }
            text.push_str(&between);
        }
        (secrets, text, cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn is_as_thorough_as_looking_everywhere_and_cuts_make_no_difference((secrets, text, cuts) in hard()) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let masker = masker(&secrets);
        let masked = masker.mask(&text);
        prop_assert_eq!(&masked, &mask_slowly(&secrets, &text));
        prop_assert_eq!(&mask_cut(&masker, &text, cuts), &masked);
    }

    #[test]
    fn colours_make_no_difference((secrets, text, cuts) in hard(), places in prop::collection::vec(0_usize..20, 0..20)) {
        const COLOURS: [&str; 3] = ["\x1b[m", "\x1b[1;31m", "\x1b[38:5:1m"];
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let masker = masker(&secrets);
        let mut coloured = String::new();
        let mut rest = text.chars();
        for (number, place) in places.iter().enumerate() {
            coloured.extend(rest.by_ref().take(*place));
            coloured.push_str(COLOURS[number % 3]);
        }
        coloured.extend(rest);
        let masked = masker.mask(&coloured);
        prop_assert_eq!(&mask_cut(&masker, &coloured, cuts), &masked);
        let colours = |text: &str| text.split('\x1b').skip(1).map(|part| part.split('m').next().map(str::to_owned)).collect::<Vec<_>>();
        prop_assert_eq!(colours(&masked), colours(&coloured));
        let without = COLOURS.iter().fold(masked, |text, colour| text.replace(colour, ""));
        prop_assert_eq!(without, masker.mask(&text));
    }
}

#[test]
fn a_flood_of_the_secret_is_linear() {
    let masker = masker(&[&"a".repeat(24), &"ab".repeat(500)]);
    let text = "a".repeat(1 << 20);
    assert_eq!(masker.mask(&text), MASK);
    assert_eq!(mask_cut(&masker, &text, std::iter::repeat_n(100, 10_000)), MASK);
}

#[test]
fn runs_of_backslashes_hide_nothing_however_long_they_are() {
    for secret in ["CANARY-pa55", "\\CANARY\\pa55"] {
        let masker = masker(&[secret]);
        for count in (0..5).chain(29..36).chain([63, 64, 65, 66]) {
            for after in ["u0043ANARY-pa55", "CANARY-pa55", "103ANARY\\\\pa55", "u005cCANARY\\pa55"] {
                let text = format!("a{}{after} b", "\\".repeat(count));
                let slowly = mask_slowly(&[secret], &text);
                assert_eq!(masker.mask(&text), slowly, "{text}");
                assert_eq!(mask_cut(&masker, &text, std::iter::repeat_n(1, text.len())), slowly, "{text}");
            }
        }
    }
}

#[test]
fn known_beginnings_are_found_at_even_and_odd_places() {
    let masker = masker(&[]);
    for beginning in known::beginnings() {
        let long = "CANARY0123456789abcdef".repeat(3);
        for after in [
            format!("{long}.eyJ{long}"),
            "CANARY:pa55word@host/".to_owned(),
            format!("PRIVATE KEY-----\n{long}\n-----END"),
        ] {
            for pad in ["", " ", "  ", " {}", "(((((((", "            "] {
                let text = format!("{pad}{beginning}{after} end");
                let slowly = mask_slowly(&[], &text);
                assert_eq!(masker.mask(&text), slowly, "{text}");
                assert_eq!(mask_cut(&masker, &text, std::iter::repeat_n(1, text.len())), slowly, "{text}");
            }
        }
        let masks = |after: &str| masker.mask(&format!("{beginning}{after}")).contains(MASK);
        let any = masks(&format!("{long}.eyJ{long}"))
            || masks("CANARY:pa55word@host/")
            || masks(&format!("PRIVATE KEY-----\n{long}\n"));
        assert!(any, "{beginning}");
    }
}

/// One of the ways to write a character, chosen by a number.
fn spell(c: char, how: usize) -> String {
    let bytes = |write: fn(u8) -> String| c.to_string().bytes().map(write).collect::<String>();
    let units = |write: fn(u16) -> String| c.encode_utf16(&mut [0; 2]).iter().copied().map(write).collect::<String>();
    match how % 16 {
        0 => bytes(|byte| format!("%{byte:02X}")),
        1 => bytes(|byte| format!("%25{byte:02x}")),
        2 => units(|unit| format!("\\u{unit:04x}")),
        3 => units(|unit| format!("\\\\u{unit:04X}")),
        4 => bytes(|byte| format!("\\x{byte:02x}")),
        5 => bytes(|byte| format!("\\{byte:03o}")),
        6 => format!("&#{};", u32::from(c)),
        7 => format!("&amp;#x{:x};", u32::from(c)),
        8 if c.is_ascii_punctuation() => format!("\\{c}"),
        9 if c == '\'' => "'\\''".to_owned(),
        10 if "'\"$`}]%".contains(c) => format!("{c}{c}"),
        11 if c == ' ' => "+".to_owned(),
        12 => format!("\\u{{{:x}}}", u32::from(c)),
        // as it is, or as it is for want of another way
        _ => c.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn characters_may_be_spelled_in_any_way_mixed_freely(
        secret in prop_oneof!["[!-~]{4,40}", "[ -~éß日🎉]{4,30}", "[%\\\\'\"&0-9a-fux;]{4,20}"],
        hows in prop::collection::vec(0_usize..16, 40),
        around in ("[ -~]{0,6}", "[ -~]{0,6}"),
        cuts in prop::collection::vec(0_usize..9, 0..60),
    ) {
        prop_assume!(secret.trim().chars().count() >= 4);
        let secret = secret.trim();
        let masker = masker(&[secret]);
        let spelled: String = secret.chars().zip(&hows).map(|(c, how)| spell(c, *how)).collect();
        let text = format!("{}\n{spelled}\n{}", around.0, around.1);
        let masked = masker.mask(&text);
        // it may be that what stands around it belongs to another reading
        let lines: Vec<&str> = masked.split('\n').collect();
        prop_assert!(lines.len() < 3 || lines[1] == MASK, "{text:?} {masked:?}");
        prop_assert_eq!(&masked, &mask_slowly(&[secret], &text));
        prop_assert_eq!(&mask_cut(&masker, &text, cuts), &masked);
    }
}
