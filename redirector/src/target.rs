//! A link as the way of a click needs it, in the memory of the near cache.
//!
//! Most links are plain: a destination and what its clicks count for. All that the others can do stands
//! in their spec, which only they carry.

use whence_core::id::LinkId;
use whence_core::link::{Label, Link, LinkSpec, RedirectStatus};
use whence_core::workspace::WorkspaceId;

use crate::cache::Weight;

/// A link to be decided on.
#[derive(Debug)]
pub(crate) struct Target {
    id: LinkId,
    workspace: WorkspaceId,
    status: RedirectStatus,
    url: Box<str>,
    channel: Box<str>,
    campaign: Box<str>,
    program: Box<str>,
    advocate: Box<str>,
    tags: Box<str>,
    rich: Option<Box<Rich>>,
}

/// What only links carry that can do more than lead to their destination.
#[derive(Debug)]
pub(crate) struct Rich {
    /// All that the owner says.
    pub(crate) spec: LinkSpec,
    /// What reports have found the variants to be worth, in their order; empty where they have not.
    pub(crate) learned_weights: Vec<u32>,
}

impl Target {
    /// The link's id.
    pub(crate) fn id(&self) -> LinkId {
        self.id
    }

    /// Whose link it is.
    pub(crate) fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// How the redirect is answered.
    pub(crate) fn status(&self) -> RedirectStatus {
        self.status
    }

    /// Where it leads, if nothing else is decided.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The channel that its clicks count for; empty where it does not say.
    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// The campaign.
    pub(crate) fn campaign(&self) -> &str {
        &self.campaign
    }

    /// The referral program.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// The advocate.
    pub(crate) fn advocate(&self) -> &str {
        &self.advocate
    }

    /// The tags, separated by commas.
    pub(crate) fn tags(&self) -> &str {
        &self.tags
    }

    /// What it can do beyond leading to its destination; none for a plain link.
    pub(crate) fn rich(&self) -> Option<&Rich> {
        self.rich.as_deref()
    }
}

impl From<Link> for Target {
    fn from(link: Link) -> Self {
        let spec = link.spec;
        let text = |label: &Option<Label>| label.as_ref().map_or("", Label::as_str).into();
        let tags: Vec<&str> = spec.tags.iter().map(|tag| tag.as_str()).collect();
        Self {
            id: link.id,
            workspace: link.workspace,
            status: spec.status,
            url: spec.destination.as_str().into(),
            channel: text(&spec.channel),
            campaign: text(&spec.campaign),
            program: text(&spec.program),
            advocate: text(&spec.advocate),
            tags: tags.join(",").into(),
            rich: (!is_plain(&spec)).then(|| {
                Box::new(Rich {
                    spec,
                    learned_weights: link.learned_weights,
                })
            }),
        }
    }
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

impl Weight for std::sync::Arc<Target> {
    fn bytes(&self) -> usize {
        let texts = [
            &self.url,
            &self.channel,
            &self.campaign,
            &self.program,
            &self.advocate,
            &self.tags,
        ];
        // A rich link is counted by its JSON, which its parts in memory outweigh some three times.
        let rich = self.rich.as_ref().map_or(0, |rich| {
            3 * serde_json::to_string(&rich.spec).map_or(0, |json| json.len())
        });
        size_of::<Target>() + texts.iter().map(|text| text.len()).sum::<usize>() + rich
    }
}
