//! The table of sources: which site a host or a `utm_source` stands for, and of what kind it is.
//!
//! The table itself is `data/sources.toml`, compiled in; how a kind becomes a channel is `channel`'s
//! business.

use std::collections::{BTreeMap, HashMap};

use psl::{Psl, Type};
use serde::Deserialize;
use thiserror::Error;

/// The table that this build carries.
const TABLE: &str = include_str!("../../data/sources.toml");

/// What kind of place a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Search engines.
    Search,
    /// Social networks, forums.
    Social,
    /// Video sites.
    Video,
    /// AI assistants.
    Ai,
    /// Mail in a browser or an app, and who sends it.
    Email,
    /// Chats, which are seen by few and shared in private.
    Messaging,
    /// Shops and price comparisons.
    Shopping,
    /// Music and podcasts.
    Audio,
    /// Affiliate networks.
    Affiliate,
    /// Push notifications.
    Push,
    /// A page that is none of these, although the site around it is.
    Referral,
}

/// One source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// As reports show it.
    pub(super) name: String,
    /// The same in small letters.
    #[serde(skip)]
    pub(super) small_name: String,
    /// What kind of place it is.
    pub(super) kind: Kind,
    /// Its hosts, each with all below it.
    #[serde(default)]
    hosts: Vec<String>,
    /// Its names under every country's domain.
    #[serde(default)]
    countries: Vec<String>,
    /// Further values of `utm_source`.
    #[serde(default)]
    tags: Vec<String>,
}

/// The table contradicts itself or cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum TableError {
    /// Not TOML of our layout.
    #[error("{0}")]
    Syntax(String),
    /// A key that stands for two sources.
    #[error("{key:?} stands for both {first:?} and {second:?}")]
    Twice {
        /// The host, country name or tag.
        key: String,
        /// The source that has it.
        first: String,
        /// The source that claims it too.
        second: String,
    },
    /// A key that no host or tag could ever equal.
    #[error("{0:?} must be in small letters and without spaces, slashes or colons")]
    Key(String),
}

/// The table, indexed.
#[derive(Debug)]
pub(super) struct Sources {
    sources: Vec<Source>,
    hosts: HashMap<String, usize>,
    countries: HashMap<String, usize>,
    tags: HashMap<String, usize>,
}

impl Sources {
    /// The table of this build.
    pub(super) fn built_in() -> Self {
        Self::parse(TABLE).expect("a test has read the table")
    }

    fn parse(text: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            source: Vec<Source>,
            /// The long tail: the hosts of each name, by kind.
            #[serde(default)]
            more: BTreeMap<Kind, BTreeMap<String, Vec<String>>>,
        }
        let file: File = toml::from_str(text).map_err(|e| TableError::Syntax(e.to_string()))?;
        let mut sources = file.source;
        // Before the long tail, whose names are no tags.
        let tags = index(&sources, |source| {
            let name = source.name.to_lowercase().replace(' ', "-");
            let mut tags = source.tags.clone();
            tags.extend([name.replace('-', ""), name.replace('-', "_"), name]);
            tags.sort();
            tags.dedup();
            tags
        })?;
        for (kind, named) in file.more {
            sources.extend(named.into_iter().map(|(name, hosts)| Source {
                name,
                small_name: String::new(),
                kind,
                hosts,
                countries: Vec::new(),
                tags: Vec::new(),
            }));
        }
        for source in &mut sources {
            source.small_name = source.name.to_lowercase();
        }
        Ok(Self {
            hosts: index(&sources, |source| source.hosts.clone())?,
            countries: index(&sources, |source| source.countries.clone())?,
            tags,
            sources,
        })
    }

    /// The source of a referrer's host: the longest entry that the host equals or lies below.
    pub(super) fn of_host(&self, host: &str) -> Option<&Source> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let below = std::iter::successors(Some(host), |host| {
            host.split_once('.').map(|(_, rest)| rest)
        });
        below
            .filter_map(|host| self.hosts.get(host))
            .next()
            .or_else(|| self.countries.get(country_name(host)?))
            .map(|&place| &self.sources[place])
    }

    /// The source that a `utm_source` means: its name, a further tag, or a host of it.
    pub(super) fn of_tag(&self, tag: &str) -> Option<&Source> {
        let tag = tag.to_lowercase().replace(' ', "-");
        match self.tags.get(&tag) {
            Some(&place) => Some(&self.sources[place]),
            None if tag.contains('.') => self.of_host(&tag),
            None => None,
        }
    }
}

/// The registrable domain of a host: `example.co.uk` of `www.example.co.uk`. The host itself where it
/// has none, as an IP address has none.
pub(super) fn registrable(host: &str) -> &str {
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    if is_address {
        host
    } else {
        psl::domain_str(host).unwrap_or(host)
    }
}

