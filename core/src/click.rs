//! A click as the redirector saw it: the raw request and what it was answered, nothing yet judged.
//!
//! Country, browser, channel and verdict are ingest's to find out, so that they can be found again.

mod signs;
mod written;

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use signs::Signs;

use crate::id::{ClickId, LinkId, VisitorId};
use crate::wire::Wire;
use crate::workspace::PrivacyMode;

/// How long a text from a request may be in a click, in bytes; what is longer is cut.
///
/// Longest seen in real logs: agents about 600, referrers 700. A click's cost in the journal stays
/// bounded whatever a client sends.
pub mod bounds {
    /// `User-Agent`.
    pub const USER_AGENT: usize = 1024;
    /// `Referer`.
    pub const REFERRER: usize = 2048;
    /// The request's own query string.
    pub const QUERY: usize = 2048;
    /// `Accept-Language`.
    pub const LANGUAGE: usize = 128;
    /// `Sec-Purpose`, `Purpose` and `X-Moz` together.
    pub const PURPOSE: usize = 64;
    /// Each of the client hints.
    pub const HINT: usize = 192;
    /// The slug asked for, whether or not a link has it.
    pub const SLUG: usize = 1024;
    /// The host asked for: the longest name DNS allows.
    pub const HOST: usize = 253;
}

/// What the redirector answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Sent on to the link's destination.
    Redirected,
    /// No such link: an orphan, kept so that a mistyped or deleted link can be seen.
    NotFound,
    /// The link is switched off.
    Disabled,
    /// The link does not lead anywhere yet.
    Pending,
    /// The link leads nowhere any more.
    Expired,
    /// The link's clicks are used up.
    UsedUp,
    /// Asked for the link's password, or given a wrong one.
    Locked,
    /// A preview fetcher was shown the link's Open Graph page.
    Previewed,
    /// Shown where the link leads, on its `+` page, and not sent there.
    Inspected,
}

/// The request's method, as far as it makes a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// A visit.
    Get,
    /// Only ever a machine: previews and link checkers.
    Head,
    /// Hardly ever a person; redirected all the same.
    Post,
}

/// One request to a short link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Click<'a> {
    /// Its id; of an orphan too, minted for link 0.
    pub id: ClickId,
    /// When the request was read, in milliseconds since 1970.
    pub unix_ms: u64,
    /// What was answered.
    pub outcome: Outcome,
    /// The request's method.
    pub method: Method,
    /// Whose domain it came to; empty where nobody has claimed the host.
    #[serde(borrow)]
    pub workspace: Cow<'a, str>,
    /// The link that answered, 0 where none did.
    pub link: LinkId,
    /// The host asked for, lower case, without port.
    #[serde(borrow)]
    pub domain: Cow<'a, str>,
    /// The slug asked for, percent-decoded.
    #[serde(borrow)]
    pub slug: Cow<'a, str>,
    /// The request's query string, undecoded, without `?`.
    #[serde(borrow)]
    pub query: Cow<'a, str>,
    /// The visitor by cookie.
    pub visitor: Option<VisitorId>,
    /// Whether this answer set the visitor's cookie for the first time.
    pub new_visitor: bool,
    /// Where it came from, after configured proxies.
    pub address: IpAddr,
    /// `User-Agent`.
    #[serde(borrow)]
    pub user_agent: Cow<'a, str>,
    /// `Referer`.
    #[serde(borrow)]
    pub referrer: Cow<'a, str>,
    /// `Accept-Language`.
    #[serde(borrow)]
    pub language: Cow<'a, str>,
    /// `Sec-Purpose`, `Purpose` and `X-Moz`, joined: says that nobody has clicked yet.
    #[serde(borrow)]
    pub purpose: Cow<'a, str>,
    /// The link's channel when it was clicked.
    #[serde(borrow)]
    pub channel: Cow<'a, str>,
    /// The link's campaign when it was clicked.
    #[serde(borrow)]
    pub campaign: Cow<'a, str>,
    /// The referral program the link belonged to.
    #[serde(borrow)]
    pub program: Cow<'a, str>,
    /// The advocate whose link it was.
    #[serde(borrow)]
    pub advocate: Cow<'a, str>,
    /// The variant that it was sent to, by name; empty where the link has none or a rule decided.
    #[serde(borrow)]
    pub variant: Cow<'a, str>,
    /// The link's tags when it was clicked, separated by commas.
    #[serde(borrow)]
    pub tags: Cow<'a, str>,
    /// What may be known of the visitor: the workspace's mode, one step down for who asks not to be followed.
    pub privacy: PrivacyMode,
    /// Which headers it came with.
    pub signs: Signs,
    /// `Sec-CH-UA`, `-Mobile`, `-Platform`, `-Platform-Version` and `-Model`, as they were sent, a line each; empty
    /// ones at the end are left out.
    #[serde(borrow)]
    pub hints: Cow<'a, str>,
}

