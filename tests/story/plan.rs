//! Plans in a line of text: `a: run verify undo; b: manual; c: check success; @sign operator reviewer`.
//!
//! Each piece is a step: its id, its kind, then what else it has. `@` begins what belongs to the whole playbook. The text
//! is taken as it is: a plan that the checker would refuse can be said too.

use std::time::Duration;

use runsheet::playbook::plan::{
    Act, Action, EditPlace, EditSpec, EvidenceSpec, FollowUp, Generate, GenerateSpec, Given, InputKind, InputSpec,
    Manner, Name, OnFailure, PersonSpec, Phase, Plan, Probe, ProbeSpec, Program, Put, Retry, RunSpec, Section, SignOff,
    SnapshotSpec, Step, StepId, Template, Until, Want,
};

/// Makes a plan of its text.
pub(crate) fn plan(text: &str) -> Plan {
    let mut plan = Plan { title: "a story".to_owned(), ..Plan::default() };
    for (line, piece) in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()).enumerate() {
        let mut words = piece.split_whitespace();
        let head = words.next().unwrap();
        match head {
            "@sign" => {
                let by: Vec<String> = words.map(str::to_owned).collect();
                plan.sign_off = Some(SignOff { by, distinct: false });
            }
            "@distinct" => plan.sign_off.as_mut().unwrap().distinct = true,
            "@follow" => plan.follow_up.push(FollowUp { title: Template::literal("revoke it"), within: None }),
            "@window" => plan.window = Some(Duration::from_secs(words.next().unwrap().parse().unwrap())),
            "@temporary" => plan.temporary.push(Template::literal("/tmp/secret.json")),
            "@input" => plan.inputs.extend(words.map(asked)),
            "@protected" => {
                let (name, value) = words.next().unwrap().split_once('=').unwrap();
                plan.protected.push((Name::new(name), vec![value.to_owned()]));
            }
            id => plan.steps.push(step(id.trim_end_matches(':'), line + 1, words)),
        }
    }
    plan.steps.sort_by_key(|step| step.section);
    plan.index = plan.steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
    plan.phases = vec![Phase { title: Template::literal("all"), steps: plan.section(Section::Main) }];
    plan
}

fn step<'a>(id: &str, line: usize, words: impl Iterator<Item = &'a str>) -> Step {
    let mut step = Step {
        id: StepId::new(id),
        title: Template::literal(id),
        section: Section::Main,
        line,
        action: action(Act::Verify),
        why: None,
        hint: None,
        when: Vec::new(),
        rollback: Vec::new(),
        irreversible: None,
        read_only: false,
        optional: false,
        confirm: None,
        estimate: None,
        retry: Retry::default(),
        on_failure: OnFailure::Ask,
        recapture: None,
        sign_off: None,
        evidence: Vec::new(),
        quiz: None,
    };
    for word in words {
        more(&mut step, word);
    }
    step
}

