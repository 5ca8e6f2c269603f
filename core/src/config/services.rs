//! The keys of each service, with their defaults, and of the journal that two of them keep.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::journal::{Durability, LaneOptions};
use crate::link::Host;
use crate::secret::Secret;

/// The edge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redirector {
    /// Where clicks arrive over plain HTTP.
    pub listen: SocketAddr,
    /// Where clicks arrive over HTTPS.
    pub tls: Tls,
    /// Where `/livez`, `/readyz` and `/metrics` answer.
    pub admin: SocketAddr,
    /// Serving threads; 0 means one for each core.
    pub threads: u8,
    /// Peers whose forwarding headers are believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they name the client: the one that each of them sets, since any other is
    /// what the client itself has sent.
    pub forwarding_header: ForwardingHeader,
    /// Peers whose connections must begin with a PROXY protocol header, version 2; from others it is
    /// garbage.
    #[serde(deserialize_with = "list")]
    pub proxy_protocol: Vec<IpNet>,
    /// Where click blocks are sent: ingest's addresses, tried in turn.
    #[serde(deserialize_with = "list")]
    pub ingest: Vec<String>,
    /// How long a stopping redirector waits for requests under way, in milliseconds.
    pub drain_ms: u64,
    /// The longest request head that is read, in bytes.
    pub max_head_bytes: usize,
    /// How long a client may take to send a request's head, or to begin TLS, in milliseconds.
    pub head_timeout_ms: u64,
    /// How long a client may idle between two requests, in milliseconds.
    pub idle_timeout_ms: u64,
    /// How long a client may take to read its answers, in milliseconds.
    pub write_timeout_ms: u64,
    /// Connections at a time, all threads together; more wait to be accepted.
    pub max_connections: usize,
    /// Connections at a time of one client (IPv4 address or IPv6 /64), believed proxies excepted; more
    /// are closed at once. 0 means no limit.
    pub max_connections_per_client: u32,
    /// Requests a second for one client (IPv4 address or IPv6 /64); 0 means no limit.
    pub client_rate: u32,
    /// How many requests a client may make at once before the rate holds.
    pub client_burst: u32,
    /// Requests a second for one link, on each node; 0 means no limit.
    pub link_rate: u32,
    /// How many requests a link may get at once before the rate holds.
    pub link_burst: u32,
    /// Passwords a minute that one client may try on one link; 0 means no limit.
    pub password_attempts: u32,
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
            tls: Tls::default(),
            admin: ([127, 0, 0, 1], 9080).into(),
            threads: 0,
            trusted_proxies: Vec::new(),
            forwarding_header: ForwardingHeader::XForwardedFor,
            proxy_protocol: Vec::new(),
            ingest: vec!["http://127.0.0.1:8081".into()],
            drain_ms: 10_000,
            max_head_bytes: 16 * 1024,
            head_timeout_ms: 10_000,
            idle_timeout_ms: 60_000,
            write_timeout_ms: 10_000,
            max_connections: 65_536,
            max_connections_per_client: 1024,
            client_rate: 200,
            client_burst: 400,
            link_rate: 0,
            link_burst: 0,
            password_attempts: 5,
            cookies: Cookies::default(),
            cache: Cache::default(),
            on_full: OnFull::Serve,
            journal: Journal::default(),
        }
    }
}

/// HTTPS at the edge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Where it answers; nowhere by default.
    pub listen: Option<SocketAddr>,
    /// The folder of certificates: `NAME.crt` or `NAME.pem` beside `NAME.key`, or, as certbot has them,
    /// `NAME/fullchain.pem` and `NAME/privkey.pem`. Read again on SIGHUP.
    pub certificates: Option<PathBuf>,
    /// Whether nothing answers over plain HTTP: `redirector.listen` is not bound then.
    pub only: bool,
    /// Handshakes a second of one client (IPv4 address or IPv6 /64), believed proxies excepted; 0 means
    /// no limit.
    pub handshake_rate: u32,
    /// How many handshakes a client may begin at once before the rate holds.
    pub handshake_burst: u32,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            listen: None,
            certificates: None,
            only: false,
            // A signature of RSA takes a millisecond: one client costs a core at most a twentieth of its time.
            handshake_rate: 50,
            handshake_burst: 200,
        }
    }
}

/// The header in which proxies say whom they speak for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the scheme.
    XForwardedFor,
    /// `Forwarded` of RFC 7239.
    Forwarded,
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

impl Cookies {
    /// Name of the cookie that proves that its bearer knows the password of a link.
    pub const PASSWORD: &'static str = "whp";
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
    /// should a push be lost. Of no meaning with a store from which none can be lost.
    pub ttl_ms: u64,
    /// Whether it is filled with the store's links at the start, until it is full.
    pub warm: bool,
    /// How long readiness waits for that, in milliseconds; it goes on behind.
    pub warm_ms: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            megabytes: 256,
            unknown_slugs: 65_536,
            // Pushes are not lost but with their line, which is noticed: this guards against what nobody has
            // thought of, and each link in use costs the store a look-up in that time.
            ttl_ms: 300_000,
            warm: true,
            warm_ms: 5_000,
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
    /// How long a stopping ingest waits for requests under way, in milliseconds.
    pub drain_ms: u64,
    /// What other clicks of the last minutes are remembered in, in MiB: 1 to 4096. Beyond it, the earliest are forgotten.
    pub windows_mib: usize,
    /// The conversion journal.
    pub journal: Journal,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 8081).into(),
            admin: ([127, 0, 0, 1], 9081).into(),
            token: Secret::default(),
            drain_ms: 10_000,
            // Enough for 400 clicks a second of different visitors on different links.
            windows_mib: 32,
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
    /// How long a report's query may take, in milliseconds; it waits for its turn at most as long again.
    pub query_timeout_ms: u64,
    /// How much memory a report's query may use in ClickHouse, in MiB; from half of it on, what can go to ClickHouse's disk does.
    pub query_memory_mib: u64,
    /// Threads of ClickHouse for a report's query; 0 means one for each of its cores.
    pub query_threads: u32,
    /// Queries of reports that run at a time. One workspace has at most half of these turns while others wait, and never all.
    pub queries_at_a_time: u32,
    /// How much memory may hold clicks that were asked about, in MiB; 0 holds none.
    pub held_mib: u64,
    /// Of how many clicks in a report's range on they are held.
    pub held_least_clicks: u64,
    /// How often the weights of variants follow what reports say of them, in seconds; 0 means never.
    pub bandit_seconds: u64,
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
            query_memory_mib: 4096,
            query_threads: 0,
            queries_at_a_time: 4,
            held_mib: 256,
            held_least_clicks: 100_000,
            bandit_seconds: 300,
            short_url_scheme: Scheme::Https,
            short_url_port: 0,
            drain_ms: 10_000,
        }
    }
}

impl Analytics {
    /// Where the short URLs of a host begin, up to their path: scheme, host and port as visitors reach the
    /// redirector.
    #[must_use]
    pub fn short_url_origin(&self, host: &Host) -> String {
        let scheme = self.short_url_scheme.as_str();
        match self.short_url_port {
            0 => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
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
