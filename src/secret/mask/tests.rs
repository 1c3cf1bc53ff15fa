//! What the masker must find, and that cutting makes no difference.

use super::*;

fn masker(secrets: &[&str]) -> Arc<Masker> {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
    Arc::new(Masker::new(&secrets))
}

#[test]
fn masks_the_plain_secret() {
    let masker = masker(&["CANARY-pa55"]);
    assert_eq!(masker.mask("a CANARY-pa55 b"), "a [secret] b");
    assert_eq!(masker.mask("nothing here"), "nothing here");
}
