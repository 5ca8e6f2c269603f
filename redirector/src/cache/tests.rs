//! The near cache against a store that the test holds in its hand.

mod model;
mod outages;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Semaphore;

use super::*;

impl Weight for u32 {
    fn bytes(&self) -> usize {
        0
    }
}

/// A store whose answers can be held back and which can be away.
#[derive(Default)]
struct Hand {
    values: Mutex<BTreeMap<String, u32>>,
    away: AtomicBool,
    asked: AtomicUsize,
    gate: Option<Semaphore>,
}

impl Load for Arc<Hand> {
    type Value = Arc<Kept<u32>>;

    async fn load(&self, key: &OwnedKey, stamp: Stamp) -> Result<Option<Self::Value>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let value = self.values.lock().unwrap().get(key.as_key().text).copied();
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(value.map(|value| Kept::new(value, key.clone(), stamp)))
    }
}

impl Hand {
    fn new(values: &[(&str, u32)]) -> Self {
        let values = values.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        Self {
            values: Mutex::new(values),
            ..Self::default()
        }
    }

    /// With a gate that lets so many look-ups through.
    fn gated(values: &[(&str, u32)], permits: usize) -> Self {
        Self {
            gate: Some(Semaphore::new(permits)),
            ..Self::new(values)
        }
    }

    fn set(&self, key: &str, value: Option<u32>) {
        let mut values = self.values.lock().unwrap();
        match value {
            Some(value) => values.insert(key.into(), value),
            None => values.remove(key),
        };
    }

    fn open(&self, permits: usize) {
        self.gate.as_ref().unwrap().add_permits(permits);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The cache under test, asked by text alone.
#[derive(Clone)]
struct Asked(Arc<NearCache<Arc<Hand>>>);

impl Asked {
    fn new(hand: &Arc<Hand>, ttl: Duration) -> Self {
        Self::bounded(hand, 1 << 20, 100, ttl)
    }

    fn bounded(hand: &Arc<Hand>, bytes: usize, absent: usize, ttl: Duration) -> Self {
        let clock = Clock::start();
        Self(NearCache::new(Arc::clone(hand), bytes, absent, ttl, clock))
    }

    async fn known(&self, text: &str) -> Result<Known<u32>, Arc<StoreError>> {
        let key = Key { site: 0, text };
        let known = self.0.get(key, self.0.clock.now()).await?;
        Ok(Known {
            value: known.value.map(|kept| kept.value),
            stale: known.stale,
        })
    }

    /// What it says while the store answers.
    async fn get(&self, text: &str) -> Option<u32> {
        let known = self.known(text).await.unwrap();
        assert!(!known.stale, "{text}");
        known.value
    }

    fn forget(&self, text: &str) {
        self.0.forget(text, || vec![0]);
    }
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
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, LONG);
    for _ in 0..3 {
        assert_eq!(cache.get("a").await, Some(1));
        assert_eq!(cache.get("b").await, None);
    }
    assert_eq!(hand.asked(), 2);
    assert_eq!(cache.0.len(), (1, 1));
}

#[tokio::test]
async fn the_same_text_on_two_sites_is_two_keys() {
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, LONG);
    cache.get("a").await;
    let other = Key { site: 1, text: "a" };
    cache.0.get(other, 0).await.unwrap();
    assert_eq!((hand.asked(), cache.0.len().0), (2, 2));
    cache.forget("a");
    assert_eq!(cache.0.len().0, 1, "only at the site that was named");
}

#[tokio::test]
async fn concurrent_misses_ask_once() {
    let hand = Arc::new(Hand::gated(&[("a", 1)], 0));
    let cache = Asked::new(&hand, LONG);
    let all = futures::future::join_all((0..100).map(|_| cache.get("a")));
    let (all, ()) = tokio::join!(all, async {
        settle().await;
        hand.open(100);
    });
    assert!(all.into_iter().all(|value| value == Some(1)));
    assert_eq!(hand.asked(), 1);
}

#[tokio::test]
async fn a_look_up_that_raced_a_change_is_not_kept() {
    let hand = Arc::new(Hand::gated(&[("a", 1)], 0));
    let cache = Asked::new(&hand, LONG);
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get("a").await }
    });
    settle().await;
    // The store has answered 1 already, the answer is under way; now the link is edited.
    hand.set("a", Some(2));
    cache.forget("a");
    hand.open(10);
    assert_eq!(first.await.unwrap(), Some(1), "asked before the edit");
    assert_eq!(cache.get("a").await, Some(2), "asked after it");
}

#[tokio::test]
async fn a_filling_gives_way_to_what_is_known_and_to_what_has_changed() {
    let hand = Arc::new(Hand::new(&[("known", 1), ("edited", 1), ("new", 1)]));
    let cache = Asked::new(&hand, LONG);
    let filling = cache.0.filling();
    let old = |text: &str| {
        let key = Key { site: 0, text }.owned();
        Kept::new(0, key, filling.stamp)
    };
    cache.get("known").await;
    hand.set("edited", Some(2));
    cache.forget("edited");
    assert_eq!(cache.0.fill(&filling, old("known")), Filled::Passed);
    assert_eq!(cache.0.fill(&filling, old("edited")), Filled::Passed);
    assert_eq!(cache.0.fill(&filling, old("new")), Filled::Kept);
    assert_eq!(cache.get("known").await, Some(1));
    assert_eq!(cache.get("edited").await, Some(2));
    assert_eq!(cache.get("new").await, Some(0), "as it was filled");
    cache.0.distrust_all();
    assert_eq!(cache.0.fill(&filling, old("late")), Filled::Distrusted);
    assert_eq!(cache.get("new").await, Some(1), "asked again");
}

