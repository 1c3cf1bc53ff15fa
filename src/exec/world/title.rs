//! What a probe is called, and which names of the playbook it uses.

use crate::exec::scene::Scene;
use crate::playbook::describe;
use crate::playbook::plan::{
    Amount, Expect, Given, HttpBody, JsonValue, Name, NatsLogin, Probe, ProbeSpec, Program, RunSpec, Template,
};

/// Names a probe in one masked line.
pub(in crate::exec) fn title(spec: &ProbeSpec, scene: &Scene) -> String {
    scene.line(&describe::probe(spec, &|text| scene.text(text)))
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
        Probe::Postgres(database) | Probe::Mysql(database) | Probe::Redis(database) => {
            names.template(Some(&database.url));
            names.template(database.ca.as_ref());
            names.template(database.query.as_ref());
            names.0.extend(&database.password);
        }
        Probe::Nats(nats) => {
            names.template(Some(&nats.url));
            names.template(nats.ca.as_ref());
            names.template(nats.subject.as_ref().map(|(_, subject)| subject));
            names.0.extend(nats.login.as_ref().map(NatsLogin::name));
        }
        Probe::File(file) => {
            names.template(Some(&file.path));
            names.template(file.sha256.as_ref());
            names.given(file.contains.iter().chain(file.dotenv.iter().map(|(_, given)| given)));
        }
        Probe::Log(path) => names.template(Some(path)),
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
            | Expect::Denied => {}
            Expect::Between(least, most) => names.amounts([least, most]),
            Expect::CloseTo { number, .. } => names.amounts([number]),
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

    fn amounts<const N: usize>(&mut self, amounts: [&'a Amount; N]) {
        self.0.extend(amounts.into_iter().filter_map(|amount| match amount {
            Amount::Value(name) => Some(name),
            Amount::Number(_) => None,
        }));
    }

    fn run(&mut self, run: &'a RunSpec) {
        match &run.program {
            // It gets every value by its environment and does not say which it uses; those that it names are these.
            Program::Script { .. } => {}
            Program::Words(words) => self.0.extend(words.iter().flat_map(Template::names)),
        }
        self.template(run.cwd.as_ref());
        self.template(run.host.as_ref());
        self.0.extend(run.env.iter().flat_map(|(_, variable)| variable.names()));
        self.given(run.stdin.iter());
    }
}
