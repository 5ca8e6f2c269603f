//! A golden table of roads and places, and what must hold of any click.

use std::sync::LazyLock;

use proptest::prelude::*;
use whence_core::agent::APPS;
use whence_core::channel_rule::ChannelRule;

use super::*;

static JUDGE: LazyLock<Judge> = LazyLock::new(Judge::built_in);

fn judge_by(own: Option<&Own>, link: &str, query: &str, host: &str, app: &str) -> (String, String) {
    let traces = Traces {
        workspace: "acme",
        channel: link,
        campaign: "",
        domain: "go.example",
        query,
        referrer: "",
        app,
    };
    let origin = JUDGE.origin(own, &traces, &Tags::of(query), host);
    (origin.channel, origin.source)
}

fn judge(link: &str, query: &str, host: &str) -> (String, String) {
    judge_by(None, link, query, host, "")
}

#[test]
fn golden_table() {
    // Own channel, query, referrer's host: channel, source.
    let table = [
        // Nothing.
        ("", "", "", "Direct", "Direct"),
        // The referrer alone.
        ("", "", "www.google.co.uk", "Organic Search", "Google"),
        ("", "", "l.facebook.com", "Organic Social", "Facebook"),
        ("", "", "t.co", "Organic Social", "X"),
        ("", "", "www.youtube.com", "Organic Video", "YouTube"),
        ("", "", "chatgpt.com", "AI Assistants", "ChatGPT"),
        ("", "", "gemini.google.com", "AI Assistants", "Gemini"),
        ("", "", "mail.google.com", "Email", "Gmail"),
        ("", "", "docs.google.com", "Referral", "Google Docs"),
        ("", "", "www.amazon.de", "Organic Shopping", "Amazon"),
        ("", "", "web.whatsapp.com", "WhatsApp", "WhatsApp"),
        ("", "", "t.me", "Telegram", "Telegram"),
        ("", "", "app.slack.com", "Messaging", "Slack"),
        ("", "", "open.spotify.com", "Audio", "Spotify"),
        ("", "", "www.awin1.com", "Affiliates", "Awin"),
        ("", "", "en.wikipedia.org", "Referral", "wikipedia.org"),
        (
            "",
            "",
            "www.semicomplete.com",
            "Referral",
            "semicomplete.com",
        ),
        ("", "", "10.0.0.7", "Referral", "10.0.0.7"),
        // Names that only look like others.
        ("", "", "netflix.com", "Organic Video", "Netflix"),
        ("", "", "microsoft.com", "Referral", "microsoft.com"),
        ("", "", "notfacebook.com", "Referral", "notfacebook.com"),
        // UTM tags.
        (
            "",
            "utm_source=google&utm_medium=cpc",
            "",
            "Paid Search",
            "Google",
        ),
        (
            "",
            "utm_source=facebook&utm_medium=paid_social",
            "",
            "Paid Social",
            "Facebook",
        ),
        (
            "",
            "utm_source=fb&utm_medium=social",
            "",
            "Organic Social",
            "Facebook",
        ),
        (
            "",
            "utm_source=youtube&utm_medium=cpv_cpm",
            "",
            "Paid Video",
            "YouTube",
        ),
        (
            "",
            "utm_source=criteo&utm_medium=cpm",
            "",
            "Display",
            "criteo",
        ),
        (
            "",
            "utm_source=criteo&utm_medium=retargeting",
            "",
            "Paid Other",
            "criteo",
        ),
        (
            "",
            "utm_source=google&utm_medium=cpc&utm_campaign=shopping_de",
            "",
            "Paid Shopping",
            "Google",
        ),
        (
            "",
            "utm_source=google&utm_medium=cpc&utm_campaign=workshop",
            "",
            "Paid Search",
            "Google",
        ),
        (
            "",
            "utm_campaign=cross-network",
            "",
            "Cross-network",
            "Direct",
        ),
        ("", "utm_source=May&utm_medium=Email", "", "Email", "may"),
        ("", "utm_source=newsletter", "", "Email", "newsletter"),
        (
            "",
            "utm_source=partner&utm_medium=affiliate",
            "",
            "Affiliates",
            "partner",
        ),
        ("", "utm_medium=sms", "", "SMS", "Direct"),
        ("", "utm_source=app&utm_medium=web_push", "", "Push", "app"),
        ("", "utm_source=chatgpt.com", "", "AI Assistants", "ChatGPT"),
        ("", "utm_source=somebody", "", "Referral", "somebody"),
        ("", "utm_medium=video", "", "Organic Video", "Direct"),
        // A tag that nobody knows leaves the kind of place to the referrer.
        (
            "",
            "utm_source=somebody",
            "www.google.com",
            "Organic Search",
            "somebody",
        ),
        // The tag outweighs the referrer.
        (
            "",
            "utm_source=google&utm_medium=cpc",
            "l.facebook.com",
            "Paid Search",
            "Google",
        ),
        // Click identifiers.
        ("", "gclid=x", "www.google.com", "Paid Search", "Google"),
        ("", "dclid=x", "", "Display", "Google"),
        ("", "msclkid=x", "", "Paid Search", "Bing"),
        ("", "ttclid=x", "", "Paid Social", "TikTok"),
        ("", "fbclid=x", "", "Organic Social", "Facebook"),
        ("", "fbclid=x&utm_medium=cpc", "", "Paid Social", "Facebook"),
        ("", "igshid=x", "", "Organic Social", "Instagram"),
        ("", "irclid=x", "", "Affiliates", "Impact"),
        ("", "mc_cid=x", "", "Email", "Mailchimp"),
        (
            "",
            "gclid=x&utm_medium=organic",
            "",
            "Organic Search",
            "Google",
        ),
        // The link's own channel.
        ("whatsapp", "", "", "WhatsApp", "WhatsApp"),
        (
            "WhatsApp",
            "gclid=x",
            "l.facebook.com",
            "WhatsApp",
            "Google",
        ),
        ("mail", "", "", "Email", "Email"),
        ("sms", "utm_source=spring", "", "SMS", "spring"),
        (
            "organic social",
            "",
            "www.instagram.com",
            "Organic Social",
            "Instagram",
        ),
        ("Packaging", "", "", "Packaging", "Packaging"),
    ];
    for (own, query, host, channel, source) in table {
        assert_eq!(
            judge(own, query, host),
            (channel.into(), source.into()),
            "own {own:?}, query {query:?}, referrer {host:?}"
        );
    }
}

