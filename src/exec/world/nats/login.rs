//! Who we say we are to a NATS server: the text of `CONNECT`.
//!
//! A `.creds` file has a user's JWT and the seed of its key. The seed never leaves: what the server made up is signed with it.
//! Sources of the formats: the NATS documentation, and the packages `jwt` and `nkeys` of the NATS project.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::Ed25519KeyPair;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// How to log in.
pub(super) enum Login {
    /// Without a word; the server may know a user for such.
    None,
    Password {
        user: String,
        password: Secret,
    },
    Token(Secret),
    Creds(Creds),
}

/// What a `.creds` file has.
pub(super) struct Creds {
    jwt: Secret,
    key: Ed25519KeyPair,
}

impl Creds {
    /// Reads the text of a `.creds` file.
    ///
    /// # Errors
    /// When it is none; in words that have nothing of the text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let jwt = between(text, "NATS USER JWT").ok_or("it has no NATS USER JWT")?;
        let seed = between(text, "USER NKEY SEED").ok_or("it has no USER NKEY SEED")?;
        let seed = user_seed(seed).ok_or("its seed is damaged, or not a user's")?;
        let key = Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_| "its seed is no key")?;
        Ok(Self { jwt: Secret::new(jwt.to_owned()), key })
    }
}

/// Finds the one line between `-----BEGIN name-----` and `------END name------`. The number of dashes is not the same everywhere.
fn between<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let is = |line: &str, word: &str| {
        line.starts_with("---") && line.trim_matches('-').strip_prefix(word).is_some_and(|rest| rest.trim() == name)
    };
    let mut lines = text.lines().map(str::trim).skip_while(|line| !is(line, "BEGIN")).skip(1);
    let value = lines.find(|line| !line.is_empty())?;
    (!value.starts_with("---") && lines.any(|line| is(line, "END"))).then_some(value)
}

/// Decodes the seed of a user's key: base 32 of two bytes of kind, 32 of seed, and a checksum.
fn user_seed(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    /// The kinds, in five bits each: a seed, and a user.
    const SEED: u8 = 18 << 3;
    const USER: u8 = 20 << 3;
    let bytes = base32(text)?;
    let (content, sum) = bytes.split_last_chunk::<2>()?;
    let [first, second, seed @ ..] = content else { return None };
    let kinds = (first & 0b1111_1000, (first & 0b111) << 5 | second >> 3);
    if kinds != (SEED, USER) || checksum(content) != u16::from_le_bytes(*sum) {
        return None;
    }
    Some(Zeroizing::new(seed.try_into().ok()?))
}

/// Decodes base 32 without padding (RFC 4648).
fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None, // any byte may come
        };
        held = (held << 5 | u32::from(digit)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// CRC-16 with the polynomial 0x1021, from zero.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 })
    })
}

/// Writes `CONNECT` with its line end. `nonce` is what the server wants signed.
///
/// # Errors
/// When this server does not take such a login.
pub(super) fn connect(login: &Login, info: &super::Info, encrypted: bool) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("verbose", false.into());
    put("pedantic", false.into());
    put("tls_required", encrypted.into());
    put("name", "runsheet".into());
    put("lang", "rust".into());
    put("version", env!("CARGO_PKG_VERSION").into());
    put("protocol", 1.into());
    put("headers", info.headers.into());
    put("no_responders", info.headers.into());
    // What is secret follows as text of its own, so that it can be wiped.
    let open = Value::Object(fields).to_string();
    let secret: Vec<(&str, Zeroizing<String>)> = match login {
        Login::None => Vec::new(),
        Login::Password { user, password } => vec![("user", json(user)), ("pass", json(password.expose()))],
        Login::Token(token) => vec![("auth_token", json(token.expose()))],
        Login::Creds(creds) => {
            let nonce = info.nonce.as_deref().ok_or("it takes no .creds: it gives nothing to sign")?;
            let signed = creds.key.sign(nonce.as_bytes());
            vec![("jwt", json(creds.jwt.expose())), ("sig", json(&URL_SAFE_NO_PAD.encode(signed.as_ref())))]
        }
    };
    let room = open.len() + secret.iter().map(|(key, value)| key.len() + value.len() + 8).sum::<usize>() + 16;
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    line.extend_from_slice(b"CONNECT ");
    line.extend_from_slice(open.trim_end_matches('}').as_bytes());
    for (key, value) in &secret {
        line.extend_from_slice(format!(",\"{key}\":").as_bytes());
        line.extend_from_slice(value.as_bytes());
    }
    line.extend_from_slice(b"}\r\n");
    Ok(line)
}

