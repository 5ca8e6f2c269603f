//! Workspaces, domains and API keys.

use std::sync::Arc;

use tokio::task::JoinSet;
use whence_core::domain::Domain;
use whence_core::key::{ApiKey, KeyHash, Right};
use whence_core::link::Host;
use whence_core::store::{Change, ChangeError, ClaimError};
use whence_core::workspace::{PrivacyMode, Workspace};

use crate::backend::{Backend, next, workspace};

on_all!(
    a_workspace_is_read_as_it_was_put,
    a_workspace_is_changed_from_the_revision_before,
    workspaces_are_listed_in_the_order_of_their_ids,
    a_domain_belongs_to_the_first_who_claims_it,
    of_twenty_claimants_one_wins,
    a_domain_tells_its_workspace,
    a_domain_is_changed_from_the_revision_before,
    a_domain_that_is_given_up_is_free,
    of_claims_and_releases_at_once_the_list_is_true,
    domains_are_listed_in_alphabetical_order,
    a_key_is_found_by_its_hash_only,
);

fn host(name: &str) -> Host {
    name.parse().unwrap()
}

/// The domain with its own word for what is not found, one revision later.
fn reworded(domain: &Domain, text: &str) -> Domain {
    let mut changed = domain.clone();
    changed.spec.not_found_text = Some(text.parse().unwrap());
    changed.revision += 1;
    changed
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

async fn a_workspace_is_changed_from_the_revision_before(it: Backend) {
    let first = Workspace::new(workspace("acme"), "Acme");
    let second = Workspace {
        name: "Acme Inc.".into(),
        revision: 2,
        ..first.clone()
    };
    let missing = it.store.change_workspace(&second).await;
    assert!(matches!(missing, Err(ChangeError::NotFound)), "{missing:?}");
    it.store.put_workspace(&first).await.unwrap();
    it.store
        .claim_domain(&host("go.example.com"), &first.id)
        .await
        .unwrap();
    let elsewhere = it.elsewhere().await;
    let mut here = it.store.changes();
    elsewhere.change_workspace(&second).await.unwrap();
    assert_eq!(
        next(&mut here).await,
        Change::Domain("go.example.com".into())
    );
    for revision in [0, 1, 2, 4] {
        let late = Workspace {
            revision,
            ..second.clone()
        };
        let refused = it.store.change_workspace(&late).await;
        assert!(
            matches!(refused, Err(ChangeError::Revision { current: 2 })),
            "{refused:?}"
        );
    }
    assert_eq!(it.store.workspace(&first.id).await.unwrap(), Some(second));
}

async fn workspaces_are_listed_in_the_order_of_their_ids(it: Backend) {
    assert_eq!(it.store.workspaces().await.unwrap(), []);
    for id in ["b", "a", "0-9", "a_b"] {
        let made = Workspace::new(workspace(id), id);
        it.store.put_workspace(&made).await.unwrap();
        it.store.put_workspace(&made).await.unwrap();
    }
    let ids = it.elsewhere().await.workspaces().await.unwrap();
    assert_eq!(ids, ["0-9", "a", "a_b", "b"].map(workspace));
}

async fn a_domain_belongs_to_the_first_who_claims_it(it: Backend) {
    let (acme, rival, go) = (
        workspace("acme"),
        workspace("rival"),
        host("go.example.com"),
    );
    it.store.claim_domain(&go, &acme).await.unwrap();
    it.store.claim_domain(&go, &acme).await.unwrap();
    let taken = it.elsewhere().await.claim_domain(&go, &rival).await;
    assert!(matches!(taken, Err(ClaimError::Taken)), "{taken:?}");
    assert_eq!(
        it.store.domains(&acme).await.unwrap(),
        [Domain::new(go, acme)]
    );
    assert_eq!(it.store.domains(&rival).await.unwrap(), []);
}

async fn of_twenty_claimants_one_wins(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let go = host("go.example.com");
    let mut claimants = JoinSet::new();
    for n in 0..20 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let (go, claimant) = (go.clone(), workspace(&format!("w{n}")));
        claimants.spawn(async move {
            match store.claim_domain(&go, &claimant).await {
                Ok(()) => Ok(claimant),
                Err(ClaimError::Taken) => Err(claimant),
                Err(error) => panic!("{error}"),
            }
        });
    }
    let (mut won, mut lost) = (0, 0);
    for outcome in claimants.join_all().await {
        match outcome {
            Ok(winner) => {
                won += 1;
                assert_eq!(
                    there.domains(&winner).await.unwrap(),
                    [Domain::new(go.clone(), winner)]
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
    let go = host("go.example.com");
    assert_eq!(it.store.domain_at(go.as_str()).await.unwrap(), None);
    it.store.claim_domain(&go, &acme.id).await.unwrap();
    // Claimed before its workspace was put: nobody's yet.
    assert_eq!(it.store.domain_at(go.as_str()).await.unwrap(), None);
    it.store.put_workspace(&acme).await.unwrap();
    let elsewhere = it.elsewhere().await;
    assert_eq!(
        elsewhere.domain_at(go.as_str()).await.unwrap(),
        Some((Domain::new(go, acme.id.clone()), acme))
    );
    assert_eq!(elsewhere.domain_at("example.com").await.unwrap(), None);
}

async fn a_domain_is_changed_from_the_revision_before(it: Backend) {
    let acme = Workspace::new(workspace("acme"), "Acme");
    it.store.put_workspace(&acme).await.unwrap();
    let go = host("go.example.com");
    let first = Domain::new(go.clone(), acme.id.clone());
    let second = reworded(&first, "Not here.");
    let missing = it.store.change_domain(&second).await;
    assert!(matches!(missing, Err(ChangeError::NotFound)), "{missing:?}");
    it.store.claim_domain(&go, &acme.id).await.unwrap();
    let elsewhere = it.elsewhere().await;
    let mut here = it.store.changes();
    elsewhere.change_domain(&second).await.unwrap();
    assert_eq!(next(&mut here).await, Change::Domain(go.to_string()));
    let refused = it.store.change_domain(&second).await;
    assert!(
        matches!(refused, Err(ChangeError::Revision { current: 2 })),
        "{refused:?}"
    );
    // Another workspace neither changes it nor learns of it, whatever the revision.
    let mut stolen = reworded(&second, "Mine.");
    stolen.workspace = workspace("rival");
    let refused = it.store.change_domain(&stolen).await;
    assert!(matches!(refused, Err(ChangeError::NotFound)), "{refused:?}");
    // Claimed again it is as it was.
    it.store.claim_domain(&go, &acme.id).await.unwrap();
    assert_eq!(
        it.store.domain_at(go.as_str()).await.unwrap(),
        Some((second, acme))
    );
}

async fn a_domain_that_is_given_up_is_free(it: Backend) {
    let (acme, rival, go) = (
        workspace("acme"),
        workspace("rival"),
        host("go.example.com"),
    );
    let missing = it.store.release_domain(&go, &acme).await;
    assert!(matches!(missing, Err(ChangeError::NotFound)), "{missing:?}");
    it.store.claim_domain(&go, &acme).await.unwrap();
    let refused = it.store.release_domain(&go, &rival).await;
    assert!(matches!(refused, Err(ChangeError::NotFound)), "{refused:?}");
    let elsewhere = it.elsewhere().await;
    let mut here = it.store.changes();
    elsewhere.release_domain(&go, &acme).await.unwrap();
    assert_eq!(next(&mut here).await, Change::Domain(go.to_string()));
    assert_eq!(it.store.domains(&acme).await.unwrap(), []);
    it.store.claim_domain(&go, &rival).await.unwrap();
    assert_eq!(
        elsewhere.domains(&rival).await.unwrap(),
        [Domain::new(go, rival)]
    );
}

async fn of_claims_and_releases_at_once_the_list_is_true(it: Backend) {
    let (here, there) = (Arc::clone(&it.store), it.elsewhere().await);
    let (go, acme) = (host("go.example.com"), workspace("acme"));
    let mut acts = JoinSet::new();
    for n in 0..16 {
        let store = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let (go, acme) = (go.clone(), acme.clone());
        acts.spawn(async move {
            for _ in 0..8 {
                if n % 4 < 2 {
                    store.claim_domain(&go, &acme).await.unwrap();
                } else {
                    match store.release_domain(&go, &acme).await {
                        Ok(()) | Err(ChangeError::NotFound) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
    }
    acts.join_all().await;
    it.store
        .put_workspace(&Workspace::new(acme.clone(), "Acme"))
        .await
        .unwrap();
    let is_claimed = it.store.domain_at(go.as_str()).await.unwrap().is_some();
    let is_listed = !it.store.domains(&acme).await.unwrap().is_empty();
    assert_eq!(is_claimed, is_listed);
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
        .map(|domain| domain.host.to_string())
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
    assert_eq!(
        it.store.domains(&next).await.unwrap(),
        [Domain::new(host("c.example"), next)]
    );
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
