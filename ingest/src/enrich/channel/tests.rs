//! A golden table of roads and places, and what must hold of any click.

use proptest::prelude::*;

use super::*;

fn judge(own: &str, query: &str, host: &str) -> (String, String) {
    static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::built_in);
    let origin = origin(&SOURCES, own, &Tags::of(query), host);
    (origin.channel, origin.source)
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
fn each_network_in_the_code_is_in_the_table() {
    let sources = Sources::built_in();
    for query in [
        "dclid=1",
        "gclid=1",
        "msclkid=1",
        "ttclid=1",
        "twclid=1",
        "li_fat_id=1",
        "epik=1",
        "sccid=1",
        "rdt_cid=1",
        "qclid=1",
        "irclid=1",
        "mc_cid=1",
        "igshid=1",
        "fbclid=1",
    ] {
        let id = Tags::of(query).click_id.unwrap();
        assert_eq!(
            sources.of_tag(id.source).map(|s| s.name.as_str()),
            Some(id.source)
        );
    }
}

proptest! {
    #[test]
    fn every_click_has_one_channel(own in "[a-zA-Z ]{0,12}", query in "(utm_(source|medium)=[a-z]{0,8}&)?\\PC{0,20}", host in "[a-z.]{0,20}") {
        let (channel, source) = judge(&own, &query, &host);
        prop_assert!(!source.is_empty() || own.trim().is_empty());
        if own.is_empty() {
            prop_assert!(CHANNELS.contains(&channel.as_str()), "{}", channel);
        }
        prop_assert_eq!((channel, source), judge(&own, &query, &host));
    }
}
