//! Channel and source of a click: which road led here, and from which place.
//!
//! Evidence counts in this order: UTM tags, the click identifier of an advertising network, the referrer, the app in whose
//! own browser the link was opened; for the channel, what the link was made for comes before them all. The first rule that
//! holds names the channel: of the workspace's own, then of `data/channels.toml`.

mod table;

use std::borrow::Cow;

use super::query::Tags;
use super::road::Traces;
use super::sources::{Sources, registrable};
use table::{Evidence, Table};

pub(super) use table::Own;

/// Channel and source, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// A name of the table, a workspace's own, or the link's.
    pub(super) channel: String,
    /// A source's name in the table, or what the evidence says.
    pub(super) source: String,
}

/// What judges roads: the built-in tables.
#[derive(Debug)]
pub(super) struct Judge {
    sources: Sources,
    table: Table,
}

impl Judge {
    /// By the tables of this build.
    pub(super) fn built_in() -> Self {
        Self {
            sources: Sources::built_in(),
            table: Table::built_in(),
        }
    }

    /// Judges one click; `from` is the referrer's host, empty where nothing led here.
    pub(super) fn origin(
        &self,
        own: Option<&Own>,
        traces: &Traces<'_>,
        tags: &Tags,
        from: &str,
    ) -> Origin {
        let (sources, made_for) = (&self.sources, traces.channel.trim());
        let tagged = sources.of_tag(&tags.source);
        let marked = tags.click_id.and_then(|id| sources.of_tag(id.source));
        let referring = sources.of_host(from);
        let opened_in = sources.of_tag(traces.app);

        let source: Cow<'_, str> = if !tags.source.is_empty() {
            tagged.map_or_else(|| small(&tags.source), |source| (&*source.name).into())
        } else if let Some(id) = tags.click_id {
            id.source.into()
        } else if !from.is_empty() {
            referring
                .map_or_else(|| registrable(from), |source| &source.name)
                .into()
        } else if !traces.app.is_empty() {
            traces.app.into()
        } else if !made_for.is_empty() {
            self.table.name(made_for).into()
        } else {
            "Direct".into()
        };

        let medium = match tags.click_id {
            Some(id) if tags.medium.is_empty() => id.medium.into(),
            _ => small(&tags.medium),
        };
        let campaign = match traces.campaign {
            "" => &tags.campaign,
            of_link => of_link,
        };
        let seen = Evidence {
            link_channel: small(made_for),
            campaign: small(campaign),
            utm_source: small(&tags.source),
            utm_medium: small(&tags.medium),
            utm_campaign: small(&tags.campaign),
            medium,
            told: tagged.or(marked),
            // An app says nothing where a page led here.
            nearby: match from {
                "" => opened_in,
                _ => referring,
            },
            source: small(&source),
            referrer_host: from,
            app: small(traces.app),
        };
        let channel = match own.and_then(|own| own.channel(&seen)) {
            Some(named) => self.table.name(named),
            None => self.table.channel(&seen, made_for),
        };
        Origin {
            channel: channel.to_owned(),
            source: source.into_owned(),
        }
    }
}

/// A text in small letters.
fn small(text: &str) -> Cow<'_, str> {
    let is_small = |b: u8| b.is_ascii() && !b.is_ascii_uppercase();
    if text.bytes().all(is_small) {
        text.into()
    } else {
        text.to_lowercase().into()
    }
}

#[cfg(test)]
mod tests;
