//! A journal whose chain is sound, and whose records could not have been written in that order: each is called wrong where it
//! shows. That nothing sound is called wrong is a property, in `properties.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests a failure is said by failing")]

use std::sync::Arc;

use runsheet::engine::{Misfit, Record, Stamped, Target, Witness};

use crate::story::{Story, plan};

const PLAN: &str =
    "@input env; a: run verify undo; b: run irreversible; c: manual undo-hand; @sign operator reviewer; @distinct";
const WALK: &str =
    "begin env=x; go a; ok a; pass a; go! b; ok b; go c; answer c; sign operator Ada; sign reviewer Grace";

fn walked() -> Vec<Stamped> {
    let story = Story::of(PLAN).told(WALK);
    story.turns.iter().flat_map(|turn| turn.records.clone()).collect()
}

/// Returns the place of the first record that is called wrong, from 0, and why.
fn wrong(records: &[Stamped]) -> Option<(usize, Misfit)> {
    let mut witness = Witness::new(Arc::new(plan::plan(PLAN)));
    let mut heard = records.iter().enumerate().map(|(at, record)| (at, witness.hear(record)));
    heard.find_map(|(at, heard)| Some((at, heard.err()?)))
}

fn kinds(records: &[Stamped]) -> Vec<&'static str> {
    let kind = |record: &Record| match record {
        Record::Begun(_) => "begun",
        Record::Started { .. } => "started",
        Record::Performed { .. } => "performed",
        Record::Probed { .. } => "probed",
        Record::Answered { .. } => "answered",
        Record::SignedOff { .. } => "signed",
        Record::Closing { .. } => "closing",
        Record::Ended { .. } => "ended",
        other => panic!("{other:?} is not in this walk"),
    };
    records.iter().map(|stamped| kind(&stamped.record)).collect()
}

#[test]
fn a_walk_is_as_it_should_be() {
    let records = walked();
    let expected = [
        "begun",
        "started",
        "performed",
        "probed",
        "started",
        "performed",
        "started",
        "answered",
        "signed",
        "signed",
        "closing",
        "ended",
    ];
    assert_eq!(kinds(&records), expected);
    assert_eq!(wrong(&records), None);
}

#[test]
fn without_any_one_record_but_the_last_ones_it_shows_at_the_next_that_depends_on_it() {
    for at in 0..walked().len() - 1 {
        let mut records = walked();
        let gone = records.remove(at);
        let (found, why) = wrong(&records).unwrap_or_else(|| panic!("nobody misses record {at}: {gone:?}"));
        // The two who sign do so in either order, so that one of them is missing shows where the run ends.
        let shows = if matches!(gone.record, Record::SignedOff { .. }) { 9 } else { at };
        assert_eq!(found, shows, "without record {at} ({gone:?}): {why:?}");
    }
}

#[test]
fn no_two_neighbours_can_change_places() {
    for at in 0..walked().len() - 1 {
        let mut records = walked();
        records.swap(at, at + 1);
        if kinds(&records)[at..at + 2] == ["signed", "signed"] {
            continue;
        }
        assert_eq!(wrong(&records).map(|(at, _)| at), Some(at), "{at} and the one behind it");
    }
}

#[test]
fn no_record_can_stand_twice() {
    for at in 0..walked().len() {
        let mut records = walked();
        records.insert(at, records[at].clone());
        assert_eq!(wrong(&records).map(|(at, _)| at), Some(at + 1), "{at}");
    }
}

#[test]
fn what_a_record_says_must_fit_too() {
    let changed = |at: usize, change: &dyn Fn(&mut Record)| {
        let mut records = walked();
        change(&mut records[at].record);
        wrong(&records).map(|(at, _)| at)
    };
    let attempt = |record: &mut Record| {
        if let Record::Started { attempt, .. } = record {
            *attempt = 2;
        }
    };
    assert_eq!(changed(1, &attempt), Some(1));
    let target = |record: &mut Record| {
        if let Record::Performed { target, .. } = record {
            *target = Target::step(&"b".into());
        }
    };
    assert_eq!(changed(2, &target), Some(2));
    // One person in two roles, where the playbook wants two.
    let name = |record: &mut Record| {
        if let Record::SignedOff { name, .. } = record {
            "Ada".clone_into(name);
        }
    };
    assert_eq!(changed(9, &name), Some(9));
    // A run cannot have ended before it was signed.
    let mut records = walked();
    records.drain(8..10);
    assert!(matches!(wrong(&records), Some((8, Misfit::Unprompted))));
}
