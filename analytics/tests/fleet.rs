//! Two services over one Redis, as in a fleet: what one does the other sees, and they do not get in each
//! other's way.

use std::sync::Arc;

use serde_json::json;
use whence_core::store::RedisStore;
use whence_core::test_support::RedisServer;

use crate::support::Service;

/// Two services, who have a key in common, and the Redis that must outlive them.
async fn two() -> (RedisServer, [Arc<Service>; 2], String) {
    let redis = RedisServer::start();
    let service = async || {
        let store = RedisStore::connect(&redis.url()).await.unwrap();
        Arc::new(Service::over(Arc::new(store), |_| {}).await)
    };
    let services = [service().await, service().await];
    let key = services[0].acme.clone();
    (redis, services, key)
}

#[tokio::test]
async fn of_many_puts_through_both_one_makes_the_link() {
    let (_redis, services, key) = two().await;
    let tries = (0..20).map(|n| {
        let (service, key) = (Arc::clone(&services[n % 2]), key.clone());
        tokio::spawn(async move {
            let body = json!({"destination": format!("https://example.com/{n}")}).to_string();
            let got = service
                .ask(&key, "PUT", "/api/v1/links/external/x", body)
                .await;
            got.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        statuses.push(tried.await.unwrap());
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, 200 | 201 | 409)),
        "{statuses:?}"
    );
    let list = services[1].ask(&key, "GET", "/api/v1/links", "").await;
    assert_eq!(list.json()["links"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn many_edits_through_both_are_all_done() {
    let (_redis, services, key) = two().await;
    // Both want the same hundred slugs, and each a hundred of its own.
    let bulk = |n: usize| {
        let (service, key) = (Arc::clone(&services[n]), key.clone());
        let create =
            |slug: String| json!({"create": {"slug": slug, "destination": "https://example.com/"}});
        let shared = (0..100).map(|m| create(format!("shared{m}")));
        let own = (0..100).map(|m| create(format!("own{n}-{m}")));
        let change = json!({"change": {"external_id": "x", "title": n.to_string()}});
        let edits: Vec<_> = shared.chain(own).chain([change]).collect();
        tokio::spawn(async move {
            let body = json!({"edits": edits}).to_string();
            let got = service.ask(&key, "POST", "/api/v1/links/bulk", body).await;
            assert_eq!(got.status, 200, "{}", got.body);
            let results = got.json()["results"].clone();
            let statuses = results.as_array().unwrap().iter();
            let statuses = statuses.map(|result| result["status"].as_u64().unwrap());
            statuses.collect::<Vec<_>>()
        })
    };
    let common = r#"{"destination": "https://example.com/", "external_id": "x"}"#;
    let made = services[0].ask(&key, "POST", "/api/v1/links", common).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (one, other) = (bulk(0), bulk(1));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    for n in 0..100 {
        let mut both = [one[n], other[n]];
        both.sort_unstable();
        assert_eq!(both, [201, 409], "shared{n}");
    }
    for statuses in [&one, &other] {
        assert!(statuses[100..200].iter().all(|status| *status == 201));
        assert_eq!(
            statuses[200], 200,
            "a change without a revision loses to nobody"
        );
    }
    let path = "/api/v1/links/external/x";
    let link = services[1].ask(&key, "GET", path, "").await.json();
    assert_eq!(link["revision"], 3);
}
