//! What a connection of HTTP/2 has been answered and has not read: HTTP/2 lets a client keep every answer waiting and
//! ask for the next, so that there is a bound on how much waits, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

/// Content that waits, in bytes, before the next request does too.
const MOST: usize = 256 * 1024;

/// The content that one connection has not read.
#[derive(Default)]
pub(super) struct Unread {
    bytes: AtomicUsize,
    /// Told when there may be less of it.
    less: Notify,
}

/// The right to be answered. When it is dropped, it is the next one's turn.
pub(super) struct Turn(Arc<Unread>);

/// Content until it is on its way, or of no use any more.
struct Held {
    body: Bytes,
    unread: Arc<Unread>,
    _gone: oneshot::Sender<()>,
}

impl Unread {
    /// Waits until there is room for an answer.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        while self.bytes.load(Ordering::Relaxed) >= MOST {
            self.less.notified().await;
        }
        Turn(Arc::clone(self))
    }
}

impl Turn {
    /// The same content, counted for as long as it waits; and what resolves when it does no more.
    pub(super) fn hold(&self, body: Bytes) -> (Bytes, oneshot::Receiver<()>) {
        self.0.bytes.fetch_add(body.len(), Ordering::Relaxed);
        let (gone, waits) = oneshot::channel();
        let held = Held {
            body,
            unread: Arc::clone(&self.0),
            _gone: gone,
        };
        (Bytes::from_owner(held), waits)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.less.notify_one();
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = &self.unread.bytes;
        bytes.fetch_sub(self.body.len(), Ordering::Relaxed);
        self.unread.less.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn as_many_go_on_as_there_is_room_for() {
        let unread = Arc::new(Unread::default());
        let half = Bytes::from(vec![0; MOST / 2]);
        let hold = |turn: Turn| turn.hold(half.clone());
        let first = hold(unread.turn().now_or_never().expect("there is room"));
        let second = hold(unread.turn().now_or_never().expect("there is room"));
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(unread.turn())).collect();
        let mut go_on = || -> Vec<Turn> {
            let polled: Vec<_> = waiting.iter_mut().map(|turn| turn.now_or_never()).collect();
            let done: Vec<bool> = polled.iter().map(Option::is_some).collect();
            let mut done = done.into_iter();
            waiting.retain(|_| !done.next().expect("one for each"));
            polled.into_iter().flatten().collect()
        };
        assert!(go_on().is_empty());
        assert!(first.1.now_or_never().is_none());
        drop(first.0);
        let mut turns = go_on();
        assert_eq!(turns.len(), 1, "room for one more");
        let third = hold(turns.remove(0));
        assert!(go_on().is_empty());
        drop(second);
        let turns = go_on();
        assert_eq!(turns.len(), 1, "one after another");
        drop(turns);
        assert_eq!(
            go_on().len(),
            1,
            "whoever holds nothing lets the next go on"
        );
        drop(third);
        assert_eq!(unread.bytes.load(Ordering::Relaxed), 0);
    }
}
