//! What a new installation needs before it can be used: a workspace, a domain, and a key to it.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use whence_core::config::Config;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::process::Failure;
use whence_core::store::LinkStore;
use whence_core::workspace::{Workspace, WorkspaceId};

use super::secrets::write_private;

/// The first workspace's id.
const WORKSPACE: &str = "main";
/// Its domain: what a browser on this machine can reach without a name server.
const DOMAIN: &str = "localhost";

/// The first workspace, as a newcomer is shown it.
pub(super) struct First {
    /// Its id.
    pub(super) workspace: WorkspaceId,
    /// Its domain.
    pub(super) domain: &'static str,
    /// The file that holds its key, for its owner's eyes only.
    pub(super) key_file: PathBuf,
    /// Whether this start made it.
    pub(super) is_new: bool,
}

/// Makes the workspace, its domain and its key where they are missing. The key stands in a file beside
/// the data, since the store keeps only its hash.
pub(super) async fn workspace(config: &Config, store: &dyn LinkStore) -> Result<First, Failure> {
    let id: WorkspaceId = WORKSPACE.parse().expect("a workspace id");
    let key_file = config.data_dir().join("api-key");
    let is_new = store
        .workspace(&id)
        .await
        .map_err(Failure::runtime)?
        .is_none();
    if is_new {
        let workspace = Workspace::new(id.clone(), "My workspace");
        store
            .put_workspace(&workspace)
            .await
            .map_err(Failure::runtime)?;
    }
    let domain = DOMAIN.parse().expect("a host name");
    store
        .claim_domain(&domain, &id)
        .await
        .map_err(Failure::runtime)?;

    let known = match fs::read_to_string(&key_file) {
        Ok(text) => store
            .key(KeyHash::of(text.trim()))
            .await
            .map_err(Failure::runtime)?,
        Err(_) => None,
    };
    if known.is_none() {
        let text = key::generate();
        let stored = ApiKey {
            workspace: id.clone(),
            name: "first key".into(),
            rights: Right::ALL.to_vec(),
            created_at: Timestamp::now(),
        };
        let failed = |error| Failure::Runtime(format!("{}: {error}", key_file.display()));
        // Written first: a key that opens nothing is harmless, one that nobody knows is not.
        write_private(&key_file, &format!("{}\n", text.expose())).map_err(failed)?;
        store
            .put_key(KeyHash::of(text.expose()), &stored)
            .await
            .map_err(Failure::runtime)?;
    }
    Ok(First {
        workspace: id,
        domain: DOMAIN,
        key_file,
        is_new,
    })
}
