//! What of a link's spec cannot be, though each of its fields by itself could: its bounds, what two fields
//! say of each other, and where the workspace does not allow it to lead.
//!
//! What one text by itself cannot be is checked when it is read, and does not belong here.

use thiserror::Error;

use super::spec::{LinkSpec, VariantMode};
use super::text::{Destination, SchemeName};

/// The most rules of a link: each is tried in turn on each click.
pub const MAX_RULES: usize = 50;
/// The most conditions of a link, in all its rules.
pub const MAX_CONDITIONS: usize = 500;
/// How deep conditions may stand in each other.
pub const MAX_DEPTH: usize = 8;
/// The most values in a condition's list: all countries there are.
pub const MAX_VALUES: usize = 300;
/// The most variants of a link.
pub const MAX_VARIANTS: usize = 20;
/// The most tags of a link.
pub const MAX_TAGS: usize = 50;
/// The longest spec, in bytes of its JSON: fifty rules with long URLs. Caches, lists and bulk edits hold many.
pub const MAX_SPEC: usize = 64 * 1024;
/// The highest weight of a variant, so that sums stay far from overflowing.
const MAX_WEIGHT: u32 = 1_000_000;

/// What cannot be, though each field by itself could.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SpecError {
    /// The field, with its place in lists: `rules[2].destination`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl LinkSpec {
    /// Every URL it may lead to or name, with the field that says so.
    pub fn urls(&self) -> impl Iterator<Item = (String, &Destination)> {
        fn one<'d>(
            name: &str,
            url: Option<&'d Destination>,
        ) -> impl Iterator<Item = (String, &'d Destination)> + use<'d> {
            url.map(|url| (name.to_owned(), url)).into_iter()
        }
        one("destination", Some(&self.destination))
            .chain(one("pending_url", self.pending_url.as_ref()))
            .chain(one("expired_url", self.expired_url.as_ref()))
            .chain(one(
                "ios.destination",
                self.ios.as_ref().map(|app| &app.destination),
            ))
            .chain(one(
                "ios.store_url",
                self.ios.as_ref().and_then(|app| app.store_url.as_ref()),
            ))
            .chain(one(
                "android.destination",
                self.android.as_ref().map(|app| &app.destination),
            ))
            .chain(one(
                "android.store_url",
                self.android.as_ref().and_then(|app| app.store_url.as_ref()),
            ))
            .chain(one(
                "preview.image",
                self.preview
                    .as_ref()
                    .and_then(|preview| preview.image.as_ref()),
            ))
            .chain(
                self.rules
                    .iter()
                    .enumerate()
                    .map(|(n, rule)| (format!("rules[{n}].destination"), &rule.destination)),
            )
            .chain(
                self.variants.iter().enumerate().map(|(n, variant)| {
                    (format!("variants[{n}].destination"), &variant.destination)
                }),
            )
    }

    /// Says everything that cannot be. `allowed` are the workspace's schemes beside http and https.
    #[must_use]
    pub fn check(&self, allowed: &[SchemeName]) -> Vec<SpecError> {
        self.check_but(allowed, |_| false)
    }

    /// As [`check`](Self::check), of a link that says `old` now: a URL that it has already stays possible when
    /// its scheme is no longer allowed, so that such a link can still be changed, and switched off.
    #[must_use]
    pub fn check_change(&self, old: &Self, allowed: &[SchemeName]) -> Vec<SpecError> {
        self.check_but(allowed, |url| old.urls().any(|(_, had)| had == url))
    }

    fn check_but(
        &self,
        allowed: &[SchemeName],
        is_kept: impl Fn(&Destination) -> bool,
    ) -> Vec<SpecError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            errors.push(SpecError {
                field: field.into(),
                message: message.into(),
            });
        };
        if let (Some(start), Some(end)) = (self.starts_at, self.expires_at)
            && start >= end
        {
            wrong("expires_at", "must be after starts_at");
        }
        if self.json_bytes() > MAX_SPEC {
            wrong("", &format!("must be at most {MAX_SPEC} bytes in all"));
        }
        if self.rules.len() > MAX_RULES {
            wrong("rules", &format!("must be at most {MAX_RULES}"));
        }
        if self.variants.len() > MAX_VARIANTS {
            wrong("variants", &format!("must be at most {MAX_VARIANTS}"));
        }
        if self.tags.len() > MAX_TAGS {
            wrong("tags", &format!("must be at most {MAX_TAGS}"));
        }
        // Beyond the most, which is refused anyway, comparing each with each would take for ever.
        for (n, tag) in self.tags.iter().enumerate().take(MAX_TAGS) {
            if self.tags[..n].contains(tag) {
                wrong(&format!("tags[{n}]"), "is given twice");
            }
        }
        for (n, variant) in self.variants.iter().enumerate().take(MAX_VARIANTS) {
            if variant.weight > MAX_WEIGHT {
                wrong(
                    &format!("variants[{n}].weight"),
                    &format!("must be at most {MAX_WEIGHT}"),
                );
            }
            if self.variants[..n]
                .iter()
                .any(|other| other.name == variant.name)
            {
                wrong(&format!("variants[{n}].name"), "is given twice");
            }
        }
        if !self.variants.is_empty() && self.variants.iter().all(|variant| variant.weight == 0) {
            wrong("variants", "must have a weight above 0");
        }
        if self.variant_mode == VariantMode::Bandit && self.variants.len() < 2 {
            wrong("variant_mode", "bandit needs at least two variants");
        }
        let mut conditions = 0;
        for (n, rule) in self.rules.iter().enumerate() {
            let checked = rule.when.walk(1, &mut |condition, depth| {
                conditions += 1;
                if depth > MAX_DEPTH {
                    return Err(format!(
                        "must not stand in each other deeper than {MAX_DEPTH}"
                    ));
                }
                match condition.values() {
                    Some(0) => Err("must not have an empty list".to_owned()),
                    Some(count) if count > MAX_VALUES => {
                        Err(format!("must not have a list of more than {MAX_VALUES}"))
                    }
                    Some(_) | None => Ok(()),
                }
            });
            if let Err(message) = checked {
                wrong(&format!("rules[{n}].when"), &message);
            }
        }
        if conditions > MAX_CONDITIONS {
            wrong(
                "rules",
                &format!("must have at most {MAX_CONDITIONS} conditions in all"),
            );
        }
        for (field, url) in self.urls() {
            if field == "preview.image" && !url.is_page() {
                wrong(&field, "must be an http or https URL");
            } else if let Err(error) = url.check_scheme(allowed)
                && !is_kept(url)
            {
                wrong(&field, &error.to_string());
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> LinkSpec {
        serde_json::from_str(json).unwrap()
    }

    fn errors(json: &str) -> Vec<String> {
        let spec = read(json);
        let allowed = ["myapp".parse().unwrap()];
        spec.check(&allowed)
            .into_iter()
            .map(|error| format!("{} {error}", error.field))
            .collect()
    }

    #[test]
    fn a_spec_has_a_bound() {
        let rule = |n: usize| {
            let path = "a".repeat(4000);
            format!(r#"{{"when":{{"preview":true}},"destination":"https://a.example/{n}/{path}"}}"#)
        };
        let with = |rules: usize| {
            let rules: Vec<_> = (0..rules).map(rule).collect();
            let rules = rules.join(",");
            errors(&format!(
                r#"{{"destination":"https://a.example/","rules":[{rules}]}}"#
            ))
        };
        assert_eq!(with(15), Vec::<String>::new());
        assert_eq!(with(17), [" must be at most 65536 bytes in all"]);
    }

    #[test]
    fn a_url_stays_when_its_scheme_is_no_longer_allowed() {
        let old = read(r#"{"destination":"myapp://a"}"#);
        let same = read(r#"{"destination":"myapp://a","disabled":true}"#);
        assert_eq!(same.check_change(&old, &[]), []);
        let other = read(r#"{"destination":"myapp://b"}"#);
        assert_eq!(other.check_change(&old, &[])[0].field, "destination");
        assert_eq!(same.check(&[])[0].field, "destination");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let with =
            |rest: &str| errors(&format!(r#"{{"destination":"https://a.example/",{rest}}}"#));
        for (rest, error) in [
            (
                r#""starts_at":"2026-11-01T00:00:00Z","expires_at":"2026-11-01T00:00:00Z""#,
                "expires_at must be after starts_at",
            ),
            (r#""tags":["a","a"]"#, "tags[1] is given twice"),
            (
                r#""variant_mode":"bandit""#,
                "variant_mode bandit needs at least two variants",
            ),
            (
                r#""variants":[{"name":"a","destination":"https://a.example/","weight":0}]"#,
                "variants must have a weight above 0",
            ),
            (
                r#""rules":[{"when":{"all":[]},"destination":"https://a.example/"}]"#,
                "rules[0].when must not have an empty list",
            ),
            (
                r#""ios":{"destination":"other://x"}"#,
                "ios.destination other: is no scheme that the workspace allows beside http and https",
            ),
            (
                r#""preview":{"title":"t","image":"myapp://x"}"#,
                "preview.image must be an http or https URL",
            ),
        ] {
            assert_eq!(with(rest), [error], "{rest}");
        }
        assert_eq!(
            with(r#""ios":{"destination":"myapp://x"}"#),
            Vec::<String>::new()
        );
        let deep = (0..MAX_DEPTH).fold(r#"{"preview":true}"#.to_owned(), |inner, _| {
            format!(r#"{{"not":{inner}}}"#)
        });
        let rest = format!(r#""rules":[{{"when":{deep},"destination":"https://a.example/"}}]"#);
        assert_eq!(
            with(&rest),
            ["rules[0].when must not stand in each other deeper than 8"]
        );
    }
}
