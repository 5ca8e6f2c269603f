//! The matching against every way that there is, and what must hold of it whatever happened.

use proptest::prelude::*;

use super::matching::{Event, Order, Plan, Way};

/// When the range begins and ends: some events come before it, some behind.
const ENTERED: std::ops::Range<i64> = 3..30;

fn event() -> impl Strategy<Value = Event> {
    // Few times, so that many are equal; now and then an event that serves nothing.
    (0..40_i64, 0..16_u16, 0..4_u16).prop_map(|(at, steps, excluded)| Event {
        at,
        steps,
        excluded: if at % 3 == 0 { excluded } else { 0 },
    })
}

prop_compose! {
    fn events()(mut events in prop::collection::vec(event(), 0..14)) -> Vec<Event> {
        events.sort_by_key(|event| event.at);
        events
    }
}

const ORDERS: [Order; 3] = [Order::Ordered, Order::Strict, Order::Any];

prop_compose! {
    fn plan(orders: &'static [Order])(
        steps in 2..=4_usize,
        order in prop::sample::select(orders),
        window in 1..40_i64,
        within in prop::collection::vec(prop::option::of(1..20_i64), 4),
        excluded in prop::collection::vec(0..4_u16, 4),
        now in 0..80_i64,
    ) -> Plan {
        Plan { steps, order, entered: ENTERED, window, within, excluded, now }
    }
}

/// The events that serve no more steps than a plan has.
fn of_plan(plan: &Plan, mut events: Vec<Event>) -> Vec<Event> {
    let all = (1 << plan.steps) - 1;
    events.iter_mut().for_each(|event| event.steps &= all);
    events
}

fn entry(plan: &Plan, events: &[Event]) -> Option<usize> {
    let serves = if plan.order == Order::Any {
        u16::MAX
    } else {
        1
    };
    let mut numbered = events.iter().enumerate();
    let entry =
        numbered.find(|(_, event)| event.steps & serves != 0 && ENTERED.contains(&event.at));
    entry.map(|(number, _)| number)
}

/// The longest way behind these events, of several the first, by trying all.
fn longest(plan: &Plan, events: &[Event], taken: &[usize]) -> Vec<usize> {
    let step = taken.len();
    let mut best = taken.to_vec();
    if step == plan.steps {
        return best;
    }
    let (first, before) = (events[taken[0]].at, taken[step - 1]);
    for next in before + 1..events.len() {
        let at = events[next].at;
        let between = &events[before + 1..next];
        let fits = events[next].steps >> step & 1 == 1
            && at - first <= plan.window
            && plan.within[step].is_none_or(|within| at - events[before].at <= within)
            && between
                .iter()
                .all(|event| event.excluded & plan.excluded[step] == 0)
            && (plan.order != Order::Strict
                || between
                    .iter()
                    .all(|event| event.steps == 0 || event.steps >> (step - 1) & 1 == 1));
        if fits {
            let further = longest(plan, events, &[taken, &[next]].concat());
            if further.len() > best.len() {
                best = further;
            }
        }
    }
    best
}

/// The most steps that different events can serve, by trying all.
fn most(steps: usize, events: &[u16], done: u16) -> usize {
    let Some((event, rest)) = events.split_first() else {
        return done.count_ones() as usize;
    };
    let serves = (0..steps).filter(|step| (event & !done) >> step & 1 == 1);
    let found = serves.map(|step| most(steps, rest, done | 1 << step));
    found.chain([most(steps, rest, done)]).max().unwrap_or(0)
}

fn length(way: Option<&Way>) -> usize {
    way.map_or(0, |way| way.taken.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nobody_could_have_got_further(plan in plan(&ORDERS), events in events()) {
        let events = of_plan(&plan, events);
        let way = plan.way(&events);
        let Some(entry) = entry(&plan, &events) else {
            prop_assert_eq!(way, None);
            return Ok(());
        };
        let way = way.unwrap();
        if plan.order == Order::Any {
            let last = events[entry].at + plan.window;
            let mut taken = Vec::new();
            for (number, event) in events.iter().enumerate().skip(entry) {
                let some: Vec<u16> = events[entry..=number].iter().map(|event| event.steps).collect();
                if event.at <= last && most(plan.steps, &some, 0) > taken.len() {
                    taken.push(number);
                }
            }
            prop_assert_eq!(way.open, taken.len() < plan.steps && plan.now <= last);
            prop_assert_eq!(way.taken, taken);
        } else {
            let taken = longest(&plan, &events, &[entry]);
            prop_assert_eq!(&way.taken, &taken);
            let mut more = events.clone();
            more.push(Event { at: plan.now, steps: 1 << taken.len(), excluded: 0 });
            let further = taken.len() < plan.steps && longest(&plan, &more, &[entry]).len() > taken.len();
            prop_assert_eq!(way.open, further);
        }
    }

    #[test]
    fn one_event_serves_one_step_and_time_goes_on(plan in plan(&ORDERS), events in events()) {
        let events = of_plan(&plan, events);
        if let Some(way) = plan.way(&events) {
            prop_assert!((1..=plan.steps).contains(&way.taken.len()));
            prop_assert!(way.taken.is_sorted_by(|one, next| one < next));
            prop_assert!(!(way.open && way.taken.len() == plan.steps));
        }
    }

    /// A filter on a later step, or one exclusion more.
    #[test]
    fn what_asks_for_less_never_counts_more(
        plan in plan(&[Order::Ordered, Order::Any]), events in events(), kept in prop::collection::vec(any::<u16>(), 14), more in 0..4_u16,
    ) {
        let events = of_plan(&plan, events);
        let way = plan.way(&events);
        let all = if plan.order == Order::Any { 0 } else { 1 };
        let mut fewer = events.clone();
        for (event, kept) in fewer.iter_mut().zip(kept) {
            event.steps &= kept | all;
        }
        if plan.order == Order::Ordered {
            prop_assert!(length(plan.way(&fewer).as_ref()) <= length(way.as_ref()));
        }
        let mut stricter = plan.clone();
        stricter.excluded.iter_mut().for_each(|excluded| *excluded |= more);
        prop_assert!(length(stricter.way(&events).as_ref()) <= length(way.as_ref()));
        let mut longer = plan.clone();
        longer.window += 1;
        prop_assert!(length(longer.way(&events).as_ref()) >= length(way.as_ref()));
    }
}

#[test]
fn a_later_event_may_lead_on_where_the_first_does_not() {
    let plan = Plan {
        steps: 3,
        order: Order::Ordered,
        entered: 0..10,
        window: 100,
        within: vec![None, None, Some(5)],
        excluded: vec![0; 3],
        now: 0,
    };
    let at = |at, steps| Event {
        at,
        steps,
        excluded: 0,
    };
    let events = [at(0, 1), at(1, 2), at(8, 2), at(9, 2), at(12, 4)];
    let way = plan.way(&events).unwrap();
    assert_eq!(way.taken, [0, 2, 4]);
}

#[test]
fn many_events_of_one_person_are_no_trouble() {
    let plan = Plan {
        steps: 10,
        order: Order::Strict,
        entered: 0..10,
        window: i64::MAX / 2,
        within: vec![Some(3); 10],
        excluded: vec![1; 10],
        now: 0,
    };
    let events: Vec<Event> = (0..300_000)
        .map(|at| Event {
            at,
            steps: 0b11_1111_1111,
            excluded: 0,
        })
        .collect();
    let way = plan.way(&events).unwrap();
    assert_eq!(way.taken, Vec::from_iter(0..10));
}
