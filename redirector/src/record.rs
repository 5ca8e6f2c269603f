//! Journals a click. After this it cannot be lost, whatever becomes of the process.

mod reduced;

use std::borrow::Cow;

use whence_core::click::{Click, Signs, bounded, bounds};
use whence_core::id::{ClickId, LinkId, Minter};
use whence_core::journal::{AppendError, LaneWriter, Seq};
use whence_core::wire;
use whence_core::workspace::PrivacyMode;

use crate::decide::{Decision, mode};
use crate::request::Asked;
use crate::resolve::Place;
use crate::target::Target;

/// The journal lane of one thread, and the ids that go into it.
pub(crate) struct Recorder {
    /// The lane.
    pub(crate) lane: LaneWriter,
    minter: Minter,
    /// Kept from click to click, so that encoding allocates nothing.
    buffer: Vec<u8>,
    /// So are the client hints of a click, which every Chromium sends.
    hints: String,
}

impl Recorder {
    /// A recorder for one thread.
    pub(crate) fn new(lane: LaneWriter, minter: Minter) -> Self {
        Self {
            lane,
            minter,
            buffer: Vec::with_capacity(4096),
            hints: String::with_capacity(512),
        }
    }

    /// The id of a click on this place at `unix_ms`. An orphan is a click on link 0.
    pub(crate) fn mint(&mut self, place: &Place, unix_ms: u64) -> ClickId {
        let link = place
            .target
            .as_ref()
            .map_or(LinkId(0), |target| target.id());
        self.minter.mint(unix_ms, link)
    }

    /// Journals the click.
    pub(crate) fn record(
        &mut self,
        id: ClickId,
        asked: &Asked<'_>,
        place: &Place,
        decision: &Decision<'_>,
    ) -> Result<Seq, AppendError> {
        let target = place.target.as_ref();
        let label = |pick: fn(&Target) -> &str| Cow::Borrowed(target.map_or("", pick));
        let privacy = mode(place, asked);
        let keeps_address = place
            .site
            .as_ref()
            .is_some_and(|site| site.workspace.keep_addresses);
        self.hints.clear();
        asked.write_hints(&mut self.hints);
        let mut click = Click {
            id,
            unix_ms: id.unix_ms(),
            outcome: decision.outcome,
            method: asked.method,
            workspace: place
                .site
                .as_ref()
                .map_or("", |site| site.workspace.id.as_str())
                .into(),
            link: target.map_or(LinkId(0), Target::id),
            domain: bounded(asked.host.as_bytes(), bounds::HOST),
            slug: bounded(asked.slug.as_bytes(), bounds::SLUG),
            query: bounded(asked.query.as_bytes(), bounds::QUERY),
            visitor: decision.visitor.map(|visitor| visitor.id),
            new_visitor: decision.visitor.is_some_and(|visitor| visitor.new),
            address: asked.client,
            user_agent: asked.user_agent.bounded(bounds::USER_AGENT),
            referrer: asked.referrer.bounded(bounds::REFERRER),
            language: asked.language.bounded(bounds::LANGUAGE),
            purpose: asked.purpose(),
            channel: label(Target::channel),
            campaign: label(Target::campaign),
            program: label(Target::program),
            advocate: label(Target::advocate),
            variant: decision.variant.into(),
            tags: label(Target::tags),
            privacy,
            signs: asked.signs().with_if(
                Signs::ADDRESS,
                keeps_address && privacy == PrivacyMode::Full,
            ),
            hints: Cow::Borrowed(&self.hints),
        };
        reduced::reduce(&mut click);
        self.buffer.clear();
        wire::encode(&click, &mut self.buffer);
        self.lane.append(&self.buffer)
    }
}
