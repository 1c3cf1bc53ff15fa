//! `runsheet export`: a run that is over as one file, for another machine and for later.
//!
//! What must stay true: nothing is written before every text of it was searched for secrets, apart from all masking; the file is
//! whole and its owner's alone, or it is not there; a file that is there is never replaced.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::look::print;
use super::run::Mode;
use super::{identity, place, resume};
use crate::cli::ExportArgs;
use crate::ending::{Code, Ending};
use crate::engine::Stage;
use crate::journal::RunFolder;
use crate::journal::archive::{Manifest, Member, members, pack};
use crate::output::visible_plain;
use crate::secret::{Identity, Secrets};
use crate::words;

/// `runsheet export`.
pub(super) fn export(args: &ExportArgs) -> Result<Code, Ending> {
    let state = place::state()?;
    let folder = state.folder(&resume::find(&state, args.run.as_deref(), false)?);
    let seen = resume::look_in(folder, |_, _, _| {})?;
    let id = seen.run.begun.as_ref().map(|begun| begun.run.clone()).unwrap_or_default();
    let refused = |because: String, next: String| Ending {
        code: Code::Failed,
        what: format!("run {id} was not exported"),
        because: Some(because),
        next: Some(next),
    };
    if seen.run.stage != Stage::Over || seen.folder.held_by().is_some() {
        let stands = words::awaiting(&seen.run.awaiting(&seen.plan));
        let next = format!("`runsheet resume {id}` brings it to its end");
        return Err(refused(format!("it is open ({stands}): its record is not closed, its secrets are in use"), next));
    }
    if seen.journal.tail > 0 {
        let next = format!("`runsheet audit {id}` says what is wrong with it");
        return Err(refused("the last line of its journal is no whole record".to_owned(), next));
    }
    let to = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("runsheet-{id}.tar")));
    let shown = visible_plain(&to.display().to_string());
    let in_the_way = || refused(format!("{shown} is there already"), "name another file with --output".to_owned());
    if fs::symlink_metadata(&to).is_ok() {
        return Err(in_the_way());
    }
    let unwritten = |error: io::Error| refused(error.to_string(), "nothing was written".to_owned());
    let files = members(&seen.folder).map_err(unwritten)?;
    search(&seen.folder, &files).map_err(|(because, next)| refused(because, next))?;
    let begun = seen.run.begun.clone().unwrap_or_default();
    let (end, at) = seen.run.ended.map_or(("open", None), |(end, at)| (words::end(end), Some(at)));
    let about = Manifest {
        runsheet_export: 0,
        run: begun.run,
        title: begun.title,
        state: end.to_owned(),
        records: seen.journal.records,
        head: seen.journal.head.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        files: Vec::new(),
    };
    let modified = at.map_or(0, |at| u64::try_from(at.as_second()).unwrap_or_default());
    let written = write(&to, about, &files, modified).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => in_the_way(),
        _ => unwritten(error),
    })?;
    print(&format!(
        "{shown}: {}, {} bytes\nsha256 {}\nhead of record {}: {}\n`runsheet audit {shown}` verifies it, on any machine\n",
        words::count(files.len() + 1, "file", "files"),
        written.size,
        written.sha256,
        seen.journal.records,
        seen.journal.head
    ))
}

/// What was written.
struct Whole {
    size: u64,
    sha256: String,
}

/// Writes the file beside its place, syncs it, and puts it there unless something is there.
fn write(to: &Path, about: Manifest, files: &[Member], modified: u64) -> io::Result<Whole> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = Permissions::from_mode(0o600);
    let mut file = tempfile::Builder::new().prefix(".runsheet-").permissions(private.clone()).tempfile_in(folder)?;
    file.as_file().set_permissions(private)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    pack(about, files, modified, &mut out)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    let size = file.as_file().metadata()?.len();
    let sha256 = hash(file.path())?;
    file.persist_noclobber(to).map_err(|lost| lost.error)?;
    File::open(folder)?.sync_all()?;
    Ok(Whole { size, sha256 })
}

fn hash(path: &Path) -> io::Result<String> {
    use sha2::{Digest as _, Sha256};
    use std::io::Read as _;
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(super::walk::hex(&hasher.finalize())),
            count => hasher.update(&block[..count]),
        }
    }
}

/// Looks for secrets in every text that would be exported. A closed run has no vault: then what looks like a secret by itself is
/// found. What is sealed cannot be looked into, and need not.
fn search(folder: &RunFolder, files: &[Member]) -> Result<(), (String, String)> {
    let cannot = |why: String| {
        let next = "call it as the user who began the run, with the same configuration folder";
        (format!("its secrets cannot be looked for in it: {why}"), next.to_owned())
    };
    let secrets = if folder.vault().exists() {
        let key = identity::open(Mode::Plain, None).map_err(|ending| cannot(ending.what))?;
        Secrets::open(Some(folder.vault()), &key)
    } else {
        Secrets::open(None, &Identity::passing())
    };
    let secrets = secrets.map_err(cannot)?;
    for member in files.iter().filter(|member| !member.sealed) {
        let bytes = fs::read(&member.from).map_err(|error| cannot(format!("{}: {error}", member.path)))?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(place) = secrets.search(&text).map_err(cannot)? {
            let next = "that should not be; look at it on this machine, and do not send it on";
            let because = format!("{}, {place}, holds a secret, or what looks like one", member.path);
            return Err((because, next.to_owned()));
        }
    }
    Ok(())
}
