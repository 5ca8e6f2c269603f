//! The workspace and its domains.

use serde_json::json;

use crate::support::{Service, about, problem};

#[tokio::test]
async fn a_workspace_is_read_and_changed() {
    let service = Service::start().await;
    let before = json!({
        "id": "acme", "name": "acme", "time_zone": "UTC", "privacy": "full", "click_id_parameter": "wcid",
    });
    assert_eq!(service.get("/api/v1/workspace").await, before);
    let change = json!({
        "name": "Acme & Söhne", "time_zone": "europe/berlin", "privacy": "count_only",
        "click_id_parameter": "cid.1",
    });
    let got = service
        .ask(
            &service.acme,
            "PATCH",
            "/api/v1/workspace",
            change.to_string(),
        )
        .await;
    let after = json!({
        "id": "acme", "name": "Acme & Söhne", "time_zone": "Europe/Berlin", "privacy": "count_only",
        "click_id_parameter": "cid.1",
    });
    assert_eq!(got.json(), after);
    let got = service
        .ask(&service.acme, "PATCH", "/api/v1/workspace", "{}")
        .await;
    assert_eq!(got.json(), after, "what is left out stays");
    // The redirector reads the same.
    let stored = service
        .store
        .workspace_of("go.example")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.click_id_parameter, "cid.1");
}

#[tokio::test]
async fn a_workspace_that_cannot_be() {
    let service = Service::start().await;
    for (body, fields) in [
        (json!({"time_zone": "Mars/Olympus"}), &["time_zone"][..]),
        (json!({"time_zone": 1}), &["time_zone"]),
        (json!({"time_zone": null}), &["time_zone"]),
        (json!({"privacy": "none"}), &["privacy"]),
        (
            json!({"click_id_parameter": "a&b"}),
            &["click_id_parameter"],
        ),
        (
            json!({"click_id_parameter": "a".repeat(33)}),
            &["click_id_parameter"],
        ),
        (json!({"name": ""}), &["name"]),
        (json!({"name": "a".repeat(129)}), &["name"]),
        (json!({"id": "globex", "owner": "me"}), &["id", "owner"]),
    ] {
        let got = service
            .ask(
                &service.acme,
                "PATCH",
                "/api/v1/workspace",
                body.to_string(),
            )
            .await;
        about(&problem(&got, 422), fields);
    }
    assert_eq!(service.get("/api/v1/workspace").await["name"], "acme");
}

#[tokio::test]
async fn domains_are_claimed_once() {
    let service = Service::start().await;
    for _ in 0..2 {
        let got = service
            .ask(
                &service.acme,
                "POST",
                "/api/v1/domains",
                r#"{"host": "Bücher.example"}"#,
            )
            .await;
        assert_eq!(got.status, 201, "{}", got.body);
        assert_eq!(got.json(), json!({"host": "xn--bcher-kva.example"}));
    }
    let hosts = service.get("/api/v1/domains").await;
    let expected =
        json!([{"host": "a.example"}, {"host": "go.example"}, {"host": "xn--bcher-kva.example"}]);
    assert_eq!(hosts["domains"], expected);
    service
        .make(r#"{"domain": "bücher.example", "slug": "", "destination": "https://example.com/"}"#)
        .await;
    for (body, field) in [
        (r#"{"host": "https://x.example/"}"#, "host"),
        (r#"{"host": "x.example:80"}"#, "host"),
        (r#"{"host": ""}"#, "host"),
        (r#"{"host": 5}"#, "host"),
        ("{}", "host"),
        (r#"{"host": "x.example", "owner": "me"}"#, "owner"),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/domains", body)
            .await;
        about(&problem(&got, 422), &[field]);
    }
}
