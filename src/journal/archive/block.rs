//! The blocks of a tar file: headers of 512 bytes in the `ustar` format of POSIX.1-1988, and the one extension (POSIX.1-2001, `x`)
//! for paths that do not fit.

/// The length of a block; every entry is filled up to it.
pub(super) const BLOCK: usize = 512;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// Records for the entry behind it.
    Extended,
}

/// An entry's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) size: u64,
}

/// The longest path in the first field of a header, and in the one for what stands before a `/`.
const NAME: usize = 100;
const PREFIX: usize = 155;

/// Makes the header blocks of a file: one, or three where its path is long.
pub(super) fn header(path: &str, size: u64, modified: u64) -> Vec<u8> {
    let Some((prefix, name)) = split(path) else {
        let record = extended(path);
        let mut blocks = one(b'x', "", MARK, record.len() as u64, modified);
        blocks.extend_from_slice(record.as_bytes());
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        let short: String = path.chars().filter(char::is_ascii).take(NAME).collect();
        blocks.extend(one(b'0', "", &short, size, modified));
        return blocks;
    };
    one(b'0', prefix, name, size, modified)
}

/// The name of an entry that holds a long path.
const MARK: &str = "long-path";

/// Cuts a path so that both parts fit their fields; none where it cannot be.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME {
        return Some(("", path));
    }
    let cuts = path.match_indices('/').map(|(at, _)| (&path[..at], &path[at + 1..]));
    cuts.into_iter().find(|(prefix, name)| prefix.len() <= PREFIX && name.len() <= NAME)
}

/// Makes the record of a path: its own length in digits, a word, and the path.
fn extended(path: &str) -> String {
    let rest = format!(" path={path}\n");
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn one(kind: u8, prefix: &str, name: &str, size: u64, modified: u64) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, &format!("{modified:011o}\0"));
    put(148, "        ");
    put(257, "ustar\x0000");
    put(345, prefix);
    block[156] = kind;
    let sum = sum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Adds a header's bytes up, with blanks where the sum stands.
fn sum(block: &[u8]) -> u32 {
    let at = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
    block.iter().enumerate().map(|(place, &byte)| u32::from(at(place, byte))).sum()
}

/// Reads a header back. Only what [`header`] makes is taken.
///
/// # Errors
/// What is wrong with it: a few words.
pub(super) fn parse(block: &[u8]) -> Result<Header, &'static str> {
    if block.len() != BLOCK || &block[257..263] != b"ustar\0" {
        return Err("is not a tar file of the kind that runsheet writes");
    }
    if octal(&block[148..156]) != Some(u64::from(sum(block))) {
        return Err("has an entry whose header was changed: its sum is wrong");
    }
    let kind = match block[156] {
        b'0' => Kind::File,
        b'x' => Kind::Extended,
        _ => return Err("holds a link, a folder or something else that is no file"),
    };
    let size = octal(&block[124..136]).ok_or("has an entry without a length")?;
    let (name, prefix) = (text(&block[..NAME])?, text(&block[345..345 + PREFIX])?);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    Ok(Header { kind, path, size })
}

/// Takes the path out of the records of an `x` entry. There is one record, and it is of a path.
///
/// # Errors
/// It is another one.
pub(super) fn long_path(records: &[u8]) -> Result<String, &'static str> {
    let wrong = "has an entry with more than a long path";
    let text = std::str::from_utf8(records).map_err(|_| wrong)?;
    let (length, rest) = text.split_once(' ').ok_or(wrong)?;
    let path = rest.strip_prefix("path=").and_then(|rest| rest.strip_suffix('\n')).ok_or(wrong)?;
    if length.parse() != Ok(text.len()) || path.contains('\n') {
        return Err(wrong);
    }
    Ok(path.to_owned())
}

fn text(field: &[u8]) -> Result<&str, &'static str> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).map_err(|_| "has a path that is no text")
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_every_length_come_back() {
        for length in [1, 99, 100, 101, 155, 156, 255, 256, 300, 4000] {
            for path in
                ["x".repeat(length), format!("runsheet/{}", "y".repeat(length)), format!("a/{}/b", "é".repeat(length))]
            {
                let blocks = header(&path, 7, 1_790_000_000);
                assert!(blocks.len().is_multiple_of(BLOCK));
                let first = parse(&blocks[..BLOCK]).unwrap();
                let back = match first.kind {
                    Kind::File => first.path,
                    Kind::Extended => {
                        let size = usize::try_from(first.size).unwrap();
                        assert_eq!(parse(&blocks[blocks.len() - BLOCK..]).unwrap().size, 7);
                        long_path(&blocks[BLOCK..BLOCK + size]).unwrap()
                    }
                };
                assert_eq!(back, path);
            }
        }
    }

    #[test]
    fn a_changed_header_is_found() {
        let sound = header("runsheet/journal.jsonl", 12, 0);
        for at in 0..BLOCK {
            let mut block = sound.clone();
            block[at] ^= 1;
            assert!(parse(&block).is_err(), "byte {at}");
        }
    }
}
