//! Links that ask for a password.

use hyper::StatusCode;
use serde_json::json;
use whence_core::click::Outcome;
use whence_core::password;
use whence_core::secret::Secret;
use whence_core::test_support::http::ask;

use crate::support::Edge;
use crate::{CHROME, locked, outcomes, spec, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_link_for_a_while() {
    let edge = Edge::start(|_| ()).await;
    let mut vip = spec(json!({"status": 308, "forward_query": "keep"}));
    vip.password_hash = Some(password::hash(&Secret::new("open sésame")).await.unwrap());
    edge.link_with("vip", vip).await;
    locked(&edge, "other", json!({})).await;

    let form = edge.get("/vip?a=b", &[("user-agent", CHROME)]).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.body.contains("type=\"password\"") && form.all("set-cookie").is_empty());
    assert!(
        form.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert_eq!(form.header("cache-control"), "private, no-store");
    assert!(!form.body.contains("shop.example"));

    let wrong = submit(&edge, "/vip?a=b", "password=open+sesame").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.body.contains("not the password") && wrong.all("set-cookie").is_empty());

    let right = submit(&edge, "/vip?a=b", "x=y&password=open+s%C3%A9same").await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.body);
    assert!(
        right
            .header("location")
            .starts_with("https://shop.example/?a=b&wcid=")
    );
    let pass = right.cookie("whp").to_owned();
    let lines = right.all("set-cookie");
    let line = lines.iter().find(|line| line.starts_with("whp=")).unwrap();
    assert!(
        line.ends_with("; Max-Age=600; Path=/vip; HttpOnly; SameSite=Lax; Secure"),
        "{line}"
    );

    let cookie = format!("whp={pass}");
    let headers = [("user-agent", CHROME), ("cookie", cookie.as_str())];
    assert_eq!(
        edge.get("/vip", &headers).await.status,
        StatusCode::PERMANENT_REDIRECT
    );
    assert_eq!(
        edge.get("/other", &headers).await.status,
        StatusCode::OK,
        "another link's form"
    );
    // The password in a URL is nothing.
    assert_eq!(
        edge.get("/vip?password=open+s%C3%A9same", &[]).await.status,
        StatusCode::OK
    );

    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Redirected), 2);
    assert_eq!(outcomes(&clicks, Outcome::Locked), 4);
    for click in clicks
        .iter()
        .filter(|click| !click.query.contains("password"))
    {
        assert!(!format!("{click:?}").contains("same"), "{click:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_password_makes_the_cookie_void() {
    let edge = Edge::start(|_| ()).await;
    let mut link = locked(&edge, "vip", json!({})).await;
    let right = submit(&edge, "/vip", "password=password").await;
    let cookie = format!("whp={}", right.cookie("whp"));
    let headers = [("cookie", cookie.as_str())];
    assert_eq!(edge.get("/vip", &headers).await.status, StatusCode::FOUND);
    let another =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$0000EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    link.spec.password_hash = Some(another.parse().unwrap());
    edge.change_to(&mut link).await;
    edge.until_with("/vip", &headers, |got| got.status == StatusCode::OK)
        .await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_too_often_waits() {
    let edge = Edge::start(|_| ()).await;
    locked(&edge, "vip", json!({})).await;
    for _ in 0..5 {
        let got = submit(&edge, "/vip", "password=guess").await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
    }
    let got = submit(&edge, "/vip", "password=password").await;
    assert_eq!(
        got.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the right one waits too"
    );
    assert!((1..=13).contains(&got.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(
        edge.get("/vip", &[]).await.status,
        StatusCode::OK,
        "the form itself does not"
    );
    assert_eq!(outcomes(&edge.stop().await, Outcome::Locked), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_together_guess_no_more_than_a_link_forgives() {
    let edge = Edge::start(|config| {
        config.redirector.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    locked(&edge, "vip", json!({})).await;
    locked(&edge, "other", json!({})).await;
    let guess = async |path: &str, client: u8, form: &'static str| {
        let client = format!("192.0.2.{client}");
        let headers = [
            ("host", "go.example"),
            ("x-forwarded-for", client.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let got = ask(edge.address(), "POST", path, &headers, form).await;
        got.unwrap().status
    };
    for client in 0..60 {
        let got = guess("/vip", client, "password=guess").await;
        assert_eq!(got, StatusCode::FORBIDDEN, "{client}");
    }
    let last = guess("/vip", 100, "password=password").await;
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let other = guess("/other", 100, "password=password").await;
    assert_eq!(other, StatusCode::SEE_OTHER);
    edge.stop().await;
}