impl Wire for Click<'_> {
    const RECORD: &'static str = "click";
    const VERSION: u8 = 3;
    // Version 1 had neither variant nor tags; version 2 neither mode, signs nor hints.
    const LACKING: &'static [&'static [u8]] = &[&[0, 0, 0, 0, 0], &[0, 0, 0]];

    fn write(&self, buffer: &mut Vec<u8>) {
        written::write(self, buffer);
    }
}

/// The text of a header or path, cut to `limit` bytes at a character's edge.
///
/// Bytes that are not UTF-8 become U+FFFD: they are evidence of a strange client, not a reason to
/// lose its click.
#[must_use]
pub fn bounded(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    let cut = &bytes[..bytes.len().min(limit)];
    match std::str::from_utf8(cut) {
        Ok(text) => Cow::Borrowed(text),
        // The cut itself may have split a character; what stands before it is whole.
        Err(error) if error.error_len().is_none() && cut.len() < bytes.len() => {
            String::from_utf8_lossy(&cut[..error.valid_up_to()])
        }
        Err(_) => String::from_utf8_lossy(cut),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample;

    use super::*;
    use crate::wire::{self, WireError};

    const OUTCOMES: [Outcome; 9] = [
        Outcome::Redirected,
        Outcome::NotFound,
        Outcome::Disabled,
        Outcome::Pending,
        Outcome::Expired,
        Outcome::UsedUp,
        Outcome::Locked,
        Outcome::Previewed,
        Outcome::Inspected,
    ];
    const METHODS: [Method; 3] = [Method::Get, Method::Head, Method::Post];
    const MODES: [PrivacyMode; 3] = [
        PrivacyMode::Full,
        PrivacyMode::Cookieless,
        PrivacyMode::CountOnly,
    ];

    proptest! {
        #[test]
        fn a_click_survives_the_wire(
            id: u128, link: u64, unix_ms: u64, visitor: Option<u128>, address: IpAddr, signs: u16, new_visitor: bool,
            outcome in sample::select(&OUTCOMES[..]), method in sample::select(&METHODS[..]),
            privacy in sample::select(&MODES[..]), texts in prop::array::uniform15(".{0,40}"),
        ) {
            let [workspace, domain, slug, query, user_agent, referrer, language, purpose, channel, campaign, program,
                advocate, variant, tags, hints] = texts.each_ref().map(|text| Cow::Borrowed(text.as_str()));
            let click = Click {
                id: ClickId(id), unix_ms, outcome, method,
                workspace, link: LinkId(link), domain, slug, query,
                visitor: visitor.map(VisitorId), new_visitor, address,
                user_agent, referrer, language, purpose, channel, campaign, program,
                advocate, variant, tags, privacy, signs: Signs::from_bits(signs), hints,
            };
            let mut bytes = Vec::new();
            wire::encode(&click, &mut bytes);
            prop_assert_eq!(&bytes[1..], postcard::to_stdvec(&click).unwrap());
            prop_assert_eq!(wire::decode::<Click>(&bytes).unwrap(), click);
            bytes[0] = 9;
            let refused = wire::decode::<Click>(&bytes).unwrap_err();
            prop_assert_eq!(refused, WireError::Version { record: "click", found: 9, oldest: 1, newest: 3 });
        }

        #[test]
        fn garbage_is_refused_without_a_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, 3);
            let _ = wire::decode::<Click>(&bytes);
        }

        #[test]
        fn bounded_text_is_bounded_and_a_prefix(text in "\\PC{0,40}", limit in 0_usize..60) {
            let cut = bounded(text.as_bytes(), limit);
            prop_assert!(cut.len() <= limit && text.starts_with(&*cut));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_as_replacement_characters() {
        assert_eq!(bounded(b"a\xffb", 10), "a\u{fffd}b");
    }
}
