//! Where Redis is: the URL, read into what both connections are made with.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use url::Url;

use crate::store::StoreError;

/// A peer that answers nothing for this long at the level of TCP is gone: without it a line that
/// was cut without a word would be believed for the kernel's quarter of an hour.
const PEER_GONE: Duration = Duration::from_secs(5);

/// Makes connections to one Redis, and names it without its password.
#[derive(Clone)]
pub(super) struct Address {
    /// Makes the connections; knows the password.
    pub(super) client: Client,
    /// Host and port.
    name: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |reason: &str| {
            StoreError::Unavailable(format!(
                "the store's URL {reason}; expected file:PATH or redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]"
            ))
        };
        let url = Url::parse(url).map_err(|error| refused(&format!("does not parse ({error})")))?;
        if url.scheme() != "redis" {
            return Err(refused(&format!("has the scheme {:?}", url.scheme())));
        }
        // A raw / ? or # in a password ends the host before it, and errors would then print its start.
        if [Some(url.path()), url.query(), url.fragment()]
            .into_iter()
            .flatten()
            .any(|part| part.contains('@'))
        {
            return Err(refused(
                "has an @ after its host: percent-encode the password",
            ));
        }
        let info = url
            .into_connection_info()
            .map_err(|error| refused(&format!("is refused: {error}")))?;
        let name = info.addr().to_string();
        // RESP3 lets the server speak first: it is what carries the invalidations, and what shows at
        // once that an idle connection was closed.
        let redis = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let info = info
            .set_redis_settings(redis)
            .set_tcp_settings(tcp_settings());
        let client = Client::open::<ConnectionInfo>(info)
            .map_err(|error| refused(&format!("is refused: {error}")))?;
        Ok(Self { client, name })
    }

    /// The store is unavailable, and this is why.
    pub(super) fn unavailable(&self, reason: impl fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("Redis at {}: {reason}", self.name))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
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
            ("", "does not parse"),
            ("localhost:6379", "scheme \"localhost\""),
            ("rediss://:hunter2@localhost", "scheme \"rediss\""),
            (
                "redis+cluster://:hunter2@localhost",
                "scheme \"redis+cluster\"",
            ),
            ("redis://:hunter2@localhost/x", "is refused"),
            ("redis://hun/ter2@localhost", "percent-encode the password"),
            ("redis://hun?ter2@localhost", "percent-encode the password"),
            ("redis://:hunter#2@localhost", "does not parse"),
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
    fn the_name_is_host_and_port() {
        let address =
            Address::parse("redis://user:hunter2@redis.internal/3").expect("the URL is right");
        assert_eq!(address.to_string(), "redis.internal:6379");
        assert!(!address.unavailable("gone").to_string().contains("hunter2"));
    }
}
