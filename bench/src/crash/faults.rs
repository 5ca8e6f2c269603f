//! How each fault is made and ended. Which comes when, the schedule says.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tokio::time::sleep;

use super::clicks::{Visitors, now_ms};
use super::clock;
use super::fleet::Fleet;
use super::flip::{self, Name};
use super::parts::{Between, NODES, Part};
use super::proxy::Trouble;
use super::schedule::Fault;

/// How long clicks gather that are not delivered, before a bit of one of them is flipped.
const GATHER: Duration = Duration::from_millis(1_500);
/// A redirector that was told to be quiet has sent what was under way by then.
const UNDER_WAY: Duration = Duration::from_millis(300);
/// A click sent so long ago is delivered, unless something has held it up; rows tell.
const DELIVERED: Duration = Duration::from_secs(3);

/// ClickHouse's own fault: no part can be written. (Its settings fault_probability_before_part_commit and
/// _after_part_commit do nothing in tables that are not replicated, as of 26.7.)
const BEFORE: &str = "compact_part_writer_fail_in_add_streams";
/// What a view is called that fails: the parts of its table, and of the other views' tables, are committed all the same.
const AFTER: &str = "that_fails";
/// Whose inserts fail.
const TABLES: [&str; 2] = ["clicks", "conversions"];

/// What a full volume leaves to ClickHouse: less than it wants to begin an insert, and enough for those that have begun.
const LEFT_TO_CLICKHOUSE: u64 = 16 << 20;
/// How often the filler takes what others have given back.
const FILLINGS: usize = 16;
/// What tmpfs allocates at a time.
const PAGE: u64 = 4 << 10;

/// What the faults have done, for the oracle and the result.
#[derive(Default)]
pub(super) struct Done {
    /// How many of each kind.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Clicks whose record was destroyed before it was delivered: these may be missing, and no others.
    pub(super) destroyed: HashSet<Name>,
    /// Kinds that could not be made here, and why.
    pub(super) skipped: BTreeMap<&'static str, String>,
    /// The most that any clock was ever wrong, in milliseconds.
    pub(super) clocks_wrong_ms: u64,
}

/// Makes faults.
pub(super) struct Saboteur {
    /// What it has done.
    pub(super) done: Done,
    has_clocks: bool,
    visitors: Arc<Visitors>,
    random: Rng,
}

impl Saboteur {
    /// One that knows what these visitors have clicked.
    pub(super) fn new(seed: u64, visitors: Arc<Visitors>, has_clocks: bool) -> Self {
        Self {
            done: Done::default(),
            has_clocks,
            visitors,
            random: Rng::with_seed(seed),
        }
    }

    /// Makes a fault, and ends it.
    pub(super) async fn make(&mut self, fleet: &mut Fleet, fault: &Fault) -> Result<()> {
        if let Some(reason) = self.obstacle(fleet, fault) {
            self.done.skipped.insert(fault.kind(), reason);
            return Ok(());
        }
        // A fault of its own kind would be two in one, and nobody could tell which did what.
        if !matches!(
            fault,
            Fault::Kill { .. } | Fault::Hold(..) | Fault::Line(..)
        ) {
            fleet.until_ready(&Part::ALL).await?;
        }
        match fault {
            Fault::Kill {
                parts,
                down,
                gap,
                settle,
            } => {
                for part in parts {
                    fleet.kill(*part)?;
                }
                sleep(*down).await;
                for part in parts {
                    fleet.launch(*part)?;
                    sleep(*gap).await;
                }
                if *settle {
                    fleet.until_ready(&Part::ALL).await?;
                }
            }
            Fault::Hold(part, time) => {
                fleet.hold(*part, true)?;
                sleep(*time).await;
                fleet.hold(*part, false)?;
            }
            Fault::Restart(part) => {
                fleet.stop(*part).await?;
                fleet.launch(*part)?;
            }
            Fault::Roll(parts) => {
                for part in parts {
                    fleet.stop(*part).await?;
                    fleet.launch(*part)?;
                    fleet.until_ready(&[*part]).await?;
                }
            }
            Fault::Line(between, trouble, time) => {
                fleet.line(*between).set(*trouble);
                sleep(*time).await;
                fleet.line(*between).set(Trouble::None);
            }
            Fault::ClickHouseAway(time) => away(fleet, Part::ClickHouse, *time).await?,
            Fault::RedisAway(time) => away(fleet, Part::Redis, *time).await?,
            Fault::ErrorsBefore(time) => {
                fleet
                    .database
                    .ask(&format!("SYSTEM ENABLE FAILPOINT {BEFORE}"))
                    .await?;
                sleep(*time).await;
                fleet
                    .database
                    .ask(&format!("SYSTEM DISABLE FAILPOINT {BEFORE}"))
                    .await?;
            }
            Fault::ErrorsAfter(percent, time) => {
                for table in TABLES {
                    let statement = format!(
                        "CREATE MATERIALIZED VIEW whence.{table}_{AFTER} ENGINE = Null AS \
                         SELECT throwIf(randConstant() % 100 < {percent}, 'staged') AS staged FROM whence.{table}"
                    );
                    fleet.database.ask(&statement).await?;
                }
                sleep(*time).await;
                no_errors_after(fleet).await?;
            }
            Fault::JournalsFull(time) => {
                let path = fleet.place.dir.join("journals/filler");
                full(&path, 0, *time).await?;
            }
            Fault::ClickHouseFull(time) => {
                // A merge that meets a full volume can cost rows: see docs/reliability.md.
                fleet.database.ask("SYSTEM STOP MERGES").await?;
                let path = fleet.place.dir.join("clickhouse/filler");
                full(&path, LEFT_TO_CLICKHOUSE, *time).await?;
                fleet.database.ask("SYSTEM START MERGES").await?;
            }
            Fault::Clock(part, seconds, time) => {
                clock::step(&fleet.place, *part, *seconds)?;
                sleep(*time).await;
                clock::step(&fleet.place, *part, 0)?;
                // Until it is right again for certain.
                sleep(Duration::from_millis(1_100)).await;
                let wrong = u64::from(seconds.unsigned_abs()) * 1_000;
                self.done.clocks_wrong_ms = self.done.clocks_wrong_ms.max(wrong);
            }
            Fault::FlipDelivered(node) => {
                let long_ago = now_ms().saturating_sub(DELIVERED.as_millis() as u64);
                let clicks = self.answered(*node, |sent_ms| sent_ms < long_ago);
                let stored = stored_among(fleet, &clicks).await?;
                self.flip(fleet, *node, &stored, fault).await?;
            }
            Fault::FlipUndelivered(node) => {
                for other in 0..NODES {
                    fleet
                        .line(Between::Blocks(*node, other))
                        .set(Trouble::Refused);
                }
                sleep(UNDER_WAY).await;
                let cut_ms = now_ms();
                sleep(GATHER).await;
                let clicks = self.answered(*node, |sent_ms| sent_ms > cut_ms);
                let destroyed = self.flip(fleet, *node, &clicks, fault).await?;
                self.done.destroyed.extend(destroyed);
                for other in 0..NODES {
                    fleet.line(Between::Blocks(*node, other)).set(Trouble::None);
                }
            }
        }
        *self.done.faults.entry(fault.kind()).or_default() += 1;
        fleet.notice()
    }

