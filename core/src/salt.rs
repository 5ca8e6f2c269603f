//! Daily salts: what lets the clicks of one visitor be counted as one for a day without anything kept in the browser,
//! and what nobody can count by afterwards.
//!
//! A salt is 256 random bits for one workspace and one of its days. With it a visitor's address and agent become an id
//! ([`Salt::visitor`]); without it nobody can tell whose id it was, or make the same one again. So it is deleted
//! [`LIFE`] after its day began. Until then it lies in the link store, so that neither a restart nor a second ingest splits
//! visitors, and sealed ([`SaltKey`]), so that whoever reads the store alone has nothing.
//!
//! Which day a click belongs to, and what the id is written into, is ingest's to say.

use std::fmt;
use std::net::IpAddr;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use thiserror::Error;

use crate::id::{VisitorId, fill_random};
use crate::workspace::WorkspaceId;

/// How long after the beginning of its day a salt is there, in seconds: so that a click that comes up to a day late
/// still meets its visitor's others.
pub const LIFE: i64 = 48 * 3600;

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 32;
/// Says how what follows is sealed.
const FORM: u8 = 1;

/// Which salt: that of a workspace's day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SaltId {
    /// Whose visitors.
    pub workspace: WorkspaceId,
    /// When the day began in the workspace's time zone, in seconds since 1970. Not the date: where the zone is changed, the
    /// same date is another day.
    pub day: i64,
}

impl SaltId {
    /// When the salt has to be gone, in seconds since 1970.
    #[must_use]
    pub fn over_at(&self) -> i64 {
        self.day.saturating_add(LIFE)
    }

    /// What is sealed with the salt, so that one cannot be passed off as another's.
    fn bound(&self) -> Vec<u8> {
        format!("{}/{}", self.workspace, self.day).into_bytes()
    }
}

/// A salt, ready to make ids with. Never prints.
#[derive(Clone)]
pub struct Salt {
    key: hmac::Key,
}

impl Salt {
    fn new(bytes: &[u8; SALT_BYTES]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
        }
    }

    /// The id of whoever comes from this address with this agent: the same for the salt's day, and never 0.
    ///
    /// Of an IPv6 address the first 64 bits count: a device changes the others as it likes, within a day too.
    #[must_use]
    pub fn visitor(&self, address: IpAddr, agent: &str) -> VisitorId {
        let mut context = hmac::Context::with_key(&self.key);
        // Texts of different lengths: the address has its length by its kind, and the agent is all the rest.
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                context.update(&[4]);
                context.update(&v4.octets());
            }
            IpAddr::V6(v6) => {
                context.update(&[6]);
                context.update(&v6.octets()[..8]);
            }
        }
        context.update(agent.as_bytes());
        let tag = context.sign();
        let mut number = [0; 16];
        number.copy_from_slice(&tag.as_ref()[..16]);
        // 0 is nobody's.
        VisitorId(u128::from_be_bytes(number).max(1))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(***)")
    }
}

/// A salt as the link store has it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSalt(pub Vec<u8>);

impl fmt::Debug for SealedSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSalt(***)")
    }
}

/// A salt that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SaltError {
    /// It is of a form that this build does not know.
    #[error("the salt of workspace {0} is of a form that only a newer ingest knows")]
    Form(WorkspaceId),
    /// It was sealed with another key, or damaged.
    #[error(
        "the salt of workspace {0} was sealed with another salt_key, or is damaged: every ingest must have the same key \
         (docs/privacy.md says how it is changed)"
    )]
    Key(WorkspaceId),
}

/// What salts are sealed with: the same for every ingest.
#[derive(Clone)]
pub struct SaltKey(LessSafeKey);

impl SaltKey {
    /// The key of 64 hexadecimal digits; none where it is something else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let mut key = [0; KEY_BYTES];
        if text.len() != 2 * KEY_BYTES {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
        }
        Some(Self::new(&key))
    }

    /// A key that follows from another secret, and that does not tell it.
    #[must_use]
    pub fn derived_from(secret: &[u8]) -> Self {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            b"whence: the key that seals daily salts",
        );
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(tag.as_ref());
        Self::new(&key)
    }

    fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has its length");
        Self(LessSafeKey::new(key))
    }

    /// A new salt, sealed.
    #[must_use]
    pub fn generate(&self, id: &SaltId) -> SealedSalt {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_LEN]);
        fill_random(&mut salt);
        // Random is safe here: one key seals a salt for each workspace and day, and 2^32 would be needed for a repeat
        // to become thinkable.
        fill_random(&mut nonce);
        let sealed = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(id.bound()),
            &mut salt,
        );
        let tag = sealed.expect("32 bytes are not too long");
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + SALT_BYTES + tag.as_ref().len());
        bytes.push(FORM);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(tag.as_ref());
        SealedSalt(bytes)
    }

    /// The salt that was sealed for this workspace and day.
    pub fn open(&self, id: &SaltId, sealed: &SealedSalt) -> Result<Salt, SaltError> {
        let other_key = || SaltError::Key(id.workspace.clone());
        let (&form, rest) = sealed.0.split_first().ok_or_else(other_key)?;
        if form != FORM {
            return Err(SaltError::Form(id.workspace.clone()));
        }
        let (nonce, closed) = rest.split_at_checked(NONCE_LEN).ok_or_else(other_key)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| other_key())?;
        let mut closed = closed.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(id.bound()), &mut closed)
            .map_err(|_| other_key())?;
        let salt = <&[u8; SALT_BYTES]>::try_from(&*opened).map_err(|_| other_key())?;
        Ok(Salt::new(salt))
    }
}