#[test]
fn a_tag_says_more_than_the_page_it_was_found_on() {
    // Query, referrer's host: channel.
    for (query, host, channel) in [
        ("utm_source=may&utm_medium=email", "l.facebook.com", "Email"),
        ("utm_source=newsletter", "www.google.com", "Email"),
        ("utm_medium=sms", "t.co", "SMS"),
        (
            "utm_source=may&utm_medium=display",
            "l.facebook.com",
            "Display",
        ),
        // What names no channel leaves it to the page.
        ("utm_source=may", "l.facebook.com", "Organic Social"),
        (
            "utm_source=may&utm_medium=story",
            "l.instagram.com",
            "Organic Social",
        ),
        ("utm_medium=cpc", "www.google.com", "Paid Search"),
        ("utm_medium=referral", "t.me", "Telegram"),
        (
            "utm_source=may&utm_medium=cpc",
            "shop.example",
            "Paid Other",
        ),
        // What names a known place does not.
        (
            "utm_source=google&utm_medium=cpc",
            "l.facebook.com",
            "Paid Search",
        ),
        ("utm_source=google-docs", "l.facebook.com", "Referral"),
    ] {
        assert_eq!(judge("", query, host).0, channel, "{query} {host}");
    }
}

#[test]
fn the_app_speaks_where_nothing_else_does() {
    // Own channel, query, referrer's host, app: channel, source.
    for (link, query, host, app, channel, source) in [
        ("", "", "", "Instagram", "Organic Social", "Instagram"),
        ("", "", "", "WhatsApp", "WhatsApp", "WhatsApp"),
        ("", "", "", "LINE", "Messaging", "LINE"),
        ("", "", "", "Google", "Organic Search", "Google"),
        ("", "", "", "Thunderbird", "Email", "Thunderbird"),
        // A page, a tag and a network's identifier each say more.
        (
            "",
            "",
            "www.google.com",
            "Instagram",
            "Organic Search",
            "Google",
        ),
        (
            "",
            "",
            "shop.example",
            "Instagram",
            "Referral",
            "shop.example",
        ),
        (
            "",
            "utm_source=may&utm_medium=email",
            "",
            "Instagram",
            "Email",
            "may",
        ),
        ("", "gclid=x", "", "Instagram", "Paid Search", "Google"),
        // A tag that nobody knows leaves the kind of place to the app.
        (
            "",
            "utm_source=bio",
            "",
            "Instagram",
            "Organic Social",
            "bio",
        ),
        (
            "",
            "utm_medium=cpc",
            "",
            "Instagram",
            "Paid Social",
            "Instagram",
        ),
        // What the link was made for is its channel wherever it is opened.
        ("sms", "", "", "Instagram", "SMS", "Instagram"),
    ] {
        assert_eq!(
            judge_by(None, link, query, host, app),
            (channel.into(), source.into()),
            "own {link:?}, query {query:?}, referrer {host:?}, app {app:?}"
        );
    }
}

