//! What is kept for how long, in the real engine: what is old goes, by column and by row, and what is noted of it stays.

#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use clickhouse::Client;
use whence_core::clickhouse::{note_expiring, retain};
use whence_core::config::Retention;
use whence_core::test_support::Engine;

async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

async fn number(client: &Client, query: &str) -> u64 {
    let found = client.query(query).fetch_one().await;
    found.unwrap_or_else(|error| panic!("{error}: {query}"))
}

/// A hundred clicks, with copies, a conversion of each, a confirmation and a page event, each a day older than the next.
async fn fill(client: &Client) {
    let days = "FROM numbers(1, 100)";
    let time = "now64(3) - toIntervalDay(100 - number) - toIntervalHour(1)";
    for statement in [
        format!(
            "INSERT INTO clicks (workspace, time, click_id, lane, seq, link_id, visitor_id, address, address_prefix, city,
                user_agent, hints, model, referrer, referrer_host, query, country, outcome, method, verdict)
             SELECT 'acme', {time}, number, 1, number, 1, number, '::ffff:192.0.2.1', '::ffff:192.0.2.0', 'Bonn',
                concat('agent ', toString(number % 3)), 'h', 'Pixel', 'https://a.example/x', 'a.example', 'q=1', 'DE', 1, 1, 1 {days}"
        ),
        format!(
            "INSERT INTO conversions (workspace, event_id, kind, visitor_id, received_at, lane, seq)
             SELECT 'acme', toString(number), 'sale', number, {time}, 2, number {days}"
        ),
        format!(
            "INSERT INTO conversion_numbers (workspace, event_id, received_at, lane, seq)
             SELECT 'acme', toString(number), {time}, 2, number {days}"
        ),
        format!(
            "INSERT INTO confirmations (workspace, click_id, confirmed_at) SELECT 'acme', number, {time} {days}"
        ),
        format!(
            "INSERT INTO page_events (workspace, event_id, visitor_id, occurred_at, received_at)
             SELECT 'acme', number, number, {time}, {time} {days}"
        ),
        "INSERT INTO carried_clicks SELECT * FROM clicks".to_owned(),
    ] {
        run(client, &statement).await;
    }
}

async fn merged(client: &Client) {
    // Changing a TTL rewrites what is there in the background; whoever waits for it sees how far it got.
    while number(
        client,
        "SELECT count() FROM system.mutations WHERE NOT is_done",
    )
    .await
        > 0
    {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for table in [
        "clicks",
        "conversions",
        "conversion_numbers",
        "confirmations",
        "page_events",
    ] {
        run(client, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_old_goes_and_its_numbers_are_noted() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    fill(&client).await;
    assert_eq!(
        retain(&client, &Retention::default()).await.unwrap(),
        [""; 0]
    );
    merged(&client).await;
    assert_eq!(
        number(&client, "SELECT count() FROM clicks WHERE visitor_id > 0").await,
        100
    );

    let keep = Retention {
        clicks_days: Some(80),
        visitor_days: Some(10),
        address_days: Some(20),
        agent_days: Some(30),
        referrer_days: Some(40),
        query_days: Some(50),
        conversions_days: Some(60),
        confirmations_days: Some(70),
        page_events_days: Some(90),
    };
    assert_eq!(retain(&client, &keep).await.unwrap().len(), 26);
    assert_eq!(
        retain(&client, &keep).await.unwrap(),
        [""; 0],
        "once is enough"
    );
    merged(&client).await;
    for (what, left) in [
        ("FROM clicks", 80),
        ("FROM clicks WHERE visitor_id > 0", 10),
        (
            "FROM clicks WHERE address != '::' AND address_prefix != '::' AND city != ''",
            20,
        ),
        (
            "FROM clicks WHERE address != '::' OR address_prefix != '::' OR city != ''",
            20,
        ),
        (
            "FROM clicks WHERE user_agent != '' AND hints != '' AND model != ''",
            30,
        ),
        (
            "FROM clicks WHERE user_agent != '' OR hints != '' OR model != ''",
            30,
        ),
        ("FROM clicks WHERE referrer != ''", 40),
        ("FROM clicks WHERE query != ''", 50),
        (
            "FROM clicks WHERE referrer_host = 'a.example' AND country = 'DE' AND click_id = seq",
            80,
        ),
        ("FROM carried_clicks", 80),
        ("FROM carried_clicks WHERE visitor_id > 0", 10),
        ("FROM carried_clicks WHERE city != ''", 20),
        ("FROM carried_clicks WHERE query != ''", 50),
        ("FROM conversions", 60),
        ("FROM conversions WHERE visitor_id > 0", 10),
        ("FROM conversion_numbers", 60),
        ("FROM confirmations", 70),
        ("FROM page_events", 90),
        ("FROM page_events WHERE visitor_id > 0", 10),
    ] {
        assert_eq!(
            number(&client, &format!("SELECT count() {what}")).await,
            left,
            "{what}"
        );
    }
    // The counts of dashboards lie in the clicks' own parts, and go with them.
    let counted =
        "SELECT sum(clicks) FROM (SELECT toStartOfHour(time) AS hour, count() AS clicks FROM clicks
        WHERE workspace = 'acme' GROUP BY hour) SETTINGS force_optimize_projection = 1";
    assert_eq!(number(&client, counted).await, 80);

    // Each number that is gone was noted before, and those of the two days behind them.
    let noted = |lane| {
        format!(
            "SELECT max(last) FROM lane_gaps WHERE lane = {lane} AND reason = 'expired' AND first = 1"
        )
    };
    assert_eq!(number(&client, &noted(1)).await, 22);
    assert_eq!(number(&client, &noted(2)).await, 42);
    // What is noted again says no more than before.
    note_expiring(&client, &keep).await.unwrap();
    assert_eq!(number(&client, &noted(1)).await, 22);

    // What is no longer set stays from now on.
    let changed = retain(&client, &Retention::default()).await.unwrap();
    assert!(
        changed.len() == 26 && changed.iter().all(|it| it.contains("REMOVE TTL")),
        "{changed:?}"
    );
    assert_eq!(
        retain(&client, &Retention::default()).await.unwrap(),
        [""; 0]
    );
    let more = Retention {
        visitor_days: Some(5),
        ..Retention::default()
    };
    let changed = retain(&client, &more).await.unwrap();
    assert_eq!(changed.len(), 4, "{changed:?}");
}
