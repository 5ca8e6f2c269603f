//! Links as files: out and in again, with nothing lost on the way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec, Slug};

use crate::support::{Service, about, add_key, add_workspace, problem};

async fn import(service: &Service, key: &str, query: &str, file: &str) -> Value {
    let path = format!("/api/v1/links/import?{query}");
    let got = service.ask(key, "POST", &path, file.to_owned()).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()
}

async fn export(service: &Service, key: &str, format: &str) -> String {
    let path = format!("/api/v1/links/export?format={format}");
    let got = service.ask(key, "GET", &path, "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

#[tokio::test]
async fn people_write_files_too() {
    let service = Service::start().await;
    let file = "\u{feff}slug,destination,tags,status,utm_source,archived,title,notes,external_id\r\n\
        /sale,https://example.com/1,\"a, b\",301,mail,FALSE,'=SUM(1),,\r\n\
        plain,https://example.com/2,\"[\"\"c\"\"]\",,,TRUE,,\"two\nlines\",e2\r\n\
        ,https://example.com/3,,,,,,,\r\n\
        /,https://example.com/4,,,,,,,\r\n\
        /bad,nowhere,,3o1,,maybe,,,\r\n\
        /short,https://example.com/5\r\n\
        /sale,https://example.com/6,,,,,,,\r\n\
        /worse,https://example.com/7,,303,a\tb,,,,e2\r\n";
    let done = import(&service, &service.acme, "format=csv", file).await;
    let count = |word: &str| done[word].as_u64().unwrap();
    assert_eq!((count("made"), count("failed")), (4, 4), "{done}");
    let lines = done["lines"].as_array().unwrap();
    let numbers: Vec<_> = lines
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [2, 3, 5, 6, 7, 8, 9, 10], "a cell has two lines");
    about(&lines[4], &["archived", "status"]);
    assert!(
        lines[5]["detail"].as_str().unwrap().contains("2 cells"),
        "{done}"
    );
    about(&lines[6], &["slug"]);
    about(&lines[7], &["status", "utm_source"]);
    assert_eq!(lines[6]["status"], 409);
    let sale = service
        .store
        .link_at("a.example", "sale")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lines[0]["id"], sale.id.to_string());
    let expected = json!({
        "destination": "https://example.com/1", "tags": ["a", "b"], "status": 301, "utm": {"source": "mail"},
        "title": "=SUM(1)",
    });
    assert_eq!(serde_json::to_value(&sale.spec).unwrap(), expected);
    assert!(
        service
            .store
            .link_at("a.example", "")
            .await
            .unwrap()
            .is_some()
    );
    let plain = service
        .store
        .link_at("a.example", "plain")
        .await
        .unwrap()
        .unwrap();
    assert!(plain.spec.archived);
    assert_eq!(plain.spec.notes.unwrap().as_str(), "two\nlines");
}

#[tokio::test]
async fn a_conflict_is_what_one_says_it_is() {
    let service = Service::start().await;
    let row = |n: u32| {
        json!({"slug": "s", "destination": format!("https://example.com/{n}")}).to_string()
    };
    let by_name = r#"{"destination": "https://example.com/x", "external_id": "x"}"#;
    let counts = |done: &Value| {
        ["made", "replaced", "unchanged", "skipped", "failed"]
            .map(|word| done[word].as_u64().unwrap())
    };
    let file = format!("{}\n\n{by_name}\n", row(1));
    let acme = &service.acme;
    let done = import(&service, acme, "format=jsonl", &file).await;
    assert_eq!(counts(&done), [2, 0, 0, 0, 0]);
    let file = format!("{}\n{by_name}", row(2));
    let done = import(&service, acme, "format=jsonl", &file).await;
    assert_eq!(counts(&done), [0, 0, 0, 0, 2]);
    let done = import(&service, acme, "format=jsonl&on_conflict=skip", &file).await;
    assert_eq!(counts(&done), [0, 0, 0, 2, 0]);
    let stands = async || {
        let link = service
            .store
            .link_at("a.example", "s")
            .await
            .unwrap()
            .unwrap();
        (link.spec.destination.to_string(), link.revision)
    };
    assert_eq!(stands().await, ("https://example.com/1".into(), 1));
    let done = import(&service, acme, "format=jsonl&on_conflict=replace", &file).await;
    assert_eq!(counts(&done), [0, 1, 1, 0, 0]);
    assert_eq!(stands().await, ("https://example.com/2".into(), 2));
    // Twice in one file, the last one stays.
    let file = format!("{}\n{}\n{}", row(3), row(4), row(4));
    let done = import(&service, acme, "format=jsonl&on_conflict=replace", &file).await;
    assert_eq!(counts(&done), [0, 2, 1, 0, 0]);
    assert_eq!(stands().await, ("https://example.com/4".into(), 4));
}

