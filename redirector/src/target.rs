//! A link as the way of a click needs it, in the memory of the near cache.
//!
//! Most links are plain: a destination and what its clicks count for. Millions of them stand in memory, so
//! each is one allocation: a head of fixed size, then its texts one behind the other. The slug is the first
//! of them: by it a link is found, so what a search reads lies together. All that the others can do stands
//! in their spec, which only they carry.

use std::sync::atomic::{AtomicBool, Ordering};

use triomphe::{Arc, HeaderSlice};
use whence_core::id::LinkId;
use whence_core::link::{
    Label, Link, LinkSpec, PlainLink, PlainSpec, QueryForwarding, RedirectStatus, Utm,
};

use crate::cache::{Cached, Heat, Key, Stamp, allocated};

/// A link to be decided on; cheap to clone.
#[derive(Clone)]
pub(crate) struct Target(Arc<HeaderSlice<Head, str>>);

/// What stands before the texts, which follow in the order of the lengths.
struct Head {
    id: LinkId,
    /// None for a plain link.
    rich: Option<Box<Weighed>>,
    /// When it was learnt.
    stamp: Stamp,
    /// On whose host it stands, as the resolver numbers them.
    site: u32,
    slug: u16,
    url: u16,
    /// Channel, campaign, program, advocate.
    labels: [u8; LABELS],
    tags: u16,
    status: RedirectStatus,
    heat: Heat,
}

const LABELS: usize = 4;

/// The texts of a link, before they are put together.
struct Texts<'t> {
    slug: &'t str,
    url: &'t str,
    labels: [&'t str; LABELS],
    tags: &'t str,
}

impl Texts<'_> {
    /// The head of a plain link with these texts.
    fn head(&self, id: LinkId, status: RedirectStatus, site: u32, stamp: Stamp) -> Head {
        Head {
            id,
            rich: None,
            stamp,
            site,
            slug: self.slug.len().try_into().expect("checked: at most 1024"),
            url: self.url.len().try_into().expect("checked: at most 4096"),
            labels: (self.labels)
                .map(|label| label.len().try_into().expect("checked: at most 128")),
            tags: self.tags.len().try_into().expect("cut to it"),
            status,
            heat: Heat::default(),
        }
    }

    /// One behind the other.
    fn joined(&self) -> String {
        let Self {
            slug,
            url,
            labels: [channel, campaign, program, advocate],
            tags,
        } = self;
        [slug, url, channel, campaign, program, advocate, tags]
            .map(|text| *text)
            .concat()
    }
}

/// What only links carry that can do more than lead to their destination.
#[derive(Debug)]
pub(crate) struct Rich {
    /// All that the owner says.
    pub(crate) spec: LinkSpec,
    /// What reports have found the variants to be worth, in their order; empty where they have not.
    pub(crate) learned_weights: Vec<u32>,
    /// Whether the store has said that its cap is reached.
    used_up: AtomicBool,
}

impl Rich {
    /// Whether its clicks are known to be used up. A count only ever grows, so this stays so for as long as the
    /// cache holds what it has learnt; whatever comes in its place is asked about anew.
    pub(crate) fn is_used_up(&self) -> bool {
        self.used_up.load(Ordering::Relaxed)
    }

    /// Remembers that they are.
    pub(crate) fn use_up(&self) {
        self.used_up.store(true, Ordering::Relaxed);
    }
}

/// A rich part and its weight, which is found by writing it once, not at each asking.
struct Weighed {
    rich: Rich,
    bytes: usize,
}

impl Target {
    /// A link on the site with this number, as the store said it at `stamp`.
    pub(crate) fn new(link: Link, site: u32, stamp: Stamp) -> Self {
        let spec = link.spec;
        let labels = [&spec.channel, &spec.campaign, &spec.program, &spec.advocate];
        let tags = tags(spec.tags.iter().map(|tag| tag.as_str()));
        let texts = Texts {
            slug: link.slug.as_str(),
            url: spec.destination.as_str(),
            labels: labels.map(|label| label.as_ref().map_or("", Label::as_str)),
            tags: &tags,
        };
        let head = texts.head(link.id, spec.status, site, stamp);
        let text = texts.joined();
        let rich = (!is_plain(&spec)).then(|| {
            let rich = Rich {
                spec,
                learned_weights: link.learned_weights,
                used_up: AtomicBool::new(false),
            };
            // A rich link is counted by its JSON, which its parts in memory outweigh some three times.
            let json = serde_json::to_string(&rich.spec).map_or(0, |json| json.len());
            Box::new(Weighed {
                bytes: allocated(size_of::<Weighed>()) + 3 * json,
                rich,
            })
        });
        Self(Arc::from_header_and_str(Head { rich, ..head }, &text))
    }

