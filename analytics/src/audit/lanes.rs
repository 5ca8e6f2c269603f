//! Lanes: what each has given out against what is stored of it.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::Deserialize;
use whence_core::journal::LaneId;

use super::auditor::{AuditError, Auditor, Sql, sql};
use super::holes::{BUCKET, Bucket, holes};
use super::reasons::{Said, explained};
use super::report::{Duplicated, LaneAudit, Missing, Repeated, Waiting};

const ACCOUNTS: Sql = sql!("accounts");
const BUCKETS: Sql = sql!("buckets");
const RUNS: Sql = sql!("runs");
const REPEATED: Sql = sql!("repeated");
const GAPS: Sql = sql!("gaps");
const EXPIRED: Sql = sql!("expired");

/// The most ranges, and the most repeated numbers, that are named of a lane.
const MOST: usize = 1_000;
/// The most buckets whose runs are asked for at once: at worst each is a megabyte for ClickHouse.
const RUNS_AT_ONCE: usize = 256;
/// The most buckets in which repeated numbers are looked for: 65,536 groups each.
const REPEATED_AT_ONCE: usize = 64;
/// The most words of a lane about its gaps.
const MOST_GAPS: u64 = 10_000;
/// The most lanes that are asked about at once, so that they fit into a URL.
const LANES_AT_ONCE: usize = 256;
/// The service whose lanes hold conversions; those of all others hold clicks.
const COLLECTOR: &str = "ingest";

/// What a lane's records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Clicks, of redirectors.
    Clicks,
    /// Conversions, of ingest.
    Conversions,
}

impl Kind {
    /// The table in which each record has its number.
    fn table(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversion_numbers",
        }
    }

    fn of(service: &str) -> Self {
        match service {
            COLLECTOR => Self::Conversions,
            _ => Self::Clicks,
        }
    }
}

/// What a lane last said of itself.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Account {
    lane: u64,
    service: String,
    node: String,
    name: String,
    taken: u64,
    freed: u64,
    reported_ms: i64,
}

#[derive(Row, Deserialize)]
struct BucketRow {
    lane: u64,
    bucket: u64,
    unnumbered: u64,
    rows: u64,
    numbers: u64,
    lowest: u64,
    highest: u64,
}

#[derive(Row, Deserialize)]
struct RunsRow {
    lane: u64,
    bucket: u64,
    rows: u64,
    firsts: Vec<u32>,
    lasts: Vec<u32>,
}

