//! Hostile text through the built program: the corpus of `tests/data/hostile` by every way in that foreign text has, to every
//! place where it comes out.
//!
//! What must hold: what is printed is text and line ends, transcripts have colours beside them, and every character that is
//! not seen stands there as a sign. How the full screen shows it is tested where the screen is (`front::tui::tests::hostile`);
//! here it is only seen that nothing else reaches the terminal.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;
use std::thread;

use regex::Regex;
use tempfile::TempDir;

use crate::reports;
use crate::support::desk::Desk;
use crate::support::terminal::Terminal;

/// What is not seen, as Unicode has it: no table of ours. Line ends and tabs may stand, and a selector behind a picture.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    let unseen = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}&&[^\n\t\x{fe0e}\x{fe0f}]]";
    Regex::new(unseen).expect("a pattern")
});

/// A colour or style, of a length that a terminal can take.
static COLOUR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\x1b\[[0-9;:]{0,61}m").expect("a pattern"));

/// What the full screen may send: colours, the cursor's place, and at both ends the modes that it takes and gives back.
static SCREEN: LazyLock<Regex> = LazyLock::new(|| {
    let modes =
        r"\x1b\[([0-9;:]*[mHJ]|\?(25|1049|2004|1004|1000|1002|1003|1006|1015|2026)[hl]|[><=]?[0-9;]*u|\?u|c|[0-9]* q)";
    Regex::new(&format!(r"{modes}|\x1b7|\x1b8|\r|\x07")).expect("a pattern")
});

/// A text of the corpus.
struct Text {
    name: String,
    bytes: Vec<u8>,
    /// What must be seen of it.
    sign: String,
}

impl Text {
    fn words(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns it as what an argument or a file's name can hold.
    fn argument(&self, without: &[u8]) -> OsString {
        let bytes = self.bytes.iter().copied().filter(|byte| *byte != 0 && !without.contains(byte));
        OsString::from_vec(bytes.take(200).collect())
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile")
}

fn corpus() -> Vec<Text> {
    let signs = fs::read_to_string(folder().join("signs.tsv")).expect("read what must be seen");
    let texts: Vec<Text> = signs
        .lines()
        .map(|line| {
            let [name, _, sign] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let bytes = fs::read(folder().join(format!("{name}.bin"))).expect("read the file");
            Text { name: name.to_owned(), bytes, sign: sign.to_owned() }
        })
        .collect();
    let files = fs::read_dir(folder()).expect("read the folder");
    let files =
        files.filter(|file| file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|e| e == "bin")));
    assert_eq!(files.count(), texts.len(), "every file has its sign, and every sign its file");
    assert!(texts.len() >= 80, "{} texts are too few", texts.len());
    texts
}

/// Holds that a text can be looked at.
#[track_caller]
fn safe(what: &str, text: &str) {
    if let Some(found) = UNSEEN.find(text) {
        let from = text.floor_char_boundary(found.start().saturating_sub(80));
        let to = text.ceil_char_boundary((found.end() + 40).min(text.len()));
        panic!("{what}: {:?} in {:?}", found.as_str().escape_unicode().to_string(), &text[from..to]);
    }
}

/// Writes a text as YAML does in double quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars().filter(|c| *c != '\0') {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '$' => quoted.push_str("$$"),
            ' '..='~' => quoted.push(c),
            c => write!(quoted, "\\U{:08X}", u32::from(c)).expect("write to a text"),
        }
    }
    quoted.push('"');
    quoted
}

struct Place {
    _folder: TempDir,
    desk: Desk,
    texts: Vec<Text>,
}

impl Place {
    fn make() -> Self {
        let folder = TempDir::with_prefix("hostile-").expect("make a folder");
        let desk = Desk::make(folder.path());
        let texts = corpus();
        for text in &texts {
            fs::write(desk.home().join(format!("{}.bin", text.name)), &text.bytes).expect("write the file");
        }
        Self { _folder: folder, desk, texts }
    }

    /// Writes a playbook with steps for each text.
    fn playbook(&self, name: &str, head: &str, steps: impl Fn(usize, &Text) -> String) {
        let steps: String = self.texts.iter().enumerate().map(|(at, text)| steps(at, text)).collect();
        let text = format!("runsheet: 1\ntitle: Hostile\n{head}phases:\n  - title: All\n    steps:\n{steps}");
        fs::write(self.desk.home().join(name), text).expect("write the playbook");
    }

    /// Calls the program and holds that what it says can be looked at.
    #[track_caller]
    fn call(&self, words: &[&str]) -> String {
        let called = self.desk.call(words);
        safe(&format!("{words:?}, standard output"), &called.out);
        safe(&format!("{words:?}, standard error"), &called.err);
        assert!(matches!(called.code, Some(0..=7)), "{words:?}: {:?} {}", called.code, called.err);
        called.out + &called.err
    }