    /// The same of a plain link.
    pub(crate) fn plain(link: &PlainLink<'_>, site: u32, stamp: Stamp) -> Self {
        let PlainSpec {
            channel,
            campaign,
            program,
            advocate,
            ..
        } = link.spec;
        let tags = tags(link.spec.tags.iter().map(|tag| tag.0));
        let texts = Texts {
            slug: link.slug,
            url: link.spec.destination,
            labels: [channel, campaign, program, advocate],
            tags: &tags,
        };
        let head = texts.head(link.id, link.spec.status, site, stamp);
        Self(Arc::from_header_and_str(head, &texts.joined()))
    }

    /// The link's id.
    pub(crate) fn id(&self) -> LinkId {
        self.0.header.id
    }

    /// How the redirect is answered.
    pub(crate) fn status(&self) -> RedirectStatus {
        self.0.header.status
    }

    /// Where it leads, if nothing else is decided.
    pub(crate) fn url(&self) -> &str {
        &self.0.slice[usize::from(self.0.header.slug)..][..usize::from(self.0.header.url)]
    }

    /// The slug it stands at.
    pub(crate) fn slug(&self) -> &str {
        &self.0.slice[..usize::from(self.0.header.slug)]
    }

    /// The channel that its clicks count for; empty where it does not say.
    pub(crate) fn channel(&self) -> &str {
        self.label(0)
    }

    /// The campaign.
    pub(crate) fn campaign(&self) -> &str {
        self.label(1)
    }

    /// The referral program.
    pub(crate) fn program(&self) -> &str {
        self.label(2)
    }

    /// The advocate.
    pub(crate) fn advocate(&self) -> &str {
        self.label(3)
    }

    /// The tags, separated by commas.
    pub(crate) fn tags(&self) -> &str {
        &self.0.slice[self.0.slice.len() - usize::from(self.0.header.tags)..]
    }

    /// What it can do beyond leading to its destination; none for a plain link.
    pub(crate) fn rich(&self) -> Option<&Rich> {
        self.0.header.rich.as_ref().map(|weighed| &weighed.rich)
    }

    fn label(&self, which: usize) -> &str {
        let Head {
            slug, url, labels, ..
        } = &self.0.header;
        let before: usize = labels[..which].iter().copied().map(usize::from).sum();
        let start = usize::from(*slug) + usize::from(*url) + before;
        &self.0.slice[start..][..usize::from(labels[which])]
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("id", &self.id())
            .field("slug", &self.slug())
            .field("url", &self.url())
            .field("rich", &self.rich())
            .finish_non_exhaustive()
    }
}

impl Cached for Target {
    fn key(&self) -> Key<'_> {
        Key {
            site: self.0.header.site,
            text: self.slug(),
        }
    }

    fn stamp(&self) -> Stamp {
        self.0.header.stamp
    }

    fn heat(&self) -> &Heat {
        &self.0.header.heat
    }

    fn bytes(&self) -> usize {
        let rich = &self.0.header.rich;
        // The reference count stands before the head.
        allocated(size_of::<usize>() + size_of_val(&*self.0))
            + rich.as_ref().map_or(0, |weighed| weighed.bytes)
    }
}

