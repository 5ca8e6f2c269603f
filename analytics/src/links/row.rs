//! A link in a file: everything that there is to know of it.

use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use whence_core::config::Analytics;
use whence_core::link::{Link, LinkSpec};
use whence_core::problem::Problem;

use super::view::short_url;
use crate::problems::field;

/// A link as exports write it and imports read it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    id: String,
    domain: String,
    slug: String,
    short_url: String,
    #[serde(flatten)]
    spec: LinkSpec,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    learned_weights: Vec<u32>,
    revision: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    /// A link, with its URL as this installation is reached.
    pub(super) fn of(link: Link, config: &Analytics) -> Self {
        Self {
            id: link.id.to_string(),
            short_url: short_url(config, &link.domain, link.slug.as_str()),
            domain: link.domain.into(),
            slug: link.slug.into(),
            spec: link.spec,
            learned_weights: link.learned_weights,
            revision: link.revision,
            created_at: link.created_at,
            updated_at: link.updated_at,
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A line of names, then a line for each link.
    Csv,
    /// A JSON object on each line.
    Jsonl,
}

impl Format {
    /// What it is called in headers.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
        }
    }

    /// What files are called that have it.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// What was asked for: by the parameter, or else by a header that says one of the two.
    pub(super) fn chosen(
        parameter: Option<Self>,
        headers: &HeaderMap,
        header: header::HeaderName,
    ) -> Result<Self, Problem> {
        let said = headers.get(header).and_then(|value| value.to_str().ok());
        let said = said.unwrap_or_default().split(',').find_map(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            match kind {
                "text/csv" => Some(Self::Csv),
                "application/jsonl" | "application/x-ndjson" | "application/json-lines" => {
                    Some(Self::Jsonl)
                }
                _ => None,
            }
        });
        parameter.or(said).ok_or_else(|| {
            field(
                StatusCode::BAD_REQUEST,
                "format",
                "is required: csv or jsonl",
            )
        })
    }
}

impl std::str::FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            _ => Err("must be csv or jsonl"),
        }
    }
}
