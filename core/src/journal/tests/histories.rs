//! Random histories: whatever happens in whatever order, the oracle is right.

use proptest::prelude::*;

use super::{
    crash::{Crash, Plan},
    harness::Harness,
    model::ModelFs,
    paged, small,
};
use crate::journal::LaneOptions;

#[derive(Debug, Clone)]
enum Event {
    Append {
        bytes: usize,
    },
    Prepare,
    Sync,
    Block {
        max_bytes: usize,
        max_records: u32,
    },
    Ack,
    Rewind,
    Reopen,
    Crash {
        crash: Crash,
    },
    /// The machine goes down in the middle of what comes next, and at these steps of the starts after it.
    CrashAhead {
        crash: Crash,
        plan: Plan,
        again: Vec<Plan>,
    },
    FailSync {
        others: u64,
    },
    Capacity {
        bytes: Option<u64>,
    },
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Process), Just(Crash::Power)]
}

fn plan(steps: u64) -> impl Strategy<Value = Plan> {
    (1..steps, any::<bool>()).prop_map(|(at, after)| Plan { at, after })
}

fn event() -> impl Strategy<Value = Event> {
    // Records of which some, one, or none fits; and too large ones.
    let sizes =
        prop_oneof![8 => 8..200usize, 2 => 0..8usize, 2 => 900..=1000usize, 1 => 1001..5000usize];
    prop_oneof![
        24 => sizes.prop_map(|bytes| Event::Append { bytes }),
        4 => Just(Event::Prepare),
        4 => Just(Event::Sync),
        8 => (1..6000usize, 1..20u32).prop_map(|(max_bytes, max_records)| Event::Block { max_bytes, max_records }),
        6 => Just(Event::Ack),
        1 => Just(Event::Rewind),
        1 => Just(Event::Reopen),
        1 => crash().prop_map(|crash| Event::Crash { crash }),
        3 => (crash(), plan(12), prop::collection::vec(plan(30), 0..3))
            .prop_map(|(crash, plan, again)| Event::CrashAhead { crash, plan, again }),
        1 => (0..4u64).prop_map(|others| Event::FailSync { others }),
        1 => prop::option::of(150_000..180_000u64).prop_map(|bytes| Event::Capacity { bytes }),
    ]
}

fn play(options: LaneOptions, events: &[Event], seed: u64) {
    let mut harness = Harness::new(ModelFs::default(), options, seed);
    assert!(harness.start());
    let mut ahead = (Crash::Process, Vec::new());
    for event in events {
        match event {
            Event::Append { bytes } => harness.append(*bytes),
            Event::Prepare => harness.prepare(),
            Event::Sync => harness.sync(),
            Event::Block {
                max_bytes,
                max_records,
            } => {
                harness.block(*max_bytes, *max_records);
            }
            Event::Ack => harness.ack(),
            Event::Rewind => harness.rewind(),
            Event::Reopen => harness.reopen(),
            Event::Crash { crash } => harness.crash(*crash, &[]),
            Event::CrashAhead { crash, plan, again } => {
                ahead = (*crash, again.clone());
                harness.fs.plan(Some(*plan));
            }
            Event::FailSync { others } => harness.fs.fail_sync_after(Some(*others)),
            Event::Capacity { bytes } => harness.fs.set_capacity(*bytes),
        }
        if harness.fs.is_down() {
            harness.crash(ahead.0, &ahead.1);
        }
    }
    harness.finish();
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn every_history_is_read_back(
        is_paged in any::<bool>(),
        events in prop::collection::vec(event(), 1..150),
        seed in any::<u64>(),
    ) {
        play(if is_paged { paged() } else { small() }, &events, seed);
    }
}
