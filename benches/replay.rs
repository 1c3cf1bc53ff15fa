//! How fast a long journal is read and folded, beside what parsing the same lines costs by itself.
//!
//! `cargo bench --bench replay [RECORDS]`; a million by default. It prints records a second for: plain
//! `serde_json::from_slice` of each line, reading with the chain checked, and both with the fold of a resume.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use runsheet::engine::{Engine, How, Outcome, Record, Stamped, Target};
use runsheet::journal::{Entry, Log, Place, read};
use runsheet::playbook::plan::{Plan, StepId};

fn main() -> Result<(), String> {
    let number = |word: String| word.parse::<u64>().ok();
    let count = std::env::args().skip(1).find_map(number).unwrap_or(1_000_000);
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = write(place.path(), count)?;
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;

    let plain = timed(count, "plain serde_json", || {
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.filter(|line| serde_json::from_slice::<Entry>(line).is_ok()).count() as u64
    })?;
    let chained = timed(count, "read, chain checked", || {
        let mut records = 0;
        read(&path, false, |_| records += 1).map_or(0, |journal| journal.records.min(records))
    })?;
    let folded = timed(count, "read and replayed", || {
        let mut engine = Engine::new(Arc::new(Plan::default()));
        read(&path, false, |stamped| engine.replay(&stamped)).map_or(0, |journal| journal.records)
    })?;
    println!("times plain parsing: {:.2} read, {:.2} replayed", chained / plain, folded / plain);
    Ok(())
}

/// Writes a journal of steps that start and end.
fn write(place: &Path, count: u64) -> Result<std::path::PathBuf, String> {
    let (run, mut writer) = Place::new(place.join("state")).create("01A", "").map_err(|error| error.to_string())?;
    for number in 0..count {
        let target = Target::step(&StepId::new(&format!("step-{}", number / 2)));
        let record = match number {
            0 => Record::Begun(Box::default()),
            _ if number % 2 == 0 => Record::Started { target, attempt: 1, retry: false, despite: None },
            _ => {
                let saw = "exit 0, 3 lines".to_owned();
                let outcome = Outcome { how: How::Ok, saw, exit: Some(0), took_ms: 12, ..Outcome::default() };
                Record::Performed { target, attempt: 1, outcome }
            }
        };
        writer.append(&Stamped { at: Timestamp::UNIX_EPOCH, record })?;
    }
    writer.sync()?;
    Ok(run.journal())
}

/// Takes the time of something that must get through all records; prints it, and returns the seconds.
fn timed(count: u64, name: &str, work: impl FnOnce() -> u64) -> Result<f64, String> {
    let begun = Instant::now();
    let done = work();
    let seconds = begun.elapsed().as_secs_f64();
    if done != count {
        return Err(format!("{name}: {done} of {count} records"));
    }
    #[expect(clippy::cast_precision_loss, reason = "a number to look at")]
    let rate = count as f64 / seconds;
    println!("{name:<22} {seconds:>7.3} s  {rate:>12.0} records/s");
    Ok(seconds)
}
