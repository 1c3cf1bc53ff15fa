//! The engine by tables: a plan, what is said, what comes of it. One line a case.
//!
//! What holds for all plans and all runs is in `properties`; here stand the cases that somebody thought of.

use std::fmt::Write as _;

use runsheet::engine::{Deviation, Refusal, Target};
use runsheet::playbook::plan::StepId;

use crate::story::{Story, told};

/// Plan; what is said; where everything stands then.
const STORIES: &[(&str, &str, &str)] = &[
    // A walk, from its beginning to its end.
    ("a: run", "", "a:pending | begin"),
    ("a: run", "begin", "a:pending | go a"),
    ("a: run", "begin; go a", "a:running | world a"),
    ("a: run; b: run", "begin; go a; ok a", "a:done b:pending | go b"),
    ("a: run", "begin; go a; ok a", "a:done | over"),
    ("a: run verify", "begin; go a; ok a", "a:verifying | world a"),
    ("a: run verify; b: run", "begin; go a; ok a; pass a", "a:done b:pending | go b"),
    ("a: run verify; b: run", "begin; go a; ok a; warn a", "a:warned b:pending | go b"),
    ("a: run verify", "begin; go a; ok a; bad a", "a:failed | decide a"),
    ("a: check; b: run", "begin; go a", "a:verifying b:pending | world a"),
    ("a: check; b: run", "begin; go a; pass a", "a:done b:pending | go b"),
    ("a: edit", "begin; go a", "a:running | world a"),
    ("a: edit", "begin; go a; saved a", "a:running | world a"),
    ("a: edit; b: run", "begin; go a; saved a; ok a", "a:done b:pending | go b"),
    ("a: edit", "begin; go a; fail a", "a:failed | decide a"),
    ("a: snapshot; b: run", "begin; go a; saved a", "a:done b:pending | go b"),
    ("a: snapshot verify", "begin; go a; saved a", "a:verifying | world a"),
    ("a: generate; b: run", "begin; go a; ok a *made", "a:done b:pending | go b"),
    ("a: wait; b: run", "begin; go a; stopped a", "a:failed b:pending | decide a"),
    // What reads a log since its step began must know where the log stood then, before the step begins.
    ("a: run log", "begin; go a", "a:running | world a"),
    ("a: run log", "begin; go a; saved a; ok a", "a:verifying | world a"),
    ("a: run log", "begin; go a; fail a", "a:failed | decide a"),
    ("a: manual log", "begin; go a", "a:waiting | world a"),
    ("a: manual log", "begin; go a; saved a", "a:waiting | person a"),
    ("a: manual log", "begin; go a; resume", "a:waiting | person a"),
    ("a: check log", "begin; go a", "a:verifying | world a"),
    ("a: check log; b: run", "begin; go a; saved a; pass a", "a:done b:pending | go b"),
    ("a: snapshot log", "begin; go a; saved a", "a:verifying | world a"),
    ("a: edit log", "begin; go a; saved a; ok a", "a:verifying | world a"),
    ("a: run undo-log", "begin; go a; ok a; rollback; undo a.1; saved a.1; ok a.1; pass a.1", "a:undone | over"),
    // Before what cannot be taken back the later edits and copies are tried: until they were, nothing has happened.
    ("a: run irreversible; b: edit", "begin; go a", "a:pending b:pending | world a"),
    ("a: run irreversible; b: edit", "begin; go a; clear a", "a:running b:pending | world a"),
    ("a: manual irreversible; b: snapshot", "begin; go a", "a:pending b:pending | world a"),
    ("a: manual irreversible; b: snapshot", "begin; go a; clear a", "a:waiting b:pending | person a"),
    ("a: run irreversible; b: edit", "begin; go a; refused a b", "a:failed b:pending | decide a"),
    ("a: run irreversible; b: edit", "begin; go a; refused a b; go a", "a:failed b:pending | world a"),
    ("a: run irreversible; b: edit", "begin; go a; refused a b; go a; clear a", "a:running b:pending | world a"),
    (
        "a: run irreversible; b: edit",
        "begin; go a; refused a b; anyway a by hand later",
        "a:running b:pending | world a",
    ),
    ("a: run irreversible; b: edit", "begin; go a; refused a b; skip a no", "a:skipped b:pending | go b"),
    (
        "c: run undo; a: run irreversible; b: edit",
        "begin; go c; ok c; go a; refused a b; rollback",
        "c:done a:failed b:pending | undo c.1",
    ),
    ("a: run irreversible; b: edit", "begin; go a; resume", "a:pending b:pending | go a"),
    ("a: run irreversible; b: edit", "begin; go a; clear a; resume; go a", "a:unknown b:pending | world a"),
    (
        "a: run irreversible; b: edit",
        "begin; go a; clear a; resume; go a; refused a b",
        "a:unknown b:pending | decide a",
    ),
    ("a: run irreversible; b: edit", "begin; go a; stop; clear a", "a:pending b:pending | go a"),
    ("a: run irreversible stop; b: edit", "begin; go a; refused a b", "a:failed b:pending | decide a"),
    ("a: run irreversible retry=3; b: edit", "begin; go a; refused a b", "a:failed b:pending | decide a"),
    ("a: run irreversible retry=3; b: edit", "begin; go a; clear a; fail a", "a:running b:pending | world a"),
    // People: what changes something is begun by a word, what only asks begins by itself.
    ("a: manual", "begin", "a:pending | go a"),
    ("a: manual", "begin; go a", "a:waiting | person a"),
    ("a: manual; b: run", "begin; go a; answer a", "a:done b:pending | go b"),
    ("a: manual read-only", "begin", "a:waiting | person a"),
    ("a: manual verify", "begin; go a; answer a", "a:verifying | world a"),
    ("a: question", "begin", "a:waiting | person a"),
    ("a: question confirm", "begin", "a:pending | go a"),
    ("a: ask=who; b: run", "begin; answer a who=me", "a:done b:pending | go b"),
    ("a: ask=*token; b: run", "begin; answer a *token", "a:done b:pending | go b"),
    ("a: question; b: question", "begin; answer a", "a:done b:waiting | person b"),
    (
        "a: run; ok: question success; tidy: run cleanup",
        "begin; go a; ok a; answer ok",
        "a:done ok:done tidy:pending | go tidy",
    ),
    // `when`: what it leaves out is left out when its turn comes, by the values of then.
    ("@input env; a: run when=env:prod; b: run", "begin env=test", "a:out b:pending | go b"),
    ("@input env; a: run when=env:prod; b: run", "begin env=prod", "a:pending b:pending | go a"),
    ("a: ask=env; b: run when=env:prod; c: run", "begin; answer a env=test", "a:done b:out c:pending | go c"),
    ("@input env; a: run when=env:prod; b: run when=env:prod", "begin env=test", "a:out b:out | over"),
    ("a: run when=env:prod; b: run", "begin", "a:out b:pending | go b"),
    // A failure is for the operator: again, by hand, skip, roll back, stop.
    ("a: run", "begin; go a; fail a", "a:failed | decide a"),
    ("a: run; b: run", "begin; go a; fail a; go a; ok a", "a:done b:pending | go b"),
    ("a: run; b: run", "begin; go a; fail a; hand a I did it", "a:done b:pending | go b"),
    ("a: run; b: run", "begin; hand a it was so already", "a:done b:pending | go b"),
    ("a: run; b: run", "begin; go a; fail a; skip a not today", "a:skipped b:pending | go b"),
    ("a: run; b: run", "begin; skip a not today", "a:skipped b:pending | go b"),
    ("a: run optional; b: run", "begin; skip a", "a:skipped b:pending | go b"),
    ("a: run; tidy: run cleanup", "begin; go a; ok a; skip tidy", "a:done tidy:skipped | over"),
    ("a: manual; b: run", "begin; go a; skip a not today", "a:skipped b:pending | go b"),
    ("a: run verify; b: run", "begin; go a; ok a; bad a; verify a; pass a", "a:done b:pending | go b"),
    ("a: run verify", "begin; go a; fail a; verify a; pass a", "a:failed | decide a"),
    ("a: run verify; b: run", "begin; go a; ok a; stop; bad a", "a:failed b:pending | decide a"),
    ("a: run", "begin; go a; stop; stopped a", "a:failed | decide a"),
    ("a: run; b: run", "begin; go a; stop; ok a", "a:done b:pending | go b"),
    // What goes on until somebody has seen enough.
    ("a: until-enough; b: run", "begin; go a; enough a; ok a", "a:done b:pending | go b"),
    ("a: until-enough retry=3", "begin; go a; enough a; fail a", "a:running | world a"),
    ("a: until-enough", "begin; go a; enough a; stop; stopped a", "a:failed | decide a"),
    ("a: until-enough", "begin; go a; enough a; resume", "a:unknown | decide a"),
    // `retry` counts attempts in all; a person's word begins the count anew; who stops it stops that too.
    ("a: run retry=3", "begin; go a; fail a", "a:running | world a"),
    ("a: run retry=3", "begin; go a; fail a; late a", "a:running | world a"),
    ("a: run retry=3", "begin; go a; fail a; fail a; fail a", "a:failed | decide a"),
    ("a: run retry=2", "begin; go a; fail a; fail a; go a; fail a", "a:running | world a"),
    ("a: run retry=3", "begin; go a; stop; stopped a", "a:failed | decide a"),
    ("a: run retry=3", "begin; go a; stop; fail a", "a:failed | decide a"),
    ("a: run verify retry=3", "begin; go a; ok a; bad a", "a:failed | decide a"),
    ("a: edit retry=2", "begin; go a; saved a; fail a", "a:running | world a"),
    // `on_failure`, and who may overrule it.
    ("a: run stop", "begin; go a; fail a", "a:failed | decide a"),
    ("a: run stop; b: run", "begin; go a; fail a; resume; go a; ok a", "a:done b:pending | go b"),
    ("a: run continue; b: run", "begin; go a; fail a", "a:failed b:pending | go b"),
    ("a: run continue", "begin; go a; fail a", "a:failed | over"),
    ("a: check continue; b: run", "begin; go a; bad a", "a:failed b:pending | go b"),
    ("a: run continue retry=2; b: run", "begin; go a; fail a", "a:running b:pending | world a"),
    ("a: run undo; b: run undo rollback", "begin; go a; ok a; go b; fail b", "a:done b:failed | undo b.1"),
    ("a: run undo rollback; b: run", "begin; go a; stop; stopped a", "a:failed b:pending | decide a"),
    ("a: run undo rollback; b: run", "begin; go a; stop; fail a", "a:failed b:pending | decide a"),
    ("a: run verify undo rollback", "begin; go a; ok a; stop; bad a", "a:failed | decide a"),
    ("a: run verify undo rollback", "begin; go a; stop; fail a; verify a; pass a", "a:failed | decide a"),
    ("a: run verify undo rollback", "begin; go a; ok a; stop; bad a; verify a; bad a", "a:failed | decide a"),
    ("a: run verify stop", "begin; go a; ok a; bad a; resume; verify a; bad a", "a:failed | decide a"),
    ("a: check rollback", "begin; go a; bad a", "a:failed | over"),
    // Resume: what is out is unknown, and its probes are asked first. Nothing runs again by itself.
    ("a: run", "begin; resume", "a:pending | go a"),
    ("a: run", "begin; go a; resume", "a:unknown | decide a"),
    ("a: run verify", "begin; go a; resume", "a:unknown | world a"),
    ("a: run verify", "begin; go a; resume; pass a", "a:unknown | decide a"),
    ("a: run verify; b: run", "begin; go a; resume; pass a; hand a it holds", "a:done b:pending | go b"),
    ("a: run verify", "begin; go a; resume; pass a; verify a; pass a", "a:unknown | decide a"),
    ("a: run verify", "begin; go a; ok a; resume", "a:verifying | world a"),
    ("a: run verify; b: run", "begin; go a; ok a; resume; pass a", "a:done b:pending | go b"),
    ("a: run verify", "begin; go a; ok a; bad a; verify a; resume", "a:verifying | world a"),
    ("a: run verify", "begin; go a; resume; pass a; verify a; resume", "a:unknown | decide a"),
    ("a: run read-only", "begin; go a; resume", "a:pending | go a"),
    ("a: run read-only verify", "begin; go a; resume", "a:pending | go a"),
    ("a: check", "begin; go a; resume", "a:verifying | world a"),
    ("a: edit", "begin; go a; resume", "a:unknown | decide a"),
    ("a: edit", "begin; go a; saved a; resume", "a:unknown | decide a"),
    ("a: snapshot", "begin; go a; resume", "a:unknown | decide a"),
    ("a: manual", "begin; go a; resume", "a:waiting | person a"),
    ("a: question", "begin; resume", "a:waiting | person a"),
    ("a: run retry=3", "begin; go a; fail a; resume", "a:unknown | decide a"),
    ("a: run", "begin; go a; fail a; resume", "a:failed | decide a"),
    ("a: run", "begin; go a; stop; resume", "a:unknown | decide a"),
    ("a: run", "begin; pause; resume", "a:pending | go a"),
    // Captures are fetched again for a step that is unknown: with probes those judge, without them a person.
    ("a: run verify recapture", "begin; go a; resume; bad a; recapture a", "a:unknown | world a"),
    (
        "a: run verify recapture; b: run",
        "begin; go a; resume; bad a; recapture a; fetched a x=1; pass a",
        "a:done b:pending | go b",
    ),
    ("a: run verify recapture", "begin; go a; resume; bad a; recapture a; fetched a x=1; bad a", "a:failed | decide a"),
    ("a: run recapture", "begin; go a; resume; recapture a; fetched a x=1", "a:unknown | decide a"),
    // What it had printed was kept: its values are known, and a person decides all the same.
    ("a: run", "begin; go a; kept a x=1", "a:running | world a"),
    ("a: run", "begin; go a; kept a x=1; resume", "a:unknown | decide a"),
    ("a: run verify", "begin; go a; kept a x=1; resume; pass a", "a:unknown | decide a"),
    ("a: run; b: run", "begin; go a; kept a x=1; resume; hand a it ran", "a:done b:pending | go b"),
    ("a: run", "begin; go a; resume; kept a x=1", "a:unknown | decide a"),
    ("a: run", "begin; go a; resume; unkept a", "a:unknown | decide a"),
    ("a: run undo", "begin; go a; ok a; rollback; undo a.1; kept a.1; resume", "a:done | decide a.1"),
    ("a: run recapture", "begin; go a; resume; recapture a; unfetched a", "a:unknown | decide a"),
    ("a: run verify recapture", "begin; go a; resume; bad a; recapture a; resume", "a:unknown | decide a"),
    ("a: run recapture", "begin; go a; fail a; recapture a; unfetched a", "a:failed | decide a"),
    (
        "a: run verify recapture rollback",
        "begin; go a; resume; bad a; recapture a; fetched a; bad a",
        "a:failed | decide a",
    ),
    // Rollback: the steps that started, newest first.
    ("a: run undo; b: run undo", "begin; go a; ok a; go b; ok b; rollback", "a:done b:done | undo b.1"),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback; undo b.1; ok b.1",
        "a:done b:undone c:pending | undo a.1",
    ),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; undo a.1", "a:done c:pending | world a.1"),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    ("a: run undo undo; c: run", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:done c:pending | undo a.2"),
    ("a: run undo-verified; c: run", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:done c:pending | world a.1"),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; warn a.1",
        "a:undone c:pending | over",
    ),
    ("a: run undo-check; c: run", "begin; go a; ok a; rollback; undo a.1", "a:done c:pending | world a.1"),
    ("a: run undo-hand; c: run", "begin; go a; ok a; rollback; undo a.1", "a:done c:pending | person a.1"),
    ("a: run undo-hand; c: run", "begin; go a; ok a; rollback; undo a.1; answer a.1", "a:undone c:pending | over"),
    ("a: edit; c: run", "begin; go a; saved a; ok a; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    ("a: snapshot undo; c: run", "begin; go a; saved a; rollback; undo a.1; ok a.1", "a:done c:pending | undo a.2"),
    // Failed, unknown, waiting, by hand: all of them are undone.
    ("a: run undo", "begin; go a; fail a; rollback; undo a.1; ok a.1", "a:undone | over"),
    ("a: run undo", "begin; go a; resume; rollback; undo a.1; ok a.1", "a:undone | over"),
    ("a: manual undo", "begin; go a; rollback; undo a.1; ok a.1", "a:undone | over"),
    ("a: run undo; c: run", "begin; hand a done; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    ("a: run undo; c: run", "begin; go a; fail a; skip a no; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    ("a: run undo continue; c: run", "begin; go a; fail a; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    ("a: edit; c: run", "begin; hand a done; rollback; undo a.1", "a:done c:pending | person a.1"),
    ("a: edit; c: run", "begin; hand a done; rollback; undo a.1; hand a.1 put back", "a:undone c:pending | over"),
    (
        "a: edit; c: run",
        "begin; go a; saved a; fail a; hand a done; rollback; undo a.1",
        "a:done c:pending | world a.1",
    ),
    // An action that fails offers again, by hand, skip; a skipped one leaves the rollback incomplete.
    ("a: run undo; c: run", "begin; go a; ok a; rollback; undo a.1; fail a.1", "a:done c:pending | decide a.1"),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1; undo a.1; ok a.1",
        "a:undone c:pending | over",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1; hand a.1 did it",
        "a:undone c:pending | over",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1; skip a.1 gave up",
        "a:stuck c:pending | incomplete",
    ),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; skip a.1 no need", "a:stuck c:pending | incomplete"),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback; skip b.1 no; undo a.1; ok a.1",
        "a:undone b:stuck c:pending | incomplete",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; skip a.1 no; rollback; undo a.1; ok a.1",
        "a:undone c:pending | over",
    ),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; skip a.1 no; abandon enough", "a:stuck c:pending | over"),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; bad a.1",
        "a:done c:pending | decide a.1",
    ),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; bad a.1; verify a.1; pass a.1",
        "a:undone c:pending | over",
    ),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1; verify a.1; pass a.1",
        "a:done c:pending | decide a.1",
    ),
    (
        "a: run undo-check; c: run",
        "begin; go a; ok a; rollback; undo a.1; bad a.1; verify a.1; pass a.1",
        "a:undone c:pending | over",
    ),
    (
        "a: run undo-hand-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; answer a.1; bad a.1; verify a.1; pass a.1",
        "a:undone c:pending | over",
    ),
    // A crash in the middle of a rollback resumes the rollback.
    ("a: run undo; c: run", "begin; go a; ok a; rollback; resume", "a:done c:pending | undo a.1"),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; undo a.1; resume", "a:done c:pending | decide a.1"),
    ("a: run undo-verified; c: run", "begin; go a; ok a; rollback; undo a.1; resume", "a:done c:pending | world a.1"),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; resume; pass a.1",
        "a:done c:pending | decide a.1",
    ),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; resume; pass a.1",
        "a:undone c:pending | over",
    ),
    ("a: run undo-hand; c: run", "begin; go a; ok a; rollback; undo a.1; resume", "a:done c:pending | person a.1"),
    (
        "a: edit; c: run",
        "begin; go a; saved a; ok a; rollback; undo a.1; resume; undo a.1; ok a.1",
        "a:undone c:pending | over",
    ),
    ("a: run undo; c: run", "begin; go a; ok a; rollback; skip a.1 no; resume", "a:stuck c:pending | incomplete"),
    // What cannot be undone: a way forward runs as the action; without one it stays, and is told.
    ("a: run irreversible undo; c: run", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:undone c:pending | over"),
    (
        "a: run irreversible; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback; undo b.1; ok b.1",
        "a:done b:undone c:pending | over",
    ),
    ("a: run irreversible; c: run", "begin; go a; ok a; rollback", "a:done c:pending | over"),
    // Back to a step: the run stands before it, open, and is walked again from there.
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback b; undo b.1; ok b.1",
        "a:done b:undone c:pending | go b",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback b; undo b.1; ok b.1; go b; ok b",
        "a:done b:done c:pending | go c",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback b; undo b.1; ok b.1; rollback",
        "a:done b:undone c:pending | undo a.1",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback b; undo b.1; ok b.1; rollback; undo a.1; ok a.1",
        "a:undone b:undone c:pending | over",
    ),
    (
        "a: run undo; b: check; c: run",
        "begin; go a; ok a; go b; pass b; rollback b",
        "a:done b:pending c:pending | go b",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback a; skip b.1 no; undo a.1; ok a.1",
        "a:undone b:stuck c:pending | go a",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback a; skip b.1 no; undo a.1; ok a.1; go a; ok a",
        "a:done b:stuck c:pending | decide b",
    ),
    (
        "a: question; b: run undo; c: run",
        "begin; answer a; go b; ok b; rollback a; undo b.1; ok b.1",
        "a:waiting b:undone c:pending | person a",
    ),
    (
        "@input env; a: run undo when=env:prod; b: run undo",
        "begin env=test; go b; fail b; rollback b; undo b.1; ok b.1",
        "a:out b:undone | go b",
    ),
    (
        "a: run undo; b: run undo; c: run",
        "begin; go a; ok a; go b; ok b; rollback; rollback b; undo b.1; ok b.1",
        "a:done b:undone c:pending | go b",
    ),
    // After a whole rollback without a failure: after_rollback is walked.
    (
        "a: run undo; c: run; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1",
        "a:undone c:pending z:pending | go z",
    ),
    (
        "a: run undo; c: run; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go z; ok z",
        "a:undone c:pending z:done | over",
    ),
    (
        "a: run undo; c: run; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go z; fail z; skip z no",
        "a:undone c:pending z:skipped | over",
    ),
    (
        "a: run undo; c: run; z: run after rollback",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go z; fail z",
        "a:undone c:pending z:failed | decide z",
    ),
    (
        "a: run undo; c: run; z: run after",
        "begin; go a; ok a; rollback; skip a.1 no",
        "a:stuck c:pending z:pending | incomplete",
    ),
    (
        "a: run undo; c: run; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go z; resume",
        "a:undone c:pending z:unknown | decide z",
    ),
    (
        "a: run undo; c: run; y: run after undo; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go y; ok y; rollback y; undo y.1; ok y.1",
        "a:undone c:pending y:undone z:pending | go y",
    ),
    (
        "a: run undo; c: run; y: run after undo; z: run after",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go y; ok y; rollback; undo y.1; ok y.1",
        "a:undone c:pending y:undone z:pending | go y",
    ),
    // A run that is over can be rolled back.
    ("a: run undo; z: run after", "begin; go a; ok a; rollback", "a:done z:pending | undo a.1"),
    ("a: run undo", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:undone | over"),
    (
        "a: run undo; b: run undo",
        "begin; go a; ok a; go b; ok b; rollback b; undo b.1; ok b.1; go b; ok b",
        "a:done b:done | over",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; abandon enough; rollback; undo a.1; ok a.1",
        "a:undone c:pending | over",
    ),
    // A connection that was lost: unknown as after a crash, its probes first; what only reads has failed.
    ("a: run retry=3; b: run", "begin; go a; lost a", "a:unknown b:pending | decide a"),
    ("a: run verify", "begin; go a; lost a", "a:unknown | world a"),
    ("a: run verify", "begin; go a; lost a; pass a", "a:unknown | decide a"),
    ("a: run rollback", "begin; go a; lost a", "a:unknown | decide a"),
    ("a: run read-only", "begin; go a; lost a", "a:failed | decide a"),
    ("a: run undo", "begin; go a; ok a; rollback; undo a.1; lost a.1", "a:done | decide a.1"),
    // Approval: each role in turn, then the walk goes on; what was refused is for a person to decide.
    ("a: approval=dba+owner; b: run", "begin", "a:waiting b:pending | approve a dba"),
    ("a: approval=dba+owner; b: run", "begin; approve a dba Ada", "a:waiting b:pending | approve a owner"),
    ("a: approval=dba+owner; b: run", "begin; approve a dba Ada; approve a owner Ada", "a:done b:pending | go b"),
    ("a: approval=dba verify", "begin; approve a dba Ada", "a:verifying | world a"),
    ("a: approval=dba; b: run", "begin; decline a dba Ada not today", "a:failed b:pending | decide a"),
    ("a: approval=dba; b: run", "begin; decline a dba Ada not today; go a", "a:waiting b:pending | approve a dba"),
    ("a: approval=dba+owner", "begin; approve a dba Ada; decline a owner Bo no; go a", "a:waiting | approve a dba"),
    ("a: approval=dba; b: run", "begin; skip a nobody is here", "a:skipped b:pending | go b"),
    ("a: approval=dba; b: run", "begin; resume", "a:waiting b:pending | approve a dba"),
    ("a: approval=dba; @sign dba", "begin; approve a dba Ada", "a:done | sign dba"),
    // Roles sign in any order; the operator signs as that, whoever else must differ.
    ("a: approval=dba+owner; b: run", "begin; approve a owner Ada", "a:waiting b:pending | approve a dba"),
    ("a: run; @sign operator reviewer", "begin; go a; ok a; sign reviewer Bo", "a:done | sign operator"),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a; sign operator Eve; sign reviewer Bo",
        "a:done | over",
    ),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a; key reviewer Bo K1; key operator Eve K2",
        "a:done | over",
    ),
    // A step that is signed once it is done.
    ("a: run signs=dba; b: run", "begin; go a; ok a", "a:done b:pending | approve a dba"),
    ("a: run verify signs=dba; b: run", "begin; go a; ok a", "a:verifying b:pending | world a"),
    ("a: run verify signs=dba; b: run", "begin; go a; ok a; warn a", "a:warned b:pending | approve a dba"),
    ("a: run signs=dba+owner; b: run", "begin; go a; ok a; approve a owner Bo", "a:done b:pending | approve a dba"),
    (
        "a: run signs=dba+owner; b: run",
        "begin; go a; ok a; approve a owner Bo; approve a dba Cy",
        "a:done b:pending | go b",
    ),
    ("a: run signs=dba+owner", "begin; go a; ok a; approve a owner Bo; decline a dba Cy no", "a:failed | decide a"),
    (
        "a: run signs=dba+owner",
        "begin; go a; ok a; approve a owner Bo; decline a dba Cy no; go a; ok a",
        "a:done | approve a dba",
    ),
    (
        "a: run verify signs=dba",
        "begin; go a; ok a; pass a; decline a dba Cy no; verify a; pass a",
        "a:done | approve a dba",
    ),
    ("a: run signs=dba; b: run", "begin; hand a so", "a:done b:pending | approve a dba"),
    ("a: run signs=dba; b: run", "begin; skip a no", "a:skipped b:pending | go b"),
    ("a: run signs=dba; b: run", "begin; go a; ok a; skip a nobody is here", "a:done b:pending | go b"),
    ("a: run signs=dba; b: run", "begin; go a; ok a; pause; resume", "a:done b:pending | approve a dba"),
    ("a: run undo signs=dba; b: run", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:undone b:pending | over"),
    ("a: run signs=dba", "begin; go a; ok a; approve a dba Bo", "a:done | over"),
    ("a: run signs=dba continue; b: run", "begin; go a; fail a", "a:failed b:pending | go b"),
    // Sign-off: each role in turn; after a rollback a signature no longer stands.
    ("a: run; @sign operator reviewer", "begin; go a; ok a", "a:done | sign operator"),
    ("a: run; @sign operator reviewer", "begin; go a; ok a; sign operator Ada", "a:done | sign reviewer"),
    ("a: run; @sign operator reviewer", "begin; go a; ok a; sign operator Ada; sign reviewer Ada", "a:done | over"),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a; sign operator Ada; sign reviewer Grace",
        "a:done | over",
    ),
    ("a: run; @sign operator", "begin; go a; ok a; refuse operator Ada the logs are red", "a:done | sign operator"),
    (
        "a: run; @sign operator",
        "begin; go a; ok a; refuse operator Ada the logs are red; sign operator Ada",
        "a:done | over",
    ),
    ("a: run; @sign operator", "begin; go a; ok a; resume", "a:done | sign operator"),
    (
        "a: run undo; @sign operator reviewer",
        "begin; go a; ok a; sign operator Ada; rollback a; undo a.1; ok a.1; go a; ok a",
        "a:done | sign operator",
    ),
    ("a: run undo; @sign operator", "begin; go a; ok a; rollback; undo a.1; ok a.1", "a:undone | over"),
    // Evidence: the step is done once it is there; what the program gives it gives by itself.
    ("a: run evidence=text; c: run", "begin; go a; ok a", "a:waiting c:pending | proof a 1"),
    ("a: run evidence=text; c: run", "begin; go a; ok a; proof a it is so", "a:done c:pending | go c"),
    ("a: run verify evidence=text; c: run", "begin; go a; ok a; bad a", "a:failed c:pending | decide a"),
    ("a: run verify evidence=text; c: run", "begin; go a; ok a; warn a; proof a so", "a:warned c:pending | go c"),
    ("a: run evidence=text evidence=file; c: run", "begin; go a; ok a; proof a so", "a:waiting c:pending | proof a 2"),
    ("a: run evidence=text evidence=file", "begin; go a; ok a; proof a so; file a", "a:done | over"),
    ("a: run evidence=text", "begin; go a; ok a; lacks a nobody knows", "a:done | over"),
    ("a: run evidence=text?", "begin; go a; ok a; lacks a", "a:done | over"),
    ("a: run evidence=output evidence=text", "begin; go a; ok a", "a:waiting | world a"),
    ("a: run evidence=output evidence=text", "begin; go a; ok a; output a", "a:waiting | proof a 2"),
    ("a: run evidence=output", "begin; go a; ok a; resume; output a", "a:done | over"),
    ("a: run evidence=output", "begin; go a; ok a; lacks a it is gone", "a:done | over"),
    ("a: run evidence=output", "begin; hand a done; lacks a by hand", "a:done | over"),
    ("a: run evidence=made evidence=text", "begin; go a; ok a", "a:waiting | proof a 2"),
    ("a: run evidence=text", "begin; hand a done", "a:waiting | proof a 1"),
    ("a: run evidence=text", "begin; skip a no", "a:skipped | over"),
    ("a: run continue evidence=text", "begin; go a; fail a", "a:failed | over"),
    ("a: manual evidence=text", "begin; go a; answer a", "a:waiting | proof a 1"),
    ("a: question evidence=text", "begin; answer a; note hello; pause; resume", "a:waiting | proof a 1"),
    ("a: run undo evidence=text", "begin; go a; ok a; rollback", "a:done | undo a.1"),
    (
        "a: run undo evidence=text; c: run",
        "begin; go a; ok a; proof a so; rollback a; undo a.1; ok a.1; go a; ok a",
        "a:waiting c:pending | proof a 1",
    ),
    ("a: run evidence=text", "begin; go a; ok a; abandon enough", "a:waiting | over"),
    (
        "a: run evidence=text; z: run after evidence=text; b: run undo",
        "begin; go a; ok a; proof a so; go b; ok b; rollback; undo b.1; ok b.1; go z; ok z",
        "a:done b:undone z:waiting | proof z 1",
    ),
    // Lines to tick.
    ("a: ticks; c: run", "begin; go a; tick a 1; tick a 2; answer a", "a:done c:pending | go c"),
    ("a: ticks; c: run", "begin; go a; tick a 1; resume; tick a 2; answer a", "a:done c:pending | go c"),
    (
        "a: run undo-ticks; c: run",
        "begin; go a; ok a; rollback; undo a.1; tick a.1 1; tick a.1 2; answer a.1",
        "a:undone c:pending | over",
    ),
    // What stays to be done after the run is done.
    ("a: run undo; @follow", "begin; go a; ok a; followed 1", "a:done | over"),
    ("a: run undo; @follow", "begin; go a; ok a; followed 1; rollback; undo a.1; ok a.1", "a:undone | over"),
    // Clearing up, and a crash in it.
    ("a: run; @temporary", "begin; go a; ok a", "a:done | closing"),
    ("a: run; @temporary", "begin; go a; ok a; removed", "a:done | over"),
    ("a: run; @temporary", "begin; go a; ok a; resume", "a:done | closing"),
    ("a: run; @temporary", "begin; go a; ok a; pause; resume; removed", "a:done | over"),
    ("a: run; @temporary", "begin; abandon enough; removed", "a:pending | over"),
];