#[derive(Row, Deserialize)]
struct RepeatedRow {
    lane: u64,
    seq: u64,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct ExpiredRow {
    lane: u64,
    upto: u64,
}

#[derive(Row, Deserialize)]
struct GapRow {
    lane: u64,
    first: u64,
    last: u64,
    why: String,
    detail: String,
}

/// A lane while it is audited.
#[derive(Default)]
struct Lane {
    /// Retention may have removed all up to it.
    expired: u64,
    freed: u64,
    unnumbered: u64,
    buckets: Vec<Bucket>,
}

/// What the lanes say of themselves; of these lanes, or of all.
pub(super) async fn accounts(auditor: &Auditor, lanes: &[u64]) -> Result<Vec<Account>, AuditError> {
    auditor.ask(ACCOUNTS, |s| s.param("lanes", lanes)).await
}

/// Audits the lanes of one kind: these, or all.
pub(super) async fn audit(
    auditor: &Auditor,
    kind: Kind,
    accounts: &[Account],
    only: &[u64],
    now: Timestamp,
) -> Result<Vec<LaneAudit>, AuditError> {
    let accounts: BTreeMap<u64, &Account> = accounts
        .iter()
        .filter(|account| Kind::of(&account.service) == kind)
        .map(|account| (account.lane, account))
        .collect();
    let mut lanes = counted(auditor, kind, only).await?;
    for (id, account) in &accounts {
        lanes.entry(*id).or_default().freed = account.freed;
    }
    // Numbers are noted before their rows go, so that this has to be asked after the rows.
    let put = |s: Statement| s.param("lanes", only);
    for row in auditor.ask::<ExpiredRow>(EXPIRED, put).await? {
        if let Some(lane) = lanes.get_mut(&row.lane) {
            lane.expired = row.upto;
        }
    }
    name_runs(auditor, kind, &mut lanes).await?;
    let mut repeated = repeated(auditor, kind, &lanes).await?;

    let mut audits = Vec::with_capacity(lanes.len());
    let mut unexplained = BTreeMap::new();
    for (id, lane) in lanes {
        let account = accounts.get(&id).copied();
        let (audit, missing) = audited(id, &lane, account, repeated.remove(&id), now);
        audits.push(audit);
        unexplained.insert(id, missing);
    }
    let mut said = said(auditor, &unexplained).await?;
    for (audit, (id, missing)) in audits.iter_mut().zip(unexplained) {
        let said = said.remove(&id).unwrap_or_default();
        audit.missing = explained(missing, &said, MOST);
    }
    Ok(audits)
}

/// Counts what is stored of each lane.
async fn counted(
    auditor: &Auditor,
    kind: Kind,
    only: &[u64],
) -> Result<BTreeMap<u64, Lane>, AuditError> {
    let put = |s: Statement| s.param("table", kind.table()).param("lanes", only);
    let mut lanes: BTreeMap<u64, Lane> = BTreeMap::new();
    for row in auditor.ask::<BucketRow>(BUCKETS, put).await? {
        let lane = lanes.entry(row.lane).or_default();
        lane.unnumbered += row.unnumbered;
        if row.numbers > 0 {
            lane.buckets.push(Bucket {
                number: row.bucket,
                rows: row.rows,
                numbers: row.numbers,
                lowest: row.lowest,
                highest: row.highest,
                runs: None,
            });
        }
    }
    Ok(lanes)
}

/// Asks for the runs of the buckets that need them, and of others with holes as long as that is bounded.
async fn name_runs(
    auditor: &Auditor,
    kind: Kind,
    lanes: &mut BTreeMap<u64, Lane>,
) -> Result<(), AuditError> {
    let (mut wanted, mut others) = (BTreeSet::new(), Vec::new());
    for (&id, lane) in lanes.iter() {
        for bucket in lane.buckets.iter().filter(|bucket| !bucket.is_whole()) {
            match bucket.is_split_by(lane.freed) || bucket.is_split_by(lane.expired) {
                true => _ = wanted.insert((id, bucket.number)),
                false => others.push((id, bucket.number)),
            }
        }
    }
    let room = RUNS_AT_ONCE.saturating_sub(wanted.len());
    wanted.extend(others.into_iter().take(room));
    let wanted: Vec<_> = wanted.into_iter().collect();
    for wanted in wanted.chunks(RUNS_AT_ONCE) {
        let put = |s| these(s, kind, wanted);
        for row in auditor.ask::<RunsRow>(RUNS, put).await? {
            let buckets = lanes.get_mut(&row.lane).map(|lane| &mut lane.buckets);
            let bucket = buckets
                .into_iter()
                .flatten()
                .find(|bucket| bucket.number == row.bucket);
            if let Some(bucket) = bucket {
                name(bucket, &row);
            }
        }
    }
    Ok(())
}

/// What is known of a bucket by its runs. More may have arrived since it was counted.
fn name(bucket: &mut Bucket, row: &RunsRow) {
    let base = row.bucket * BUCKET;
    let runs = row.firsts.iter().zip(&row.lasts);
    let runs: Vec<_> = runs
        .map(|(&first, &last)| (base + u64::from(first), base + u64::from(last)))
        .collect();
    if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
        (bucket.lowest, bucket.highest) = (first.0, last.1);
        bucket.numbers = runs.iter().map(|run| run.1 - run.0 + 1).sum();
        bucket.rows = row.rows;
        bucket.runs = Some(runs);
    }
}

