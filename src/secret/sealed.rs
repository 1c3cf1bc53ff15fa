//! Whether bytes look like something sealed in the age format, as far as that shows without the key.
//!
//! The format is that of `age-encryption.org/v1`: a header of lines up to `--- ` and its MAC, a nonce of 16 bytes, and the text
//! in chunks of 64 KiB, each 16 bytes longer than what it holds. So a copy that was cut off or padded shows in its length; a
//! changed byte does not, which only the key or a hash on record can tell.

/// The first line.
const FIRST: &[u8] = b"age-encryption.org/v1\n";
/// The bytes of the nonce before the first chunk.
const NONCE: u64 = 16;
/// The most bytes of text in a chunk.
const CHUNK: u64 = 64 << 10;
/// By how many bytes a sealed chunk is longer than its text.
const TAG: u64 = 16;
/// The digits of the header's MAC: 32 bytes in base64 without padding.
const MAC: usize = 43;

/// Holds that bytes are a whole sealed file, of a text of that many bytes where that is known.
///
/// # Errors
/// What is wrong with them: a few words, to stand behind the file's name.
pub fn whole(sealed: &[u8], size: Option<u64>) -> Result<(), String> {
    let header = header(sealed).ok_or("is not in the age format, or its header is not whole")?;
    let body = (sealed.len() - header) as u64;
    let Some(size) = size else {
        return if body >= NONCE + TAG { Ok(()) } else { Err("is cut off behind its header".to_owned()) };
    };
    let wanted = NONCE + size + TAG * size.div_ceil(CHUNK).max(1);
    if body == wanted {
        return Ok(());
    }
    Err(format!("has {body} bytes behind its header, where a file of {size} bytes has {wanted}"))
}

/// Returns the length of the header; none where it is not one.
fn header(sealed: &[u8]) -> Option<usize> {
    let mut at = FIRST.len();
    sealed.starts_with(FIRST).then_some(())?;
    let mut recipients = 0;
    loop {
        let end = at + sealed.get(at..)?.iter().position(|&byte| byte == b'\n')?;
        let line = &sealed[at..end];
        at = end + 1;
        if let Some(mac) = line.strip_prefix(b"--- ") {
            return (recipients > 0 && mac.len() == MAC && mac.iter().all(u8::is_ascii_graphic)).then_some(at);
        }
        recipients += usize::from(line.starts_with(b"-> "));
        line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ').then_some(())?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;

    #[test]
    fn what_is_sealed_is_whole_at_every_length_around_a_chunk() {
        let key = Identity::passing();
        for size in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain = vec![7; usize::try_from(size).unwrap()];
            let sealed = key.seal(&plain).unwrap();
            assert_eq!(whole(&sealed, Some(size)), Ok(()), "{size}");
            assert_eq!(whole(&sealed, None), Ok(()), "{size}");
            assert!(whole(&sealed[..sealed.len() - 1], Some(size)).is_err(), "{size}, one byte less");
            assert!(whole(&sealed, Some(size + 1)).is_err(), "{size}, said to be one more");
        }
    }

    #[test]
    fn cut_anywhere_it_is_not_whole_and_nothing_else_is_taken_for_it() {
        let sealed = Identity::passing().seal(b"CANARY-sealed").unwrap();
        for cut in 0..sealed.len() {
            assert!(whole(&sealed[..cut], Some(13)).is_err(), "cut at {cut}");
        }
        for text in
            ["", "age", "age-encryption.org/v1\n", "age-encryption.org/v1\n--- x\n", "age-encryption.org/v2\n-> X\n"]
        {
            assert!(whole(text.as_bytes(), None).is_err(), "{text:?}");
        }
    }
}
