//! What clicks may be grouped by: the list of columns that a caller can name.

use std::str::FromStr;

use whence_core::id::LinkId;

/// What clicks may be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dimension {
    name: &'static str,
    column: &'static str,
    /// Whether a click may have several values.
    several: bool,
}

const DIMENSIONS: [Dimension; 19] = {
    const fn same(name: &'static str) -> Dimension {
        Dimension {
            name,
            column: name,
            several: false,
        }
    }
    [
        same("channel"),
        same("source"),
        same("campaign"),
        LINK,
        same("domain"),
        same("slug"),
        same("referrer_host"),
        same("country"),
        same("browser"),
        same("os"),
        same("device"),
        same("agent_class"),
        same("verdict"),
        same("method"),
        same("language"),
        same("program"),
        same("advocate"),
        same("variant"),
        TAG,
    ]
};

const LINK: Dimension = Dimension {
    name: "link",
    column: "link_id",
    several: false,
};

const TAG: Dimension = Dimension {
    name: "tag",
    column: "tags",
    several: true,
};

impl Dimension {
    /// The name by which it is asked for.
    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// The column of `clicks`.
    pub(super) fn column(self) -> &'static str {
        self.column
    }

    /// Whether a click may have several values, and then counts under each.
    pub(super) fn several(self) -> bool {
        self.several
    }

    /// A value as the API writes it.
    pub(super) fn show(self, value: String) -> String {
        if self == LINK {
            value.parse().map_or(value, |id| LinkId(id).to_string())
        } else {
            value
        }
    }
}

impl FromStr for Dimension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = DIMENSIONS.iter().find(|dimension| dimension.name == text);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = DIMENSIONS.iter().map(|dimension| dimension.name).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list() {
        for dimension in DIMENSIONS {
            assert_eq!(dimension.name.parse(), Ok(dimension));
        }
        for other in [
            "",
            "Channel",
            "visitor_id",
            "link_id",
            "tags",
            "channel,source",
        ] {
            let told = other.parse::<Dimension>().unwrap_err();
            assert!(told.contains("channel, source"), "{other:?}: {told}");
        }
    }

    #[test]
    fn a_links_number_is_shown_as_its_id() {
        assert_eq!(LINK.show("1".into()), "00000000001");
        assert_eq!(DIMENSIONS[0].show("1".into()), "1");
    }
}
