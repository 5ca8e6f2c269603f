//! The table of modes, by what a request says and what is in its row.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use proptest::prelude::*;
use whence_core::click::{Click, Signs};
use whence_core::config;
use whence_core::id::VisitorId;
use whence_core::test_support::click;
use whence_core::workspace::PrivacyMode::{self, Cookieless, CountOnly, Full};

use super::super::{ClickRow, Enricher};

static ENRICHER: LazyLock<Enricher> =
    LazyLock::new(|| Enricher::open(&config::Databases::default()).unwrap());

const AGENT: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/128.0.0.0 Mobile Safari/537.36";
const HINTS: &str = "\"Chromium\";v=\"128\"\n?1\n\"Android\"\n\"14.0.0\"\n\"Pixel 8\"";

/// A click that says all that a request can.
fn talkative(privacy: PrivacyMode) -> Click<'static> {
    Click {
        privacy,
        visitor: (privacy != CountOnly).then_some(VisitorId(7)),
        new_visitor: true,
        address: "193.99.144.80".parse().unwrap(),
        signs: Signs::KNOWN | Signs::COOKIE | Signs::ADDRESS,
        user_agent: AGENT.into(),
        hints: HINTS.into(),
        purpose: "prefetch".into(),
        language: "de-de,de;q=0.9".into(),
        referrer: "https://www.google.com/search?q=my+illness#results".into(),
        query:
            "utm_source=News&email=jane%40a.example&gclid=Cj0K&utm_term=jane%40a.example&utm_id=7&x"
                .into(),
        ..click()
    }
}

/// What of a row is stored, by the name of its column; what is empty is left out.
fn stored(row: &ClickRow<'_>) -> BTreeMap<&'static str, String> {
    let texts = [
        ("visitor_id", row.visitor_id.to_string()),
        ("new_visitor", row.new_visitor.to_string()),
        ("address", row.address.to_string()),
        ("address_prefix", row.address_prefix.to_string()),
        ("country", row.country.to_string()),
        ("browser", row.browser.into()),
        ("browser_version", row.browser_version.into()),
        ("os", row.os.into()),
        ("os_version", row.os_version.into()),
        ("device", row.device.into()),
        ("model", row.model.into()),
        ("user_agent", row.user_agent.into()),
        ("signs", row.signs.to_string()),
        ("hints", row.hints.into()),
        ("purpose", row.purpose.into()),
        ("language", row.language.into()),
        ("referrer", row.referrer.into()),
        ("referrer_host", row.referrer_host.into()),
        ("query", row.query.into()),
        ("utm_source", row.utm_source.into()),
        ("utm_term", row.utm_term.into()),
        ("channel", row.channel.into()),
    ];
    let is_there = |text: &str| !["", "0", "false", "::"].contains(&text);
    texts
        .into_iter()
        .filter(|(_, text)| is_there(text))
        .collect()
}

#[test]
fn the_table() {
    let of = |privacy| {
        let click = talkative(privacy);
        let seen = ENRICHER.see(&click);
        stored(&seen.row(&click, 1, 1))
    };
    let (full, cookieless, count_only) = (of(Full), of(Cookieless), of(CountOnly));
    for (column, in_full, in_cookieless, in_count_only) in [
        ("visitor_id", Some("7"), Some("7"), None),
        ("new_visitor", Some("true"), None, None),
        ("address", Some("::ffff:193.99.144.80"), None, None),
        (
            "address_prefix",
            Some("::ffff:193.99.144.0"),
            Some("::ffff:193.99.144.0"),
            None,
        ),
        ("country", Some("DE"), Some("DE"), Some("DE")),
        ("user_agent", Some(AGENT), Some(AGENT), None),
        ("signs", Some("1281"), Some("1281"), None),
        (
            "hints",
            Some(HINTS),
            Some("\"Chromium\";v=\"128\"\n?1\n\"Android\""),
            None,
        ),
        ("purpose", Some("prefetch"), Some("prefetch"), None),
        ("language", Some("de-DE"), Some("de-DE"), None),
        (
            "referrer",
            Some("https://www.google.com/search?q=my+illness#results"),
            Some("https://www.google.com/search"),
            None,
        ),
        (
            "referrer_host",
            Some("www.google.com"),
            Some("www.google.com"),
            Some("www.google.com"),
        ),
        (
            "query",
            Some(
                "utm_source=News&email=jane%40a.example&gclid=Cj0K&utm_term=jane%40a.example&utm_id=7&x",
            ),
            Some("utm_source=News&gclid=-&utm_id=7"),
            Some("utm_source=News&gclid=-&utm_id=7"),
        ),
        ("utm_source", Some("News"), Some("News"), Some("News")),
        ("utm_term", Some("jane@a.example"), None, None),
    ] {
        for (mode, row, expected) in [
            ("full", &full, in_full),
            ("cookieless", &cookieless, in_cookieless),
            ("count_only", &count_only, in_count_only),
        ] {
            assert_eq!(
                row.get(column).map(String::as_str),
                expected,
                "{mode}: {column}"
            );
        }
    }
    // What is found out is the same in each mode, as far as it is stored.
    for column in ["browser", "os", "device", "channel"] {
        let same = full.get(column);
        assert!(same.is_some(), "{column}");
        assert_eq!(
            (cookieless.get(column), count_only.get(column)),
            (same, same),
            "{column}"
        );
    }
    for column in ["browser_version", "os_version"] {
        assert_eq!(cookieless.get(column), full.get(column));
        assert!(
            full.contains_key(column) && !count_only.contains_key(column),
            "{column}"
        );
    }
    assert!(full.contains_key("model"));
    assert!(!cookieless.contains_key("model") && !count_only.contains_key("model"));
}

#[test]
fn a_links_own_campaign_is_its_owners_word() {
    for (own, query, kept) in [
        ("team@acme", "utm_campaign=x", "team@acme"),
        ("", "utm_campaign=jane%40a.example", ""),
        ("", "utm_campaign=may", "may"),
    ] {
        let click = Click {
            campaign: own.into(),
            query: query.into(),
            ..talkative(CountOnly)
        };
        let seen = ENRICHER.see(&click);
        assert_eq!(seen.row(&click, 1, 1).campaign, kept, "{own:?} {query}");
    }
}

proptest! {
    /// Whatever is in it, a row of a lower mode says nothing that one of a higher would not, and no marker that was put
    /// where a person's data stands.
    #[test]
    fn nothing_of_the_person_is_left(
        address: IpAddr, marker in "[a-z]{12}", parameter in "[a-z]{3,8}", lines in 0_usize..7,
    ) {
        let made = Click {
            address,
            referrer: format!("https://a.example/?{marker}").into(),
            query: format!("{parameter}={marker}&gclid={marker}&utm_content={marker}%40a.example").into(),
            language: marker.clone().into(),
            user_agent: marker.clone().into(),
            purpose: marker.clone().into(),
            hints: vec![marker.clone(); lines].join("\n").into(),
            ..talkative(CountOnly)
        };
        let seen = ENRICHER.see(&made);
        let row = seen.row(&made, 1, 1);
        prop_assert!(!format!("{row:?}").contains(&marker), "{row:?}");
        prop_assert_eq!((row.visitor_id, row.asn, row.signs), (0, 0, 0));
        let made = Click { privacy: Cookieless, ..made };
        let seen = ENRICHER.see(&made);
        let row = seen.row(&made, 1, 1);
        prop_assert!(![row.query, row.referrer, row.utm_content].concat().contains(&marker));
        prop_assert!(row.hints.lines().count() <= 3);
    }
}
