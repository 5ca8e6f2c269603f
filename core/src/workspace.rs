//! Who owns what: a workspace and the short domains it has claimed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::channel_rule::ChannelRule;
use crate::link::SchemeName;

/// A workspace's id: 1 to 32 of `a-z 0-9 _ -`. Public: a pixel carries it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkspaceId(Arc<str>);

/// The text is not a workspace id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 32 of a-z, 0-9, _ and -")]
pub struct WorkspaceIdError;

impl WorkspaceId {
    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkspaceId {
    type Err = WorkspaceIdError;

    fn from_str(s: &str) -> Result<Self, WorkspaceIdError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if (1..=32).contains(&s.len()) && s.bytes().all(allowed) {
            Ok(Self(s.into()))
        } else {
            Err(WorkspaceIdError)
        }
    }
}

impl TryFrom<String> for WorkspaceId {
    type Error = WorkspaceIdError;

    fn try_from(s: String) -> Result<Self, WorkspaceIdError> {
        s.parse()
    }
}

impl From<WorkspaceId> for String {
    fn from(id: WorkspaceId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// How much may be known of a visitor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyMode {
    /// Cookies on the short domain: a visitor is the same from click to click.
    #[default]
    Full,
    /// No cookie. A click carries its id to the destination, and nothing kept in the browser ties two
    /// clicks together.
    Cookieless,
    /// No cookie and no click id: clicks are counted, and no conversion can be tied to one.
    CountOnly,
}

impl PrivacyMode {
    /// The mode for a visitor who asks not to be followed: one step down.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::Full => Self::Cookieless,
            Self::Cookieless | Self::CountOnly => Self::CountOnly,
        }
    }
}

/// A customer of this installation: owner of domains, links, keys and every click on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What its people call it.
    pub name: String,
    /// IANA time zone in which its reports cut days.
    pub time_zone: String,
    /// What may be known of its visitors.
    pub privacy: PrivacyMode,
    /// Whether the addresses of visitors in the mode `full` are stored as they are, and not their networks alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_addresses: bool,
    /// The query parameter that carries the click id to the destination.
    pub click_id_parameter: String,
    /// Schemes that destinations may have beside http and https.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_schemes: Vec<SchemeName>,
    /// Its own rules of channels, asked in their order before the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_rules: Vec<ChannelRule>,
    /// Counts the changes, from 1.
    #[serde(default = "first")]
    pub revision: u64,
}

/// What was stored before workspaces were counted is at its first revision.
fn first() -> u64 {
    1
}

impl Workspace {
    /// A workspace with the defaults: UTC, cookies allowed, `wcid`.
    #[must_use]
    pub fn new(id: WorkspaceId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            time_zone: "UTC".into(),
            privacy: PrivacyMode::Full,
            keep_addresses: false,
            click_id_parameter: "wcid".into(),
            allowed_schemes: Vec::new(),
            channel_rules: Vec::new(),
            revision: 1,
        }
    }
}
