//! The journals of all machines, as far as an erasure depends on them: what they held when it began must have arrived
//! before the tables are changed, and their files must be gone through on each machine.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use serde::Deserialize;
use whence_core::journal::{self, LaneId};
use whence_core::process::Failure;

use crate::journal::Lane;
use crate::person::clickhouse_failed;

const ACCOUNTS: &str = include_str!("../../../sql/audit/accounts.sql");

/// How often is looked again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Lanes give an account every ten seconds; one that has not for so long is of a process that does not run.
const SILENT: Duration = Duration::from_secs(25);

/// What a lane last said of itself.
#[derive(Clone, Debug, Row, Deserialize)]
struct Account {
    lane: u64,
    service: String,
    node: String,
    name: String,
    taken: u64,
    freed: u64,
    reported_ms: i64,
}

impl Account {
    fn what(&self) -> String {
        let Self {
            service,
            node,
            name,
            ..
        } = self;
        format!(
            "lane {} ({service} {name} on {node})",
            LaneId::new(self.lane)
        )
    }
}

/// Waits until what the journals hold now has arrived; answers what has not by the deadline. A lane of this machine is
/// looked at, any other is waited for by its accounts: one that was given after this began says how far it must get. Nothing
/// comes from those that are `gone`.
pub(super) async fn settle(
    client: &Client,
    local: &[Lane],
    gone: &[LaneId],
    deadline: Instant,
) -> Result<Vec<String>, Failure> {
    let begun = Instant::now();
    let mut here = HashMap::new();
    for lane in local {
        let seen = journal::peek(&lane.dir).map_err(Failure::runtime)?;
        here.insert(seen.lane.get(), (lane, seen.taken));
    }
    let accounts = accounts(client).await?;
    let first: HashMap<u64, i64> = accounts
        .iter()
        .map(|it| (it.lane, it.reported_ms))
        .collect();
    let mut targets: HashMap<u64, u64> = HashMap::new();
    let mut is_told = false;
    loop {
        let mut waiting = Vec::new();
        for (lane, target) in here.values() {
            let seen = journal::peek(&lane.dir).map_err(Failure::runtime)?;
            if seen.freed < *target {
                let count = target - seen.freed;
                waiting.push(format!("{} holds {count} records", lane.dir.display()));
            }
        }
        for account in self::accounts(client).await? {
            if here.contains_key(&account.lane) || gone.contains(&LaneId::new(account.lane)) {
                continue;
            }
            let is_fresh = first.get(&account.lane) != Some(&account.reported_ms);
            if is_fresh {
                targets.entry(account.lane).or_insert(account.taken);
            }
            let target = targets.get(&account.lane).copied();
            let is_silent = target.is_none() && begun.elapsed() > SILENT;
            let target = target.unwrap_or(account.taken);
            if account.freed < target {
                let count = target - account.freed;
                waiting.push(format!("{} holds {count} records", account.what()));
            } else if !is_fresh && !targets.contains_key(&account.lane) && !is_silent {
                waiting.push(format!("{} has yet to say what it holds", account.what()));
            }
        }
        if waiting.is_empty() || Instant::now() >= deadline {
            return Ok(waiting);
        }
        if !std::mem::replace(&mut is_told, true) {
            eprintln!("waiting for the journals to hand on what they hold …");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn accounts(client: &Client) -> Result<Vec<Account>, Failure> {
    let query = client.query(ACCOUNTS).param("lanes", [0_u64; 0].as_slice());
    query.fetch_all().await.map_err(clickhouse_failed)
}

/// The lanes of this machine, by their numbers.
pub(super) fn numbers(local: &[Lane]) -> Result<Vec<u64>, Failure> {
    let numbers = local.iter().map(|lane| {
        let seen = journal::peek(&lane.dir).map_err(Failure::runtime)?;
        Ok(seen.lane.get())
    });
    numbers.collect()
}

/// The lanes whose files were not gone through: they are on other machines, and `done` does not have them.
pub(super) async fn elsewhere(
    client: &Client,
    done: &HashSet<u64>,
) -> Result<Vec<String>, Failure> {
    let accounts = accounts(client).await?.into_iter();
    let others = accounts.filter(|account| !done.contains(&account.lane));
    let told = others.map(|account| {
        format!(
            "the files of {} were not gone through: run `whence erase --resume` there, or `whence journal wipe` there and \
             `whence erase --resume --wiped {}` here",
            account.what(),
            LaneId::new(account.lane)
        )
    });
    Ok(told.collect())
}