    /// Holds that all that is left of the latest run can be looked at, and that listings and report can.
    #[track_caller]
    fn looks(&self) {
        let folder = self.desk.run_folder();
        safe("the journal", &fs::read_to_string(folder.join("journal.jsonl")).expect("the journal is text"));
        for entry in fs::read_dir(folder.join("transcript")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(entry.path()).expect("a transcript is text");
            safe(&entry.path().to_string_lossy(), &COLOUR.replace_all(&text, ""));
        }
        for words in [["show"].as_slice(), &["show", "--json"], &["runs"], &["runs", "--json"], &["report"]] {
            self.call(words);
        }
        reports::page(&self.call(&["report", "--format", "html"]));
        reports::fits(&self.call(&["report", "--format", "json"]));
        for entry in fs::read_dir(self.desk.home().join("state/runsheet/log")).into_iter().flatten().flatten() {
            safe("the log", &fs::read_to_string(entry.path()).expect("the log is text"));
        }
    }

    fn transcript(&self, step: &str) -> String {
        let path = self.desk.run_folder().join(format!("transcript/{step}.1.log"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

const STEP: &str = "read_only: true, optional: true, on_failure: continue";

#[test]
fn what_commands_print() {
    let place = Place::make();
    place.playbook("print.yaml", "", |_, text| {
        let name = &text.name;
        format!(
            "      - {{ id: out-{name}, title: Out, run: 'cat {name}.bin; exit 3', {STEP} }}\n      \
             - {{ id: err-{name}, title: Err, run: 'cat {name}.bin >&2; exit 3', {STEP}, verify: [\
             {{ command: [cat, {name}.bin], expect: {{ equals: nothing }}, warn: true }}, \
             {{ file: {name}.bin, contains: nothing of it, warn: true }}] }}\n"
        )
    });
    place.call(&["run", "print.yaml", "--unattended"]);
    place.looks();
    for text in &place.texts {
        for way in ["out", "err"] {
            let told = place.transcript(&format!("{way}-{}", text.name));
            assert!(told.contains(&text.sign), "{way}, {}: {:?} is not in {told:?}", text.name, text.sign);
        }
    }
}

#[test]
fn what_commands_print_in_plain_lines() {
    let place = Place::make();
    let names: String = place.texts.iter().enumerate().fold(String::new(), |names, (at, text)| {
        names + &format!("  name_{at}: {{ type: text, prompt: {} }}\n", quoted(&text.words()))
    });
    place.playbook("plain.yaml", &format!("inputs:\n{names}"), |at, text| {
        let name = &text.name;
        format!("      - {{ id: out-{name}, title: 'Out ${{name_{at}}}', run: 'cat {name}.bin', read_only: true }}\n")
    });
    let mut program = place.desk.program(["run", "plain.yaml", "--plain"]);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    let mut typed = String::new();
    for text in &place.texts {
        let line: String = text.words().chars().filter(|c| !matches!(c, '\n' | '\r' | '\0')).take(300).collect();
        typed.extend([if line.trim().is_empty() { "x" } else { &line }, "\n"]);
    }
    // begin, a note, then step after step
    typed.push_str(&"\n".repeat(2 * place.texts.len() + 9));
    let mut stdin = child.stdin.take().expect("standard input");
    let writer = thread::spawn(move || drop(stdin.write_all(typed.as_bytes())));
    let output = child.wait_with_output().expect("wait");
    writer.join().expect("it was written");
    let out = String::from_utf8(output.stdout).expect("what is printed is text");
    safe("plain lines", &out);
    safe("plain lines, standard error", &String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{}", out.lines().rev().take(9).collect::<Vec<_>>().join("\n"));
    place.looks();
    let shown = place.texts.iter().filter(|text| out.lines().any(|line| line.contains(&text.sign))).count();
    assert!(shown + 3 >= place.texts.len(), "{shown} of {} are seen", place.texts.len());
}

/// Answers the nth connection with the nth text.
fn serve(texts: Vec<Vec<u8>>, answer: fn(&mut TcpStream, &[u8]) -> std::io::Result<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for (stream, text) in listener.incoming().zip(texts) {
            // A client that has gone does not hear it.
            let _ = stream.and_then(|mut stream| answer(&mut stream, &text));
        }
    });
    port
}

fn http(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request)?;
    let line: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).take(900).collect();
    stream.write_all(
        &[b"HTTP/1.1 302 ", &line[..], b"\r\nLocation: /", &line, b"\r\nX-Said: ", &line, b"\r\n"].concat(),
    )?;
    stream.write_all(format!("Content-Length: {}\r\nConnection: close\r\n\r\n", text.len()).as_bytes())?;
    stream.write_all(text)
}

/// As [`http`], but with nothing in the head that a client could stumble on.
fn body(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len()).as_bytes())?;
    stream.write_all(text)
}