#[test]
fn stories_end_where_they_should() {
    for (plan, words, marks) in STORIES {
        assert_eq!(&Story::of(plan).told(words).marks(), marks, "\nplan: {plan}\nsaid: {words}");
    }
}

/// Plan; what was said before; what is said; the records and the effects of it.
const TURNS: &[(&str, &str, &str, &str)] = &[
    ("a: run", "", "begin", "begun >"),
    ("a: question", "", "begin", "begun, started a#1 >"),
    ("@input env; a: run when=env:x; b: run", "", "begin env=y", "begun, left out a >"),
    ("a: run", "begin", "go a", "started a#1 > perform a#1"),
    ("a: check", "begin", "go a", "started a#1 > probe a"),
    ("a: manual", "begin", "go a", "started a#1 >"),
    ("a: run log", "begin", "go a", "started a#1 > save a#1"),
    ("a: run log", "begin; go a", "saved a", "saved a > perform a#1"),
    ("a: run log retry=2", "begin; go a; saved a", "fail a", "performed a#1 failed, retried a#2 > save a#2"),
    ("a: run log retry=2", "begin; go a; saved a; fail a", "saved a", "saved a > perform a#2 after 2s"),
    ("a: manual log", "begin; go a", "saved a", "saved a >"),
    ("a: check log", "begin; go a", "saved a", "saved a > probe a"),
    ("a: edit", "begin", "go a", "started a#1 > save a#1"),
    ("a: edit", "begin; go a", "saved a", "saved a > edit a#1"),
    ("a: run irreversible; b: edit", "begin", "go a", "look ahead from a > look ahead from a at b"),
    (
        "@input env; a: run irreversible; b: edit when=env:x; c: edit when=later:x; d: edit when=env:y; e: snapshot; z: edit after",
        "begin env=y",
        "go a",
        "look ahead from a > look ahead from a at d e",
    ),
    ("a: run irreversible; b: edit", "begin; go a", "clear a", "looked ahead from a clear, started a#1 > perform a#1"),
    ("a: manual irreversible; b: edit", "begin; go a", "clear a", "looked ahead from a clear, started a#1 >"),
    ("a: run irreversible; b: edit", "begin; go a", "refused a b", "looked ahead from a refused >"),
    ("a: run irreversible stop; b: edit", "begin; go a", "refused a b", "looked ahead from a refused, paused > leave"),
    (
        "a: run irreversible; b: edit",
        "begin; go a; refused a b",
        "anyway a so be it",
        "started a#1 despite > perform a#1",
    ),
    ("a: run irreversible; b: run", "begin", "go a", "started a#1 > perform a#1"),
    ("a: edit; b: run irreversible", "begin; go a; saved a; ok a", "go b", "started b#1 > perform b#1"),
    ("a: snapshot", "begin", "go a", "started a#1 > save a#1"),
    ("a: snapshot verify", "begin; go a", "saved a", "saved a > probe a"),
    ("a: generate", "begin", "go a", "started a#1 > perform a#1"),
    ("a: wait", "begin", "go a", "started a#1 > perform a#1"),
    ("a: run verify", "begin; go a", "ok a", "performed a#1 ok > probe a"),
    ("a: manual verify", "begin; go a", "answer a", "answered a > probe a"),
    ("a: run", "begin; go a", "ok a", "performed a#1 ok, closing completed, ended completed > close, leave"),
    ("a: run; @temporary", "begin; go a", "ok a", "performed a#1 ok, closing completed > remove temporary"),
    ("a: run; @temporary", "begin; go a; ok a", "removed", "removed, ended completed > close, leave"),
    ("a: run; @temporary", "begin; go a; ok a", "resume", "resumed > remove temporary"),
    ("a: run", "begin; go a", "stop", "stop a > stop a"),
    ("a: until-enough", "begin; go a", "enough a", "enough a > enough a"),
    ("a: run", "begin; go a; stop", "stop!", "stop! a > stop! a"),
    ("a: run retry=2", "begin; go a", "fail a", "performed a#1 failed, retried a#2 > perform a#2 after 2s"),
    ("a: edit retry=2", "begin; go a", "fail a", "performed a#1 failed, retried a#2 > save a#2"),
    ("a: run", "begin; go a; fail a", "go a", "started a#2 > perform a#2"),
    ("a: run stop", "begin; go a", "fail a", "performed a#1 failed, paused > leave"),
    ("a: run continue; b: question", "begin; go a", "fail a", "performed a#1 failed, passed over a, started b#1 >"),
    ("a: run undo rollback", "begin; go a", "fail a", "performed a#1 failed, rollback all by policy >"),
    (
        "a: check rollback",
        "begin; go a",
        "bad a",
        "probed a bad, rollback all by policy, rollback ended 0, closing rolledback, ended rolledback > close, leave",
    ),
    ("a: run verify", "begin; go a; ok a; bad a", "verify a", "verify again a > probe a"),
    ("a: run recapture", "begin; go a; resume", "recapture a", "recapture a > fetch a"),
    ("a: run verify recapture", "begin; go a; resume; bad a; recapture a", "fetched a", "recaptured a ok > probe a"),
    ("a: run recapture", "begin; go a; resume; recapture a", "fetched a", "recaptured a ok >"),
    ("a: run", "begin; go a", "resume", "resumed >"),
    ("a: run verify", "begin; go a", "resume", "resumed > probe a"),
    ("a: run verify", "begin; go a; ok a", "resume", "resumed > probe a"),
    ("a: check", "begin; go a", "resume", "resumed > probe a"),
    ("a: run read-only", "begin; go a", "resume", "resumed >"),
    ("a: question; b: run", "", "begin", "begun, started a#1 >"),
    ("a: run", "begin", "pause", "paused > leave"),
    ("a: run; b: question", "begin", "note hello", "note >"),
    // What is done beside the walk starts nothing, and is written down once.
    ("a: run; b: question", "begin; skip a no", "look a", "looked at a >"),
    ("a: run; b: question", "begin; go a", "look a", "looked at a >"),
    ("a: run; b: run", "begin; go a; ok a *key", "copy key", "secret copied key >"),
    ("a: run; b: question", "begin; go a", "attached Ada", "presence >"),
    ("a: run; b: question", "begin", "attached Ada", "presence >"),
    ("a: run", "begin", "abandon enough", "closing abandoned, ended abandoned > close, leave"),
    ("a: run undo; c: run", "begin; go a; ok a", "rollback", "rollback all >"),
    ("a: run undo; c: run", "begin; go a; ok a; rollback", "undo a.1", "started a.1#1 > perform a.1#1"),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1",
        "undo a.1",
        "started a.1#2 > perform a.1#2",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; fail a.1; rollback",
        "undo a.1",
        "started a.1#2 > perform a.1#2",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback; undo a.1; resume",
        "undo a.1",
        "started a.1#2 > perform a.1#2",
    ),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback a; undo a.1; ok a.1; go a; ok a; rollback",
        "undo a.1",
        "started a.1#2 > perform a.1#2",
    ),
    ("a: edit; c: run", "begin; go a; saved a; ok a; rollback", "undo a.1", "started a.1#1 > restore a.1#1 of 1"),
    ("a: edit; c: run", "begin; go a; fail a; rollback", "undo a.1", "started a.1#1 > restore a.1#1 of 0"),
    ("a: edit; c: run", "begin; hand a done; rollback", "undo a.1", "started a.1#1 >"),
    (
        "a: run undo-verified; c: run",
        "begin; go a; ok a; rollback; undo a.1",
        "ok a.1",
        "performed a.1#1 ok > probe a.1",
    ),
    (
        "a: run undo; z: question after",
        "begin; go a; ok a; rollback; undo a.1",
        "ok a.1",
        "performed a.1#1 ok, rollback ended 0, started z#1 >",
    ),
    ("a: run undo; c: run", "begin; go a; ok a; rollback", "skip a.1 no", "skipped a.1, rollback ended 1 >"),
    (
        "a: run; @sign operator",
        "begin; go a; ok a",
        "sign operator Ada",
        "signed operator, closing completed, ended completed > close, leave",
    ),
    ("a: run; @sign operator", "begin; go a; ok a", "refuse operator Ada red logs", "refused operator >"),
    ("a: run evidence=output; c: run", "begin; go a", "ok a", "performed a#1 ok > keep output a#1 as 1"),
    ("a: run evidence=output; c: run", "begin", "hand a done", "by hand a > keep output a#- as 1"),
    ("a: run evidence=output; c: run", "begin; go a; ok a", "resume", "resumed > keep output a#1 as 1"),
    ("a: run evidence=output; c: run", "begin; go a; ok a", "note hello", "note >"),
    (
        "a: run evidence=text evidence=output; c: run",
        "begin; go a; ok a",
        "proof a so",
        "proof 1 of a > keep output a#1 as 2",
    ),
    ("a: run evidence=made; c: run", "begin; go a", "ok a", "performed a#1 ok, no proof 1 of a >"),
    ("a: ticks; c: run", "begin; go a", "tick a 2", "ticked 2 of a >"),
    ("a: run; @follow", "begin; go a; ok a", "followed 1", "followed up 1 >"),
];

