//! What starting and reading costs. Not run with the others: `cargo test --lib exec::tests::cost -- --ignored --nocapture`.

use std::time::Instant;

use crate::engine::How;
use crate::exec::testing::{Stage, perform, run, until_input};
use crate::exec::{Executor, Report, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "the bare start is what ours is compared with")]
async fn of_a_start() {
    const ROUNDS: u32 = 200;
    let stage = Stage::of(run("true"));
    let bare = Instant::now();
    for _ in 0..ROUNDS {
        std::process::Command::new("/bin/bash").args(["-euo", "pipefail", "-c", "true"]).output().unwrap();
    }
    let bare = bare.elapsed() / ROUNDS;
    for (named, base) in
        [("in our folder", std::env::current_dir().unwrap()), ("elsewhere", stage.folder.path().into())]
    {
        let (mut setting, mut received) = stage.setting();
        setting.base = base;
        let mut world = World::new(setting);
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            world.start(perform(), &stage.values);
            assert_eq!(until_input(&mut received).await.outcome().how, How::Ok);
        }
        println!("{named}: {:?} a step, bare bash {bare:?}", begun.elapsed() / ROUNDS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn of_much_output() {
    const MIB: u32 = 256;
    let mut stage =
        Stage::of(run(&format!("yes 'a plain line of output, as most of them are' | head -c {MIB}M || true")));
    for number in 0..100 {
        stage = stage.secret(&format!("s{number}"), &format!("CANARY-{number:04}-abcdefghijkl"));
    }
    let (mut world, mut received) = stage.world();
    let begun = Instant::now();
    world.start(perform(), &stage.values);
    let mut shown = 0;
    loop {
        match received.recv().await {
            Some(Report::Output { text, .. }) => shown += text.len(),
            Some(Report::Input(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    let took = begun.elapsed();
    let written = std::fs::metadata(stage.path("transcript/it.1.log")).unwrap().len();
    println!(
        "{MIB} MiB in {took:?}: {:.0} MB/s; written {written}, shown {shown}",
        f64::from(MIB) * 1.048_576 / took.as_secs_f64()
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}
