//! Where Redis is: the URL in each of its forms, read into what every connection is made with.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisResult,
};
use url::form_urlencoded;

use super::certificates::Certificates;
use crate::store::StoreError;

/// A peer that answers nothing for this long at the level of TCP is gone: without it a line that
/// was cut without a word would be believed for the kernel's quarter of an hour.
const PEER_GONE: Duration = Duration::from_secs(5);
/// Where a Redis listens that nobody told otherwise.
const REDIS_PORT: u16 = 6379;
/// Where a Sentinel listens that nobody told otherwise.
const SENTINEL_PORT: u16 = 26379;
/// The forms of the URL, for whoever got it wrong.
const FORMS: &str = "file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], \
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]…/SERVICE[/DATABASE] or \
    redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]…, and rediss for TLS";

/// A Redis or a Sentinel by host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    /// A name or an address, without brackets.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
}

/// How the primaries are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// There is one, and it stays where it is.
    Single,
    /// Sentinels say which Redis is the primary of a service.
    Sentinel {
        /// The service's name.
        service: String,
    },
    /// The nodes of a cluster say which slots each has.
    Cluster,
}

/// Who we are to a Redis or a Sentinel.
#[derive(Clone, Default)]
struct Login {
    user: Option<String>,
    password: Option<String>,
}

/// Makes connections to a Redis in any form, and names it without its password.
#[derive(Clone)]
pub(super) struct Address {
    /// How the primaries are found.
    pub(super) form: Form,
    /// Those that the URL names: the Redis, the Sentinels, or some nodes of the cluster.
    pub(super) named: Vec<Node>,
    login: Login,
    sentinel_login: Login,
    database: i64,
    /// None where connections are not encrypted.
    tls: Option<Certificates>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        read(url).map_err(|reason| {
            StoreError::Unavailable(format!("the store's URL {reason}; expected {FORMS}"))
        })
    }

    /// Makes connections to a Redis.
    pub(super) fn client(&self, node: &Node) -> RedisResult<Client> {
        self.connect_to(node, &self.login, self.database)
    }

    /// Makes connections to a Sentinel.
    pub(super) fn sentinel(&self, node: &Node) -> RedisResult<Client> {
        self.connect_to(node, &self.sentinel_login, 0)
    }

    fn connect_to(&self, node: &Node, login: &Login, database: i64) -> RedisResult<Client> {
        let (host, port) = (node.host.clone(), node.port);
        let place = match self.tls {
            Some(_) => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
            None => ConnectionAddr::Tcp(host, port),
        };
        // RESP3 lets the server speak first: it is what carries the invalidations, and what shows at
        // once that an idle connection was closed.
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            // One right less to be given.
            .set_skip_set_lib_name()
            .set_db(database);
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &login.password {
            settings = settings.set_password(password);
        }
        let info = place
            .into_connection_info()?
            .set_redis_settings(settings)
            .set_tcp_settings(tcp_settings());
        match &self.tls {
            Some(certificates) => Client::build_with_tls(info, certificates.for_redis()),
            None => Client::open(info),
        }
    }

    /// The store is unavailable, and this is why.
    pub(super) fn unavailable(&self, reason: impl fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("Redis at {self}: {reason}"))
    }
}

