//! What each foreign character becomes, and that cutting makes no difference.

use proptest::prelude::*;

use super::*;

#[test]
fn everything_has_its_sign() {
    for (foreign, shown) in [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\r\r\nc", "a\nb\nc"),
        ("10%\r20%\r\r30%\n", "10%␍\n20%␍\n30%\n"),
        ("end\r", "end␍\n"),
        ("\u{1b}[1;31mred\u{1b}[0m\u{1b}[m", "\u{1b}[1;31mred\u{1b}[0m\u{1b}[m"),
        ("\u{1b}[38;5;8mgrey \u{1b}[38;2;8;8;8mdark", "\u{1b}[38;5;8mgrey \u{1b}[38;2;8;8;8mdark"),
        ("\u{1b}[38:5:1;5;8mx \u{1b}[38:2::8:8:8mdark", "␛[38:5:1;5;8mx \u{1b}[38:2::8:8:8mdark"),
        ("\u{1b}[8mx \u{1b}[1;08mx \u{1b}[38;8mx", "␛[8mx ␛[1;08mx ␛[38;8mx"),
        ("\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}c", "␛[2J␛]0;title␇␛c"),
        ("\0\u{7f}\u{8}", "␀␡␈"),
        ("\u{9b}31m", "<U+009B>31m"),
        ("a\u{202e}b\u{200b}c\u{feff}\u{2028}", "a<U+202E>b<U+200B>c<U+FEFF><U+2028>"),
        ("e\u{301} \u{301}", "e\u{301} \u{301}"),
        ("\u{301}x\n\u{301}", "<U+0301>x\n<U+0301>"),
        ("⚠\u{fe0f} a\u{fe0f}", "⚠\u{fe0f} a<U+FE0F>"),
        ("déjà 日本 🎉", "déjà 日本 🎉"),
    ] {
        assert_eq!(visible(foreign), shown, "{foreign:?}");
    }
    assert_eq!(visible_plain("\u{1b}[31mred"), "␛[31mred");
}

#[test]
fn bytes_that_are_no_text_are_replaced_as_the_library_does() {
    for bytes in [&b"a\xffb\xc3"[..], b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x8e\x89\xf0\x9f", b"\xc0\x80\xed\xa0\x80"] {
        let mut out = String::new();
        let mut stream = Visible::new();
        stream.push(bytes, &mut out);
        stream.finish(&mut out);
        assert_eq!(out, String::from_utf8_lossy(bytes), "{bytes:?}");
    }
}

#[test]
fn a_cell_is_bounded() {
    let shown = visible(&format!("e{}x", "\u{301}".repeat(1000)));
    assert!(shown.starts_with(&format!("e{}<U+0301><U+0301>", "\u{301}".repeat(15))), "{shown}");
    assert!(shown.ends_with("<U+0301>x"));
}

#[test]
fn a_sequence_without_an_end_is_not_held() {
    let mut out = String::new();
    let mut stream = Visible::new();
    stream.push(b"\x1b[", &mut out);
    stream.push(&[b'1'; 100], &mut out);
    assert_eq!(out, format!("␛[{}", "1".repeat(100)));
}

/// Bytes in which all that matters is frequent.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z \\n\\t]{0,40}".prop_map(String::into_bytes),
        2 => Just(b"\r".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        2 => Just(b"\x1b[1;31m".to_vec()),
        1 => Just(b"\x1b[8".to_vec()),
        1 => Just(b"\x1b".to_vec()),
        2 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => Just("\u{301}".repeat(20).into_bytes()),
        1 => Just("⚠\u{fe0f}".to_owned().into_bytes()),
        2 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cuts_make_no_difference_and_nothing_moves(bytes in foreign(), cuts in prop::collection::vec(1_usize..9, 0..40)) {
        let mut whole = String::new();
        let mut stream = Visible::new();
        stream.push(&bytes, &mut whole);
        stream.finish(&mut whole);

        let mut cut = String::new();
        let mut stream = Visible::new();
        let mut rest = bytes.as_slice();
        for length in cuts {
            let (piece, after) = rest.split_at(length.min(rest.len()));
            stream.push(piece, &mut cut);
            rest = after;
        }
        stream.push(rest, &mut cut);
        stream.finish(&mut cut);
        prop_assert_eq!(&cut, &whole);

        let mut escapes = whole.split('\u{1b}');
        let first = escapes.next().unwrap_or_default();
        for text in std::iter::once(first).chain(escapes.clone()) {
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
        }
        for sequence in escapes {
            let end = sequence.find('m').unwrap_or(0);
            prop_assert!(sequence.starts_with('[') && sequence[1..end].bytes().all(|b| b";:0123456789".contains(&b)));
        }
        // what is visible stays as it is, but for marks on our own signs
        prop_assert_eq!(visible(&whole), whole);
    }
}
