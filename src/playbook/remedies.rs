//! What to write in place of a secret among a program's arguments: a table of programs, and a word for all others.
//!
//! Each way is one that the program's own documentation names. What must stay true: an advice never puts the secret into
//! another program's arguments.

use super::shell::Word;

/// Programs that start another one, named among their words.
const STARTERS: [&str; 12] =
    ["doas", "env", "ionice", "nice", "nohup", "runuser", "setsid", "stdbuf", "strace", "sudo", "time", "timeout"];

/// Programs with what to write; `{name}` is the secret, `{VAR}` its variable.
const REMEDIES: [(&[&str], &str); 19] = [
    (
        &["mysql", "mysqldump", "mysqladmin", "mysqlcheck", "mysqlimport", "mariadb", "mariadb-dump", "mariadb-admin"],
        "write: `--defaults-extra-file=\"$CONF\"` first, and `env: { CONF: { file: { text: \"[client]\\npassword=\\\"${{name}}\\\"\\n\", escape: quoted } } }`",
    ),
    (
        &[
            "psql",
            "pg_dump",
            "pg_dumpall",
            "pg_restore",
            "pg_isready",
            "pg_basebackup",
            "pgbench",
            "createdb",
            "dropdb",
            "vacuumdb",
        ],
        "write: the address without the password, and `env: { PGPASSWORD: { secret: {name} } }`",
    ),
    (&["redis-cli", "valkey-cli"], "take `-a` out, and write: `env: { REDISCLI_AUTH: { secret: {name} } }`"),
    (
        &["curl"],
        "write: `--config \"$CONF\"`, and `env: { CONF: { fd: { text: \"user = \\\"NAME:${{name}}\\\"\", escape: quoted } } }` (or `header = …`, `data = …`)",
    ),
    (&["wget"], "write: `env: { WGETRC: { file: \"password = ${{name}}\" } }`"),
    (&["fly", "flyctl"], "write: `printf '%s\\n' \"KEY=${VAR}\" | flyctl secrets import`, which reads standard input"),
    (&["doctl"], "write: `env: { DIGITALOCEAN_ACCESS_TOKEN: { secret: {name} } }`"),
    (&["sops"], "write: `--value-stdin`, and the value in JSON on standard input"),
    (
        &["gpg", "gpg2"],
        "write: `--batch --pinentry-mode loopback --passphrase-file \"$F\"`, and `env: { F: { fd: { secret: {name} } } }`",
    ),
    (&["openssl"], "write: `-pass env:{VAR}` (`-passin`, `-passout`), as the variable is there already"),
    (&["sshpass"], "write: `sshpass -e`, and `env: { SSHPASS: { secret: {name} } }`"),
    (&["nats"], "write: `env: { NATS_PASSWORD: { secret: {name} } }`"),
    (
        &["docker", "podman"],
        "write: `login --password-stdin`; for a variable of a container `-e {VAR}` without a value",
    ),
    (&["kubectl"], "write: `--from-file=key=\"$F\"`, and `env: { F: { fd: { secret: {name} } } }`"),
    (&["gh"], "write: `gh secret set NAME <<<\"${VAR}\"`: it reads standard input"),
    (&["vault", "bao"], "write: `key=-`, and the value on standard input: `stdin: { secret: {name} }`"),
    (&["jq"], "write: `env.{VAR}` in the filter, as the variable is there already"),
    (&["sed", "awk", "perl"], "write: a step that says `edit: { file: …, match: …, replace: { secret: {name} } }`"),
    (
        &["bash", "sh", "dash", "zsh", "eval"],
        "write: the script in single quotes, so that it names `${VAR}` and does not hold its value",
    ),
];

/// What to write for any other program.
const ANY: &str =
    "write: `stdin: { secret: {name} }`, or the path of a file: `env: { F: { file: { secret: {name} } } }`";

/// Names the program that a command comes down to, without its folder: behind `sudo` and the like. Nothing where a
/// variable has its name.
pub(super) fn program<'a>(called: &'a str, arguments: &'a [Word]) -> &'a str {
    let mut name = base(called);
    let mut rest = arguments.iter();
    while STARTERS.contains(&name) {
        let mut next = rest.next();
        while let Some(word) = next.filter(|word| !is_program(word)) {
            // Who runs it, and by which signal it is ended, are words of their own.
            let takes_one = matches!(word.text.as_str(), "-u" | "-g" | "-s" | "-C");
            next = if takes_one { rest.nth(1) } else { rest.next() };
        }
        let Some(next) = next else { break };
        name = base(&next.text);
    }
    if name.contains('\0') { "" } else { name }
}

/// Says whether a word is a program's name, rather than an option, an assignment or a number.
fn is_program(word: &Word) -> bool {
    word.sets.is_none() && !word.text.starts_with(|first: char| first == '-' || first == '\0' || first.is_ascii_digit())
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Says what to write.
pub(super) fn advice(program: &str, secret: &str, variable: &str) -> String {
    let known = REMEDIES.iter().find(|(programs, _)| programs.contains(&program)).map(|(_, advice)| *advice);
    let text = match (known, program) {
        (None, "env") => "write: the assignment before the program itself, without `env`",
        (None, "echo" | "printf") => "write: without a folder before it: the shell has it built in",
        (None, _) => ANY,
        (Some(known), _) => known,
    };
    text.replace("${VAR}", &format!("${variable}")).replace("{VAR}", variable).replace("{name}", secret)
}
