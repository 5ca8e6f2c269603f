//! Links by their owner's own names: read, and put so that no repetition does harm.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Service, about, problem};

const PATH: &str = "/api/v1/links/external/crm%2F42%20%C3%A4";

async fn put(service: &Service, body: &Value) -> (u16, Value) {
    let got = service
        .ask(&service.acme, "PUT", PATH, body.to_string())
        .await;
    (got.status.as_u16(), got.json())
}

#[tokio::test]
async fn what_is_put_twice_is_there_once() {
    let service = Service::start().await;
    problem(&service.ask(&service.acme, "GET", PATH, "").await, 404);
    let body =
        json!({"destination": "https://example.com/", "tags": ["a"], "password": "open sesame"});
    let (status, made) = put(&service, &body).await;
    assert_eq!((status, &made["external_id"]), (201, &json!("crm/42 ä")));
    assert_eq!(service.get(PATH).await, made);
    // The same again, with the same password, changes nothing at all.
    assert_eq!(put(&service, &body).await, (200, made.clone()));
    // Another spec replaces the whole: what is left out has its default.
    let (status, replaced) = put(&service, &json!({"destination": "https://example.com/2"})).await;
    assert_eq!((status, &replaced["revision"]), (200, &json!(2)));
    assert_eq!(
        (&replaced["id"], &replaced["slug"]),
        (&made["id"], &made["slug"])
    );
    assert_eq!(
        (replaced.get("tags"), replaced.get("password")),
        (None, None)
    );
    let links = service.get("/api/v1/links").await;
    assert_eq!(links["links"], json!([replaced]));
}

#[tokio::test]
async fn of_many_puts_at_once_one_makes_the_link() {
    let service = Arc::new(Service::start().await);
    let tries = (0..20).map(|n| {
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let body = json!({"destination": format!("https://example.com/{n}")});
            put(&service, &body).await.0
        })
    });
    let mut statuses = Vec::new();
    for tried in tries.collect::<Vec<_>>() {
        statuses.push(tried.await.unwrap());
    }
    // Who loses eight times in a row is told so, and has made nothing.
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, 200 | 201 | 409)),
        "{statuses:?}"
    );
    let links = service.get("/api/v1/links").await;
    assert_eq!(links["links"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn puts_that_cannot_be() {
    let service = Service::start().await;
    let body = json!({"destination": "https://example.com/", "slug": "here"});
    let (_, made) = put(&service, &body).await;
    for (body, fields) in [
        (
            json!({"destination": "https://example.com/", "slug": "there"}),
            &["slug"][..],
        ),
        (
            json!({"destination": "https://example.com/", "domain": "go.example"}),
            &["domain"],
        ),
        (
            json!({"destination": "https://example.com/", "external_id": "other"}),
            &["external_id"],
        ),
        (json!({"slug": "here"}), &["destination"]),
    ] {
        let got = service
            .ask(&service.acme, "PUT", PATH, body.to_string())
            .await;
        about(&problem(&got, 422), fields);
    }
    let long = format!("/api/v1/links/external/{}", "a".repeat(129));
    let got = service
        .ask(&service.acme, "PUT", &long, body.to_string())
        .await;
    about(&problem(&got, 422), &["external_id"]);
    problem(&service.ask(&service.acme, "GET", &long, "").await, 404);
    // A slug that another link has, under a new name.
    let other = "/api/v1/links/external/other";
    let got = service
        .ask(&service.acme, "PUT", other, body.to_string())
        .await;
    about(&problem(&got, 409), &["slug"]);
    // A name that another link has.
    let taken = json!({"destination": "https://example.com/", "external_id": "crm/42 ä"});
    let got = service
        .ask(&service.acme, "POST", "/api/v1/links", taken.to_string())
        .await;
    about(&problem(&got, 409), &["external_id"]);
    let free = service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
    let path = format!("/api/v1/links/{}", free["id"].as_str().unwrap());
    let got = service
        .ask(
            &service.acme,
            "PATCH",
            &path,
            r#"{"external_id": "crm/42 ä"}"#,
        )
        .await;
    about(&problem(&got, 409), &["external_id"]);
    for (tag, status) in [("\"2\"", 412), ("\"1\"", 200)] {
        let tag = [("if-match", tag)];
        let got = service
            .ask_with(&service.acme, "PUT", PATH, &tag, body.to_string())
            .await;
        assert_eq!(got.status, status, "{}", got.body);
    }
    for tag in ["\"1\"", "*"] {
        let tag = [("if-match", tag)];
        let got = service
            .ask_with(&service.acme, "PUT", other, &tag, body.to_string())
            .await;
        problem(&got, 412);
    }
    assert_eq!(service.get(PATH).await, made);
}