#[test]
fn each_app_is_a_source() {
    for (_, app) in APPS {
        let source = JUDGE.sources.of_tag(app).map(|source| &*source.name);
        assert_eq!(source, Some(*app));
    }
}

fn own(rules: &str) -> Own {
    let rules: Vec<ChannelRule> = serde_json::from_str(rules).unwrap();
    whence_core::channel_rule::check(&rules).unwrap();
    Own::new(&rules)
}

#[test]
fn a_workspaces_own_rules_come_before_all_others() {
    let own = own(r#"[
        {"channel": "Podcast", "utm_medium": ["podcast", "show*"]},
        {"channel": "Partners", "referrer_host": ["x.example", "10.0.0.7"], "utm_source": ["*"]},
        {"channel": "Community", "source": ["hacker news", "reddit"]},
        {"channel": "Stories", "app": ["instagram"], "utm_medium": ["story"]},
        {"channel": "whatsapp", "link_channel": ["wa"]},
        {"channel": "Spring", "campaign": ["spring*"]}
    ]"#);
    for (link, query, host, app, channel, source) in [
        ("", "utm_medium=Podcast", "", "", "Podcast", "Direct"),
        ("email", "utm_medium=shows", "", "", "Podcast", "Email"),
        ("", "utm_medium=apodcast", "", "", "Direct", "Direct"),
        ("", "utm_source=a", "www.X.example", "", "Referral", "a"),
        ("", "utm_source=a", "www.x.example", "", "Partners", "a"),
        ("", "utm_source=a", "10.0.0.7", "", "Partners", "a"),
        ("", "utm_source=a", "netx.example", "", "Referral", "a"),
        ("", "", "www.x.example", "", "Referral", "x.example"),
        (
            "",
            "",
            "news.ycombinator.com",
            "",
            "Community",
            "Hacker News",
        ),
        (
            "",
            "utm_source=reddit&utm_medium=cpc",
            "",
            "",
            "Community",
            "Reddit",
        ),
        (
            "",
            "utm_medium=story",
            "",
            "Instagram",
            "Stories",
            "Instagram",
        ),
        ("", "", "", "Instagram", "Organic Social", "Instagram"),
        ("WA", "", "", "", "WhatsApp", "WA"),
        (
            "",
            "utm_campaign=Spring+sale",
            "www.google.com",
            "",
            "Spring",
            "Google",
        ),
    ] {
        assert_eq!(
            judge_by(Some(&own), link, query, host, app),
            (channel.into(), source.into()),
            "own {link:?}, query {query:?}, referrer {host:?}, app {app:?}"
        );
    }
}

