//! Bad input: each is a problem that names its field, and changes nothing.

use serde_json::json;

use crate::support::{Service, about, problem};

/// A destination, and one more field.
fn with(field: &str, value: serde_json::Value) -> String {
    json!({"destination": "https://example.com/", field: value}).to_string()
}

#[tokio::test]
async fn links_that_cannot_be() {
    let service = Service::start().await;
    let long = "a".repeat(5000);
    let cases = [
        ("{}".into(), &["destination"][..]),
        (json!({"destination": null}).to_string(), &["destination"]),
        (json!({"destination": 5}).to_string(), &["destination"]),
        (
            json!({"destination": "ftp://example.com/"}).to_string(),
            &["destination"],
        ),
        (
            json!({"destination": "javascript:alert(1)"}).to_string(),
            &["destination"],
        ),
        (
            json!({"destination": "example.com"}).to_string(),
            &["destination"],
        ),
        (
            json!({"destination": "https://u:p@example.com/"}).to_string(),
            &["destination"],
        ),
        (
            json!({"destination": format!("https://example.com/{long}")}).to_string(),
            &["destination"],
        ),
        (with("slug", json!(long)), &["slug"]),
        (with("slug", json!("a/../b")), &["slug"]),
        (with("slug", json!("a?b")), &["slug"]),
        (with("slug", json!("a\nb")), &["slug"]),
        (with("slug", json!(7)), &["slug"]),
        (with("domain", json!("https://go.example/")), &["domain"]),
        (with("domain", json!("globex.example")), &["domain"]),
        (with("domain", json!("nobody.example")), &["domain"]),
        (with("status", json!(303)), &["status"]),
        (with("status", json!("302")), &["status"]),
        (with("channel", json!("a".repeat(129))), &["channel"]),
        (with("campaign", json!("")), &["campaign"]),
        (with("program", json!("a\u{0}b")), &["program"]),
        (with("advocate", json!(["ada"])), &["advocate"]),
        (with("chanel", json!("SMS")), &["chanel"]),
        (with("id", json!("00000000001")), &["id"]),
        (
            json!({"slug": "a?b", "status": 1, "nonsense": 1}).to_string(),
            &["destination", "nonsense", "slug", "status"],
        ),
    ];
    for (body, fields) in cases {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/links", body.clone())
            .await;
        about(&problem(&got, 422), fields);
    }
    assert_eq!(service.get("/api/v1/links").await["links"], json!([]));
}

#[tokio::test]
async fn bodies_that_are_no_json_object() {
    let service = Service::start().await;
    for body in [
        "",
        "nonsense",
        "[]",
        "\"text\"",
        "{\"destination\":",
        "{} {}",
        "\u{0}",
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/links", body)
            .await;
        let detail = problem(&got, 400)["detail"].to_string();
        assert!(detail.contains("one JSON object"), "{body:?}: {detail}");
    }
    let deep = "[".repeat(100_000);
    problem(
        &service
            .ask(&service.acme, "POST", "/api/v1/links", deep)
            .await,
        400,
    );
    let not_text = b"{\"destination\":\"\xff\"}".to_vec();
    problem(
        &service
            .ask(&service.acme, "POST", "/api/v1/links", not_text)
            .await,
        400,
    );
    let huge = with("channel", json!("a".repeat(1 << 20)));
    for (method, path) in [
        ("POST", "/api/v1/links"),
        ("POST", "/api/v1/domains"),
        ("PATCH", "/api/v1/workspace"),
        ("PATCH", "/api/v1/links/00000000001"),
    ] {
        let got = service.ask(&service.acme, method, path, huge.clone()).await;
        problem(&got, 413);
    }
}

#[tokio::test]
async fn changes_that_cannot_be() {
    let service = Service::start().await;
    let link = service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    for (body, fields) in [
        (json!({"destination": null}), &["destination"][..]),
        (
            json!({"destination": "mailto:a@example.com"}),
            &["destination"],
        ),
        (json!({"status": 200}), &["status"]),
        (json!({"channel": 5}), &["channel"]),
        (json!({"workspace": "globex"}), &["workspace"]),
        (
            json!({"revision": 7, "campaign": ""}),
            &["campaign", "revision"],
        ),
    ] {
        let got = service
            .ask(&service.acme, "PATCH", &path, body.to_string())
            .await;
        about(&problem(&got, 422), fields);
    }
    assert_eq!(service.get(&path).await, link);
}

