//! A short link: where it stands, where it leads, and what its clicks count for.
//!
//! [`LinkSpec`] is all that its owner says of it, in the one JSON form that the API, the store, imports
//! and exports share. What becomes of a click on it is the redirector's to decide.

mod canonical;
mod check;
mod condition;
mod error;
mod plain;
mod spec;
mod status;
mod text;

pub use check::{
    MAX_CONDITIONS, MAX_DEPTH, MAX_RULES, MAX_SPEC, MAX_TAGS, MAX_VALUES, MAX_VARIANTS, SpecError,
};
pub use condition::{Condition, Continent, DateRange, Device, Network, ParameterTest, Visit};
pub use error::FieldError;
pub use plain::{PlainLink, PlainSpec, PlainTag};
pub use spec::{AppTarget, LinkSpec, Preview, QueryForwarding, Rule, Utm, Variant, VariantMode};
pub use status::RedirectStatus;
pub use text::{
    CountryCode, Destination, Host, Label, LanguageTag, MAX_DESTINATION, MAX_LABEL, MAX_PROSE,
    ParameterName, PasswordHash, Prose, RegionCode, SchemeName, Slug, Tag,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::LinkId;
use crate::workspace::WorkspaceId;

/// A link as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id, for good.
    pub id: LinkId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The host it stands on.
    pub domain: Host,
    /// The path it stands at.
    pub slug: Slug,
    /// What its owner says of it.
    pub spec: LinkSpec,
    /// The weights of its variants as reports have found them, in their order; empty until then. Not
    /// the owner's word, and so neither part of the spec nor counted by the revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned_weights: Vec<u32>,
    /// Counts the changes, from 1.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
