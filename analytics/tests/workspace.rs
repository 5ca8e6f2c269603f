//! The workspace and its domains.

use serde_json::json;

use crate::support::{Service, about, problem};

#[tokio::test]
async fn a_workspace_is_read_and_changed() {
    let service = Service::start().await;
    let before = json!({
        "id": "acme", "name": "acme", "time_zone": "UTC", "privacy": "full", "keep_addresses": false,
        "click_id_parameter": "wcid",
        "allowed_schemes": [], "channel_rules": [], "revision": 1,
    });
    assert_eq!(service.get("/api/v1/workspace").await, before);
    let change = json!({
        "name": "Acme & Söhne", "time_zone": "europe/berlin", "privacy": "cookieless", "keep_addresses": true,
        "click_id_parameter": "cid.1", "allowed_schemes": ["MyApp", "mailto", "myapp"],
        "channel_rules": [{"channel": "Podcast", "utm_medium": ["PodCast*"], "referrer_host": ["Bücher.example"], "app": []}],
    });
    let got = service
        .ask(
            &service.acme,
            "PATCH",
            "/api/v1/workspace",
            change.to_string(),
        )
        .await;
    let after = |revision: u64| {
        json!({
            "id": "acme", "name": "Acme & Söhne", "time_zone": "Europe/Berlin", "privacy": "cookieless", "keep_addresses": true,
            "click_id_parameter": "cid.1", "allowed_schemes": ["mailto", "myapp"],
            "channel_rules": [{"channel": "Podcast", "utm_medium": ["podcast*"], "referrer_host": ["xn--bcher-kva.example"]}],
            "revision": revision,
        })
    };
    assert_eq!(got.json(), after(2));
    assert_eq!(got.header("etag"), "\"2\"");
    let got = service
        .ask(&service.acme, "PATCH", "/api/v1/workspace", "{}")
        .await;
    assert_eq!(got.json(), after(3), "what is left out stays");
    for (tag, status) in [("\"2\"", 412), ("3", 400), ("\"3\"", 200)] {
        let tag = [("if-match", tag)];
        let got = service
            .ask_with(&service.acme, "PATCH", "/api/v1/workspace", &tag, "{}")
            .await;
        assert_eq!(got.status, status, "{tag:?}: {}", got.body);
    }
    // The redirector reads the same.
    let stored = service
        .store
        .domain_at("go.example")
        .await
        .unwrap()
        .unwrap()
        .1;
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
            json!({"allowed_schemes": ["javascript"]}),
            &["allowed_schemes"],
        ),
        (
            json!({"allowed_schemes": (0..21).map(|n| format!("app{n}")).collect::<Vec<_>>()}),
            &["allowed_schemes"],
        ),
        (
            json!({"click_id_parameter": "a&b"}),
            &["click_id_parameter"],
        ),
        (
            json!({"click_id_parameter": "a".repeat(33)}),
            &["click_id_parameter"],
        ),
        (json!({"channel_rules": "Podcast"}), &["channel_rules"]),
        (
            json!({"channel_rules": [{"channel": "A", "app": ["x"]}, {"channel": "B"}]}),
            &["channel_rules[1]"],
        ),
        (
            json!({"channel_rules": [{"app": ["x"]}]}),
            &["channel_rules[0]"],
        ),
        (
            json!({"channel_rules": [{"channel": "A", "utm_medium": ["x", ""]}]}),
            &["channel_rules[0].utm_medium[1]"],
        ),
        (
            json!({"channel_rules": [{"channel": "A", "utm_media": ["x"]}]}),
            &["channel_rules[0].utm_media"],
        ),
        (
            json!({"channel_rules": [{"channel": "A", "source": vec!["x"; 21]}]}),
            &["channel_rules[0].source"],
        ),
        (
            json!({"channel_rules": vec![json!({"channel": "A", "app": ["x"]}); 51]}),
            &["channel_rules"],
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
        assert_eq!(got.json()["host"], "xn--bcher-kva.example");
        assert_eq!(
            got.header("location"),
            "/api/v1/domains/xn--bcher-kva.example"
        );
    }
    let list = service.get("/api/v1/domains").await;
    let hosts = list["domains"].as_array().unwrap().iter();
    let hosts: Vec<_> = hosts.map(|domain| &domain["host"]).collect();
    assert_eq!(hosts, ["a.example", "go.example", "xn--bcher-kva.example"]);
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
