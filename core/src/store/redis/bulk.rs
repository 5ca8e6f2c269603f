//! Many edits at once: those that have nothing to do with each other run side by side, the others one
//! after the other in their order.
//!
//! Two edits belong together where they name the same link, slug or external id, or where one names
//! what the other's link has now: a slug that is deleted first may be given away next.

use std::collections::HashMap;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, stream};

use super::commands::Commands;
use super::{edits, links};
use crate::id::LinkId;
use crate::link::Link;
use crate::store::{
    ChangeError, CreateError, Edit, EditError, StoreError, all_unavailable, link_key,
};
use crate::workspace::WorkspaceId;

/// Edits under way at once: enough to hide the way to Redis and back, few enough that a redirect's
/// question is not kept waiting behind them.
const AT_ONCE: usize = 64;

/// What two edits must not touch at once.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Thing {
    Link(u64),
    Place(String),
    ExternalId(String, String),
}

/// Whether Redis has stopped answering, found out once for all edits of a call: thousands of them must not
/// each wait for it to the end.
#[derive(Default)]
struct Silence(AtomicBool);

impl Silence {
    fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Tells an edit that was unavailable for itself, others being in its way, from a Redis that is for all.
    async fn listen(&self, commands: &Commands) {
        if !self.is_known() && commands.ping().await.is_err() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

pub(super) async fn run(commands: &Commands, all: &[Edit]) -> Vec<Result<(), EditError>> {
    let silence = Silence::default();
    let touched: Vec<Vec<Thing>> = stream::iter(0..all.len())
        .map(|index| things(commands, &silence, &all[index]))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut results: Vec<Option<Result<(), EditError>>> = all.iter().map(|_| None).collect();
    let done = stream::iter(groups(&touched))
        .map(async |group| {
            let mut done = Vec::with_capacity(group.len());
            for index in group {
                done.push((index, run_one(commands, &silence, &all[index]).await));
            }
            done
        })
        .buffer_unordered(AT_ONCE);
    done.for_each(|done| {
        for (index, result) in done {
            results[index] = Some(result);
        }
        std::future::ready(())
    })
    .await;
    let results = results.into_iter();
    results
        .map(|result| result.expect("every edit is in one group"))
        .collect()
}

/// Does an edit, unless Redis answers no more.
async fn run_one(commands: &Commands, silence: &Silence, edit: &Edit) -> Result<(), EditError> {
    if silence.is_known() {
        let error = commands.unavailable("it stopped answering before this edit was begun");
        let told = all_unavailable(slice::from_ref(edit), &error).pop();
        return told.expect("one edit is told one thing");
    }
    let done = match edit {
        Edit::Create(link) => edits::create(commands, link).await.map_err(Into::into),
        Edit::Change(link) => edits::change(commands, link).await.map_err(Into::into),
        Edit::Delete {
            workspace,
            id,
            revision,
        } => edits::delete(commands, workspace, *id, *revision)
            .await
            .map_err(Into::into),
    };
    if let Err(
        EditError::Create(CreateError::Store(StoreError::Unavailable(_)))
        | EditError::Change(ChangeError::Store(StoreError::Unavailable(_))),
    ) = &done
    {
        silence.listen(commands).await;
    }
    done
}

/// What an edit touches, by its own word and by what its link has now. A link that cannot be read
/// adds nothing: its edit will say so by itself.
async fn things(commands: &Commands, silence: &Silence, edit: &Edit) -> Vec<Thing> {
    let stands = async |workspace: &WorkspaceId, id: LinkId| {
        if silence.is_known() {
            return None;
        }
        let link = links::by_id(commands, workspace, id).await;
        if let Err(StoreError::Unavailable(_)) = link {
            silence.listen(commands).await;
        }
        link.ok().flatten()
    };
    let mut things = Vec::with_capacity(4);
    match edit {
        Edit::Create(link) => add(&mut things, link),
        Edit::Change(link) => {
            add(&mut things, link);
            if let Some(link) = stands(&link.workspace, link.id).await {
                add(&mut things, &link);
            }
        }
        Edit::Delete { workspace, id, .. } => {
            things.push(Thing::Link(id.0));
            if let Some(link) = stands(workspace, *id).await {
                add(&mut things, &link);
            }
        }
    }
    things
}

fn add(things: &mut Vec<Thing>, link: &Link) {
    things.push(Thing::Link(link.id.0));
    let place = link_key(link.domain.as_str(), link.slug.as_str());
    things.push(Thing::Place(place));
    if let Some(external_id) = &link.spec.external_id {
        let workspace = link.workspace.to_string();
        things.push(Thing::ExternalId(workspace, external_id.to_string()));
    }
}

/// The edits that belong together, each group in the order of the edits.
fn groups(touched: &[Vec<Thing>]) -> Vec<Vec<usize>> {
    // Each edit points at an earlier one of its group, the first at itself.
    let mut before: Vec<usize> = (0..touched.len()).collect();
    let mut first_to_touch: HashMap<&Thing, usize> = HashMap::new();
    for (index, things) in touched.iter().enumerate() {
        for thing in things {
            let other = *first_to_touch.entry(thing).or_insert(index);
            let (one, other) = (root(&mut before, index), root(&mut before, other));
            before[one.max(other)] = one.min(other);
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of_root: HashMap<usize, usize> = HashMap::new();
    for index in 0..touched.len() {
        let root = root(&mut before, index);
        let group = *group_of_root.entry(root).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index);
    }
    groups
}

/// The first edit of a group, with the way to it shortened.
fn root(before: &mut [usize], mut index: usize) -> usize {
    while before[index] != index {
        before[index] = before[before[index]];
        index = before[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_the_same_thing_is_one_group_in_order() {
        let link = |id| Thing::Link(id);
        let place = |place: &str| Thing::Place(place.into());
        let touched = [
            vec![link(1), place("a")],
            vec![link(2), place("b")],
            vec![link(3), place("c")],
            vec![link(4), place("b")],
            vec![link(2), place("c")],
            vec![link(5)],
            vec![],
        ];
        assert_eq!(
            groups(&touched),
            [vec![0], vec![1, 2, 3, 4], vec![5], vec![6]]
        );
    }
}