fn postgres(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    let mut asked = [0; 4096];
    // whether TLS is spoken here, then who is there
    let _ = stream.read(&mut asked)?;
    stream.write_all(b"N")?;
    let _ = stream.read(&mut asked)?;
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    let fields = [b"SERROR\0VERROR\0C42703\0M", &text[..], b"\0D", &text, b"\0H", &text, b"\0\0"].concat();
    let length = u32::try_from(fields.len() + 4).expect("a length").to_be_bytes();
    stream.write_all(&[b"E", &length[..], &fields].concat())
}

fn redis(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    let line: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    stream.write_all(&[b"-ERR ", &line[..], b"\r\n"].concat())?;
    let _ = stream.read(&mut [0; 4096])?;
    Ok(())
}

#[test]
fn what_servers_say() {
    let place = Place::make();
    let texts = || place.texts.iter().map(|text| text.bytes.clone()).collect::<Vec<_>>();
    let (head, plain, sql, cache) =
        (serve(texts(), http), serve(texts(), body), serve(texts(), postgres), serve(texts(), redis));
    place.playbook("servers.yaml", "", |_, text| {
        let name = &text.name;
        let rest = "warn: true, timeout: 20s";
        format!(
            "      - id: ask-{name}\n        title: Ask\n        verify:\n          \
             - {{ http: 'http://127.0.0.1:{head}/', {rest} }}\n          \
             - {{ http: 'http://127.0.0.1:{plain}/', expect: {{ equals: nothing }}, {rest} }}\n          \
             - {{ postgres: 'postgres://u@127.0.0.1:{sql}/d', {rest} }}\n          \
             - {{ redis: 'redis://127.0.0.1:{cache}', {rest} }}\n"
        )
    });
    let told = place.call(&["run", "servers.yaml", "--unattended"]);
    place.looks();
    // Each was really heard: SQL in its message, HTTP in its body.
    for text in place.texts.iter().filter(|text| text.sign.len() < 20 && !text.sign.contains('\u{fffd}')) {
        let sign = text.sign.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&sign), "{}: {sign:?} is not seen", text.name);
    }
}

#[test]
fn what_files_hold() {
    let place = Place::make();
    for text in &place.texts {
        let around = [b"BEFORE=1\n", &text.bytes[..], b"\nKEY=old\n", &text.bytes, b"\n"].concat();
        fs::write(place.desk.home().join(format!("{}.env", text.name)), around).expect("write the file");
    }
    place.playbook("edit.yaml", "", |_, text| {
        let name = &text.name;
        format!(
            "      - {{ id: match-{name}, title: M, edit: [{{ file: {name}.env, match: 'KEY=(old)', replace: {} }}], optional: true, on_failure: continue }}\n      \
             - {{ id: env-{name}, title: E, edit: [{{ file: {name}.env, dotenv: KEY, value: new }}], optional: true, on_failure: continue }}\n",
            quoted(&text.words())
        )
    });
    let told = place.call(&["run", "edit.yaml", "--dry-run"]);
    assert!(told.contains("-KEY=old"), "{told}");
    place.call(&["run", "edit.yaml", "--unattended"]);
    place.looks();
}

