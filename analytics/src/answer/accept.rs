//! Which of the kinds that there are a caller likes best (RFC 9110, section 12.5.1).

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// The whole object.
    Json,
    /// The rows, with commas.
    Csv,
    /// The rows, one JSON object a line.
    Lines,
    /// The rows, by columns.
    Parquet,
}

impl Media {
    /// All, those first that are given where a caller takes several as gladly.
    const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Lines, Self::Parquet];

    /// Its name, as it is asked for.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Lines => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// As it is written into the answer.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.name(),
        }
    }

    /// How a file of it is called at its end.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Lines => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// The names of all, for who asked for another.
    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// The best of those that `Accept` allows; none where it allows none. Without a header everything is allowed.
    pub(super) fn chosen<'v>(accepts: impl Iterator<Item = &'v str>) -> Option<Self> {
        let ranges: Vec<Range<'_>> = accepts
            .flat_map(|value| value.split(','))
            .filter_map(Range::read)
            .collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(u32, Self)> = None;
        for media in Self::ALL {
            let quality = media.quality(&ranges);
            if quality > 0 && best.is_none_or(|(found, _)| quality > found) {
                best = Some((quality, media));
            }
        }
        best.map(|(_, media)| media)
    }

    /// How gladly it is taken, in thousandths: what the closest of the ranges says that have it in them.
    fn quality(self, ranges: &[Range<'_>]) -> u32 {
        let mut closest = (0, 0);
        for range in ranges {
            let closeness = range.closeness(self);
            if closeness > closest.0 {
                closest = (closeness, range.quality);
            }
        }
        closest.1
    }

    fn is_called(self, name: &str) -> bool {
        // Two more names under which JSON Lines go about.
        let names = [self.name(), "application/jsonl", "application/json-lines"];
        let names = if self == Self::Lines {
            &names[..]
        } else {
            &names[..1]
        };
        names.iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}

/// One of the things that an `Accept` lists.
#[derive(Debug)]
struct Range<'a> {
    name: &'a str,
    /// In thousandths.
    quality: u32,
}

impl<'a> Range<'a> {
    /// Reads one; a piece that is none is as good as not there.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| name.contains('/'))?;
        let mut quality = 1_000;
        for part in parts {
            if let Some(text) = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")) {
                let told: f64 = text.parse().ok()?;
                quality = (told.clamp(0.0, 1.0) * 1_000.0).round() as u32;
            }
        }
        Some(Self { name, quality })
    }

    /// How closely it says this kind: 3 by its name, 2 by its half, 1 by anything, 0 not at all.
    fn closeness(&self, media: Media) -> u8 {
        let half = |name: &'a str| name.split_once('/').map(|(half, _)| half);
        match self.name.split_once('/') {
            _ if media.is_called(self.name) => 3,
            Some(("*", "*")) => 1,
            Some((first, "*")) => match half(media.name()) {
                Some(own) if own.eq_ignore_ascii_case(first) => 2,
                _ => 0,
            },
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_liked_best_is_given() {
        for (accept, expected) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("text/*", Some(Media::Csv)),
            ("text/csv", Some(Media::Csv)),
            ("TEXT/CSV; charset=utf-8", Some(Media::Csv)),
            ("application/x-ndjson", Some(Media::Lines)),
            ("application/jsonl", Some(Media::Lines)),
            ("application/vnd.apache.parquet", Some(Media::Parquet)),
            ("text/csv;q=0.5, application/json;q=0.4", Some(Media::Csv)),
            ("text/csv, application/json", Some(Media::Json)),
            ("*/*;q=0.1, text/csv;q=0.2", Some(Media::Csv)),
            // As browsers and fetch ask.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Some(Media::Json),
            ),
            ("application/json;q=0, */*", Some(Media::Csv)),
            ("application/*;q=0, text/csv;q=0.001", Some(Media::Csv)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("*/*;q=0", None),
            ("nonsense", Some(Media::Json)),
        ] {
            assert_eq!(Media::chosen([accept].into_iter()), expected, "{accept:?}");
        }
        let several = ["text/html", "application/x-ndjson;q=0.3"];
        assert_eq!(Media::chosen(several.into_iter()), Some(Media::Lines));
    }
}