/// Which numbers are stored more than once, in the first buckets that have such.
async fn repeated(
    auditor: &Auditor,
    kind: Kind,
    lanes: &BTreeMap<u64, Lane>,
) -> Result<BTreeMap<u64, Vec<Repeated>>, AuditError> {
    let mut found: BTreeMap<u64, Vec<Repeated>> = BTreeMap::new();
    let buckets = lanes.iter().flat_map(|(&id, lane)| {
        let repeating = lane.buckets.iter().filter(|b| b.rows > b.numbers);
        repeating.map(move |bucket| (id, bucket.number))
    });
    let wanted: Vec<_> = buckets.take(REPEATED_AT_ONCE).collect();
    if wanted.is_empty() {
        return Ok(found);
    }
    let put = |s| these(s, kind, &wanted).param("most", MOST as u64);
    for row in auditor.ask::<RepeatedRow>(REPEATED, put).await? {
        let numbers = found.entry(row.lane).or_default();
        numbers.push(Repeated {
            seq: row.seq,
            rows: row.rows,
        });
    }
    Ok(found)
}

fn these(statement: Statement, kind: Kind, wanted: &[(u64, u64)]) -> Statement {
    let (lanes, buckets): (Vec<_>, Vec<_>) = wanted.iter().copied().unzip();
    statement
        .param("table", kind.table())
        .param("lanes", lanes)
        .param("buckets", buckets)
}

/// What there is to say of a lane, and what it misses, for which reasons are still to be found.
fn audited(
    id: u64,
    lane: &Lane,
    account: Option<&Account>,
    repeated: Option<Vec<Repeated>>,
    now: Timestamp,
) -> (LaneAudit, Waiting) {
    let highest = lane.buckets.last().map_or(0, |bucket| bucket.highest);
    let taken = account.map_or(0, |account| account.taken);
    let taken = taken.max(lane.freed).max(highest).max(lane.expired);
    let rows = lane.buckets.iter().map(|bucket| bucket.rows).sum();
    let stored = lane.buckets.iter().map(|bucket| bucket.numbers).sum();
    let found = holes(&lane.buckets, lane.expired, taken, lane.freed, MOST);
    let numbers = repeated.unwrap_or_default();
    let named: u64 = numbers.iter().map(|number| number.rows - 1).sum();
    let reported = account.and_then(|a| Timestamp::from_millisecond(a.reported_ms).ok());
    let audit = LaneAudit {
        lane: LaneId::new(id).to_string(),
        service: account.map(|account| account.service.clone()),
        node: account.map(|account| account.node.clone()),
        name: account.map(|account| account.name.clone()),
        reported_at: reported.map(|at| at.to_string()),
        // A clock that is ahead of ours reports just now.
        age_s: reported.map(|at| u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0)),
        taken,
        freed: lane.freed,
        expired: lane.expired,
        rows,
        stored,
        waiting: found.waiting,
        missing: Missing::default(),
        duplicated: Duplicated {
            count: rows - stored,
            more: rows - stored > named,
            numbers,
        },
        unnumbered: lane.unnumbered,
    };
    (audit, found.missing)
}

/// What was said of what is missing.
async fn said(
    auditor: &Auditor,
    missing: &BTreeMap<u64, Waiting>,
) -> Result<BTreeMap<u64, Vec<Said>>, AuditError> {
    let spans: Vec<_> = missing
        .iter()
        .filter_map(|(&id, missing)| {
            let (first, last) = (missing.ranges.first()?, missing.ranges.last()?);
            Some((id, first.first, last.last))
        })
        .collect();
    let mut found: BTreeMap<u64, Vec<Said>> = BTreeMap::new();
    for spans in spans.chunks(LANES_AT_ONCE) {
        let put = |s: Statement| {
            s.param("lanes", spans.iter().map(|span| span.0).collect::<Vec<_>>())
                .param("froms", spans.iter().map(|span| span.1).collect::<Vec<_>>())
                .param("tos", spans.iter().map(|span| span.2).collect::<Vec<_>>())
                .param("most", MOST_GAPS)
        };
        for row in auditor.ask::<GapRow>(GAPS, put).await? {
            found.entry(row.lane).or_default().push(Said {
                first: row.first,
                last: row.last,
                reason: row.why,
                detail: row.detail,
            });
        }
    }
    Ok(found)
}
