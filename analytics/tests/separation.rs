//! One workspace never sees or touches what is another's, on any route there is.

use serde_json::json;

use crate::support::{Service, problem};

/// Every method and path of the API that needs a key, as the API itself describes them; an id is that
/// of no link.
pub(crate) async fn routes(service: &Service) -> Vec<(String, String)> {
    let description = service.get("/api/v1/openapi.json").await;
    let mut routes = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace("{id}", "00000000001");
            let path = path.replace("{external_id}", "outside-1");
            routes.push((method.to_uppercase(), path.replace("{host}", "go.example")));
        }
    }
    assert!(routes.len() >= 12, "{routes:?}");
    routes
}

#[tokio::test]
async fn anothers_links_are_not_there() {
    let service = Service::start().await;
    let body = json!({
        "slug": "acme-secret", "destination": "https://example.com/acme-secret", "channel": "acme-secret",
        "external_id": "outside-1",
    });
    let link = service.make(&body.to_string()).await;
    let id = link["id"].as_str().unwrap();
    let mut touched = 0;
    for (method, path) in routes(&service).await {
        if path.contains("/reports/") {
            continue; // In `reports`, where there is a ClickHouse to ask.
        }
        let path = path.replace("00000000001", id);
        let path = match path.ends_with("/export") {
            true => format!("{path}?format=csv"),
            false => path,
        };
        let body = r#"{"destination": "https://example.com/stolen"}"#;
        let got = service.ask(&service.globex, &method, &path, body).await;
        if path.contains(id) || path.contains("go.example") {
            problem(&got, 404);
            touched += 1;
        }
        assert!(!got.body.contains("acme"), "{method} {path}: {}", got.body);
    }
    assert_eq!(
        touched, 8,
        "read, change and delete of link and domain, and two QR codes"
    );
    // The other workspace now has a link with the same external id, which is its own.
    let outside = "/api/v1/links/external/outside-1";
    let theirs = service.ask(&service.globex, "GET", outside, "").await;
    assert_eq!(theirs.json()["domain"], "globex.example");
    assert_eq!(service.get(outside).await, link);
    let path = format!("/api/v1/links/{id}");
    assert_eq!(service.get(&path).await, link);
    let pages = format!("/api/v1/links?cursor={}", "1".repeat(11));
    let got = service.ask(&service.globex, "GET", &pages, "").await;
    assert_eq!(got.json()["links"], json!([]));
    let got = service
        .ask(
            &service.globex,
            "GET",
            "/api/v1/links/export?format=jsonl",
            "",
        )
        .await;
    assert!(!got.body.contains("acme"), "{}", got.body);
}

#[tokio::test]
async fn anothers_domain_cannot_be_used_or_claimed() {
    let service = Service::start().await;
    let body = r#"{"domain": "go.example", "destination": "https://example.com/"}"#;
    let got = service
        .ask(&service.globex, "POST", "/api/v1/links", body)
        .await;
    crate::support::about(&problem(&got, 422), &["domain"]);
    let got = service
        .ask(
            &service.globex,
            "POST",
            "/api/v1/domains",
            r#"{"host": "GO.example"}"#,
        )
        .await;
    crate::support::about(&problem(&got, 409), &["host"]);
    let of = async |key: &str| {
        let got = service.ask(key, "GET", "/api/v1/domains", "").await.json();
        let domains = got["domains"].as_array().unwrap().iter();
        let hosts = domains.map(|domain| domain["host"].as_str().unwrap().to_owned());
        hosts.collect::<Vec<_>>()
    };
    assert_eq!(of(&service.globex).await, ["globex.example"]);
    assert_eq!(of(&service.acme).await, ["a.example", "go.example"]);
}

#[tokio::test]
async fn a_workspace_changes_only_itself() {
    let service = Service::start().await;
    let body = r#"{"name": "Globex Ltd", "time_zone": "Asia/Kolkata"}"#;
    let got = service
        .ask(&service.globex, "PATCH", "/api/v1/workspace", body)
        .await;
    assert_eq!(got.json()["id"], "globex");
    let acme = service.get("/api/v1/workspace").await;
    assert_eq!(
        (&acme["name"], &acme["time_zone"]),
        (&json!("acme"), &json!("UTC"))
    );
}
