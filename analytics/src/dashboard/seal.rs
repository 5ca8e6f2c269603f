//! What a browser keeps of a session: whose key opened it and until when, signed, so that nobody makes one up.
//!
//! Nothing is kept here. Any process with the installation's `click_id_key` knows a session again, after a restart too; and since
//! it names the key by its hash, it ends with the key. The key itself is in no session.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::hmac;
use whence_core::config::Config;
use whence_core::key::{self, KeyHash};

/// How long a session lasts: a working day.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 3600);

/// What is signed for, so that no other signature by the same key passes for a session.
const PURPOSE: &[u8] = b"whence dashboard session 1";

const HASH_BYTES: usize = 32;
const TIME_BYTES: usize = 8;
const SIGNED_BYTES: usize = HASH_BYTES + TIME_BYTES;

/// Signs sessions. Never prints.
#[derive(Clone)]
pub(crate) struct SessionKey(hmac::Key);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(***)")
    }
}

impl SessionKey {
    /// The installation's. One that has no `click_id_key` here gets one by chance, and its sessions end with the process.
    pub(crate) fn of(config: &Config) -> Self {
        let drawn = key::generate();
        let secret = match config.click_id_key.expose() {
            "" => drawn.expose(),
            shared => shared,
        };
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let derived = hmac::sign(&root, PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// A session of whoever holds this key, until then.
    pub(super) fn seal(&self, holder: KeyHash, until: Timestamp) -> String {
        let mut bytes = Vec::with_capacity(SIGNED_BYTES + HASH_BYTES);
        bytes.extend_from_slice(holder.as_bytes());
        bytes.extend_from_slice(&until.as_second().to_be_bytes());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whose session this is; nothing where it is over, or not one of ours.
    pub(super) fn open(&self, session: &str, now: Timestamp) -> Option<(KeyHash, Timestamp)> {
        let bytes = URL_SAFE_NO_PAD.decode(session).ok()?;
        let (signed, tag) = bytes.split_at_checked(SIGNED_BYTES)?;
        hmac::verify(&self.0, signed, tag).ok()?;
        let (hash, until) = signed.split_at(HASH_BYTES);
        let until = i64::from_be_bytes(until.try_into().ok()?);
        let until = Timestamp::from_second(until).ok()?;
        let holder = KeyHash::from_bytes(hash.try_into().ok()?);
        (now < until).then_some((holder, until))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whence_core::secret::Secret;

    use super::*;

    fn signer(secret: &str) -> SessionKey {
        SessionKey::of(&Config {
            click_id_key: Secret::new(secret),
            ..Config::default()
        })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_session_is_known_until_its_end_wherever_the_secret_is() {
        let holder = KeyHash::of("whk_1");
        let session = signer("same").seal(holder, at(1000));
        for (secret, now, known) in [
            ("same", 999, true),
            ("same", 1000, false),
            ("another", 999, false),
            ("", 999, false),
        ] {
            let found = signer(secret).open(&session, at(now));
            assert_eq!(found.is_some(), known, "{secret} at {now}");
            assert!(found.is_none_or(|(hash, until)| hash == holder && until == at(1000)));
        }
        let mine = signer("");
        let session = mine.seal(holder, at(1000));
        assert!(mine.open(&session, at(1)).is_some());
        assert!(
            signer("").open(&session, at(1)).is_none(),
            "drawn by chance"
        );
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_session(at_byte in 0usize..72, bit in 0u8..8, cut in 0usize..96) {
            let signer = signer("secret");
            let session = signer.seal(KeyHash::of("whk_1"), at(1000));
            let mut bytes = URL_SAFE_NO_PAD.decode(&session).unwrap();
            bytes[at_byte] ^= 1 << bit;
            prop_assert!(signer.open(&URL_SAFE_NO_PAD.encode(bytes), at(1)).is_none());
            prop_assert!(signer.open(&session[..cut], at(1)).is_none());
        }

        #[test]
        fn no_text_at_all_breaks_it(text in ".{0,200}") {
            prop_assert!(signer("secret").open(&text, at(1)).is_none());
        }
    }
}