#[test]
fn a_turn_is_its_records_and_then_its_effects() {
    for (plan, before, said, expected) in TURNS {
        let turn = Story::of(plan).told(before).say(said);
        let turn = turn.unwrap_or_else(|refusal| panic!("{plan}: {before}: {said}: {refusal:?}"));
        assert_eq!(&told(&turn), expected, "\nplan: {plan}\nsaid: {before}; {said}");
    }
}

/// Plan; what was said before; what is refused; why.
const REFUSALS: &[(&str, &str, &str, &str)] = &[
    ("a: run", "", "go a", "NotBegun"),
    ("a: run", "begin", "begin", "BegunAlready"),
    ("a: run", "begin; go a; ok a", "go a", "Over"),
    ("a: run; b: run", "begin", "go b", r#"NotCurrent { step: StepId("b"), current: Some(StepId("a")) }"#),
    ("a: run", "begin", "go z", r#"NoSuchStep { step: "z" }"#),
    ("a: run", "begin", "rollback z", r#"NoSuchStep { step: "z" }"#),
    ("a: run", "begin; look a", "look a", r#"NotNow { what: "put on record what is there already" }"#),
    ("a: run", "begin", "look z", r#"NoSuchStep { step: "z" }"#),
    ("a: run", "begin", "hint a", r#"NotNow { what: "show what a does not have" }"#),
    ("a: run", "begin", "why a", r#"NotNow { what: "show what a does not have" }"#),
    ("a: run", "begin", "call Ada", r#"NotNow { what: "call Ada: the playbook names nobody so" }"#),
    ("a: run", "begin; go a; ok a", "look a", "Over"),
    ("a: run", "begin", "note-on z hello", r#"NoSuchStep { step: "z" }"#),
    ("a: run confirm", "begin", "go a", r#"NeedsConfirm { step: StepId("a") }"#),
    ("a: run confirm", "begin; go! a; fail a", "go a", r#"NeedsConfirm { step: StepId("a") }"#),
    ("a: run", "begin; go a", "go a", r#"Busy { step: StepId("a") }"#),
    ("a: run", "begin; go a", "rollback", r#"Busy { step: StepId("a") }"#),
    ("a: run", "begin; go a", "abandon enough", r#"Busy { step: StepId("a") }"#),
    ("a: run", "begin", "stop", "NothingRuns"),
    ("a: run", "begin; go a", "enough a", "NotNow { what: \"say that enough was seen\" }"),
    ("a: until-line", "begin; go a", "enough a", "NotNow { what: \"say that enough was seen\" }"),
    ("a: until-enough", "begin", "enough a", "NotNow { what: \"say that enough was seen\" }"),
    ("a: until-enough verify", "begin; go a; ok a", "enough a", "NotNow { what: \"say that enough was seen\" }"),
    ("a: until-enough", "begin; go a; enough a", "enough a", "NotNow { what: \"say that enough was seen\" }"),
    ("a: run", "begin", "abandon", "NeedsReason"),
    ("a: run", "begin", "note", "NeedsReason"),
    ("a: run", "begin", "skip a", "NeedsReason"),
    ("a: run", "begin", "hand a", "NeedsReason"),
    ("a: run undo; c: run", "begin; go a; ok a; rollback", "skip a.1", "NeedsReason"),
    ("a: run optional undo; c: run", "begin; go a; ok a; rollback", "skip a.1", "NeedsReason"),
    ("a: run", "begin", "rollback", "NothingToUndo"),
    ("a: run read-only; b: run", "begin; go a; ok a", "rollback", "NothingToUndo"),
    ("a: run undo; b: run undo", "begin; go a; ok a", "rollback b", r#"NotStarted { step: StepId("b") }"#),
    (
        "a: run undo; b: run",
        "begin; go a; ok a; rollback a; undo a.1; ok a.1",
        "rollback a",
        r#"NotStarted { step: StepId("a") }"#,
    ),
    ("a: run undo; b: run", "begin; go a; ok a; rollback a; undo a.1; ok a.1", "rollback", "NothingToUndo"),
    (
        "a: run undo; z: run after undo",
        "begin; go a; ok a; rollback; undo a.1; ok a.1; go z; ok z",
        "rollback z",
        r#"NotStarted { step: StepId("z") }"#,
    ),
    ("a: run", "begin; go a; fail a", "verify a", r#"NoProbes { step: StepId("a") }"#),
    ("a: run", "begin; go a; fail a", "recapture a", r#"NoRecapture { step: StepId("a") }"#),
    ("a: run verify", "begin", "verify a", r#"NotNow { what: "verify again" }"#),
    ("a: run; b: run undo", "begin; go a; ok a", "undo b.1", r#"NotNow { what: "undo" }"#),
    ("a: run undo undo; c: run", "begin; go a; ok a; rollback", "undo a.2", r#"NotNow { what: "undo" }"#),
    ("a: run undo; c: run", "begin; go a; ok a; rollback", "go a", r#"NotNow { what: "start" }"#),
    (
        "a: run undo; c: run",
        "begin; go a; ok a; rollback",
        "go c",
        r#"NotCurrent { step: StepId("c"), current: Some(StepId("a")) }"#,
    ),
    // Begin.
    ("@input env; a: run", "", "begin", r#"Missing { name: Name("env") }"#),
    ("@input env; @protected env=prod; a: run", "", "begin env=prod", r#"NeedsTyping { word: "prod" }"#),
    ("@input env; @protected env=prod; a: run", "", "begin env=prod !test", r#"NeedsTyping { word: "prod" }"#),
    (
        "@input *token; a: run",
        "",
        "begin token=CANARY-1",
        r#"Unfit { name: Name("token"), why: "is a secret and must be given as one, not as text" }"#,
    ),
    (
        "@input env; a: run",
        "",
        "begin *env",
        r#"Unfit { name: Name("env"), why: "is no secret and must be given as text" }"#,
    ),
    // Answers.
    ("a: ask=who", "begin", "answer a", r#"Missing { name: Name("who") }"#),
    (
        "a: ask=who",
        "begin",
        "answer a who=me other=x",
        r#"Unfit { name: Name("other"), why: "is not asked for here" }"#,
    ),
    (
        "a: ask=*token",
        "begin",
        "answer a token=CANARY-2",
        r#"Unfit { name: Name("token"), why: "is a secret and must be given as one, not as text" }"#,
    ),
    (
        "a: ask=*token",
        "begin",
        "answer a *token *other",
        r#"Unfit { name: Name("other"), why: "is not asked for here" }"#,
    ),
    ("a: run", "begin", "answer a", r#"NotNow { what: "answer" }"#),
    // Results that nothing waits for.
    ("a: run", "begin", "ok a", "Stale"),
    ("a: run", "begin; go a", "old a", "Stale"),
    ("a: run", "begin; go a", "pass a", "Stale"),
    ("a: run", "begin; go a", "saved a", "Stale"),
    ("a: run recapture", "begin; go a", "fetched a", "Stale"),
    ("a: run", "begin; go a; ok a", "kept a", "Over"),
    ("a: run; b: run", "begin; go a; ok a", "kept a", "Stale"),
    ("a: run", "begin; go a; fail a", "kept a", "Stale"),
    ("a: run verify", "begin; go a; ok a", "kept a", "Stale"),
    ("a: run recapture", "begin; go a; resume; recapture a", "ok a", "Stale"),
    ("a: run; b: run", "begin; go a; ok a; go b", "ok a", "Stale"),
    ("a: run verify", "begin; go a; ok a", "ok a", "Stale"),
    ("a: edit", "begin; go a; saved a", "saved a", "Stale"),
    ("a: edit; c: run", "begin; go a; saved a; ok a; rollback; undo a.1", "saved a.1", "Stale"),
    ("a: run", "begin; go a; resume", "ok a", "Stale"),
    ("a: run; @temporary", "begin", "removed", "Stale"),
    ("a: run irreversible; b: edit", "begin", "clear a", "Stale"),
    ("a: run irreversible; b: edit", "begin; go a", "ok a", "Stale"),
    ("a: run irreversible; b: edit", "begin; go a; clear a", "clear a", "Stale"),
    ("a: run irreversible recapture; b: edit", "begin; go a", "fetched a", "Stale"),
    ("a: run irreversible; b: edit", "begin; go a; refused a b", "anyway a", "NeedsReason"),
    (
        "a: run irreversible; b: edit",
        "begin; go a; clear a; fail a",
        "anyway a please",
        r#"NotNow { what: "go on anyway" }"#,
    ),
    // Sign-off.
    ("a: run; @sign operator", "begin", "sign operator Ada", r#"NotNow { what: "sign" }"#),
    ("a: approval=dba", "begin", "sign dba Ada", r#"NotNow { what: "sign" }"#),
    ("a: approval=dba+owner", "begin", "approve a boss Ada", r#"NoSuchRole { role: "boss" }"#),
    ("a: approval=dba+owner", "begin; approve a owner Ada", "approve a owner Bo", r#"NoSuchRole { role: "owner" }"#),
    ("a: approval=dba", "begin", "hand a said so", r#"NotNow { what: "mark as done by hand" }"#),
    ("a: approval=dba", "begin; decline a dba Ada no", "hand a said so", r#"NotNow { what: "approve by hand" }"#),
    ("a: approval=dba", "begin", "answer a", r#"NotNow { what: "answer" }"#),
    ("a: approval=dba+owner distinct", "begin; approve a dba Bo", "approve a owner bo", r#"MustDiffer { name: "bo" }"#),
    ("a: approval=dba distinct", "begin", "approve a dba EVE", r#"MustDiffer { name: "EVE" }"#),
    ("a: approval=dba", "begin", "decline a dba Ada", "NeedsReason"),
    ("a: run; @sign operator reviewer", "begin; go a; ok a", "sign auditor Ada", r#"NoSuchRole { role: "auditor" }"#),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a",
        "sign reviewer eve@example.org",
        r#"MustDiffer { name: "eve@example.org" }"#,
    ),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; pause; resume; go a; ok a",
        "sign reviewer ADA",
        r#"MustDiffer { name: "ADA" }"#,
    ),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; attached Cy; go a; ok a",
        "sign reviewer cy",
        r#"MustDiffer { name: "cy" }"#,
    ),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a; key reviewer Bo K1",
        "key operator Eve K1",
        r#"SameKey { name: "Bo" }"#,
    ),
    // A step that is signed once it is done.
    ("a: run signs=dba", "begin", "approve a dba Bo", r#"NotNow { what: "sign" }"#),
    (
        "a: run signs=dba; b: run",
        "begin; go a; ok a",
        "go b",
        r#"NotCurrent { step: StepId("b"), current: Some(StepId("a")) }"#,
    ),
    ("a: run signs=dba; b: run", "begin; go a; ok a", "go a", r#"NotNow { what: "start" }"#),
    ("a: run signs=dba; b: run", "begin; go a; ok a", "hand a so", r#"NotNow { what: "mark as done by hand" }"#),
    ("a: run optional signs=dba; b: run", "begin; go a; ok a", "skip a", "NeedsReason"),
    ("a: run signs=dba distinct", "begin; go a; ok a", "approve a dba Eve", r#"MustDiffer { name: "Eve" }"#),
    (
        "a: run signs=dba; b: run",
        "begin; go a; ok a; approve a dba Bo",
        "approve a dba Bo",
        r#"NotNow { what: "sign" }"#,
    ),
    ("a: run; @sign operator", "begin; go a; ok a", "sign operator", "NeedsReason"),
    ("a: run; @sign operator", "begin; go a; ok a", "refuse operator Ada", "NeedsReason"),
    (
        "a: run; @sign operator reviewer; @distinct",
        "begin; go a; ok a; sign operator Ada",
        "sign reviewer  ada",
        r#"MustDiffer { name: "ada" }"#,
    ),
    ("a: run evidence=text", "begin; go a; ok a", "lacks a", "NeedsReason"),
    ("a: run evidence=text", "begin; go a; ok a", "lacks a  ", "NeedsReason"),
    (
        "a: run evidence=text",
        "begin; go a; ok a",
        "proof a",
        r#"NoEvidence { step: StepId("a"), item: 1, why: "there is no text" }"#,
    ),
    (
        "a: run evidence=text",
        "begin; go a; ok a",
        "file a",
        r#"NoEvidence { step: StepId("a"), item: 1, why: "a text is wanted" }"#,
    ),
    (
        "a: run evidence=output",
        "begin; go a; ok a",
        "proof a so",
        r#"NoEvidence { step: StepId("a"), item: 1, why: "the program itself gives it" }"#,
    ),
    ("a: run evidence=text", "begin; go a", "proof a so", r#"NotNow { what: "give evidence" }"#),
    (
        "a: run evidence=text; b: run",
        "begin; go a; ok a",
        "proof b so",
        r#"NotCurrent { step: StepId("b"), current: Some(StepId("a")) }"#,
    ),
    ("a: run evidence=text; b: run", "begin; go a; ok a", "go a", r#"NotNow { what: "start" }"#),
    ("a: run evidence=text; b: run", "begin; go a; ok a", "skip a no", r#"NotNow { what: "skip" }"#),
    ("a: ticks", "begin; go a", "answer a", r#"Unticked { step: StepId("a"), lines: 2 }"#),
    (
        "a: ticks",
        "begin; go a; tick a 1; untick a 1; tick a 2",
        "answer a",
        r#"Unticked { step: StepId("a"), lines: 1 }"#,
    ),
    ("a: ticks", "begin; go a", "tick a 3", r#"NotNow { what: "tick that line" }"#),
    ("a: ticks", "begin", "tick a 1", r#"NotNow { what: "tick that line" }"#),
    (
        "a: run; @follow",
        "begin; go a",
        "followed 1",
        r#"NoFollowUp { item: 1, why: "the run is not completed, so nothing is to be followed up" }"#,
    ),
    (
        "a: run; @follow",
        "begin; go a; ok a",
        "followed 2",
        r#"NoFollowUp { item: 2, why: "the playbook has no such item" }"#,
    ),
    (
        "a: run; @follow",
        "begin; go a; ok a; followed 1",
        "followed 1",
        r#"NoFollowUp { item: 1, why: "it is done already" }"#,
    ),
    (
        "a: run; @follow",
        "begin; abandon enough",
        "followed 1",
        r#"NoFollowUp { item: 1, why: "the run is not completed, so nothing is to be followed up" }"#,
    ),
    ("a: run; @temporary", "begin; go a; ok a", "go a", "Over"),
    ("a: run; @temporary", "begin; go a; ok a", "rollback", "Over"),
];

#[test]
fn a_refusal_says_why_and_changes_nothing() {
    for (plan, before, said, expected) in REFUSALS {
        let mut story = Story::of(plan).told(before);
        let run = story.engine.run().clone();
        let refusal = story.say(said).expect_err(&format!("{plan}: {before}: {said}"));
        assert_eq!(&format!("{refusal:?}"), expected, "\nplan: {plan}\nsaid: {before}; {said}");
        assert_eq!(story.engine.run(), &run, "a refusal changes nothing");
    }
}

/// Every state in which a run can be, with the words that lead there. `x` is what the inputs of the grid are about.
const STATES: &[(&str, &str, &str)] = &[
    ("briefing", "", "a"),
    ("go", "begin", "a"),
    ("runs", "begin; go a", "a"),
    ("verifies", "begin; go a; ok a", "a"),
    ("failed", "begin; go a; fail a", "a"),
    ("differs", "begin; go a; ok a; bad a", "a"),
    ("unknown", "begin; go a; resume; pass a", "a"),
    ("asked", "begin; go a; resume", "a"),
    ("fetches", "begin; go a; fail a; recapture a", "a"),
    ("copies", "begin; skip a no; go e", "e"),
    ("edits", "begin; skip a no; go e; saved e", "e"),
    ("person", "begin; skip a no; skip e no; go p", "p"),
    ("undo", "begin; go a; ok a; pass a; rollback", "a.1"),
    ("undoes", "begin; go a; ok a; pass a; rollback; undo a.1", "a.1"),
    ("checks", "begin; go a; ok a; pass a; rollback; undo a.1; ok a.1", "a.1"),
    ("undo?", "begin; go a; ok a; pass a; rollback; undo a.1; fail a.1", "a.1"),
    ("by hand", "begin; skip a no; skip e no; go p; rollback; undo p.1", "p.1"),
    ("stuck", "begin; go a; ok a; pass a; rollback; skip a.1 no", "a"),
    ("again", "begin; go a; ok a; pass a; rollback a; skip a.1 no", "a"),
    ("after", "begin; go a; fail a; rollback; undo a.1; ok a.1; pass a.1", "z"),
    ("sign", "begin; go a; fail a; skip a no; skip e no; skip p no", "p"),
    ("closing", "begin; go a; fail a; skip a no; skip e no; skip p no; sign operator Ada", "p"),
    ("over", "begin; go a; fail a; skip a no; skip e no; skip p no; sign operator Ada; removed", "p"),
];

const EVERYTHING: &str = "a: run verify recapture undo-verified; e: edit; p: manual verify undo-hand; z: run after; \
                          @sign operator; @temporary";

/// Every input in every state: `+` it is accepted; else why not.
///
/// `b` not begun, or begun already · `o` over · `n` not now · `c` another step's turn · `r` something runs, or nothing
/// does · `s` stale · `x` there is nothing of the kind (no probes, no recapture, no such action, nothing to undo).
#[rustfmt::skip]
const GRID: &str = r"
                        briefing go       runs     verifies failed   differs  unknown  asked    fetches  copies   edits    person   undo     undoes   checks   undo?    by hand  stuck    again    after    sign     closing  over
begin                   +        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        b        o
go x                    b        +        r        r        +        +        +        r        r        r        r        n        n        r        r        n        n        c        +        +        c        o        o
answer x                b        n        r        r        n        n        n        r        r        r        r        +        n        r        r        n        +        c        n        n        c        o        o
saved x                 b        s        s        s        s        s        s        s        s        +        s        s        s        s        s        s        s        s        s        s        s        o        o
ok x                    b        s        +        s        s        s        s        s        s        s        +        s        s        +        s        s        s        s        s        s        s        o        o
fail x                  b        s        +        s        s        s        s        s        s        +        +        s        s        +        s        s        s        s        s        s        s        o        o
pass x                  b        s        s        +        s        s        s        +        s        s        s        s        s        s        +        s        s        s        s        s        s        o        o
bad x                   b        s        s        +        s        s        s        +        s        s        s        s        s        s        +        s        s        s        s        s        s        o        o
fetched x               b        s        s        s        s        s        s        s        +        s        s        s        s        s        s        s        s        s        s        s        s        o        o
kept x                  b        s        +        s        s        s        +        s        s        +        +        s        s        +        s        s        s        s        s        s        s        o        o
verify x                b        n        r        r        +        +        +        r        r        r        r        n        n        r        r        +        n        c        +        n        c        o        o
recapture x             b        n        r        r        +        +        +        r        r        r        r        n        n        r        r        n        n        c        +        n        c        o        o
hand x done             b        +        r        r        +        +        +        r        r        r        r        +        +        r        r        +        +        c        +        +        c        o        o
skip x no               b        +        r        r        +        +        +        r        r        r        r        +        +        r        r        +        +        c        +        +        c        o        o
stop                    b        r        +        +        r        r        r        +        +        +        +        r        r        +        +        r        r        r        r        r        r        o        o
note hello              b        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        o
attached Ada            b        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        o
rollback                b        x        r        r        +        +        +        r        r        r        r        +        +        r        r        +        +        +        +        x        +        o        +
rollback a              b        x        r        r        +        +        +        r        r        r        r        x        +        r        r        +        x        +        +        x        +        o        +
undo x                  b        n        r        r        n        n        n        r        r        r        r        n        +        r        r        +        n        c        n        n        c        o        o
sign operator Ada       b        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        +        o        o
refuse operator Ada no  b        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        n        +        o        o
removed                 b        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        s        +        o
resume                  b        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        o
pause                   b        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        +        o
abandon enough          b        +        r        r        +        +        +        r        r        r        r        +        +        r        r        +        +        +        +        +        +        o        o";

#[test]
fn every_input_in_every_state() {
    let inputs = [
        "begin",
        "go x",
        "answer x",
        "saved x",
        "ok x",
        "fail x",
        "pass x",
        "bad x",
        "fetched x",
        "kept x",
        "verify x",
        "recapture x",
        "hand x done",
        "skip x no",
        "stop",
        "note hello",
        "attached Ada",
        "rollback",
        "rollback a",
        "undo x",
        "sign operator Ada",
        "refuse operator Ada no",
        "removed",
        "resume",
        "pause",
        "abandon enough",
    ];
    let mut grid = format!("{:<23}", "");
    for (name, _, _) in STATES {
        let _ = write!(grid, " {name:<8}");
    }
    for said in inputs {
        grid = format!("{}\n{said:<23}", grid.trim_end());
        for (_, before, x) in STATES {
            let mut story = Story::of(EVERYTHING).told(before);
            let answer = story.say(&said.replace(" x", &format!(" {x}")));
            let _ = write!(grid, " {:<8}", answer.map_or_else(|refusal| letter(&refusal), |_| "+"));
        }
    }
    assert_eq!(grid.trim_end(), &GRID[1..], "\n{grid}\n");
}

fn letter(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotBegun | Refusal::BegunAlready => "b",
        Refusal::Over => "o",
        Refusal::NotNow { .. } => "n",
        Refusal::NotCurrent { .. } => "c",
        Refusal::Busy { .. } | Refusal::NothingRuns => "r",
        Refusal::Stale => "s",
        Refusal::NothingToUndo
        | Refusal::NotStarted { .. }
        | Refusal::NoProbes { .. }
        | Refusal::NoRecapture { .. } => "x",
        Refusal::NoSuchStep { .. }
        | Refusal::NeedsConfirm { .. }
        | Refusal::NeedsTyping { .. }
        | Refusal::NeedsReason
        | Refusal::Missing { .. }
        | Refusal::Unfit { .. }
        | Refusal::NoSuchRole { .. }
        | Refusal::MustDiffer { .. }
        | Refusal::SameKey { .. }
        | Refusal::NoEvidence { .. }
        | Refusal::Unticked { .. }
        | Refusal::NoFollowUp { .. }
        | Refusal::WindowOver { .. }
        | Refusal::NoWindow
        // The session says these, not the engine.
        | Refusal::Unproven { .. }
        | Refusal::NeedsKey { .. }
        | Refusal::NoRoom { .. } => "?",
    }
}

#[test]
fn undo_actions_and_included_steps_have_files_of_their_own() {
    let step = StepId::new("a/b");
    assert_eq!(Target::step(&step).transcript(2), "a.b.2.log");
    assert_eq!(Target::undo(&step, 3).transcript(1), "a.b.undo-3.1.log");
}

/// Plan; what is said; the deviations of it.
const DEVIATIONS: &[(&str, &str, &[&str])] = &[
    ("a: run; b: run", "begin; go a; ok a; go b; ok b", &[]),
    ("a: run retry=2", "begin; go a; fail a; ok a", &[]),
    ("a: run", "begin; go a; fail a; go a; ok a", &["repeated a: it failed: seen"]),
    (
        "a: run",
        "begin; go a; fail a; go a; fail a; skip a no time",
        &["repeated a: it failed: seen", "skipped a: no time"],
    ),
    ("a: run verify", "begin; go a; ok a; bad a; go a; ok a; pass a", &["repeated a: it failed: it answers: seen"]),
    ("a: run verify", "begin; go a; ok a; warn a", &[]),
    ("a: run", "begin; go a; resume; go a; ok a", &["repeated a: its end was not seen"]),
    ("a: run", "begin; hand a did it", &["by_hand a: did it"]),
    ("a: run optional", "begin; skip a", &["skipped a: it is optional, and no reason was given"]),
    ("a: run; z: run cleanup", "begin; go a; ok a; skip z", &[]),
    ("a: run continue", "begin; go a; fail a", &["passed_over a: the playbook says to go on; it failed: seen"]),
    (
        "a: run undo; b: run",
        "begin; go a; ok a; rollback a; undo a.1; ok a.1; go a; ok a",
        &["repeated a: it was rolled back"],
    ),
    ("a: run undo; b: run", "begin; go a; ok a; rollback; skip a.1 leave it", &["skipped a.1: leave it"]),
    ("a: run evidence=text", "begin; go a; ok a; lacks a nobody knows", &["evidence_missing a: proof: nobody knows"]),
    ("a: run evidence=text?", "begin; go a; ok a; lacks a nobody knows", &[]),
    (
        "a: run evidence=made",
        "begin; go a; ok a",
        &["evidence_missing a: proof: there is no value of made in this run"],
    ),
    (
        "a: ask=who undo; b: run",
        "begin; answer a who=me; go b; fail b; rollback a; undo a.1; ok a.1; answer a who=you",
        &["repeated a: it was rolled back", "edited_input a: who was me, and is you"],
    ),
    ("a: run; @sign operator", "begin; go a; ok a; refuse operator Ada red", &["refused -: Ada, as operator: red"]),
];

#[test]
fn deviations_are_told_as_they_happen_each_with_its_reason() {
    for (plan, words, expected) in DEVIATIONS {
        let story = Story::of(plan).told(words);
        let told = |deviation: &Deviation| {
            let value = serde_json::to_value(deviation).unwrap();
            let target = deviation.step.clone().map(|step| Target { step, undo: deviation.undo });
            let of = target.map_or_else(|| "-".to_owned(), |target| crate::story::name(&target));
            format!("{} {of}: {}", value["kind"].as_str().unwrap(), deviation.reason)
        };
        let all: Vec<String> = story.engine.run().deviations.iter().map(told).collect();
        assert_eq!(&all, expected, "\nplan: {plan}\nsaid: {words}");
        assert!(story.engine.run().deviations.iter().all(|deviation| !deviation.reason.trim().is_empty()));
    }
}

/// A journal of before there was evidence, of a playbook that asked for some already, goes on where it stood.
#[test]
fn a_journal_without_evidence_owes_none() {
    let old = Story::of("a: run; b: run").told("begin; go a; ok a; go b");
    let mut story = Story::of("a: run evidence=text; b: run evidence=text");
    for stamped in old.turns.iter().flat_map(|turn| &turn.records) {
        story.engine.replay(stamped);
    }
    assert_eq!(story.marks(), "a:done b:running | world b");
    let story = story.told("ok b; proof b so");
    assert_eq!(story.marks(), "a:done b:done | over");
    let old = Story::of("a: run; @sign operator").told("begin; go a; ok a; sign operator Ada");
    let mut story = Story::of("a: run evidence=text; @sign operator");
    old.turns.iter().flat_map(|turn| &turn.records).for_each(|stamped| story.engine.replay(stamped));
    assert_eq!(story.marks(), "a:done | over");
}
