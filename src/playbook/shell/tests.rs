//! What is read of scripts: one line a case.

use super::*;

/// Writes commands down: words apart by blanks, `$name` for a variable, `<` before what is read, `f:` before a function's.
fn read(text: &str) -> String {
    let mut told = Vec::new();
    for command in commands(text) {
        let mut line = command.function.map(|name| format!("{name}: ")).unwrap_or_default();
        let words = command.words.iter().map(|word| shown(word, ""));
        line.push_str(&words.chain(command.reads.iter().map(|word| shown(word, "<"))).collect::<Vec<_>>().join(" "));
        told.push(line);
    }
    told.join(" / ")
}

fn shown(word: &Word, before: &str) -> String {
    let mut told = format!("{before}{}", word.text.replace('\0', "_"));
    for variable in &word.variables {
        told.push('$');
        told.push_str(&variable.name);
    }
    told
}

#[test]
fn words_are_found_as_a_shell_finds_them() {
    for (text, told) in [
        ("ls -l  a", "ls -l a"),
        ("a; b && c || d & e | f |& g", "a / b / c / d / e / f / g"),
        ("a 'b c' \"d $E f\" g\\ h", "a b c d _ f$E g h"),
        ("a # b $C\nd#e", "a / d#e"),
        ("a \\\n  b", "a b"),
        ("a $B ${C} ${D:-$E} ${#F} ${G:+x} ${H:0:4} $1 \"$@\" $", "a _$B _$C _$D$E _ _ _$H _$1 _$@ $"),
        ("A=b C=\"$D\" e f=g", "A=b C=_$D e f=g"),
        ("a >f 2>&1 <g <<<\"$H\" &>>i j", "a j <g <_$H"),
        ("a 10>f 5 >g", "a 5"),
        ("a $(b \"$C\") d", "b _$C / a _ d"),
        ("a `b $C` d", "b _$C / a _ d"),
        ("a <(b $C) d", "b _$C / a _ d"),
        ("(a; b) ; { c; d; }", "a / b / c / d"),
        ("if a; then b; else c; fi; while ! d; do e; done", "a / b / c / d / e"),
        ("f() { a $1; }; f $B", "f: a _$1 / f _$B"),
        ("function f { a; }\nfunction g() {\n b\n}\nc", "f: a / g: b / c"),
        ("case $A in b) c $D ;; *) e ;; esac", "case _$A in b / c _$D / * / e"),
        ("A=(b $C 'd e') f", "A=_$C f"),
        ("a <<E b\nc $D $(f $G)\nE\nh", "a b / f _$G / h"),
        ("a <<'E' b\nc $D $(f $G)\nE\nh", "a b / h"),
        ("a <<-E\n\tb\n\tE\nc", "a / c"),
        ("a $'b\\'c' d", "a b'c d"),
        ("a $((B + $C)) d", "B + _$C / a _ d"),
        ("a \"$(b \"$(c $D)\")\"", "c _$D / b _ / a _"),
        ("a é\"ü$B\"", "a éü_$B"),
    ] {
        assert_eq!(read(text), told, "{text}");
    }
}

#[test]
fn a_text_that_is_no_script_is_gone_through_all_the_same() {
    let deep = |open: &str, close: &str| open.repeat(20_000) + &close.repeat(20_000);
    for text in [
        deep("$(", ")"),
        deep("${a:-", "}"),
        deep("\"$(", ")\""),
        deep("(", ")"),
        deep("`", ""),
        deep("<(", ")"),
        deep("a=(", ")"),
        deep("<<a\n", ""),
        deep("{ ", "} "),
        "é`\\é".repeat(20_000),
        "1".repeat(100_000),
        "$(( ".repeat(20_000),
        "\\".repeat(99_999),
        "'\"$'`${$(".repeat(10_000),
    ] {
        let start = std::time::Instant::now();
        commands(&text);
        assert!(start.elapsed().as_secs() < 10, "{}: {:?}", &text[..8], start.elapsed());
    }
}

/// The places are those of the text, whatever they stand in.
#[test]
fn variables_are_told_with_their_places() {
    let text = "é \"$A\" $(b ${A}) `c $A`";
    let mut places: Vec<usize> = commands(text)
        .iter()
        .flat_map(|command| &command.words)
        .flat_map(|word| word.variables.iter().map(|variable| variable.at))
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        text.match_indices('$').map(|(at, _)| at).filter(|at| !text[*at..].starts_with("$(")).collect::<Vec<_>>()
    );
}
