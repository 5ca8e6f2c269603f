//! What stands beside the links: `+` pages, QR codes, documents, the bare domain and unknown slugs.

use hyper::StatusCode;
use serde_json::json;
use whence_core::click::Outcome;

use crate::support::Edge;
use crate::{outcomes, spec};

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
        ("format=png&size=2049", "size: must be at most 2048"),
        ("format=gif", "format: "),
        ("logo=mine", "logo: "),
        ("col%0D%0Aour=red", "colour: "),
    ] {
        let got = edge.get(&format!("/x.qr?{query}"), &[]).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(got.body.starts_with(said), "{query} {}", got.body);
    }
    // Nothing is drawn for those who only ask what there is.
    let head = edge.request("HEAD", "/x.qr?format=png", &[]).await;
    assert_eq!(
        (head.status, head.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    assert_eq!(head.header("content-length"), "");
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
async fn pictures_are_drawn_only_so_often() {
    let edge = Edge::start(|config| {
        (config.redirector.link_rate, config.redirector.link_burst) = (1, 35);
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    edge.link("y", "https://shop.example/").await;
    let status = async |path: &str| edge.get(path, &[]).await.status;
    let answered = async |path: &str, wanted: StatusCode| {
        let mut count = 0;
        while count < 100 && status(path).await == wanted {
            count += 1;
        }
        count
    };
    // A second that this machine is slow allows one more.
    let drawn = answered("/x.qr", StatusCode::OK).await;
    assert!((30..60).contains(&drawn), "{drawn} for one client");
    let followed = answered("/x", StatusCode::FOUND).await;
    assert!(followed < 30, "{followed}: pictures count for the link");
    assert_eq!(status("/y").await, StatusCode::FOUND);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_that_a_link_is_there_but_switched_off() {
    let edge = Edge::start(|_| ()).await;
    edge.link_with("off", spec(json!({"disabled": true}))).await;
    edge.link_with("", spec(json!({"disabled": true}))).await;
    edge.domain(|spec| {
        spec.root_url = Some("https://acme.example/".parse().unwrap());
        spec.not_found_url = Some("https://acme.example/lost".parse().unwrap());
    })
    .await;
    let location = async |path: &str| edge.get(path, &[]).await.header("location").to_owned();
    edge.until("/none", |got| got.status == StatusCode::FOUND)
        .await;
    for path in ["/off", "/off+", "/off.qr", "/none", "/none+", "/none.qr"] {
        assert_eq!(location(path).await, "https://acme.example/lost", "{path}");
    }
    assert_eq!(location("/").await, "https://acme.example/");
    let clicks = edge.stop().await;
    assert_eq!(outcomes(&clicks, Outcome::Disabled), 2);
}
