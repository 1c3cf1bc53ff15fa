//! Finds secrets that a script passes to a program as an argument, where every user of the machine can read them.
//!
//! It follows a secret from the variable that it is given in, through assignments, `read`, functions and `$(echo …)`, to
//! the words of programs that are no builtins. Only warnings come of it: no one can tell from a text what a script does.
//! What must stay true: a redirection, a here-string, an assignment and an argument of a builtin are no fault.

use std::collections::{HashMap, HashSet};

use super::fault::Fault;
use super::lower::Source;
use super::names::Script;
use super::remedies;
use super::shell::{self, Command, Variable, Word};

/// Shells whose syntax is read here.
const SHELLS: [&str; 6] = ["bash", "sh", "dash", "ksh", "mksh", "zsh"];

/// Commands that a shell carries out itself: their arguments are no other process's.
const BUILTINS: [&str; 61] = [
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "bind",
    "break",
    "caller",
    "case",
    "cd",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "for",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Builtins that carry out the command behind them.
const PREFIXES: [&str; 3] = ["command", "builtin", "exec"];

/// Builtins whose words are assignments.
const SETTERS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];

/// Programs whose output still is the secret that they read, whole or written in another way.
const PASSES_ON: [&str; 16] = [
    "awk", "base64", "basenc", "cat", "cut", "echo", "head", "jq", "od", "perl", "printf", "python3", "sed", "tail",
    "tr", "xxd",
];

/// How often the script is gone through: once for each hand that a secret may go through.
const ROUNDS: usize = 8;

/// Finds secrets among arguments. `secrets` are all secrets of the playbook, by the variable that they would have.
pub(super) fn find(script: &Script<'_>, source: &Source<'_>, faults: &mut Vec<Fault>) {
    let holds_none = script.stdin.is_none() && script.given.iter().all(|(_, secret)| secret.is_none());
    if holds_none || !SHELLS.contains(&script.shell) {
        return;
    }
    let commands = shell::commands(script.text);
    let mut flow = Flow { script, commands: &commands, secrets: HashMap::new(), functions: HashSet::new() };
    flow.functions.extend(commands.iter().filter_map(|command| command.function.as_deref()));
    flow.secrets.extend(
        script.given.iter().filter_map(|(variable, secret)| Some(((None, (*variable).to_owned()), (*secret)?))),
    );
    for _ in 0..ROUNDS {
        let before = flow.secrets.len();
        for command in &commands {
            flow.follow(command);
        }
        if flow.secrets.len() == before {
            break;
        }
    }
    let mut told: HashSet<(usize, &str)> = HashSet::new();
    for (number, command) in commands.iter().enumerate() {
        let Some(called) = called(command) else { continue };
        if flow.is_function(called.program) {
            continue;
        }
        for word in called.arguments {
            for (secret, at) in flow.secrets_in(word, command) {
                if told.insert((number, secret)) {
                    faults.push(warning(script, source, &called, secret, at));
                }
            }
        }
    }
}

/// What a command calls, where that is another program or a function.
struct Called<'a> {
    /// The program as written; a NUL for a variable in it.
    program: &'a str,
    arguments: &'a [Word],
}

/// Tells what a command calls; nothing where the shell does it itself.
fn called(command: &Command) -> Option<Called<'_>> {
    let first = command.words.iter().position(|word| word.sets.is_none())?;
    let mut words = &command.words[first..];
    loop {
        let (program, arguments) = words.split_first()?;
        let name = program.text.as_str();
        if PREFIXES.contains(&name) {
            let options = arguments.iter().take_while(|word| word.text.starts_with('-')).count();
            words = &arguments[options..];
        } else if BUILTINS.contains(&name) {
            return None;
        } else {
            return Some(Called { program: name, arguments });
        }
    }
}

/// Where the secrets of a script are.
struct Flow<'a> {
    script: &'a Script<'a>,
    commands: &'a [Command],
    /// The variables with a secret in them; parameters with the function whose they are.
    secrets: HashMap<(Option<String>, String), &'a str>,
    functions: HashSet<&'a str>,
}

