//! A conversation with a MySQL or MariaDB server: greeting, TLS, login, questions.
//!
//! By hand, as far as a probe needs it: TLS is negotiated with the same words for its failures as in the other probes, a
//! server's last words count (one that takes no more connections says so in place of a greeting), and nothing of what a
//! server may ask of a client is granted: no file of this machine, no password in the clear where others can listen.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::Miss;
use super::super::connect::broken;
use super::login::Way;
use super::packet::{Fields, LARGEST, Packets, nonsense};
use crate::secret::Secret;

/// What we can do, by the protocol's bits: long passwords and flags, protocol 4.1, transactions, secure passwords, ways to
/// log in by name. Neither files of ours nor several statements at once.
const ABLE: u32 = 0x0000_0001 | 0x0000_0004 | 0x0000_0200 | 0x0000_2000 | 0x0000_8000 | 0x0008_0000;
const WITH_DATABASE: u32 = 0x0000_0008;
const TLS: u32 = 0x0000_0800;

/// The character set `utf8mb4_general_ci`, which both servers have under this number.
const UTF8: u8 = 45;

/// The most bytes of a greeting: what is longer was not said by a database.
const GREETING: usize = 4096;

/// The most messages of a login.
const ROUNDS: usize = 8;

/// Who logs in, and where to.
pub(super) struct Login {
    pub user: String,
    pub database: Option<String>,
    pub password: Option<Secret>,
}

/// What a server says of itself before anything else.
#[derive(Debug)]
pub(super) struct Greeting {
    /// `MariaDB 10.11.19`.
    pub server: String,
    pub offers_tls: bool,
    challenge: Vec<u8>,
    way: String,
}

/// Reads the greeting.
pub(super) async fn greeting<S>(packets: &mut Packets<S>) -> Result<Greeting, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = packets.read(GREETING).await.map_err(|error| ended(&error))?;
    match bytes.first() {
        Some(0xff) => Err(Refusal::read(&bytes).map_or_else(|error| ended(&error), |refusal| refusal.to_a_login())),
        Some(10) => understand(&bytes).map_err(|error| ended(&error)),
        // Any byte may come: another version, or something else altogether.
        Some(_) | None => Err(Miss::not_understood("it does not answer as MySQL does")),
    }
}

fn understand(bytes: &[u8]) -> Result<Greeting, Error> {
    let mut fields = Fields(bytes);
    fields.byte()?;
    let version = fields.text()?;
    fields.bytes(4)?;
    let mut challenge = fields.bytes(8)?.to_vec();
    fields.byte()?;
    let able = fields.short()?;
    fields.bytes(5)?;
    let length = usize::from(fields.byte()?);
    fields.bytes(10)?;
    challenge.extend_from_slice(fields.bytes(length.saturating_sub(8).max(13))?);
    // It ends with a NUL, which is no part of it.
    challenge.truncate(20);
    let way = fields.text().unwrap_or_else(|_| Way::Native.name().to_owned());
    Ok(Greeting { server: name(&version), offers_tls: u32::from(able) & TLS != 0, challenge, way })
}

/// Names the server. MariaDB puts `5.5.5-` before its version, for old clients, and its package's version behind it.
fn name(version: &str) -> String {
    let plain = version.strip_prefix("5.5.5-").unwrap_or(version);
    let number = plain.split('-').next().unwrap_or_default();
    let product = if plain.to_ascii_lowercase().contains("mariadb") { "MariaDB" } else { "MySQL" };
    format!("{product} {number}")
}

/// Asks to go on over TLS. What comes next on this connection is the handshake.
pub(super) async fn ask_for_tls<S>(packets: &mut Packets<S>, login: &Login) -> Result<(), Miss>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    packets.write(&opening(login, TLS)).await.map_err(|error| ended(&error))
}

/// The front of the answer to a greeting.
fn opening(login: &Login, more: u32) -> Vec<u8> {
    let database = if login.database.is_some() { WITH_DATABASE } else { 0 };
    let mut bytes = (ABLE | database | more).to_le_bytes().to_vec();
    bytes.extend_from_slice(&0x0100_0000_u32.to_le_bytes());
    bytes.push(UTF8);
    bytes.extend_from_slice(&[0; 23]);
    bytes
}

