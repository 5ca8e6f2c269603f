//! A link that can do no more than lead to its destination, read from its stored form without a copy of its texts.
//!
//! Most links are of this kind, and a cache reads a million of them at its start. What is not read here is no error:
//! the whole [`Link`](super::Link) is read instead, which also says what is wrong where something is.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use super::text::Check;
use super::{Destination, Host, Label, Prose, RedirectStatus, Slug, Tag};
use crate::id::LinkId;

/// A plain link, as far as it concerns a click. Whatever else a link may say is not among the fields, so that a link
/// that says it is not read as this.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainLink<'a> {
    /// Its id.
    pub id: LinkId,
    /// Whose it is; not yet known to be a workspace's id.
    pub workspace: &'a str,
    /// The host it stands on.
    #[serde(deserialize_with = "checked::<Host, _>", borrow)]
    pub domain: &'a str,
    /// The path it stands at.
    #[serde(deserialize_with = "checked::<Slug, _>", borrow)]
    pub slug: &'a str,
    /// What its owner says of it.
    #[serde(borrow)]
    pub spec: PlainSpec<'a>,
    #[serde(rename = "revision")]
    _revision: u64,
    // When it was made and changed concerns no click, and is not even looked at.
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
}

/// What the owner of a plain link says of it. Texts that are not given are empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainSpec<'a> {
    /// Where it leads.
    #[serde(deserialize_with = "checked::<Destination, _>", borrow)]
    pub destination: &'a str,
    /// How the redirect is answered.
    #[serde(default)]
    pub status: RedirectStatus,
    /// The channel it was made for.
    #[serde(default, deserialize_with = "checked::<Label, _>", borrow)]
    pub channel: &'a str,
    /// The campaign its clicks count for.
    #[serde(default, deserialize_with = "checked::<Label, _>", borrow)]
    pub campaign: &'a str,
    /// The referral program it belongs to.
    #[serde(default, deserialize_with = "checked::<Label, _>", borrow)]
    pub program: &'a str,
    /// The advocate who shares it.
    #[serde(default, deserialize_with = "checked::<Label, _>", borrow)]
    pub advocate: &'a str,
    /// To find and to report by.
    #[serde(default, borrow)]
    pub tags: Vec<PlainTag<'a>>,
    // What is for its owner alone has to be sound, or the whole link could not be read.
    #[serde(default, rename = "archived")]
    _archived: bool,
    #[serde(default, rename = "title", deserialize_with = "checked::<Label, _>")]
    #[serde(borrow)]
    _title: &'a str,
    #[serde(default, rename = "notes", deserialize_with = "checked::<Prose, _>")]
    #[serde(borrow)]
    _notes: &'a str,
    #[serde(default, rename = "external_id")]
    #[serde(deserialize_with = "checked::<Label, _>", borrow)]
    _external_id: &'a str,
}

/// A tag.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PlainTag<'a>(#[serde(deserialize_with = "checked::<Tag, _>", borrow)] pub &'a str);

/// A text that stands in the JSON as it is, and that `T` takes as it is.
fn checked<'de, T: Check, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    deserializer.deserialize_str(AsItIs(PhantomData::<T>))
}

struct AsItIs<T>(PhantomData<T>);

