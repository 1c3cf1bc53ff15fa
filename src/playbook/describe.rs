//! What a command, a probe and an expectation are called: said by exec, which records it, and by every front.
//!
//! How a `${name}` is filled in is for the caller to say. What must stay true: secrets appear by name only, and a password
//! that stands in an address is left out.

use url::Url;

use super::plan::{
    Amount, Expect, HttpSpec, JsonValue, NatsSpec, NatsUse, Part, Probe, ProbeSpec, Program, RunSpec, Template,
};

/// Fills a template in.
pub type Fill<'f> = &'f dyn Fn(&Template) -> String;

/// Shows a program as it is started: the script to the letter, or the words so that their ends are seen.
#[must_use]
pub fn command(spec: &RunSpec, fill: Fill<'_>) -> String {
    match &spec.program {
        Program::Script { text, .. } => text.trim_end().to_owned(),
        Program::Words(words) => words.iter().map(|word| quoted(&fill(word))).collect::<Vec<_>>().join(" "),
    }
}

/// Writes a word of a command as a shell would have to read it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Names a probe: its title, or the question in words.
#[must_use]
pub fn probe(spec: &ProbeSpec, fill: Fill<'_>) -> String {
    if let Some(title) = &spec.title {
        return fill(title);
    }
    let what = match &spec.probe {
        Probe::Command(run) => {
            let text = command(run, fill);
            let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            match &run.host {
                Some(host) => format!("{first} on {}", fill(host)),
                None => first.to_owned(),
            }
        }
        Probe::Http(http) => format!("{} {}", method(http), address(&fill(&http.url))),
        Probe::Tcp(address) => format!("tcp {}", fill(address)),
        Probe::Tls(tls) => format!("tls {}", fill(&tls.address)),
        Probe::Postgres(database) | Probe::Mysql(database) | Probe::Redis(database) => {
            let with = database.password.as_ref().map(|name| format!(" with {name}")).unwrap_or_default();
            format!("{}{with}", address(&fill(&database.url)))
        }
        Probe::Nats(nats) => self::nats(nats, fill),
        Probe::File(spec) => format!("file {}", fill(&spec.path)),
        Probe::Log(path) => format!("log {}", fill(path)),
        Probe::Value(name) => format!("value {name}"),
    };
    if spec.denied() { format!("{what}: {}", expectation(&Expect::Denied, fill)) } else { what }
}

fn nats(spec: &NatsSpec, fill: Fill<'_>) -> String {
    let mut what = address(&fill(&spec.url));
    if let Some(login) = &spec.login {
        what = format!("{what} with {}", login.name());
    }
    if let Some((usage, subject)) = &spec.subject {
        let does = match usage {
            NatsUse::Publish => "publish to",
            NatsUse::Subscribe => "subscribe to",
            NatsUse::Request => "ask",
        };
        what = format!("{what}, {does} {}", fill(subject));
    }
    if spec.jetstream { format!("{what}, JetStream") } else { what }
}

fn method(http: &HttpSpec) -> &str {
    let usual = if http.body.is_some() { "POST" } else { "GET" };
    http.method.as_deref().unwrap_or(usual)
}

/// Leaves out the password of a URL. There is none in a playbook, but a value that was typed in may have one.
fn address(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            // It fails only where there is no host, and so no password.
            let _ = url.set_password(None);
            url.to_string()
        }
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// Says what an answer must be.
#[must_use]
pub fn expectation(expect: &Expect, fill: Fill<'_>) -> String {
    match expect {
        Expect::Exit(status) => format!("exit status {status}"),
        Expect::Contains(text) => format!("contains {}", fill(text)),
        Expect::NotContains(text) => format!("does not contain {}", fill(text)),
        Expect::Matches(regex) => format!("matches /{regex}/"),
        Expect::Equals(text) => format!("is {}", fill(text)),
        Expect::Json(pointer, JsonValue::Text(text)) => format!("{pointer} is {}", fill(text)),
        Expect::Json(pointer, JsonValue::Literal(literal)) => format!("{pointer} is {literal}"),
        Expect::Status(status) => format!("status {status}"),
        Expect::Rows(rows) => format!("rows: {rows}"),
        Expect::Between(low, high) => format!("from {} to {}", amount(low, fill), amount(high, fill)),
        Expect::CloseTo { number, tolerance } => format!("{}, give or take {tolerance}", amount(number, fill)),
        Expect::Denied => "must be denied".to_owned(),
    }
}

fn amount(amount: &Amount, fill: Fill<'_>) -> String {
    match amount {
        Amount::Number(number) => number.to_string(),
        Amount::Value(name) => fill(&Template::new(vec![Part::Value(name.clone())])),
    }
}

impl ProbeSpec {
    /// Says whether the system must refuse the credential.
    #[must_use]
    pub fn denied(&self) -> bool {
        self.expect.iter().any(|expect| matches!(expect, Expect::Denied))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::Manner;

    fn run(words: &[&str]) -> RunSpec {
        let words = words.iter().copied().map(Template::literal).collect();
        RunSpec {
            program: Program::Words(words),
            env: Vec::new(),
            stdin: None,
            cwd: None,
            host: None,
            manner: Manner::Alone,
        }
    }

    #[test]
    fn the_ends_of_words_are_seen() {
        let fill = |text: &Template| text.fill(|_| None);
        assert_eq!(command(&run(&["echo", "a b", "", "it's", "k=v"]), &fill), r"echo 'a b' '' 'it'\''s' k=v");
    }

    #[test]
    fn a_password_in_an_address_is_left_out() {
        assert_eq!(address("postgres://u:CANARY-1@db:5432/x"), "postgres://u@db:5432/x");
        assert_eq!(address("no address"), "no address");
    }
}