#[test]
fn what_a_playbook_says() {
    let place = Place::make();
    let head = "owners: [\"\\e[2J\"]\ncontacts: { \"a\\u202eb\": \"\\u009b2J\" }\n";
    place.playbook("words.yaml", head, |_, text| {
        let (name, words) = (&text.name, quoted(&text.words()));
        let said = format!("title: {words}, why: {words}, hint: {words}");
        format!(
            "      - {{ id: do-{name}, {said}, confirm: {words}, irreversible: {words}, run: 'true' }}\n      \
             - {{ id: hand-{name}, {said}, manual: {words}, open: {words}, optional: true, read_only: true }}\n"
        )
    });
    place.call(&["check", "words.yaml"]);
    let told = place.call(&["plan", "words.yaml"]);
    assert!(told.contains("␛[2J") && told.contains("a<U+202E>b") && told.contains("<U+009B>2J"), "{told}");
    place.call(&["run", "words.yaml", "--dry-run"]);
    place.call(&["list"]);
    place.call(&["list", "--json"]);
    let answers = place.texts.iter().fold(String::new(), |answers, Text { name, .. }| {
        answers + &format!("hand-{name}: done\ndo-{name}: {{ confirm: done }}\n")
    });
    let answers = place.desk.answers("answers.yaml", &answers);
    place.call(&["run", "words.yaml", "--unattended", "--answers", &answers]);
    // Not as a playbook should be: the text itself, and as a key.
    let mut words = vec!["check".to_owned()];
    for text in &place.texts {
        for (kind, bytes) in
            [("raw", text.bytes.clone()), ("key", [b"runsheet: 1\n", &text.bytes[..], b": x\n"].concat())]
        {
            let name = format!("{kind}-{}.yaml", text.name);
            fs::write(place.desk.home().join(&name), bytes).expect("write the playbook");
            words.push(name);
        }
    }
    place.call(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn what_is_typed_on_the_command_line() {
    let place = Place::make();
    let inputs =
        (0..place.texts.len()).fold(String::new(), |inputs, at| inputs + &format!("  name_{at}: {{ type: text }}\n"));
    place.playbook("inputs.yaml", &format!("inputs:\n{inputs}"), |at, text| {
        format!(
            "      - {{ id: say-{}, title: 'Say ${{name_{at}}}', run: 'printf %s \"$NAME_{at}\"; exit 1', {STEP} }}\n",
            text.name
        )
    });
    let mut words: Vec<OsString> = ["run", "inputs.yaml", "--unattended"].map(OsString::from).to_vec();
    let lossy = |text: &Text, without: &[u8]| text.argument(without).to_string_lossy().into_owned();
    for (at, text) in place.texts.iter().enumerate() {
        words.extend(["--input".into(), format!("name_{at}=x{}", lossy(text, b"")).into()]);
    }
    words.extend(["--operator".into(), "ada\u{1b}[2J\u{202e}".into(), "--ticket".into(), "T\u{9b}1\u{7}".into()]);
    let called = place.desk.call(&words);
    safe("inputs", &called.out);
    safe("inputs, standard error", &called.err);
    assert_eq!(called.code, Some(1), "{}", called.err);
    place.looks();
    // Files that are not there, and words that are none.
    let names = place.texts.iter().map(|text| text.argument(b"/"));
    let called = place.desk.call(std::iter::once("check".into()).chain(names));
    safe("names of files", &(called.out + &called.err));
    for text in place.texts.iter().step_by(9) {
        let word = lossy(text, b"");
        for words in
            [vec!["run", &word], vec![&word], vec!["show", &word], vec!["run", "inputs.yaml", "--input", &word]]
        {
            let called = place.desk.call(&words);
            safe(&format!("{words:?}"), &(called.out + &called.err));
        }
    }
}

#[test]
fn the_terminal_gets_nothing_but_text_and_colours() {
    let place = Place::make();
    // This terminal leaves out the sign for what is no text, which others show: what stands behind it would be moved.
    let texts = place.texts.iter().filter(|text| !text.words().contains(char::REPLACEMENT_CHARACTER));
    let names = texts.map(|text| format!("{}.bin", text.name)).collect::<Vec<_>>().join(" ");
    let home = place.desk.home();
    let playbook = format!(
        "runsheet: 1\ntitle: \"Title \\e]0;owned\\a\\u202e\"\nphases:\n  - title: \"\\e[2J\"\n    steps:\n      - id: all\n        title: \"All \\u009b2J\"\n        \
         run: 'for f in {names}; do cat \"$f\"; echo; done; echo the-last-line'\n        read_only: true\n      - {{ id: second, title: Second, run: 'true', read_only: true }}\n"
    );
    fs::write(home.join("screen.yaml"), playbook).expect("write the playbook");
    let terminal = Terminal::start(&place.desk, &["run".into(), "screen.yaml".into()], 120, 40);
    terminal.see("Nothing has happened yet");
    terminal.press("\x1b[21~");
    terminal.see("Enter start");
    terminal.press("\r");
    let picture = terminal.see("Next: 2/2");
    for line in picture.lines().skip(6).take(28) {
        let right = line.split('│').nth(3).unwrap_or_default();
        assert!(right.trim().is_empty(), "left behind: {right:?}\n{picture}");
    }
    terminal.press("\x1b[A");
    terminal.see("the-last-line");
    terminal.press("\x1b[B");
    terminal.see("Next: 2/2");
    terminal.press("n");
    terminal.see("for the record");
    terminal.paste("a note\u{1b}[2J\u{202e}\u{9b}");
    terminal.see("a note[2J");
    terminal.press("\r");
    terminal.see("Enter start");
    terminal.press("q");
    terminal.see("leave?");
    terminal.press("y");
    let left = terminal.ends();
    let sent = String::from_utf8(left.raw).expect("what the terminal gets is text");
    safe("the terminal", &SCREEN.replace_all(&sent, ""));
    place.looks();
}
