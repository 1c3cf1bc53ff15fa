//! Asking the terminal to copy: OSC 52, as xterm has it ("Operating System Commands", Ps = 52).
//!
//! When they are written is for whoever has the terminal to say; how, so that no buffer keeps a secret, is said here.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::io::Errno;
use zeroize::Zeroizing;

/// The most bytes that terminals take at once, before base64.
pub(super) const MOST: usize = 74_994;

/// Makes the request. Through tmux both ways.
///
/// # Errors
/// When the text is longer than terminals take: a few words.
pub(super) fn ask(text: &str, in_tmux: bool) -> Result<Zeroizing<Vec<u8>>, String> {
    if text.len() > MOST {
        return Err(format!("{} bytes are more than terminals take ({MOST})", text.len()));
    }
    let mut coded = Zeroizing::new(vec![0; text.len().div_ceil(3) * 4]);
    STANDARD.encode_slice(text, &mut coded).map_err(|error| error.to_string())?;
    // With room for all of it: a vector that grows leaves what it held behind.
    let mut asked = Zeroizing::new(Vec::with_capacity(coded.len() * 2 + 64));
    asked.extend_from_slice(b"\x1b]52;c;");
    asked.extend_from_slice(&coded);
    asked.extend_from_slice(b"\x1b\\");
    if in_tmux {
        // It takes the plain one where its own clipboard is on, and hands the wrapped one through where that is allowed.
        let plain = asked.clone();
        asked.extend_from_slice(b"\x1bPtmux;");
        for byte in plain.iter() {
            asked.extend_from_slice(if *byte == b'\x1b' { b"\x1b\x1b" } else { std::slice::from_ref(byte) });
        }
        asked.extend_from_slice(b"\x1b\\");
    }
    Ok(asked)
}

/// Writes to standard output itself, past the buffers around it: what may hold a secret must not stay in one that is not
/// wiped. What they hold must have been flushed.
///
/// # Errors
/// Standard output takes no more.
pub(crate) fn past_the_buffer(bytes: &[u8]) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(io::stdout(), left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
