//! How long connections may take, and how they are told to end: one look at all of them four times a
//! second, instead of a timer for each request.
//!
//! A connection writes down by when it must have got further; the [`Watch`] of its thread ends it when
//! that has passed, up to two ticks later than it says. The time of day for answers is kept here too, since the
//! same look refreshes it.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use slab::Slab;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

/// How often all connections are looked at: a client that hangs is a client that hangs for a quarter of a second
/// longer, and a look costs a few nanoseconds a connection.
const TICK: Duration = Duration::from_millis(250);
/// As a deadline: none.
const NEVER: u32 = u32::MAX;

/// How far a thread is with ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It serves.
    Open,
    /// Every connection ends with its next answer.
    Closing,
    /// Connections on which nothing is asked end now.
    Ending,
}

/// The connections of one thread.
pub(crate) struct Watch {
    started: Instant,
    /// Ticks since then, as of the last look.
    now: Cell<u32>,
    /// `Date` as of the last look.
    date: Cell<[u8; 29]>,
    dated: Cell<i64>,
    stage: Cell<Stage>,
    connections: RefCell<Slab<Rc<Progress>>>,
    /// Told whenever the last connection has ended.
    emptied: Notify,
}

/// How far one connection is.
struct Progress {
    /// In ticks.
    deadline: Cell<u32>,
    /// Whether nothing is asked, so that it can be ended without a loss.
    idle: Cell<bool>,
    over: Cell<bool>,
    /// Whether nothing earns it more time.
    leaving: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A connection's side of it. The connection is forgotten when this is dropped.
pub(crate) struct Patience {
    watch: Rc<Watch>,
    key: usize,
    progress: Rc<Progress>,
}

/// The connection has taken too long, or is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over;

impl Watch {
    /// A watch over nothing yet.
    pub(crate) fn new() -> Rc<Self> {
        let watch = Self {
            started: Instant::now(),
            now: Cell::new(0),
            date: Cell::new([b' '; 29]),
            dated: Cell::new(i64::MIN),
            stage: Cell::new(Stage::Open),
            connections: RefCell::default(),
            emptied: Notify::new(),
        };
        watch.look();
        Rc::new(watch)
    }

    /// Looks at all connections, for as long as it is awaited.
    pub(crate) async fn keep(&self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.look();
        }
    }

    fn look(&self) {
        let now = self.started.elapsed().as_millis() / TICK.as_millis();
        self.now.set(u32::try_from(now).unwrap_or(NEVER - 1));
        self.refresh_date();
        for (_, progress) in &*self.connections.borrow() {
            if progress.deadline.get() <= self.now.get() {
                progress.end();
            }
        }
    }

    fn refresh_date(&self) {
        let now = Timestamp::now();
        if self.dated.replace(now.as_second()) == now.as_second() {
            return;
        }
        // It fails beyond the year 9999, and keeps what it had.
        if let Ok(text) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now)
            && let Ok(date) = <[u8; 29]>::try_from(text.as_bytes())
        {
            self.date.set(date);
        }
    }

    /// Goes on to this stage, and lets every connection know.
    pub(crate) fn advance(&self, stage: Stage) {
        self.stage.set(stage);
        for (_, progress) in &*self.connections.borrow() {
            if stage == Stage::Ending && progress.idle.get() {
                progress.end();
            } else {
                progress.wake();
            }
        }
    }

    /// Waits until there is no connection.
    pub(crate) async fn empty(&self) {
        while !self.connections.borrow().is_empty() {
            self.emptied.notified().await;
        }
    }

    /// A connection comes in. It is idle until it says otherwise.
    pub(crate) fn enter(self: &Rc<Self>) -> Patience {
        let progress = Rc::new(Progress {
            deadline: Cell::new(NEVER),
            idle: Cell::new(true),
            over: Cell::new(false),
            leaving: Cell::new(false),
            waker: RefCell::new(None),
        });
        let key = self.connections.borrow_mut().insert(Rc::clone(&progress));
        Patience {
            watch: Rc::clone(self),
            key,
            progress,
        }
    }
}