impl Node {
    /// Reads `HOST:PORT`; a host that is left out is the one that said so.
    pub(super) fn said_by(&self, text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { &self.host } else { host };
        Some(Self {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, node) in self.named.iter().enumerate() {
            write!(f, "{}{node}", if n == 0 { "" } else { "," })?;
        }
        match &self.form {
            Form::Sentinel { service } => write!(f, "/{service}"),
            Form::Single | Form::Cluster => Ok(()),
        }
    }
}

/// Reads a URL, or says what is wrong with it without its password.
fn read(url: &str) -> Result<Address, String> {
    let (scheme, rest) = url.split_once("://").ok_or("names no scheme")?;
    let (is_tls, kind) = match scheme.strip_prefix("rediss") {
        Some(kind) => (true, kind),
        None => (false, scheme.strip_prefix("redis").unwrap_or(scheme)),
    };
    let is_sentinel = kind == "+sentinel";
    if !matches!(kind, "" | "+sentinel" | "+cluster") {
        return Err(format!("has the scheme {scheme:?}"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // A raw / ? or # in a password ends the host before it, and errors would then print its start.
    if rest.contains('@') {
        return Err("has an @ after its host: percent-encode the password".into());
    }
    if rest.contains('#') {
        return Err("has a #, which means nothing here".into());
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (read_login(login)?, hosts),
        None => (Login::default(), authority),
    };
    let port = if is_sentinel {
        SENTINEL_PORT
    } else {
        REDIS_PORT
    };
    let named: Vec<Node> = hosts
        .split(',')
        .map(|host| read_node(host, port))
        .collect::<Result<_, _>>()?;
    let mut parts = path.split('/').skip(1).filter(|part| !part.is_empty());
    let form = match kind {
        "" if named.len() > 1 => {
            return Err("names several hosts: use redis+cluster or redis+sentinel".into());
        }
        "" => Form::Single,
        "+cluster" => Form::Cluster,
        _ => Form::Sentinel {
            service: decode(
                parts
                    .next()
                    .ok_or("names no service behind the Sentinels")?,
            )?,
        },
    };
    let database = match parts.next() {
        None => 0,
        Some(_) if form == Form::Cluster => {
            return Err("names a database, but a cluster has only one".into());
        }
        Some(number) => match number.parse::<u16>() {
            Ok(number) => i64::from(number),
            Err(_) => return Err("has a database that is no number".into()),
        },
    };
    if parts.next().is_some() {
        return Err("has too many parts in its path".into());
    }
    let (sentinel_login, tls) = read_query(query, is_sentinel, is_tls)?;
    let address = Address {
        form,
        named,
        login,
        sentinel_login,
        database,
        tls,
    };
    // What the client refuses, such as an unreadable certificate, is the URL's fault too.
    for node in &address.named {
        let refused = |error| format!("is refused: {error}");
        address.client(node).map_err(refused)?;
    }
    Ok(address)
}

fn read_login(text: &str) -> Result<Login, String> {
    let given = |text: &str| (!text.is_empty()).then(|| decode(text)).transpose();
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (given(user)?, given(password)?),
        None => (given(text)?, None),
    };
    if user.is_some() && password.is_none() {
        return Err("has a user without a password; a password alone is written :PASSWORD@".into());
    }
    Ok(Login { user, password })
}

fn read_node(text: &str, default_port: u16) -> Result<Node, String> {
    // Nothing of the text is printed: who forgets the @ has a password here.
    let wrong = || "has something that is no host, or no port behind one".to_owned();
    let has_port = text.rsplit(']').next().is_some_and(|end| end.contains(':'));
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if has_port => (host, port.parse().map_err(|_| wrong())?),
        _ => (text, default_port),
    };
    let host = match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) => name,
        Ok(url::Host::Ipv4(address)) => address.to_string(),
        Ok(url::Host::Ipv6(address)) => address.to_string(),
        Err(_) => return Err(wrong()),
    };
    Ok(Node { host, port })
}

fn read_query(
    query: &str,
    is_sentinel: bool,
    is_tls: bool,
) -> Result<(Login, Option<Certificates>), String> {
    let (mut login, mut certificates) = (Login::default(), Certificates::default());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "sentinel_user" if is_sentinel => login.user = Some(value.into_owned()),
            "sentinel_password" if is_sentinel => login.password = Some(value.into_owned()),
            "ca" if is_tls => certificates.read_ca(&value)?,
            "cert" if is_tls => certificates.read_certificate(&value)?,
            "key" if is_tls => certificates.read_key(&value)?,
            "ca" | "cert" | "key" => return Err(format!("has {name:?} but no TLS: use rediss")),
            name => return Err(format!("has the unknown parameter {name:?}")),
        }
    }
    if login.user.is_some() && login.password.is_none() {
        return Err("has a sentinel_user without a sentinel_password".into());
    }
    if is_tls {
        certificates.check()?;
    }
    Ok((login, is_tls.then_some(certificates)))
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "has a percent-encoding that is not UTF-8".into())
}

fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(PEER_GONE)
        .with_interval(Duration::from_secs(1));
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    // Keep-alive probes an idle line; only Linux can also bound a line with data under way.
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(PEER_GONE);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_url_is_explained_without_its_password() {
        for (url, reason) in [
            ("", "names no scheme"),
            ("localhost:6379", "names no scheme"),
            ("https://:hunter2@localhost", "scheme \"https\""),
            ("redis+tls://:hunter2@localhost", "scheme \"redis+tls\""),
            ("redis://:hunter2@localhost/x", "database that is no number"),
            ("redis://:hunter2@localhost/1/2", "too many parts"),
            ("redis://hun/ter2@localhost", "percent-encode the password"),
            ("redis://hun?ter2@localhost", "percent-encode the password"),
            ("redis://:hunter#2@localhost", "percent-encode the password"),
            ("redis://:hunter2localhost", "no host"),
            ("redis://hunter2@localhost", "user without a password"),
            ("redis://:hunter2@a,b", "names several hosts"),
            ("redis://:hunter2@a?ca=/x", "no TLS"),
            (
                "redis://:hunter2@a?sentinel_password=hunter2",
                "unknown parameter",
            ),
            ("redis+cluster://:hunter2@a,b/1", "a cluster has only one"),
            ("redis+cluster://:hunter2@a,,b", "no host"),
            ("redis+sentinel://:hunter2@a,b", "names no service"),
            (
                "redis+sentinel://a/s?sentinel_user=hunter",
                "without a sentinel_password",
            ),
            (
                "redis://:hunter2@a?timeout=hunter",
                "unknown parameter \"timeout\"",
            ),
            ("rediss://:hunter2@a?ca=/not/there.pem", "/not/there.pem"),
            ("rediss://:hunter2@a?ca=/dev/null", "no certificate"),
        ] {
            let error = Address::parse(url)
                .err()
                .expect("the URL is wrong")
                .to_string();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("hun"), "{url}: {error}");
        }
    }

    #[test]
    fn every_form_is_read_and_named_without_its_password() {
        for (url, form, name) in [
            (
                "redis://user:hunter2@redis.internal/3",
                Form::Single,
                "redis.internal:6379",
            ),
            ("rediss://:hunter2@[::1]:7000", Form::Single, "[::1]:7000"),
            (
                "redis+cluster://user:hunter2@a,b:7001,10.0.0.1:1",
                Form::Cluster,
                "a:6379,b:7001,10.0.0.1:1",
            ),
            (
                "rediss+sentinel://user:h%40hunter2@a,b:7001/main/2?sentinel_user=x&sentinel_password=hunter2",
                Form::Sentinel {
                    service: "main".into(),
                },
                "a:26379,b:7001/main",
            ),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.form, form, "{url}");
            assert_eq!(address.to_string(), name, "{url}");
            assert!(!address.unavailable("gone").to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_node_says_where_another_is() {
        let node = Node {
            host: "::1".into(),
            port: 1,
        };
        let other = |host: &str, port| {
            Some(Node {
                host: host.into(),
                port,
            })
        };
        assert_eq!(node.said_by(":7000"), other("::1", 7000));
        assert_eq!(node.said_by("10.0.0.1:7000"), other("10.0.0.1", 7000));
        assert_eq!(node.said_by("fe80::2:7000"), other("fe80::2", 7000));
        assert_eq!(node.said_by("nothing"), None);
    }
}
