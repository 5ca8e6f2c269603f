//! The table that we ship, tables that cannot be, and the order of rules.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::super::sources::Sources;
use super::*;

static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::built_in);
static TABLE: LazyLock<Table> = LazyLock::new(Table::built_in);

/// Places of every kind, and none.
const PLACES: &[&str] = &[
    "",
    "google",
    "facebook",
    "youtube",
    "chatgpt",
    "gmail",
    "whatsapp",
    "telegram",
    "slack",
    "amazon",
    "spotify",
    "awin",
    "firebase",
    "google-docs",
];
/// Texts that some rule asks for, and some that none does.
const WORDS: &[&str] = &[
    "",
    "x",
    "cpc",
    "paid_social",
    "display",
    "social",
    "video",
    "ai",
    "organic",
    "email",
    "affiliate",
    "audio",
    "sms",
    "web_push",
    "whatsapp",
    "telegram",
    "chat",
    "referral",
    "shop",
    "workshop",
    "cross-network",
];

prop_compose! {
    fn evidence()(
        told in prop::sample::select(PLACES),
        nearby in prop::sample::select(PLACES),
        words in prop::array::uniform5(prop::sample::select(WORDS)),
        referrer_host in prop::sample::select(vec!["", "a.example", "b.a.example"]),
        app in prop::sample::select(vec!["", "instagram"]),
    ) -> Evidence<'static> {
        let [link_channel, utm_source, medium, utm_campaign, campaign] = words;
        Evidence {
            link_channel: link_channel.into(),
            campaign: campaign.into(),
            utm_source: utm_source.into(),
            utm_medium: medium.into(),
            utm_campaign: utm_campaign.into(),
            medium: medium.into(),
            told: SOURCES.of_tag(told),
            nearby: SOURCES.of_tag(nearby),
            source: told.into(),
            referrer_host,
            app: app.into(),
        }
    }
}

#[test]
fn the_channels_are_these_in_this_order() {
    let mut channels: Vec<&str> = Vec::new();
    for rule in &TABLE.rules {
        if !channels.contains(&&*rule.channel) {
            channels.push(&rule.channel);
        }
    }
    assert_eq!(
        channels,
        [
            "*",
            "Cross-network",
            "Paid Shopping",
            "Paid Search",
            "Paid Social",
            "Paid Video",
            "Display",
            "Paid Other",
            "Organic Shopping",
            "Organic Social",
            "Organic Video",
            "AI Assistants",
            "Organic Search",
            "Email",
            "Affiliates",
            "Audio",
            "SMS",
            "Push",
            "WhatsApp",
            "Telegram",
            "Messaging",
            "Referral",
            "Direct",
        ]
    );
}

#[test]
fn each_name_in_a_rule_is_a_source() {
    for rule in &TABLE.rules {
        for name in &rule.source {
            let found = SOURCES.of_tag(name.as_str());
            let found = found.map(|source| source.small_name.as_str());
            assert_eq!(found, Some(name.as_str()));
        }
    }
}

#[test]
fn a_table_that_cannot_be_is_refused() {
    let last = "[[rule]]\nchannel='Direct'";
    let table = |rules: &str, names: &str| {
        Table::parse(&format!(
            "paid=['*cp*']\npaid_sources=[]\n[other_names]\n{names}\n{rules}\n"
        ))
        .unwrap_err()
    };
    for (rules, names, error) in [
        ("rule=[]".to_owned(), "", None),
        (
            "[[rule]]\nchannel='A'\nmedium=['a']".to_owned(),
            "",
            Some(TableError::Last),
        ),
        (
            format!("{last}\n{last}"),
            "",
            Some(TableError::Unconditional(0)),
        ),
        (
            format!("[[rule]]\nchannel='*'\nmedium=['a']\n{last}"),
            "",
            Some(TableError::OfLink(0)),
        ),
        (
            last.to_owned(),
            "a = 'B'",
            Some(TableError::Name("B".into())),
        ),
        (
            last.to_owned(),
            "a = 'direct'",
            Some(TableError::Name("direct".into())),
        ),
        (format!("{last}\nmedia=['a']"), "", None),
        (format!("{last}\nmedium=['']"), "", None),
        (format!("{last}\nkind=['shop']"), "", None),
        (format!("{last}\nutm_campaign_matches='('"), "", None),
    ] {
        let found = table(&rules, names);
        match error {
            Some(error) => assert_eq!(found, error, "{rules}"),
            None => assert!(matches!(found, TableError::Syntax(_)), "{rules}: {found}"),
        }
    }
}

proptest! {
    /// The rule that names the channel is the first one that holds, and there always is one.
    #[test]
    fn a_rule_only_wins_if_no_earlier_holds(seen in evidence()) {
        let paid = TABLE.is_paid(&seen);
        for place in [seen.told, seen.nearby] {
            let first = TABLE.first(&seen, place);
            prop_assert!(TABLE.rules[first].holds(&seen, place, paid));
            for rule in &TABLE.rules[..first] {
                prop_assert!(!rule.holds(&seen, place, paid), "{:?}", rule);
            }
        }
        let by_tags = &TABLE.rules[TABLE.first(&seen, seen.told)];
        let deciding = TABLE.deciding(&seen);
        if !by_tags.vague || seen.told.is_some() {
            prop_assert!(std::ptr::eq(by_tags, deciding), "what the tags say comes first");
        }
        let channel = TABLE.channel(&seen, &seen.link_channel);
        prop_assert_eq!(channel, TABLE.channel(&seen, &seen.link_channel));
        prop_assert!(!channel.is_empty() && channel != OF_LINK);
    }

    /// A rule asks for all of its conditions: with each one more it holds on fewer clicks.
    #[test]
    fn a_workspaces_rule_is_all_of_its_conditions(
        seen in evidence(),
        asked in prop::array::uniform6(prop::option::of(prop::sample::select(WORDS).prop_map(|w| if w.is_empty() { "*" } else { w }))),
        host in prop::option::of(prop::sample::select(vec!["a.example", "b.a.example", "ba.example", "example"])),
    ) {
        let [link_channel, campaign, utm_source, utm_medium, source, app] =
            asked.map(|text| text.into_iter().map(|text| text.parse().unwrap()).collect::<Vec<Pattern>>());
        let referrer_host: Vec<Host> = host.into_iter().map(|host| host.parse().unwrap()).collect();
        let rule = ChannelRule {
            channel: "Ours".parse().unwrap(),
            link_channel, campaign, utm_source, utm_medium, source, referrer_host, app,
        };
        let holds = |patterns: &[Pattern], text: &str| patterns.iter().all(|pattern| pattern.fits(text));
        let expected = holds(&rule.link_channel, &seen.link_channel)
            && holds(&rule.campaign, &seen.campaign)
            && holds(&rule.utm_source, &seen.utm_source)
            && holds(&rule.utm_medium, &seen.utm_medium)
            && holds(&rule.source, &seen.source)
            && holds(&rule.app, &seen.app)
            && rule.referrer_host.iter().all(|host| {
                let labels = |host: &str| host.rsplit('.').map(str::to_owned).collect::<Vec<_>>();
                labels(seen.referrer_host).starts_with(&labels(host.as_str()))
            });
        let never = ChannelRule { app: vec!["no such app".parse().unwrap()], channel: "Never".parse().unwrap(), ..rule.clone() };
        let own = Own::new(&[never, rule]);
        prop_assert_eq!(own.channel(&seen), expected.then_some("Ours"));
    }
}
