//! All that the owner of a link says of it, and what of that cannot be.
//!
//! One JSON form for the API, the store, imports and exports: a field that is left out has its default,
//! and one that is not known is refused. The texts check themselves when they are read; what two fields
//! say of each other is checked by [`LinkSpec::check`].

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::condition::Condition;
use super::status::RedirectStatus;
use super::text::{Destination, Label, ParameterName, PasswordHash, Prose, SchemeName, Tag};

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

/// What the owner says of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Where it leads: an http or https URL, or one of a scheme that the workspace allows.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 4096))]
    pub destination: Destination,
    /// How the redirect is answered: 301, 302 (the default), 307 or 308.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "openapi", schema(value_type = u16, example = 302))]
    pub status: RedirectStatus,
    /// Switched off: answered as if there were no link.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// Put away: leads on as before, and is listed only when asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub archived: bool,
    /// Does not lead anywhere before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub starts_at: Option<Timestamp>,
    /// Where it leads until it starts; nowhere where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_url: Option<Destination>,
    /// Leads no longer from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    /// Where it leads once it has expired or its clicks are used up; nowhere where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_url: Option<Destination>,
    /// How many clicks of people it leads on, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1))]
    pub max_clicks: Option<NonZeroU64>,
    /// The argon2id hash of the password that a visitor is asked for. The API takes a `password` and
    /// shows neither; exports and imports carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub password_hash: Option<PasswordHash>,
    /// Other destinations under conditions; the first rule that holds decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Destinations that share the visitors whom no rule has taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// Who sets the weights of the variants.
    #[serde(default, skip_serializing_if = "is_default")]
    pub variant_mode: VariantMode,
    /// Where iPhones and iPads are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ios: Option<AppTarget>,
    /// Where Android devices are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub android: Option<AppTarget>,
    /// What social networks and messengers show of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// UTM parameters that are added to the destination; they replace its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub utm: Utm,
    /// What becomes of the query that the short URL was asked with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub forward_query: QueryForwarding,
    /// Whether it also answers below its slug, and adds what follows to the destination's path.
    #[serde(default, skip_serializing_if = "is_default")]
    pub forward_path: bool,
    /// Whether the destination is given the click id.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub click_id: bool,
    /// The parameter that carries it; the workspace's where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click_id_parameter: Option<ParameterName>,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub title: Option<Label>,
    /// Anything worth remembering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    pub notes: Option<Prose>,
    /// To find and to report by; each only once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The channel it was made for: a link shared for WhatsApp is WhatsApp, whatever the referrer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub channel: Option<Label>,
    /// The campaign its clicks count for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub campaign: Option<Label>,
    /// The referral program it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub program: Option<Label>,
    /// The advocate who shares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub advocate: Option<Label>,
    /// Its name in the owner's own system; no two links of a workspace have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub external_id: Option<Label>,
}

/// A destination for the visitors for whom a condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// When it holds.
    pub when: Condition,
    /// Where it leads then.
    pub destination: Destination,
}

/// One of several destinations that share the visitors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in reports; no two of a link have the same.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 128))]
    pub name: Label,
    /// Where it leads.
    pub destination: Destination,
    /// Its share, in proportion to the sum of all weights; 0 rests it.
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000))]
    pub weight: u32,
}

/// Who sets the weights of the variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VariantMode {
    /// The owner: they are as they are given.
    #[default]
    Weighted,
    /// Reports: what converts better gets more. The given weights hold until there is something to go by.
    Bandit,
}

/// Where the devices of one system are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AppTarget {
    /// A universal link, a URL of the app's own scheme, or any page.
    pub destination: Destination,
    /// The app's page in the store, for those who do not have the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_url: Option<Destination>,
}

/// What social networks and messengers show of a link: Open Graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// `og:title`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 128))]
    pub title: Label,
    /// `og:description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    pub description: Option<Prose>,
    /// `og:image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Destination>,
}

/// The five UTM parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Utm {
    /// `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub source: Option<Label>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub medium: Option<Label>,
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub campaign: Option<Label>,
    /// `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub term: Option<Label>,
    /// `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 128))]
    pub content: Option<Label>,
}