#[tokio::test]
async fn parameters_that_cannot_be() {
    let service = Service::start().await;
    let clicks = "/api/v1/reports/clicks";
    let breakdown = "/api/v1/reports/breakdown";
    for (path, query, fields) in [
        ("/api/v1/links", "limit=0", &["limit"][..]),
        ("/api/v1/links", "limit=201", &["limit"]),
        ("/api/v1/links", "limit=many", &["limit"]),
        ("/api/v1/links", "cursor=nonsense", &["cursor"]),
        ("/api/v1/links", "cursor=", &["cursor"]),
        ("/api/v1/links", "cursor=zzzzzzzzzzz", &["cursor"]),
        ("/api/v1/links", "page=2", &["page"]),
        ("/api/v1/domains", "limit=2", &["limit"]),
        ("/api/v1/workspace", "id=globex", &["id"]),
        ("/api/v1/openapi.json", "v=2", &["v"]),
        (clicks, "from=yesterday", &["from"]),
        (clicks, "from=2026-02-30", &["from"]),
        (clicks, "from=1999-01-01", &["from"]),
        (clicks, "to=2026-11-01T12:00", &["to"]),
        (clicks, "to=", &["to"]),
        (clicks, "from=2026-11-02&to=2026-11-01", &["from"]),
        (
            clicks,
            "from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z",
            &["from"],
        ),
        (clicks, "from=2026-11-01&from=2026-11-02", &["from"]),
        (clicks, "interval=fortnight", &["interval"]),
        (
            clicks,
            "interval=minute&from=2026-01-01&to=2026-01-31",
            &["interval"],
        ),
        (
            clicks,
            "interval=hour&from=2000-01-01&to=2100-01-01",
            &["interval"],
        ),
        (clicks, "traffic=robots", &["traffic"]),
        (clicks, "link=nonsense", &["link"]),
        (clicks, "by=channel", &["by"]),
        (clicks, "workspace=globex", &["workspace"]),
        (breakdown, "", &["by"]),
        (breakdown, "by=password", &["by"]),
        (breakdown, "by=visitor_id", &["by"]),
        (breakdown, "by=channel)%20FROM%20clicks--", &["by"]),
        (breakdown, "by=channel&limit=1001", &["limit"]),
        (breakdown, "by=channel&interval=day", &["interval"]),
        (
            clicks,
            "from=x&to=y&traffic=z&steps=4",
            &["from", "steps", "to", "traffic"],
        ),
    ] {
        let got = service
            .ask(&service.acme, "GET", &format!("{path}?{query}"), "")
            .await;
        about(&problem(&got, 400), fields);
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_none() {
    let service = Service::start().await;
    for path in [
        "/api",
        "/api/v1/",
        "/api/v2/links",
        "/api/v1/links/",
        "/api/v1/links/a/b",
        "/metrics",
    ] {
        problem(&service.ask(&service.acme, "GET", path, "").await, 404);
    }
    for (method, path, allowed) in [
        ("PUT", "/api/v1/links", "POST"),
        ("DELETE", "/api/v1/links", "GET"),
        ("POST", "/api/v1/links/00000000001", "PATCH"),
        ("POST", "/api/v1/reports/clicks", "GET"),
        ("DELETE", "/api/v1/workspace", "PATCH"),
        ("POST", "/api/v1/openapi.json", "GET"),
    ] {
        let got = service.ask(&service.acme, method, path, "{}").await;
        problem(&got, 405);
        assert!(
            got.header("allow").contains(allowed),
            "{method} {path}: {:?}",
            got.headers
        );
    }
    for id in [
        "00000000001",
        "short",
        "zzzzzzzzzzz",
        "..%2F..",
        "%FF",
        "%00",
    ] {
        for method in ["GET", "PATCH", "DELETE"] {
            let path = format!("/api/v1/links/{id}");
            problem(&service.ask(&service.acme, method, &path, "{}").await, 404);
        }
    }
    let long = format!("/api/v1/links?cursor={}", "a".repeat(60_000));
    about(
        &problem(&service.ask(&service.acme, "GET", &long, "").await, 400),
        &["cursor"],
    );
}
