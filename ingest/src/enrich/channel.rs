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
mod tests;
