//! Which of a workspace's links are meant.

use std::str::FromStr;

use utoipa::IntoParams;
use whence_core::link::{Host, Label, Link, Tag};

use crate::fields::Query;

/// The longest text that is searched for.
const LONGEST_SEARCH: usize = 256;

/// Which links; those for which all that is given holds.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// On this domain.
    #[param(value_type = Option<String>)]
    domain: Option<Host>,
    /// With this tag.
    #[param(value_type = Option<String>)]
    tag: Option<Tag>,
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign: Option<Label>,
    /// Made for this channel.
    #[param(value_type = Option<String>)]
    channel: Option<Label>,
    /// Of this referral program.
    #[param(value_type = Option<String>)]
    program: Option<Label>,
    /// Shared by this advocate.
    #[param(value_type = Option<String>)]
    advocate: Option<Label>,
    /// With this text in slug, destination or title; case does not matter.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `false`, `true` or `any`: those that are in use, those that were put away, or both.
    #[param(value_type = Option<String>)]
    archived: Archived,
}

/// Whether links that were put away are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archived {
    /// Only others.
    No,
    /// Only they.
    Only,
    /// Both.
    Any,
}

impl FromStr for Archived {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "false" => Ok(Self::No),
            "true" => Ok(Self::Only),
            "any" => Ok(Self::Any),
            _ => Err("must be false, true or any"),
        }
    }
}

impl Filter {
    /// Takes the filter's parameters.
    pub(super) fn read(query: &mut Query, archived: Archived) -> Self {
        Self {
            domain: query.optional("domain"),
            tag: query.optional("tag"),
            campaign: query.optional("campaign"),
            channel: query.optional("channel"),
            program: query.optional("program"),
            advocate: query.optional("advocate"),
            search: query.read("search", |text| match text.len() {
                1..=LONGEST_SEARCH => Ok(text.to_lowercase()),
                _ => Err(format!("must be 1 to {LONGEST_SEARCH} bytes")),
            }),
            archived: query.optional("archived").unwrap_or(archived),
        }
    }

    /// Whether the link is meant.
    pub(super) fn holds(&self, link: &Link) -> bool {
        fn same<T: PartialEq>(asked: Option<&T>, has: Option<&T>) -> bool {
            asked.is_none_or(|asked| has == Some(asked))
        }
        let spec = &link.spec;
        let archived = match self.archived {
            Archived::No => !spec.archived,
            Archived::Only => spec.archived,
            Archived::Any => true,
        };
        archived
            && same(self.domain.as_ref(), Some(&link.domain))
            && self.tag.as_ref().is_none_or(|tag| spec.tags.contains(tag))
            && same(self.campaign.as_ref(), spec.campaign.as_ref())
            && same(self.channel.as_ref(), spec.channel.as_ref())
            && same(self.program.as_ref(), spec.program.as_ref())
            && same(self.advocate.as_ref(), spec.advocate.as_ref())
            && self.search.as_ref().is_none_or(|text| {
                let has = |place: &str| place.to_lowercase().contains(text.as_str());
                has(link.slug.as_str())
                    || has(spec.destination.as_str())
                    || spec.title.as_ref().is_some_and(|title| has(title.as_str()))
            })
    }
}
