//! What whoever runs Whence does by hand: check a configuration, migrate a database, open a workspace.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use whence_core::agent::Agents;
use whence_core::config::Config;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::link::Host;
use whence_core::place::{Networks, Places};
use whence_core::process::Failure;
use whence_core::workspace::{Workspace, WorkspaceId};
use whence_core::{clickhouse, store};
use whence_ingest::enrich::Hostings;

/// What can be made.
#[derive(Debug, Subcommand)]
pub enum New {
    /// Make a workspace with its domains, and print a key to it
    Workspace(NewWorkspace),
    /// Make another key to a workspace, and print it
    Key(NewKey),
}

/// A workspace to be made.
#[derive(Debug, Args)]
pub struct NewWorkspace {
    /// Its id: 1 to 32 of a-z, 0-9, _ and -
    id: WorkspaceId,
    /// What its people call it; its id where nothing is said
    #[arg(long)]
    name: Option<String>,
    /// A short domain for it, such as go.example.com; may be given again
    #[arg(long, value_name = "HOST")]
    domain: Vec<Host>,
}

/// A key to be made.
#[derive(Debug, Args)]
pub struct NewKey {
    /// The workspace that it opens
    workspace: WorkspaceId,
    /// What it is for
    #[arg(long, default_value = "made by hand")]
    name: String,
    /// Let it audit the whole installation, which also tells of other workspaces
    #[arg(long)]
    audit: bool,
}

/// Says whether the configuration can be used, without starting anything. What it holds was checked
/// when it was loaded; this adds what only a start would find out.
pub fn check(config: &Config) -> Result<(), Failure> {
    let mut problems = Vec::new();
    // `whence up` makes a key at the first start; a fleet must be given one.
    if !config.embedded.clickhouse {
        problems.extend(config.click_id_key().err());
    }
    problems.extend(Places::open(&config.databases).err().map(|e| e.to_string()));
    problems.extend(
        Networks::open(&config.databases)
            .err()
            .map(|e| e.to_string()),
    );
    problems.extend(Agents::open(&config.databases).err().map(|e| e.to_string()));
    problems.extend(
        Hostings::open(&config.databases)
            .err()
            .map(|e| e.to_string()),
    );
    if problems.is_empty() {
        println!("the configuration is valid");
        Ok(())
    } else {
        Err(Failure::Config(problems.join("\n       ")))
    }
}

/// Brings the database up to date.
pub async fn migrate(config: Config) -> Result<(), Failure> {
    let client = clickhouse::client(&config.clickhouse);
    let applied = clickhouse::migrate(&client, &config.clickhouse.database)
        .await
        .map_err(Failure::runtime)?;
    let retained = clickhouse::retain(&client, &config.retention)
        .await
        .map_err(Failure::runtime)?;
    if !applied.is_empty() {
        println!("applied {}", applied.join(", "));
    }
    for statement in &retained {
        println!("retention: {statement}");
    }
    if applied.is_empty() && retained.is_empty() {
        println!("nothing to do");
    }
    Ok(())
}

/// Makes a workspace or a key in the link store.
pub async fn make(config: Config, what: New) -> Result<(), Failure> {
    let store = store::open(&config.store_url())
        .await
        .map_err(Failure::runtime)?;
    let (workspace, name, audits) = match what {
        New::Workspace(new) => {
            if store
                .workspace(&new.id)
                .await
                .map_err(Failure::runtime)?
                .is_some()
            {
                return Err(Failure::Runtime(format!(
                    "workspace {} exists already",
                    new.id
                )));
            }
            let name = new.name.unwrap_or_else(|| new.id.to_string());
            store
                .put_workspace(&Workspace::new(new.id.clone(), name))
                .await
                .map_err(Failure::runtime)?;
            for host in &new.domain {
                let failed = |error| Failure::Runtime(format!("domain {host}: {error}"));
                store.claim_domain(host, &new.id).await.map_err(failed)?;
            }
            (new.id, "first key".to_owned(), false)
        }
        New::Key(new) => {
            if store
                .workspace(&new.workspace)
                .await
                .map_err(Failure::runtime)?
                .is_none()
            {
                return Err(Failure::Runtime(format!(
                    "there is no workspace {}",
                    new.workspace
                )));
            }
            (new.workspace, new.name, new.audit)
        }
    };
    let text = key::generate();
    let stored = ApiKey {
        workspace,
        name,
        rights: match audits {
            true => Right::ALL.to_vec(),
            false => Right::OF_A_WORKSPACE.to_vec(),
        },
        created_at: Timestamp::now(),
    };
    store
        .put_key(KeyHash::of(text.expose()), &stored)
        .await
        .map_err(Failure::runtime)?;
    println!("{}", text.expose());
    Ok(())
}
