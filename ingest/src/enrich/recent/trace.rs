//! What is remembered of a click: hashes of what is stored of it, with seeds that nobody outside can know, so that
//! nobody can aim at another's place.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use whence_core::click::{Click, Method};
use whence_core::workspace::PrivacyMode;

use crate::enrich::address;

/// Whom or what clicks are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) u64);

/// A click, as far as it matters to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Tells it from others.
    pub(super) id: u32,
    /// Its link; where none answered, the slug.
    pub(super) link: u32,
    /// Visitor and link.
    pub(super) visit: Option<Key>,
    /// Network, browser, road and link, where no visitor is known again.
    pub(super) reload: Option<Key>,
    /// The visitor; where none is known again, network and browser.
    pub(super) network: Option<Key>,
    /// Network and link.
    pub(super) look: Option<Key>,
    /// Whether it only asked for the head.
    pub(super) is_head: bool,
    /// Whether it may be the one click of a network that only looks: it has a browser's agent.
    pub(super) may_be_a_look: bool,
}

impl Trace {
    /// The trace of a click.
    ///
    /// A click that a browser made ahead of its visitor leaves none: it would make the visitor's own a repeat. Nor do
    /// clicks that are only counted, and those without a cookie of a day whose visitors nobody can tell apart any more.
    pub(super) fn of(
        seeds: &RandomState,
        click: &Click<'_>,
        language: &str,
        is_browser: bool,
    ) -> Self {
        let workspace = &*click.workspace;
        let link = match click.link.0 {
            0 => seeds.hash_one((0_u8, workspace, &*click.domain, &*click.slug)),
            link => seeds.hash_one((1_u8, workspace, link)),
        };
        let mut trace = Self {
            at: click.unix_ms,
            id: Self::id_of(click),
            link: (link >> 32) as u32,
            visit: None,
            reload: None,
            network: None,
            look: None,
            is_head: click.method == Method::Head,
            may_be_a_look: is_browser && click.method == Method::Get,
        };
        let is_nobody = match click.privacy {
            PrivacyMode::Full => false,
            // Its query and referrer are not kept whole, so nothing of it could be found again.
            PrivacyMode::Cookieless => click.visitor.is_none(),
            PrivacyMode::CountOnly => true,
        };
        if is_nobody || !click.purpose.is_empty() {
            return trace;
        }
        let prefix = address::prefix(click.address);
        let browser = (&*click.user_agent, &*click.hints, language);
        let network = || seeds.hash_one((2_u8, workspace, prefix, browser));
        // A cookie that was only just set says no more than none: where cookies are refused, each click sets one.
        let is_known = !click.new_visitor || click.privacy == PrivacyMode::Cookieless;
        let known = click.visitor.filter(|_| is_known);
        let who = match known {
            Some(visitor) => seeds.hash_one((3_u8, workspace, visitor.0)),
            None => network(),
        };
        trace.network = Some(Key(who));
        trace.look = Some(Key(seeds.hash_one((4_u8, link, prefix))));
        if click.method == Method::Get {
            // Who looked at a link's `+` page, or was asked for a password, goes on to the link itself.
            let what = (link, click.outcome as u8);
            let visit = |visitor: u128| Key(seeds.hash_one((5_u8, what, visitor)));
            trace.visit = click.visitor.map(|visitor| visit(visitor.0));
            if known.is_none() {
                let road = (&*click.query, &*click.referrer);
                trace.reload = Some(Key(seeds.hash_one((6_u8, what, who, road))));
            }
        }
        trace
    }

    /// The id of a click in 32 bits: the same on every day, since it breaks ties.
    pub(super) fn id_of(click: &Click<'_>) -> u32 {
        let id = click.id.0;
        // The golden ratio's bits: every bit of the id moves those that are kept.
        let folded = (id as u64 ^ (id >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (folded >> 32) as u32
    }
}
