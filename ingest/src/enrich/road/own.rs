//! The own rules of workspaces, as far as they have been told here. Who tells them, and when, is not decided here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use quick_cache::sync::Cache;
use whence_core::channel_rule::ChannelRule;

use super::super::channel::Own;

/// How many workspaces with rules are remembered. Rules have at most 16 KiB of text, and hardly ever one.
const REMEMBERED: usize = 4096;

/// A workspace's rules, under a number that no other rules ever had: what was judged by these is found by it.
#[derive(Debug)]
pub(super) struct Ruled {
    /// From 1.
    pub(super) number: u64,
    /// The rules.
    pub(super) rules: Own,
}

/// The rules of each workspace that has any.
#[derive(Debug)]
pub(super) struct OwnRules {
    of: Cache<Box<str>, Arc<Ruled>>,
    /// Whether any workspace ever had rules: where none has, no click pays for asking.
    any: AtomicBool,
    last: AtomicU64,
}

impl Default for OwnRules {
    fn default() -> Self {
        Self {
            of: Cache::new(REMEMBERED),
            any: AtomicBool::new(false),
            last: AtomicU64::new(0),
        }
    }
}

impl OwnRules {
    /// The rules of a workspace.
    pub(super) fn of(&self, workspace: &str) -> Option<Arc<Ruled>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.of.get(workspace)
    }

    /// Takes them as they are now. What was judged by the same rules stays remembered.
    pub(super) fn set(&self, workspace: &str, rules: &[ChannelRule]) {
        let before = self.of(workspace);
        if rules.is_empty() {
            if before.is_some() {
                self.of.remove(workspace);
            }
        } else if before.is_none_or(|before| !before.rules.is(rules)) {
            let ruled = Ruled {
                number: self.last.fetch_add(1, Ordering::Relaxed) + 1,
                rules: Own::new(rules),
            };
            self.of.insert(workspace.into(), Arc::new(ruled));
            self.any.store(true, Ordering::Release);
        }
    }
}
