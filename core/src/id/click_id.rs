//! The click id: 128 bits that sort by time, never repeat, and cannot be made up.
//!
//! ```text
//! bits 127..80   milliseconds since 1970            sorts by time; the row can be found by its key
//! bits  79..64   link tag: keyed hash of the link   binds the id to its link
//! bits  63..32   unique                             a counter: disjoint between threads
//! bits  31..0    MAC over all of the above          a forged id fails without a look-up
//! ```
//!
//! The MAC is SipHash-2-4 under the installation's key, cut to 32 bits: a forger needs two billion
//! tries over the network for one id, which then names a click that does not exist. Two processes
//! collide only on the same link in the same millisecond with the same 32-bit unique number.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use siphasher::sip128;
use thiserror::Error;

use super::{LinkId, fill_random};

/// One click, for good: minted at the redirect, carried by the destination to the conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClickId(pub u128);

impl ClickId {
    /// When the click happened, in milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The 22 characters of the id, without an allocation.
    pub fn write_to(self, buffer: &mut [u8; 22]) -> &str {
        super::text::encode(self.0, buffer)
    }
}

/// The id was not minted with this installation's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("was not issued here (its signature does not match)")]
pub struct ClickIdForged;

/// The secret that signs click ids; the same on every node of an installation.
#[derive(Clone)]
pub struct ClickIdKey([u8; 16]);

impl std::fmt::Debug for ClickIdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClickIdKey(…)")
    }
}

impl ClickIdKey {
    /// The key from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Refuses an id that this installation did not mint.
    pub fn verify(&self, id: ClickId) -> Result<(), ClickIdForged> {
        // A timing difference of a 32-bit compare tells a remote forger nothing it could use.
        if id.0 as u32 == self.mac(id.0) {
            Ok(())
        } else {
            Err(ClickIdForged)
        }
    }

    /// Whether a genuine id was minted for this link (wrongly true once in 65,536).
    #[must_use]
    pub fn is_for(&self, id: ClickId, link: LinkId) -> bool {
        (id.0 >> 64) as u16 == self.link_tag(link)
    }

    /// A key for another purpose, the same on every node, from which nothing can be learnt of this one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 16] {
        let mut hasher = sip128::SipHasher24::new_with_key(&self.0);
        hasher.write_u8(3);
        hasher.write(purpose.as_bytes());
        sip128::Hasher128::finish128(&hasher).as_bytes()
    }

    fn sign(&self, unix_ms: u64, link: LinkId, unique: u32) -> ClickId {
        let body = u128::from(unix_ms) << 80
            | u128::from(self.link_tag(link)) << 64
            | u128::from(unique) << 32;
        ClickId(body | u128::from(self.mac(body)))
    }

    /// Hashes the upper 96 bits; the domain byte keeps a MAC from ever being a link tag.
    fn mac(&self, body: u128) -> u32 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write_u8(1);
        hasher.write(&body.to_be_bytes()[..12]);
        hasher.finish() as u32
    }

    fn link_tag(&self, link: LinkId) -> u16 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write_u8(2);
        hasher.write(&link.0.to_be_bytes());
        hasher.finish() as u16
    }
}

/// Mints click ids on one thread.
#[derive(Debug)]
pub struct Minter {
    key: ClickIdKey,
    /// Where this thread's range of 2^24 numbers begins.
    start: u32,
    count: u32,
}

impl Minter {
    /// One minter for each of `threads` threads. Each counts round and round in 2^24 numbers of its own,
    /// so that no two threads of a process ever meet; where they begin is random, for other processes.
    #[must_use]
    pub fn for_threads(key: &ClickIdKey, threads: u8) -> Vec<Self> {
        let mut start = [0; 4];
        fill_random(&mut start);
        let start = u32::from_be_bytes(start);
        (0..u32::from(threads))
            .map(|thread| Self {
                key: key.clone(),
                start: start.wrapping_add(thread << 24),
                count: 0,
            })
            .collect()
    }

    /// The id of a click on `link` at `unix_ms`.
    pub fn mint(&mut self, unix_ms: u64, link: LinkId) -> ClickId {
        self.count = (self.count + 1) & 0xff_ffff;
        self.key
            .sign(unix_ms, link, self.start.wrapping_add(self.count))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> ClickIdKey {
        ClickIdKey::new([byte; 16])
    }

    proptest! {
        #[test]
        fn a_minted_id_verifies_and_tells_its_time_and_link(ms in 0_u64..1 << 48, link: u64, other: u64) {
            let id = Minter::for_threads(&key(1), 1)[0].mint(ms, LinkId(link));
            prop_assert_eq!(key(1).verify(id), Ok(()));
            prop_assert_eq!(id.unix_ms(), ms);
            prop_assert!(key(1).is_for(id, LinkId(link)));
            let tags_differ = key(1).link_tag(LinkId(link)) != key(1).link_tag(LinkId(other));
            prop_assert_eq!(!key(1).is_for(id, LinkId(other)), tags_differ);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn a_changed_bit_or_another_key_is_a_forgery(ms in 0_u64..1 << 48, link: u64, bit in 0..128_u32) {
            let id = Minter::for_threads(&key(1), 1)[0].mint(ms, LinkId(link));
            // 32 bits of MAC leave one chance in four billion that either passes.
            prop_assert_eq!(key(1).verify(ClickId(id.0 ^ 1 << bit)), Err(ClickIdForged));
            prop_assert_eq!(key(2).verify(id), Err(ClickIdForged));
        }

        #[test]
        fn later_ids_sort_later(a in 0_u64..1 << 48, b in 0_u64..1 << 48, link: u64) {
            let mut minter = Minter::for_threads(&key(1), 1).remove(0);
            let (x, y) = (minter.mint(a, LinkId(link)), minter.mint(b, LinkId(link)));
            prop_assume!(a != b);
            prop_assert_eq!(x.to_string() < y.to_string(), a < b);
        }
    }

    #[test]
    fn derived_keys_differ_by_key_and_purpose() {
        let derived = key(1).derive("a");
        assert_eq!(key(1).derive("a"), derived);
        assert_ne!(key(1).derive("b"), derived);
        assert_ne!(key(2).derive("a"), derived);
    }

    #[test]
    fn threads_of_one_process_never_mint_the_same_id() {
        let mut seen = HashSet::new();
        for mut minter in Minter::for_threads(&key(1), 8) {
            for _ in 0..10_000 {
                assert!(
                    seen.insert(minter.mint(1, LinkId(7))),
                    "same link, same millisecond"
                );
            }
        }
    }

    #[test]
    fn a_thread_far_ahead_of_the_others_stays_in_its_own_range() {
        let mut minters = Minter::for_threads(&key(1), 2);
        let mut ahead = minters.remove(0);
        ahead.count = 0xff_fff0;
        let unique = |id: ClickId| (id.0 >> 32) as u32;
        let next = unique(minters[0].mint(1, LinkId(7))).wrapping_sub(1);
        for _ in 0..100 {
            let offset = next.wrapping_sub(unique(ahead.mint(1, LinkId(7))));
            assert!((1..=1 << 24).contains(&offset), "{offset}");
        }
    }

    #[test]
    fn the_key_does_not_print() {
        assert_eq!(format!("{:?}", key(9)), "ClickIdKey(…)");
    }
}
