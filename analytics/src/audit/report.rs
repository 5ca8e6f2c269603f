//! What an audit says. One definition: the API sends it, the command line writes it as JSON or as a table.

use serde::Serialize;
use utoipa::ToSchema;

/// Everything that an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Audit {
    /// Nothing is missing, nothing is there twice, nothing differs. What waits is no fault.
    pub clean: bool,
    /// When it began.
    #[schema(format = DateTime)]
    pub asked_at: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Clicks, by the lanes of redirectors.
    pub clicks: Lanes,
    /// Conversions, by the lanes of ingest.
    pub conversions: Lanes,
    /// Conversions that have come against those that are kept; null where only one lane was asked for.
    pub events: Option<Events>,
    /// The clicks of each hour against the clicks; null where only one lane was asked for.
    pub rollup: Option<Rollup>,
}

impl Audit {
    /// Whether it has found nothing that ought not to be.
    pub(super) fn is_clean(&self) -> bool {
        let events = self.events.as_ref();
        let rollup = self.rollup.as_ref();
        self.clicks.is_clean()
            && self.conversions.is_clean()
            && events.is_none_or(|events| events.lost == 0 && events.strange == 0)
            && rollup.is_none_or(|rollup| rollup.differing_hours == 0)
    }
}

/// All lanes of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lanes {
    /// Different numbers that are stored.
    pub stored: u64,
    /// Numbers that were given out and need not have arrived yet.
    pub waiting: u64,
    /// Numbers that ought to have arrived, and have not.
    pub missing: u64,
    /// Rows beyond the first of their number.
    pub duplicated: u64,
    /// Rows without a number, which no lane has written.
    pub unnumbered: u64,
    /// Each lane.
    pub lanes: Vec<LaneAudit>,
}

impl Lanes {
    /// Adds the lanes up.
    pub(super) fn of(lanes: Vec<LaneAudit>) -> Self {
        let sum = |of: fn(&LaneAudit) -> u64| lanes.iter().map(of).fold(0, u64::saturating_add);
        Self {
            stored: sum(|lane| lane.stored),
            waiting: sum(|lane| lane.waiting.count),
            missing: sum(|lane| lane.missing.count),
            duplicated: sum(|lane| lane.duplicated.count),
            unnumbered: sum(|lane| lane.unnumbered),
            lanes,
        }
    }

    fn is_clean(&self) -> bool {
        self.missing == 0 && self.duplicated == 0 && self.unnumbered == 0
    }
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LaneAudit {
    /// The lane, in 16 hexadecimal digits.
    pub lane: String,
    /// The service that writes it; null where it has never reported.
    pub service: Option<String>,
    /// The machine that it is on; null where it has never reported.
    pub node: Option<String>,
    /// The name of its directory there; null where it has never reported.
    pub name: Option<String>,
    /// When it last gave an account of itself; null where it never has.
    #[schema(format = DateTime)]
    pub reported_at: Option<String>,
    /// How long ago that is, in seconds; null where it never has.
    pub age_s: Option<u64>,
    /// The highest number that was given out: by its account, or by its rows where they are newer.
    pub taken: u64,
    /// Its account is done with all numbers up to it; 0 where it has never reported.
    pub freed: u64,
    /// Retention may have removed the rows of all numbers up to it: of these none is missing.
    pub expired: u64,
    /// Rows that are stored.
    pub rows: u64,
    /// Different numbers that they have.
    pub stored: u64,
    /// Numbers above `freed` and `expired` that are not stored.
    pub waiting: Waiting,
    /// Numbers above `expired` and up to `freed` that are not stored.
    pub missing: Missing,
    /// Numbers that are stored more than once.
    pub duplicated: Duplicated,
    /// Rows without a number, which no lane has written.
    pub unnumbered: u64,
}

/// Numbers one behind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Range {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// Numbers that need not have arrived yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Which.
    pub ranges: Vec<Range>,
    /// Whether there are more than `ranges` says.
    pub more: bool,
}

/// Numbers that ought to have arrived, and have not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    /// How many.
    pub count: u64,
    /// Which, and why.
    pub ranges: Vec<MissingRange>,
    /// Whether there are more than `ranges` says.
    pub more: bool,
}

/// Numbers that are missing for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingRange {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// refused (the journal had no room, or the record was above its limit), damaged (on the journal's disk),
    /// unreadable (ingest could not make a row of it), set_aside (refused for good, kept on the node) or unknown.
    pub reason: String,
    /// What more is known.
    pub detail: String,
}

/// Numbers that are stored more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Duplicated {
    /// Rows beyond the first of their number.
    pub count: u64,
    /// Which numbers, and how often.
    pub numbers: Vec<Repeated>,
    /// Whether there are more than `numbers` says.
    pub more: bool,
}

/// A number that is stored more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Repeated {
    /// The number.
    pub seq: u64,
    /// Its rows.
    pub rows: u64,
}

/// Conversions that have come against those that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Events {
    /// How many events have come and have no row.
    pub lost: u64,
    /// The first of them.
    pub lost_events: Vec<Event>,
    /// How many rows have a number that never came.
    pub strange: u64,
    /// The first of them.
    pub strange_events: Vec<Event>,
}

/// One conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Event {
    /// Whose it is.
    pub workspace: String,
    /// The sender's name for it.
    pub event_id: String,
    /// The lane that it came by.
    pub lane: String,
    /// Its number there.
    pub seq: u64,
}

/// The clicks of each hour (the projection `click_hours`) against the clicks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rollup {
    /// Rows of clicks. While clicks arrive, this and the next are a moment apart.
    pub clicks: u64,
    /// What the hours add up to.
    pub rolled_up: u64,
    /// How many hours of a workspace differ.
    pub differing_hours: u64,
    /// Where exactly.
    pub cells: Vec<Cell>,
    /// Whether there are more than `cells` says.
    pub more: bool,
}

/// A cell of `click_hours` that is not what the clicks add up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cell {
    /// Whose it is.
    pub workspace: String,
    /// When the hour begins.
    #[schema(format = DateTime)]
    pub hour: String,
    /// The link.
    pub link_id: String,
    /// What was answered.
    pub outcome: String,
    /// What the clicks were judged to be.
    pub verdict: String,
    /// Their channel.
    pub channel: String,
    /// Their country.
    pub country: String,
    /// Rows of clicks.
    pub clicks: u64,
    /// What `click_hours` says.
    pub rolled_up: u64,
}