impl<'a> Flow<'a> {
    fn is_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// Lists the secrets in a word, each with the place of a `$` that brings it there.
    fn secrets_in(&self, word: &Word, command: &Command) -> Vec<(&'a str, usize)> {
        let mut found = self.in_variables(word, command);
        found.extend(word.outputs.iter().filter_map(|output| self.secret_put_out(output.clone())));
        found
    }

    fn in_variables(&self, word: &Word, command: &Command) -> Vec<(&'a str, usize)> {
        let of = |variable: &Variable| {
            let parameter = variable.name.bytes().all(|byte| !byte.is_ascii_alphabetic() && byte != b'_');
            let function = if parameter { command.function.clone() } else { None };
            self.secrets.get(&(function, variable.name.clone())).map(|&secret| (secret, variable.at))
        };
        word.variables.iter().filter_map(of).collect()
    }

    /// Finds a secret that the commands of a substitution put out: one that they say or read, and only pass on.
    fn secret_put_out(&self, output: std::ops::Range<usize>) -> Option<(&'a str, usize)> {
        let commands = self.commands.get(output)?;
        let passes_on = |command: &Command| {
            let name = command.words.iter().find(|word| word.sets.is_none()).map_or("cat", |word| word.text.as_str());
            PASSES_ON.contains(&name)
        };
        if !commands.iter().all(passes_on) {
            return None;
        }
        // Commands within these stand beside them in the list, so their words need no looking into.
        let words = |command: &'a Command| command.words.iter().chain(&command.reads).map(move |word| (word, command));
        commands.iter().flat_map(words).find_map(|(word, command)| self.in_variables(word, command).first().copied())
    }

    /// Goes on from the secrets that are known to those that a command makes of them.
    fn follow(&mut self, command: &'a Command) {
        let words = command.words.iter();
        let first = command.words.iter().find(|word| word.sets.is_none()).map_or("", |word| word.text.as_str());
        let setter = SETTERS.contains(&first);
        let before = words.clone().take_while(|word| word.sets.is_some()).count();
        for (at, word) in words.enumerate() {
            if let (Some(variable), true) = (&word.sets, at < before || setter)
                && let Some((secret, _)) = self.secrets_in(word, command).first()
            {
                self.secrets.insert((None, variable.clone()), secret);
            }
        }
        match first {
            "read" | "mapfile" | "readarray" => self.read(command),
            "for" | "select" => {
                if let (Some(variable), Some((secret, _))) = (
                    command.words.get(1),
                    command.words.iter().skip(2).flat_map(|word| self.secrets_in(word, command)).next(),
                ) {
                    self.secrets.insert((None, variable.text.clone()), secret);
                }
            }
            "set" => {
                let words = command.words.get(1..).unwrap_or_default();
                let words = if words.first().is_some_and(|word| word.text == "--") { &words[1..] } else { words };
                self.pass(command, command.function.as_ref(), words);
            }
            _ => {} // no other builtin gives a variable its value
        }
        if let Some(called) = called(command)
            && self.is_function(called.program)
        {
            self.pass(command, Some(&called.program.to_owned()), called.arguments);
        }
    }

    /// `read NAME`: from a here-string, or from the step's standard input.
    fn read(&mut self, command: &Command) {
        let string = command.reads.iter().flat_map(|word| self.secrets_in(word, command)).next();
        let stdin = self.script.stdin.filter(|_| command.reads.is_empty());
        if let Some(secret) = string.map(|(secret, _)| secret).or(stdin) {
            let names = command.words.iter().skip(1).filter(|word| word.plain && !word.text.starts_with('-'));
            let names: Vec<String> = names.map(|word| word.text.clone()).collect();
            self.secrets.extend(names.into_iter().map(|name| ((None, name), secret)));
        }
    }

    /// Hands words to a function as its parameters.
    fn pass(&mut self, command: &Command, function: Option<&String>, words: &[Word]) {
        for (at, word) in words.iter().enumerate() {
            if let Some(&(secret, _)) = self.secrets_in(word, command).first() {
                for parameter in [(at + 1).to_string(), "@".to_owned(), "*".to_owned()] {
                    self.secrets.insert((function.cloned(), parameter), secret);
                }
            }
        }
    }
}

