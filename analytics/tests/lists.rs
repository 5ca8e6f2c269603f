//! Lists that show some of the links.

use jiff::Timestamp;
use serde_json::json;
use whence_core::id::LinkId;
use whence_core::link::{Host, Link, LinkSpec};
use whence_core::store::Edit;

use crate::support::Service;

async fn slugs(service: &Service, query: &str) -> Vec<String> {
    let list = service.get(&format!("/api/v1/links?{query}")).await;
    let links = list["links"].as_array().unwrap().iter();
    let mut slugs: Vec<_> = links
        .map(|link| link["slug"].as_str().unwrap().to_owned())
        .collect();
    slugs.sort();
    slugs
}

#[tokio::test]
async fn filters() {
    let service = Service::start().await;
    for body in [
        json!({"slug": "a", "domain": "go.example", "tags": ["x", "y"], "campaign": "c1", "title": "Große Sache"}),
        json!({"slug": "b", "tags": ["y"], "channel": "SMS", "program": "p", "advocate": "ada"}),
        json!({"slug": "c", "archived": true, "tags": ["x"], "campaign": "c1"}),
        json!({"slug": "Sale/ÄRGER", "channel": "Email"}),
    ] {
        let mut body = body;
        body["destination"] = json!(format!(
            "https://example.com/{}",
            body["slug"].as_str().unwrap()
        ));
        service.make(&body.to_string()).await;
    }
    for (query, expected) in [
        ("", &["Sale/ÄRGER", "a", "b"][..]),
        ("archived=true", &["c"]),
        ("archived=any", &["Sale/ÄRGER", "a", "b", "c"]),
        ("domain=go.example", &["a"]),
        ("domain=GO.example", &["a"]),
        ("tag=y", &["a", "b"]),
        ("tag=x&archived=any", &["a", "c"]),
        ("campaign=c1", &["a"]),
        ("channel=SMS", &["b"]),
        ("program=p&advocate=ada", &["b"]),
        ("program=p&advocate=eve", &[]),
        ("search=gro%C3%9Fe", &["a"]),
        ("search=%C3%A4rger", &["Sale/ÄRGER"]),
        ("search=EXAMPLE.com/B", &["b"]),
        ("search=nothing", &[]),
    ] {
        assert_eq!(slugs(&service, query).await, expected, "{query}");
    }
    for (query, field) in [
        ("archived=yes", "archived"),
        ("search=", "search"),
        ("tag=a,b", "tag"),
        ("domain=a/b", "domain"),
        ("campaign=", "campaign"),
    ] {
        let path = format!("/api/v1/links?{query}");
        let got = service.ask(&service.acme, "GET", &path, "").await;
        crate::support::about(&crate::support::problem(&got, 400), &[field]);
    }
}

#[tokio::test]
async fn a_rare_link_is_found_page_by_page() {
    let service = Service::start().await;
    let host: Host = "a.example".parse().unwrap();
    let edits: Vec<_> = (0..10_500)
        .map(|n: u64| {
            let tag = if n.is_multiple_of(3_000) {
                "rare"
            } else {
                "common"
            };
            let mut spec = LinkSpec::to("https://example.com/".parse().unwrap());
            spec.tags = vec![tag.parse().unwrap()];
            Edit::Create(Link {
                id: LinkId(n + 1),
                workspace: "acme".parse().unwrap(),
                domain: host.clone(),
                slug: n.to_string().parse().unwrap(),
                spec,
                learned_weights: Vec::new(),
                revision: 1,
                created_at: Timestamp::UNIX_EPOCH,
                updated_at: Timestamp::UNIX_EPOCH,
            })
        })
        .collect();
    let made = service.store.edit_links(&edits).await;
    assert!(made.iter().all(Result::is_ok));
    let mut found = Vec::new();
    let mut pages = 0;
    let mut path = "/api/v1/links?tag=rare&limit=3".to_owned();
    loop {
        let page = service.get(&path).await;
        pages += 1;
        let links = page["links"].as_array().unwrap();
        assert!(links.len() <= 3);
        found.extend(
            links
                .iter()
                .map(|link| link["slug"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/links?tag=rare&limit=3&cursor={cursor}"),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, ["0", "3000", "6000", "9000"]);
    assert!((2..=3).contains(&pages), "{pages} pages");
}
