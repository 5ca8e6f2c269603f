//! A line to every primary: all changes are heard only while all of them stand.

use std::sync::Arc;

use futures::future::try_join_all;
use tokio::sync::broadcast;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;

use super::commands::Commands;
use super::line::{Line, Subscription};
use super::topology::{Map, Topology};
use super::upkeep;
use crate::store::{Change, StoreError};

/// The lines, open until this is dropped.
pub(super) struct Lines {
    topology: Arc<Topology>,
    task: JoinHandle<()>,
}

impl Lines {
    /// Opens a line to every primary; what changes after this returns is told.
    pub(super) async fn open(
        topology: Arc<Topology>,
        commands: Commands,
        changes: broadcast::Sender<Change>,
    ) -> Result<Self, StoreError> {
        let mut maps = topology.maps();
        let map = Arc::clone(&maps.borrow_and_update());
        let opened = map.primaries.iter().map(async |primary| {
            let subscription = Subscription::open(primary).await?;
            upkeep::warn_of_loss(&topology.address, primary).await;
            Ok((Arc::clone(primary), subscription))
        });
        let opened: Vec<_> = try_join_all(opened)
            .await
            .map_err(|error: redis::RedisError| topology.address.unavailable(error))?;
        let lines = opened
            .into_iter()
            .map(|(primary, subscription)| {
                Line::keep(subscription, primary, commands.clone(), changes.clone())
            })
            .collect();
        let task = tokio::spawn(follow(
            Arc::clone(&topology),
            maps,
            lines,
            commands,
            changes,
        ));
        Ok(Self { topology, task })
    }

    /// Whether changes are heard now, from every primary there is.
    pub(super) fn are_up(&self) -> bool {
        self.topology.map().is_heard()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives up the lines to what is no primary any more, and opens those to new ones.
async fn follow(
    topology: Arc<Topology>,
    mut maps: Receiver<Arc<Map>>,
    mut lines: Vec<Line>,
    commands: Commands,
    changes: broadcast::Sender<Change>,
) {
    while maps.changed().await.is_ok() {
        let map = Arc::clone(&maps.borrow_and_update());
        // What the new primary was told before its line stands, nobody has told us. An error means that
        // nobody listens, as in a process without a redirector.
        let _ = changes.send(Change::Everything);
        let is_kept = |line: &Line| {
            map.primaries
                .iter()
                .any(|it| Arc::ptr_eq(it, &line.primary))
        };
        lines.retain(is_kept);
        for primary in &map.primaries {
            if !lines.iter().any(|line| Arc::ptr_eq(&line.primary, primary)) {
                let primary = Arc::clone(primary);
                lines.push(Line::open_and_keep(
                    Arc::clone(&primary),
                    commands.clone(),
                    changes.clone(),
                ));
                let address = topology.address.clone();
                tokio::spawn(async move { upkeep::warn_of_loss(&address, &primary).await });
            }
        }
        // Where only the slots or the state of the cluster have changed, no line says that it stands.
        let _ = changes.send(Change::Everything);
    }
}
