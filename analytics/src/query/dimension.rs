//! What clicks can be told apart by.

use std::str::FromStr;

use whence_core::id::LinkId;

/// Something that clicks can be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dimension {
    /// The name by which it is asked for.
    pub(crate) name: &'static str,
    /// The column, of those that `sql/query` has.
    pub(crate) column: &'static str,
}

pub(crate) const fn same(name: &'static str) -> Dimension {
    Dimension { name, column: name }
}

pub(crate) const fn of(name: &'static str, column: &'static str) -> Dimension {
    Dimension { name, column }
}

/// The link, by its number.
pub(crate) const LINK: Dimension = of("link", "link_id");
/// Several of a click: each of its link's tags.
pub(super) const TAG: Dimension = same("tag");
/// Several of a click: each reason of its verdict.
pub(super) const REASON: Dimension = same("reason");
/// Not a column, but the workspace's clock.
pub(crate) const HOUR_OF_WEEK: Dimension = same("hour_of_week");

/// All that clicks have.
pub(super) const DIMENSIONS: [Dimension; 41] = [
    same("channel"),
    same("source"),
    same("campaign"),
    LINK,
    TAG,
    same("domain"),
    same("slug"),
    same("program"),
    same("advocate"),
    same("variant"),
    same("referrer_host"),
    same("referrer"),
    same("utm_source"),
    same("utm_medium"),
    same("utm_campaign"),
    same("utm_term"),
    same("utm_content"),
    same("country"),
    same("region"),
    same("city"),
    same("asn"),
    same("network"),
    same("language"),
    same("browser"),
    same("browser_version"),
    same("os"),
    same("os_version"),
    same("device"),
    same("model"),
    same("app"),
    same("agent_class"),
    same("method"),
    same("verdict"),
    REASON,
    same("rules"),
    same("privacy"),
    same("link_channel"),
    same("outcome"),
    same("purpose"),
    same("user_agent"),
    HOUR_OF_WEEK,
];

impl Dimension {
    /// The dimension of this name, of those that are known.
    pub(crate) fn find(name: &str, known: &[Self]) -> Result<Self, String> {
        let found = known.iter().find(|dimension| dimension.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|dimension| dimension.name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }

    /// Whether its column holds the numbers of links.
    pub(crate) fn is_link(self) -> bool {
        self == LINK
    }

    /// Whether its column holds texts, and neither numbers nor names that the table has listed.
    pub(super) fn is_text(self) -> bool {
        const OTHERS: [&str; 8] = [
            "asn",
            "agent_class",
            "method",
            "verdict",
            "rules",
            "privacy",
            "outcome",
            "hour_of_week",
        ];
        !self.is_link() && !OTHERS.contains(&self.column)
    }

    /// The column with all of a click's values, where it may have several.
    pub(crate) fn list(self) -> Option<&'static str> {
        match self {
            TAG => Some("tags"),
            REASON => Some("reasons"),
            _ => None,
        }
    }

    /// A value as the API writes it.
    pub(crate) fn show(self, value: String) -> String {
        if self.is_link() {
            value.parse().map_or(value, |id| LinkId(id).to_string())
        } else {
            value
        }
    }
}

impl FromStr for Dimension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::find(text, &DIMENSIONS)
    }
}
