//! The links that stand on a domain, as far as changes of it depend on them.
//!
//! The store lists links by workspace, so that finding those of a domain looks at all.

use whence_core::link::{Host, Link};
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use crate::api::Api;
use crate::problems::store_problem;

/// How many links are read at a time: of the longest that there are 6 MiB.
const PART: usize = 100;

/// The newest links on the domain that are meant, at most so many.
pub(super) async fn some(
    api: &Api,
    workspace: &WorkspaceId,
    host: &Host,
    most: usize,
    is_meant: impl Fn(&Link) -> bool,
) -> Result<Vec<Link>, Problem> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let links = api.store.links(workspace, cursor, PART).await;
        let links = links.map_err(|e| store_problem(&e))?;
        let is_last = links.len() < PART;
        cursor = links.last().map(|link| link.id);
        let meant = |link: &Link| link.domain == *host && is_meant(link);
        found.extend(links.into_iter().filter(meant).take(most - found.len()));
        if is_last || found.len() == most {
            return Ok(found);
        }
        // A store in a file answers without ever waiting: others get their turn here.
        tokio::task::yield_now().await;
    }
}
