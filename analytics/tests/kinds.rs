//! Everything that a link can say, and the slugs that it can have.

use serde_json::{Value, json};
use whence_core::password;
use whence_core::secret::Secret;

use crate::support::{Service, about, problem};

/// A spec in which nothing has its default, but for the password.
pub(crate) fn everything() -> Value {
    json!({
        "destination": "https://shop.example/", "status": 307, "disabled": true, "archived": true,
        "starts_at": "2026-11-01T00:00:00Z", "pending_url": "https://shop.example/soon",
        "expires_at": "2026-12-01T00:00:00Z", "expired_url": "https://shop.example/late", "max_clicks": 100,
        "rules": [{"when": {"all": [
            {"any": [{"country": ["DE"]}, {"region": ["AT-9"]}, {"continent": ["EU", "AS"]}]},
            {"not": {"device": ["desktop"]}}, {"parameter": {"name": "ref", "is": ["a"]}}, {"address": ["10.0.0.0/8"]},
            {"date": {"from": "2026-11-02T00:00:00Z"}}, {"visitor": "returning"}, {"preview": false},
        ]}, "destination": "https://shop.example/de"}],
        "variants": [{"name": "a", "destination": "https://shop.example/a", "weight": 1},
            {"name": "b", "destination": "https://shop.example/b", "weight": 3}],
        "variant_mode": "bandit", "ios": {"destination": "myapp://open", "store_url": "https://apps.apple.com/app/id1"},
        "android": {"destination": "https://shop.example/android"},
        "preview": {"title": "Sale", "description": "All\nmust go", "image": "https://shop.example/i.png"},
        "utm": {"source": "friend", "content": "a b"}, "forward_query": "override", "forward_path": true,
        "click_id": false, "click_id_parameter": "cid", "title": "=Sale", "notes": "for\nAda", "tags": ["x", "y"],
        "channel": "WhatsApp", "campaign": "autumn", "program": "friends", "advocate": "ada", "external_id": "42",
    })
}

