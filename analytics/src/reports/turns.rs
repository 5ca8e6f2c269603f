//! Whose query comes next: a few run at a time, and no workspace holds up another for longer than a query takes.
//!
//! Turns go round: of the workspaces that wait, each gets one before any gets its next, its own in the order in which they
//! came. While others wait a workspace has at most half of the turns, and when it is alone all but one, so that whoever comes
//! then need not wait. Whoever gives up loses its place and nothing else.
//!
//! What a query may cost is said in [`super::bounds`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use whence_core::workspace::WorkspaceId;

/// Queries of one workspace that may wait: a page of a dashboard asks a dozen, and some people look at it at once.
const MOST_OF_ONE: usize = 64;
/// Queries of all workspaces that may wait: a waiting one holds its question, some kilobytes.
const MOST_OF_ALL: usize = 1024;

/// The turns of a server.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Mutex<Hall>>);

/// The right to run a query, given back when it falls.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    of: WorkspaceId,
}

/// There is no more room to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// This workspace has as many queries waiting as it may.
    Workspace,
    /// All together have.
    Everybody,
}

/// Who runs and who waits.
#[derive(Debug)]
struct Hall {
    /// How many may run.
    all: usize,
    /// How many of each workspace run; none stands for 0.
    running: HashMap<WorkspaceId, usize>,
    /// Those who wait, by workspace; whose turn is next stands first. None is empty.
    waiting: VecDeque<(WorkspaceId, VecDeque<oneshot::Sender<Turn>>)>,
}

impl Turns {
    /// So many at a time, at least one.
    pub(crate) fn new(all: usize) -> Self {
        Self(Arc::new(Mutex::new(Hall {
            all: all.max(1),
            running: HashMap::new(),
            waiting: VecDeque::new(),
        })))
    }

    /// Waits for a turn of this workspace.
    pub(crate) async fn take(&self, of: &WorkspaceId) -> Result<Turn, Crowded> {
        let (sender, turn) = oneshot::channel();
        self.hall().enter(of, sender)?;
        self.go_on();
        Ok(turn
            .await
            .expect("who waits stands in the hall, and the hall stands as long as its turns"))
    }

    /// Gives every free turn to who is next.
    fn go_on(&self) {
        loop {
            let next = self.hall().next();
            let Some((of, sender)) = next else {
                return;
            };
            let turns = self.clone();
            // Should it have given up just now, its turn comes back and falls, and is free again.
            drop(sender.send(Turn { turns, of }));
        }
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        // What is done under the lock leaves it sound at every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.hall().leave(&self.of);
        self.turns.go_on();
    }
}

impl Hall {
    /// Somebody begins to wait.
    fn enter(&mut self, of: &WorkspaceId, sender: oneshot::Sender<Turn>) -> Result<(), Crowded> {
        self.forget_who_left();
        let all: usize = self.waiting.iter().map(|(_, queue)| queue.len()).sum();
        let own = self.waiting.iter_mut().find(|(name, _)| name == of);
        match own {
            Some((_, queue)) if queue.len() >= MOST_OF_ONE => Err(Crowded::Workspace),
            _ if all >= MOST_OF_ALL => Err(Crowded::Everybody),
            Some((_, queue)) => {
                queue.push_back(sender);
                Ok(())
            }
            None => {
                self.waiting.push_back((of.clone(), [sender].into()));
                Ok(())
            }
        }
    }

    /// Who is next, if a turn is free for them; it is theirs from then on.
    fn next(&mut self) -> Option<(WorkspaceId, oneshot::Sender<Turn>)> {
        self.forget_who_left();
        let running: usize = self.running.values().sum();
        if running >= self.all {
            return None;
        }
        let half = self.all.div_ceil(2);
        let alone = (self.all - 1).max(1);
        let has = |name: &WorkspaceId| self.running.get(name).copied().unwrap_or(0);
        let below = |most: usize| self.waiting.iter().position(|(name, _)| has(name) < most);
        // Whoever waits with half of the turns is the only one that waits, or others have the rest.
        let place = below(half).or_else(|| below(alone))?;
        let (of, mut queue) = self.waiting.remove(place)?;
        let sender = queue.pop_front();
        if !queue.is_empty() {
            self.waiting.push_back((of.clone(), queue));
        }
        *self.running.entry(of.clone()).or_default() += 1;
        sender.map(|sender| (of, sender))
    }

