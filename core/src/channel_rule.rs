//! A workspace's own rules of channels: what its people count as Podcast or Partners, whatever the built-in table says.
//!
//! Here is what a rule may say, and whether a text fits a pattern. Which rule a click falls under is the collector's business.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::link::{Host, Label, MAX_LABEL};

/// The most rules that a workspace may have: each is asked of every click that is unlike those before it.
pub const MOST_RULES: usize = 50;
/// The most patterns in one condition.
pub const MOST_PATTERNS: usize = 20;
/// The most bytes that all texts of a workspace's rules may have: every service keeps workspaces in memory.
pub const MOST_BYTES: usize = 16 << 10;

/// A text to compare with, in any letter case: `*` stands for any characters or none. Nothing fits a text that is not there,
/// so that `*` alone asks for any text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Box<str>);

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_LABEL} bytes without control characters")]
pub struct PatternError;

impl Pattern {
    /// Whether a text, given in small letters, fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(last) = pieces.next_back() else {
            return *self.0 == *text;
        };
        let inner = text
            .strip_prefix(first)
            .and_then(|rest| rest.strip_suffix(last));
        // Of each piece in between, the leftmost place is as good as any.
        inner.is_some_and(|inner| {
            pieces
                .try_fold(inner, |rest, piece| {
                    rest.find(piece).map(|at| &rest[at + piece.len()..])
                })
                .is_some()
        })
    }

    /// The pattern itself, in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(s: &str) -> Result<Self, PatternError> {
        let small = s.to_lowercase();
        if (1..=MAX_LABEL).contains(&small.len()) && !small.contains(char::is_control) {
            Ok(Self(small.into()))
        } else {
            Err(PatternError)
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(s: String) -> Result<Self, PatternError> {
        s.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.into()
    }
}

/// One rule: all conditions that it has must hold, and of each condition one of its entries. They are named as the columns
/// of a click that they ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// The channel of a click on which it holds.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 128, example = "Podcast"))]
    pub channel: Label,
    /// The channel that the link was made for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20))]
    pub link_channel: Vec<Pattern>,
    /// The link's campaign, else `utm_campaign`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20, example = json!(["spring*"])))]
    pub campaign: Vec<Pattern>,
    /// `utm_source` as the link was tagged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20))]
    pub utm_source: Vec<Pattern>,
    /// `utm_medium` as the link was tagged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20, example = json!(["podcast"])))]
    pub utm_medium: Vec<Pattern>,
    /// The source as reports show it, such as Hacker News.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20))]
    pub source: Vec<Pattern>,
    /// The referrer's host: itself and every host below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20))]
    pub referrer_host: Vec<Host>,
    /// The app whose own browser it was, such as Instagram.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 20))]
    pub app: Vec<Pattern>,
}

impl ChannelRule {
    /// Its conditions on texts, by name.
    fn texts(&self) -> [(&'static str, &[Pattern]); 6] {
        [
            ("link_channel", &self.link_channel),
            ("campaign", &self.campaign),
            ("utm_source", &self.utm_source),
            ("utm_medium", &self.utm_medium),
            ("source", &self.source),
            ("app", &self.app),
        ]
    }

    /// How many bytes its texts have.
    fn bytes(&self) -> usize {
        let texts = self.texts().into_iter().flat_map(|(_, patterns)| patterns);
        let texts: usize = texts.map(|pattern| pattern.as_str().len()).sum();
        let hosts: usize = self.referrer_host.iter().map(|h| h.as_str().len()).sum();
        self.channel.as_str().len() + texts + hosts
    }
}

/// Rules that each are sound are not so together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RulesError {
    /// More than anybody asks for.
    #[error("must be at most {MOST_RULES} rules")]
    Rules,
    /// Too long for every service's memory.
    #[error("must have at most {MOST_BYTES} bytes of text in all")]
    Bytes,
    /// A rule that would hold on every click.
    #[error("must have at least one condition")]
    Unconditional {
        /// Which rule.
        rule: usize,
    },
    /// A condition with too much in it.
    #[error("must have at most {MOST_PATTERNS} entries")]
    Patterns {
        /// Which rule.
        rule: usize,
        /// Which of its conditions.
        condition: &'static str,
    },
}

impl RulesError {
    /// The place at fault, within the list: `[3].utm_medium`; empty where it is the list itself.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Rules | Self::Bytes => String::new(),
            Self::Unconditional { rule } => format!("[{rule}]"),
            Self::Patterns { rule, condition } => format!("[{rule}].{condition}"),
        }
    }
}