/// A conversation in which somebody is logged in.
pub(super) struct Talk<S> {
    packets: Packets<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Logs in.
    pub(super) async fn begin(
        mut packets: Packets<S>,
        greeting: &Greeting,
        login: &Login,
        over: Over,
    ) -> Result<Self, Miss> {
        let password = login.password.as_ref().map(Secret::expose);
        // A way that is not known here may be the server's usual one and still not this user's: it will say so.
        let mut way = Way::of(&greeting.way).unwrap_or(Way::Native);
        let mut answer = opening(login, if over == Over::Tls { TLS } else { 0 });
        text(&mut answer, &login.user);
        let proof = way.answer(password, &greeting.challenge);
        answer.push(u8::try_from(proof.len()).unwrap_or_default());
        answer.extend_from_slice(&proof);
        if let Some(database) = &login.database {
            text(&mut answer, database);
        }
        text(&mut answer, way.name());
        let sent = packets.write(&answer).await;

        for _ in 0..ROUNDS {
            // It may have refused already and hung up; what it said before that is still there to be read.
            let said = packets.read(GREETING).await.map_err(|error| ended(sent.as_ref().err().unwrap_or(&error)))?;
            let mut fields = Fields(&said);
            match (fields.byte().map_err(|error| ended(&error))?, fields.0) {
                (0x00, _) => return Ok(Self { packets }),
                (0xff, _) => return Err(Refusal::read(&said).map_err(|error| ended(&error))?.to_a_login()),
                (0xfe, []) => return Err(unknown("mysql_old_password")),
                (0xfe, _) => {
                    let wanted = fields.text().map_err(|error| ended(&error))?;
                    way = Way::of(&wanted).ok_or_else(|| unknown(&wanted))?;
                    let challenge = fields.0.strip_suffix(&[0]).unwrap_or(fields.0);
                    let proof = way.answer(password, challenge);
                    // No password is said by an empty packet, and in the newer way by a NUL.
                    let none: &[u8] = if way == Way::CachingSha2 { &[0] } else { &[] };
                    packets.write(if proof.is_empty() { none } else { &proof }).await.map_err(|error| ended(&error))?;
                }
                // It knows the answer by heart, and accepts.
                (0x01, [3]) if way == Way::CachingSha2 => {}
                // It does not, and wants the password itself.
                (0x01, [4]) if way == Way::CachingSha2 => {
                    if over == Over::Open {
                        return Err(Miss::differs(
                            "it asks for the password itself, which is not sent without TLS; log in once by TLS",
                        ));
                    }
                    let mut bare = zeroize::Zeroizing::new(password.unwrap_or_default().as_bytes().to_vec());
                    bare.push(0);
                    packets.write(&bare).await.map_err(|error| ended(&error))?;
                }
                // Any byte may come.
                (_, _) => return Err(ended(&nonsense())),
            }
        }
        Err(ended(&nonsense()))
    }

    /// Asks, and reads the answer to its end. What is kept of it is the first value and the number of rows.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Table, Refused> {
        self.packets.begin();
        let mut command = vec![0x03];
        command.extend_from_slice(sql.as_bytes());
        self.packets.write(&command).await?;
        let head = self.packets.read(LARGEST).await?;
        match head[0] {
            0x00 => return Ok(Table::default()),
            0xff => return Err(Refused::Said(Refusal::read(&head)?)),
            // It asks for a file of ours. Nothing of ours is handed out; a probe does not load data.
            0xfb => return Err(Refused::Broken(nonsense())),
            // A number of columns.
            _ => {}
        }
        let columns = Fields(&head).number()?;
        if columns > 4096 {
            return Err(Refused::Broken(nonsense()));
        }
        for _ in 0..columns {
            self.packets.read(LARGEST).await?;
        }
        if !is_end(&self.packets.read(LARGEST).await?) {
            return Err(Refused::Broken(nonsense()));
        }
        let mut table = Table::default();
        loop {
            let row = self.packets.read(LARGEST).await?;
            if is_end(&row) {
                return Ok(table);
            }
            if row[0] == 0xff {
                return Err(Refused::Said(Refusal::read(&row)?));
            }
            if table.rows == 0 {
                let first = Fields(&row).value()?.unwrap_or_default();
                table.first = String::from_utf8_lossy(first).into_owned();
            }
            table.rows += 1;
        }
    }

    /// Says goodbye, so that the server does not count a connection that broke.
    pub(super) async fn end(mut self) {
        self.packets.begin();
        // It has answered all that was asked; what becomes of the connection changes nothing any more.
        let _ = self.packets.write(&[0x01]).await;
    }
}

