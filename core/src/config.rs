//! Configuration: defaults < `secrets.toml` < TOML file < `WHENCE_*` environment < flags.
//!
//! One file serves every service; each reads its own section and the shared ones. An unknown key is an
//! error wherever it comes from, because a misspelt limit is a limit that is not there.

mod check;
mod databases;
mod layers;
mod retention;
mod sections;
mod services;

pub use databases::{DatabaseMissing, Databases};
pub use layers::{ConfigError, SECRETS_FILE, Sources};
pub use retention::Retention;
pub use sections::{ClickHouse, Config, Embedded, Log, LogFormat, Store};
pub use services::{
    Analytics, Cache, Cookies, ForwardingHeader, Ingest, Journal, OnFull, Redirector, Scheme, Tls,
};

/// The exit code for a configuration that cannot be used (`EX_USAGE` of sysexits).
pub const EXIT_CODE: u8 = 64;

/// The variable that names the configuration file: with [`key::KEY_VARIABLE`](crate::key::KEY_VARIABLE) the only
/// `WHENCE_*` that is not a key.
pub const FILE_VARIABLE: &str = "WHENCE_CONFIG";
