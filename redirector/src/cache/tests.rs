//! The near cache against a store that the test holds in its hand.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::*;

impl Weight for u32 {
    fn bytes(&self) -> usize {
        4
    }
}

/// A store whose answers can be held back and which can be away.
#[derive(Default)]
struct Hand {
    values: Mutex<BTreeMap<String, u32>>,
    away: std::sync::atomic::AtomicBool,
    asked: AtomicUsize,
    gate: Option<Semaphore>,
}

impl Load for Arc<Hand> {
    type Value = u32;

    async fn load(&self, key: String) -> Result<Option<u32>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let value = self.values.lock().unwrap().get(&key).copied();
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(value)
    }
}

fn hand(values: &[(&str, u32)]) -> Arc<Hand> {
    let values = values.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    Arc::new(Hand {
        values: Mutex::new(values),
        ..Hand::default()
    })
}

fn cache(hand: &Arc<Hand>, ttl: Duration) -> Arc<NearCache<Arc<Hand>>> {
    NearCache::new(Arc::clone(hand), 1 << 20, 100, ttl)
}

/// Lets every task that can go on do so: a look-up is a task started by a task.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn present_and_absent_are_asked_once() {
    let hand = hand(&[("a", 1)]);
    let cache = cache(&hand, LONG);
    for _ in 0..3 {
        assert_eq!(cache.get("a").await.unwrap().value, Some(1));
        assert_eq!(cache.get("b").await.unwrap().value, None);
    }
    assert_eq!(hand.asked.load(Ordering::SeqCst), 2);
    assert_eq!(cache.len(), (1, 1));
}

#[tokio::test]
async fn concurrent_misses_ask_once() {
    let hand = Arc::new(Hand {
        gate: Some(Semaphore::new(0)),
        ..Hand::default()
    });
    hand.values.lock().unwrap().insert("a".into(), 1);
    let cache = cache(&hand, LONG);
    let all = futures::future::join_all((0..100).map(|_| cache.get("a")));
    let (all, ()) = tokio::join!(all, async {
        settle().await;
        hand.gate.as_ref().unwrap().add_permits(100);
    });
    assert!(all.into_iter().all(|known| known.unwrap().value == Some(1)));
    assert_eq!(hand.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_look_up_that_raced_a_change_is_not_kept() {
    let hand = Arc::new(Hand {
        gate: Some(Semaphore::new(0)),
        ..Hand::default()
    });
    hand.values.lock().unwrap().insert("a".into(), 1);
    let cache = cache(&hand, LONG);
    let first = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get("a").await.unwrap().value }
    });
    settle().await;
    // The store has answered 1 already, the answer is under way; now the link is edited.
    hand.values.lock().unwrap().insert("a".into(), 2);
    cache.forget("a");
    hand.gate.as_ref().unwrap().add_permits(10);
    assert_eq!(first.await.unwrap(), Some(1), "asked before the edit");
    assert_eq!(
        cache.get("a").await.unwrap().value,
        Some(2),
        "asked after it"
    );
}

#[tokio::test]
async fn a_store_that_is_away_leaves_what_was_known() {
    let hand = hand(&[("a", 1)]);
    let cache = cache(&hand, Duration::ZERO);
    assert!(!cache.get("a").await.unwrap().stale);
    assert_eq!(cache.get("b").await.unwrap().value, None);
    hand.away.store(true, Ordering::SeqCst);
    let known = cache.get("a").await.unwrap();
    assert_eq!((known.value, known.stale), (Some(1), true));
    assert!(
        cache.get("b").await.is_err(),
        "never 'not found' while the store is away"
    );
    assert!(cache.get("c").await.is_err());
}

#[tokio::test]
async fn distrust_asks_again_but_keeps_for_the_worst() {
    let hand = hand(&[("a", 1)]);
    let cache = cache(&hand, LONG);
    cache.get("a").await.unwrap();
    hand.values.lock().unwrap().insert("a".into(), 2);
    cache.distrust_all();
    hand.away.store(true, Ordering::SeqCst);
    assert_eq!(cache.get("a").await.unwrap().value, Some(1));
    hand.away.store(false, Ordering::SeqCst);
    // Answered at once from memory, and asked for behind that.
    assert!(cache.get("a").await.unwrap().stale);
    settle().await;
    assert_eq!(cache.get("a").await.unwrap().value, Some(2));
}

