//! How far one person got: which of the person's events serve which step. Pure: knows events as times and bits, and nothing
//! of where they come from or what is counted of them.
//!
//! **In order.** The entry is the person's first event of the range that can serve step 1. A way is one event for each of the
//! first k steps, each later than the one before it (events have an order of their own where times are equal), so that
//!
//! - each comes at most `window` after the entry, and at most the step's own `within` after the one before it;
//! - no excluded event lies between two of them for whose gap it is excluded. What serves one of the two is not between them;
//! - if the order is strict, only events that can serve the step before lie between two of them, of all that any step asks for.
//!
//! A person has taken as many steps as the longest way has; its times are those of the way that has each step, from the second
//! on, as early as one of the longest can have it. Taking the earliest event each time is not enough: with a `within`, what is
//! missed from an early event may be reached from a later one. All of a step's constraints weaken as the event before comes
//! nearer, so of all ways to an event the one through the latest possible predecessor is the best: one look from left to right
//! finds what can be reached, one from right to left what leads on, without trying ways one by one.
//!
//! **In any order.** The entry is the first event of the range that can serve any step; the k-th step is taken when, at most
//! `window` after the entry, k steps are served by k different events. Each event adds one step or none (an augmenting path
//! of a bipartite matching, which may hand a step over from one event to another).

/// The most steps, for which there are bits.
pub(super) const MOST_STEPS: usize = 10;

/// In which order steps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// One after the other; other events may come between.
    Ordered,
    /// One after the other, and nothing that another step asks for between.
    Strict,
    /// As they come.
    Any,
}

/// An event of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// When, in milliseconds.
    pub(super) at: i64,
    /// Which steps it can serve: bit 0 is the first.
    pub(super) steps: u16,
    /// Which exclusions it is one of.
    pub(super) excluded: u16,
}

/// What is asked of a person.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many steps there are.
    pub(super) steps: usize,
    /// In which order.
    pub(super) order: Order,
    /// When an entry may be, in milliseconds, the end not included.
    pub(super) entered: std::ops::Range<i64>,
    /// The longest from the entry to any step, in milliseconds.
    pub(super) window: i64,
    /// For each step the longest from the step before.
    pub(super) within: Vec<Option<i64>>,
    /// For each step the exclusions that hold between the step before and it.
    pub(super) excluded: Vec<u16>,
    /// Until when all is known: what a step has time for beyond it is open.
    pub(super) now: i64,
}

/// How far somebody got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The number of the event that served each step that was taken; the first is the entry.
    pub(super) taken: Vec<usize>,
    /// Whether the next step may still be taken.
    pub(super) open: bool,
}

impl Plan {
    /// The way of a person with these events, in their order; nothing where there is no entry.
    pub(super) fn way(&self, events: &[Event]) -> Option<Way> {
        let can_enter = match self.order {
            Order::Ordered | Order::Strict => 1,
            Order::Any => u16::MAX,
        };
        let is_entry =
            |event: &Event| event.steps & can_enter != 0 && self.entered.contains(&event.at);
        let entry = events.iter().position(is_entry)?;
        Some(match self.order {
            Order::Ordered | Order::Strict => self.in_order(events, entry),
            Order::Any => self.in_any(events, entry),
        })
    }

    /// Until when, at most, a step can be taken by who entered then.
    pub(super) fn last(&self, entered: i64, before: i64, step: usize) -> i64 {
        let last = entered + self.window;
        self.within[step].map_or(last, |within| last.min(before + within))
    }

    fn in_order(&self, events: &[Event], entry: usize) -> Way {
        let bars: Vec<Vec<usize>> = (0..self.steps)
            .map(|step| self.bars(events, step))
            .collect();
        let leads = |step: usize, one: usize, next: usize| {
            let bars = &bars[step];
            let first = bars.partition_point(|&bar| bar <= one);
            let is_barred = bars.get(first).is_some_and(|&bar| bar < next);
            events[next].at <= self.last(events[entry].at, events[one].at, step) && !is_barred
        };
        let last = events.partition_point(|event| event.at <= events[entry].at + self.window);
        // What can be reached: for each step the numbers of events, ascending.
        let mut reached = vec![vec![entry]];
        while reached.len() < self.steps {
            let step = reached.len();
            let mut before = reached[step - 1].iter().copied().peekable();
            let mut nearest = None;
            let mut next = Vec::new();
            for (number, event) in events[..last].iter().enumerate().skip(entry) {
                if let Some(one) = nearest
                    && event.steps & (1 << step) != 0
                    && leads(step, one, number)
                {
                    next.push(number);
                }
                nearest = before.next_if_eq(&number).or(nearest);
            }
            if next.is_empty() {
                break;
            }
            reached.push(next);
        }
        let step = reached.len();
        let nearest = reached[step - 1].last().copied().unwrap_or(entry);
        // An event yet to come could take the next step where it leads on from the nearest.
        let open = step < self.steps
            && self.now <= self.last(events[entry].at, events[nearest].at, step)
            && bars[step].last().is_none_or(|&bar| bar <= nearest);
        // What of it leads to the end, from the last step back.
        for step in (1..reached.len()).rev() {
            let (before, here) = reached.split_at_mut(step);
            let here = &here[0];
            before[step - 1].retain(|&one| {
                let next = here.get(here.partition_point(|&next| next <= one));
                next.is_some_and(|&next| leads(step, one, next))
            });
        }
        let mut taken = vec![entry];
        for step in &reached[1..] {
            let one = taken[taken.len() - 1];
            taken.push(step[step.partition_point(|&next| next <= one)]);
        }
        Way { taken, open }
    }

    /// The events that may not stand between a step and the one before it.
    fn bars(&self, events: &[Event], step: usize) -> Vec<usize> {
        if step == 0 {
            return Vec::new();
        }
        let repeat = 1 << (step - 1);
        let is_bar = |event: &Event| {
            event.excluded & self.excluded[step] != 0
                || self.order == Order::Strict && event.steps != 0 && event.steps & repeat == 0
        };
        let numbered = events.iter().enumerate();
        let bars = numbered.filter(|(_, event)| is_bar(event));
        bars.map(|(number, _)| number).collect()
    }

    fn in_any(&self, events: &[Event], entry: usize) -> Way {
        let last = events[entry].at + self.window;
        let mut served_by = [None; MOST_STEPS];
        let mut taken = Vec::new();
        for (number, event) in events.iter().enumerate().skip(entry) {
            if event.at > last || taken.len() == self.steps {
                break;
            }
            if self.serves(events, number, &mut served_by, &mut 0) {
                taken.push(number);
            }
        }
        let open = taken.len() < self.steps && self.now <= last;
        Way { taken, open }
    }

    /// Finds a step for an event, if need be one that another event has and can leave for another step.
    fn serves(
        &self,
        events: &[Event],
        number: usize,
        served_by: &mut [Option<usize>; MOST_STEPS],
        asked: &mut u16,
    ) -> bool {
        for step in 0..self.steps {
            let bit = 1 << step;
            if events[number].steps & bit == 0 || *asked & bit != 0 {
                continue;
            }
            *asked |= bit;
            let is_free = match served_by[step] {
                None => true,
                Some(other) => self.serves(events, other, served_by, asked),
            };
            if is_free {
                served_by[step] = Some(number);
                return true;
            }
        }
        false
    }
}
