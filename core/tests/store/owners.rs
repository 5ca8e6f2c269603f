//! Workspaces, domains and API keys.

use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::key::{ApiKey, KeyHash, Right};
use whence_core::link::Host;
use whence_core::store::ClaimError;
use whence_core::workspace::{PrivacyMode, Workspace};

use crate::backend::{Backend, workspace};

on_both!(
    a_workspace_is_read_as_it_was_put,
    a_domain_belongs_to_the_first_who_claims_it,
    of_twenty_claimants_one_wins,
    a_domain_tells_its_workspace,
    domains_are_listed_in_alphabetical_order,
    a_key_is_found_by_its_hash_only,
);

fn host(name: &str) -> Host {
    name.parse().unwrap()
}

async fn a_workspace_is_read_as_it_was_put(it: Backend) {
    let mut acme = Workspace::new(workspace("acme"), "Acme \"Größe\" GmbH");
    assert_eq!(it.store.workspace(&acme.id).await.unwrap(), None);
    it.store.put_workspace(&acme).await.unwrap();
    assert_eq!(
        it.elsewhere().await.workspace(&acme.id).await.unwrap(),
        Some(acme.clone())
    );
    acme.privacy = PrivacyMode::CountOnly;
    it.store.put_workspace(&acme).await.unwrap();
    assert_eq!(
        it.elsewhere().await.workspace(&acme.id).await.unwrap(),
        Some(acme)
    );
    assert_eq!(it.store.workspace(&workspace("acm")).await.unwrap(), None);
}

async fn a_domain_belongs_to_the_first_who_claims_it(it: Backend) {
    let (acme, rival, go) = (
        workspace("acme"),
        workspace("rival"),
        host("go.example.com"),
    );
    it.store.claim_domain(&go, &acme).await.unwrap();
    it.store.claim_domain(&go, &acme).await.unwrap();
    let refused = it.store.claim_domain(&go, &rival).await;
    assert!(matches!(refused, Err(ClaimError::Taken)), "{refused:?}");
    assert_eq!(it.store.domains(&acme).await.unwrap(), [go]);
    assert_eq!(it.store.domains(&rival).await.unwrap(), []);
}

async fn of_twenty_claimants_one_wins(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let mut claimants = JoinSet::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        claimants.spawn(async move {
            let claimant = workspace(&format!("w{n}"));
            match store.claim_domain(&host("go.example.com"), &claimant).await {
                Ok(()) => Ok(claimant),
                Err(ClaimError::Taken) => Err(claimant),
                Err(error) => panic!("{error}"),
            }
        });
    }
    let (mut won, mut lost) = (0, 0);
    for claimed in claimants.join_all().await {
        match claimed {
            Ok(winner) => {
                won += 1;
                assert_eq!(
                    there.domains(&winner).await.unwrap(),
                    [host("go.example.com")]
                );
            }
            Err(loser) => {
                lost += 1;
                assert_eq!(there.domains(&loser).await.unwrap(), []);
            }
        }
    }
    assert_eq!((won, lost), (1, 19));
}

async fn a_domain_tells_its_workspace(it: Backend) {
    let acme = Workspace::new(workspace("acme"), "Acme");
    assert_eq!(it.store.workspace_of("go.example.com").await.unwrap(), None);
    it.store
        .claim_domain(&host("go.example.com"), &acme.id)
        .await
        .unwrap();
    // Claimed before its workspace was put: nobody's yet.
    assert_eq!(it.store.workspace_of("go.example.com").await.unwrap(), None);
    it.store.put_workspace(&acme).await.unwrap();
    let elsewhere = it.elsewhere().await;
    assert_eq!(
        elsewhere.workspace_of("go.example.com").await.unwrap(),
        Some(acme)
    );
    assert_eq!(elsewhere.workspace_of("example.com").await.unwrap(), None);
}

async fn domains_are_listed_in_alphabetical_order(it: Backend) {
    let (acme, next) = (workspace("acme"), workspace("acme-2"));
    for name in [
        "b.example",
        "a.example",
        "127.0.0.1",
        "z.a.example",
        "bücher.example",
    ] {
        it.store.claim_domain(&host(name), &acme).await.unwrap();
    }
    it.store
        .claim_domain(&host("c.example"), &next)
        .await
        .unwrap();
    let names: Vec<_> = it
        .store
        .domains(&acme)
        .await
        .unwrap()
        .into_iter()
        .map(String::from)
        .collect();
    assert_eq!(
        names,
        [
            "127.0.0.1",
            "a.example",
            "b.example",
            "xn--bcher-kva.example",
            "z.a.example"
        ]
    );
    assert_eq!(it.store.domains(&next).await.unwrap(), [host("c.example")]);
}

async fn a_key_is_found_by_its_hash_only(it: Backend) {
    let key = ApiKey {
        workspace: workspace("acme"),
        name: "CI".into(),
        rights: vec![Right::Links, Right::Reports],
        created_at: "2026-11-21T12:00:00Z".parse().unwrap(),
    };
    let hash = KeyHash::of("whk_1");
    assert_eq!(it.store.key(hash).await.unwrap(), None);
    it.store.put_key(hash, &key).await.unwrap();
    let elsewhere = it.elsewhere().await;
    assert_eq!(elsewhere.key(hash).await.unwrap(), Some(key));
    assert_eq!(elsewhere.key(KeyHash::of("whk_2")).await.unwrap(), None);
}
