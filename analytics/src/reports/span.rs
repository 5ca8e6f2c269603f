//! How long something may take: `30m`, `12h`, `7d`.

use std::fmt;
use std::str::FromStr;

/// Ten years: longer than anything is remembered, short enough to be added without overflow.
const LONGEST_MS: u64 = 3_650 * 24 * 60 * 60 * 1000;

/// A length of time; a day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    ms: u64,
}

impl Span {
    /// So many days.
    pub(crate) const fn days(days: u64) -> Self {
        Self {
            ms: days * 24 * 60 * 60 * 1000,
        }
    }

    /// Its length in milliseconds.
    pub(crate) fn as_ms(self) -> i64 {
        i64::try_from(self.ms).expect("bounded when read")
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a number with s, m, h or d, such as 30m, 12h or 7d, up to 3650d";
        let unit = text.chars().last().ok_or(wrong)?;
        let unit_ms = match unit {
            's' => 1000,
            'm' => 60 * 1000,
            'h' => 60 * 60 * 1000,
            'd' => 24 * 60 * 60 * 1000,
            _ => return Err(wrong),
        };
        let digits = &text[..text.len() - 1];
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong);
        }
        let number: u64 = digits.parse().map_err(|_| wrong)?;
        number
            .checked_mul(unit_ms)
            .filter(|ms| (1..=LONGEST_MS).contains(ms))
            .map(|ms| Self { ms })
            .ok_or(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.ms / 1000;
        let (size, unit) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(size, _)| seconds.is_multiple_of(*size))
            .unwrap_or((1, 's'));
        write!(f, "{}{unit}", seconds / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, ms, shown) in [
            ("90s", 90_000, "90s"),
            ("30m", 1_800_000, "30m"),
            ("48h", 172_800_000, "2d"),
            ("7d", 604_800_000, "7d"),
            ("3650d", 315_360_000_000, "3650d"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.as_ms(), span.to_string()), (ms, shown.to_owned()));
        }
        assert_eq!(Span::days(7), "168h".parse().unwrap());
        for bad in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "7",
            "7w",
            "3651d",
            "99999999999999999999d",
            "7é",
            "1 d",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
    }
}