/// Adds what one word says.
fn more(step: &mut Step, word: &str) {
    let verified = |act: Act| Action { verify: vec![probe()], ..action(act) };
    match word.split_once('=') {
        Some(("ask", name)) => {
            let mut person = match &step.action.act {
                Act::Person(person) => person.clone(),
                _ => PersonSpec::default(),
            };
            person.ask.push(asked(name));
            step.action.act = Act::Person(person);
        }
        Some(("approval", roles)) => {
            let by = roles.split('+').map(str::to_owned).collect();
            let approval = Some(SignOff { by, distinct: false });
            step.action.act = Act::Person(PersonSpec { approval, ..PersonSpec::default() });
        }
        Some(("signs", roles)) => {
            step.sign_off = Some(SignOff { by: roles.split('+').map(str::to_owned).collect(), distinct: false });
        }
        Some(("when", condition)) => {
            let (name, value) = condition.split_once(':').unwrap();
            step.when.push((Name::new(name), vec![value.to_owned()]));
        }
        Some(("takes", seconds)) => step.estimate = Some(Duration::from_secs(seconds.parse().unwrap())),
        Some(("retry", attempts)) => {
            step.retry = Retry { attempts: attempts.parse().unwrap(), every: Duration::from_secs(2) };
        }
        Some(("evidence", want)) => {
            let (want, optional) = want.strip_suffix('?').map_or((want, false), |want| (want, true));
            let want = match want {
                "text" => Want::Text,
                "file" => Want::File,
                "output" => Want::Output,
                name => Want::Fingerprint(Name::new(name)),
            };
            step.evidence.push(EvidenceSpec { title: Template::literal("proof"), want, optional });
        }
        Some(_) => panic!("no such word: {word}"),
        None => match word {
            "run" => step.action.act = run(),
            "until-enough" | "until-line" => {
                let enough = word == "until-enough";
                let matches = (!enough).then(|| regex::Regex::new("ready").unwrap());
                let Act::Run(run) = run() else { panic!("a run") };
                step.action.act = Act::Run(RunSpec { manner: Manner::Until(Until { matches, enough }), ..run });
            }
            "manual" => step.action.act = by_hand(),
            "ticks" => step.action.act = ticks(),
            "question" => step.action.act = Act::Person(PersonSpec::default()),
            "distinct" => {
                let signs = match &mut step.action.act {
                    Act::Person(PersonSpec { approval: Some(approval), .. }) => approval,
                    _ => step.sign_off.as_mut().unwrap(),
                };
                signs.distinct = true;
            }
            "generate" => {
                let how = Generate::Bytes { bytes: 32, encoding: runsheet::playbook::plan::Encoding::Hex };
                step.action.act = Act::Generate(vec![GenerateSpec { name: Name::new("made"), how }]);
            }
            "edit" => step.action.act = edit(),
            "snapshot" => {
                let file = SnapshotSpec { file: Template::literal("/srv/app/.env"), missing: false };
                step.action.act = Act::Snapshot(vec![file]);
            }
            "check" => step.action = verified(Act::Verify),
            "wait" => step.action.act = Act::Wait(Duration::from_secs(30)),
            "verify" => step.action.verify.push(probe()),
            "log" => step.action.verify.push(log()),
            "undo" => step.rollback.push(action(run())),
            "undo-verified" => step.rollback.push(verified(run())),
            "undo-log" => step.rollback.push(Action { verify: vec![log()], ..action(run()) }),
            "undo-check" => step.rollback.push(verified(Act::Verify)),
            "undo-ticks" => step.rollback.push(action(ticks())),
            "undo-hand" => step.rollback.push(action(by_hand())),
            "undo-hand-verified" => step.rollback.push(verified(by_hand())),
            "irreversible" => step.irreversible = Some(Template::literal("the old one is gone")),
            "read-only" => step.read_only = true,
            "optional" => step.optional = true,
            "confirm" => step.confirm = Some(Template::literal("it stops working now")),
            "recapture" => step.recapture = Some(action(run())),
            "stop" => step.on_failure = OnFailure::Stop,
            "continue" => step.on_failure = OnFailure::Continue,
            "rollback" => step.on_failure = OnFailure::Rollback,
            "success" => step.section = Section::Success,
            "cleanup" => step.section = Section::Cleanup,
            "after" => step.section = Section::AfterRollback,
            _ => panic!("no such word: {word}"),
        },
    }
}

fn action(act: Act) -> Action {
    Action {
        title: None,
        act,
        expect: Vec::new(),
        capture: Vec::new(),
        verify: Vec::new(),
        timeout: None,
        simulate: Vec::new(),
    }
}

fn run() -> Act {
    let program = Program::Script { text: "true".to_owned(), shell: vec!["bash".to_owned(), "-c".to_owned()] };
    Act::Run(RunSpec { program, env: Vec::new(), stdin: None, cwd: None, host: None, manner: Manner::Alone })
}

fn by_hand() -> Act {
    Act::Person(PersonSpec { text: Some(Template::literal("press the button")), ..PersonSpec::default() })
}

/// What a person does, with two lines to tick.
fn ticks() -> Act {
    let text = Template::literal("1. So:\n- [ ] press the button\n- [ ] look");
    Act::Person(PersonSpec { text: Some(text), ..PersonSpec::default() })
}

fn edit() -> Act {
    Act::Edit(vec![EditSpec {
        file: Template::literal("/srv/app/.env"),
        place: EditPlace::Dotenv("KEY".to_owned()),
        put: Put::Value(Given::Text(Template::literal("new"))),
        count: 1,
    }])
}

fn probe() -> ProbeSpec {
    ProbeSpec {
        title: None,
        probe: Probe::Tcp(Template::literal("localhost:1")),
        expect: Vec::new(),
        within: None,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(10),
        capture: Vec::new(),
        warn: false,
        simulate: Vec::new(),
    }
}

/// A probe that reads what came into a log.
fn log() -> ProbeSpec {
    ProbeSpec { probe: Probe::Log(Template::literal("/srv/app/app.log")), ..probe() }
}

/// An input; a star before the name makes it a secret.
fn asked(name: &str) -> InputSpec {
    let kind = if name.starts_with('*') { InputKind::Secret } else { InputKind::Text };
    let name = name.trim_start_matches('*');
    InputSpec {
        name: Name::new(name),
        kind,
        prompt: None,
        default: None,
        pattern: None,
        min_length: None,
        differs_from: None,
        env: name.to_uppercase(),
        from: None,
    }
}
