//! Links changed, by one or by several at a time.

use std::sync::Arc;

use serde_json::json;

use crate::support::{Service, about, problem};

async fn with_a_link() -> (Arc<Service>, String) {
    let service = Service::start().await;
    let body = r#"{"slug": "s", "destination": "https://example.com/", "channel": "Email", "advocate": "ada"}"#;
    let link = service.make(body).await;
    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    (Arc::new(service), path)
}

#[tokio::test]
async fn only_what_is_named_changes() {
    let (service, path) = with_a_link().await;
    let before = service.get(&path).await;
    let body =
        r#"{"destination": "https://example.com/new", "channel": null, "campaign": "spring"}"#;
    let changed = service.ask(&service.acme, "PATCH", &path, body).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.header("etag"), "\"2\"");
    let after = changed.json();
    let mut expected = before.clone();
    expected["destination"] = json!("https://example.com/new");
    expected.as_object_mut().unwrap().remove("channel");
    expected["campaign"] = json!("spring");
    expected["revision"] = json!(2);
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    assert_ne!(after["updated_at"], before["updated_at"]);
    assert_eq!(service.get(&path).await, after);
}

#[tokio::test]
async fn where_a_link_stands_does_not_change() {
    let (service, path) = with_a_link().await;
    let body = r#"{"domain": "go.example", "slug": "t", "destination": "https://example.com/new"}"#;
    let got = service.ask(&service.acme, "PATCH", &path, body).await;
    let refused = problem(&got, 422);
    about(&refused, &["domain", "slug"]);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("cannot be changed")
    );
    assert_eq!(service.get(&path).await["revision"], 1);
}

#[tokio::test]
async fn a_revision_that_has_passed_is_refused() {
    let (service, path) = with_a_link().await;
    let patch = async |tag: &str, body: &str| {
        service
            .ask_with(
                &service.acme,
                "PATCH",
                &path,
                &[("if-match", tag)],
                body.to_owned(),
            )
            .await
    };
    let first = patch("\"1\"", r#"{"channel": "SMS"}"#).await;
    assert_eq!(
        (first.status.as_u16(), first.header("etag")),
        (200, "\"2\"")
    );
    for tag in ["\"1\"", "\"3\", \"4\"", "\"never-given\"", "W/\"2\""] {
        problem(&patch(tag, r#"{"channel": "Print"}"#).await, 412);
    }
    for tag in ["2", "W/2", ""] {
        about(&problem(&patch(tag, "{}").await, 400), &["If-Match"]);
    }
    for (tag, revision, channel) in [
        ("*", 3, "Print"),
        // The same again changes nothing.
        ("*", 3, "Print"),
        ("\"9\", \"3\"", 4, "SMS"),
    ] {
        let got = patch(tag, &json!({"channel": channel}).to_string()).await;
        assert_eq!(got.json()["revision"], revision, "{tag}");
    }
    for (tag, status) in [
        ("\"3\"", 412),
        ("4", 400),
        ("\"3\", \"4\"", 204),
        ("\"4\"", 404),
    ] {
        let tag = [("if-match", tag)];
        let got = service
            .ask_with(&service.acme, "DELETE", &path, &tag, "")
            .await;
        assert_eq!(got.status, status, "{tag:?}: {}", got.body);
    }
}

#[tokio::test]
async fn of_many_with_one_revision_one_changes_the_link() {
    let (service, path) = with_a_link().await;
    let tries = (0..10).map(|n| {
        let (service, path) = (Arc::clone(&service), path.clone());
        tokio::spawn(async move {
            let body = json!({"campaign": n.to_string()}).to_string();
            let got = service
                .ask_with(
                    &service.acme,
                    "PATCH",
                    &path,
                    &[("if-match", "\"1\"")],
                    body,
                )
                .await;
            got.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        statuses.push(tried.await.unwrap());
    }
    statuses.sort_unstable();
    let expected: Vec<u16> = [200].into_iter().chain([412; 9]).collect();
    assert_eq!(statuses, expected);
    assert_eq!(service.get(&path).await["revision"], 2);
}

#[tokio::test]
async fn changes_of_different_fields_all_arrive() {
    let (service, path) = with_a_link().await;
    let fields = ["channel", "campaign", "program", "advocate"];
    let tries = fields.map(|field| {
        let (service, path) = (Arc::clone(&service), path.clone());
        tokio::spawn(async move {
            let body = json!({field: format!("new {field}")}).to_string();
            service
                .ask(&service.acme, "PATCH", &path, body)
                .await
                .status
        })
    });
    for tried in tries {
        assert_eq!(tried.await.unwrap(), 200);
    }
    let link = service.get(&path).await;
    for field in fields {
        assert_eq!(link[field], format!("new {field}"));
    }
    assert_eq!(link["revision"], 5);
}

#[tokio::test]
async fn what_is_no_longer_allowed_can_be_switched_off() {
    let service = Service::start().await;
    let domain = "/api/v1/domains/a.example";
    let patch = async |path: &str, body: serde_json::Value| {
        service
            .ask(&service.acme, "PATCH", path, body.to_string())
            .await
    };
    patch(
        "/api/v1/workspace",
        json!({"allowed_schemes": ["myapp", "mailto"]}),
    )
    .await;
    let link = service
        .make(r#"{"destination": "mailto:a@example.com", "ios": {"destination": "myapp://x"}}"#)
        .await;
    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    let root = json!({"root_url": "mailto:a@example.com"});
    assert_eq!(patch(domain, root).await.status, 200);
    patch("/api/v1/workspace", json!({"allowed_schemes": []})).await;

    let got = patch(&path, json!({"disabled": true})).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let other = json!({"ios": {"destination": "myapp://y"}});
    about(
        &problem(&patch(&path, other).await, 422),
        &["ios.destination"],
    );
    let got = patch(domain, json!({"reserved": ["admin"]})).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let other = json!({"not_found_url": "mailto:b@example.com"});
    about(
        &problem(&patch(domain, other).await, 422),
        &["not_found_url"],
    );
}