impl Progress {
    fn end(&self) {
        self.over.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl Patience {
    /// Must have got further within `milliseconds`; nothing is asked meanwhile.
    pub(crate) fn idle(&self, milliseconds: u64) {
        self.progress.idle.set(true);
        self.within(milliseconds);
    }

    /// Must have got further within `milliseconds`; something is being asked or answered.
    pub(crate) fn busy(&self, milliseconds: u64) {
        self.progress.idle.set(false);
        self.within(milliseconds);
    }

    /// Has `milliseconds` to say goodbye, whatever was said before or is said after.
    pub(crate) fn leave(&self, milliseconds: u64) {
        self.progress.over.set(false);
        self.busy(milliseconds);
        self.progress.leaving.set(true);
    }

    /// Ends now.
    pub(crate) fn end(&self) {
        self.progress.end();
    }

    /// The client has done its part: what comes is our own affair, and bounded elsewhere.
    pub(crate) fn answering(&self) {
        self.progress.idle.set(false);
        self.progress.deadline.set(NEVER);
    }

    fn within(&self, milliseconds: u64) {
        if self.progress.leaving.get() {
            return;
        }
        // One for the tick that has begun already, so that nobody gets less than was said.
        let ticks = milliseconds.div_ceil(TICK.as_millis() as u64) + 1;
        let ticks = u32::try_from(ticks).unwrap_or(NEVER);
        let deadline = self.watch.now.get().saturating_add(ticks);
        self.progress.deadline.set(deadline);
    }

    /// How far the thread is with ending.
    pub(crate) fn stage(&self) -> Stage {
        self.watch.stage.get()
    }

    /// The value of `Date`.
    pub(crate) fn date(&self) -> [u8; 29] {
        self.watch.date.get()
    }

    /// Awaits `future` for as long as the connection may go on; it is polled anew at each stage.
    pub(crate) async fn guard<F: Future>(&self, future: F) -> Result<F::Output, Over> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            if self.progress.over.get() {
                return Poll::Ready(Err(Over));
            }
            let mut waker = self.progress.waker.borrow_mut();
            let same = waker.as_ref().is_some_and(|w| w.will_wake(context.waker()));
            if !same {
                *waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        let mut connections = self.watch.connections.borrow_mut();
        connections.remove(self.key);
        if connections.is_empty() {
            self.watch.emptied.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// Lets the watch look as if this had passed.
    fn pass(watch: &Watch, ticks: u32) {
        watch.now.set(watch.now.get() + ticks);
        for (_, progress) in &*watch.connections.borrow() {
            if progress.deadline.get() <= watch.now.get() {
                progress.end();
            }
        }
    }

    async fn is_over(patience: &Patience) -> bool {
        let waiting = patience.guard(pending::<()>());
        futures::FutureExt::now_or_never(waiting) == Some(Err(Over))
    }

    #[tokio::test]
    async fn nobody_gets_less_than_was_said_nor_much_more() {
        let watch = Watch::new();
        let patience = watch.enter();
        pass(&watch, 1000);
        assert!(!is_over(&patience).await, "nothing was said");
        patience.busy(1000);
        pass(&watch, 4);
        assert!(!is_over(&patience).await);
        pass(&watch, 1);
        assert!(is_over(&patience).await);
    }

    #[tokio::test]
    async fn answering_takes_as_long_as_it_takes() {
        let watch = Watch::new();
        let patience = watch.enter();
        patience.busy(250);
        patience.answering();
        pass(&watch, 10_000);
        assert!(!is_over(&patience).await);
    }

    #[tokio::test]
    async fn who_leaves_gets_a_moment_and_no_more() {
        let watch = Watch::new();
        let patience = watch.enter();
        patience.busy(250);
        patience.end();
        assert!(is_over(&patience).await);
        patience.leave(1000);
        patience.busy(60_000);
        pass(&watch, 4);
        assert!(!is_over(&patience).await);
        pass(&watch, 1);
        assert!(is_over(&patience).await);
    }

    #[tokio::test]
    async fn the_end_comes_to_the_idle_and_spares_the_busy() {
        let watch = Watch::new();
        let (idle, busy) = (watch.enter(), watch.enter());
        idle.idle(60_000);
        busy.busy(60_000);
        watch.advance(Stage::Closing);
        assert!(!is_over(&idle).await && !is_over(&busy).await);
        watch.advance(Stage::Ending);
        assert!(is_over(&idle).await && !is_over(&busy).await);
        assert_eq!(busy.stage(), Stage::Ending);
        drop(idle);
        assert!(futures::FutureExt::now_or_never(watch.empty()).is_none());
        drop(busy);
        watch.empty().await;
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let watch = Watch::new();
                let patience = watch.enter();
                patience.idle(1);
                let waiting =
                    tokio::task::spawn_local(async move { patience.guard(pending::<()>()).await });
                tokio::task::yield_now().await;
                pass(&watch, 2);
                assert_eq!(waiting.await.unwrap(), Err(Over));
            })
            .await;
    }

    #[test]
    fn the_date_is_as_http_wants_it() {
        let date = Watch::new().enter().date();
        let text = std::str::from_utf8(&date).unwrap();
        assert!(
            text.ends_with(" GMT") && text.as_bytes()[3] == b',',
            "{text}"
        );
    }
}
