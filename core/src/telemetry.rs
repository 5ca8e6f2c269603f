//! Logs and the registry of metrics. Which metrics there are is each service's own business, in its
//! `metrics` module; only what is the same for all stands here.

use std::io::IsTerminal;

use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging to standard error. Called once, by a `main`.
pub fn init(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|e| format!("log.filter: {e}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people at a terminal, not for files and supervisors.
        .with_ansi(std::io::stderr().is_terminal());
    let result = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    result.map_err(|e| format!("logging cannot start: {e}"))
}

/// A registry whose metrics are named `whence_{service}_…`.
#[must_use]
pub fn registry(service: &str) -> Registry {
    Registry::with_prefix(format!("whence_{service}"))
}