#[tokio::test]
async fn a_filling_pushes_nothing_out() {
    let hand = Arc::new(Hand::default());
    let cache = Asked::bounded(&hand, 100_000, 50, LONG);
    let filling = cache.0.filling();
    let mut kept = 0;
    let full = (0..10_000_u32).find(|n| {
        let key = Key {
            site: 0,
            text: &n.to_string(),
        }
        .owned();
        let filled = cache.0.fill(&filling, Kept::new(*n, key, filling.stamp));
        kept += usize::from(filled == Filled::Kept);
        filled == Filled::Full
    });
    assert!(full.is_some() && cache.0.bytes() <= 100_000);
    assert_eq!(cache.0.len().0, kept);
}

#[tokio::test]
async fn memory_is_bounded_and_what_is_hot_stays() {
    let values: Vec<_> = (0..10_000_u32)
        .map(|n| (format!("key-{n:05}"), n))
        .collect();
    let hand = Arc::new(Hand::default());
    *hand.values.lock().unwrap() = values.iter().cloned().collect();
    let cache = Asked::bounded(&hand, 100_000, 50, LONG);
    let hot = &values[..50];
    for (n, (key, value)) in values.iter().enumerate() {
        assert_eq!(cache.get(key).await, Some(*value));
        cache.get(&format!("no-{key}")).await;
        // Each hot key is asked for some ten times while the cache is filled anew once.
        if n > 50 {
            cache.get(&hot[n % 50].0).await;
            cache.get(&hot[(n * 7) % 50].0).await;
        }
    }
    assert!(cache.0.bytes() <= 100_000);
    let (present, absent) = cache.0.len();
    assert!(
        (400..1_000).contains(&present) && absent <= 50,
        "{present} {absent}"
    );
    let asked = hand.asked();
    for (key, _) in hot {
        cache.get(key).await;
    }
    assert!(hand.asked() - asked < 10, "{}", hand.asked() - asked);
}

#[tokio::test]
async fn what_is_forgotten_gives_its_bytes_back() {
    let hand = Arc::new(Hand::new(&[("a", 1), ("b", 2)]));
    let cache = Asked::new(&hand, LONG);
    cache.get("a").await;
    let one = cache.0.bytes();
    assert!((50..200).contains(&one), "{one}");
    cache.get("b").await;
    assert_eq!(cache.0.bytes(), 2 * one);
    cache.0.distrust_all();
    cache.get("b").await;
    assert_eq!(cache.0.bytes(), 2 * one, "replaced, not added");
    cache.forget("a");
    cache.forget("b");
    assert_eq!((cache.0.bytes(), cache.0.len()), (0, (0, 0)));
}

#[tokio::test]
async fn what_is_in_use_is_asked_about_again_before_it_is_too_old() {
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, Duration::from_secs(60));
    assert_eq!(cache.get("a").await, Some(1));
    // The push of this change is lost.
    hand.set("a", Some(2));
    cache.0.clock.skip(Duration::from_secs(29));
    assert_eq!(cache.get("a").await, Some(1));
    settle().await;
    assert_eq!(hand.asked(), 1, "young enough");
    cache.0.clock.skip(Duration::from_secs(16));
    assert_eq!(cache.get("a").await, Some(1), "it does not wait");
    settle().await;
    assert_eq!(cache.get("a").await, Some(2));
    assert_eq!(hand.asked(), 2);
}

#[tokio::test]
async fn what_was_learnt_in_one_go_is_not_asked_about_in_one_go() {
    let hand = Arc::new(Hand::default());
    let cache = Asked::new(&hand, Duration::from_secs(60));
    let all: Vec<_> = (0..400_u32).map(|n| (n.to_string(), n)).collect();
    *hand.values.lock().unwrap() = all.iter().cloned().collect();
    let ask_all = async || {
        let before = hand.asked();
        for (text, n) in &all {
            assert_eq!(cache.get(text).await, Some(*n));
        }
        settle().await;
        hand.asked() - before
    };
    assert_eq!(ask_all().await, 400);
    cache.0.clock.skip(Duration::from_secs(28));
    let mut asked = Vec::new();
    for _ in 0..6 {
        cache.0.clock.skip(Duration::from_secs(3));
        asked.push(ask_all().await);
    }
    assert_eq!(asked.iter().sum::<usize>(), 400);
    assert!(asked.iter().all(|part| *part < 150), "{asked:?}");
}

#[tokio::test]
async fn what_is_too_old_is_asked_for_and_waited_for() {
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, Duration::from_secs(60));
    assert_eq!(
        (cache.get("a").await, cache.get("b").await),
        (Some(1), None)
    );
    hand.set("a", Some(2));
    hand.set("b", Some(3));
    cache.0.clock.skip(Duration::from_secs(60));
    assert_eq!(
        (cache.get("a").await, cache.get("b").await),
        (Some(2), Some(3))
    );
}

#[tokio::test]
async fn a_look_up_whose_asker_has_gone_lands_all_the_same() {
    let hand = Arc::new(Hand::gated(&[("a", 1)], 0));
    let cache = Asked::new(&hand, LONG);
    let asker = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get("a").await }
    });
    settle().await;
    asker.abort();
    settle().await;
    hand.open(1);
    settle().await;
    assert_eq!(cache.0.flights.len(), 0, "nothing is left behind");
    assert_eq!(cache.get("a").await, Some(1));
    assert_eq!(hand.asked(), 1, "and its answer was kept");
}
