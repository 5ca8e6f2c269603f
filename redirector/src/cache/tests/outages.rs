//! A store that is away, slow, or hangs.

use std::time::Instant;

use futures::FutureExt;

use super::*;

#[tokio::test]
async fn a_store_that_is_away_leaves_what_was_known() {
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, Duration::ZERO);
    assert_eq!(
        (cache.get("a").await, cache.get("b").await),
        (Some(1), None)
    );
    hand.away.store(true, Ordering::SeqCst);
    let known = cache.known("a").await.unwrap();
    assert_eq!((known.value, known.stale), (Some(1), true));
    let known = cache.known("b").await.unwrap();
    assert_eq!(
        (known.value, known.stale),
        (None, true),
        "never said for sure"
    );
    assert!(
        cache.known("c").await.is_err(),
        "never 'not found' while the store is away"
    );
}

#[tokio::test]
async fn a_disconnect_distrusts_and_keeps() {
    let hand = Arc::new(Hand::new(&[("a", 1)]));
    let cache = Asked::new(&hand, LONG);
    assert_eq!(cache.get("a").await, Some(1));
    hand.set("a", Some(2));
    cache.0.distrust_all();
    hand.away.store(true, Ordering::SeqCst);
    assert_eq!(cache.known("a").await.unwrap().value, Some(1));
    hand.away.store(false, Ordering::SeqCst);
    cache.0.clock.skip(Duration::from_secs(1));
    // Answered at once from memory, and asked for behind that.
    assert!(cache.known("a").await.unwrap().stale);
    settle().await;
    assert_eq!(cache.get("a").await, Some(2));
}

#[tokio::test]
async fn a_store_that_is_away_is_tried_once_in_a_tick() {
    let hand = Arc::new(Hand::new(&[("a", 1), ("b", 1)]));
    let cache = Asked::new(&hand, Duration::ZERO);
    cache.get("a").await;
    cache.get("b").await;
    hand.away.store(true, Ordering::SeqCst);
    cache.known("a").await.unwrap();
    let before = (hand.asked(), cache.0.clock.now());
    for _ in 0..1000 {
        assert!(cache.known("a").await.unwrap().stale);
        assert!(cache.known("b").await.unwrap().stale);
        settle().await;
    }
    let ticks = cache.0.clock.now() - before.1 + 1;
    assert!(hand.asked() - before.0 <= ticks as usize);
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_one_known_link_for_a_moment_and_then_none() {
    let hand = Arc::new(Hand::gated(&[("a", 1), ("b", 1)], 2));
    let cache = Asked::new(&hand, LONG);
    assert_eq!(
        (cache.get("a").await, cache.get("b").await),
        (Some(1), Some(1))
    );
    cache.0.distrust_all();
    // The gate is shut now: the store hangs.
    let start = Instant::now();
    let known = cache.known("a").await.unwrap();
    assert_eq!((known.value, known.stale), (Some(1), true));
    assert!(start.elapsed() >= PATIENCE, "{:?}", start.elapsed());
    for text in ["a", "b", "a"] {
        cache.0.clock.skip(Duration::from_secs(1));
        let known = cache
            .known(text)
            .now_or_never()
            .expect("nothing is waited for");
        assert!(known.unwrap().stale, "{text}");
    }
    // It goes on, and what was asked for meanwhile is there.
    hand.open(10);
    settle().await;
    assert_eq!(
        (cache.get("a").await, cache.get("b").await),
        (Some(1), Some(1))
    );
}

#[tokio::test]
async fn what_is_not_known_waits_for_a_bounded_time() {
    let hand = Arc::new(Hand::gated(&[("a", 1)], 0));
    let cache = Asked::new(&hand, LONG);
    let error = cache.known("a").await.unwrap_err();
    assert!(error.to_string().contains("no answer within 2s"), "{error}");
}

#[tokio::test]
async fn look_ups_at_a_time_are_bounded() {
    let hand = Arc::new(Hand::gated(&[], 0));
    let cache = Asked::new(&hand, LONG);
    let mut waiting = Vec::new();
    for n in 0..flights::MOST {
        let mut asking = Box::pin({
            let (cache, text) = (cache.clone(), n.to_string());
            async move { cache.known(&text).await.map(|known| known.value) }
        });
        assert!((&mut asking).now_or_never().is_none());
        waiting.push(asking);
    }
    let error = cache.known("one more").await.unwrap_err();
    assert!(
        error.to_string().contains("look-ups are under way"),
        "{error}"
    );
    hand.open(flights::MOST);
    for asking in waiting {
        assert_eq!(asking.await.unwrap(), None);
    }
    assert_eq!(cache.0.flights.len(), 0);
}