fn json(text: &str) -> Zeroizing<String> {
    Zeroizing::new(Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::world::nats::Info;

    fn creds(jwt: &str, seed: &str) -> String {
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n*** a warning ***\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n****\n"
        )
    }

    /// Writes a seed as it stands in a file.
    fn written(kind: u8, seed: [u8; 32]) -> String {
        let mut bytes = vec![18 << 3 | kind >> 5, kind << 3];
        bytes.extend(seed);
        bytes.extend(checksum(&bytes).to_le_bytes());
        let mut text = String::new();
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        for group in 0..(bytes.len() * 8).div_ceil(5) {
            let digit = (0..5).fold(0, |digit, at| digit << 1 | bit(group * 5 + at));
            text.push(char::from(if digit < 26 { b'A' + digit } else { b'2' + digit - 26 }));
        }
        text
    }

    #[test]
    fn the_seed_of_a_user_is_read() {
        let seed = written(20 << 3, [7; 32]);
        assert_eq!(user_seed(&seed).map(|seed| *seed), Some([7; 32]));
        assert!(seed.starts_with("SU"), "{seed}");
        assert_eq!(user_seed(&written(0, [7; 32])), None, "an account's");
        assert_eq!(user_seed(&seed[..57]), None);
        assert_eq!(user_seed(&seed.replace("OB", "OC")), None);
        assert_eq!(user_seed("su"), None);
    }

    #[test]
    fn what_is_no_creds_file_is_told_without_a_word_of_it() {
        let seed = written(20 << 3, [7; 32]);
        assert!(Creds::read(&creds("CANARY.jwt", &seed)).is_ok());
        assert!(Creds::read(&creds("CANARY.jwt", &seed).replace('\n', "\r\n")).is_ok());
        for (text, told) in [
            ("CANARY-1".to_owned(), "it has no NATS USER JWT"),
            (creds("", &seed).replace("\n\n", "\n"), "it has no NATS USER JWT"),
            (creds("CANARY.jwt", &seed).replace("SEED", "KEY"), "it has no USER NKEY SEED"),
            (creds("CANARY.jwt", "SUCANARY"), "its seed is damaged, or not a user's"),
            (creds("CANARY.jwt", &written(0, [7; 32])), "its seed is damaged, or not a user's"),
        ] {
            assert_eq!(Creds::read(&text).err().as_deref(), Some(told), "{text}");
        }
    }

    #[test]
    fn connect_is_json_with_what_the_login_needs() {
        let info = Info { headers: true, nonce: Some("abc".to_owned()), ..Info::default() };
        let fields = |login: &Login, info: &Info| {
            connect(login, info, true).map(|line| {
                let line = String::from_utf8(line.to_vec()).unwrap();
                let json = line.strip_prefix("CONNECT ").and_then(|line| line.strip_suffix("\r\n")).unwrap();
                serde_json::from_str::<Value>(json).unwrap()
            })
        };
        let nobody = fields(&Login::None, &info).unwrap();
        assert_eq!((&nobody["tls_required"], &nobody["headers"]), (&true.into(), &true.into()));
        let password = Login::Password { user: "a\"b".to_owned(), password: Secret::new("CANARY \\ 1".to_owned()) };
        let known = fields(&password, &info).unwrap();
        assert_eq!((&known["user"], &known["pass"]), (&"a\"b".into(), &"CANARY \\ 1".into()));
        let token = fields(&Login::Token(Secret::new("CANARY-2".to_owned())), &info).unwrap();
        assert_eq!(token["auth_token"], "CANARY-2");
        let login = Login::Creds(Creds::read(&creds("CANARY.jwt", &written(20 << 3, [7; 32]))).unwrap());
        let signed = fields(&login, &info).unwrap();
        assert_eq!(signed["jwt"], "CANARY.jwt");
        let sig = URL_SAFE_NO_PAD.decode(signed["sig"].as_str().unwrap()).unwrap();
        let public = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = ring::signature::KeyPair::public_key(&public).as_ref().to_vec();
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        assert!(key.verify(b"abc", &sig).is_ok());
        assert!(fields(&login, &Info::default()).is_err());
    }
}
