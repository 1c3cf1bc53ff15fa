//! Who is still there after a child has exited: members of its group, and whoever holds its pipes open.
//!
//! Read from `/proc`; where there is none, or it is not ours to read, nobody is found.

use std::fs;
use std::os::fd::BorrowedFd;

use rustix::process::Pid;

/// The inodes of the pipes of a child.
pub(super) fn inodes<'f>(pipes: impl IntoIterator<Item = BorrowedFd<'f>>) -> Vec<u64> {
    pipes.into_iter().filter_map(|pipe| rustix::fs::fstat(pipe).ok().map(|stat| stat.st_ino)).collect()
}

/// Names the other processes that hold one of these pipes, such as `42 (redis-server)`; not us, and not who reads for us.
pub(super) async fn find(inodes: Vec<u64>, reader: Option<Pid>) -> Vec<String> {
    // A thousand processes take some milliseconds.
    tokio::task::spawn_blocking(move || {
        let links: Vec<String> = inodes.iter().map(|inode| format!("pipe:[{inode}]")).collect();
        let holds = |process: &u32| {
            let folder = fs::read_dir(format!("/proc/{process}/fd"));
            folder.into_iter().flatten().flatten().any(|entry| {
                fs::read_link(entry.path()).is_ok_and(|link| links.iter().any(|pipe| link.as_os_str() == pipe.as_str()))
            })
        };
        let ours =
            [Some(std::process::id()), reader.and_then(|reader| u32::try_from(reader.as_raw_nonzero().get()).ok())];
        processes().filter(|process| !ours.contains(&Some(*process))).filter(holds).map(name).collect()
    })
    .await
    .unwrap_or_default()
}

/// Names a process, such as `42 (redis-server)`.
fn name(process: u32) -> String {
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("{process} ({})", name.trim()),
        Err(_) => process.to_string(),
    }
}

/// Names the members of a group that are not only waiting to be collected by their parent.
pub(super) async fn group(leader: Pid) -> Vec<String> {
    let found = tokio::task::spawn_blocking(move || members(leader, Of::Group).map(name).collect());
    found.await.unwrap_or_default()
}

/// Names the members of a session likewise: a shell at a terminal gives each command a group of its own.
pub(super) async fn session(leader: Pid) -> Vec<String> {
    let found = tokio::task::spawn_blocking(move || members(leader, Of::Session).map(name).collect());
    found.await.unwrap_or_default()
}

/// Says whether a group has a member that is not only waiting to be collected by its parent.
pub(super) fn group_lives(leader: Pid) -> bool {
    if rustix::process::test_kill_process_group(leader).is_err() {
        return false;
    }
    if !fs::exists("/proc/self/stat").unwrap_or(false) {
        return true;
    }
    members(leader, Of::Group).next().is_some()
}

/// What a process is a member of.
#[derive(Clone, Copy)]
enum Of {
    Group,
    Session,
}

fn members(leader: Pid, of: Of) -> impl Iterator<Item = u32> {
    let leader = leader.as_raw_nonzero().get().to_string();
    processes().filter(move |process| {
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
        // pid (name) state parent group session …, and a name may hold anything
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
        let (state, _parent) = (fields.next(), fields.next());
        let member = match of {
            Of::Group => fields.next(),
            Of::Session => fields.nth(1),
        };
        member == Some(leader.as_str()) && !matches!(state, Some("Z" | "X"))
    })
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
