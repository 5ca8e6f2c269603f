//! A link as the way of a click needs it, in the memory of the near cache.
//!
//! Most links are plain: a destination and what its clicks count for. Millions of them stand in memory, so
//! each is one allocation: a head of fixed size, then its texts one behind the other. All that the others
//! can do stands in their spec, which only they carry.

use triomphe::{Arc, HeaderSlice};
use whence_core::id::LinkId;
use whence_core::link::{Label, Link, LinkSpec, RedirectStatus};

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
    url: u16,
    slug: u16,
    /// Channel, campaign, program, advocate.
    labels: [u8; LABELS],
    tags: u16,
    status: RedirectStatus,
    heat: Heat,
}

const LABELS: usize = 4;

/// What only links carry that can do more than lead to their destination.
#[derive(Debug)]
pub(crate) struct Rich {
    /// All that the owner says.
    pub(crate) spec: LinkSpec,
    /// What reports have found the variants to be worth, in their order; empty where they have not.
    pub(crate) learned_weights: Vec<u32>,
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
        let labels = labels.map(|label| label.as_ref().map_or("", Label::as_str));
        let tags = tags(&spec);
        let (url, slug) = (spec.destination.as_str(), link.slug.as_str());
        let mut text = String::with_capacity(url.len() + slug.len() + tags.len() + 64);
        for part in [url, slug].into_iter().chain(labels).chain([&*tags]) {
            text.push_str(part);
        }
        let head = Head {
            id: link.id,
            stamp,
            site,
            url: url.len().try_into().expect("checked: at most 4096"),
            slug: slug.len().try_into().expect("checked: at most 1024"),
            labels: labels.map(|label| label.len().try_into().expect("checked: at most 128")),
            tags: tags.len().try_into().expect("cut to it"),
            status: spec.status,
            heat: Heat::default(),
            rich: (!is_plain(&spec)).then(|| {
                let rich = Rich {
                    spec,
                    learned_weights: link.learned_weights,
                };
                // A rich link is counted by its JSON, which its parts in memory outweigh some three times.
                let json = serde_json::to_string(&rich.spec).map_or(0, |json| json.len());
                Box::new(Weighed {
                    bytes: allocated(size_of::<Weighed>()) + 3 * json,
                    rich,
                })
            }),
        };
        Self(Arc::from_header_and_str(head, &text))
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
        &self.0.slice[..usize::from(self.0.header.url)]
    }

    /// The slug it stands at.
    pub(crate) fn slug(&self) -> &str {
        let start = usize::from(self.0.header.url);
        &self.0.slice[start..][..usize::from(self.0.header.slug)]
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
            url, slug, labels, ..
        } = &self.0.header;
        let before: usize = labels[..which].iter().copied().map(usize::from).sum();
        let start = usize::from(*url) + usize::from(*slug) + before;
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
fn tags(spec: &LinkSpec) -> String {
    let mut text = String::new();
    for tag in spec.tags.iter().map(|tag| tag.as_str()) {
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

/// Whether the spec says nothing but what every [`Target`] holds.
fn is_plain(spec: &LinkSpec) -> bool {
    let bare = LinkSpec {
        status: spec.status,
        archived: spec.archived,
        title: spec.title.clone(),
        notes: spec.notes.clone(),
        tags: spec.tags.clone(),
        channel: spec.channel.clone(),
        campaign: spec.campaign.clone(),
        program: spec.program.clone(),
        advocate: spec.advocate.clone(),
        external_id: spec.external_id.clone(),
        ..LinkSpec::to(spec.destination.clone())
    };
    *spec == bare
}