/// Checks rules that are to become a workspace's.
pub fn check(rules: &[ChannelRule]) -> Result<(), RulesError> {
    if rules.len() > MOST_RULES {
        return Err(RulesError::Rules);
    }
    for (place, rule) in rules.iter().enumerate() {
        let texts = rule
            .texts()
            .map(|(condition, patterns)| (condition, patterns.len()));
        let hosts = ("referrer_host", rule.referrer_host.len());
        let conditions = texts.into_iter().chain([hosts]);
        if conditions.clone().all(|(_, entries)| entries == 0) {
            return Err(RulesError::Unconditional { rule: place });
        }
        for (condition, entries) in conditions {
            if entries > MOST_PATTERNS {
                return Err(RulesError::Patterns {
                    rule: place,
                    condition,
                });
            }
        }
    }
    if rules.iter().map(ChannelRule::bytes).sum::<usize>() > MOST_BYTES {
        return Err(RulesError::Bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns() {
        for (text, fits, fits_not) in [
            (
                "podcast",
                &["podcast"][..],
                &["", "podcasts", "a podcast"][..],
            ),
            ("Podcast", &["podcast"], &["Podcast"]),
            ("*", &["a", "a*b"], &[""]),
            ("*cp*", &["cpc", "cp", "xcpx"], &["c", "pc", ""]),
            ("paid*", &["paid", "paid_social"], &["unpaid", "pai"]),
            ("*push", &["push", "web_push"], &["pushed", "ush"]),
            (
                "a*b*c",
                &["abc", "axbxc", "abbbc", "abcbc"],
                &["ac", "acb", "ab", "bc"],
            ),
            ("ab*ba", &["abba", "abxba"], &["aba", "ab", "ba"]),
            ("a**b", &["ab", "axb"], &["a", "b"]),
            ("ä*ö", &["äö", "äßö"], &["ä", "ao"]),
        ] {
            let pattern = pattern(text);
            for text in fits {
                assert!(pattern.fits(text), "{pattern:?} {text:?}");
            }
            for text in fits_not {
                assert!(!pattern.fits(text), "{pattern:?} {text:?}");
            }
        }
        let long = "a".repeat(MAX_LABEL + 1);
        for bad in ["", "a\nb", &long] {
            assert_eq!(bad.parse::<Pattern>(), Err(PatternError), "{bad:?}");
        }
    }

    fn rules(json: &str) -> Vec<ChannelRule> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rules_are_bounded_and_each_has_a_condition() {
        let sound = rules(
            r#"[{"channel":"Podcast","utm_medium":["PodCast"],"referrer_host":["X.example."]},{"channel":"P","app":["*"]}]"#,
        );
        assert_eq!(check(&sound), Ok(()));
        assert_eq!(sound[0].utm_medium[0].as_str(), "podcast");
        assert_eq!(sound[0].referrer_host[0].as_str(), "x.example");
        let written = serde_json::to_string(&sound).unwrap();
        assert_eq!(rules(&written), sound);
        assert!(!written.contains("link_channel"), "{written}");

        let empty = rules(r#"[{"channel":"A","app":["x"]},{"channel":"B","app":[]}]"#);
        let error = check(&empty).unwrap_err();
        assert_eq!(error.place(), "[1]");
        let mut wide = sound.clone();
        wide[1].utm_source = vec![pattern("x"); MOST_PATTERNS + 1];
        assert_eq!(check(&wide).unwrap_err().place(), "[1].utm_source");
        let mut hosts = sound.clone();
        hosts[0].referrer_host = vec!["x.example".parse().unwrap(); MOST_PATTERNS + 1];
        assert_eq!(check(&hosts).unwrap_err().place(), "[0].referrer_host");
        let many = vec![sound[0].clone(); MOST_RULES + 1];
        assert_eq!(check(&many), Err(RulesError::Rules));
        let mut long = vec![sound[0].clone(); MOST_RULES];
        assert_eq!(check(&long), Ok(()));
        for rule in &mut long {
            rule.campaign = vec![pattern(&"x".repeat(MAX_LABEL)); 3];
        }
        assert_eq!(check(&long), Err(RulesError::Bytes));
    }

    #[test]
    fn what_a_rule_cannot_say_is_refused() {
        for bad in [
            r#"{"utm_medium":["a"]}"#,
            r#"{"channel":"","utm_medium":["a"]}"#,
            r#"{"channel":"A","utm_media":["a"]}"#,
            r#"{"channel":"A","utm_medium":"a"}"#,
            r#"{"channel":"A","utm_medium":[""]}"#,
            r#"{"channel":"A","referrer_host":["https://x.example/"]}"#,
        ] {
            assert!(serde_json::from_str::<ChannelRule>(bad).is_err(), "{bad}");
        }
    }

    /// What a pattern means, said plainly and slowly.
    fn means(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| means(rest, &text[skipped..])),
            ([p, pattern @ ..], [t, text @ ..]) => p == t && means(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_means(text in "[abä]{0,8}", asked in "[abä*]{1,6}") {
            let (p, t): (Vec<char>, Vec<char>) = (asked.chars().collect(), text.chars().collect());
            prop_assert_eq!(pattern(&asked).fits(&text), !text.is_empty() && means(&p, &t));
        }
    }
}
