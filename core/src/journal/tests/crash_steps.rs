//! One script, crashed at each of its steps, and at each step of the start after that.

use super::{
    crash::{Crash, Plan},
    harness::Harness,
    model::ModelFs,
    paged,
};

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

fn run(plan: Option<Plan>, crash: Crash, again: &[Plan], seed: u64) -> u64 {
    let mut harness = Harness::new(ModelFs::default(), paged(), seed);
    harness.fs.plan(plan);
    if harness.start() {
        script(&mut harness);
    }
    let steps = harness.fs.steps();
    if harness.fs.is_down() {
        harness.crash(crash, again);
        // The lane is not only readable, it works.
        script(&mut harness);
    }
    harness.finish();
    steps
}

const KINDS: [(Crash, bool); 4] = [
    (Crash::Process, false),
    (Crash::Process, true),
    (Crash::Power, false),
    (Crash::Power, true),
];

#[test]
fn a_crash_at_any_step_leaves_a_lane_that_opens() {
    let steps = run(None, Crash::Process, &[], 0);
    assert!(steps > 80, "the script has only {steps} steps");
    for at in 1..=steps {
        for (crash, after) in KINDS {
            let seeds = if crash == Crash::Power { 4 } else { 1 };
            for seed in 0..seeds {
                run(Some(Plan { at, after }), crash, &[], at << 8 | seed);
            }
        }
    }
}

#[test]
fn so_does_a_second_crash_at_any_step_of_the_start() {
    let steps = run(None, Crash::Process, &[], 0);
    for at in (1..=steps).step_by(9) {
        for (crash, after) in KINDS {
            for second in 1..25 {
                let again = [Plan {
                    at: second,
                    after: !after,
                }];
                run(Some(Plan { at, after }), crash, &again, at << 8 | second);
            }
        }
    }
}

#[test]
fn a_crash_while_the_ledger_is_rewritten_loses_nothing() {
    // Three rounds short of a full half: two heads, a cursor, then two entries a round.
    let mut full = Harness::new(ModelFs::default(), paged(), 0);
    assert!(full.start());
    for _ in 0..507 {
        full.append(10);
        assert!(full.block(1 << 20, 1000));
        full.ack();
    }
    let go_on = |harness: &mut Harness| {
        for _ in 0..8 {
            harness.append(10);
            if harness.fs.is_down() || !harness.block(1 << 20, 1000) {
                break;
            }
            harness.ack();
            if harness.fs.is_down() {
                break;
            }
        }
    };
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
