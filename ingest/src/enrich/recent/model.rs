//! The windows against somebody who remembers every click and goes by the rules' words alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use whence_core::agent::{Agent, Agents};
use whence_core::click::{Click, Method, Outcome};
use whence_core::config::Databases;
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::test_support;
use whence_core::workspace::PrivacyMode;

use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";

thread_local! {
    static AGENTS: [Arc<Agent>; 2] = {
        let agents = Agents::open(&Databases::default()).unwrap();
        [CHROME, "curl/8"].map(|text| agents.of(text, ""))
    };
}

fn agent(click: &Click<'_>) -> Arc<Agent> {
    AGENTS.with(|[chrome, curl]| {
        Arc::clone(if click.user_agent == CHROME {
            chrome
        } else {
            curl
        })
    })
}

fn trace(windows: &Windows, click: &Click<'_>) -> Trace {
    windows.trace(click, "de", &agent(click))
}

/// Every click that was noted, once.
#[derive(Default)]
struct Model<'c>(Vec<&'c Click<'static>>);

impl<'c> Model<'c> {
    fn note(&mut self, click: &'c Click<'static>) {
        if !self.0.iter().any(|known| known.id == click.id) {
            self.0.push(click);
        }
    }

    fn known(click: &Click<'_>) -> Option<VisitorId> {
        click.visitor.filter(|_| !click.new_visitor)
    }

    fn counts(click: &Click<'_>) -> bool {
        let is_somebody = match click.privacy {
            PrivacyMode::Full => true,
            PrivacyMode::Cookieless => click.visitor.is_some(),
            PrivacyMode::CountOnly => false,
        };
        is_somebody && click.purpose.is_empty()
    }

    fn same_browser(one: &Click<'_>, other: &Click<'_>) -> bool {
        let prefix = crate::enrich::address::prefix;
        one.workspace == other.workspace
            && prefix(one.address) == prefix(other.address)
            && one.user_agent == other.user_agent
    }

    fn same_link(one: &Click<'_>, other: &Click<'_>) -> bool {
        one.workspace == other.workspace
            && one.link == other.link
            && (one.link.0 != 0 || one.slug == other.slug)
    }

    fn is_repeat_of(click: &Click<'_>, before: &Click<'_>) -> bool {
        let order = |click: &Click<'_>| (click.unix_ms, Trace::id_of(click));
        if order(before) >= order(click)
            || !Self::same_link(click, before)
            || click.outcome != before.outcome
            || [click, before].iter().any(|c| c.method != Method::Get)
        {
            return false;
        }
        let gap = click.unix_ms - before.unix_ms;
        let same_visitor = click.visitor.is_some() && click.visitor == before.visitor;
        let same_browser = [click, before].iter().all(|c| Self::known(c).is_none())
            && Self::same_browser(click, before)
            && (click.query == before.query && click.referrer == before.referrer);
        (same_visitor && gap < REPEAT_MS) || (same_browser && gap < RELOAD_MS)
    }

    /// The clicks in a time's slice and the one before it, and in the slice and the one behind it.
    fn sides(
        &self,
        at: u64,
        width: u64,
        holds: impl Fn(&Click<'_>) -> bool,
    ) -> [Vec<&'c Click<'static>>; 2] {
        let slice = at / width;
        [slice - 1, slice].map(|first| {
            let lies_in = |c: &Click<'_>| (first..=first + 1).contains(&(c.unix_ms / width));
            let all = self.0.iter().copied();
            all.filter(|c| lies_in(c) && Self::counts(c) && holds(c))
                .collect()
        })
    }

    fn judge(&self, click: &Click<'_>) -> Recent {
        if !Self::counts(click) {
            return Recent::default();
        }
        let who = |other: &Click<'_>| match (Self::known(click), Self::known(other)) {
            (None, None) => Self::same_browser(click, other),
            (Some(one), Some(two)) => one == two && click.workspace == other.workspace,
            _ => false,
        };
        let together = self.sides(click.unix_ms, SLICE_MS, who);
        let links = |clicks: &Vec<&Click<'_>>| {
            let links = clicks.iter().map(|c| match c.link.0 {
                0 => (0, Some(c.slug.to_string())),
                link => (link, None),
            });
            links.collect::<BTreeSet<_>>().len()
        };
        let bits = |clicks: &Vec<&Click<'_>>| {
            let bits = clicks.iter().map(|c| Trace::id_of(c) & 63);
            let bits = bits.collect::<BTreeSet<_>>().len() as u32;
            assert!(bits as usize <= clicks.len());
            bits
        };
        let looks = self.sides(click.unix_ms, LOOK_SLICE_MS, |other| {
            Self::same_link(click, other)
                && crate::enrich::address::prefix(click.address)
                    == crate::enrich::address::prefix(other.address)
        });
        let is_look = |clicks: &Vec<&Click<'_>>| {
            let heads = clicks.iter().filter(|c| c.method == Method::Head).count();
            heads >= LOOK_HEADS && clicks.len() - heads <= 1
        };
        let may_be_a_look = click.method == Method::Get && click.user_agent == CHROME;
        Recent {
            repeat: self
                .0
                .iter()
                .any(|before| Self::counts(before) && Self::is_repeat_of(click, before)),
            fan_out: together.iter().any(|side| links(side) >= FAN_OUT_LINKS),
            burst: together.iter().any(|side| bits(side) >= BURST_CLICKS),
            looked_at: may_be_a_look && looks.iter().any(is_look),
        }
    }
}