impl fmt::Debug for SaltKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(workspace: &str, day: i64) -> SaltId {
        SaltId {
            workspace: workspace.parse().unwrap(),
            day,
        }
    }

    fn key() -> SaltKey {
        SaltKey::from_hex(&"0f".repeat(32)).unwrap()
    }

    #[test]
    fn a_salt_opens_for_its_own_day_and_key_only() {
        let (acme, key) = (id("acme", 86_400), key());
        let sealed = key.generate(&acme);
        let visitor = |salt: Salt| salt.visitor([192, 0, 2, 1].into(), "agent");
        let opened = visitor(key.open(&acme, &sealed).unwrap());
        assert_eq!(opened, visitor(key.open(&acme, &sealed).unwrap()));
        for other in [id("acme", 172_800), id("other", 86_400)] {
            let refused = key.open(&other, &sealed).unwrap_err();
            assert_eq!(refused, SaltError::Key(other.workspace));
        }
        let other_key = SaltKey::derived_from(b"something");
        let refused = other_key.open(&acme, &sealed).unwrap_err().to_string();
        assert!(
            refused.contains("acme") && refused.contains("salt_key"),
            "{refused}"
        );
        let newer = SealedSalt([&[2], &sealed.0[1..]].concat());
        let form = SaltError::Form(acme.workspace.clone());
        assert_eq!(key.open(&acme, &newer).unwrap_err(), form);
        assert_ne!(
            opened,
            visitor(key.open(&acme, &key.generate(&acme)).unwrap()),
            "each salt is a new one"
        );
    }

    #[test]
    fn keys_are_64_hexadecimal_digits() {
        assert!(SaltKey::from_hex(&"aF".repeat(32)).is_some());
        for bad in [
            "",
            "00",
            &"0".repeat(63),
            &"g0".repeat(32),
            &"+1".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(SaltKey::from_hex(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_visitor_is_an_address_and_an_agent() {
        let salt = Salt::new(&[7; 32]);
        let of = |address: &str, agent| salt.visitor(address.parse().unwrap(), agent);
        let one = of("192.0.2.1", "a");
        assert_eq!(one, of("::ffff:192.0.2.1", "a"));
        assert_eq!(
            of("2001:db8:1:2::1", "a"),
            of("2001:db8:1:2:ffff::9", "a"),
            "what a device makes up itself does not count"
        );
        for other in [
            of("192.0.2.2", "a"),
            of("192.0.2.1", "b"),
            of("192.0.2.1", ""),
            of("2001:db8:1:2::", "a"),
            of("2001:db8:1:3::", "a"),
            Salt::new(&[8; 32]).visitor([192, 0, 2, 1].into(), "a"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn nothing_of_it_prints() {
        let key = key();
        let acme = id("acme", 0);
        let sealed = key.generate(&acme);
        let salt = key.open(&acme, &sealed).unwrap();
        for printed in [
            format!("{key:?}"),
            format!("{sealed:?}"),
            format!("{salt:?}"),
        ] {
            assert!(printed.ends_with("(***)"), "{printed}");
        }
    }

    proptest! {
        #[test]
        fn damage_is_refused_without_a_panic(at in 1_usize..61, bit in 0_u8..8, short in 0_usize..61) {
            let (acme, key) = (id("acme", 0), key());
            let sealed = key.generate(&acme);
            prop_assert_eq!(sealed.0.len(), 61);
            let mut damaged = sealed.clone();
            damaged.0[at] ^= 1 << bit;
            prop_assert!(key.open(&acme, &damaged).is_err());
            prop_assert!(key.open(&acme, &SealedSalt(sealed.0[..short].to_vec())).is_err());
        }
    }
}
