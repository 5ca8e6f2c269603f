//! A link as it lies in the store, not yet read.
//!
//! Who fills a cache with a million of them reads of most only what a click needs; who wants the link reads all.

use crate::link::{Link, PlainLink};
use crate::store::{StoreError, from_json};

/// A link's stored form.
#[derive(Clone, Debug)]
pub struct StoredLink {
    /// Where it lies, and behind that its JSON.
    text: Box<str>,
    /// Where that begins.
    json: usize,
}

impl StoredLink {
    /// What lies at a key, which has to be text.
    pub(super) fn new(key: &str, json: &[u8]) -> Result<Self, StoreError> {
        let json = std::str::from_utf8(json).map_err(|error| StoreError::Unreadable {
            key: key.to_owned(),
            reason: error.to_string(),
        })?;
        let mut text = String::with_capacity(key.len() + json.len());
        text.push_str(key);
        text.push_str(json);
        Ok(Self {
            text: text.into(),
            json: key.len(),
        })
    }

    /// The link, where it is plain and its texts stand there as they are; none says nothing about it.
    #[must_use]
    pub fn plain(&self) -> Option<PlainLink<'_>> {
        serde_json::from_str(&self.text[self.json..]).ok()
    }

    /// The whole link.
    pub fn link(&self) -> Result<Link, StoreError> {
        let (key, json) = self.text.split_at(self.json);
        from_json(key, json.as_bytes())
    }
}
