//! `postgres`, `mysql` and `redis`: a login on a database server, and a query.

use super::super::fields::CA;
use super::super::lower::Lower;
use super::super::plan::{DatabaseSpec, Probe};
use super::super::shape::{Field, Shape};
use super::super::yaml::Node;
use super::{ProbeKind, address};

const PASSWORD: Field = Field::new("password", "The secret to log in with, by name.", Shape::Name);
const QUERY: Field = Field::new("query", "What is asked once logged in: SQL, or a Redis command.", Shape::Text);

pub(super) static POSTGRES: ProbeKind = ProbeKind {
    name: "postgres",
    doc: "a login on PostgreSQL, over TLS where the server has it, and a `query`",
    example: "{ postgres: \"postgres://doadmin@db.example.org:25060/defaultdb\", password: new_password }",
    fields: &[Field::new("postgres", "The address, without a password.", Shape::Text), PASSWORD, CA, QUERY],
    expects: &["rows", "contains", "not_contains", "matches", "equals", "json", "between", "close_to", "denied"],
    captures: true,
    lower: |lower, node| database(lower, node, "postgres", &["postgres://", "postgresql://"]).map(Probe::Postgres),
};

pub(super) static MYSQL: ProbeKind = ProbeKind {
    name: "mysql",
    doc: "a login on MySQL or MariaDB, over TLS where the server has it, and a `query`; `denied` is a refused login, or a query that the user has no right to",
    example: "{ mysql: \"mysql://keystone_app@db.example.org:3306/heaven\", password: new_password, query: \"select * from node limit 1\", expect: denied }",
    fields: &[Field::new("mysql", "The address, without a password.", Shape::Text), PASSWORD, CA, QUERY],
    expects: &["rows", "contains", "not_contains", "matches", "equals", "json", "between", "close_to", "denied"],
    captures: true,
    lower: |lower, node| database(lower, node, "mysql", &["mysql://", "mariadb://"]).map(Probe::Mysql),
};

pub(super) static REDIS: ProbeKind = ProbeKind {
    name: "redis",
    doc: "a login on Redis or Valkey (`rediss://` for TLS), and a command in `query`",
    example: "{ redis: \"rediss://default@valkey.example.org:25061\", password: new_password }",
    fields: &[Field::new("redis", "The address, without a password.", Shape::Text), PASSWORD, CA, QUERY],
    expects: &["contains", "not_contains", "matches", "equals", "json", "between", "close_to", "denied"],
    captures: true,
    lower: |lower, node| database(lower, node, "redis", &["redis://", "rediss://"]).map(Probe::Redis),
};

fn database<'a>(lower: &mut Lower<'a>, node: &'a Node, key: &str, schemes: &[&str]) -> Option<DatabaseSpec> {
    let url = address(lower, node.get(key)?, schemes);
    let password = lower.secret_of(node, "password");
    let ca = lower.template_of(node, "ca");
    let query = lower.template_of(node, "query");
    Some(DatabaseSpec { url: url?, password, ca, query })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::plan::Expect;
    use crate::playbook::testing::{faults, probe, step};

    #[test]
    fn logs_in_with_a_secret_by_name() {
        let Probe::Postgres(login) =
            probe("postgres: postgres://u@h/db\npassword: new_password\nquery: SELECT 1\nca: ''")
        else {
            panic!("postgres")
        };
        assert_eq!(login.password, Some("new_password".into()));
        assert!(login.query.is_some() && login.ca.is_some());
        assert!(matches!(probe("redis: rediss://h:1"), Probe::Redis(login) if login.password.is_none()));
    }

    #[test]
    fn a_login_can_be_denied() {
        let step = step("redis: redis://h\npassword: new_password\nexpect: denied");
        assert!(matches!(step.action.verify[0].expect[..], [Expect::Denied]));
        assert_eq!(faults("redis: redis://h\nexpect: { rows: 1 }"), ["`rows` has no meaning for `redis`"]);
    }
}
