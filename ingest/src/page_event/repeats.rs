//! Which events of a block are there already, under whatever time: so that one that is sent again counts once.
//!
//! The table's key begins with the hour, and an event that is sent again has the time of its arrival where its sender says
//! none. So each event that has a name is looked for within a day of its time, in the table and in the block itself, and gets the
//! time of the first: then the table replaces one by the other, as it does where the journal delivers a block again.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;
use whence_core::erased::ErasedEvents;
use whence_core::journal::Seq;
use whence_core::page_event::{PageEvent, PageEventId};

use crate::insert::{InsertError, Inserts};

const KNOWN: &str = include_str!("../../../sql/lookups/page_events_again.sql");

/// How far apart two events of one name are two events.
pub(super) const APART_MS: u64 = 24 * 60 * 60 * 1000;
/// Events that are asked for at a time, each by two ids of up to 39 digits: a question stands in a URL, which has 64 KiB.
const AT_A_TIME: usize = 600;

/// An event that ClickHouse has.
#[derive(Clone, Copy, Debug, Row, Deserialize)]
struct Known {
    event_id: u128,
    occurred_ms: i64,
}

/// The times of what is known, by id.
type Times = HashMap<u128, Vec<u64>>;

/// Gives each event the time of the first of its name, and leaves out those that were erased.
pub(super) async fn settle(
    inserts: &Inserts,
    erased: &ErasedEvents,
    events: Vec<(Seq, PageEvent)>,
) -> Result<Vec<(Seq, PageEvent)>, InsertError> {
    let mut known: HashMap<String, Times> = HashMap::new();
    let mut asked: HashMap<&str, Vec<&PageEvent>> = HashMap::new();
    for (_, event) in events.iter().filter(|(_, event)| event.may_repeat) {
        asked
            .entry(event.workspace.as_str())
            .or_default()
            .push(event);
    }
    for (workspace, mut events) in asked {
        // Neighbours in time are asked for together: what is looked through is no longer than need be.
        events.sort_by_key(|event| event.occurred_ms);
        let times = known.entry(workspace.to_owned()).or_default();
        for some in events.chunks(AT_A_TIME) {
            for found in ask(inserts, erased, workspace, some).await? {
                let ms = u64::try_from(found.occurred_ms).unwrap_or_default();
                times.entry(found.event_id).or_default().push(ms);
            }
        }
    }
    Ok(settled(erased, known, events))
}

async fn ask(
    inserts: &Inserts,
    erased: &ErasedEvents,
    workspace: &str,
    events: &[&PageEvent],
) -> Result<Vec<Known>, InsertError> {
    let ids = events
        .iter()
        .flat_map(|event| [event.id.0, erased.page_event(workspace, event.id).0]);
    let ids: Vec<u128> = ids.collect();
    let times = || events.iter().map(|event| event.occurred_ms);
    let first = times().min().unwrap_or_default();
    let last = times().max().unwrap_or_default();
    let found = inserts.look::<Known>(KNOWN, |query| {
        query
            .param("workspace", workspace)
            .param("ids", ids)
            .param("from", first.saturating_sub(APART_MS))
            .param("to", last.saturating_add(APART_MS))
    });
    found.await
}

