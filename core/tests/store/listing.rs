//! Listing against a model: whatever was done before, a page holds what a sorted map holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::runtime::Runtime;
use whence_core::id::LinkId;
use whence_core::link::Link;
use whence_core::store::{ChangeError, CreateError, LinkStore};
use whence_core::test_support::RedisCluster;
use whence_core::workspace::WorkspaceId;

use crate::backend::{Backend, changed, deleted, link, workspace};

/// Each has a new store and up to 40 acts, which wait for a disk or for Redis.
const CASES: u32 = 24;

/// Small ranges, so that acts meet each other's links.
#[derive(Clone, Debug)]
enum Act {
    Create {
        workspace: usize,
        id: u64,
        slug: u8,
    },
    Change {
        workspace: usize,
        id: u64,
        revision: u64,
    },
    Delete {
        workspace: usize,
        id: u64,
    },
    List {
        workspace: usize,
        before: Option<u64>,
        limit: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    // Ids near both ends and on both sides of a power of 62, where their text must keep their order.
    let id = || {
        prop_oneof![
            0..3_u64,
            59..65_u64,
            Just(u64::from(u32::MAX) << 32),
            Just(u64::MAX - 1),
            Just(u64::MAX)
        ]
    };
    prop_oneof![
        4 => (0..2_usize, id(), 0..12_u8).prop_map(|(workspace, id, slug)| Act::Create { workspace, id, slug }),
        1 => (0..2_usize, id(), 1..4_u64)
            .prop_map(|(workspace, id, revision)| Act::Change { workspace, id, revision }),
        1 => (0..2_usize, id()).prop_map(|(workspace, id)| Act::Delete { workspace, id }),
        2 => (0..2_usize, proptest::option::of(id()), 0..6_usize)
            .prop_map(|(workspace, before, limit)| Act::List { workspace, before, limit }),
    ]
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    links: BTreeMap<u64, Link>,
}

impl Model {
    fn of(&self, workspace: &WorkspaceId, id: u64) -> Option<&Link> {
        self.links
            .get(&id)
            .filter(|link| link.workspace == *workspace)
    }

    fn list(&self, workspace: &WorkspaceId, before: Option<u64>, limit: usize) -> Vec<Link> {
        let newest_first = self
            .links
            .values()
            .rev()
            .filter(|link| link.workspace == *workspace);
        newest_first
            .filter(|link| before.is_none_or(|before| link.id.0 < before))
            .take(limit)
            .cloned()
            .collect()
    }
}

/// Both workspaces have links on one domain.
fn whose(index: usize) -> WorkspaceId {
    workspace(&format!("w{index}"))
}

/// One act on both, and whether they answer the same.
async fn run(store: &dyn LinkStore, model: &mut Model, act: Act) -> Result<(), TestCaseError> {
    match act {
        Act::Create {
            workspace,
            id,
            slug,
        } => {
            let mut made = link(id, &slug.to_string());
            made.workspace = whose(workspace);
            let answer = store.create_link(&made).await;
            if model.links.contains_key(&id) {
                prop_assert!(matches!(answer, Err(CreateError::IdTaken)), "{:?}", answer);
            } else if model.links.values().any(|link| link.slug == made.slug) {
                prop_assert!(
                    matches!(answer, Err(CreateError::SlugTaken)),
                    "{:?}",
                    answer
                );
            } else {
                prop_assert!(answer.is_ok(), "{:?}", answer);
                model.links.insert(id, made);
            }
        }
        Act::Change {
            workspace,
            id,
            revision,
        } => {
            let Some(stands) = model.of(&whose(workspace), id).cloned() else {
                return Ok(());
            };
            let mut change = changed(&stands, &format!("https://example.com/r/{revision}"));
            change.revision = revision;
            let answer = store.change_link(&change).await;
            if revision == stands.revision + 1 {
                prop_assert!(answer.is_ok(), "{:?}", answer);
                model.links.insert(id, change);
            } else {
                let refused = matches!(answer, Err(ChangeError::Revision { current }) if current == stands.revision);
                prop_assert!(refused, "{:?}", answer);
            }
        }
        Act::Delete { workspace, id } => {
            let whose = whose(workspace);
            let deleted = deleted(store, &whose, LinkId(id)).await;
            prop_assert_eq!(deleted, model.of(&whose, id).is_some());
            if deleted {
                model.links.remove(&id);
            }
        }
        Act::List {
            workspace,
            before,
            limit,
        } => {
            let whose = whose(workspace);
            let page = store
                .links(&whose, before.map(LinkId), limit)
                .await
                .unwrap();
            prop_assert_eq!(page, model.list(&whose, before, limit));
        }
    }
    Ok(())
}

/// Everything is listed by pages as it is listed at once.
async fn run_pages(store: &dyn LinkStore, model: &Model) -> Result<(), TestCaseError> {
    for index in 0..2 {
        let whose = whose(index);
        let mut paged = Vec::new();
        loop {
            let page = store
                .links(&whose, paged.last().map(|link: &Link| link.id), 2)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        prop_assert_eq!(paged, model.list(&whose, None, usize::MAX));
    }
    Ok(())
}

fn lists_as_a_sorted_map_does(new: impl AsyncFn() -> Backend) {
    let runtime = Runtime::new().unwrap();
    // Seeded, so that a failure comes again.
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let checked = runner.run(&proptest::collection::vec(act(), 1..40), |acts| {
        runtime.block_on(async {
            let (it, mut model) = (new().await, Model::default());
            for act in acts {
                run(&*it.store, &mut model, act).await?;
            }
            run_pages(&*it.store, &model).await
        })
    });
    checked.unwrap();
}

#[test]
fn the_file_lists_as_a_sorted_map_does() {
    lists_as_a_sorted_map_does(Backend::file);
}

#[test]
fn redis_lists_as_a_sorted_map_does() {
    lists_as_a_sorted_map_does(Backend::redis);
}

#[test]
fn a_cluster_lists_as_a_sorted_map_does() {
    let cluster = Arc::new(RedisCluster::start(3, 0));
    lists_as_a_sorted_map_does(async || Backend::cluster(&cluster).await);
}
