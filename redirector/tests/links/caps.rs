//! Links that lead on a limited number of times.

use hyper::StatusCode;
use serde_json::json;
use whence_core::click::Outcome;
use whence_core::test_support::RedisServer;
use whence_core::test_support::http::Got;

use crate::support::Edge;
use crate::{CHROME, outcomes, spec};

/// Fifty clients on two redirectors, half of them on each, all at once.
async fn rush(one: &Edge, two: &Edge, path: &str, agent: &str) -> Vec<StatusCode> {
    let clicks = (0..50).map(|n| {
        let edge = if n % 2 == 0 { one } else { two };
        edge.get_owned(path, &[("user-agent", agent)])
    });
    let answers: Vec<_> = clicks.map(tokio::spawn).collect();
    let mut statuses = Vec::new();
    for answer in answers {
        statuses.push(answer.await.unwrap().status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_across_redirectors_on_a_file() {
    let one = Edge::start(|_| ()).await;
    let two = one.beside(|_| ()).await;
    a_cap_holds_for_people_only(one, two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_across_redirectors_on_redis() {
    let redis = RedisServer::start();
    let one = Edge::over(&redis.url()).await;
    let two = Edge::over(&redis.url()).await;
    a_cap_holds_for_people_only(one, two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_link_is_never_served_over_its_cap_while_the_store_is_away() {
    let mut redis = RedisServer::start();
    let edge = Edge::over(&redis.url()).await;
    edge.link_with("few", spec(json!({"max_clicks": 20}))).await;
    edge.link("plain", "https://shop.example/").await;
    let agent = [("user-agent", CHROME)];
    for path in ["/few", "/plain"] {
        edge.until_with(path, &agent, |got| got.status == StatusCode::FOUND)
            .await;
    }
    redis.kill();
    let capped = edge.get("/few", &agent).await;
    assert_eq!(capped.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(capped.header("retry-after").parse::<u64>().is_ok());
    assert_eq!(edge.get("/plain", &agent).await.status, StatusCode::FOUND);
    edge.stop().await;
}

async fn a_cap_holds_for_people_only(one: Edge, two: Edge) {
    one.link_with("few", spec(json!({"max_clicks": 20}))).await;

    // Machines are sent on, and take nothing.
    let machines = rush(&one, &two, "/few", "curl/8.5.0").await;
    assert!(machines.iter().all(|status| *status == StatusCode::FOUND));
    let head = one.request("HEAD", "/few", &[("user-agent", CHROME)]).await;
    assert_eq!(head.status, StatusCode::FOUND);

    let people = rush(&one, &two, "/few", CHROME).await;
    let count = |wanted: StatusCode| people.iter().filter(|status| **status == wanted).count();
    assert_eq!(
        (count(StatusCode::FOUND), count(StatusCode::GONE)),
        (20, 30)
    );

    // Used up is used up, for machines too.
    let late = rush(&one, &two, "/few", "curl/8.5.0").await;
    assert!(late.iter().all(|status| *status == StatusCode::GONE));

    let mut clicks = one.stop().await;
    clicks.extend(two.stop().await);
    let people: Vec<_> = clicks
        .iter()
        .filter(|click| {
            click.user_agent == CHROME && click.method == whence_core::click::Method::Get
        })
        .cloned()
        .collect();
    assert_eq!(outcomes(&people, Outcome::Redirected), 20);
    assert_eq!(outcomes(&people, Outcome::UsedUp), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_cap_opens_a_used_up_link_again() {
    let edge = Edge::start(|_| ()).await;
    let limited = spec(json!({"max_clicks": 1, "expired_url": "https://shop.example/late"}));
    let mut link = edge.link_with("one", limited).await;
    let agent = [("user-agent", CHROME)];
    let location = |got: &Got| got.header("location").to_owned();
    assert!(location(&edge.get("/one", &agent).await).starts_with("https://shop.example/?wcid="));
    for _ in 0..2 {
        assert_eq!(
            location(&edge.get("/one", &agent).await),
            "https://shop.example/late"
        );
    }
    link.spec.max_clicks = std::num::NonZeroU64::new(2);
    edge.change_to(&mut link).await;
    edge.until_with("/one", &agent, |got| location(got).contains("wcid="))
        .await;
    assert_eq!(
        location(&edge.get("/one", &agent).await),
        "https://shop.example/late"
    );
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_link_that_comes_back_is_asked_about_anew() {
    let edge = Edge::start(|_| ()).await;
    let link = edge.link_with("one", spec(json!({"max_clicks": 1}))).await;
    let agent = [("user-agent", CHROME)];
    let until = async |status| {
        let is_so = |got: &Got| got.status == status;
        edge.until_with("/one", &agent, is_so).await;
    };
    until(StatusCode::FOUND).await;
    until(StatusCode::GONE).await;
    edge.delete(&link).await;
    until(StatusCode::NOT_FOUND).await;
    edge.restore(&link).await;
    until(StatusCode::FOUND).await;
    until(StatusCode::GONE).await;
    edge.stop().await;
}