/// The tags in one text. A stored link may have more than the API allows; those beyond its length are cut.
fn tags<'t>(tags: impl Iterator<Item = &'t str>) -> String {
    let mut text = String::new();
    for tag in tags {
        if text.len() + 1 + tag.len() > usize::from(u16::MAX) {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(tag);
    }
    text
}

/// Whether the spec says nothing but what every [`Target`] holds. Every field is named, so that a new one
/// cannot be forgotten here.
fn is_plain(spec: &LinkSpec) -> bool {
    let LinkSpec {
        destination: _,
        status: _,
        archived: _,
        title: _,
        notes: _,
        tags: _,
        channel: _,
        campaign: _,
        program: _,
        advocate: _,
        external_id: _,
        disabled,
        starts_at,
        pending_url,
        expires_at,
        expired_url,
        max_clicks,
        password_hash,
        rules,
        variants,
        // Says something only of variants.
        variant_mode: _,
        ios,
        android,
        preview,
        utm,
        forward_query,
        forward_path,
        click_id,
        click_id_parameter,
    } = spec;
    !disabled
        && starts_at.is_none()
        && pending_url.is_none()
        && expires_at.is_none()
        && expired_url.is_none()
        && max_clicks.is_none()
        && password_hash.is_none()
        && rules.is_empty()
        && variants.is_empty()
        && ios.is_none()
        && android.is_none()
        && preview.is_none()
        && *utm == Utm::default()
        && *forward_query == QueryForwarding::Drop
        && !forward_path
        && *click_id
        && click_id_parameter.is_none()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn link(slug: &str, spec: LinkSpec) -> Link {
        Link {
            id: LinkId(7),
            workspace: "acme".parse().unwrap(),
            domain: "go.example".parse().unwrap(),
            slug: slug.parse().unwrap(),
            spec,
            learned_weights: vec![1, 2],
            revision: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn plain() -> LinkSpec {
        LinkSpec::to("https://shop.example/a".parse().unwrap())
    }

    proptest! {
        #[test]
        fn every_text_is_found_again(
            slug in "[a-zü/]{0,40}", labels in prop::array::uniform4("[a-zü]{0,60}"),
            tags in prop::collection::vec("[a-zü]{1,60}", 0..4), number: u32,
        ) {
            let label = |text: &str| (!text.is_empty()).then(|| text.parse::<Label>().unwrap());
            let spec = LinkSpec {
                channel: label(&labels[0]),
                campaign: label(&labels[1]),
                program: label(&labels[2]),
                advocate: label(&labels[3]),
                tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
                ..plain()
            };
            let stamp = Stamp { era: 3, tick: 4 };
            let link = Link { learned_weights: Vec::new(), ..link(&slug, spec) };
            let json = serde_json::to_string(&link).unwrap();
            let target = Target::new(link, number, stamp);
            prop_assert_eq!(target.url(), "https://shop.example/a");
            prop_assert_eq!(target.key(), Key { site: number, text: &slug });
            prop_assert_eq!(target.stamp(), stamp);
            let found = [target.channel(), target.campaign(), target.program(), target.advocate()];
            prop_assert_eq!(found, labels.each_ref().map(String::as_str));
            prop_assert_eq!(target.tags(), tags.join(","));
            prop_assert!(target.rich().is_none());
            // What is read without the whole link is the same.
            let plain = Target::plain(&serde_json::from_str(&json).unwrap(), number, stamp);
            prop_assert_eq!(&plain.0.slice, &target.0.slice);
            prop_assert_eq!((plain.key(), plain.id(), plain.status()), (target.key(), target.id(), target.status()));
            prop_assert_eq!((plain.url(), plain.tags(), plain.stamp()), (target.url(), target.tags(), stamp));
        }
    }

    /// What a plain link costs, with the slot that the cache counts for it, beyond its key and URL: the
    /// figure that a million of them make large.
    #[test]
    fn a_plain_link_is_small() {
        let target = Target::new(link("abcdefg", plain()), 1, Stamp::default());
        let texts = "go.example/abcdefg".len() + target.url().len();
        let slot = (size_of::<Target>() + 1) * 2;
        assert!(
            target.bytes() + slot <= texts + 100,
            "{}",
            target.bytes() + slot - texts
        );
    }

    #[test]
    fn what_a_rich_link_says_is_kept_and_weighed() {
        let spec = LinkSpec {
            forward_path: true,
            ..plain()
        };
        let simple = Target::new(link("a", plain()), 1, Stamp::default());
        let rich = Target::new(link("a", spec.clone()), 1, Stamp::default());
        let kept = rich.rich().unwrap();
        assert_eq!((&kept.spec, &*kept.learned_weights), (&spec, &[1, 2][..]));
        assert!(rich.bytes() > simple.bytes() + size_of::<LinkSpec>());
    }

    #[test]
    fn tags_beyond_measure_are_cut_whole() {
        let tag = |n: usize| format!("{n:0>100}").parse().unwrap();
        let spec = LinkSpec {
            tags: (0..1000).map(tag).collect(),
            ..plain()
        };
        let target = Target::new(link("a", spec), 1, Stamp::default());
        assert!(
            target.tags().len() > 60_000 && target.tags().split(',').all(|tag| tag.len() == 100)
        );
        assert_eq!(target.url(), "https://shop.example/a");
    }
}
