//! The rules against browsers that ran a script somewhere, none of which they were made with: `user-agents`, pinned for
//! this test alone. By agents only, as a click from before headers were looked at.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::collections::BTreeSet;

use serde::Deserialize;
use whence_core::click::{Click, Signs};
use whence_core::config::Databases;
use whence_core::parts;
use whence_core::test_support::click;
use whence_ingest::enrich::{Enricher, Verdict};

const LIST: &str = "user-agents/dist/user-agents.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Browser {
    user_agent: String,
}

#[test]
fn a_real_browser_is_no_machine_and_hardly_ever_suspect() {
    let text = std::fs::read(parts::find(LIST).unwrap()).unwrap();
    let browsers: Vec<Browser> = serde_json::from_slice(&text).unwrap();
    let agents: BTreeSet<String> = browsers.into_iter().map(|b| b.user_agent).collect();
    assert!(agents.len() > 500, "only {} agents", agents.len());
    let enricher = Enricher::open(&Databases::default()).unwrap();
    let mut suspects = Vec::new();
    for agent in &agents {
        let click = Click {
            user_agent: agent.as_str().into(),
            signs: Signs::default(),
            // 2026-06-01.
            unix_ms: 1_780_272_000_000,
            ..click()
        };
        match enricher.see_alone(&click, false).verdict() {
            Verdict::Human => {}
            Verdict::Suspect => suspects.push(agent),
            other => panic!("{agent}: {other:?}"),
        }
    }
    // Some of the list are made up, such as Chrome 39 with builds that never were.
    assert!(suspects.len() * 50 < agents.len(), "{suspects:#?}");
    println!(
        "{} agents, {} of them suspect",
        agents.len(),
        suspects.len()
    );
}
