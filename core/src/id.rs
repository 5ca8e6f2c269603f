//! Ids of links, visitors and clicks: fixed-width numbers inside, opaque text outside.
//!
//! The text is base62 padded to a fixed width, digits before capitals before small letters, so that
//! text sorts as the number does and never needs escaping in a URL, a cookie or a shell.

mod click_id;
mod random;
mod text;

pub use click_id::{ClickId, ClickIdForged, ClickIdKey, Minter};
pub use text::IdError;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A link, unique in an installation: 32 bits of seconds since 1970, then 32 random bits.
///
/// The store refuses an id that is taken, so the random bits only have to make that rare. Seconds
/// first, so that a workspace's newest links are listed without sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl LinkId {
    /// A new id for a link created at `unix_seconds`.
    #[must_use]
    pub fn random(unix_seconds: u32) -> Self {
        Self(u64::from(unix_seconds) << 32 | u64::from(random_u32()))
    }
}

/// A browser as far as its cookie tells: 128 random bits, nothing derived from the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitorId(pub u128);

impl VisitorId {
    /// A visitor not seen before.
    #[must_use]
    pub fn random() -> Self {
        Self(random::u128())
    }

    /// The 22 characters of the id, without an allocation.
    pub fn write_to(self, buffer: &mut [u8; 22]) -> &str {
        text::encode(self.0, buffer)
    }
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a random generator");
}

fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    fill_random(&mut bytes);
    u32::from_be_bytes(bytes)
}

/// Reads an id's text without a copy of it: a cache reads a million of them at its start.
struct FromText<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = IdError>> serde::de::Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Text, parsing and JSON of an id, the same for each kind.
macro_rules! opaque_text {
    ($name:ident, $number:ty, $width:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; $width];
                f.write_str(text::encode(u128::from(self.0), &mut buffer))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(s: &str) -> Result<Self, IdError> {
                let number = text::decode(s, $width)?;
                <$number>::try_from(number)
                    .map(Self)
                    .map_err(|_| IdError::Range)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(FromText(std::marker::PhantomData))
                } else {
                    <$number>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

opaque_text!(LinkId, u64, 11);
opaque_text!(VisitorId, u128, 22);
opaque_text!(ClickId, u128, 22);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_round_trips_and_sorts_as_the_number(a: u128, b: u128) {
            let (x, y) = (VisitorId(a), VisitorId(b));
            prop_assert_eq!(x.to_string().parse::<VisitorId>(), Ok(x));
            prop_assert_eq!(x.to_string().cmp(&y.to_string()), a.cmp(&b));
        }

        #[test]
        fn link_ids_round_trip_through_json_and_the_wire(n: u64) {
            let id = LinkId(n);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<LinkId>(&json).unwrap(), id);
            let wire = postcard::to_stdvec(&id).unwrap();
            prop_assert_eq!(postcard::from_bytes::<LinkId>(&wire).unwrap(), id);
        }

        #[test]
        fn whatever_has_the_width_of_an_id_is_read_as_base62_reads_it(s in "[0-9A-Za-z]{22}", byte in "[!-~]", at in 0..22_usize) {
            let number = |text: &str| text.parse::<VisitorId>().ok().map(|id| id.0);
            prop_assert_eq!(number(&s), base62::decode(&s).ok());
            let mut other = s;
            other.replace_range(at..=at, &byte);
            prop_assert_eq!(number(&other), base62::decode(&other).ok());
        }

        #[test]
        fn any_text_parses_to_itself_or_not_at_all(s in ".{0,30}") {
            if let Ok(id) = s.parse::<VisitorId>() {
                prop_assert_eq!(id.to_string(), s);
            }
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(
            "abc".parse::<LinkId>(),
            Err(IdError::Length {
                expected: 11,
                found: 3
            })
        );
        assert_eq!(
            "abc!efghijk".parse::<LinkId>(),
            Err(IdError::Character('!'))
        );
        assert_eq!("zzzzzzzzzzz".parse::<LinkId>(), Err(IdError::Range));
        assert_eq!(
            "zzzzzzzzzzzzzzzzzzzzzz".parse::<VisitorId>(),
            Err(IdError::Range)
        );
    }
}
