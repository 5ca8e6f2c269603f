//! API keys: what is handed out, what is stored, and what a key may do.
//!
//! A key is 256 random bits, so a plain SHA-256 is enough to store: there is no guessing to slow down,
//! and whoever reads the store cannot use what stands there.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::Secret;
use crate::workspace::WorkspaceId;

/// The environment variable with the key of whoever uses the API. Not a key of the configuration, which is
/// that of the services.
pub const KEY_VARIABLE: &str = "WHENCE_API_KEY";

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Create, change and delete links.
    Links,
    /// Ask reports.
    Reports,
    /// Send conversions.
    Conversions,
    /// Audit the whole installation, which also tells of other workspaces.
    Audit,
}

impl Right {
    /// Every right there is: for whoever runs the installation.
    pub const ALL: [Self; 4] = [Self::Links, Self::Reports, Self::Conversions, Self::Audit];
    /// Every right that ends at the workspace: for those whose workspace it is.
    pub const OF_A_WORKSPACE: [Self; 3] = [Self::Links, Self::Reports, Self::Conversions];
}

/// The SHA-256 of a key, under which it is stored and found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key as its holder presents it.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The hash whose bytes these are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is stored of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The workspace it opens, and no other.
    pub workspace: WorkspaceId,
    /// What its holder calls it.
    pub name: String,
    /// What it may do there, as far as this version knows such rights: a newer one may have more.
    #[serde(deserialize_with = "known_rights")]
    pub rights: Vec<Right>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// Whether the key may do this.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

/// In a rolling upgrade a key with a new right must still do at an older service what it always did there.
fn known_rights<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Right>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Name {
        Known(Right),
        Unknown(String),
    }
    let names = Vec::<Name>::deserialize(deserializer)?;
    Ok(names
        .into_iter()
        .filter_map(|name| match name {
            Name::Known(right) => Some(right),
            Name::Unknown(name) => {
                tracing::debug!(name, "a key has a right that this version does not know");
                None
            }
        })
        .collect())
}

/// A new key's text: shown once to its holder, stored only as its hash.
#[must_use]
pub fn generate() -> Secret {
    let mut bytes = [0; 32];
    crate::id::fill_random(&mut bytes);
    let [high, low] = [&bytes[..16], &bytes[16..]]
        .map(|half| u128::from_be_bytes(half.try_into().expect("half of 32 bytes")));
    Secret::new(format!("whk_{high:032x}{low:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_are_found_by_their_hash() {
        let (a, b) = (generate(), generate());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(a.expose().len(), 4 + 64);
        assert_eq!(KeyHash::of(a.expose()), KeyHash::of(a.expose()));
        assert_ne!(KeyHash::of(a.expose()), KeyHash::of(b.expose()));
    }

    #[test]
    fn a_right_of_a_newer_version_takes_none_of_the_others() {
        let stored = r#"{"workspace":"acme","name":"shop","rights":["links","fly","audit"],
            "created_at":"2026-11-22T00:00:00Z"}"#;
        let key: ApiKey = serde_json::from_str(stored).unwrap();
        assert_eq!(key.rights, [Right::Links, Right::Audit]);
        assert!(serde_json::from_str::<ApiKey>(&stored.replace("\"fly\"", "7")).is_err());
    }

    #[test]
    fn hash_is_sha_256() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyHash::of("abc").to_hex(), of_abc);
    }
}