/// What becomes of the query that a short URL was asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QueryForwarding {
    /// It is recorded and goes no further.
    #[default]
    Drop,
    /// It is added; where both have a parameter, the destination's own is kept.
    Keep,
    /// It is added; where both have a parameter, the visitor's overrides it.
    Override,
}

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
    /// A link to `destination`, with every default.
    #[must_use]
    pub fn to(destination: Destination) -> Self {
        Self {
            destination,
            status: RedirectStatus::default(),
            disabled: false,
            archived: false,
            starts_at: None,
            pending_url: None,
            expires_at: None,
            expired_url: None,
            max_clicks: None,
            password_hash: None,
            rules: Vec::new(),
            variants: Vec::new(),
            variant_mode: VariantMode::default(),
            ios: None,
            android: None,
            preview: None,
            utm: Utm::default(),
            forward_query: QueryForwarding::default(),
            forward_path: false,
            click_id: true,
            click_id_parameter: None,
            title: None,
            notes: None,
            tags: Vec::new(),
            channel: None,
            campaign: None,
            program: None,
            advocate: None,
            external_id: None,
        }
    }

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

    /// How long it is as JSON, in bytes.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        serde_json::to_vec(self)
            .expect("a spec is JSON, and memory takes it")
            .len()
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
            let scheme = url.scheme();
            let is_page = matches!(scheme, "http" | "https");
            if field == "preview.image" && !is_page {
                wrong(&field, "must be an http or https URL");
            } else if !is_page
                && !allowed.iter().any(|name| name.as_str() == scheme)
                && !is_kept(url)
            {
                wrong(
                    &field,
                    &format!(
                        "{scheme}: is no scheme that the workspace allows beside http and https"
                    ),
                );
            }
        }
        errors
    }
}

impl Utm {
    /// The parameters that are given, by their names in a query.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &Label)> {
        [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.campaign),
            ("utm_term", &self.term),
            ("utm_content", &self.content),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_yes(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<LinkSpec, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn errors(json: &str) -> Vec<String> {
        let spec = read(json).unwrap();
        let allowed = ["myapp".parse().unwrap()];
        spec.check(&allowed)
            .into_iter()
            .map(|error| format!("{} {error}", error.field))
            .collect()
    }

    #[test]
    fn a_spec_with_everything_survives_json() {
        let json = r#"{
            "destination": "https://shop.example/", "status": 307, "disabled": true, "archived": true,
            "starts_at": "2026-11-01T00:00:00Z", "pending_url": "https://shop.example/soon",
            "expires_at": "2026-12-01T00:00:00Z", "expired_url": "https://shop.example/late", "max_clicks": 100,
            "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
            "rules": [{"when": {"all": [
                {"any": [{"country": ["DE"]}, {"region": ["AT-9"]}, {"continent": ["EU", "AS"]}]},
                {"not": {"device": ["desktop"]}}, {"os": ["iOS"]}, {"browser": ["Safari"]}, {"language": ["de", "pt-br"]},
                {"referrer_host": ["facebook.com"]}, {"parameter": {"name": "ref", "is": ["a"]}}, {"address": ["10.0.0.0/8"]},
                {"date": {"from": "2026-11-02T00:00:00Z"}}, {"visitor": "returning"}, {"preview": false}
            ]}, "destination": "https://shop.example/de"}],
            "variants": [{"name": "a", "destination": "https://shop.example/a", "weight": 1},
                {"name": "b", "destination": "https://shop.example/b", "weight": 3}],
            "variant_mode": "bandit", "ios": {"destination": "myapp://open", "store_url": "https://apps.apple.com/app/id1"},
            "android": {"destination": "myapp://open"},
            "preview": {"title": "Sale", "description": "All\nmust go", "image": "https://shop.example/i.png"},
            "utm": {"source": "friend", "content": "a b"}, "forward_query": "override", "forward_path": true,
            "click_id": false, "click_id_parameter": "cid", "title": "Sale", "notes": "for\nAda", "tags": ["x", "y"],
            "channel": "WhatsApp", "campaign": "autumn", "program": "friends", "advocate": "ada", "external_id": "42"
        }"#;
        let spec = read(json).unwrap();
        assert_eq!(errors(json), Vec::<String>::new());
        let written = serde_json::to_value(&spec).unwrap();
        assert_eq!(
            written,
            serde_json::from_str::<serde_json::Value>(json).unwrap()
        );
    }

    #[test]
    fn what_is_default_is_not_written() {
        let spec = LinkSpec::to("https://shop.example/".parse().unwrap());
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(json, r#"{"destination":"https://shop.example/"}"#);
        assert_eq!(read(&json), Ok(spec));
        assert!(
            read(r#"{"destination":"https://a.example/","colour":"red"}"#)
                .unwrap_err()
                .contains("colour")
        );
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
        let old = read(r#"{"destination":"myapp://a"}"#).unwrap();
        let same = read(r#"{"destination":"myapp://a","disabled":true}"#).unwrap();
        assert_eq!(same.check_change(&old, &[]), []);
        let other = read(r#"{"destination":"myapp://b"}"#).unwrap();
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
