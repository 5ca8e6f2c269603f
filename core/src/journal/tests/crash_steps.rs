//! One script, crashed at each of its steps, and at each step of the start after that.

use super::{
    crash::{Crash, Plan},
    harness::Harness,
    model::ModelFs,
    paged, small,
};
use crate::journal::LaneOptions;

/// Every operation, several roll-overs, a full lane, and segments that come and go.
fn script(harness: &mut Harness) {
    for round in 0..6usize {
        for place in 0..9usize {
            harness.append([20, 0, 700, 1000, 3, 1001, 350, 8, 900][(round + place) % 9]);
            if place % 4 == 1 {
                harness.prepare();
            }
            if place == 5 {
                harness.sync();
            }
            if harness.fs.is_down() {
                return;
            }
        }
        for step in 0..4 {
            match step {
                0 => drop(harness.block(1500, 5)),
                1 => drop(harness.block(1 << 20, 1000)),
                2 => harness.ack(),
                _ if round % 2 == 1 => harness.ack(),
                _ => harness.rewind(),
            }
            if harness.fs.is_down() {
                return;
            }
        }
        if round == 3 {
            harness.reopen();
            if harness.fs.is_down() {
                return;
            }
        }
    }
}

/// The script, crashed; what `then` does to the lane after it; and all read back. Returns the steps.
fn run(
    options: &LaneOptions,
    plan: Option<Plan>,
    crash: Crash,
    seed: u64,
    then: impl Fn(&mut Harness),
) -> u64 {
    let mut harness = Harness::new(ModelFs::default(), options.clone(), seed);
    harness.fs.plan(plan);
    if harness.start() {
        script(&mut harness);
    }
    let steps = harness.fs.steps();
    if harness.fs.is_down() {
        harness.crash(crash, &[]);
        then(&mut harness);
    }
    harness.finish();
    steps
}

fn steps(options: &LaneOptions) -> u64 {
    let steps = run(options, None, Crash::Process, 0, script);
    assert!(steps > 80, "the script has only {steps} steps");
    steps
}

const KINDS: [(Crash, bool); 4] = [
    (Crash::Process, false),
    (Crash::Process, true),
    (Crash::Power, false),
    (Crash::Power, true),
];

#[test]
fn a_crash_at_any_step_leaves_a_lane_that_opens_and_works() {
    for options in [small(), paged()] {
        for at in 1..=steps(&options) {
            for (crash, after) in KINDS {
                run(&options, Some(Plan { at, after }), crash, at, script);
            }
        }
    }
}

#[test]
fn power_loss_soon_after_a_process_crash_takes_nothing_that_was_promised() {
    // What the dead process wrote and did not sync is promised by the next one, which saw it.
    let promise = |harness: &mut Harness| {
        harness.block(1500, 5);
        (0..6).for_each(|_| harness.append(900));
        harness.sync();
        harness.crash(Crash::Power, &[]);
    };
    for options in [small(), paged()] {
        for at in 1..=steps(&options) {
            for after in [false, true] {
                for seed in 0..2 {
                    let plan = Some(Plan { at, after });
                    run(&options, plan, Crash::Process, at << 8 | seed, promise);
                }
            }
        }
    }
}

#[test]
fn a_second_crash_at_any_step_of_the_start_leaves_a_lane_that_opens() {
    let options = paged();
    for at in (1..=steps(&options)).step_by(15) {
        for (crash, after) in KINDS {
            for second in 1..25 {
                let again = [Plan {
                    at: second,
                    after: !after,
                }];
                let crash_again = |harness: &mut Harness| harness.crash(crash, &again);
                run(
                    &options,
                    Some(Plan { at, after }),
                    crash,
                    at << 8 | second,
                    crash_again,
                );
            }
        }
    }
}

#[test]
fn a_crash_while_the_ledger_is_rewritten_loses_nothing() {
    // With 100 blocks under way, a rewritten ledger has more than a page, and its head stands before the rest.
    for unacked in [0, 100] {
        let full = nearly_full_ledger(unacked);
        let mut harness = full.fork(0);
        let before = harness.fs.steps();
        go_on(&mut harness);
        let steps = harness.fs.steps() - before;
        assert!(steps > 8 * 3, "the ledger was not rewritten: {steps} steps");
        harness.finish();
        for at in 1..=steps {
            for (crash, after) in KINDS {
                let mut harness = full.fork(at);
                harness.fs.plan(Some(Plan { at, after }));
                go_on(&mut harness);
                harness.crash(crash, &[]);
                go_on(&mut harness);
                harness.finish();
            }
        }
    }
}

/// A lane whose ledger has room for some rounds: 1,024 places, of which two heads, a cursor, the seals of the
/// blocks that are not acked, and then two entries a round.
fn nearly_full_ledger(unacked: usize) -> Harness {
    // Each block takes a page of its own, because it is synced.
    let options = LaneOptions {
        segment_bytes: 64 << 10,
        max_bytes: 1 << 20,
        ..small()
    };
    let mut harness = Harness::new(ModelFs::default(), options, 0);
    assert!(harness.start());
    for round in 0..(1024 - 3 - unacked) / 2 - 3 + unacked {
        harness.append(10);
        assert!(harness.block(1 << 20, 1000));
        if round >= unacked {
            harness.ack();
        }
    }
    harness
}

fn go_on(harness: &mut Harness) {
    harness.catch_up();
    for _ in 0..8 {
        harness.append(10);
        if harness.fs.is_down() || !harness.block(1 << 20, 1000) {
            return;
        }
        harness.ack();
        if harness.fs.is_down() {
            return;
        }
    }
}