    fn leave(&mut self, of: &WorkspaceId) {
        if let Some(running) = self.running.get_mut(of) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(of);
            }
        }
    }

    fn forget_who_left(&mut self) {
        self.waiting.retain_mut(|(_, queue)| {
            queue.retain(|sender| !sender.is_closed());
            !queue.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Result<Turn, Crowded>>>>;

    /// Begins to wait, in this moment and not when it is looked at first.
    fn wait(turns: &Turns, of: &str) -> Waiting {
        let (turns, of) = (turns.clone(), of.parse().unwrap());
        let mut waiting: Waiting = Box::pin(async move { turns.take(&of).await });
        // What it answers at once it answers again when it is asked below: nothing was taken out yet.
        match look(&mut waiting) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => waiting,
        }
    }

    fn look(waiting: &mut Waiting) -> Option<Result<Turn, Crowded>> {
        match waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// The turns that have come, taken out of those who waited for them.
    fn come(waiting: &mut Vec<Waiting>) -> Vec<Turn> {
        let mut turns = Vec::new();
        waiting.retain_mut(|one| match look(one) {
            Some(answer) => {
                turns.push(answer.unwrap());
                false
            }
            None => true,
        });
        turns
    }

    fn names(turns: &[Turn]) -> Vec<&str> {
        turns.iter().map(|turn| turn.of.as_str()).collect()
    }

    #[test]
    fn a_flood_leaves_a_turn_to_whoever_comes() {
        let turns = Turns::new(4);
        let mut flood: Vec<_> = (0..50).map(|_| wait(&turns, "flood")).collect();
        let running = come(&mut flood);
        assert_eq!(running.len(), 3, "one is kept for others");
        let mut modest = vec![wait(&turns, "modest")];
        assert_eq!(
            names(&come(&mut modest)),
            ["modest"],
            "at once, with 47 before it"
        );
    }

    #[test]
    fn each_waits_for_as_many_turns_as_there_are_workspaces_and_not_queries() {
        let turns = Turns::new(4);
        let mut flood: Vec<_> = (0..60).map(|_| wait(&turns, "flood")).collect();
        let mut running = come(&mut flood);
        // A second flood takes what was kept.
        let mut second: Vec<_> = (0..60).map(|_| wait(&turns, "second")).collect();
        running.extend(come(&mut second));
        assert_eq!(names(&running), ["flood", "flood", "flood", "second"]);
        let mut modest = vec![wait(&turns, "modest")];
        assert!(come(&mut modest).is_empty());
        let mut ended = 0;
        let mut found = Vec::new();
        while found.is_empty() {
            running.remove(0);
            ended += 1;
            found = come(&mut modest);
            running.extend(come(&mut flood));
            running.extend(come(&mut second));
            assert!(ended < 60, "it must come before the floods are over");
        }
        assert!(
            ended <= 3,
            "a turn for each flood that was there before, then its own: {ended}"
        );
    }

    #[test]
    fn half_is_the_most_while_others_wait() {
        let turns = Turns::new(4);
        let mut a: Vec<_> = (0..30).map(|_| wait(&turns, "a")).collect();
        let mut b: Vec<_> = (0..30).map(|_| wait(&turns, "b")).collect();
        let mut running = come(&mut a);
        running.extend(come(&mut b));
        for _ in 0..20 {
            running.remove(0);
            running.extend(come(&mut a));
            running.extend(come(&mut b));
        }
        let of_a = names(&running).iter().filter(|name| **name == "a").count();
        assert_eq!((of_a, running.len()), (2, 4));
    }

    #[test]
    fn who_gives_up_loses_its_place_and_no_turn() {
        let turns = Turns::new(1);
        let first = look(&mut wait(&turns, "a")).unwrap().unwrap();
        let (gone, given) = (wait(&turns, "b"), wait(&turns, "c"));
        let mut last = wait(&turns, "d");
        drop(gone);
        // The turn is c's already when c gives up.
        drop(first);
        drop(given);
        assert_eq!(look(&mut last).unwrap().unwrap().of.as_str(), "d");
        assert!(turns.hall().waiting.is_empty());
    }

    #[test]
    fn waiting_has_a_bound_for_one_and_for_all() {
        let turns = Turns::new(1);
        let running = look(&mut wait(&turns, "a")).unwrap().unwrap();
        let mut waiting: Vec<_> = (0..MOST_OF_ONE).map(|_| wait(&turns, "a")).collect();
        let refused = look(&mut wait(&turns, "a")).unwrap();
        assert_eq!(refused.unwrap_err(), Crowded::Workspace);
        for number in 0..MOST_OF_ALL - MOST_OF_ONE {
            waiting.push(wait(&turns, &format!("w{}", number / MOST_OF_ONE)));
        }
        let refused = look(&mut wait(&turns, "z")).unwrap();
        assert_eq!(refused.unwrap_err(), Crowded::Everybody);
        waiting.truncate(1);
        assert!(
            look(&mut wait(&turns, "z")).is_none(),
            "those who left make room"
        );
        drop(running);
    }

    proptest! {
        /// Whatever comes, gives up and ends: never too many run, no turn is lost, and nobody waits beside a turn that it might have.
        #[test]
        fn no_turn_is_lost(all in 1_usize..6, acts in proptest::collection::vec((0_u8..4, 0_usize..4, 0_usize..8), 1..120)) {
            let turns = Turns::new(all);
            let (mut waiting, mut running) = (Vec::new(), Vec::<Turn>::new());
            for (act, of, place) in acts {
                match act {
                    0 | 1 => waiting.push(wait(&turns, ["a", "b", "c", "d"][of])),
                    2 if !running.is_empty() => drop(running.remove(place % running.len())),
                    3 if !waiting.is_empty() => drop(waiting.remove(place % waiting.len())),
                    _ => {}
                }
                running.extend(come(&mut waiting));
                prop_assert!(running.len() <= all);
                let reserved = usize::from(all > 1);
                prop_assert!(waiting.is_empty() || running.len() >= all - reserved);
            }
            drop(waiting);
            drop(running);
            prop_assert!(turns.hall().running.is_empty() && turns.hall().waiting.is_empty());
        }
    }
}
