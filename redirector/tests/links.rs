//! Every kind of link over real HTTP: what only shows between a client, the store and the journal. What a
//! decision alone can show stands beside the code.

mod support;

use hyper::StatusCode;
use serde_json::json;
use support::Edge;
use whence_core::click::{Click, Outcome};
use whence_core::link::{Link, LinkSpec};
use whence_core::password;
use whence_core::secret::Secret;
use whence_core::test_support::RedisServer;
use whence_core::test_support::http::{Got, ask};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";

fn spec(mut json: serde_json::Value) -> LinkSpec {
    if json.get("destination").is_none() {
        json["destination"] = "https://shop.example/".into();
    }
    serde_json::from_value(json).unwrap()
}

/// A link with the password "password", hashed cheaply: from the test vectors of argon2's reference.
async fn locked(edge: &Edge, slug: &str, more: serde_json::Value) -> Link {
    let mut spec = spec(more);
    let hash =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    spec.password_hash = Some(hash.parse().unwrap());
    edge.link_with(slug, spec).await
}

async fn submit(edge: &Edge, path: &str, form: &'static str) -> Got {
    let headers = [
        ("host", "go.example"),
        ("user-agent", CHROME),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    ask(edge.address(), "POST", path, &headers, form)
        .await
        .unwrap()
}

fn outcomes(clicks: &[Click<'_>], outcome: Outcome) -> usize {
    clicks
        .iter()
        .filter(|click| click.outcome == outcome)
        .count()
}

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
async fn a_plus_shows_where_a_link_leads() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/?a=1&b=2").await;
    edge.link("c++", "https://lang.example/").await;
    edge.link("c+", "https://other.example/").await;
    let got = edge.get("/x+", &[]).await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(
        got.body
            .contains("<code>https://shop.example/?a=1&amp;b=2</code>"),
        "{}",
        got.body
    );
    assert!(got.all("set-cookie").is_empty());
    // A link that has the very slug comes first.
    assert!(
        edge.get("/c++", &[])
            .await
            .header("location")
            .starts_with("https://lang.example/")
    );
    assert_eq!(edge.get("/c+++", &[]).await.status, StatusCode::OK);
    assert_eq!(
        edge.get("/nothing+", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Inspected), 2);
    assert_eq!(outcomes(&clicks, Outcome::Redirected), 1);
    assert_eq!(outcomes(&clicks, Outcome::NotFound), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn qr_codes_are_pictures_and_no_clicks() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    edge.link("real.qr", "https://shop.example/").await;
    let svg = edge.get("/x.qr", &[]).await;
    assert_eq!(
        (svg.status, svg.header("content-type")),
        (StatusCode::OK, "image/svg+xml")
    );
    assert_eq!(svg.header("cache-control"), "public, max-age=3600");
    let expected =
        whence_core::qr::svg("https://go.example/x", &whence_core::qr::Options::default());
    assert_eq!(svg.body, expected.unwrap());
    let png = edge
        .get("/x.qr?format=png&size=128&foreground=036", &[])
        .await;
    assert_eq!(
        (png.status, png.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    for (query, said) in [
        ("size=1", "size: "),
        ("format=gif", "format: "),
        ("logo=mine", "logo: "),
        ("col%0D%0Aour=red", "colour: "),
    ] {
        let got = edge.get(&format!("/x.qr?{query}"), &[]).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(got.body.starts_with(said), "{query} {}", got.body);
    }
    assert_eq!(edge.get("/real.qr", &[]).await.status, StatusCode::FOUND);
    assert_eq!(
        edge.get("/nothing.qr", &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let clicks = edge.stop().await;
    assert_eq!(clicks.len(), 2, "the link and the orphan");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_the_domains_and_no_clicks() {
    let edge = Edge::start(|_| ()).await;
    let get = async |path: &str| {
        let got = edge.get(path, &[]).await;
        (
            got.status.as_u16(),
            got.header("content-type").to_owned(),
            got.body,
        )
    };
    let text = "text/plain; charset=utf-8".to_owned();
    assert_eq!(
        get("/robots.txt").await,
        (200, text.clone(), "User-agent: *\nDisallow:\n".into())
    );
    let icon = get("/favicon.ico").await;
    assert_eq!((icon.0, &*icon.1), (200, "image/png"));
    for path in [
        "/.well-known/security.txt",
        "/.well-known/apple-app-site-association",
        "/.well-known/assetlinks.json",
    ] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
    let unknown = edge
        .request_to("nobody.example", "GET", "/robots.txt", &[])
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    edge.domain(|spec| {
        spec.robots_txt = Some("User-agent: *\nDisallow: /".parse().unwrap());
        spec.security_txt = Some("Contact: mailto:a@b.example".parse().unwrap());
        spec.apple_app_site_association = Some(json!({"applinks": {}}));
        spec.asset_links = Some(json!([{"relation": []}]));
        // "png" in base64; what is drawn of it is nobody's concern here.
        spec.logo = Some("cG5n".into());
    })
    .await;
    edge.until("/robots.txt", |got| {
        got.body == "User-agent: *\nDisallow: /"
    })
    .await;
    assert_eq!(
        get("/.well-known/security.txt").await,
        (200, text, "Contact: mailto:a@b.example".into())
    );
    let json = "application/json".to_owned();
    let apple = (200, json.clone(), r#"{"applinks":{}}"#.to_owned());
    assert_eq!(get("/.well-known/apple-app-site-association").await, apple);
    assert_eq!(get("/apple-app-site-association").await, apple);
    assert_eq!(
        get("/.well-known/assetlinks.json").await,
        (200, json, r#"[{"relation":[]}]"#.into())
    );
    assert_eq!(get("/favicon.ico").await.2, "png");
    assert!(
        edge.metric("whence_redirector_requests_total{answer=\"document\"}")
            .await
            > 10
    );
    assert_eq!(edge.stop().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bare_domain_and_unknown_slugs_go_where_the_domain_says() {
    let edge = Edge::start(|_| ()).await;
    assert_eq!(edge.get("/", &[]).await.status, StatusCode::NOT_FOUND);
    edge.domain(|spec| {
        spec.root_url = Some("https://acme.example/".parse().unwrap());
        spec.not_found_url = Some("https://acme.example/lost".parse().unwrap());
    })
    .await;
    edge.until("/", |got| got.header("location") == "https://acme.example/")
        .await;
    let lost = edge.get("/nothing", &[]).await;
    assert_eq!(
        (lost.status, lost.header("location")),
        (StatusCode::FOUND, "https://acme.example/lost")
    );
    edge.link("", "https://shop.example/").await;
    edge.until("/", |got| {
        got.header("location")
            .starts_with("https://shop.example/?wcid=")
    })
    .await;
    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Redirected), 1);
    assert_eq!(outcomes(&clicks, Outcome::NotFound), clicks.len() - 1);
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
