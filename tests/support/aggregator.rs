//! The stand-in for the aggregator, run by a PM2 of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::process::{end, is_gone, run, run_well};

/// The name that PM2 knows it by.
pub(crate) const APP: &str = "milo-aggregator";

/// The answer to an HTTP request.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

/// A running service.
#[derive(Debug)]
pub(crate) struct Aggregator {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// The folder of its PM2.
    pub(crate) pm2_home: PathBuf,
    path: String,
}

impl Aggregator {
    /// Starts the service from an ecosystem file, and waits until it answers.
    pub(crate) fn start(config: &Path, pm2_home: PathBuf, path: &str, port: u16) -> Self {
        fs::create_dir_all(&pm2_home).expect("make the folder of PM2");
        let aggregator = Self { port, pm2_home, path: path.to_owned() };
        run_well(aggregator.pm2(&["start", "--silent"]).arg(config), "");
        let begin = Instant::now();
        while aggregator.get("/metrics").is_none() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the aggregator does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        aggregator
    }

    /// Makes a call of this PM2.
    pub(crate) fn pm2(&self, words: &[&str]) -> Command {
        let mut command = Command::new("pm2");
        command.args(words).env("PATH", &self.path).env("PM2_HOME", &self.pm2_home);
        command
    }

    /// Returns what PM2 tells of its processes. It holds every variable of theirs: not for printing.
    pub(crate) fn jlist(&self) -> serde_json::Value {
        let text = run_well(&mut self.pm2(&["jlist"]), "");
        let start = text.find("[{").or_else(|| text.find("[]")).expect("jlist prints a list");
        serde_json::from_str(&text[start..]).expect("jlist prints JSON")
    }

    /// Asks for a page; none when nobody answers.
    pub(crate) fn get(&self, page: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
        write!(stream, "GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunk(body)? } else { body.to_owned() };
        Some(Reply { status, body })
    }

    fn pids(&self) -> Vec<u32> {
        let mut files = vec![self.pm2_home.join("pm2.pid")];
        if let Ok(entries) = fs::read_dir(self.pm2_home.join("pids")) {
            files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
        files.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).collect()
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        let pids = self.pids();
        let _ = run(&mut self.pm2(&["kill", "--silent"]), "");
        // What PM2 left, or started while it was told to end.
        for pid in pids.into_iter().chain(self.pids()) {
            end(pid, Signal::TERM, || is_gone(pid));
        }
    }
}

fn unchunk(mut text: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, rest) = text.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(rest.get(..size)?);
        text = rest.get(size..)?.trim_start_matches("\r\n");
    }
}
