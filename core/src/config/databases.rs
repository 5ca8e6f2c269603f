//! The files of facts that redirector and ingest both ask: one section, so that both know the same.

use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use crate::parts::{self, PartMissing};

/// Where the databases lie. What is not set is found where `npm ci` has put it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Databases {
    /// Database of places in MaxMind's format, of countries or of cities; by default a CC0 one of
    /// countries. Regions and cities are known where it is one of cities.
    pub places: Option<PathBuf>,
    /// Database of networks (autonomous systems) in the form of MaxMind's GeoLite2 ASN; networks are known only where it
    /// is set.
    pub networks: Option<PathBuf>,
    /// List of crawlers' user agents, in the form of `crawler-user-agents`.
    pub crawlers: Option<PathBuf>,
    /// Networks of data centres and filters of mail, in the form of `ingest/data/hosting.toml`: added to those that are
    /// built in.
    pub hosting: Option<PathBuf>,
}

/// A default file is not there.
#[derive(Debug, Error)]
#[error("{key} is not set, and {missing}")]
pub struct DatabaseMissing {
    /// The key of the configuration that could name another file.
    key: &'static str,
    /// What is missing.
    missing: PartMissing,
}

impl Databases {
    /// The database of places.
    pub fn places(&self) -> Result<PathBuf, DatabaseMissing> {
        or_part(&self.places, "databases.places", parts::COUNTRY_DATABASE)
    }

    /// The list of crawlers.
    pub fn crawlers(&self) -> Result<PathBuf, DatabaseMissing> {
        or_part(&self.crawlers, "databases.crawlers", parts::CRAWLERS)
    }
}

fn or_part(
    configured: &Option<PathBuf>,
    key: &'static str,
    part: &str,
) -> Result<PathBuf, DatabaseMissing> {
    match configured {
        Some(path) => Ok(path.clone()),
        None => parts::find(part).map_err(|missing| DatabaseMissing { key, missing }),
    }
}
