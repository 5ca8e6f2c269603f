//! Channels of stored clicks: from the app, from the link, by the workspace's own rules.

use whence_core::click::Click;
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support::Engine;
use whence_core::workspace::Workspace;

use crate::support::{Collector, Lane, click};

#[tokio::test(flavor = "multi_thread")]
async fn a_workspaces_own_rules_hold_for_its_clicks_alone() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    collector.kill();
    let store = FileStore::open(&collector.folder().join("links.redb")).unwrap();
    let rules = r#"[{"channel": "Podcast", "utm_medium": ["show*"]}, {"channel": "Bio", "app": ["instagram"]}]"#;
    let acme = Workspace {
        channel_rules: serde_json::from_str(rules).unwrap(),
        ..store
            .workspace(&"acme".parse().unwrap())
            .await
            .unwrap()
            .unwrap()
    };
    store.put_workspace(&acme).await.unwrap();
    drop(store);
    collector.launch().await;

    let mut lane = Lane::new();
    let instagram = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 309.0.2.24.110 (iPhone14,5; iOS 17_1; de_DE)";
    let firefox = click().user_agent;
    for workspace in ["acme", "daily", ""] {
        for (query, user_agent, channel) in [
            ("utm_medium=Shownotes", &*firefox, ""),
            ("", instagram, ""),
            ("", instagram, "sms"),
            ("", &*firefox, ""),
        ] {
            lane.append(&Click {
                workspace: workspace.into(),
                query: query.into(),
                referrer: "".into(),
                user_agent: user_agent.into(),
                channel: channel.into(),
                ..click()
            });
        }
    }
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let rows =
        "SELECT toString(tuple(channel, link_channel, source, app)) FROM clicks ORDER BY seq";
    let rows: Vec<String> = engine.client().query(rows).fetch_all().await.unwrap();
    let ruled = [
        "('Podcast','','Direct','')",
        "('Bio','','Instagram','Instagram')",
        "('Bio','sms','Instagram','Instagram')",
        "('Direct','','Direct','')",
    ];
    let built_in = [
        "('Direct','','Direct','')",
        "('Organic Social','','Instagram','Instagram')",
        "('SMS','sms','Instagram','Instagram')",
        "('Direct','','Direct','')",
    ];
    assert_eq!(rows, [ruled, built_in, built_in].concat());
}