/// Over what a conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Encrypted.
    Tls,
    /// A socket of this machine: nobody else can listen.
    Socket,
    /// Open to whoever is on the way.
    Open,
}

/// What is kept of an answer.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The first column of the first row; empty for NULL and for no row.
    pub first: String,
    pub rows: u64,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server says why.
    Said(Refusal),
    /// The connection broke, or what came is no answer.
    Broken(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Refused> for Miss {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Said(refusal) => refusal.to_a_question(),
            Refused::Broken(error) => ended(&error),
        }
    }
}

/// An error that the server reports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: u16,
    said: String,
}

impl Refusal {
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields(bytes);
        fields.byte()?;
        let code = fields.short()?;
        // Before the login there is no SQLSTATE.
        let said = fields.0.strip_prefix(b"#").and_then(|rest| rest.get(5..)).unwrap_or(fields.0);
        Ok(Self { code, said: String::from_utf8_lossy(said).into_owned() })
    }

    /// A login is denied by 1045 (this user with this password) and 1044 (this user in this database).
    fn to_a_login(&self) -> Miss {
        if matches!(self.code, 1044 | 1045) { Miss::denied(&self.said) } else { self.otherwise() }
    }

    /// A question is denied by those, and where the right to a table (1142), a column (1143) or a thing of the server's
    /// (1227) is missing.
    fn to_a_question(&self) -> Miss {
        if matches!(self.code, 1044 | 1045 | 1142 | 1143 | 1227) { Miss::denied(&self.said) } else { self.otherwise() }
    }

    fn otherwise(&self) -> Miss {
        Miss::differs(format!("it answered with error {}: {}", self.code, self.said))
    }
}

/// The last packet of a list is short and begins with 0xfe; a row that begins so is long.
fn is_end(packet: &[u8]) -> bool {
    packet[0] == 0xfe && packet.len() < 9
}