fn warning(script: &Script<'_>, source: &Source<'_>, called: &Called<'_>, secret: &str, at: usize) -> Fault {
    let rest = &script.text[at..];
    let braces = usize::from(rest.starts_with("${"));
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = rest.bytes().skip(1 + braces).take_while(letters).count().max(1);
    let needle = rest.get(..1 + braces + length).unwrap_or("$");
    let nth = script.text[..at].matches(needle).count();
    let program = remedies::program(called.program, called.arguments);
    // The one that the step has it in: another may not be in any environment.
    let given = script.given.iter().find(|(_, given)| *given == Some(secret)).map(|(variable, _)| *variable);
    let variable = given.unwrap_or(&needle[1 + braces..]);
    let message = match program {
        "eval" => format!("`eval` reads the secret `{secret}` as a part of a script"),
        "" => format!(
            "the secret `{secret}` becomes an argument of a program, and every user of the machine can read those"
        ),
        _ => format!(
            "the secret `{secret}` becomes an argument of `{program}`, and every user of the machine can read those"
        ),
    };
    Fault::warning(source.locate(script.place, needle, nth), message)
        .advise(remedies::advice(program, secret, variable))
}

#[cfg(test)]
mod tests {
    use crate::playbook::{Severity, check};

    /// Returns what is said of a script that has a secret in `PW` and another one on standard input: program, secret and
    /// the piece that is pointed at.
    fn told(script: &str) -> Vec<String> {
        let lines = format!("          {}\n", script.replace('\n', "\n          "));
        let text = format!(
            "runsheet: 1\ntitle: Test\ninputs: {{ pw: {{ type: secret }}, typed: {{ type: secret }} }}\nphases:\n  - title: All\n    steps:\n      - id: one\n        title: One\n        read_only: true\n        env: {{ PW: {{ secret: pw }}, F: {{ file: {{ secret: pw }} }} }}\n        stdin: {{ secret: typed }}\n        run: |\n{lines}"
        );
        let checked = check(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
        let said = checked.warnings.iter().map(|warning| {
            assert_eq!(warning.severity, Severity::Warning);
            let line = text.lines().nth(warning.line - 1).unwrap();
            let piece: String = line.chars().skip(warning.column - 1).take(warning.length).collect();
            let words: Vec<&str> = warning.message.split('`').collect();
            let (secret, program) = if warning.message.starts_with("the secret") {
                (words[1], words.get(3).copied().unwrap_or("?"))
            } else {
                (words[3], words[1])
            };
            format!("{program} {secret} {piece}")
        });
        said.collect()
    }

    #[test]
    fn a_secret_among_the_arguments_of_a_program_is_told() {
        for (script, said) in [
            ("mysql -p\"$PW\" -e 'select 1'", "mysql pw $PW"),
            ("curl -u \"u:$PW\" https://x.example", "curl pw $PW"),
            ("curl -H \"Authorization: Bearer ${PW}\" x", "curl pw ${PW"),
            ("redis-cli -a $PW ping", "redis-cli pw $PW"),
            ("flyctl secrets set X=\"$PW\"", "flyctl pw $PW"),
            ("prog --password=$PW", "prog pw $PW"),
            ("prog ${PW:0:10}", "prog pw ${PW"),
            ("prog \"$PW\" \"$PW\"", "prog pw $PW"),
            ("a | b \"$PW\" | c", "b pw $PW"),
            ("x=$(prog \"$PW\")", "prog pw $PW"),
            ("x=`prog \"$PW\"`", "prog pw $PW"),
            ("if ! prog \\\n  \"$PW\"; then exit 1; fi", "prog pw $PW"),
            ("/bin/echo \"$PW\"", "echo pw $PW"),
            ("sudo -u postgres psql \"postgres://u:$PW@h/d\"", "psql pw $PW"),
            ("timeout 5 curl -d \"p=$PW\" x", "curl pw $PW"),
            ("env X=\"$PW\" sh -c true", "sh pw $PW"),
            ("X=1 command -p prog \"$PW\"", "prog pw $PW"),
            ("exec prog \"$PW\"", "prog pw $PW"),
            ("bash -c \"prog '$PW'\"", "bash pw $PW"),
            ("eval \"X='$PW'\"", "eval pw $PW"),
            ("\"$TOOL\" \"$PW\"", "? pw $PW"),
            ("for h in a b; do ssh $h \"$PW\"; done", "ssh pw $PW"),
            ("case a in a) prog \"$PW\" ;; esac", "prog pw $PW"),
            ("cat <<E\n$(prog $PW)\nE", "prog pw $PW"),
            // by another hand
            ("url=\"postgres://u:$PW@h\"\npsql \"$url\"", "psql pw $url"),
            ("export U=\"$PW\"; prog $U", "prog pw $U"),
            ("f() { prog \"$1\"; }\nf \"$PW\"", "prog pw $1"),
            ("f() { local p=\"$1\"; prog \"x$p\"; }\nf \"$PW\"", "prog pw $p"),
            ("f() { prog \"$@\"; }\nf a \"$PW\"", "prog pw $@"),
            ("set -- \"$PW\"; prog \"$1\"", "prog pw $1"),
            ("read -r X; prog \"$X\"", "prog typed $X"),
            ("read -r X <<<\"$PW\"; prog \"$X\"", "prog pw $X"),
            ("for x in \"$PW\"; do prog \"$x\"; done", "prog pw $x"),
            ("a=(x \"$PW\"); prog \"${a[@]}\"", "prog pw ${a"),
            ("prog \"$(printf %s \"$PW\" | base64)\"", "prog pw $PW"),
            ("prog \"$(jq -sRr @uri <<<\"$PW\")\"", "prog pw $PW"),
        ] {
            assert_eq!(told(script), [said], "{script}");
        }
    }

    #[test]
    fn what_no_other_program_gets_as_an_argument_is_not_told() {
        for script in [
            "echo \"$PW\" | prog --stdin",
            "printf '%s' \"$PW\" | prog",
            "[ -n \"$PW\" ] && test -n \"$PW\" && [[ $PW == a* ]]",
            "prog <<<\"$PW\"",
            "prog <<E\npassword=$PW\nE",
            "PGPASSWORD=\"$PW\" psql -c 'select 1'",
            "export MYSQL_PWD=$PW\nmysql -e 'select 1'",
            "x=\"${PW}x\"; declare y=$PW",
            "prog \"${#PW}\" \"${PW:+set}\"",
            "prog '$PW' \\$PW # $PW",
            "prog \"$(printf %s \"$PW\" | sha256sum)\"",
            "prog > \"$PW\"",
            "prog \"$PWD\" \"$F\" <\"$F\"",
            "f() { echo \"$1\" | prog; }\nf \"$PW\"",
            "prog --config <(printf 'user = \"u:%s\"' \"$PW\")",
            "read -r X; echo \"$X\"",
            "builtin echo $PW; command printf $PW",
            "case $PW in a) true ;; esac",
        ] {
            assert_eq!(told(script), [""; 0], "{script}");
        }
    }

    #[test]
    fn only_shells_are_read_as_shells() {
        let playbook = |shell: &str| {
            format!(
                "runsheet: 1\ntitle: T\ninputs: {{ pw: {{ type: secret }} }}\nphases: [{{ title: A, steps: [{{ id: a, title: A, read_only: true, {shell}env: {{ PW: {{ secret: pw }} }}, run: 'prog $PW' }}] }}]\n"
            )
        };
        for (shell, warnings) in
            [("", 1), ("shell: /bin/sh, ", 1), ("shell: [zsh, -c], ", 1), ("shell: [python3, -c], ", 0)]
        {
            assert_eq!(check(&playbook(shell)).unwrap().warnings.len(), warnings, "{shell}");
        }
    }
}
