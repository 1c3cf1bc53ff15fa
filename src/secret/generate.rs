//! Making secrets from the operating system's random numbers.
//!
//! What must stay true: every result of a recipe is as likely as every other, and no generator of our own stands between
//! the system and the secret.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::Secret;

/// How a secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// So many random bytes in base64, with padding.
    Base64(usize),
    /// So many random bytes in the base64 of URLs, without padding.
    Base64Url(usize),
    /// So many random bytes in small hexadecimal digits.
    Hex(usize),
    /// So many characters of `A-Z a-z 0-9`.
    Alphanumeric(usize),
    /// So many printable characters of ASCII, never a blank.
    Symbols(usize),
}

/// Makes a secret.
///
/// # Errors
/// When the system gives no random numbers: a sentence for the operator.
pub fn generate(recipe: Recipe) -> Result<Secret, String> {
    let text = match recipe {
        Recipe::Base64(bytes) => STANDARD.encode(random(bytes)?),
        Recipe::Base64Url(bytes) => URL_SAFE_NO_PAD.encode(random(bytes)?),
        Recipe::Hex(bytes) => random(bytes)?.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect(),
        Recipe::Alphanumeric(length) => characters(length, u8::is_ascii_alphanumeric)?,
        Recipe::Symbols(length) => characters(length, u8::is_ascii_graphic)?,
    };
    Ok(Secret::new(text))
}

fn random(bytes: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut buffer = Zeroizing::new(vec![0; bytes]);
    SysRng
        .try_fill_bytes(&mut buffer)
        .map_err(|error| format!("the system gives no random numbers: {error}; no secret was made"))?;
    Ok(buffer)
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

/// Draws characters one by one. A random byte that is not one of them, its top bit aside, is thrown away: taking it modulo
/// their number would make some likelier than others.
fn characters(length: usize, wanted: fn(&u8) -> bool) -> Result<String, String> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let missing = length - text.len();
        let drawn = random(2 * missing + 16)?;
        text.extend(drawn.iter().map(|byte| byte & 0x7f).filter(wanted).take(missing).map(char::from));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_form_asked_for() {
        let text = |recipe| generate(recipe).unwrap().expose().to_owned();
        assert_eq!(STANDARD.decode(text(Recipe::Base64(32))).unwrap().len(), 32);
        assert_eq!(URL_SAFE_NO_PAD.decode(text(Recipe::Base64Url(32))).unwrap().len(), 32);
        let hex = text(Recipe::Hex(32));
        assert!(hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{hex}");
        let letters = text(Recipe::Alphanumeric(40));
        assert!(letters.len() == 40 && letters.bytes().all(|b| b.is_ascii_alphanumeric()), "{letters}");
        let symbols = text(Recipe::Symbols(40));
        assert!(symbols.len() == 40 && symbols.bytes().all(|b| b.is_ascii_graphic()), "{symbols}");
        assert_ne!(text(Recipe::Symbols(40)), text(Recipe::Symbols(40)));
    }

    #[test]
    fn uses_each_character_about_equally() {
        // 94 000 draws over 94 characters: 1 000 each, and 200 off is more than six standard deviations
        let text = generate(Recipe::Symbols(94_000)).unwrap();
        let mut counts = [0_u32; 128];
        text.expose().bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        for byte in b'!'..=b'~' {
            let count = counts[usize::from(byte)];
            assert!((800..1200).contains(&count), "{}: {count}", char::from(byte));
        }
    }
}
