//! ClickHouse as every service uses it: one way to connect, pinned settings, numbered migrations.
//!
//! Which rows go in belongs to ingest, which questions are asked to analytics.

mod carried;
mod migrate;
mod retention;
mod settings;

pub use carried::{copy_carried, copying_has_ended, forget_carried};
pub use migrate::{MigrateError, migrate, pending};
pub use retention::{note_expiring, retain};
pub use settings::{
    INSERT_SETTINGS, ONCE_SETTINGS, REPLACE_SETTINGS, TablesError, check_settings, check_tables,
};

use std::net::IpAddr;

use clickhouse::Compression;
use url::Url;

use crate::config;

/// A client for the configured server and database.
#[must_use]
pub fn client(config: &config::ClickHouse) -> clickhouse::Client {
    let mut client = clickhouse::Client::default()
        .with_url(&config.url)
        .with_user(&config.user)
        .with_database(&config.database)
        .with_compression(compression(&config.url));
    if !config.password.is_empty() {
        client = client.with_password(config.password.expose());
    }
    client
}

/// What goes over a network is packed. On this machine it costs more to pack and unpack a row than to hand it over.
fn compression(url: &str) -> Compression {
    let host = Url::parse(url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        Compression::None
    } else {
        Compression::Lz4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_the_machine_is_packed() {
        for (url, expected) in [
            ("http://127.0.0.1:8123", Compression::None),
            ("http://[::1]:8123", Compression::None),
            ("http://localhost:8123/", Compression::None),
            ("http://10.0.0.7:8123", Compression::Lz4),
            ("http://127.0.0.1.example:8123", Compression::Lz4),
            ("https://clickhouse.example", Compression::Lz4),
            ("nonsense", Compression::Lz4),
        ] {
            let found = compression(url);
            assert!(found == expected, "{url}: {found:?}");
        }
    }
}
