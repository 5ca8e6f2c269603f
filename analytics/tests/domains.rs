//! Domains: read, changed, given up.

use serde_json::{Value, json};

use crate::support::{Service, about, problem};

const PATH: &str = "/api/v1/domains/go.example";

async fn patch(service: &Service, body: Value) -> whence_core::test_support::http::Got {
    service
        .ask(&service.acme, "PATCH", PATH, body.to_string())
        .await
}

/// A PNG of one red pixel, in base64.
pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

#[tokio::test]
async fn a_domain_from_its_claim_to_its_end() {
    let service = Service::start().await;
    let before = service.get(PATH).await;
    assert_eq!(
        (&before["host"], &before["revision"]),
        (&json!("go.example"), &json!(1))
    );
    assert_eq!(before["case"], "sensitive");
    let change = json!({
        "root_url": "https://shop.example/", "not_found_url": "https://shop.example/404",
        "not_found_text": "Nothing\nhere", "reserved": ["admin"],
        "random_slugs": {"length": 9, "alphabet": "0123456789"},
        "apple_app_site_association": {"applinks": {"details": []}}, "asset_links": [{"relation": []}],
        "robots_txt": "User-agent: *\n", "security_txt": "Contact: mailto:a@example.com\n", "logo": PIXEL,
    });
    let got = patch(&service, change.clone()).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.header("etag"), "\"2\"");
    let after = service.get(PATH).await;
    for (field, value) in change.as_object().unwrap() {
        assert_eq!(after[field], *value, "{field}");
    }
    // The redirector reads the same.
    let (stored, _) = service
        .store
        .domain_at("go.example")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.revision, 2);
    assert_eq!(stored.spec.random_slugs.length, 9);
    for (tag, status) in [("\"1\"", 412), ("2", 400), ("\"2\"", 200)] {
        let tag = [("if-match", tag)];
        let body = r#"{"logo": null, "random_slugs": {"length": 8}}"#;
        let got = service
            .ask_with(&service.acme, "PATCH", PATH, &tag, body)
            .await;
        assert_eq!(got.status, status, "{}", got.body);
    }
    let after = service.get(PATH).await;
    assert_eq!(after.get("logo"), None);
    assert_eq!(
        after["reserved"],
        json!(["admin"]),
        "what is left out stays"
    );

    let link = service
        .make(r#"{"domain": "go.example", "slug": "s", "destination": "https://example.com/"}"#)
        .await;
    let tag = [("if-match", "\"3\"")];
    let got = service
        .ask_with(&service.acme, "DELETE", PATH, &tag, "")
        .await;
    about(&problem(&got, 400), &["If-Match"]);
    // A link that nobody could follow would keep its slug from whoever has the domain next.
    let id = link["id"].as_str().unwrap();
    let stands = problem(&service.ask(&service.acme, "DELETE", PATH, "").await, 409);
    assert!(stands["detail"].as_str().unwrap().contains(id), "{stands}");
    let path = format!("/api/v1/links/{id}");
    for path in [path.as_str(), PATH] {
        let gone = service.ask(&service.acme, "DELETE", path, "").await;
        assert_eq!(gone.status, 204, "{}", gone.body);
    }
    for method in ["GET", "PATCH", "DELETE"] {
        problem(&service.ask(&service.acme, method, PATH, "{}").await, 404);
    }
    // Whoever claims it next gets all of it.
    let claim = r#"{"host": "go.example"}"#;
    let got = service
        .ask(&service.globex, "POST", "/api/v1/domains", claim)
        .await;
    assert_eq!(got.status, 201, "{}", got.body);
    let body = r#"{"domain": "go.example", "slug": "s", "destination": "https://example.com/"}"#;
    let got = service
        .ask(&service.globex, "POST", "/api/v1/links", body)
        .await;
    assert_eq!(got.status, 201, "{}", got.body);
}

#[tokio::test]
async fn a_workspace_has_a_thousand_domains_at_most() {
    let service = Service::start().await;
    let acme = "acme".parse().unwrap();
    for n in 0..998 {
        let host = format!("d{n}.example").parse().unwrap();
        service.store.claim_domain(&host, &acme).await.unwrap();
    }
    for (host, status) in [("one-more.example", 409), ("d7.example", 201)] {
        let body = json!({"host": host}).to_string();
        let got = service
            .ask(&service.acme, "POST", "/api/v1/domains", body)
            .await;
        assert_eq!(got.status, status, "{host}: {}", got.body);
    }
}

#[tokio::test]
async fn a_domain_that_cannot_be() {
    let service = Service::start().await;
    let before = service.get(PATH).await;
    let large = "A".repeat(90_000);
    for (body, fields) in [
        (json!({"host": "other.example"}), &["host"][..]),
        (json!({"colour": "red"}), &["colour"]),
        (
            json!({"case": "mixed", "root_url": "nowhere"}),
            &["case", "root_url"],
        ),
        (
            json!({"random_slugs": {"length": 3}}),
            &["random_slugs.length"],
        ),
        (
            json!({"random_slugs": {"alphabet": "aab"}}),
            &["random_slugs.alphabet"],
        ),
        (json!({"root_url": "ftp://example.com/"}), &["root_url"]),
        (json!({"case": "insensitive"}), &["random_slugs.alphabet"]),
        (json!({"asset_links": {}}), &["asset_links"]),
        (json!({"reserved": ["a", "b?c"]}), &["reserved[1]"]),
        (json!({"logo": "no base64!"}), &["logo"]),
        (json!({"logo": "aGVsbG8="}), &["logo"]),
        (json!({"logo": large}), &["logo"]),
    ] {
        about(&problem(&patch(&service, body).await, 422), fields);
    }
    assert_eq!(service.get(PATH).await, before);
}

#[tokio::test]
async fn case_is_not_ignored_over_links_that_have_capitals() {
    let service = Service::start().await;
    let links = [
        ("go.example", "Summer/Sale"),
        ("go.example", "small"),
        ("a.example", "Other"),
    ];
    for (domain, slug) in links {
        let body = json!({"domain": domain, "slug": slug, "destination": "https://example.com/"});
        service.make(&body.to_string()).await;
    }
    let change = json!({
        "case": "insensitive", "random_slugs": {"alphabet": whence_core::domain::SAFE_LOWER_ALPHABET},
    });
    let refused = problem(&patch(&service, change.clone()).await, 409);
    about(&refused, &["case"]);
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("/Summer/Sale") && !detail.contains("small"),
        "{detail}"
    );
    let found = service.get("/api/v1/links?search=summer").await;
    let path = format!(
        "/api/v1/links/{}",
        found["links"][0]["id"].as_str().unwrap()
    );
    let gone = service.ask(&service.acme, "DELETE", &path, "").await;
    assert_eq!(gone.status, 204);
    let got = patch(&service, change).await;
    assert_eq!(got.status, 200, "{}", got.body);
}