/// Clicks that have much in common, within an hour and often within seconds.
fn clicks() -> impl Strategy<Value = Vec<Click<'static>>> {
    let start = 1_700_000_000_000_u64;
    let at = prop_oneof![
        0..20_000_u64,
        (0..40_u64).prop_map(|n| n * 500),
        0..4_000_000_u64
    ];
    let method =
        prop_oneof![6 => Just(Method::Get), 3 => Just(Method::Head), 1 => Just(Method::Post)];
    let who = (0..4_u8, 0..3_u8, prop::bool::weighted(0.8));
    let rest = (
        prop_oneof![9 => Just(Outcome::Redirected), 1 => Just(Outcome::Inspected)],
        prop_oneof![9 => Just(""), 1 => Just("prefetch")],
        prop_oneof![9 => Just(PrivacyMode::Full), 1 => Just(PrivacyMode::Cookieless), 1 => Just(PrivacyMode::CountOnly)],
        prop_oneof![3 => Just("a=1"), 1 => Just("a=2")],
    );
    let one = (at, 0..8_u64, method, who, rest);
    prop::collection::vec(one, 1..100).prop_map(move |clicks| {
        let of = |(number, click)| {
            let (at, link, method, who, rest): (u64, u64, Method, _, _) = click;
            let (visitor, network, chrome): (u8, u8, bool) = who;
            let (outcome, purpose, privacy, query): (_, &str, _, &str) = rest;
            Click {
                id: ClickId(number),
                unix_ms: start + at,
                link: LinkId(link),
                slug: if link == 0 && at % 2 == 0 { "a" } else { "b" }.into(),
                method,
                outcome,
                purpose: purpose.into(),
                privacy,
                query: query.into(),
                visitor: (visitor > 0).then_some(VisitorId(visitor.into())),
                new_visitor: visitor == 3 && privacy == PrivacyMode::Full,
                address: [10, 0, network, network].into(),
                user_agent: if chrome { CHROME } else { "curl/8" }.into(),
                ..test_support::click()
            }
        };
        (1..).zip(clicks).map(of).collect()
    })
}

proptest! {
    // Each has windows of its own, which take their time to make.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In whatever order they arrive, and however often each.
    #[test]
    fn windows_say_what_somebody_says_who_remembers_everything(
        clicks in clicks(),
        arrivals in prop::collection::vec(any::<prop::sample::Index>(), 1..240),
    ) {
        let windows = Windows::new(8 << 20);
        let mut model = Model::default();
        for arrival in arrivals {
            let click = arrival.get(&clicks);
            let trace = trace(&windows, click);
            windows.note([&trace]);
            model.note(click);
            prop_assert_eq!(windows.judge(&trace), model.judge(click));
        }
    }

    /// A block is judged as if all of it had been known, in time's order.
    #[test]
    fn a_block_knows_what_comes_behind(mut clicks in clicks()) {
        clicks.sort_by_key(|click| click.unix_ms);
        let windows = Windows::new(8 << 20);
        let mut model = Model::default();
        clicks.iter().for_each(|click| model.note(click));
        let traces: Vec<_> = clicks.iter().map(|click| trace(&windows, click)).collect();
        // A second time, as when the block is sent again.
        for _ in 0..2 {
            let expected: Vec<_> = clicks.iter().map(|click| model.judge(click)).collect();
            prop_assert_eq!(windows.pass(traces.iter()), expected);
        }
    }

    /// Over-full windows only forget: of what they say, all is true.
    #[test]
    fn over_full_windows_only_forget(clicks in clicks()) {
        let windows = Windows::new(0);
        let mut model = Model::default();
        for click in &clicks {
            let trace = trace(&windows, click);
            windows.note([&trace]);
            model.note(click);
            let (said, all) = (windows.judge(&trace), model.judge(click));
            // Somebody forgotten may make a crowd look like one.
            prop_assert!(all.repeat || !said.repeat);
            prop_assert!(all.fan_out || !said.fan_out);
            prop_assert!(all.burst || !said.burst);
        }
    }
}

#[test]
fn memory_is_what_was_given() {
    for bytes in [0, 1 << 20, WINDOWS_BYTES] {
        let windows = Windows::new(bytes);
        let tables = windows.tables();
        let takes = tables.visits.bytes()
            + tables.reloads.bytes()
            + tables.networks.bytes()
            + tables.looks.bytes();
        assert!(takes <= bytes.max(1024), "{takes} of {bytes}");
    }
}
