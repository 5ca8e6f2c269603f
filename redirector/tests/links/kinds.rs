//! Previews, apps, prefix links, variants, rules by place, and how outcomes are counted.

use hyper::StatusCode;
use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;
use whence_core::click::Outcome;
use whence_core::test_support::http::Got;
use whence_core::test_support::place_database;

use crate::support::Edge;
use crate::{ANDROID, CHROME, locked, outcomes, spec, submit};

#[tokio::test(flavor = "multi_thread")]
async fn previews_are_pages_and_recorded_as_such() {
    let edge = Edge::start(|_| ()).await;
    edge.link_with("sale", spec(json!({"preview": {"title": "Sale <now>"}})))
        .await;
    let got = edge
        .get("/sale", &[("user-agent", "facebookexternalhit/1.1")])
        .await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    assert!(
        got.body
            .contains(r#"<meta property="og:title" content="Sale &lt;now&gt;">"#)
    );
    assert!(got.all("set-cookie").is_empty());
    let got = edge.get("/sale", &[("user-agent", CHROME)]).await;
    assert_eq!(got.status, StatusCode::FOUND);
    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Previewed), 1);
    assert_eq!(outcomes(&clicks, Outcome::Redirected), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_opens_an_app_is_a_click_with_cookies() {
    let edge = Edge::start(|_| ()).await;
    let app = json!({"destination": "myapp://item#7", "store_url": "https://store.example/"});
    edge.link_with("app", spec(json!({"android": app}))).await;
    let got = edge.get("/app", &[("user-agent", ANDROID)]).await;
    assert_eq!(got.status, StatusCode::OK);
    let click = got.cookie("whc");
    assert!(
        got.body
            .contains(&format!("href=\"myapp://item?wcid={click}#7\"")),
        "{}",
        got.body
    );
    assert!(!got.cookie("whv").is_empty());
    assert!(
        got.header("content-security-policy")
            .contains("script-src 'sha256-")
    );
    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Redirected), 1);
    assert_eq!(clicks[0].id.to_string(), click);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_link_answers_below_its_slug() {
    let edge = Edge::start(|_| ()).await;
    let docs = json!({"destination": "https://docs.example/v1/?lang=en", "forward_path": true, "click_id": false});
    edge.link_with("docs", spec(docs)).await;
    edge.link_with("docs/api", spec(json!({"click_id": false})))
        .await;
    let to = async |path: &str| edge.get(path, &[]).await.header("location").to_owned();
    assert_eq!(to("/docs").await, "https://docs.example/v1/?lang=en");
    assert_eq!(
        to("/docs/a%20b/c").await,
        "https://docs.example/v1/a%20b/c?lang=en"
    );
    assert_eq!(
        to("/docs/../../x").await,
        "https://docs.example/v1/x?lang=en"
    );
    assert_eq!(to("/docs/api").await, "https://shop.example/");
    assert_eq!(
        to("/docs/api/x").await,
        "https://docs.example/v1/api/x?lang=en"
    );
    // Where no link has the very slug, a `+` at one that exists asks about it; elsewhere it is a path.
    assert_eq!(edge.get("/docs/api+", &[]).await.status, StatusCode::OK);
    assert_eq!(to("/docs/c+").await, "https://docs.example/v1/c+?lang=en");
    locked(&edge, "safe", json!({"forward_path": true})).await;
    let right = submit(&edge, "/safe/a/b", "password=password").await;
    assert!(
        right
            .header("location")
            .starts_with("https://shop.example/a/b?wcid=")
    );
    assert!(
        right
            .all("set-cookie")
            .iter()
            .any(|line| line.contains("; Path=/safe;")),
        "{right:?}"
    );
    let slugs: Vec<_> = edge
        .stop()
        .await
        .iter()
        .map(|click| click.slug.to_string())
        .collect();
    assert!(
        slugs.contains(&"docs/a b/c".to_owned()),
        "the whole path is recorded: {slugs:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_and_tags_are_recorded() {
    let edge = Edge::start(|_| ()).await;
    let variants = json!([{"name": "b", "destination": "https://b.example/", "weight": 1}]);
    edge.link_with(
        "ab",
        spec(json!({"variants": variants, "tags": ["x", "y"]})),
    )
    .await;
    let got = edge.get("/ab", &[]).await;
    assert!(
        got.header("location")
            .starts_with("https://b.example/?wcid=")
    );
    let clicks = edge.stop().await;
    assert_eq!((&*clicks[0].variant, &*clicks[0].tags), ("b", "x,y"));
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_counted_by_name() {
    let edge = Edge::start(|_| ()).await;
    edge.link_with("off", spec(json!({"disabled": true}))).await;
    edge.link_with("old", spec(json!({"expires_at": "2020-01-01T00:00:00Z"})))
        .await;
    edge.link_with("soon", spec(json!({"starts_at": "2200-01-01T00:00:00Z"})))
        .await;
    locked(&edge, "vip", json!({})).await;
    for (path, status, answer) in [
        ("/off", 404, "disabled"),
        ("/old", 410, "expired"),
        ("/soon", 404, "pending"),
        ("/vip", 200, "locked"),
        ("/vip+", 200, "inspected"),
        ("/none", 404, "not_found"),
    ] {
        assert_eq!(edge.get(path, &[]).await.status.as_u16(), status, "{path}");
        let name = format!("whence_redirector_requests_total{{answer=\"{answer}\"}}");
        assert_eq!(edge.metric(&name).await, 1, "{path}");
    }
    assert_eq!(edge.stop().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_goes_by_the_database_of_places_as_it_was_last_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("places.mmdb");
    let here = |country: &str| {
        let networks = [(
            "198.51.100.0/24".parse().unwrap(),
            json!({"country_code": country}),
        )];
        place_database(&path, &networks);
    };
    here("DE");
    let edge = Edge::start(|config| {
        config.databases.places = Some(path.clone());
        config.redirector.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let from = [("x-forwarded-for", "198.51.100.7")];
    let rules = json!([{"when": {"country": ["DE"]}, "destination": "https://de.example/"}]);
    edge.link_with("x", spec(json!({"rules": rules}))).await;
    let host = |got: &Got| {
        got.header("location")
            .split("/?")
            .next()
            .unwrap()
            .to_owned()
    };
    edge.until_with("/x", &from, |got| host(got) == "https://de.example")
        .await;
    here("AT");
    assert_eq!(
        host(&edge.get("/x", &from).await),
        "https://de.example",
        "nobody has said so yet"
    );
    kill_process(getpid(), Signal::HUP).unwrap();
    edge.until_with("/x", &from, |got| host(got) == "https://shop.example")
        .await;
    // What cannot be used is not.
    std::fs::write(&path, "nonsense").unwrap();
    kill_process(getpid(), Signal::HUP).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(host(&edge.get("/x", &from).await), "https://shop.example");
    edge.stop().await;
}
