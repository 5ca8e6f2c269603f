//! What of a stored click is not as today's rules say.

use clickhouse::Row;
use serde::Serialize;

use crate::enrich::ClickRow;
use crate::stored::StoredClick;

/// What is written for a click that changes: everything that is judged, by the key that tells the click. Names and order
/// are those of the stage.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize)]
pub(super) struct Change {
    /// Lane and number.
    pub(super) click: String,
    pub(super) verdict: i8,
    pub(super) reasons: Vec<String>,
    pub(super) channel: String,
    pub(super) source: String,
    pub(super) browser: String,
    pub(super) browser_version: String,
    pub(super) os: String,
    pub(super) os_version: String,
    pub(super) device: String,
    pub(super) model: String,
    pub(super) app: String,
}

impl Change {
    /// The change that makes `stored` what `row` says; none where it is that already. Channel and source change
    /// only where it `knows_road`, the software only where everything is kept that tells it.
    pub(super) fn of(stored: &StoredClick, row: &ClickRow<'_>, knows_road: bool) -> Option<Self> {
        let [channel, source] = if knows_road {
            [row.channel, row.source]
        } else {
            [&*stored.channel, &*stored.source]
        };
        let software = if stored.has_software() {
            [
                row.browser,
                row.browser_version,
                row.os,
                row.os_version,
                row.device,
                row.model,
                row.app,
            ]
        } else {
            stored.software()
        };
        let is_same = stored.verdict == row.verdict
            && row.reasons.iter().eq(stored.reasons.iter())
            && [channel, source] == [&*stored.channel, &*stored.source]
            && software == stored.software();
        if is_same {
            return None;
        }
        let [browser, browser_version, os, os_version, device, model, app] =
            software.map(str::to_owned);
        Some(Self {
            // As sql/reclassify/apply.sql makes it.
            click: format!("{}/{}", stored.lane, stored.seq),
            verdict: row.verdict,
            reasons: row.reasons.iter().map(str::to_owned).collect(),
            channel: channel.to_owned(),
            source: source.to_owned(),
            browser,
            browser_version,
            os,
            os_version,
            device,
            model,
            app,
        })
    }

    /// Browser, system, device, model and app, with their versions.
    pub(super) fn software(&self) -> [&str; 7] {
        [
            &self.browser,
            &self.browser_version,
            &self.os,
            &self.os_version,
            &self.device,
            &self.model,
            &self.app,
        ]
    }
}
