//! A stored click judged again: by the same rules as one that arrives, but for what is not stored of it.

use whence_core::click::Click;

use super::recent::Windows;
use super::{Enricher, Glance, Seen};

impl Enricher {
    /// The same with windows of other clicks that take at most `bytes`, and empty ones.
    #[must_use]
    pub fn with_windows(self, bytes: usize) -> Self {
        Self {
            windows: Windows::new(bytes),
            ..self
        }
    }

    /// Remembers a click, so that others are judged by it too.
    pub(crate) fn note(&self, click: &Click<'_>) -> Glance {
        let glance = self.glance(click);
        self.windows.note([&glance.trace]);
        glance
    }

    /// What there is to know of a click that was noted before, and all with it that come soon behind. Its place and its
    /// network are only those of the address that is left; it is judged by `asn`, which is stored.
    pub(crate) fn see_again(
        &self,
        click: &Click<'_>,
        glance: Glance,
        asn: u32,
        confirmed: bool,
    ) -> Seen {
        let recent = self.windows.judge(&glance.trace);
        let mut seen = self.look(click, glance, recent, confirmed);
        seen.judgement = self.judge(click, &seen.agent, asn, recent, confirmed);
        seen
    }
}