fn unknown(way: &str) -> Miss {
    Miss::differs(format!("it asks to log in by {way}, which this probe does not know; ask with `command`"))
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

fn ended(error: &Error) -> Miss {
    if error.kind() == ErrorKind::InvalidData {
        return Miss::not_understood("it does not answer as MySQL does, or not in so few words");
    }
    broken(error, "MySQL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Finding;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    const GREETS: &[u8] = b"\x0a5.5.5-10.11.19-MariaDB-0+deb12u1\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0";

    /// A server that says these packets one after the other, whatever it hears.
    async fn saying(said: &[&[u8]]) -> DuplexStream {
        let (ours, mut theirs) = duplex(1 << 16);
        for (number, packet) in said.iter().enumerate() {
            let [low, middle, high, _] = u32::try_from(packet.len()).unwrap().to_le_bytes();
            theirs.write_all(&[low, middle, high, u8::try_from(number).unwrap()]).await.unwrap();
            theirs.write_all(packet).await.unwrap();
        }
        tokio::spawn(async move {
            let mut heard = Vec::new();
            let _ = theirs.read_to_end(&mut heard).await;
        });
        ours
    }

    async fn begin(over: Over, said: &[&[u8]]) -> Result<Talk<DuplexStream>, Miss> {
        let mut packets = Packets::new(saying(said).await);
        let greeting = greeting(&mut packets).await?;
        let password = Some(Secret::new("CANARY-password".to_owned()));
        let login = Login { user: "u".to_owned(), database: None, password };
        Talk::begin(packets, &greeting, &login, over).await
    }

    #[tokio::test]
    async fn a_greeting_is_understood() {
        let mut packets = Packets::new(saying(&[GREETS]).await);
        let greeting = greeting(&mut packets).await.unwrap();
        assert_eq!(greeting.server, "MariaDB 10.11.19");
        assert!(greeting.offers_tls);
        assert_eq!(greeting.challenge, b"abcdefghijklmnopqrst");
        assert_eq!(greeting.way, "mysql_native_password");
        assert_eq!(name("8.4.2"), "MySQL 8.4.2");
    }

    #[tokio::test]
    async fn what_a_server_says_in_place_of_a_login() {
        let full = b"\xff\x10\x04Too many connections";
        let blocked = b"\xff\x6a\x04Host 'h' is not allowed to connect to this MariaDB server";
        let denied = b"\xff\x15\x04#28000Access denied for user 'u'@'h' (using password: YES)";
        for (said, finding, saw) in [
            (vec![&full[..]], Finding::Differs, "it answered with error 1040: Too many connections"),
            (vec![&blocked[..]], Finding::Differs, "it answered with error 1130: Host 'h' is not allowed to connect"),
            (vec![GREETS, &denied[..]], Finding::Denied, "denied: Access denied for user 'u'@'h'"),
            (vec![GREETS, b"\xfe"], Finding::Differs, "it asks to log in by mysql_old_password"),
            (
                vec![GREETS, b"\xfemysql_clear_password\0"],
                Finding::Differs,
                "it asks to log in by mysql_clear_password",
            ),
            (vec![GREETS, b"\x01\x04"], Finding::NotUnderstood, "it does not answer as MySQL does"),
            (vec![GREETS, b"HTTP/1.1 400"], Finding::NotUnderstood, "it does not answer as MySQL does"),
            (vec![b"\x09old"], Finding::NotUnderstood, "it does not answer as MySQL does"),
            (vec![b"\x0ashort"], Finding::NotUnderstood, "it does not answer as MySQL does"),
        ] {
            let miss = begin(Over::Open, &said).await.err().unwrap();
            assert!(miss.finding == finding && miss.saw.starts_with(saw), "{miss:?} is not {finding:?} {saw}");
        }
    }

    #[tokio::test]
    async fn a_password_goes_out_only_where_nobody_listens() {
        let asks = [GREETS, b"\xfecaching_sha2_password\0ABCDEFGHIJKLMNOPQRST\0", b"\x01\x04", b"\0\0\0\x02\0\0\0"];
        let miss = begin(Over::Open, &asks).await.err().unwrap();
        assert!(miss.saw.contains("not sent without TLS"), "{}", miss.saw);
        assert!(begin(Over::Tls, &asks).await.is_ok() && begin(Over::Socket, &asks).await.is_ok());
        let knows = [GREETS, b"\xfecaching_sha2_password\0ABCDEFGHIJKLMNOPQRST\0", b"\x01\x03", b"\0\0\0\x02\0\0\0"];
        assert!(begin(Over::Open, &knows).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_no_answer_to_a_question() {
        let greeted = [GREETS, b"\0\0\0\x02\0\0\0"];
        for (said, finding) in [
            (vec![&b"\xfb/etc/passwd"[..]], Finding::NotUnderstood),
            (vec![b"\xfc\xff\xff"], Finding::NotUnderstood),
            (vec![b"\x01", b"column", b"no end"], Finding::NotUnderstood),
            (vec![b"\x01", b"column", b"\xfe\0\0\x02\0", b"\x09short"], Finding::NotUnderstood),
            (vec![b"\xff\x76\x04#42000SELECT command denied"], Finding::Denied),
            (vec![b"\x01", b"column", b"\xfe\0\0\x02\0", b"\xff\x25\x05#70100interrupted"], Finding::Differs),
        ] {
            let said: Vec<&[u8]> = greeted.iter().copied().chain(said).collect();
            let miss: Miss = begin(Over::Open, &said).await.unwrap().ask("select 1").await.unwrap_err().into();
            assert_eq!(miss.finding, finding, "{miss:?}");
        }
        let said =
            [greeted[0], greeted[1], b"\x01", b"column", b"\xfe\0\0\x02\0", b"\x02ab", b"\xfb", b"\xfe\0\0\x02\0"];
        let table = begin(Over::Open, &said).await.unwrap().ask("select 1").await.unwrap();
        assert_eq!((table.first.as_str(), table.rows), ("ab", 2));
    }
}
