//! Bytes that may hold secrets and grow: every place that they were moved from is wiped too.

use std::io;

use zeroize::Zeroizing;

/// Adds bytes. Growing in place could leave a copy behind that nobody wipes, so this grows into a new place.
pub fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if needed > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * bytes.capacity()).max(4096)));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(more);
}

/// Writes to the end of such bytes.
#[derive(Debug)]
pub struct Appending<'b>(pub &'b mut Zeroizing<Vec<u8>>);

impl io::Write for Appending<'_> {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        append(self.0, more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn nothing_is_lost_by_growing() {
        let mut bytes = Zeroizing::new(Vec::new());
        for number in 0..5000 {
            write!(Appending(&mut bytes), "{number},").unwrap();
        }
        let wanted: String = (0..5000).map(|number| format!("{number},")).collect::<Vec<_>>().concat();
        assert_eq!(*bytes, wanted.as_bytes());
    }
}
