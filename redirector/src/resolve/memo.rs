//! The hosts that a thread has resolved last, so that a click on one of them takes neither lock nor hash.
//!
//! Nearly all clicks of a moment are on a few hosts. A memo is one thread's own, and is thrown away whole
//! when any domain changes.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::site::Site;

/// How many hosts a thread remembers: comparing more would cost what it saves.
const HOSTS: usize = 4;

/// Versions of all resolvers of the process, so that a version also tells whose it is.
static VERSIONS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static MEMO: RefCell<Memo> = const { RefCell::new(Memo { version: 0, next: 0, hosts: [const { None }; HOSTS] }) };
}

struct Memo {
    version: u64,
    /// Which host is forgotten next.
    next: usize,
    hosts: [Option<Remembered>; HOSTS],
}

struct Remembered {
    host: Box<str>,
    site: Arc<Site>,
    number: u32,
    /// The tick until which it may be used.
    until: u32,
}

/// What all memos of a resolver must agree with.
#[derive(Debug)]
pub(super) struct Version(AtomicU64);

impl Version {
    /// A version that no memo has.
    pub(super) fn new() -> Self {
        Self(VERSIONS.fetch_add(1, Ordering::Relaxed).into())
    }

    /// The version to [`remember`](Self::remember) under what is asked for from now on.
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Makes every memo void. To be called after the cache has forgotten, or what a memo took from it in
    /// between would outlive this.
    pub(super) fn change(&self) {
        let next = VERSIONS.fetch_add(1, Ordering::Relaxed);
        self.0.store(next, Ordering::SeqCst);
    }

    /// The site at `host` and its number, if this thread remembers them at `tick`.
    pub(super) fn recall(&self, host: &str, tick: u32) -> Option<(Arc<Site>, u32)> {
        MEMO.with_borrow(|memo| {
            if memo.version != self.now() {
                return None;
            }
            let mut hosts = memo.hosts.iter().flatten();
            hosts
                .find(|known| known.until > tick && *known.host == *host)
                .map(|known| (Arc::clone(&known.site), known.number))
        })
    }

    /// Remembers what was found since the version was `version`.
    pub(super) fn remember(
        &self,
        version: u64,
        host: &str,
        site: &Arc<Site>,
        number: u32,
        until: u32,
    ) {
        MEMO.with_borrow_mut(|memo| {
            if memo.version != version {
                memo.version = version;
                memo.hosts = [const { None }; HOSTS];
            }
            let at = memo
                .hosts
                .iter()
                .position(|known| known.as_ref().is_some_and(|known| *known.host == *host));
            let at = at.unwrap_or_else(|| {
                memo.next = (memo.next + 1) % HOSTS;
                memo.next
            });
            memo.hosts[at] = Some(Remembered {
                host: host.into(),
                site: Arc::clone(site),
                number,
                until,
            });
        });
    }
}