/// `google` for `www.google.co.uk`: the name right below `com` or a country's public suffix. Suffixes
/// that a company runs (`google.github.io`) and other endings (`google.example`) are anybody's.
fn country_name(host: &str) -> Option<&str> {
    let domain = psl::List.domain(host.as_bytes())?;
    let suffix = domain.suffix();
    let ending = suffix.as_bytes().rsplit(|&b| b == b'.').next()?;
    let of_country = suffix.typ() == Some(Type::Icann) && (ending.len() == 2 || suffix == "com");
    let text = std::str::from_utf8(domain.as_bytes()).ok()?;
    of_country.then(|| text.split('.').next()).flatten()
}

fn index(
    sources: &[Source],
    keys: impl Fn(&Source) -> Vec<String>,
) -> Result<HashMap<String, usize>, TableError> {
    let mut index = HashMap::new();
    for (place, source) in sources.iter().enumerate() {
        for key in keys(source) {
            if key.is_empty() || key.contains([' ', '/', ':']) || key != key.to_lowercase() {
                return Err(TableError::Key(key));
            }
            if let Some(first) = index.insert(key.clone(), place) {
                return Err(TableError::Twice {
                    key,
                    first: sources[first].name.clone(),
                    second: source.name.clone(),
                });
            }
        }
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_found_by_labels_and_the_longest_wins() {
        let sources = Sources::built_in();
        for (host, name) in [
            ("www.google.com", Some("Google")),
            ("www.google.co.uk", Some("Google")),
            ("www.google.com.hk", Some("Google")),
            ("google.de", Some("Google")),
            ("images.google.fr", Some("Google")),
            ("mail.google.com", Some("Gmail")),
            ("docs.google.com", Some("Google Docs")),
            ("gemini.google.com", Some("Gemini")),
            ("www.google.com.", Some("Google")),
            ("l.facebook.com", Some("Facebook")),
            ("t.co", Some("X")),
            ("mobile.twitter.com", Some("X")),
            ("netflix.com", Some("Netflix")),
            ("www.pinterest.co.uk", Some("Pinterest")),
            ("fr.search.yahoo.com", Some("Yahoo")),
            ("r.duckduckgo.com", Some("DuckDuckGo")),
            ("search.daum.net", Some("Daum")),
            ("unix.stackexchange.com", Some("Stack Overflow")),
            ("web.whatsapp.com", Some("WhatsApp")),
            ("com.google.android.gm", Some("Gmail")),
            ("old.reddit.com", Some("Reddit")),
            ("fb.me", Some("Facebook")),
            ("m.facebook.com", Some("Facebook")),
            ("lm.facebook.com", Some("Facebook")),
            ("l.messenger.com", Some("Messenger")),
            ("l.instagram.com", Some("Instagram")),
            ("l.threads.com", Some("Threads")),
            ("out.reddit.com", Some("Reddit")),
            ("away.vk.com", Some("VK")),
            ("l.wl.co", None),
            ("com.reddit.frontpage", Some("Reddit")),
            ("com.google.android.googlequicksearchbox", Some("Google")),
            ("org.telegram.messenger", Some("Telegram")),
            ("com.linkedin.android", Some("LinkedIn")),
            ("suche.web.de", Some("Web.de")),
            ("www.so.com", Some("360 Search")),
            ("search.smt.docomo.ne.jp", Some("Docomo Search")),
            ("www.lycos.fr", Some("Lycos")),
            ("www.pixelfed.social", Some("Pixelfed")),
            ("mp.weixin.qq.com", Some("WeChat")),
            ("user.qzone.qq.com", Some("Qzone")),
            ("www.cnn.com", Some("CNN")),
            ("app.jasper.ai", Some("Jasper")),
            ("urldefense.com", Some("Proofpoint")),
            ("mailchi.mp", Some("Mailchimp")),
            ("eu1.safelinks.protection.outlook.com", Some("Outlook")),
            ("shopee.com.br", Some("Shopee")),
            ("click.linksynergy.com", Some("Rakuten Advertising")),
            ("huggingface.co", Some("Hugging Face")),
            // Look-alikes.
            ("flix.com", None),
            ("microsoft.com", None),
            ("notx.com", None),
            ("at.co", None),
            ("google.github.io", None),
            ("google.blogspot.com", None),
            ("google.example", None),
            ("evilgoogle.com", None),
            ("google.com.evil.example", None),
            ("www.yahoo.com", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("", None),
        ] {
            let found = sources.of_host(host).map(|source| source.name.as_str());
            assert_eq!(found, name, "{host}");
        }
    }

    #[test]
    fn tags() {
        let sources = Sources::built_in();
        for (tag, name) in [
            ("google", Some("Google")),
            ("Facebook", Some("Facebook")),
            ("fb", Some("Facebook")),
            ("chatgpt.com", Some("ChatGPT")),
            ("l.instagram.com", Some("Instagram")),
            ("Hacker News", Some("Hacker News")),
            ("hacker_news", Some("Hacker News")),
            ("newsletter", None),
            ("", None),
            (".", None),
        ] {
            let found = sources.of_tag(tag).map(|source| source.name.as_str());
            assert_eq!(found, name, "{tag}");
        }
    }

    #[test]
    fn registrable_domains() {
        for (host, domain) in [
            ("www.example.co.uk", "example.co.uk"),
            ("en.wikipedia.org", "wikipedia.org"),
            ("kufli.blogspot.com", "kufli.blogspot.com"),
            ("localhost", "localhost"),
            ("10.1.2.3", "10.1.2.3"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(registrable(host), domain, "{host}");
        }
    }

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        let twice = "[[source]]\nname='A'\nkind='search'\nhosts=['a.com']\n[[source]]\nname='B'\nkind='ai'\nhosts=['a.com']";
        let error = Sources::parse(twice).unwrap_err();
        assert!(matches!(error, TableError::Twice { key, .. } if key == "a.com"));
        let url = "[[source]]\nname='A'\nkind='search'\nhosts=['x.com/i/grok']";
        assert_eq!(
            Sources::parse(url).unwrap_err(),
            TableError::Key("x.com/i/grok".into())
        );
        let misspelt = "[[source]]\nname='A'\nkind='search'\nhost=['a.com']";
        assert!(
            matches!(Sources::parse(misspelt), Err(TableError::Syntax(e)) if e.contains("host"))
        );
    }

    #[test]
    fn every_entry_is_found_and_means_its_own_source() {
        let sources = Sources::built_in();
        for source in &sources.sources {
            let of = |host: &str| sources.of_host(host).map(|found| found.name.as_str());
            let known_by = source.hosts.len() + source.countries.len() + source.tags.len();
            assert!(known_by > 0, "nothing leads to {}", source.name);
            for host in &source.hosts {
                assert_eq!(of(host), Some(source.name.as_str()), "{host}");
                let below = format!("no-entry-of-its-own.{host}");
                assert_eq!(of(&below), Some(source.name.as_str()), "{below}");
                let parent = host.split_once('.').and_then(|(_, parent)| of(parent));
                if parent != Some(source.name.as_str()) {
                    let beside = format!("x{host}");
                    assert_ne!(of(&beside), Some(source.name.as_str()), "{beside}");
                }
            }
            for name in &source.countries {
                for ending in ["com", "de", "co.uk", "com.br"] {
                    let host = format!("www.{name}.{ending}");
                    assert_eq!(of(&host), Some(source.name.as_str()), "{host}");
                }
            }
        }
    }

    #[test]
    fn no_name_stands_twice_and_none_has_got_lost() {
        let sources = Sources::built_in();
        let mut names: Vec<&str> = sources.sources.iter().map(|s| &*s.small_name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        let of_kind = |kind| sources.sources.iter().filter(|s| s.kind == kind).count();
        for (kind, least) in [
            (Kind::Search, 310),
            (Kind::Social, 110),
            (Kind::Ai, 30),
            (Kind::Email, 30),
            (Kind::Messaging, 20),
            (Kind::Video, 19),
            (Kind::Shopping, 25),
        ] {
            assert!(of_kind(kind) >= least, "{kind:?}: {}", of_kind(kind));
        }
    }

    #[test]
    fn names_of_the_long_tail_are_no_tags() {
        let sources = Sources::built_in();
        let name = |found: Option<&Source>| found.map(|source| source.name.clone());
        assert_eq!(name(sources.of_host("www.inbox.com")), Some("Inbox".into()));
        assert_eq!(name(sources.of_tag("inbox.com")), Some("Inbox".into()));
        assert_eq!(name(sources.of_tag("inbox")), None);
    }

    #[test]
    fn any_host_and_tag_is_looked_up() {
        let sources = Sources::built_in();
        proptest!(|(text in "[a-z.:\\[]{0,20}|.{0,40}")| {
            // A host below a found one is found as the same, unless it has an entry of its own.
            if let Some(source) = sources.of_host(&text) {
                let below = format!("no-entry-of-its-own.{text}");
                prop_assert_eq!(sources.of_host(&below).map(|s| &s.name), Some(&source.name));
            }
            let _ = sources.of_tag(&text);
            prop_assert!(text.contains(registrable(&text)));
        });
    }
}
