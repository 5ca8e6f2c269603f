//! ClickHouse as every service uses it: one way to connect, pinned settings, numbered migrations.
//!
//! Which rows go in belongs to ingest, which questions are asked to analytics.

mod migrate;
mod settings;

pub use migrate::{MigrateError, migrate, pending};
pub use settings::{INSERT_SETTINGS, TablesError, check_settings, check_tables};

use crate::config;

/// A client for the configured server and database.
#[must_use]
pub fn client(config: &config::ClickHouse) -> clickhouse::Client {
    let mut client = clickhouse::Client::default()
        .with_url(&config.url)
        .with_user(&config.user)
        .with_database(&config.database);
    if !config.password.is_empty() {
        client = client.with_password(config.password.expose());
    }
    client
}
