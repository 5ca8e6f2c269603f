//! Many edits in one request.

use serde_json::{Value, json};

use crate::support::{Service, about, problem};

async fn bulk(service: &Service, edits: Value) -> Vec<Value> {
    let body = json!({"edits": edits}).to_string();
    let got = service
        .ask(&service.acme, "POST", "/api/v1/links/bulk", body)
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()["results"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<u64> {
    let statuses = results.iter().map(|result| result["status"].as_u64());
    statuses.map(Option::unwrap).collect()
}

#[tokio::test]
async fn each_edit_has_its_own_result() {
    let service = Service::start().await;
    let old = service
        .make(r#"{"slug": "old", "destination": "https://example.com/", "external_id": "x"}"#)
        .await;
    let results = bulk(
        &service,
        json!([
            {"create": {"slug": "new", "destination": "https://example.com/1"}},
            {"create": {"slug": "old", "destination": "https://example.com/2"}},
            {"create": {"slug": "a?b", "destination": "nowhere"}},
            {"change": {"id": old["id"], "revision": 1, "title": "T"}},
            {"change": {"id": old["id"], "revision": 1, "title": "late"}},
            {"change": {"external_id": "x", "tags": ["a", "b,c"]}},
            {"change": {"external_id": "nobody", "title": "T"}},
            {"change": {"title": "T"}},
            {"delete": {"id": "00000000001"}},
            {"delete": {"external_id": "x", "revision": 7}},
            {"delete": {"external_id": "x", "revision": 2}},
            {"delete": {"id": old["id"], "title": "T"}},
            {"erase": {}},
            {"create": {}, "delete": {}},
            5,
        ]),
    )
    .await;
    assert_eq!(
        statuses(&results),
        [
            201, 409, 422, 200, 412, 422, 404, 422, 404, 412, 204, 422, 422, 422, 422
        ]
    );
    assert_eq!(results[0]["link"]["slug"], "new");
    about(&results[1]["problem"], &["slug"]);
    about(&results[2]["problem"], &["destination", "slug"]);
    assert_eq!(results[3]["link"]["title"], "T");
    about(&results[5]["problem"], &["tags[1]"]);
    about(&results[7]["problem"], &["id"]);
    about(&results[11]["problem"], &["title"]);
    let links = service.get("/api/v1/links").await["links"].clone();
    assert_eq!(links, json!([results[0]["link"]]));
}

#[tokio::test]
async fn later_edits_see_what_earlier_ones_did() {
    let service = Service::start().await;
    let mut edits = vec![
        json!({"create": {"slug": "s", "destination": "https://example.com/", "external_id": "x"}}),
    ];
    for n in 0..50 {
        edits.push(
            json!({"change": {"external_id": "x", "revision": n + 1, "title": n.to_string()}}),
        );
    }
    edits.extend([
        json!({"delete": {"external_id": "x"}}),
        json!({"change": {"external_id": "x", "title": "gone"}}),
        json!({"create": {"slug": "s", "destination": "https://example.com/2", "external_id": "x"}}),
        json!({"change": {"external_id": "y", "title": "nobody"}}),
        json!({"create": {"destination": "https://example.com/3", "external_id": "x"}}),
        json!({"create": {"slug": "s", "destination": "https://example.com/4"}}),
    ]);
    let results = bulk(&service, json!(edits)).await;
    let mut expected = vec![201];
    expected.extend([200; 50]);
    expected.extend([204, 404, 201, 404, 409, 409]);
    assert_eq!(statuses(&results), expected);
    let links = service.get("/api/v1/links").await["links"].clone();
    assert_eq!(links.as_array().unwrap().len(), 1);
    assert_eq!(links[0]["destination"], "https://example.com/2");
}

#[tokio::test]
async fn an_external_id_is_changed_by_the_id() {
    let service = Service::start().await;
    let link = service
        .make(r#"{"destination": "https://example.com/", "external_id": "x"}"#)
        .await;
    let results = bulk(
        &service,
        json!([
            {"change": {"id": link["id"], "external_id": "y"}},
            {"create": {"destination": "https://example.com/", "external_id": "x"}},
            {"change": {"external_id": "y", "title": "found"}},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), [200, 201, 200]);
    assert_eq!(results[2]["link"]["id"], link["id"]);
}

#[tokio::test]
async fn ten_thousand_in_one_request_and_not_one_more() {
    let service = Service::start().await;
    let create = |n: usize| {
        json!({"create": {"slug": format!("s{n}"), "destination": format!("https://example.com/{n}"),
            "tags": ["bulk"], "campaign": "autumn", "external_id": n.to_string()}})
    };
    let edits: Vec<_> = (0..10_000).map(create).collect();
    let began = std::time::Instant::now();
    let results = bulk(&service, json!(edits)).await;
    println!("10,000 creates took {:?}", began.elapsed());
    assert!(statuses(&results).iter().all(|status| *status == 201));
    for (n, result) in results.iter().enumerate().step_by(999) {
        assert_eq!(result["link"]["slug"], format!("s{n}"));
    }
    let last = service.get("/api/v1/links/external/9999").await;
    assert_eq!(last["destination"], "https://example.com/9999");

    let edits: Vec<_> = (0..10_001).map(create).collect();
    let body = json!({"edits": edits}).to_string();
    let got = service
        .ask(&service.acme, "POST", "/api/v1/links/bulk", body)
        .await;
    about(&problem(&got, 422), &["edits"]);
}

#[tokio::test]
async fn bodies_that_are_no_edits() {
    let service = Service::start().await;
    let huge =
        json!({"create": {"destination": "https://example.com/", "notes": "a".repeat(1 << 20)}});
    let results = bulk(&service, json!([huge, {"delete": {"id": "00000000001"}}])).await;
    assert_eq!(statuses(&results), [413, 404]);
    let numbers = format!("{{\"edits\": [{}0]}}", "0,".repeat(1 << 20));
    let deep = format!("{{\"edits\": {}", "[".repeat(100_000));
    for (body, status) in [
        ("", 400),
        ("[]", 400),
        ("{\"edits\": [", 400),
        (deep.as_str(), 400),
        ("{}", 422),
        ("{\"edits\": 5}", 422),
        ("{\"edits\": [], \"more\": 1}", 422),
        (numbers.as_str(), 422),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/links/bulk", body.to_owned())
            .await;
        let refused = problem(&got, status);
        if status == 422 {
            about(&refused, &["edits"]);
        }
    }
    let long = vec![b' '; (64 << 20) + 1];
    let path = "/api/v1/links/bulk";
    let got = service.ask(&service.acme, "POST", path, long).await;
    problem(&got, 413);
    assert!(bulk(&service, json!([])).await.is_empty());
}

#[tokio::test]
async fn passwords_have_a_bound_of_their_own() {
    let service = Service::start().await;
    // A destination that is wrong is told before anything is hashed, which would take a minute here.
    let locked =
        |password: &str| json!({"create": {"destination": "nowhere", "password": password}});
    let mut edits: Vec<_> = (0..200).map(|_| locked("open sesame")).collect();
    edits.push(
        json!({"create": {"destination": "https://example.com/", "password": "one too many"}}),
    );
    let results = bulk(&service, json!(edits)).await;
    assert_eq!(statuses(&results), [422; 201]);
    about(&results[199]["problem"], &["destination"]);
    about(&results[200]["problem"], &["password"]);
}

#[tokio::test]
async fn long_links_are_told_in_parts() {
    let service = Service::start().await;
    // Texts of browsers are read faster than URLs are.
    let browsers = json!({"browser": vec!["a".repeat(100); 150]});
    let rule = json!({"when": browsers, "destination": "https://example.com/"});
    let create = |n: usize, rules: usize| json!({"create": {"slug": n.to_string(), "destination": "https://example.com/", "rules": vec![&rule; rules]}});
    let results = bulk(&service, json!([create(0, 5)])).await;
    about(&results[0]["problem"], &[""]);
    let edits: Vec<_> = (0..280).map(|n| create(n, 4)).collect();
    let results = bulk(&service, json!(edits)).await;
    assert_eq!(statuses(&results), [201; 280]);
    let told = results.iter().filter(|result| result["link"].is_object());
    let told = told.count();
    assert!((200..280).contains(&told), "{told}");
    let last = service.store.link_at("a.example", "279").await.unwrap();
    assert_eq!(results[279]["id"], last.unwrap().id.to_string());
    let changes = results[200..].iter().map(|result| {
        let id = result.get("id").unwrap_or(&result["link"]["id"]);
        json!({"change": {"id": id, "title": "T"}})
    });
    let changes: Vec<_> = changes.collect();
    assert_eq!(statuses(&bulk(&service, json!(changes)).await), [200; 80]);
    // A page is short rather than long, and the list goes on.
    let (mut seen, mut pages, mut cursor) = (0, 0, String::new());
    loop {
        let page = service
            .get(&format!("/api/v1/links?limit=200{cursor}"))
            .await;
        seen += page["links"].as_array().unwrap().len();
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 280);
    assert!(pages > 2, "{pages}");
}
