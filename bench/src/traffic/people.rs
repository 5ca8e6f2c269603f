//! Visitors made up: who comes, where from, and how often again.

use std::collections::VecDeque;
use std::net::IpAddr;

use fastrand::Rng;
use whence_core::id::VisitorId;

use super::Visit;
use super::agents::Agents;
use super::places::Home;
use super::roads::{Road, Roads};
use crate::zipf::Zipf;

/// How many visitors are remembered: who was not seen for so many others does not come again.
const REMEMBERED: usize = 100_000;
/// Of a hundred people, so many have been here before; each comes some two and a half times.
const RETURNING: u32 = 60;

/// A person, or a machine on its only visit.
#[derive(Clone)]
struct Visitor {
    id: VisitorId,
    address: IpAddr,
    agent: String,
    language: &'static str,
    /// Which link was clicked last: most people come back to it.
    link: usize,
    road: Road,
}

/// Everybody who may come.
pub(super) struct People {
    agents: Agents,
    roads: Roads,
    links: Zipf,
    /// The latest first.
    known: VecDeque<Visitor>,
}

impl People {
    /// People for so many links.
    pub(super) fn new(links: usize, random: &mut Rng) -> Self {
        Self {
            agents: Agents::new(random),
            roads: Roads::new(),
            links: Zipf::of(links),
            known: VecDeque::with_capacity(REMEMBERED + 1),
        }
    }

    /// The next one who comes.
    pub(super) fn next(&mut self, random: &mut Rng) -> Visit {
        if random.u32(..100) < RETURNING && !self.known.is_empty() {
            let mut visitor = self.again(random);
            if random.u8(..3) == 0 {
                visitor.link = self.links.draw(random);
            }
            let visit = visit(&visitor, false, random);
            self.remember(visitor);
            return visit;
        }
        let agent = self.agents.draw(random);
        let home = if agent.is_machine {
            Home::of_machine(random)
        } else {
            Home::of_person(random)
        };
        let visitor = Visitor {
            id: VisitorId(random.u128(..)),
            address: home.address,
            agent: agent.text.into(),
            language: home.language,
            link: self.links.draw(random),
            road: if agent.is_machine {
                Road::default()
            } else {
                self.roads.draw(random)
            },
        };
        let visit = visit(&visitor, true, random);
        if !agent.is_machine {
            self.remember(visitor);
        }
        visit
    }

    /// Somebody who was here before, most likely a short while ago.
    fn again(&mut self, random: &mut Rng) -> Visitor {
        let depth = (self.known.len() as f64).powf(random.f64()) as usize;
        let place = depth.clamp(1, self.known.len()) - 1;
        self.known
            .remove(place)
            .expect("the place is among those who are known")
    }

    fn remember(&mut self, visitor: Visitor) {
        self.known.push_front(visitor);
        self.known.truncate(REMEMBERED);
    }
}

fn visit(visitor: &Visitor, is_new: bool, random: &mut Rng) -> Visit {
    Visit {
        link: visitor.link,
        slug: None,
        query: visitor.road.query.clone(),
        visitor: visitor.id,
        is_new,
        address: visitor.address,
        agent: visitor.agent.clone(),
        referrer: visitor.road.referrer.clone(),
        language: visitor.language,
        is_head: visitor.language.is_empty() && random.u8(..4) == 0,
    }
}