#[tokio::test]
async fn memory_is_bounded() {
    let values: Vec<_> = (0..10_000_u32)
        .map(|n| (format!("key-{n:05}"), n))
        .collect();
    let hand = Arc::new(Hand {
        values: Mutex::new(values.iter().cloned().collect()),
        ..Hand::default()
    });
    let cache = NearCache::new(Arc::clone(&hand), 100_000, 50, LONG);
    for (key, value) in &values {
        assert_eq!(cache.get(key).await.unwrap().value, Some(*value));
        cache.get(&format!("no-{key}")).await.unwrap();
    }
    assert!(cache.bytes() <= 100_000);
    assert!(
        cache.len().0 < 2_000 && cache.len().1 <= 50,
        "{:?}",
        cache.len()
    );
}

#[tokio::test]
async fn a_look_up_whose_asker_has_gone_lands_all_the_same() {
    let hand = Arc::new(Hand {
        gate: Some(Semaphore::new(0)),
        ..Hand::default()
    });
    hand.values.lock().unwrap().insert("a".into(), 1);
    let cache = cache(&hand, LONG);
    let asker = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get("a").await.map(|known| known.value) }
    });
    settle().await;
    asker.abort();
    settle().await;
    hand.gate.as_ref().unwrap().add_permits(1);
    settle().await;
    assert!(cache.lock_flights().is_empty(), "nothing is left behind");
    assert_eq!(cache.get("a").await.unwrap().value, Some(1));
    assert_eq!(
        hand.asked.load(Ordering::SeqCst),
        1,
        "and its answer was kept"
    );
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_a_known_link_for_a_moment_and_then_not_at_all() {
    let mut hand = Hand {
        gate: Some(Semaphore::new(1)),
        ..Hand::default()
    };
    hand.values.get_mut().unwrap().insert("a".into(), 1);
    let hand = Arc::new(hand);
    let cache = cache(&hand, LONG);
    assert!(!cache.get("a").await.unwrap().stale);
    cache.distrust_all();
    // The gate is shut now: the store hangs.
    let start = Instant::now();
    let known = cache.get("a").await.unwrap();
    assert_eq!((known.value, known.stale), (Some(1), true));
    assert!(start.elapsed() >= PATIENCE, "{:?}", start.elapsed());
    // And now it says that it is away.
    hand.away.store(true, Ordering::SeqCst);
    hand.gate.as_ref().unwrap().add_permits(1);
    settle().await;
    let known = cache
        .get("a")
        .now_or_never()
        .expect("nothing is waited for");
    assert!(known.unwrap().stale);
}

#[derive(Clone, Debug)]
enum Step {
    Ask(u8),
    Edit(u8, Option<u32>),
    Land,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Step::Ask),
        2 => (0..3_u8, any::<Option<u32>>()).prop_map(|(key, value)| Step::Edit(key, value)),
        3 => Just(Step::Land),
    ]
}

proptest! {
    /// Whatever the order of asking, editing and landing: once all is still, the cache says what the
    /// store says, and an answer asked for after an edit never shows what was before it.
    #[test]
    fn no_order_of_look_ups_and_changes_leaves_an_old_value(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build().unwrap();
        runtime.block_on(async {
            let hand = Arc::new(Hand { gate: Some(Semaphore::new(0)), ..Hand::default() });
            let cache = cache(&hand, LONG);
            let mut asked = Vec::new();
            for step in steps {
                match step {
                    Step::Ask(key) => {
                        let key = key.to_string();
                        let now = hand.values.lock().unwrap().get(&key).copied();
                        let cache = Arc::clone(&cache);
                        asked.push((key.clone(), now, tokio::spawn(async move { cache.get(&key).await.unwrap().value })));
                    }
                    Step::Edit(key, value) => {
                        let key = key.to_string();
                        // Whoever asked before the edit may see either; from here on only the new.
                        settle().await;
                        match value {
                            Some(value) => hand.values.lock().unwrap().insert(key.clone(), value),
                            None => hand.values.lock().unwrap().remove(&key),
                        };
                        cache.forget(&key);
                    }
                    Step::Land => {
                        hand.gate.as_ref().unwrap().add_permits(1);
                        settle().await;
                    }
                }
            }
            hand.gate.as_ref().unwrap().add_permits(10_000);
            for (key, expected, task) in asked {
                let seen = task.await.unwrap();
                prop_assert_eq!(seen, expected, "{}", key);
            }
            for key in ["0", "1", "2"] {
                let truth = hand.values.lock().unwrap().get(key).copied();
                prop_assert_eq!(cache.get(key).await.unwrap().value, truth);
            }
            Ok(())
        })?;
    }
}
