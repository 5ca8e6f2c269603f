//! Links: made, read, listed, deleted.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use whence_core::config::Scheme;

use crate::support::{Service, about, problem};

#[tokio::test]
async fn a_link_from_its_making_to_its_end() {
    let service = Service::start().await;
    let body = json!({
        "domain": "go.example", "slug": "Grüße/2026", "destination": "https://example.com/a b",
        "status": 307, "channel": "WhatsApp", "campaign": "winter", "program": "friends", "advocate": "ada",
    });
    let made = service
        .ask(&service.acme, "POST", "/api/v1/links", body.to_string())
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let link = made.json();
    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(link["short_url"], "https://go.example/Gr%C3%BC%C3%9Fe/2026");
    assert_eq!(link["destination"], "https://example.com/a%20b");
    assert_eq!(link["revision"], 1);
    for field in [
        "domain", "slug", "status", "channel", "campaign", "program", "advocate",
    ] {
        assert_eq!(link[field], body[field], "{field}");
    }

    let read = service.ask(&service.acme, "GET", &path, "").await;
    assert_eq!(read.json(), link);
    assert_eq!(read.header("etag"), "\"1\"");
    assert_eq!(service.get("/api/v1/links").await["links"], json!([link]));

    // The redirector finds it where it stands.
    let stored = service
        .store
        .link_at("go.example", "Grüße/2026")
        .await
        .unwrap();
    assert_eq!(
        stored.unwrap().spec.destination.as_str(),
        "https://example.com/a%20b"
    );

    let gone = service.ask(&service.acme, "DELETE", &path, "").await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
    for method in ["GET", "DELETE"] {
        problem(&service.ask(&service.acme, method, &path, "").await, 404);
    }
    let patched = service.ask(&service.acme, "PATCH", &path, "{}").await;
    problem(&patched, 404);
}

#[tokio::test]
async fn what_is_left_out_is_chosen() {
    let service = Service::start_with(|config| {
        config.analytics.short_url_scheme = Scheme::Http;
        config.analytics.short_url_port = 8080;
    })
    .await;
    let link = service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
    assert_eq!(link["domain"], "a.example", "the first of the workspace");
    assert_eq!(link.get("status"), None, "what has its default is left out");
    assert_eq!(link.get("channel"), None);
    let slug = link["slug"].as_str().unwrap();
    assert_eq!(slug.len(), 7);
    assert_eq!(link["short_url"], format!("http://a.example:8080/{slug}"));

    let bare = service
        .make(r#"{"destination": "https://example.com/", "slug": ""}"#)
        .await;
    assert_eq!(bare["slug"], "");
    assert_eq!(bare["short_url"], "http://a.example:8080/");
}

#[tokio::test]
async fn a_taken_slug_is_never_overwritten() {
    let service = Service::start().await;
    let first = service
        .make(r#"{"slug": "sale", "destination": "https://example.com/1"}"#)
        .await;
    let body = r#"{"slug": "sale", "destination": "https://example.com/2"}"#;
    let second = service
        .ask(&service.acme, "POST", "/api/v1/links", body)
        .await;
    about(&problem(&second, 409), &["slug"]);
    let path = format!("/api/v1/links/{}", first["id"].as_str().unwrap());
    assert_eq!(
        service.get(&path).await["destination"],
        "https://example.com/1"
    );
    // On the workspace's other domain it is free.
    let body =
        r#"{"domain": "go.example", "slug": "sale", "destination": "https://example.com/2"}"#;
    service.make(body).await;
}

#[tokio::test]
async fn of_many_who_want_one_slug_one_gets_it() {
    let service = Arc::new(Service::start().await);
    let tries = (0..20).map(|n| {
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let body = json!({"slug": "wanted", "destination": format!("https://example.com/{n}")});
            let got = service
                .ask(&service.acme, "POST", "/api/v1/links", body.to_string())
                .await;
            got.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        statuses.push(tried.await.unwrap());
    }
    statuses.sort_unstable();
    let expected: Vec<u16> = [201].into_iter().chain([409; 19]).collect();
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn pages_show_every_link_once_and_the_newest_first() {
    let service = Service::start().await;
    let mut made = HashSet::new();
    for _ in 0..7 {
        let link = service
            .make(r#"{"destination": "https://example.com/"}"#)
            .await;
        made.insert(link["id"].as_str().unwrap().to_owned());
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/links?limit=3".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = service.get(&path).await;
        let links = page["links"].as_array().unwrap();
        sizes.push(links.len());
        seen.extend(
            links
                .iter()
                .map(|link| link["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/links?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert!(
        seen.is_sorted_by(|a, b| a > b),
        "an id begins with its time"
    );
    assert_eq!(seen.iter().cloned().collect::<HashSet<_>>(), made);
    // A last page that is full says that it is the last.
    let page = service.get("/api/v1/links?limit=7").await;
    assert_eq!(page["next_cursor"], Value::Null);
}

#[tokio::test]
async fn without_a_domain_there_is_no_link() {
    let service = Service::start().await;
    crate::support::add_workspace(&*service.store, "newcomer", "UTC").await;
    let key =
        crate::support::add_key(&*service.store, "newcomer", &whence_core::key::Right::ALL).await;
    let body = r#"{"destination": "https://example.com/"}"#;
    let got = service.ask(&key, "POST", "/api/v1/links", body).await;
    about(&problem(&got, 422), &["domain"]);
}
