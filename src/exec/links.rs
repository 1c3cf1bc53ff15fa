//! Follows symbolic links to the file that is meant, and puts links back.
//!
//! Links among the folders of a path are followed and forgotten; those in its last place are remembered one by one, so
//! that a file that took the place of a link can make way for it again. A circle is told, not walked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::files::{folder, sentence, sync_folder};

/// The most links that are followed, as the kernel's own limit.
const MOST: usize = 40;

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Where it stands, absolute.
    pub path: PathBuf,
    /// What it says.
    pub target: PathBuf,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The file, absolute, no link itself.
    pub path: PathBuf,
    /// The links in the last place, in the order in which they were followed.
    pub links: Vec<Link>,
    /// Whether anything is there.
    pub exists: bool,
}

/// Follows a path to its end, which need not be there.
///
/// # Errors
/// When a folder on the way is not there, or the links lead in a circle: a sentence with the path.
pub(crate) fn resolve(path: &Path) -> Result<Resolved, String> {
    let mut links: Vec<Link> = Vec::new();
    let mut at = path.to_owned();
    loop {
        let real = fs::canonicalize(folder(&at)).map_err(|error| sentence(path, &error))?;
        let Some(name) = at.file_name() else {
            return Err(format!("{} is not a plain file", path.display()));
        };
        let here = real.join(name);
        match fs::symlink_metadata(&here) {
            Ok(about) if about.is_symlink() => {
                if links.len() == MOST || links.iter().any(|link| link.path == here) {
                    return Err(circle(path));
                }
                let target = fs::read_link(&here).map_err(|error| sentence(path, &error))?;
                at = real.join(&target);
                links.push(Link { path: here, target });
            }
            Ok(_) => return Ok(Resolved { path: here, links, exists: true }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Resolved { path: here, links, exists: false });
            }
            Err(error) => return Err(sentence(path, &error)),
        }
    }
}

/// Says that links lead in a circle.
pub(crate) fn circle(path: &Path) -> String {
    format!("{}: its links lead in a circle", path.display())
}

/// Puts a link back in its place, whatever file stands there now. Says whether it was not as it should be.
///
/// # Errors
/// A sentence with its name.
pub(crate) fn put_back(link: &Link) -> Result<bool, String> {
    if fs::read_link(&link.path).is_ok_and(|target| target == link.target) {
        return Ok(false);
    }
    let named = |error: std::io::Error| sentence(&link.path, &error);
    let made = tempfile::Builder::new()
        .prefix(".runsheet-")
        .make_in(folder(&link.path), |new| symlink(&link.target, new))
        .map_err(named)?;
    made.into_temp_path().persist(&link.path).map_err(|error| named(error.error))?;
    sync_folder(folder(&link.path)).map_err(named)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_to_the_end_and_remembered() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        fs::create_dir_all(home.join("a/b")).unwrap();
        fs::write(home.join("a/b/file"), "x").unwrap();
        symlink("a", home.join("way")).unwrap();
        symlink("b/file", home.join("a/inner")).unwrap();
        symlink("way/inner", home.join("outer")).unwrap();
        let found = resolve(&home.join("outer")).unwrap();
        let link = |path: &str, target: &str| Link { path: home.join(path), target: target.into() };
        assert_eq!(found.path, home.join("a/b/file"));
        assert_eq!(found.links, [link("outer", "way/inner"), link("a/inner", "b/file")]);
        fs::remove_file(home.join("a/b/file")).unwrap();
        let found = resolve(&home.join("outer")).unwrap();
        assert_eq!((found.path, found.exists), (home.join("a/b/file"), false));
    }

    #[test]
    fn a_circle_is_told() {
        let home = tempfile::tempdir().unwrap();
        symlink("b", home.path().join("a")).unwrap();
        symlink("a", home.path().join("b")).unwrap();
        symlink(".", home.path().join("here")).unwrap();
        symlink("round/x", home.path().join("round")).unwrap();
        for name in ["a", "round", "a/x"] {
            let wrong = resolve(&home.path().join(name)).unwrap_err();
            assert!(wrong.ends_with(": its links lead in a circle"), "{wrong}");
        }
        assert!(resolve(&home.path().join("here/here/x")).is_ok());
    }

    #[test]
    fn a_link_comes_back_in_the_place_of_a_file() {
        let home = tempfile::tempdir().unwrap();
        let link = Link { path: home.path().join("a"), target: "b".into() };
        fs::write(&link.path, "in the way").unwrap();
        assert_eq!((put_back(&link), put_back(&link)), (Ok(true), Ok(false)));
        assert_eq!(fs::read_link(&link.path).unwrap(), Path::new("b"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
