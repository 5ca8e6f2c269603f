//! What a decision rests on beside the request and the link: facts that the way has found out, and those
//! that are only looked up when a link asks for them.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::Timestamp;
use whence_core::agent::{Agent, Agents};
use whence_core::click::bounds;
use whence_core::id::{ClickId, VisitorId};
use whence_core::place::{self, Places};

use crate::request::Asked;
use crate::short::ShortUrls;

/// The facts of one click.
pub(crate) struct Facts<'f> {
    /// When the request was read.
    pub(crate) now: Timestamp,
    /// The id minted for it.
    pub(crate) click: ClickId,
    /// How short URLs are written out.
    pub(crate) short: &'f ShortUrls,
    /// What is known of the link's password; none while nobody has looked.
    pub(crate) password: Option<Password>,
    /// What is known of the link's cap.
    pub(crate) room: Room,
    /// What is looked up when it is asked for.
    pub(crate) insight: Insight<'f>,
}

/// Whether the visitor knows the password of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    /// Has given it before: the cookie says so.
    Proven,
    /// Has given it now. The cookie that will say so.
    Given(String),
    /// Has not said anything yet.
    Missing,
    /// Has given another one.
    Wrong,
}

/// Whether a capped link has clicks left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Not asked yet.
    Unknown,
    /// It has, and this one is counted if it is to be.
    Left,
    /// It has not.
    UsedUp,
}

/// What the request's agent and address say, looked up at most once and only if a link asks.
pub(crate) struct Insight<'i> {
    asked: &'i Asked<'i>,
    agents: &'i Agents,
    places: &'i Places,
    mint: fn() -> VisitorId,
    agent: OnceCell<Arc<Agent>>,
    place: OnceCell<Arc<place::Place>>,
    stranger: OnceCell<VisitorId>,
}

impl<'i> Insight<'i> {
    /// Nothing is looked up yet. `mint` makes the id of a new visitor.
    pub(crate) fn new(
        asked: &'i Asked<'i>,
        agents: &'i Agents,
        places: &'i Places,
        mint: fn() -> VisitorId,
    ) -> Self {
        Self {
            asked,
            agents,
            places,
            mint,
            agent: OnceCell::new(),
            place: OnceCell::new(),
            stranger: OnceCell::new(),
        }
    }

    /// The agent.
    pub(crate) fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| {
            let text = self.asked.user_agent.bounded(bounds::USER_AGENT);
            self.agents.of(&text, &self.asked.hints())
        })
    }

    /// Where the client is.
    pub(crate) fn place(&self) -> &place::Place {
        self.place.get_or_init(|| self.places.of(self.asked.client))
    }

    /// The id of the visitor, should it be a new one: the same however often a click is decided.
    pub(crate) fn stranger(&self) -> VisitorId {
        *self.stranger.get_or_init(self.mint)
    }
}