#[tokio::test]
async fn files_that_cannot_be() {
    let service = Service::start().await;
    let ask = async |query: &str, headers: &[(&str, &str)], body: &str| {
        let path = format!("/api/v1/links/import?{query}");
        service
            .ask_with(&service.acme, "POST", &path, headers, body.to_owned())
            .await
    };
    about(&problem(&ask("", &[], "").await, 400), &["format"]);
    about(
        &problem(&ask("format=xml", &[], "").await, 400),
        &["format"],
    );
    let got = ask("format=csv&on_conflict=maybe&x=1", &[], "").await;
    about(&problem(&got, 400), &["on_conflict", "x"]);
    let got = ask("format=csv", &[], "slug,colour,slug\n").await;
    about(&problem(&got, 422), &["colour", "slug"]);
    let csv = [("content-type", "text/csv; charset=utf-8")];
    assert_eq!(ask("", &csv, "slug,destination\n").await.status, 200);
    let many = "{}\n".repeat(10_001);
    problem(&ask("format=jsonl", &[], &many).await, 413);
    let rows = "https://example.com/\n".repeat(10_001);
    let many = format!("destination\n{rows}");
    problem(&ask("format=csv", &[], &many).await, 413);
    let made = service.get("/api/v1/links").await;
    assert_eq!(made["links"], json!([]), "refused before the first is made");
    let broken = "slug,destination\n\"\u{0}\",x\n\"open,x\n";
    let got = ask("format=csv", &[], broken).await;
    assert_eq!(got.json()["failed"], 2, "{}", got.body);
    let hash = json!({"destination": "https://example.com/", "created_at": "yesterday", "id": "x",
        "password_hash": "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"});
    let got = ask("format=jsonl", &[], &hash.to_string()).await;
    let line = &got.json()["lines"][0];
    about(line, &["created_at", "id", "password_hash"]);
    let accept = [("accept", "text/html, application/jsonl;q=0.5")];
    let got = service
        .ask_with(&service.acme, "GET", "/api/v1/links/export", &accept, "")
        .await;
    assert_eq!(got.header("content-type"), "application/jsonl");
    let got = service
        .ask(&service.acme, "GET", "/api/v1/links/export", "")
        .await;
    about(&problem(&got, 400), &["format"]);
}

#[tokio::test]
async fn an_export_has_every_link_and_no_formula() {
    let service = Service::start().await;
    let edits: Vec<_> = (0..1_234)
        .map(|n| {
            json!({"create": {"destination": "https://example.com/", "slug": format!("=s{n}"), "title": "=1+1",
                "archived": n % 2 == 0}})
        })
        .collect();
    let body = json!({"edits": edits}).to_string();
    let got = service
        .ask(&service.acme, "POST", "/api/v1/links/bulk", body)
        .await;
    assert_eq!(got.status, 200);
    let csv = export(&service, &service.acme, "csv").await;
    assert_eq!(csv.lines().count(), 1_235);
    assert!(
        csv.lines().skip(1).all(|line| line.contains(",'=1+1,")),
        "guarded"
    );
    assert!(
        csv.split([',', '\n'])
            .all(|cell| !cell.starts_with(['=', '+', '-', '@']))
    );
    let some = "/api/v1/links/export?format=jsonl&archived=false&search=%3Ds12";
    let got = service.ask(&service.acme, "GET", some, "").await;
    assert!(got.body.lines().count() > 10 && got.body.lines().count() < 100);
    assert!(
        got.body
            .lines()
            .all(|line| line.contains(r#""slug":"=s12"#))
    );
}

/// Any text of a spreadsheet's nightmares.
fn label() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{1,20}", "['=+@-]{1,3}[a-z,\" ]{0,5}", "[\"',;]{1,6}"]
        .prop_filter("a label has a bound", |text| text.len() <= 128)
}

fn url() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/,'\"=&;é%-]{0,20}".prop_map(|path| format!("https://example.com/{path}"))
}

fn condition() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"country": ["DE", "AT"]})),
        Just(json!({"region": ["DE-BY"]})),
        Just(json!({"visitor": "new"})),
        Just(json!({"address": ["192.0.2.0/24", "2001:db8::/32"]})),
        label().prop_map(|text| json!({"os": [text]})),
        label().prop_map(|text| json!({"parameter": {"name": "ref", "is": [text]}})),
        any::<bool>().prop_map(|is| json!({"preview": is})),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(|all| json!({"all": all})),
            vec(inner.clone(), 1..3).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

