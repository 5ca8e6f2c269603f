//! A confirmation: the script on a landing page says that a browser has shown the page which a click led to.
//!
//! What it is worth in a verdict is ingest's to say; here stand only the facts.

use std::ops::BitOr;

use serde::{Deserialize, Serialize};

use crate::id::ClickId;
use crate::wire::Wire;
use crate::workspace::WorkspaceId;

/// What is known of how a confirmation came about: evidence in two bytes.
///
/// What the script tells of its browser can be made up like anything that a browser sends; what the collector sees
/// itself can only be imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(u16);

impl Marks {
    /// Told: `navigator.webdriver`, which browsers set while a program drives them.
    pub const WEBDRIVER: Self = Self(1);
    /// Told: the screen has no size.
    pub const SCREENLESS: Self = Self(1 << 1);
    /// Told: the page stands in a frame of another page.
    pub const FRAMED: Self = Self(1 << 2);
    /// Told: the page was made ready before anybody had chosen it, and was shown later.
    pub const PRERENDERED: Self = Self(1 << 3);
    /// Seen: the user agent is a machine's by its own word.
    pub const MACHINE: Self = Self(1 << 4);
    /// Seen: it came sooner after the click than a page can be fetched and shown.
    pub const HASTY: Self = Self(1 << 5);
    /// Seen: no `Origin` was sent, so no page's script did: browsers send it with every POST of one.
    pub const NO_PAGE: Self = Self(1 << 6);
    /// Seen: Fetch Metadata of a script's request was sent, as browsers do over HTTPS.
    pub const FETCH: Self = Self(1 << 7);

    /// Each of them says that no person saw the page, whatever confirmed it.
    pub const AGAINST: Self = Self(
        Self::WEBDRIVER.0 | Self::SCREENLESS.0 | Self::MACHINE.0 | Self::HASTY.0 | Self::NO_PAGE.0,
    );

    /// The set with the number `bits`, as the table of confirmations has it.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The set's number in the table of confirmations.
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

    /// Whether a confirmation with these marks speaks for a person: nothing says that none was there.
    #[must_use]
    pub const fn speak_for_a_person(self) -> bool {
        self.0 & Self::AGAINST.0 == 0
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One confirmation, of a click whose id is verified to be ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Whose page it was, by the page's own word: a confirmation counts where the click is of the same workspace.
    pub workspace: WorkspaceId,
    /// The click that led to the page.
    pub click: ClickId,
    /// When it arrived, in milliseconds since 1970.
    pub confirmed_ms: u64,
    /// How long the page had been open, by its own word, in milliseconds.
    pub page_ms: u32,
    /// The evidence.
    pub marks: Marks,
}

impl Wire for Confirmation {
    const RECORD: &'static str = "confirmation";
    const VERSION: u8 = 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire;

    proptest! {
        #[test]
        fn a_confirmation_survives_the_wire(click: u128, confirmed_ms: u64, page_ms: u32, bits: u16) {
            let confirmation = Confirmation {
                workspace: "acme".parse().unwrap(),
                click: ClickId(click),
                confirmed_ms,
                page_ms,
                marks: Marks::from_bits(bits),
            };
            let mut bytes = Vec::new();
            wire::encode(&confirmation, &mut bytes);
            prop_assert_eq!(wire::decode::<Confirmation>(&bytes).unwrap(), confirmation);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, 1);
            let _ = wire::decode::<Confirmation>(&bytes);
        }
    }

    #[test]
    fn what_speaks_against_a_person_outweighs_the_rest() {
        let browser = Marks::FETCH;
        assert!(browser.speak_for_a_person());
        assert!((browser | Marks::FRAMED | Marks::PRERENDERED).speak_for_a_person());
        for against in [
            Marks::WEBDRIVER,
            Marks::SCREENLESS,
            Marks::MACHINE,
            Marks::HASTY,
            Marks::NO_PAGE,
        ] {
            assert!(!(browser | against).speak_for_a_person(), "{against:?}");
        }
    }
}
