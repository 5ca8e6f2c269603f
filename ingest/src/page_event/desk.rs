//! Takes page events into the journal, none answered before it stands there.

use std::collections::HashMap;

use quick_cache::sync::Cache;
use tokio::sync::mpsc;
use whence_core::journal::{LaneWriter, Poisoned};
use whence_core::page_event::{PageEvent, PageEventId, PageEventSource};
use whence_core::workspace::WorkspaceId;

use crate::intake::{Intake, TakeError};

/// How many events are remembered, so that repeats of a fresh one do not fill the journal. Some hundred bytes each, so some
/// megabytes; what is forgotten is journalled again, and told apart before it is inserted.
const REMEMBERED: usize = 65_536;

/// What an event is that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// In the journal.
    New,
    /// It was taken a while ago.
    Again,
}

/// Where page events are taken.
#[derive(Debug)]
pub(crate) struct PageEventDesk {
    intake: Intake,
    /// Whose word the one is that was taken.
    recent: Cache<(WorkspaceId, PageEventId), PageEventSource>,
}

impl PageEventDesk {
    /// A desk over a lane.
    pub(crate) fn new(lane: LaneWriter, broken: mpsc::Sender<Poisoned>) -> Self {
        Self {
            intake: Intake::new(lane, broken),
            recent: Cache::new(REMEMBERED),
        }
    }

    /// Answers once the events are in the journal, or were before: an answer for each, in their order.
    pub(crate) async fn take(&self, events: &[PageEvent]) -> Vec<Result<Taken, TakeError>> {
        let mut taken = vec![Ok(Taken::Again); events.len()];
        let mut new: Vec<usize> = Vec::with_capacity(events.len());
        // Those that repeat another of these, with the place of that.
        let mut repeats: Vec<(usize, usize)> = Vec::new();
        let mut first: HashMap<(&WorkspaceId, PageEventId), usize> = HashMap::new();
        for (place, event) in events.iter().enumerate() {
            let key = (&event.workspace, event.id);
            match first.get(&key) {
                Some(&earlier) if covers(events[earlier].source, event.source) => {
                    repeats.push((place, earlier));
                }
                _ if self.is_known(event) => {}
                _ => {
                    first.insert(key, place);
                    new.push(place);
                }
            }
        }
        let journalled = self.intake.take(new.iter().map(|place| &events[*place]));
        for (place, result) in new.iter().zip(journalled.await) {
            let event = &events[*place];
            if result.is_ok() {
                let key = (event.workspace.clone(), event.id);
                self.recent.insert(key, event.source);
            }
            taken[*place] = result.map(|()| Taken::New);
        }
        for (place, earlier) in repeats {
            taken[place] = taken[earlier].clone().map(|_| Taken::Again);
        }
        taken
    }

    /// Whether it was taken a while ago.
    fn is_known(&self, event: &PageEvent) -> bool {
        let known = self.recent.get(&(event.workspace.clone(), event.id));
        known.is_some_and(|known| covers(known, event.source))
    }
}

/// Whether what was said first stands. A server's word stands above a browser's, which anybody can pretend to be.
fn covers(first: PageEventSource, later: PageEventSource) -> bool {
    first == PageEventSource::Server || later == PageEventSource::Beacon
}

#[cfg(test)]
mod tests {
    use whence_core::journal::{self, LaneOptions};
    use whence_core::wire;

    use super::*;
    use crate::page_event::repeats::tests::event;

    #[tokio::test]
    async fn a_repeat_is_not_journalled_and_a_servers_word_is() {
        let folder = tempfile::tempdir().unwrap();
        let options = LaneOptions {
            segment_bytes: 1 << 20,
            ..LaneOptions::default()
        };
        let (writer, mut reader) = journal::open(&folder.path().join("lane"), options).unwrap();
        let desk = PageEventDesk::new(writer, mpsc::channel(1).0);
        let browsers = event(1, 10);
        let servers = PageEvent {
            source: PageEventSource::Server,
            ..event(1, 11)
        };
        let nameless = PageEvent {
            may_repeat: false,
            ..event(2, 12)
        };
        let others = PageEvent {
            workspace: "other".parse().unwrap(),
            ..event(1, 13)
        };
        use Taken::{Again, New};
        for (events, expected) in [
            (vec![browsers.clone(), nameless.clone()], vec![New, New]),
            (
                vec![browsers.clone(), others.clone(), nameless.clone()],
                vec![Again, New, Again],
            ),
            (
                vec![servers.clone(), servers.clone(), browsers.clone()],
                vec![New, Again, Again],
            ),
            (vec![servers.clone(), browsers.clone()], vec![Again, Again]),
        ] {
            let taken: Vec<_> = desk.take(&events).await.into_iter().flatten().collect();
            assert_eq!(taken, expected);
        }
        let block = reader.next_block(1 << 20, 10).unwrap().unwrap();
        let journalled: Vec<PageEvent> = block
            .records()
            .map(|(_, payload)| wire::decode(payload).unwrap())
            .collect();
        assert_eq!(journalled, [browsers, nameless, others, servers]);
    }
}
