//! The keys of each service, with their defaults, and of the journal that two of them keep.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::journal::{Durability, LaneOptions};
use crate::secret::Secret;

/// The edge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redirector {
    /// Where clicks arrive.
    pub listen: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` answer.
    pub admin: SocketAddr,
    /// Serving threads; 0 means one for each core.
    pub threads: u8,
    /// Peers whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNet>,
    /// Where click blocks are sent: ingest's addresses, tried in turn.
    #[serde(deserialize_with = "list")]
    pub ingest: Vec<String>,
    /// How long a stopping redirector waits for requests under way, in milliseconds.
    pub drain_ms: u64,
    /// The longest request head that is read, in bytes.
    pub max_head_bytes: usize,
    /// How long a client may take to send a request's head, and to idle between two, in milliseconds.
    pub head_timeout_ms: u64,
    /// Connections at a time, all threads together; more wait to be accepted.
    pub max_connections: usize,
    /// Requests a second for one client (IPv4 address or IPv6 /64); 0 means no limit.
    pub client_rate: u32,
    /// How many requests a client may make at once before the rate holds.
    pub client_burst: u32,
    /// The visitor's cookies.
    pub cookies: Cookies,
    /// The near cache.
    pub cache: Cache,
    /// What happens when the journal has no room: `serve` (redirect, count the loss) or `refuse` (503).
    pub on_full: OnFull,
    /// The click journal.
    pub journal: Journal,
}

impl Default for Redirector {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 8080).into(),
            admin: ([127, 0, 0, 1], 9080).into(),
            threads: 0,
            trusted_proxies: Vec::new(),
            ingest: vec!["http://127.0.0.1:8081".into()],
            drain_ms: 10_000,
            max_head_bytes: 16 * 1024,
            head_timeout_ms: 10_000,
            max_connections: 65_536,
            client_rate: 200,
            client_burst: 400,
            cookies: Cookies::default(),
            cache: Cache::default(),
            on_full: OnFull::Serve,
            journal: Journal::default(),
        }
    }
}

/// The visitor's cookies on the short domain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cookies {
    /// Name of the cookie that holds the visitor id.
    pub visitor: String,
    /// Name of the cookie that holds the last click's id.
    pub last_click: String,
    /// How long both last, in days. Browsers cut what is above 400.
    pub days: u32,
    /// Whether they are marked `Secure`. Off only for a first trial over plain http.
    pub secure: bool,
}

impl Default for Cookies {
    fn default() -> Self {
        Self {
            visitor: "whv".into(),
            last_click: "whc".into(),
            days: 365,
            secure: true,
        }
    }
}

/// The near cache of links.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Memory for links that exist, in MiB.
    pub megabytes: usize,
    /// How many unknown slugs are remembered.
    pub unknown_slugs: usize,
    /// How long an entry is believed without asking again, in milliseconds: the bound on staleness
    /// should a push be lost.
    pub ttl_ms: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            megabytes: 256,
            unknown_slugs: 65_536,
            ttl_ms: 60_000,
        }
    }
}

/// A journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// Where it stands; by default in the data directory.
    pub dir: Option<PathBuf>,
    /// Size of a segment file, in MiB.
    pub segment_megabytes: u64,
    /// The most disk that one lane takes, in MiB.
    pub max_megabytes: u64,
    /// What an answer has survived: `process` (a crash of the process) or `power` (a loss of power).
    pub durability: Durability,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            dir: None,
            segment_megabytes: 64,
            max_megabytes: 4096,
            durability: Durability::Process,
        }
    }
}

impl Journal {
    /// The settings of each of its lanes.
    #[must_use]
    pub fn lane_options(&self) -> LaneOptions {
        LaneOptions {
            segment_bytes: self.segment_megabytes << 20,
            max_bytes: self.max_megabytes << 20,
            durability: self.durability,
            ..LaneOptions::default()
        }
    }
}

/// What happens to a click that finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFull {
    /// It is redirected, and its loss is counted.
    Serve,
    /// It is answered 503.
    Refuse,
}

/// The collector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    /// Where blocks and conversions arrive.
    pub listen: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` answer.
    pub admin: SocketAddr,
    /// What redirectors show to deliver blocks: the same text on both sides.
    pub token: Secret,
    /// MaxMind-format database of countries; by default the CC0 one that `npm ci` brings.
    pub country_db: Option<PathBuf>,
    /// List of crawlers' user agents; by default the one that `npm ci` brings.
    pub crawlers: Option<PathBuf>,
    /// How long a stopping ingest waits for requests under way, in milliseconds.
    pub drain_ms: u64,
    /// The conversion journal.
    pub journal: Journal,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 8081).into(),
            admin: ([127, 0, 0, 1], 9081).into(),
            token: Secret::default(),
            country_db: None,
            crawlers: None,
            drain_ms: 10_000,
            journal: Journal::default(),
        }
    }
}

/// Links API and reports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Analytics {
    /// Where the API answers.
    pub listen: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` answer.
    pub admin: SocketAddr,
    /// Requests a second for one API key; 0 means no limit.
    pub key_rate: u32,
    /// How many requests a key may make at once before the rate holds.
    pub key_burst: u32,
    /// How long a report may take, in milliseconds.
    pub query_timeout_ms: u64,
    /// Scheme of the short URLs that the API shows: how visitors reach the redirector.
    pub short_url_scheme: Scheme,
    /// Port of the short URLs that the API shows; 0 is the scheme's own.
    pub short_url_port: u16,
    /// How long a stopping server waits for requests under way, in milliseconds.
    pub drain_ms: u64,
}

impl Default for Analytics {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 8082).into(),
            admin: ([127, 0, 0, 1], 9082).into(),
            key_rate: 100,
            key_burst: 1000,
            query_timeout_ms: 30_000,
            short_url_scheme: Scheme::Https,
            short_url_port: 0,
            drain_ms: 10_000,
        }
    }
}

/// A scheme of URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP: a first trial on one machine.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A list, or the same as one text with commas, which is all an environment variable can say.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<String>),
        Text(String),
    }
    let items = match Form::deserialize(deserializer)? {
        Form::List(items) => items,
        Form::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    items
        .iter()
        .filter(|item| !item.is_empty())
        .map(|item| {
            item.parse()
                .map_err(|e| serde::de::Error::custom(format!("{item:?}: {e}")))
        })
        .collect()
}
