//! What a probe is called, and which names of the playbook it uses.

use url::Url;

use crate::exec::scene::Scene;
use crate::playbook::plan::{Expect, Given, HttpBody, JsonValue, Name, Probe, ProbeSpec, Program, RunSpec, Template};

/// Names a probe: its title, or the question in words.
pub(super) fn title(spec: &ProbeSpec, scene: &Scene) -> String {
    let text = |template: &Template| scene.text(template);
    let with = |password: &Option<Name>| password.as_ref().map_or(String::new(), |name| format!(" with {name}"));
    if let Some(title) = &spec.title {
        return scene.line(&text(title));
    }
    let mut words = match &spec.probe {
        Probe::Command(run) => match &run.program {
            Program::Script { text, .. } => first_line(text),
            Program::Words(words) => words.iter().map(text).collect::<Vec<_>>().join(" "),
        },
        Probe::Http(http) => match http.method.as_deref() {
            Some(method) => format!("{method} {}", address(&text(&http.url))),
            None => address(&text(&http.url)),
        },
        Probe::Tcp(address) => format!("tcp {}", text(address)),
        Probe::Tls(tls) => format!("tls {}", text(&tls.address)),
        Probe::Postgres(database) | Probe::Redis(database) => {
            format!("{}{}", address(&text(&database.url)), with(&database.password))
        }
        Probe::File(file) => format!("file {}", text(&file.path)),
        Probe::Value(name) => format!("value {name}"),
    };
    if spec.expect.iter().any(|expect| matches!(expect, Expect::Denied)) {
        words.push_str(": must be denied");
    }
    scene.line(&words)
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

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Lists the names whose values a probe uses when it is asked.
pub(super) fn names(spec: &ProbeSpec) -> Vec<&Name> {
    let mut names = Used(spec.title.iter().flat_map(Template::names).collect());
    match &spec.probe {
        Probe::Command(run) => names.run(run),
        Probe::Http(http) => {
            names.template(Some(&http.url));
            names.template(http.ca.as_ref());
            names.given(http.headers.iter().map(|(_, given)| given));
            match &http.body {
                Some(HttpBody::Form(fields) | HttpBody::Json(fields)) => {
                    names.given(fields.iter().map(|(_, given)| given));
                }
                None => {}
            }
            names.0.extend(&http.bearer);
            if let Some((user, password)) = &http.basic {
                names.template(Some(user));
                names.0.push(password);
            }
        }
        Probe::Tcp(address) => names.template(Some(address)),
        Probe::Tls(tls) => {
            names.template(Some(&tls.address));
            names.template(tls.name.as_ref());
            names.template(tls.ca.as_ref());
        }
        Probe::Postgres(database) | Probe::Redis(database) => {
            names.template(Some(&database.url));
            names.template(database.ca.as_ref());
            names.template(database.query.as_ref());
            names.0.extend(&database.password);
        }
        Probe::File(file) => {
            names.template(Some(&file.path));
            names.template(file.sha256.as_ref());
            names.given(file.contains.iter().chain(file.dotenv.iter().map(|(_, given)| given)));
        }
        Probe::Value(name) => names.0.push(name),
    }
    for expect in &spec.expect {
        match expect {
            Expect::Contains(text)
            | Expect::NotContains(text)
            | Expect::Equals(text)
            | Expect::Json(_, JsonValue::Text(text)) => names.template(Some(text)),
            Expect::Exit(_)
            | Expect::Matches(_)
            | Expect::Json(_, JsonValue::Literal(_))
            | Expect::Status(_)
            | Expect::Rows(_)
            | Expect::Between(..)
            | Expect::CloseTo { .. }
            | Expect::Denied => {}
        }
    }
    names.0
}

struct Used<'a>(Vec<&'a Name>);

impl<'a> Used<'a> {
    fn template(&mut self, text: Option<&'a Template>) {
        self.0.extend(text.into_iter().flat_map(Template::names));
    }

    fn given(&mut self, given: impl Iterator<Item = &'a Given>) {
        for given in given {
            match given {
                Given::Text(text) => self.template(Some(text)),
                Given::Secret(name) => self.0.push(name),
            }
        }
    }

    fn run(&mut self, run: &'a RunSpec) {
        match &run.program {
            // It gets every value by its environment and does not say which it uses; those that it names are these.
            Program::Script { .. } => {}
            Program::Words(words) => self.0.extend(words.iter().flat_map(Template::names)),
        }
        self.template(run.cwd.as_ref());
        self.given(run.env.iter().map(|(_, given)| given).chain(&run.stdin));
    }
}