/// Any spec that can be, as JSON.
fn spec() -> impl Strategy<Value = LinkSpec> {
    let time = (0_i64..4_000_000_000, 0_i32..1_000_000_000);
    let time = time.prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap().to_string());
    let label = || option::of(label()).boxed();
    let url_ = || option::of(url()).boxed();
    let texts = (
        [
            label(),
            label(),
            label(),
            label(),
            label(),
            label(),
            label(),
            label(),
            label(),
            label(),
        ],
        option::of("[\\PC\n\r\t]{1,40}"),
        vec("[^,\\p{C}]{1,10}", 0..4),
    );
    let flags = (
        any::<[bool; 4]>(),
        0_usize..4,
        0_usize..3,
        option::of(1_u64..),
        any::<bool>(),
    );
    let urls = (
        url(),
        [url_(), url_(), url_(), url_(), url_()],
        option::of(time),
    );
    let lists = (
        vec((condition(), url()), 0..3),
        btree_map("[^\\p{C}]{1,8}", (url(), 1_u32..1_000_000), 0..4),
    );
    (texts, flags, urls, lists).prop_map(|(texts, flags, urls, (rules, variants))| {
        let ([title, channel, campaign, program, advocate, source, medium, term, content, preview], notes, tags) = texts;
        let ([disabled, archived, forward_path, click_id], status, forward, max_clicks, is_locked) = flags;
        let (destination, [pending, expired, ios, store, image], time) = urls;
        let mut tags = tags;
        tags.sort();
        tags.dedup();
        let is_bandit = variants.len() > 1;
        let rules: Vec<_> = rules.into_iter().map(|(when, url)| json!({"when": when, "destination": url})).collect();
        let variants: Vec<_> = variants.into_iter()
            .map(|(name, (url, weight))| json!({"name": name, "destination": url, "weight": weight})).collect();
        let mut spec = json!({
            "destination": destination, "status": ([301, 302, 307, 308][status]), "disabled": disabled,
            "archived": archived, "pending_url": pending, "expired_url": expired, "max_clicks": max_clicks,
            "variant_mode": if is_bandit { "bandit" } else { "weighted" }, "rules": rules, "variants": variants,
            "utm": {"source": source, "medium": medium, "term": term, "content": content},
            "forward_query": (["drop", "keep", "override"][forward]), "forward_path": forward_path, "click_id": click_id,
            "title": title, "notes": notes, "tags": tags, "channel": channel, "campaign": campaign, "program": program,
            "advocate": advocate, "expires_at": time,
        });
        if let Some(ios) = ios {
            spec["ios"] = json!({"destination": ios, "store_url": store});
        }
        if let Some(title) = preview {
            spec["preview"] = json!({"title": title, "image": image});
        }
        if is_locked {
            spec["password_hash"] = json!("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
        }
        serde_json::from_value(spec).unwrap()
    })
}

fn slug() -> impl Strategy<Value = Slug> {
    "\\PC{0,12}".prop_filter_map("not every text is a slug", |text| {
        let reserved = text.ends_with('+')
            || text.ends_with(".qr")
            || text.starts_with("robots.txt")
            || text.starts_with(".well-known");
        text.parse().ok().filter(|_| !reserved)
    })
}

#[test]
fn what_is_exported_and_imported_is_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (from, to) = runtime.block_on(async { (Service::start().await, Service::start().await) });
    let case = AtomicU32::new(0);
    let links = btree_map(slug(), (spec(), any::<u32>(), any::<u32>()), 1..8);
    // Each case is a pair of workspaces; what shrinking needs is found by these, or not at all.
    let mut runner = TestRunner::new(Config {
        cases: 48,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&links, |links| {
        let n = case.fetch_add(1, Ordering::Relaxed);
        let format = if n.is_multiple_of(2) { "csv" } else { "jsonl" };
        let (before, after, imported) =
            runtime.block_on(there_and_back(&from, &to, n, format, links));
        prop_assert_eq!(&imported["failed"], &json!(0), "{}", imported);
        prop_assert_eq!(before, after);
        Ok(())
    });
    outcome.unwrap();
}

/// Exports links, imports them elsewhere, and exports them again.
async fn there_and_back(
    from: &Service,
    to: &Service,
    case: u32,
    format: &str,
    links: BTreeMap<Slug, (LinkSpec, u32, u32)>,
) -> (String, String, Value) {
    let workspace = format!("w{case}");
    let host = format!("w{case}.example");
    let mut keys = Vec::new();
    for service in [from, to] {
        add_workspace(&*service.store, &workspace, "UTC").await;
        let (host, id) = (host.parse().unwrap(), workspace.parse().unwrap());
        service.store.claim_domain(&host, &id).await.unwrap();
        keys.push(add_key(&*service.store, &workspace, &whence_core::key::Right::ALL).await);
    }
    for (number, (slug, (mut spec, second, random))) in links.into_iter().enumerate() {
        spec.external_id = Some(format!("'{number}").parse().unwrap());
        // Below a slug that ends in / there is nothing.
        spec.forward_path &= !slug.as_str().ends_with('/');
        let at = Timestamp::from_second(i64::from(second)).unwrap();
        let link = Link {
            id: LinkId(u64::from(case) << 40 | u64::from(random)),
            workspace: workspace.parse().unwrap(),
            domain: host.parse().unwrap(),
            slug,
            learned_weights: spec.variants.iter().map(|variant| variant.weight).collect(),
            spec,
            revision: 1,
            created_at: at,
            updated_at: at,
        };
        from.store.create_link(&link).await.unwrap();
    }
    let before = export(from, &keys[0], format).await;
    let imported = import(to, &keys[1], &format!("format={format}"), &before).await;
    (before, export(to, &keys[1], format).await, imported)
}