    /// Why a fault can not be made on this machine.
    fn obstacle(&self, fleet: &Fleet, fault: &Fault) -> Option<String> {
        let needs = |folder: &str| {
            (!fleet.place.is_volume(folder))
                .then(|| "only root can mount a small volume".to_owned())
        };
        match fault {
            Fault::JournalsFull(_) => needs("journals"),
            Fault::ClickHouseFull(_) => needs("clickhouse"),
            Fault::Clock(..) if !self.has_clocks => Some("libfaketime is not installed".into()),
            _ => None,
        }
    }

    /// Clicks that a redirector has answered, sent at a time that `is_right`.
    fn answered(&self, node: usize, is_right: impl Fn(u64) -> bool) -> HashSet<Name> {
        let mut names = HashSet::new();
        for (visitor, clicks) in self.visitors.clicks.iter().enumerate() {
            let clicks = clicks.lock().expect("nobody panics with it");
            let right = clicks.iter().enumerate().filter(|(_, click)| {
                usize::from(click.node) == node && click.id.is_some() && is_right(click.sent_ms)
            });
            names.extend(right.map(|(number, _)| (visitor, number)));
        }
        names
    }

    /// Kills a redirector, flips a bit of one of these clicks in its journal, starts it again.
    async fn flip(
        &mut self,
        fleet: &mut Fleet,
        node: usize,
        clicks: &HashSet<Name>,
        fault: &Fault,
    ) -> Result<Option<Name>> {
        fleet.kill(Part::Redirector(node))?;
        let journal = fleet.place.dir.join(format!("journals/redirector-{node}"));
        let flipped = flip::flip_one(&journal, clicks, &mut self.random)?;
        fleet.launch(Part::Redirector(node))?;
        if flipped.is_none() {
            *self
                .done
                .faults
                .entry("flips_without_a_record")
                .or_default() += 1;
        }
        eprintln!("{fault:?} hit {flipped:?}");
        Ok(flipped)
    }
}

async fn away(fleet: &mut Fleet, part: Part, time: Duration) -> Result<()> {
    fleet.kill(part)?;
    sleep(time).await;
    fleet.launch(part)
}

/// Of these clicks, those that ClickHouse has.
async fn stored_among(fleet: &Fleet, clicks: &HashSet<Name>) -> Result<HashSet<Name>> {
    // The last few thousand are those whose segments are still there.
    let statement = "SELECT query FROM whence.clicks ORDER BY time DESC LIMIT 20000";
    let answer = fleet.database.ask(statement).await?;
    let stored = answer.lines().filter_map(super::oracle::name_in);
    Ok(stored.filter(|name| clicks.contains(name)).collect())
}

/// Takes the views away that fail.
async fn no_errors_after(fleet: &Fleet) -> Result<()> {
    for table in TABLES {
        let statement = format!("DROP VIEW IF EXISTS whence.{table}_{AFTER} SYNC");
        fleet.database.ask(&statement).await?;
    }
    Ok(())
}

/// Fills the volume that `filler` is on up to `left` bytes, and gives it back after `time`.
async fn full(filler: &Path, left: u64, time: Duration) -> Result<()> {
    let path = filler.to_owned();
    let filled = tokio::task::spawn_blocking(move || fill(&path, left)).await?;
    sleep(time).await;
    let removed = std::fs::remove_file(filler);
    filled?;
    removed.with_context(|| filler.display().to_string())
}

/// Takes what the volume has, and then what others have given back meanwhile.
fn fill(path: &Path, left: u64) -> Result<()> {
    let file = File::create(path)?;
    let mut end = 0;
    for _ in 0..FILLINGS {
        let volume = statvfs(path)?;
        let free = volume.f_bavail * volume.f_frsize;
        let more = free.saturating_sub(left) / PAGE * PAGE;
        // Others may have been faster.
        if more > 0 && fallocate(&file, FallocateFlags::empty(), end, more).is_ok() {
            end += more;
        }
    }
    Ok(())
}
