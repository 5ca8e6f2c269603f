//! Keys: none, wrong, weak, and too busy.

use whence_core::key::Right;
use whence_core::test_support::http::ask;

use crate::separation::routes;
use crate::support::{Service, add_key, problem};

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let service = Service::start().await;
    for (method, path) in routes(&service).await {
        for authorization in [
            None,
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer nonsense"),
            Some("Basic dXNlcjpwYXNzd29yZA=="),
            Some("Bearer whk_0000000000000000000000000000000000000000000000000000000000000000"),
        ] {
            let headers: Vec<_> = authorization
                .map(|text| ("authorization", text))
                .into_iter()
                .collect();
            let got = ask(service.address, &method, &path, &headers, "{}")
                .await
                .unwrap();
            problem(&got, 401);
            assert_eq!(got.header("www-authenticate"), "Bearer");
        }
    }
    let bare = ask(
        service.address,
        "GET",
        "/api/v1/links",
        &[("authorization", &service.acme)],
        "",
    )
    .await;
    problem(&bare.unwrap(), 401);
    let scheme = format!("bearer {}", service.acme);
    let got = ask(
        service.address,
        "GET",
        "/api/v1/links",
        &[("authorization", &scheme)],
        "",
    )
    .await;
    assert_eq!(got.unwrap().status, 200, "a scheme's case says nothing");
}

#[tokio::test]
async fn a_key_does_only_what_it_may() {
    let service = Service::start().await;
    let weak = add_key(&*service.store, "acme", &[Right::Conversions]).await;
    let links = add_key(&*service.store, "acme", &[Right::Links]).await;
    let reports = add_key(&*service.store, "acme", &[Right::Reports]).await;
    for (method, path) in routes(&service).await {
        let right = match path.split('/').nth(3) {
            Some("audit") => "audit",
            Some("links" | "domains" | "workspace") => "links",
            // Whatever else there is tells what people did.
            _ => "reports",
        };
        let path = path.replace("/breakdown", "/breakdown?by=channel");
        let lacking = if right == "links" { &reports } else { &links };
        for key in [&weak, lacking] {
            // A body that could be right, so that the right is all that lacks.
            let body = r#"{"destination": "https://example.com/"}"#;
            let got = service.ask(key, &method, &path, body).await;
            let detail = problem(&got, 403)["detail"].to_string();
            assert!(detail.contains(right), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let service = Service::start_with(|config| {
        config.analytics.key_rate = 1;
        config.analytics.key_burst = 3;
    })
    .await;
    for left in ["r=2", "r=1", "r=0"] {
        let got = service
            .ask(&service.acme, "GET", "/api/v1/workspace", "")
            .await;
        assert_eq!(got.status, 200);
        assert!(got.header("ratelimit").contains(left), "{:?}", got.headers);
        assert_eq!(got.header("ratelimit-policy"), "\"key\";q=3;w=3");
    }
    let refused = service
        .ask(&service.acme, "GET", "/api/v1/workspace", "")
        .await;
    problem(&refused, 429);
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.header("ratelimit").contains("r=0"));
    let other = service
        .ask(&service.globex, "GET", "/api/v1/workspace", "")
        .await;
    assert_eq!(other.status, 200, "another key has a limit of its own");
}
