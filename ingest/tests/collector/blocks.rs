//! Blocks of clicks: each row once, whatever is sent again, and nothing refused in silence.

use std::collections::BTreeSet;

use whence_core::click::{Click, Method, Outcome, Signs};
use whence_core::id::LinkId;
use whence_core::test_support::Engine;
use whence_core::wire;

use crate::support::{Collector, Lane, TOKEN, click, number, wait_for};

const COUNT: &str = "SELECT count() FROM clicks";

#[tokio::test(flavor = "multi_thread")]
async fn a_block_becomes_rows_once_however_often_it_is_sent() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    let person = click();
    lane.append(&person);
    let robot = Click {
        user_agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
            .into(),
        referrer: "".into(),
        address: "2001:4860:4860::8888".parse().unwrap(),
        visitor: None,
        // Another month: the block goes into two partitions.
        unix_ms: person.unix_ms - 40 * 86_400_000,
        ..click()
    };
    lane.append(&robot);
    let orphan = Click {
        outcome: Outcome::NotFound,
        method: Method::Head,
        link: LinkId(0),
        workspace: "".into(),
        ..click()
    };
    lane.append(&orphan);
    let block = lane.seal();

    let got = collector.block(block.wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let rows = "SELECT toString(tuple(workspace, toUnixTimestamp64Milli(time), click_id, lane, seq, outcome, method, link_id,
        domain, slug, visitor_id, address_prefix, country, browser, os, device, agent_class, language, referrer_host,
        channel, source, verdict, reasons, rules)) FROM clicks ORDER BY seq";
    let rows = client.query(rows).fetch_all::<String>().await.unwrap();
    let lane_id = lane.id();
    let expected = [
        format!(
            "('acme',1795284000123,{},{lane_id},1,'redirected','GET',5,'go.example.com','summer',77,'::ffff:193.99.144.0','DE','Firefox','Linux','desktop','browser','de-DE','www.google.de','Organic Search','Google','human',[],3)",
            person.id.0
        ),
        format!(
            "('acme',1791828000123,{},{lane_id},2,'redirected','GET',5,'go.example.com','summer',0,'2001:4860:4860::','US','Googlebot','','other','declared_bot','de-DE','','Direct','Direct','bot',['crawler_list:search-engine','crawler_agent','declared_bot'],3)",
            robot.id.0
        ),
        format!(
            "('',1795284000123,{},{lane_id},3,'not_found','HEAD',0,'go.example.com','summer',77,'::ffff:193.99.144.0','DE','Firefox','Linux','desktop','browser','de-DE','www.google.de','Organic Search','Google','preview',['method_head'],3)",
            orphan.id.0
        ),
    ];
    assert_eq!(rows, expected);

    assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    assert_eq!(number(&client, COUNT).await, 3);

    // The same new block from eight senders at once.
    let block = lane.block_of(500);
    let sends = (0..8).map(|_| collector.block(block.wire().clone()));
    for got in futures::future::join_all(sends).await {
        assert_eq!(got.status, 200, "{got:?}");
    }
    assert_eq!(number(&client, COUNT).await, 503);
    assert_eq!(
        number(&client, "SELECT uniqExact(lane, seq) FROM clicks").await,
        503
    );
    // Looked up by its id, which is another part of the table.
    let by_id = format!(
        "SELECT count() FROM clicks WHERE workspace = 'acme' AND click_id = toUInt128('{}')",
        person.id.0
    );
    assert_eq!(number(&client, &by_id).await, 1);
    // Blocks that were dropped as repeats were answered as any other.
    assert_eq!(collector.metric("whence_ingest_blocks_total").await, 10.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_stored_by_its_name_with_variant_and_tags() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    for outcome in [
        Outcome::Redirected,
        Outcome::NotFound,
        Outcome::Disabled,
        Outcome::Pending,
        Outcome::Expired,
        Outcome::UsedUp,
        Outcome::Locked,
        Outcome::Previewed,
        Outcome::Inspected,
    ] {
        let (variant, tags) = if outcome == Outcome::Redirected {
            ("blue, large", "summer,50% off")
        } else {
            ("", "")
        };
        lane.append(&Click {
            outcome,
            variant: variant.into(),
            tags: tags.into(),
            ..click()
        });
    }
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let rows = "SELECT concat(toString(outcome), ' ', toString(tuple(variant, tags))) FROM clicks ORDER BY seq";
    let rows = engine.client().query(rows).fetch_all::<String>().await;
    let expected = [
        "redirected ('blue, large',['summer','50% off'])",
        "not_found ('',[])",
        "disabled ('',[])",
        "pending ('',[])",
        "expired ('',[])",
        "used_up ('',[])",
        "locked ('',[])",
        "previewed ('',[])",
        "inspected ('',[])",
    ];
    assert_eq!(rows.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_costs_itself_and_shows_as_a_gap() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    lane.append(&click());
    lane.writer.append(&[2, 0xff, 0xff, 0xff]).unwrap();
    lane.append(&Click {
        unix_ms: u64::MAX,
        ..click()
    });
    lane.writer.append(&[]).unwrap();
    lane.append(&click());
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let numbers = engine
        .client()
        .query("SELECT seq FROM clicks")
        .fetch_all::<u64>()
        .await
        .unwrap();
    assert_eq!(BTreeSet::from_iter(numbers), BTreeSet::from([1, 5]));
    assert_eq!(
        collector
            .metric("whence_ingest_records_skipped_total")
            .await,
        3.0
    );
}

/// In a rolling upgrade the edge may be the older one.
#[tokio::test(flavor = "multi_thread")]
async fn clicks_of_an_older_redirector_are_stored() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    // Version 1 ended before variant and tags, version 2 before privacy, signs and hints, which are empty.
    let older = Click {
        variant: "".into(),
        tags: "".into(),
        signs: Signs::default(),
        ..click()
    };
    for (version, lacks) in [(1, 5), (2, 3)] {
        let mut payload = Vec::new();
        wire::encode(&older, &mut payload);
        payload.truncate(payload.len() - lacks);
        payload[0] = version;
        lane.writer.append(&payload).unwrap();
    }
    lane.append(&older);
    let got = collector.block(lane.seal().wire().clone()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let alike = "SELECT uniqExact(slug, user_agent, variant, tags) * 100 + count() FROM clicks";
    assert_eq!(number(&engine.client(), alike).await, 103);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_cannot_be_taken_says_why_and_leaves_nothing() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    let good = lane.block_of(3).wire().to_vec();
    lane.append(&click());
    lane.writer.append(&[9, 1, 2, 3]).unwrap();
    let newer_record = lane.seal().wire().to_vec();
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let refused = [
        (Vec::new(), 400, "shorter than its header"),
        (b"{\"clicks\":[]}".repeat(10), 400, "magic"),
        (good[..good.len() - 1].to_vec(), 400, "announces"),
        (changed(4), 426, "version"),
        (changed(20), 400, "checksum"),
        (changed(good.len() - 9), 400, "record"),
        (
            newer_record,
            426,
            "click record of version 9; this process reads versions 1 to 3",
        ),
        (vec![0; (16 << 20) + 1], 413, "at most 16777216 bytes"),
    ];
    for (body, status, word) in refused {
        let got = collector.block(body).await;
        assert_eq!(got.status, status, "{got:?}");
        assert_eq!(got.header("content-type"), "application/problem+json");
        assert!(
            got.json()["detail"].as_str().unwrap().contains(word),
            "{word}: {got:?}"
        );
        let upgrade = if status == 426 { "click/3" } else { "" };
        assert_eq!(got.header("upgrade"), upgrade);
    }
    let wrong = format!("Bearer {TOKEN}x");
    let key = format!("Bearer {}", collector.key.expose());
    for headers in [
        &[][..],
        &[("authorization", wrong.as_str())],
        &[("authorization", &key)],
        &[("authorization", TOKEN)],
    ] {
        let got = collector
            .ask("POST", "/v1/blocks", headers, good.clone())
            .await;
        assert_eq!(got.status, 401, "{got:?}");
        assert_eq!(got.header("www-authenticate"), "Bearer");
    }
    assert_eq!(number(&engine.client(), COUNT).await, 0);
    assert_eq!(collector.block(good).await.status, 200);
    assert_eq!(number(&engine.client(), COUNT).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_not_ready_is_waited_for() {
    let mut engine = Engine::start();
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    let block = lane.block_of(10);
    let got = collector.block(block.wire().clone()).await;
    assert_eq!(
        (got.status.as_u16(), got.header("retry-after")),
        (503, "1"),
        "{got:?}"
    );

    let client = engine.client();
    whence_core::clickhouse::migrate(&client, &engine.config().database)
        .await
        .unwrap();
    assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    wait_for(&client, COUNT, 10).await;

    let next = lane.block_of(10);
    engine.kill();
    let got = collector.block(next.wire().clone()).await;
    assert_eq!(
        (got.status.as_u16(), got.header("retry-after")),
        (503, "1"),
        "{got:?}"
    );
    engine.start_again();
    for block in [&block, &next, &next] {
        let got = collector.block(block.wire().clone()).await;
        assert_eq!(got.status, 200, "{got:?}");
    }
    assert_eq!(number(&client, COUNT).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_block_counts_once_even_if_its_token_is_forgotten() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    for number in 0..100 {
        lane.append(&Click {
            // The earliest in the middle, half of them in another month.
            unix_ms: now - 120_000 - (number % 50) * 86_400_000,
            link: LinkId(number),
            workspace: if number % 3 == 0 { "" } else { "acme" }.into(),
            ..click()
        });
    }
    let (late, next) = (lane.seal(), lane.block_of(1));
    for block in [&late, &next] {
        assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    }
    assert_eq!(number(&client, COUNT).await, 101);
    // What the engine remembers is cut down to nothing.
    let forget = "ALTER TABLE clicks MODIFY SETTING non_replicated_deduplication_window = 1";
    client.query(forget).execute().await.unwrap();
    lane.append(&Click {
        unix_ms: now,
        ..click()
    });
    let newer = lane.seal();
    for block in [&newer, &late, &next] {
        assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    }
    assert_eq!(number(&client, COUNT).await, 102);
    // What was taken out on purpose does not come back, be it a click that would be looked for.
    let gone =
        "ALTER TABLE clicks DELETE WHERE lane = {lane} AND seq = 1 SETTINGS mutations_sync = 2";
    client
        .query(&gone.replace("{lane}", &lane.id().to_string()))
        .execute()
        .await
        .unwrap();
    assert_eq!(collector.block(late.wire().clone()).await.status, 200);
    assert_eq!(number(&client, COUNT).await, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_forgets_its_blocks_is_refused_by_name() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let set = async |window: &str| {
        let alter = format!("ALTER TABLE conversion_numbers {window}");
        client.query(&alter).execute().await.unwrap();
    };
    // Before it starts: what was once found fit is not asked again.
    set("RESET SETTING non_replicated_deduplication_window").await;
    let collector = Collector::start(&engine.config()).await;
    let block = Lane::new().block_of(1);
    for _ in 0..2 {
        let got = collector.block(block.wire().clone()).await;
        assert_eq!(got.status, 503, "{got:?}");
        let told = got.json()["detail"].to_string();
        assert!(
            told.contains("conversion_numbers has no non_replicated_deduplication_window"),
            "{told}"
        );
        set("MODIFY SETTING non_replicated_deduplication_window = 0").await;
    }
    set("MODIFY SETTING non_replicated_deduplication_window = 1000").await;
    assert_eq!(collector.block(block.wire().clone()).await.status, 200);
}
