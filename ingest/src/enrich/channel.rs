//! Channel and source of a click: which road led here, and from which place.
//!
//! Evidence counts in this order: the link's own channel (a link made for WhatsApp is WhatsApp, wherever
//! it was opened), UTM tags, the click identifier of an advertising network, the referrer. From it come
//! one source, one medium and one kind of place; then the first rule that holds names the channel. The
//! rules are those of Google Analytics 4, so that reports compare, with channels of our own for what is
//! shared in private.

use std::sync::LazyLock;

use regex::Regex;

use super::query::Tags;
use super::sources::{Kind, Source, Sources, registrable};

/// Channel and source, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// A name of [`CHANNELS`], or the link's own.
    pub(super) channel: String,
    /// A source's name in the table, or what the evidence says.
    pub(super) source: String,
}

/// Every channel that a rule can name. A link's own channel that equals one of them in any letter case
/// is counted with it.
pub const CHANNELS: &[&str] = &[
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
];

/// What people call a channel when they make a link for it.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("mail", "Email"),
    ("e-mail", "Email"),
    ("newsletter", "Email"),
    ("text", "SMS"),
    ("text message", "SMS"),
    ("affiliate", "Affiliates"),
];

/// Media that money was paid for (GA4's own pattern).
static PAID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(?:.*cp.*|ppc|retargeting|paid.*)$").expect("a fixed pattern"));

/// Campaigns for a shop (GA4's own pattern: `workshop` is none).
static SHOP_CAMPAIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^(?:.*(?:(?:[^a-df-z]|^)shop|shopping).*)$").expect("a fixed pattern")
});

/// Judges one click.
pub(super) fn origin(sources: &Sources, own: &str, tags: &Tags, referrer_host: &str) -> Origin {
    let tagged = sources.of_tag(&tags.source);
    let marked = tags.click_id.and_then(|id| sources.of_tag(id.source));
    let referring = sources.of_host(referrer_host);

    let source = if !tags.source.is_empty() {
        tagged.map_or_else(|| tags.source.to_lowercase(), |source| source.name.clone())
    } else if let Some(id) = tags.click_id {
        id.source.to_owned()
    } else if let Some(source) = referring {
        source.name.clone()
    } else if !referrer_host.is_empty() {
        registrable(referrer_host).to_owned()
    } else if !own.is_empty() {
        canonical(own)
    } else {
        "Direct".to_owned()
    };

    let channel = if own.is_empty() {
        let medium = match tags.click_id {
            Some(id) if tags.medium.is_empty() => id.medium.to_owned(),
            _ => tags.medium.to_lowercase(),
        };
        let evidence = Evidence {
            // A tag that the table does not know says nothing of the kind of place.
            place: tagged.or(marked).or(referring),
            campaign: tags.campaign.to_lowercase(),
            tag: tags.source.to_lowercase(),
            medium,
            has_referrer: !referrer_host.is_empty(),
        };
        evidence.channel().to_owned()
    } else {
        canonical(own)
    };
    Origin { channel, source }
}

/// The link's own channel under the name that the rules use.
fn canonical(own: &str) -> String {
    let own = own.trim();
    let same = |name: &str| own.eq_ignore_ascii_case(name);
    let known = CHANNELS.iter().find(|name| same(name)).copied();
    let other = || {
        OTHER_NAMES
            .iter()
            .find(|(name, _)| same(name))
            .map(|(_, channel)| *channel)
    };
    known.or_else(other).unwrap_or(own).to_owned()
}

/// What is known of a click whose link has no channel of its own. Texts are in small letters.
struct Evidence<'a> {
    place: Option<&'a Source>,
    campaign: String,
    tag: String,
    medium: String,
    has_referrer: bool,
}

impl Evidence<'_> {
    /// The first rule that holds.
    fn channel(&self) -> &'static str {
        let paid = PAID.is_match(&self.medium);
        let shop = self.is(Kind::Shopping) || SHOP_CAMPAIGN.is_match(&self.campaign);
        let rules = [
            (self.campaign.contains("cross-network"), "Cross-network"),
            (paid && shop, "Paid Shopping"),
            (paid && self.is(Kind::Search), "Paid Search"),
            (paid && self.is(Kind::Social), "Paid Social"),
            (paid && self.is(Kind::Video), "Paid Video"),
            (
                self.medium_in(&["display", "banner", "expandable", "interstitial", "cpm"]),
                "Display",
            ),
            (paid, "Paid Other"),
            (shop, "Organic Shopping"),
            (
                self.is(Kind::Social)
                    || self.medium_in(&[
                        "social",
                        "social-network",
                        "social-media",
                        "sm",
                        "social network",
                        "social media",
                    ]),
                "Organic Social",
            ),
            (
                self.is(Kind::Video) || self.medium.contains("video"),
                "Organic Video",
            ),
            (
                self.is(Kind::Ai) || self.medium_in(&["ai", "ai-assistant"]),
                "AI Assistants",
            ),
            (
                self.is(Kind::Search) || self.medium_in(&["organic"]),
                "Organic Search",
            ),
            (
                self.is(Kind::Email) || is_email(&self.tag) || is_email(&self.medium),
                "Email",
            ),
            (
                self.is(Kind::Affiliate) || self.medium_in(&["affiliate", "affiliates"]),
                "Affiliates",
            ),
            (
                self.is(Kind::Audio) || self.medium_in(&["audio", "podcast"]),
                "Audio",
            ),
            (self.tag == "sms" || self.medium_in(&["sms"]), "SMS"),
            (self.is_push(), "Push"),
            (
                self.is_named("WhatsApp") || self.medium_in(&["whatsapp"]),
                "WhatsApp",
            ),
            (
                self.is_named("Telegram") || self.medium_in(&["telegram"]),
                "Telegram",
            ),
            (
                self.is(Kind::Messaging) || self.medium_in(&["messaging", "messenger", "chat"]),
                "Messaging",
            ),
            // Tagged with a source that nobody knows: somebody led here, so it is not direct.
            (
                self.has_referrer
                    || !self.tag.is_empty()
                    || self.medium_in(&["referral", "app", "link"]),
                "Referral",
            ),
        ];
        let first = rules.iter().find(|(holds, _)| *holds);
        first.map_or("Direct", |(_, channel)| channel)
    }

    fn is(&self, kind: Kind) -> bool {
        self.place.is_some_and(|source| source.kind == kind)
    }

    fn is_named(&self, name: &str) -> bool {
        self.place.is_some_and(|source| source.name == name)
    }

    fn medium_in(&self, media: &[&str]) -> bool {
        media.contains(&self.medium.as_str())
    }

    fn is_push(&self) -> bool {
        let medium = &self.medium;
        let by_medium = medium.ends_with("push")
            || medium.contains("mobile")
            || medium.contains("notification");
        self.is(Kind::Push) || by_medium
    }
}

fn is_email(text: &str) -> bool {
    matches!(
        text,
        "email" | "e-mail" | "e_mail" | "e mail" | "newsletter"
    )
}

#[cfg(test)]
mod tests {
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
}
