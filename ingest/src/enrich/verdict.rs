//! Who asked: a person, or which kind of machine. Nothing is dropped for it; reports choose.
//!
//! `evidence` is what there is to go by, `sign` what it shows. How the evidence comes together is the enricher's.

mod evidence;
mod sign;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use whence_core::agent::Agent;

pub(crate) use evidence::Evidence;
use sign::Sign;

/// What a click seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Verdict {
    /// Nothing speaks against a person.
    Human = 1,
    /// A crawler, a library, a program.
    Bot = 2,
    /// Fetches the page to show a card of it in a chat or a post.
    Preview = 3,
    /// A browser that loads ahead of a click which may never come.
    Prefetch = 4,
    /// Looks for holes or for malware, as mail gateways do.
    Scanner = 5,
    /// Watches whether the page is up.
    Monitor = 6,
    /// The same visitor again on the same link.
    Duplicate = 7,
    /// Odd, but not enough to say what it is.
    Suspect = 8,
}

impl Verdict {
    /// Its name in the table of clicks.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bot => "bot",
            Self::Preview => "preview",
            Self::Prefetch => "prefetch",
            Self::Scanner => "scanner",
            Self::Monitor => "monitor",
            Self::Duplicate => "duplicate",
            Self::Suspect => "suspect",
        }
    }
}

/// A verdict and what led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What the click seems to be.
    pub(super) verdict: Verdict,
    /// A bit for each [`Sign`].
    signs: u32,
}

impl Judgement {
    /// Every sign that was seen, the deciding one first; hardly ever any for a person. `agent` is the one that was judged.
    pub(super) fn reasons<'a>(&self, agent: &'a Agent) -> Reasons<'a> {
        Reasons {
            signs: self.signs,
            agent,
        }
    }
}

/// Reasons of a verdict.
#[derive(Clone, Copy)]
pub struct Reasons<'a> {
    signs: u32,
    agent: &'a Agent,
}

impl<'a> Reasons<'a> {
    /// Each reason.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let seen = move |sign: &Sign| self.signs & sign.bit() != 0;
        let signs = Sign::ALL.into_iter().filter(seen);
        signs.map(move |sign| sign.reason(self.agent))
    }
}

impl PartialEq for Reasons<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.signs.count_ones() as usize))?;
        self.iter()
            .try_for_each(|reason| list.serialize_element(reason))?;
        list.end()
    }
}

/// Judges a click. All signs are collected, so that a later rule set can weigh them anew; the first of them decides.
pub(super) fn judge(click: &Evidence<'_>) -> Judgement {
    let mut judgement = Judgement {
        verdict: Verdict::Human,
        signs: 0,
    };
    for sign in Sign::ALL {
        if sign.is_seen(click) {
            if judgement.signs == 0 {
                judgement.verdict = sign.verdict(click);
            }
            judgement.signs |= sign.bit();
        }
    }
    judgement
}
