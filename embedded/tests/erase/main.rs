//! `whence erase` and `whence export` as whoever runs Whence calls them, with a real engine and a real journal: a person
//! among others, of whom nothing may change.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod journal;
mod people;
mod support;

use serde_json::Value;
use support::{Home, json, text};

/// Where sums come from: these must be the same before and after, but for ids.
const SUMS: &[&str] = &[
    "SELECT count(), uniqExactIf(visitor_id, visitor_id != 0), countIf(new_visitor) FROM clicks",
    "SELECT toStartOfHour(time) AS hour, link_id, outcome, verdict, channel, country, count() FROM clicks GROUP BY ALL ORDER BY ALL",
    "SELECT browser, os, device, source, campaign, advocate, count(), uniqExact(visitor_id) FROM clicks GROUP BY ALL ORDER BY ALL",
    "SELECT kind, name, currency, count(), sum(amount_minor), uniqExact(customer) FROM conversions FINAL GROUP BY ALL ORDER BY ALL",
    "SELECT lane, seq FROM clicks ORDER BY ALL",
    "SELECT lane, seq FROM conversion_numbers ORDER BY ALL",
    // Whose sale is owed to which channel, through the click and through the customer, and what was given back of it.
    "SELECT c.channel, s.kind, count(), sum(s.amount_minor) FROM conversions AS s FINAL INNER JOIN clicks AS c USING (workspace, click_id) GROUP BY ALL ORDER BY ALL",
    "SELECT count() FROM conversions AS r FINAL INNER JOIN conversions AS s FINAL ON s.event_id = r.reference",
    "SELECT name, page_host, link_id, shared_by, occurred_at, source, lane, seq, count(), uniqExact(customer) FROM page_events FINAL GROUP BY ALL ORDER BY ALL",
    "SELECT uniqExact(customer), uniqExact(visitor_id), uniqExact(advocate) FROM page_events FINAL",
    // Whose page was seen after which channel's click.
    "SELECT c.channel, e.name, count() FROM page_events AS e FINAL INNER JOIN clicks AS c USING (workspace, click_id) GROUP BY ALL ORDER BY ALL",
    "SELECT count() FROM refunds AS r FINAL INNER JOIN conversions AS s FINAL ON s.event_id = r.reference",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_and_nobody_else() {
    let home = Home::new().await;
    people::settle_in(&home).await;
    let (sums, others) = (home.dump(SUMS).await, home.dump(people::OTHERS).await);
    assert!(home.audit(), "{:?}", home.run(&["audit"], &[]));
    assert_eq!(people::traces(&home).await, people::TRACES);

    let customer = ["--workspace", "acme", "--customer", people::CUSTOMER];
    let dry = home.run(&["erase"], &[&customer[..], &["--dry-run"]].concat());
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    assert_eq!(people::traces(&home).await, people::TRACES, "only looked");
    let unasked = home.run(&["erase"], &customer);
    assert_eq!(unasked.status.code(), Some(64), "{unasked:?}");
    assert!(text(&unasked.stderr).contains("--yes"));

    let receipt = home.path("receipt.json");
    let flags = ["--yes", "--wait", "60", "--receipt", &receipt];
    let erased = home.run(&["erase"], &[&customer[..], &flags].concat());
    assert_eq!(erased.status.code(), Some(0), "{erased:?}");
    assert!(
        text(&erased.stdout).contains("nothing is left"),
        "{erased:?}"
    );
    assert_eq!(people::traces(&home).await, [0; 11]);
    assert_eq!(home.dump(people::OTHERS).await, others);
    assert_eq!(home.dump(SUMS).await, sums);
    assert!(home.audit(), "{:?}", home.run(&["audit"], &[]));
    assert_eq!(
        home.dump(&["SELECT * FROM persons"]).await,
        [""],
        "not even the request"
    );

    let receipt = std::fs::read_to_string(receipt).unwrap();
    let told: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(told["clean"], true);
    let found = |place: &str| {
        let places = told["places"].as_array().unwrap();
        let line = places.iter().find(|line| line["place"] == place).unwrap();
        assert_eq!(line["left"], 0, "{line}");
        line["found"].as_u64().unwrap()
    };
    assert_eq!(found("clicks"), 4);
    assert_eq!(found("carried_clicks"), 3);
    assert_eq!(found("conversions"), 4);
    assert_eq!(found("conversions of others that name them"), 1);
    assert_eq!(found("page_events"), 3);
    assert_eq!(found("page_events of others that name them"), 1);
    for marker in people::markers() {
        assert!(!receipt.contains(&marker), "{marker}: {receipt}");
    }

    // Once more finds nobody, and changes nothing.
    let again = home.run(&["erase"], &[&customer[..], &["--yes", "--json"]].concat());
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let again = json(&again.stdout);
    let places = again["places"].as_array().unwrap();
    assert!(places.iter().all(|line| line["found"] == 0), "{again}");
    assert_eq!(home.dump(SUMS).await, sums);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_all_of_their_data_and_nobody_elses() {
    let home = Home::new().await;
    people::settle_in(&home).await;
    let file = home.path("person.jsonl");
    let to_file = [
        "--workspace",
        "acme",
        "--customer",
        people::CUSTOMER,
        "--output",
        &file,
    ];
    let exported = home.run(&["export"], &to_file);
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let lines = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |table: &str| -> Vec<&Value> {
        let lines = lines.iter().filter(|line| line["table"] == table);
        lines.map(|line| &line["row"]).collect()
    };
    let clicks = of("clicks");
    assert_eq!(clicks.len(), 4);
    for click in &clicks {
        let agent = click["user_agent"].as_str().unwrap();
        assert!(agent.starts_with(people::AGENT), "{click}");
    }
    let ids: Vec<&str> = clicks
        .iter()
        .map(|it| it["click_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, people::clicks());
    let events: Vec<&str> = of("conversions")
        .iter()
        .map(|it| it["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["lead-1", "sale-1", "sale-2", "refund-1"]);
    assert_eq!((of("refunds").len(), of("confirmations").len()), (1, 1));
    assert_eq!(of("conversion_numbers").len(), 4);
    let paths: Vec<&str> = of("page_events")
        .iter()
        .map(|it| it["page_path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/marker/1", "/marker/2", "/marker/3"]);
    assert_eq!(home.dump(&["SELECT * FROM persons"]).await, [""]);

    // By one click of hers the same is found, by her cookie too.
    for who in [
        ["--click", &people::clicks()[1]],
        ["--visitor", &people::visitor_text()],
    ] {
        let exported = home.run(&["export"], &[&["--workspace", "acme"], &who[..]].concat());
        assert_eq!(
            text(&exported.stdout).lines().count(),
            lines.len(),
            "{exported:?}"
        );
    }
    // Another workspace does not know her.
    let elsewhere = home.run(
        &["export"],
        &["--workspace", "other", "--customer", people::CUSTOMER],
    );
    assert_eq!(text(&elsewhere.stdout), "", "{elsewhere:?}");
    for (wrong, flag) in [
        (vec!["--workspace", "acme"], "--customer"),
        (vec!["--customer", "x"], "--workspace"),
        (
            vec!["--workspace", "acme", "--visitor", "short"],
            "--visitor",
        ),
    ] {
        let refused = home.run(&["export"], &wrong);
        assert_ne!(refused.status.code(), Some(0));
        assert!(text(&refused.stderr).contains(flag), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_many_people_is_nobody() {
    let home = Home::new().await;
    people::settle_in(&home).await;
    let guest = [
        "--workspace",
        "acme",
        "--customer",
        "guest",
        "--yes",
        "--most-visitors",
        "5",
    ];
    let refused = home.run(&["erase"], &guest);
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(text(&refused.stderr).contains("--most-visitors"));
    // A browser that two customers have used.
    let shared = people::shared_visitor_text();
    let refused = home.run(
        &["erase"],
        &["--workspace", "acme", "--yes", "--visitor", &shared],
    );
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
    assert!(text(&refused.stderr).contains("--customer"));
    assert_eq!(people::traces(&home).await, people::TRACES);
    assert_eq!(home.dump(&["SELECT * FROM persons"]).await, [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_killed_is_finished_by_the_next() {
    let home = Home::new().await;
    people::settle_in(&home).await;
    let (sums, others) = (home.dump(SUMS).await, home.dump(people::OTHERS).await);
    let who = ["--workspace", "acme", "--customer", people::CUSTOMER];
    let flags = [&who[..], &["--yes", "--wait", "60"]].concat();
    // Where it is then differs from machine to machine; that it is finished does not.
    for milliseconds in [60, 90, 120, 150, 200, 300] {
        let mut killed = home.command(&["erase"], &flags).spawn().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let finished = home.run(&["erase"], &flags);
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
    assert_eq!(people::traces(&home).await, [0; 11]);
    assert_eq!(home.dump(people::OTHERS).await, others);
    assert_eq!(home.dump(SUMS).await, sums);
    assert!(home.audit(), "{:?}", home.run(&["audit"], &[]));
}

/// A table that is new and knows people must be erased from, too: `sql/person/` and `sql/erasure/`.
#[tokio::test(flavor = "multi_thread")]
async fn every_table_that_knows_people_is_erased_from() {
    let home = Home::new().await;
    let question = "SELECT arrayStringConcat(arraySort(groupUniqArray(table)), ' ') AS names FROM
        (SELECT table FROM system.columns WHERE database = currentDatabase()
            AND name IN ('visitor_id', 'click_id', 'customer', 'event_id', 'address', 'address_prefix', 'user_agent'))";
    let known = r#"{"names":"carried_clicks clicks confirmations conversion_numbers conversions page_events refunds"}"#;
    assert_eq!(home.dump(&[question]).await, [format!("{known}\n")]);
}