#[tokio::test]
async fn everything_that_a_link_says_is_shown_as_it_is_stored() {
    let service = Service::start().await;
    let allow = r#"{"allowed_schemes": ["myapp"]}"#;
    let got = service
        .ask(&service.acme, "PATCH", "/api/v1/workspace", allow)
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let spec = everything();
    let mut body = spec.clone();
    body["slug"] = json!("all");
    body["password"] = json!("open sesame");
    let link = service.make(&body.to_string()).await;
    for (field, value) in spec.as_object().unwrap() {
        assert_eq!(link[field], *value, "{field}");
    }
    assert_eq!(link["password"], true);
    assert_eq!(link["qr_url"], "https://a.example/all.qr");
    assert_eq!(link.get("password_hash"), None);
    let stored = service.store.link_at("a.example", "all").await.unwrap();
    let stored = stored.unwrap().spec;
    let hash = stored.password_hash.clone().unwrap();
    let guess = Secret::new("open sesame");
    assert_eq!(password::verify(&guess, &hash).await, Ok(true));

    let path = format!("/api/v1/links/{}", link["id"].as_str().unwrap());
    let read = service.get(&path).await;
    assert_eq!(read["clicks_counted"], 0);
    let cap = stored.max_clicks.unwrap();
    let id = link["id"].as_str().unwrap().parse().unwrap();
    assert!(service.store.count_click(id, cap).await.unwrap());
    assert_eq!(service.get(&path).await["clicks_counted"], 1);

    // null gives every default but that of the destination, which has none.
    let nulls: serde_json::Map<_, _> = spec
        .as_object()
        .unwrap()
        .keys()
        .filter(|field| *field != "destination")
        .map(|field| (field.clone(), Value::Null))
        .chain([("password".to_owned(), Value::Null)])
        .collect();
    let got = service
        .ask(
            &service.acme,
            "PATCH",
            &path,
            Value::from(nulls).to_string(),
        )
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let stored = service.store.link_at("a.example", "all").await.unwrap();
    let expected = whence_core::link::LinkSpec::to("https://shop.example/".parse().unwrap());
    assert_eq!(stored.unwrap().spec, expected);
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_place() {
    let service = Service::start().await;
    let rule = |when: Value| {
        json!({"destination": "https://example.com/",
            "rules": [{"when": {"preview": true}, "destination": "https://example.com/"},
                {"when": when, "destination": "https://example.com/"}]})
    };
    for (body, fields) in [
        (
            rule(json!({"all": [{"country": ["DE", "Germany"]}]})),
            &["rules[1].when.all[0].country[1]"][..],
        ),
        (rule(json!({"any": []})), &["rules[1].when"]),
        (
            json!({"destination": "ftp://example.com/", "ios": {"destination": "myapp://x"}}),
            &["destination", "ios.destination"],
        ),
        (
            json!({"destination": "https://example.com/", "starts_at": "2026-02-01T00:00:00Z",
                "expires_at": "2026-01-01T00:00:00Z", "tags": ["a", "a"]}),
            &["expires_at", "tags[1]"],
        ),
        (
            json!({"destination": "https://example.com/", "password": "", "utm": {"sauce": "x"}}),
            &["password", "utm.sauce"],
        ),
        (
            json!({"destination": "https://example.com/", "password": "a".repeat(129)}),
            &["password"],
        ),
        (
            json!({"destination": "https://example.com/", "slug": "docs/", "forward_path": true}),
            &["forward_path"],
        ),
        (
            json!({"destination": "https://example.com/",
                "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2g"}),
            &["password_hash"],
        ),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/links", body.to_string())
            .await;
        about(&problem(&got, 422), fields);
    }
    assert_eq!(service.get("/api/v1/links").await["links"], json!([]));
}

#[tokio::test]
async fn slugs_follow_the_domain() {
    let service = Service::start().await;
    let spec = json!({
        "case": "insensitive", "reserved": ["Admin"],
        "random_slugs": {"length": 5, "alphabet": "0123456789"},
    });
    let path = "/api/v1/domains/a.example";
    let got = service
        .ask(&service.acme, "PATCH", path, spec.to_string())
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let random = service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
    let slug = random["slug"].as_str().unwrap();
    assert!(
        slug.len() == 5 && slug.bytes().all(|b| b.is_ascii_digit()),
        "{slug}"
    );
    let lower = service
        .make(r#"{"destination": "https://example.com/", "slug": "Größe/ÄÖ"}"#)
        .await;
    assert_eq!(lower["slug"], "größe/äö");
    for (slug, status) in [
        ("GRÖSSE/äö", 201),
        ("größe/ÄÖ", 409),
        ("ADMIN", 422),
        ("Robots.txt", 422),
        (".well-known/x", 422),
        ("sale+", 422),
        ("sale.QR", 422),
    ] {
        let body = json!({"destination": "https://example.com/", "slug": slug});
        let got = service
            .ask(&service.acme, "POST", "/api/v1/links", body.to_string())
            .await;
        assert_eq!(got.status, status, "{slug}: {}", got.body);
        if status != 201 {
            about(&problem(&got, status), &["slug"]);
        }
    }
}

#[tokio::test]
async fn random_slugs_grow_where_the_short_ones_are_taken() {
    let service = Service::start().await;
    let spec = json!({"random_slugs": {"length": 4, "alphabet": "0123456789"},
        "reserved": (0..1000).map(|n| format!("{n:04}")).collect::<Vec<_>>()});
    let path = "/api/v1/domains/a.example";
    let got = service
        .ask(&service.acme, "PATCH", path, spec.to_string())
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let edits: Vec<_> = (1000..10_000)
        .map(|n| json!({"create": {"destination": "https://example.com/", "slug": n.to_string()}}))
        .collect();
    let body = json!({"edits": edits}).to_string();
    let got = service
        .ask(&service.acme, "POST", "/api/v1/links/bulk", body)
        .await;
    assert_eq!(got.status, 200);
    let longer = service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
    assert_eq!(longer["slug"].as_str().unwrap().len(), 5);
}
