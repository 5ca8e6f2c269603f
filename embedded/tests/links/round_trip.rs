//! What is exported and imported is the same, field by field.

use whence_core::link::{Link, LinkSpec};
use whence_core::password;
use whence_core::secret::Secret;
use whence_core::store::Edit;

use crate::support::{Installation, link};

/// A spec in which no field has its default but the password, which is hashed where it is needed.
const EVERYTHING: &str = r#"{
    "destination": "https://shop.example/", "status": 307, "disabled": true, "archived": true,
    "starts_at": "2026-11-01T00:00:00Z", "pending_url": "https://shop.example/soon",
    "expires_at": "2026-12-01T00:00:00Z", "expired_url": "https://shop.example/late", "max_clicks": 100,
    "rules": [{"when": {"all": [{"country": ["DE", "AT"]}, {"not": {"device": ["desktop"]}},
        {"any": [{"address": ["10.0.0.0/8"]}, {"parameter": {"name": "ref", "is": ["a,b", "\"c\""]}}]}]},
        "destination": "https://shop.example/de"}],
    "variants": [{"name": "a", "destination": "https://shop.example/a", "weight": 1},
        {"name": "=b,\"c\"", "destination": "https://shop.example/b", "weight": 3}],
    "variant_mode": "bandit", "ios": {"destination": "myapp://open", "store_url": "https://apps.apple.com/app/id1"},
    "android": {"destination": "myapp://open"},
    "preview": {"title": "Sale", "description": "All\nmust go", "image": "https://shop.example/i.png"},
    "utm": {"source": "friend", "content": "a b"}, "forward_query": "override", "forward_path": true,
    "click_id": false, "click_id_parameter": "cid", "title": "+1, \"quoted\"", "notes": "=for\nAda, and; others",
    "tags": ["x", "y z"], "channel": "WhatsApp", "campaign": "'autumn", "program": "friends", "advocate": "@ada",
    "external_id": "-42"
}"#;

/// More links than the API reads at a time, odd ones among them.
async fn fill(installation: &Installation) {
    let plain = || LinkSpec::to("https://shop.example/p?a=1&b=%22".parse().unwrap());
    let mut everything: LinkSpec = serde_json::from_str(EVERYTHING).unwrap();
    everything.password_hash = Some(password::hash(&Secret::new("open sesame")).await.unwrap());
    assert!(everything.check(&["myapp".parse().unwrap()]).is_empty());
    let learned = Link {
        learned_weights: vec![20, 980],
        ..link(1, "everything", everything)
    };
    let odd = [
        "",
        "a/b/c",
        "größe",
        "=cmd",
        "-x",
        "日本,語",
        "\"quoted\"",
        "'s",
        "a b",
    ];
    let odd = odd
        .iter()
        .zip(2..)
        .map(|(slug, id)| link(id, slug, plain()));
    let many = (100..700).map(|id| link(id, &format!("link-{id}"), plain()));
    let all: Vec<_> = odd.chain(many).chain([learned]).map(Edit::Create).collect();
    for made in installation.store.edit_links(&all).await {
        made.unwrap();
    }
}

async fn round_trip(format: &str) {
    let from = Installation::start().await;
    fill(&from).await;
    let name = format!("links.{format}");
    let file = from.path(&name).display().to_string();
    let exported = from.links(&["export", &file]).await;
    assert_eq!((exported.code, &*exported.stdout), (0, ""), "{exported:?}");
    assert!(
        exported.stderr.contains("exported 610 links"),
        "{exported:?}"
    );
    assert!(!from.path(&format!("{name}.part")).exists());

    let to = Installation::start().await;
    let imported = to.links(&["import", &file]).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(
        imported.stderr.contains("610 rows: 610 made, 0 replaced"),
        "{imported:?}"
    );
    assert_eq!(to.stored().await, from.stored().await);

    let again = to.path(&name).display().to_string();
    to.links(&["export", &again]).await;
    assert_eq!(to.read(&name), from.read(&name));

    // A second time each link stands already.
    let refused = to.links(&["import", &file]).await;
    assert_eq!(refused.code, 70, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("610 of 610 rows failed"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("--failed FILE"),
        "{}",
        refused.stderr
    );
    let skipped = to.links(&["import", &file, "--on-conflict", "skip"]).await;
    assert!(
        skipped.stderr.contains("610 skipped, 0 failed"),
        "{skipped:?}"
    );
    let replaced = to
        .links(&["import", &file, "--on-conflict", "replace"])
        .await;
    assert!(replaced.stderr.contains("610 unchanged"), "{replaced:?}");
    assert_eq!((skipped.code, replaced.code), (0, 0));
    assert_eq!(to.stored().await, from.stored().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_is_lost_in_csv() {
    round_trip("csv").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_is_lost_in_json_lines() {
    round_trip("jsonl").await;
}
