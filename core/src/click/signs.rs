//! Which headers a request came with: evidence of what sent it, in two bytes.
//!
//! What they are evidence of is ingest's to say.

use std::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signs(u16);

impl Signs {
    /// The redirector looked for the others. Clicks from before it did have none at all.
    pub const KNOWN: Self = Self(1);
    /// `Accept` was sent.
    pub const ACCEPT: Self = Self(1 << 1);
    /// `Accept` names `text/html`.
    pub const HTML: Self = Self(1 << 2);
    /// `Accept-Language` was sent.
    pub const LANGUAGE: Self = Self(1 << 3);
    /// `Accept-Encoding` was sent.
    pub const ENCODING: Self = Self(1 << 4);
    /// A header of Fetch Metadata (`Sec-Fetch-Site`, `-Mode`, `-Dest`, `-User`) was sent.
    pub const FETCH: Self = Self(1 << 5);
    /// `Sec-Fetch-Mode: navigate`.
    pub const NAVIGATE: Self = Self(1 << 6);
    /// `Sec-Fetch-User: ?1`: somebody pressed something.
    pub const USER: Self = Self(1 << 7);
    /// A cookie, of whatever name, was sent.
    pub const COOKIE: Self = Self(1 << 8);
    /// It came over HTTPS, be it to a proxy that is believed: browsers send Fetch Metadata and client hints only there.
    pub const SECURE: Self = Self(1 << 9);
    /// The address itself may be stored: the workspace wants it, and the visitor has not objected.
    pub const ADDRESS: Self = Self(1 << 10);

    /// The set with the number `bits`, as the table of clicks has it.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The set's number in the table of clicks.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all of `others` are in it.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The set with `mark` if `holds`.
    #[must_use]
    pub const fn with_if(self, mark: Self, holds: bool) -> Self {
        if holds { Self(self.0 | mark.0) } else { self }
    }
}

impl BitOr for Signs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Signs {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