fn settled(
    erased: &ErasedEvents,
    mut known: HashMap<String, Times>,
    events: Vec<(Seq, PageEvent)>,
) -> Vec<(Seq, PageEvent)> {
    let settle = |(seq, mut event): (Seq, PageEvent)| {
        if !event.may_repeat {
            return Some((seq, event));
        }
        let times = known
            .entry(event.workspace.as_str().to_owned())
            .or_default();
        let near = |id: PageEventId, times: &Times| {
            let of_id = times.get(&id.0).into_iter().flatten().copied();
            // Of several, which only two collectors in one moment can make, always the same one.
            of_id
                .filter(|ms| ms.abs_diff(event.occurred_ms) <= APART_MS)
                .min()
        };
        let stand_in = erased.page_event(event.workspace.as_str(), event.id);
        if near(stand_in, times).is_some() {
            return None;
        }
        match near(event.id, times) {
            Some(first) => event.occurred_ms = first,
            None => times.entry(event.id.0).or_default().push(event.occurred_ms),
        }
        Some((seq, event))
    };
    events.into_iter().filter_map(settle).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use whence_core::id::ClickIdKey;
    use whence_core::page_event::PageEventSource;

    use super::*;

    /// An event that may be sent again.
    pub(crate) fn event(id: u128, occurred_ms: u64) -> PageEvent {
        PageEvent {
            workspace: "acme".parse().unwrap(),
            id: PageEventId(id),
            may_repeat: true,
            name: "page".into(),
            click: None,
            visitor: None,
            customer: "c-1".into(),
            page_host: String::new(),
            page_path: String::new(),
            link: None,
            advocate: String::new(),
            shared_by: String::new(),
            occurred_ms,
            received_ms: occurred_ms,
            source: PageEventSource::Beacon,
        }
    }

    fn erased() -> ErasedEvents {
        ErasedEvents::of(&ClickIdKey::new([1; 16]))
    }

    fn times(known: &[(u128, u64)], events: &[(u128, u64)]) -> Vec<u64> {
        let mut of: Times = HashMap::new();
        for (id, ms) in known {
            of.entry(*id).or_default().push(*ms);
        }
        let events = events.iter().map(|(id, ms)| event(*id, *ms)).zip(1..);
        let events = events.map(|(event, seq)| (seq, event)).collect();
        let settled = settled(&erased(), HashMap::from([("acme".to_owned(), of)]), events);
        settled.iter().map(|(_, event)| event.occurred_ms).collect()
    }

    #[test]
    fn what_is_sent_again_within_a_day_has_the_time_of_the_first() {
        let day = APART_MS;
        let now = 20 * day;
        let table: [(&[_], &[_], &[_]); 6] = [
            (
                &[],
                &[(1, now), (2, now + 1), (1, now + 5)],
                &[now, now + 1, now],
            ),
            (&[(1, now)], &[(1, now + 7), (2, now + 7)], &[now, now + 7]),
            (&[(1, now)], &[(1, now + day)], &[now]),
            (&[(1, now)], &[(1, now + day + 1)], &[now + day + 1]),
            // A server tells later what happened before.
            (
                &[(1, now)],
                &[(1, now - day), (1, now - day - 1)],
                &[now, now - day - 1],
            ),
            (&[(1, now), (1, now - 9)], &[(1, now + 1)], &[now - 9]),
        ];
        for (known, events, expected) in table {
            assert_eq!(times(known, events), expected, "{known:?} {events:?}");
        }
    }

    #[test]
    fn what_was_erased_does_not_come_back() {
        let stand_in = erased().page_event("acme", PageEventId(1)).0;
        assert_eq!(times(&[(stand_in, 5)], &[(1, 9), (2, 9)]), [9]);
        assert_eq!(
            times(&[(stand_in, 5)], &[(1, 6 + APART_MS)]),
            [6 + APART_MS]
        );
    }

    proptest! {
        /// However often a block is delivered, and whatever was repeated in it: nothing is added.
        #[test]
        fn a_block_that_is_delivered_again_is_the_same(events in prop::collection::vec((0..4_u128, 0..3 * APART_MS), 1..20)) {
            let first = times(&[], &events);
            let stored: Vec<_> = events.iter().map(|(id, _)| *id).zip(first.iter().copied()).collect();
            let again = times(&stored, &events);
            let rows = |times: &[u64]| -> std::collections::BTreeSet<(u128, u64)> {
                events.iter().map(|(id, _)| *id).zip(times.iter().copied()).collect()
            };
            prop_assert!(rows(&again).is_subset(&rows(&first)), "{events:?}: {first:?} {again:?}");
        }
    }
}
