//! All that the owner of a link says of it.
//!
//! One JSON form for the API, the store, imports and exports: a field that is left out has its default,
//! and one that is not known is refused. The texts check themselves when they are read; what two fields
//! say of each other does not belong here, but in [`check`](super::check).

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::status::RedirectStatus;
use super::text::{Destination, Label, ParameterName, PasswordHash, Prose, Tag};

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

    /// How long it is as JSON, in bytes.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        serde_json::to_vec(self)
            .expect("a spec is JSON, and memory takes it")
            .len()
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
        assert_eq!(spec.check(&["myapp".parse().unwrap()]), []);
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
}
