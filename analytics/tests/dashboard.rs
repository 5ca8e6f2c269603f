//! The dashboard's files and sessions, as a browser asks for them and as others might.

use serde_json::json;
use whence_core::key::Right;
use whence_core::test_support::http::{Got, ask};

use crate::support::{Service, about, add_key, problem};

const PATH: &str = "/dashboard/session";
const GUARD: (&str, &str) = ("x-whence-dashboard", "1");

async fn sign_in(service: &Service, key: &str, headers: &[(&str, &str)]) -> Got {
    let body = json!({ "key": key }).to_string();
    ask(service.address, "POST", PATH, headers, body)
        .await
        .unwrap()
}

/// Asks with a session's cookie.
async fn within(service: &Service, session: &str, method: &str, path: &str, guarded: bool) -> Got {
    let cookie = format!("other=1; whence_session={session}; more=2");
    let headers = [("cookie", cookie.as_str()), GUARD];
    let headers = &headers[..if guarded { 2 } else { 1 }];
    let body = if method == "POST" { "{}" } else { "" };
    ask(service.address, method, path, headers, body)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_key_opens_a_session_that_can_only_ask_reports() {
    let service = Service::start().await;
    let got = sign_in(&service, &format!(" {}\n", service.acme), &[GUARD]).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let told = &got.json()["session"];
    assert_eq!(told["key"], "test");
    assert_eq!(
        told["workspace"],
        json!({"id": "acme", "name": "acme", "time_zone": "UTC"})
    );
    let cookie = got.header("set-cookie");
    for attribute in ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"] {
        assert!(
            cookie.split("; ").any(|part| part == attribute),
            "{attribute} is not in {cookie}"
        );
    }
    assert!(!cookie.contains("whk_") && !cookie.contains("Secure"));
    assert_eq!(got.header("cache-control"), "no-store");

    let session = got.cookie("whence_session").to_owned();
    let known = within(&service, &session, "GET", PATH, true).await.json();
    assert_eq!(known["session"], *told);
    // ClickHouse is away here: that is found out behind the door.
    for (method, path, status) in [
        ("POST", "/api/v1/query", 503),
        ("GET", "/api/v1/reports/clicks", 503),
        ("GET", "/api/v1/links", 403),
        ("GET", "/api/v1/workspace", 403),
        ("GET", "/api/v1/audit", 403),
        ("POST", "/api/v1/links", 403),
    ] {
        problem(
            &within(&service, &session, method, path, true).await,
            status,
        );
    }
    let got = within(&service, &session, "DELETE", PATH, true).await;
    assert_eq!(got.status, 204);
    assert!(got.header("set-cookie").contains("whence_session=; "));
    assert!(got.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn a_session_behind_tls_is_sent_over_nothing_else() {
    let service = Service::start().await;
    let origin = ("origin", "https://stats.example");
    let got = sign_in(&service, &service.acme, &[GUARD, origin]).await;
    assert!(
        got.header("set-cookie").ends_with("; Secure"),
        "{:?}",
        got.headers
    );
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let service = Service::start().await;
    let key = |key: &str| key.to_owned();
    for wrong in [
        key(""),
        key("whk_unknown"),
        key("secret"),
        service.acme[..40].to_owned(),
    ] {
        let refused = problem(&sign_in(&service, &wrong, &[GUARD]).await, 422);
        about(&refused, &["key"]);
    }
    let links = add_key(&*service.store, "acme", &[Right::Links, Right::Audit]).await;
    let refused = problem(&sign_in(&service, &links, &[GUARD]).await, 403);
    assert!(refused["detail"].as_str().unwrap().contains("reports"));
    for body in ["{}", r#"{"key": "whk_1", "remember": true}"#] {
        let got = ask(service.address, "POST", PATH, &[GUARD], body).await;
        problem(&got.unwrap(), 422);
    }
    let nobody = ask(service.address, "GET", PATH, &[GUARD], "")
        .await
        .unwrap();
    assert_eq!(
        (nobody.status.as_u16(), nobody.json()),
        (200, json!({ "session": null }))
    );
}

/// What a page of another origin can make a browser send has the cookie and not the header.
#[tokio::test]
async fn nothing_is_done_for_another_site() {
    let service = Service::start().await;
    problem(&sign_in(&service, &service.acme, &[]).await, 403);
    let got = sign_in(&service, &service.acme, &[GUARD]).await;
    let session = got.cookie("whence_session");
    for (method, path) in [
        ("GET", PATH),
        ("DELETE", PATH),
        ("POST", "/api/v1/query"),
        ("GET", "/api/v1/reports/clicks"),
        ("DELETE", "/api/v1/links/00000000001"),
    ] {
        problem(&within(&service, session, method, path, false).await, 403);
    }
    // And no other origin is ever allowed the header.
    let asked = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-whence-dashboard"),
    ];
    for path in [PATH, "/api/v1/query"] {
        let got = ask(service.address, "OPTIONS", path, &asked, "").await;
        let got = got.unwrap();
        let allowed = got.headers.keys();
        let mut allowed = allowed.filter(|name| name.as_str().starts_with("access-control"));
        assert_eq!(allowed.next(), None, "{path}");
    }
}

#[tokio::test]
async fn a_session_that_was_made_up_is_none() {
    let service = Service::start().await;
    let got = sign_in(&service, &service.acme, &[GUARD]).await;
    let session = got.cookie("whence_session").to_owned();
    let other = if session.starts_with('A') { "B" } else { "A" };
    for wrong in ["", "x", &format!("{other}{}", &session[1..])] {
        let got = within(&service, wrong, "POST", "/api/v1/query", true).await;
        problem(&got, 401);
        let got = within(&service, wrong, "GET", PATH, true).await;
        assert_eq!(got.json(), json!({ "session": null }));
    }
    // A key says more than a session.
    let cookie = format!("whence_session={session}");
    let headers = [("cookie", cookie.as_str()), GUARD];
    let got = service
        .ask_with("whk_unknown", "GET", "/api/v1/reports/clicks", &headers, "")
        .await;
    problem(&got, 401);
    let got = service
        .ask_with(&service.globex, "GET", "/api/v1/workspace", &headers, "")
        .await;
    assert_eq!(got.json()["id"], "globex");
}

#[tokio::test]
async fn the_page_is_kept_and_guarded() {
    let service = Service::start().await;
    let get = async |path: &str, headers: &[(&str, &str)]| {
        ask(service.address, "GET", path, headers, "")
            .await
            .unwrap()
    };
    let front = get("/?channel=Email", &[]).await;
    assert_eq!(
        (front.status.as_u16(), front.header("location")),
        (307, "/dashboard")
    );
    let page = get("/dashboard?channel=Email", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    problem(&get("/dashboard/assets/none.js", &[]).await, 404);
    problem(&get("/dashboard/../Cargo.toml", &[]).await, 404);
    if page.status == 404 {
        assert!(page.body.contains("make dashboard"), "{}", page.body);
        return;
    }
    assert_eq!(
        (page.status.as_u16(), page.header("cache-control")),
        (200, "no-cache")
    );
    let tag = page.header("etag");
    let again = get("/dashboard/", &[("if-none-match", tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    let (_, script) = page.body.split_once("src=\"").unwrap();
    let (script, _) = script.split_once('"').unwrap();
    let plain = get(script, &[]).await;
    assert_eq!(
        plain.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert!(plain.header("cache-control").contains("immutable"));
    assert_eq!(plain.header("content-encoding"), "");
    let small = get(script, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(small.header("content-encoding"), "br");
    assert_eq!(small.header("vary"), "accept-encoding");
    assert_ne!(small.header("etag"), plain.header("etag"));
    let length = |got: &Got| got.header("content-length").parse::<usize>().unwrap();
    assert!(length(&small) * 2 < length(&plain));
}
