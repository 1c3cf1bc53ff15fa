//! The packets of MySQL and MariaDB: how they are framed, and how their fields are read.
//!
//! What a server sends is bounded here, and read without trust: a packet is never longer than was allowed, and a field that
//! reaches past its packet's end is no field. Which packet may come when is not known here.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// The most bytes of a packet that are read.
pub(super) const LARGEST: usize = 1 << 20;

/// A connection, read and written a packet at a time. Never reads past a packet, so TLS can begin after any of them.
pub(super) struct Packets<S> {
    stream: S,
    /// The number of the next packet; both sides count on.
    next: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, next: 0 }
    }

    /// Takes the connection out, with the number of the next packet.
    pub(super) fn into_parts(self) -> (S, u8) {
        (self.stream, self.next)
    }

    /// Goes on over another stream, from the number of the next packet.
    pub(super) fn go_on(stream: S, next: u8) -> Self {
        Self { stream, next }
    }

    /// Begins a new command: numbers count from 0.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// Reads a packet of at most so many bytes.
    ///
    /// # Errors
    /// When the connection breaks, or the packet is empty or longer: then the kind is `InvalidData`.
    pub(super) async fn read(&mut self, longest: usize) -> Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await?;
        let [low, middle, high, number] = head;
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        if length == 0 || length > longest {
            return Err(nonsense());
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await?;
        self.next = number.wrapping_add(1);
        Ok(bytes)
    }

    /// Writes a packet.
    ///
    /// # Errors
    /// When the connection breaks, or the packet is longer than one can be.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let length = u32::try_from(bytes.len()).ok().filter(|&length| length < 0x00ff_ffff).ok_or_else(nonsense)?;
        let [low, middle, high, _] = length.to_le_bytes();
        // In one piece, so that it leaves in one piece; it may hold a password.
        let mut whole = Zeroizing::new(Vec::with_capacity(bytes.len() + 4));
        whole.extend_from_slice(&[low, middle, high, self.next]);
        whole.extend_from_slice(bytes);
        self.next = self.next.wrapping_add(1);
        self.stream.write_all(&whole).await?;
        self.stream.flush().await
    }
}

/// The fields of a packet, taken from its front.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count).ok_or_else(nonsense)?;
        self.0 = rest;
        Ok(front)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    /// Takes a number of two bytes.
    pub(super) fn short(&mut self) -> Result<u16> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// Takes a text up to its NUL.
    pub(super) fn text(&mut self) -> Result<String> {
        let end = self.0.iter().position(|&byte| byte == 0).ok_or_else(nonsense)?;
        let text = String::from_utf8_lossy(self.bytes(end)?).into_owned();
        self.byte()?;
        Ok(text)
    }

    /// Takes a number that says how long it is itself.
    pub(super) fn number(&mut self) -> Result<u64> {
        let width = match self.byte()? {
            small @ 0..0xfb => return Ok(u64::from(small)),
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            0xfb | 0xff => return Err(nonsense()),
        };
        Ok(self.bytes(width)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Takes a value of a row: nothing for NULL.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>> {
        if self.0.first() == Some(&0xfb) {
            self.byte()?;
            return Ok(None);
        }
        let length = usize::try_from(self.number()?).map_err(|_| nonsense())?;
        self.bytes(length).map(Some)
    }
}

/// Says that what came is no packet of this protocol.
pub(super) fn nonsense() -> Error {
    ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    #[tokio::test]
    async fn packets_are_numbered_and_bounded() {
        let (ours, mut theirs) = duplex(1 << 10);
        theirs.write_all(&[3, 0, 0, 5, b'a', b'b', b'c', 9, 0, 0, 6]).await.unwrap();
        let mut packets = Packets::new(ours);
        assert_eq!(packets.read(3).await.unwrap(), b"abc");
        packets.write(b"x").await.unwrap();
        let mut sent = [0; 5];
        theirs.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent, [1, 0, 0, 6, b'x']);
        assert_eq!(packets.read(8).await.unwrap_err().kind(), ErrorKind::InvalidData);
        drop(theirs);
        assert_eq!(packets.read(8).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn fields_end_with_their_packet() {
        let mut fields = Fields(b"ab\0\x05hello\xfb\xfc\x01\x00x\xfd\x00\x00\x01");
        assert_eq!(fields.text().unwrap(), "ab");
        assert_eq!(fields.value().unwrap(), Some(b"hello" as &[u8]));
        assert_eq!(fields.value().unwrap(), None);
        assert_eq!(fields.value().unwrap(), Some(b"x" as &[u8]));
        assert_eq!(fields.number().unwrap(), 65536);
        for bad in [b"\x05hell" as &[u8], b"", b"\xff", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", b"\xfc\x01"] {
            assert!(Fields(bad).value().is_err(), "{bad:?}");
        }
        assert!(Fields(b"ab").text().is_err() && Fields(b"a").short().is_err());
    }
}