#[test]
fn a_links_campaign_counts_before_the_tag() {
    let own = own(r#"[{"channel": "Spring", "campaign": ["spring*"]}]"#);
    let judge = |campaign, query| {
        let traces = Traces {
            workspace: "acme",
            channel: "",
            campaign,
            domain: "go.example",
            query,
            referrer: "",
            app: "",
        };
        JUDGE
            .origin(Some(&own), &traces, &Tags::of(query), "")
            .channel
    };
    assert_eq!(judge("Spring", ""), "Spring");
    assert_eq!(judge("Spring", "utm_campaign=x"), "Spring");
    assert_eq!(judge("x", "utm_campaign=spring"), "Direct");
}

#[test]
fn each_network_is_a_source_and_its_medium_a_channel() {
    for (query, channel, source) in [
        ("dclid=1", "Display", "Google"),
        ("gclid=1", "Paid Search", "Google"),
        ("gbraid=1", "Paid Search", "Google"),
        ("wbraid=1", "Paid Search", "Google"),
        ("gclsrc=aw.ds", "Paid Search", "Google"),
        ("gad_source=1", "Paid Search", "Google"),
        ("msclkid=1", "Paid Search", "Bing"),
        ("yclid=1", "Paid Search", "Yandex"),
        ("ttclid=1", "Paid Social", "TikTok"),
        ("twclid=1", "Paid Social", "X"),
        ("li_fat_id=1", "Paid Social", "LinkedIn"),
        ("epik=1", "Paid Social", "Pinterest"),
        ("ScCid=1", "Paid Social", "Snapchat"),
        ("rdt_cid=1", "Paid Social", "Reddit"),
        ("qclid=1", "Paid Social", "Quora"),
        ("irclid=1", "Affiliates", "Impact"),
        ("irclickid=1", "Affiliates", "Impact"),
        ("awc=1_2_3", "Affiliates", "Awin"),
        ("cjevent=1", "Affiliates", "CJ"),
        ("ranSiteID=1", "Affiliates", "Rakuten Advertising"),
        ("sscid=1", "Affiliates", "ShareASale"),
        ("mc_cid=1", "Email", "Mailchimp"),
        ("mc_eid=1", "Email", "Mailchimp"),
        ("_hsenc=1", "Email", "HubSpot"),
        ("_kx=1", "Email", "Klaviyo"),
        ("igshid=1", "Organic Social", "Instagram"),
        ("igsh=1", "Organic Social", "Instagram"),
        ("fbclid=1", "Organic Social", "Facebook"),
    ] {
        assert_eq!(
            judge("", query, ""),
            (channel.into(), source.into()),
            "{query}"
        );
        let id = Tags::of(query).click_id.unwrap();
        let named = JUDGE.sources.of_tag(id.source).map(|s| s.name.as_str());
        assert_eq!(named, Some(id.source));
    }
}

#[test]
fn a_source_that_is_an_advertisement_needs_no_medium() {
    for (query, channel, source) in [
        ("utm_source=adwords", "Paid Search", "Google"),
        ("utm_source=Facebook_Ads", "Paid Social", "Facebook"),
        ("utm_source=taboola-ads", "Paid Other", "taboola-ads"),
        (
            "utm_source=facebook_ads&utm_medium=social",
            "Organic Social",
            "Facebook",
        ),
        ("utm_source=uploads", "Referral", "uploads"),
    ] {
        assert_eq!(
            judge("", query, ""),
            (channel.into(), source.into()),
            "{query}"
        );
    }
}

proptest! {
    #[test]
    fn every_click_has_one_channel(
        link in "[a-zA-Z ]{0,12}", query in "(utm_(source|medium)=[a-z]{0,8}&)?\\PC{0,20}", host in "[a-z.]{0,20}",
        app in prop::sample::select(vec!["", "Instagram", "an app that nobody knows"]),
    ) {
        let (channel, source) = judge_by(None, &link, &query, &host, app);
        prop_assert!(!source.is_empty() && !channel.is_empty());
        if link.trim().is_empty() {
            let small = channel.to_lowercase();
            prop_assert_ne!(JUDGE.table.name(&small), &small, "it is the table's");
        }
        prop_assert_eq!((channel, source), judge_by(None, &link, &query, &host, app));
    }

    /// Rules of a workspace that hold on nothing change nothing.
    #[test]
    fn own_rules_that_do_not_hold_change_nothing(query in "(utm_(source|medium)=[a-z]{0,8}&)?\\PC{0,20}", host in "[a-z.]{0,20}") {
        let own = own(r#"[{"channel": "Never", "app": ["no such app"]}]"#);
        prop_assert_eq!(judge_by(Some(&own), "", &query, &host, ""), judge("", &query, &host));
    }
}