impl<'de, T: Check> Visitor<'de> for AsItIs<T> {
    type Value = &'de str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string in its final form")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<&'de str, E> {
        match T::check(text) {
            Ok(Cow::Borrowed(same)) if same.len() == text.len() => Ok(text),
            Ok(_) => Err(E::custom("it has another form")),
            Err(error) => Err(E::custom(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::super::{Link, LinkSpec, QueryForwarding};
    use super::*;

    fn link(slug: &str, destination: &str) -> Option<Link> {
        Some(Link {
            id: LinkId(7),
            workspace: "acme".parse().unwrap(),
            domain: "go.example".parse().unwrap(),
            slug: slug.parse().ok()?,
            spec: LinkSpec::to(destination.parse().ok()?),
            learned_weights: Vec::new(),
            revision: 3,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        })
    }

    /// The texts that a plain link shares with the whole one.
    fn texts(link: &Link) -> [&str; 7] {
        let spec = &link.spec;
        let labels = [&spec.channel, &spec.campaign, &spec.program, &spec.advocate];
        let [channel, campaign, program, advocate] =
            labels.map(|label| label.as_ref().map_or("", Label::as_str));
        let (domain, slug) = (link.domain.as_str(), link.slug.as_str());
        let url = spec.destination.as_str();
        [domain, slug, url, channel, campaign, program, advocate]
    }

    proptest! {
        #[test]
        fn what_is_read_as_plain_is_what_the_whole_link_says(
            slug in "[a-zü/\"\\\\%]{0,12}", path in "[a-z/.%2 ü?=&]{0,12}",
            labels in prop::array::uniform5("[a-zü \"\\\\]{0,6}"),
            tags in prop::collection::vec("[a-zü\"]{1,6}", 0..3), notes in "[a-z\n\"]{0,6}",
            status in prop::sample::select(vec![301_u16, 302, 307, 308]), archived: bool,
        ) {
            let link = link(&slug, &format!("https://shop.example/{path}"));
            prop_assume!(link.is_some());
            let mut link = link.unwrap();
            let label = |text: &String| text.parse::<Label>().ok();
            link.spec = LinkSpec {
                channel: label(&labels[0]),
                campaign: label(&labels[1]),
                program: label(&labels[2]),
                advocate: label(&labels[3]),
                external_id: label(&labels[4]),
                tags: tags.iter().filter_map(|tag| tag.parse().ok()).collect(),
                notes: notes.parse().ok(),
                status: status.try_into().unwrap(),
                archived,
                ..link.spec
            };
            let json = serde_json::to_string(&link).unwrap();
            let whole: Link = serde_json::from_str(&json).unwrap();
            match serde_json::from_str::<PlainLink<'_>>(&json) {
                Ok(plain) => {
                    let PlainSpec { destination, channel, campaign, program, advocate, .. } = plain.spec;
                    let read = [plain.domain, plain.slug, destination, channel, campaign, program, advocate];
                    prop_assert_eq!(read, texts(&whole));
                    prop_assert_eq!((plain.id, plain.workspace), (whole.id, whole.workspace.as_str()));
                    prop_assert_eq!(plain.spec.status, whole.spec.status);
                    let tags: Vec<_> = plain.spec.tags.iter().map(|tag| tag.0).collect();
                    let all: Vec<_> = whole.spec.tags.iter().map(Tag::as_str).collect();
                    prop_assert_eq!(tags, all);
                }
                // Only what JSON has to escape.
                Err(error) => prop_assert!(json.contains('\\'), "{error}: {json}"),
            }
        }
    }

    #[test]
    fn what_can_do_more_is_not_read_as_plain() {
        let plain = link("a", "https://shop.example/").unwrap();
        let json = |link: &Link| serde_json::to_string(link).unwrap();
        assert!(serde_json::from_str::<PlainLink<'_>>(&json(&plain)).is_ok());
        let specs = [
            LinkSpec {
                disabled: true,
                ..plain.spec.clone()
            },
            LinkSpec {
                forward_query: QueryForwarding::Keep,
                ..plain.spec.clone()
            },
            LinkSpec {
                click_id: false,
                ..plain.spec.clone()
            },
            LinkSpec {
                max_clicks: 7.try_into().ok(),
                ..plain.spec.clone()
            },
        ];
        for spec in specs {
            let more = Link {
                spec,
                ..plain.clone()
            };
            assert!(serde_json::from_str::<PlainLink<'_>>(&json(&more)).is_err());
        }
        let learned = Link {
            learned_weights: vec![1],
            ..plain
        };
        assert!(serde_json::from_str::<PlainLink<'_>>(&json(&learned)).is_err());
    }

    #[test]
    fn what_the_whole_link_refuses_is_refused() {
        let json = serde_json::to_string(&link("a", "https://shop.example/").unwrap()).unwrap();
        for (good, bad) in [
            ("https://shop.example/", "https://shop.example"),
            ("https://shop.example/", "javascript:alert(1)"),
            ("go.example", "GO.example"),
            (r#""slug":"a""#, r#""slug":"a?b""#),
            (r#""revision":3"#, r#""revision":-3"#),
        ] {
            let changed = json.replace(good, bad);
            assert_ne!(changed, json);
            assert!(
                serde_json::from_str::<PlainLink<'_>>(&changed).is_err(),
                "{changed}"
            );
        }
    }
}
