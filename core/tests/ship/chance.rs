//! Whatever the other side answers, in any order, and wherever the process is cut off: every record has arrived
//! or is set aside, and none is in both places.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use whence_core::account::LaneAccount;
use whence_core::journal::{self, Block, BlockId, Seq};
use whence_core::ship::aside::Aside;
use whence_core::ship::{DeliverError, Settings, Sink};

use crate::support::{Running, options, quick, until};

#[derive(Clone, Copy, Debug)]
enum Answer {
    Take,
    /// It is taken, and the answer is lost.
    TakeInSilence,
    Later,
    Refuse,
    Dispute,
    Hang,
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        3 => Just(Answer::Take),
        1 => Just(Answer::TakeInSilence),
        1 => Just(Answer::Later),
        3 => Just(Answer::Refuse),
        1 => Just(Answer::Dispute),
        1 => Just(Answer::Hang),
    ]
}

/// What a start of the process lives through.
#[derive(Clone, Debug)]
struct Life {
    appends: u16,
    answers: Vec<Answer>,
    /// When it is cut off, in tenths of a millisecond.
    cut: u16,
    /// Whether somebody asks for all that is set aside to be sent again.
    asks: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let answers = prop::collection::vec(answer(), 1..30);
    (0..60_u16, answers, 0..400_u16, any::<bool>()).prop_map(|(appends, answers, cut, asks)| Life {
        appends,
        answers,
        cut,
        asks,
    })
}

/// Answers from a list, over and over; what it has once it says it has.
#[derive(Default)]
struct Fate {
    answers: Mutex<(Vec<Answer>, usize)>,
    taken: Mutex<BTreeMap<BlockId, Block>>,
}

impl Sink for Fate {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        if let Some(before) = self.taken.lock().unwrap().get(&block.id()) {
            assert_eq!(before.wire(), block.wire(), "a block changed");
            return Ok(());
        }
        let answer = {
            let (answers, next) = &mut *self.answers.lock().unwrap();
            let answer = answers[*next % answers.len()];
            *next += 1;
            answer
        };
        let take = || self.taken.lock().unwrap().insert(block.id(), block.clone());
        match answer {
            Answer::Take => {
                take();
                Ok(())
            }
            Answer::TakeInSilence => {
                take();
                Err(DeliverError::Retry("the line broke".into()))
            }
            Answer::Later => Err(DeliverError::Retry("away".into())),
            Answer::Refuse => Err(DeliverError::Refused("never".into())),
            Answer::Dispute => Err(DeliverError::Disputed("never, here".into())),
            Answer::Hang => {
                tokio::time::sleep(Duration::from_millis(8)).await;
                Err(DeliverError::Retry("no answer".into()))
            }
        }
    }

    async fn account(&self, _: &[LaneAccount]) -> Result<(), DeliverError> {
        Ok(())
    }
}

fn settings() -> Settings {
    Settings {
        gather: Duration::from_millis(1),
        block_records: 7,
        first_pause: Duration::from_micros(100),
        longest_pause: Duration::from_micros(500),
        refusals: 2,
        refused_for: Duration::ZERO,
        disputed_for: Duration::from_millis(1),
        look: Duration::from_millis(2),
        ..quick()
    }
}

fn ask_for_all(aside: &Aside) {
    for entry in aside.list().unwrap() {
        // It may have arrived in the same moment.
        let _ = aside.request(entry.id);
    }
}

/// Runs a process: what it begins on other threads ends with it.
fn process<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(life)
}

fn live_through(lives: Vec<Life>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lane-0");
    let open = || journal::open(&path, options()).unwrap();
    let aside = Aside::of(&path);
    let fate = Arc::new(Fate::default());
    let mut appended = BTreeMap::new();
    for life in lives {
        let (mut writer, reader) = open();
        for _ in 0..life.appends {
            let payload = writer.next_seq().wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let seq = writer.append(&payload.to_le_bytes()).unwrap();
            appended.insert(seq, payload.to_le_bytes().to_vec());
        }
        *fate.answers.lock().unwrap() = (life.answers, 0);
        if life.asks {
            ask_for_all(&aside);
        }
        process(async {
            let running = Running::start(reader, &fate, settings());
            tokio::time::sleep(Duration::from_micros(100) * u32::from(life.cut)).await;
            running.crash().await;
        });
    }
    // The last start is left alone until nothing waits.
    let (writer, reader) = open();
    *fate.answers.lock().unwrap() = (vec![Answer::Refuse, Answer::Take], 0);
    // What arrived while the answer was lost is set aside still; sent once more, it counts once.
    let both = || -> Vec<BlockId> {
        let kept = aside.list().unwrap();
        let taken = fate.taken.lock().unwrap();
        let both = kept.iter().filter(|it| taken.contains_key(&it.id));
        both.map(|it| it.id).collect()
    };
    for id in both() {
        aside.request(id).unwrap();
    }
    process(async {
        let running = Running::start(reader, &fate, settings());
        until("nothing is in both places", || both().is_empty()).await;
        running.stop().await;
    });
    drop(writer);
    let (_writer, mut reader) = open();
    let left = reader.next_block(1 << 20, 1_000).unwrap();
    assert_eq!(left, None, "all is freed");

    let taken = fate.taken.lock().unwrap();
    let kept: BTreeSet<_> = aside.list().unwrap().iter().map(|it| it.id).collect();
    let mut found: BTreeMap<Seq, Vec<u8>> = BTreeMap::new();
    let kept = kept.iter().map(|id| aside.read(*id).unwrap());
    for block in taken.values().cloned().chain(kept) {
        for (seq, payload) in block.records() {
            let before = found.insert(seq, payload.to_vec());
            assert_eq!(before, None, "record {seq} is in two blocks");
        }
    }
    assert_eq!(found, appended);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(2026),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_arrives_or_is_set_aside(lives in prop::collection::vec(life(), 1..6)) {
        live_through(lives);
    }
}
