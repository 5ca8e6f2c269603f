//! The redirector over real sockets: a real store file, a real journal, and no ingest, so that what was
//! journalled can be read back after it has stopped.

mod support;

use hyper::StatusCode;
use support::Edge;
use whence_core::click::{Method, Outcome};
use whence_core::id::{ClickId, ClickIdKey, VisitorId};
use whence_core::test_support::http::Got;
use whence_core::workspace::PrivacyMode;

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_redirected_and_journalled() {
    let edge = Edge::start(|_| ()).await;
    let link = edge
        .link("summer", "https://shop.example/sale?x=1#top")
        .await;
    let got = edge
        .get(
            "/summer?utm_source=mail",
            &[("user-agent", "Firefox"), ("referer", "https://r.example/")],
        )
        .await;
    assert_eq!(got.status, StatusCode::FOUND);
    let location = got.header("location");
    let id: ClickId = location
        .strip_prefix("https://shop.example/sale?x=1&wcid=")
        .and_then(|rest| rest.strip_suffix("#top"))
        .unwrap_or_else(|| panic!("{location}"))
        .parse()
        .unwrap();
    let key = ClickIdKey::new(0x00112233445566778899aabbccddeeff_u128.to_be_bytes());
    assert_eq!(key.verify(id), Ok(()));
    assert!(key.is_for(id, link.id));
    assert_eq!(got.header("cache-control"), "private, no-store");
    assert_eq!(
        got.header("referrer-policy"),
        "strict-origin-when-cross-origin"
    );
    assert_eq!(got.header("x-robots-tag"), "noindex");
    let visitor: VisitorId = got.cookie("whv").parse().unwrap();
    assert_eq!(got.cookie("whc"), id.to_string());
    for attribute in [
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=31536000",
    ] {
        assert!(
            got.all("set-cookie")
                .iter()
                .all(|cookie| cookie.contains(attribute)),
            "{attribute}"
        );
    }
    let again = edge
        .get("/summer", &[("cookie", &format!("whv={visitor}"))])
        .await;
    assert_eq!(again.cookie("whv"), visitor.to_string());

    let clicks = edge.stop().await;
    assert_eq!(clicks.len(), 2);
    let first = clicks
        .iter()
        .find(|click| click.id == id)
        .expect("the answered click");
    assert_eq!(
        (first.outcome, first.method, first.link),
        (Outcome::Redirected, Method::Get, link.id)
    );
    assert_eq!(
        (&*first.workspace, &*first.domain, &*first.slug),
        ("acme", "go.example", "summer")
    );
    assert_eq!(
        (&*first.query, &*first.user_agent, &*first.referrer),
        ("utm_source=mail", "Firefox", "https://r.example/")
    );
    assert_eq!((first.visitor, first.new_visitor), (Some(visitor), true));
    assert_eq!(first.channel, "whatsapp");
    let second = clicks
        .iter()
        .find(|click| click.id != id)
        .expect("the second click");
    assert_eq!((second.visitor, second.new_visitor), (Some(visitor), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_post_answer_as_get_and_other_methods_do_not() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    for (method, code) in [
        ("HEAD", 302),
        ("POST", 302),
        ("PUT", 405),
        ("DELETE", 405),
        ("TRACE", 405),
    ] {
        let got = edge.request(method, "/x", &[]).await;
        assert_eq!(got.status.as_u16(), code, "{method}");
        assert_eq!(
            got.body,
            if code == 302 || method == "HEAD" {
                ""
            } else {
                "Links answer GET, HEAD and POST.\n"
            }
        );
    }
    let methods: Vec<_> = edge.stop().await.iter().map(|click| click.method).collect();
    assert_eq!(methods.len(), 2);
    assert!(methods.contains(&Method::Head) && methods.contains(&Method::Post));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_slugs_and_hosts_are_404_and_recorded_as_orphans() {
    let edge = Edge::start(|_| ()).await;
    let no_slug = edge.get("/nothing-here", &[]).await;
    let no_host = edge.request_to("nobody.example", "GET", "/x", &[]).await;
    for got in [&no_slug, &no_host] {
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        assert!(got.body.contains("There is no link here."), "{got:?}");
        assert!(got.all("set-cookie").is_empty());
    }
    let mut orphans: Vec<_> = edge
        .stop()
        .await
        .into_iter()
        .map(|click| {
            (
                click.workspace.into_owned(),
                click.domain.into_owned(),
                click.slug.into_owned(),
                click.outcome,
                click.link.0,
            )
        })
        .collect();
    orphans.sort_by(|a, b| a.0.cmp(&b.0));
    let orphan = |workspace: &str, domain: &str, slug: &str| {
        (
            workspace.into(),
            domain.into(),
            slug.into(),
            Outcome::NotFound,
            0,
        )
    };
    assert_eq!(
        orphans,
        [
            orphan("", "nobody.example", "x"),
            orphan("acme", "go.example", "nothing-here")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_refused_and_the_next_request_is_served() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    let long_path = format!("/{}", "a".repeat(9_000));
    assert_eq!(
        edge.get(&long_path, &[]).await.status,
        StatusCode::URI_TOO_LONG
    );
    let longer_than_the_head = format!("/{}", "a".repeat(40_000));
    assert!(
        edge.get(&longer_than_the_head, &[])
            .await
            .status
            .is_client_error()
    );
    let header = "h".repeat(40_000);
    let got = edge.get("/x", &[("x-much", &header)]).await;
    assert_eq!(got.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(edge.get("/x", &[]).await.status, StatusCode::FOUND);
    let long_agent = "u".repeat(5_000);
    assert_eq!(
        edge.get("/x", &[("user-agent", &long_agent)]).await.status,
        StatusCode::FOUND
    );
    let clicks = edge.stop().await;
    assert_eq!(clicks.len(), 2);
    assert_eq!(
        clicks.iter().map(|click| click.user_agent.len()).max(),
        Some(1024),
        "cut, not lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_wire_costs_only_its_own_connection() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let garbage: Vec<u8> = (0..random.usize(1..300)).map(|_| random.u8(..)).collect();
        edge.send_raw(&garbage).await;
        edge.send_raw(&[b"GET /x HTTP/1.1\r\n", &garbage[..]].concat())
            .await;
    }
    assert_eq!(edge.get("/x", &[]).await.status, StatusCode::FOUND);
    assert!(
        edge.stop()
            .await
            .iter()
            .any(|click| click.outcome == Outcome::Redirected)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_seen_at_once_and_the_store_is_asked_once() {
    let edge = Edge::start(|config| config.redirector.cache.ttl_ms = 3_600_000).await;
    assert_eq!(edge.get("/x", &[]).await.status, StatusCode::NOT_FOUND);
    let link = edge.link("x", "https://one.example/").await;
    edge.until("/x", |got| got.status == StatusCode::FOUND)
        .await;
    edge.change(&link, "https://two.example/").await;
    edge.until("/x", |got| {
        got.header("location")
            .starts_with("https://two.example/?wcid=")
    })
    .await;
    edge.delete(&link).await;
    edge.until("/x", |got| got.status == StatusCode::NOT_FOUND)
        .await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_only_counts_sets_no_cookie() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    let opted_out = edge.get("/x", &[("sec-gpc", "1")]).await;
    assert!(opted_out.all("set-cookie").is_empty());
    edge.privacy(PrivacyMode::CountOnly).await;
    edge.until("/x", |got| got.all("set-cookie").is_empty())
        .await;
    let clicks = edge.stop().await;
    assert!(clicks.iter().any(|click| click.visitor.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_believed_proxy_is_limited_by_its_own_address() {
    let edge = Edge::start(|config| {
        config.redirector.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.redirector.client_rate = 1;
        config.redirector.client_burst = 3;
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    let from = |address: &'static str| [("x-forwarded-for", address)];
    let mut last: Option<Got> = None;
    for _ in 0..5 {
        last = Some(edge.get("/x", &from("198.51.100.1")).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=2).contains(&last.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(
        edge.get("/x", &from("198.51.100.2")).await.status,
        StatusCode::FOUND
    );
    let clicks = edge.stop().await;
    assert!(
        clicks
            .iter()
            .any(|click| click.address.to_string() == "198.51.100.2")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_power_durability_the_answer_waits_for_the_disk_and_arrives() {
    let edge = Edge::start(|config| {
        config.redirector.journal.durability = whence_core::journal::Durability::Power;
    })
    .await;
    edge.link("x", "https://shop.example/").await;
    for _ in 0..20 {
        assert_eq!(edge.get("/x", &[]).await.status, StatusCode::FOUND);
    }
    assert_eq!(edge.stop().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_serves_or_refuses_as_configured() {
    for (policy, after) in [
        (whence_core::config::OnFull::Serve, StatusCode::FOUND),
        (
            whence_core::config::OnFull::Refuse,
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ] {
        let edge = Edge::start(|config| {
            config.redirector.threads = 1;
            config.redirector.journal.segment_megabytes = 1;
            config.redirector.journal.max_megabytes = 2;
            config.redirector.on_full = policy;
            config.redirector.client_rate = 0;
        })
        .await;
        edge.link("x", "https://shop.example/").await;
        let agent = "u".repeat(1_024);
        let referrer = format!("https://r.example/{}", "r".repeat(1_900));
        let headers = [
            ("user-agent", agent.as_str()),
            ("referer", referrer.as_str()),
        ];
        // Some 3 KiB a click: 2 MiB are full after 700.
        let mut statuses = Vec::new();
        for _ in 0..900 {
            statuses.push(edge.get("/x", &headers).await.status);
        }
        assert_eq!(statuses[0], StatusCode::FOUND);
        assert_eq!(*statuses.last().unwrap(), after, "{policy:?}");
        let lost: u64 = match policy {
            whence_core::config::OnFull::Serve => {
                edge.metric("whence_redirector_events_dropped_total").await
            }
            whence_core::config::OnFull::Refuse => {
                edge.metric("whence_redirector_requests_total{answer=\"refused\"}")
                    .await
            }
        };
        assert!(lost > 100, "{lost}");
        assert_eq!(
            edge.stop().await.len() as u64,
            900 - lost,
            "what was not lost is all there"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_finishes_what_is_under_way_and_takes_no_more() {
    let edge = Edge::start(|_| ()).await;
    edge.link("x", "https://shop.example/").await;
    assert_eq!(edge.admin("/readyz").await.status, StatusCode::OK);
    assert_eq!(edge.admin("/livez").await.status, StatusCode::OK);
    assert_eq!(edge.metric("whence_redirector_changes_heard").await, 1);
    let address = edge.address();
    // Sent, and most of them not even accepted when the stop comes.
    let under_way = edge.send_without_waiting("/x", 50).await;
    let clicks = edge.stop().await;
    for answer in under_way {
        assert!(
            answer.await.starts_with("HTTP/1.1 302"),
            "a request under way was dropped"
        );
    }
    assert_eq!(clicks.len(), 50);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_work_is_refused_by_name() {
    for (break_it, named) in [
        (
            (|config| config.click_id_key = whence_core::secret::Secret::new("short"))
                as fn(&mut whence_core::config::Config),
            "click_id_key",
        ),
        (
            |config| config.redirector.ingest = vec![],
            "redirector.ingest",
        ),
        (
            |config| config.redirector.journal.max_megabytes = 1,
            "max_bytes",
        ),
    ] {
        let error = Edge::try_start(break_it).await.err().expect("refused");
        assert!(error.contains(named), "{error}");
    }
}
