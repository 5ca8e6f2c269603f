//! What is remembered changes nothing but the time it takes.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const NOTHING: Traces<'_> = Traces {
    workspace: "acme",
    channel: "",
    campaign: "",
    domain: "go.example",
    query: "",
    referrer: "",
    app: "",
};

fn rules(json: &str) -> Vec<ChannelRule> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn what_is_alike_is_judged_once_and_memory_is_bounded() {
    let roads = Roads::built_in();
    let traces = Traces {
        query: "utm_source=news",
        referrer: "https://t.co/x",
        ..NOTHING
    };
    let first = roads.of(&traces);
    assert!(Arc::ptr_eq(&first, &roads.of(&traces)));
    let globex = Traces {
        workspace: "globex",
        ..traces
    };
    assert!(
        Arc::ptr_eq(&first, &roads.of(&globex)),
        "without rules of their own"
    );
    let long = "x".repeat(LONGEST);
    for query in ["gclid=abc", &long] {
        let traces = Traces { query, ..traces };
        let once = roads.of(&traces);
        assert!(!Arc::ptr_eq(&once, &roads.of(&traces)), "{query}");
    }
    for number in 0..2 * REMEMBERED {
        let query = format!("utm_source={number}");
        let _ = roads.of(&Traces {
            query: &query,
            ..traces
        });
    }
    assert!(roads.judged.len() <= REMEMBERED);
}

#[test]
fn a_workspaces_rules_are_its_own_and_hold_from_when_they_are_told() {
    let roads = Roads::built_in();
    let traces = Traces {
        query: "utm_medium=podcast",
        ..NOTHING
    };
    let globex = Traces {
        workspace: "globex",
        ..traces
    };
    let channel = |traces| roads.of(traces).origin.channel.clone();
    assert_eq!(channel(&traces), "Audio");
    let podcast = rules(r#"[{"channel": "Podcast", "utm_medium": ["podcast"]}]"#);
    roads.follow("acme", &podcast);
    assert_eq!(
        (channel(&traces).as_str(), channel(&globex).as_str()),
        ("Podcast", "Audio")
    );
    let judged = roads.of(&traces);
    roads.follow("acme", &podcast);
    assert!(
        Arc::ptr_eq(&judged, &roads.of(&traces)),
        "the same rules again forget nothing"
    );
    roads.follow("globex", &podcast);
    assert_eq!(channel(&globex), "Podcast");
    roads.follow(
        "acme",
        &rules(r#"[{"channel": "Shows", "utm_medium": ["pod*"]}]"#),
    );
    assert_eq!(channel(&traces), "Shows");
    roads.follow("acme", &[]);
    assert_eq!(channel(&traces), "Audio");
    assert_eq!(channel(&globex), "Podcast");
}

/// Remembers from one case of the property to the next, too.
static RULED: LazyLock<Roads> = LazyLock::new(|| {
    let roads = Roads::built_in();
    roads.follow(
        "acme",
        &rules(r#"[{"channel": "A", "campaign": ["email"]}, {"channel": "B", "app": ["inst*"]}]"#),
    );
    roads
});

proptest! {
    /// Whatever was asked before, the answer is that of somebody who remembers nothing.
    #[test]
    fn memory_changes_nothing(
        asked in prop::collection::vec((any::<bool>(), prop::array::uniform6(prop::sample::select(vec![
            "", "email", "go.example", "utm_source=a", "a=utm_source", "https://go.example/", "https://t.co/x",
            "fbclid=x&utm_medium=cpc", "Instagram",
        ]))), 1..40),
    ) {
        for (ruled, [channel, campaign, domain, query, referrer, app]) in asked {
            let workspace = if ruled { "acme" } else { "globex" };
            let traces = Traces { workspace, channel, campaign, domain, query, referrer, app };
            let own = RULED.own.of(workspace);
            let (known, fresh) = (RULED.of(&traces), RULED.judge(&traces, own.as_deref()));
            prop_assert_eq!(&known.origin, &fresh.origin);
            prop_assert_eq!(&known.tags, &fresh.tags);
            prop_assert_eq!(&known.referrer_host, &fresh.referrer_host);
        }
    }
}
