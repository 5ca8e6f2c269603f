//! The audit on the real engine: what somebody did by hand is found, with its number. The rows of any lanes
//! against a count by hand stand in `audit_oracle`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clickhouse::Client;
use serde_json::json;
use whence_analytics::audit::{Audit, Auditor, LaneAudit, MissingRange, Range, Repeated};
use whence_core::journal::LaneId;
use whence_core::key::Right;
use whence_core::test_support::Engine;

use crate::support::{Service, about, add_key, problem};

/// 2026-11-01T00:00:00Z.
const DAY: u64 = 1_793_491_200;

pub(crate) async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

pub(crate) fn auditor(engine: &Engine) -> Auditor {
    Auditor::new(&engine.config(), Duration::from_secs(60))
}

/// Inserts a click for each number of a lane; `source` gives them as `seq`.
pub(crate) async fn clicks(client: &Client, lane: u64, source: &str) {
    let insert = format!(
        "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, link_id, verdict, channel, country)
         SETTINGS insert_deduplicate = 0, optimize_on_insert = 0
         SELECT 'acme', toDateTime64({DAY} + seq, 3, 'UTC'), generateUUIDv4()::UInt128, {lane}, seq, 'redirected',
             'GET', seq % 3, 'human', 'Email', 'DE'
         FROM ({source})"
    );
    run(client, &insert).await;
}

/// Inserts conversions with these numbers of a lane, and the numbers behind them.
async fn conversions(client: &Client, lane: u64, first: u64, last: u64) {
    conversions_alone(client, lane, first, last).await;
    let insert = format!(
        "INSERT INTO conversion_numbers (workspace, event_id, lane, seq, received_at)
         SETTINGS insert_deduplicate = 0
         SELECT 'acme', concat('order-', toString(number)), {lane}, number, toDateTime64({DAY} + number, 3, 'UTC')
         FROM numbers({first}, {last} - {first} + 1)"
    );
    run(client, &insert).await;
}

/// Inserts conversions without their numbers.
async fn conversions_alone(client: &Client, lane: u64, first: u64, last: u64) {
    let insert = format!(
        "INSERT INTO conversions (workspace, event_id, kind, received_at, source, lane, seq)
         SETTINGS insert_deduplicate = 0, optimize_on_insert = 0
         SELECT 'acme', concat('order-', toString(number)), 'sale', toDateTime64({DAY} + number, 3, 'UTC'), 'server',
             {lane}, number
         FROM numbers({first}, {last} - {first} + 1)"
    );
    run(client, &insert).await;
}

/// What a lane says of itself.
pub(crate) async fn account(client: &Client, lane: u64, service: &str, taken: u64, freed: u64) {
    let insert = format!(
        "INSERT INTO lanes SELECT {lane}, '{service}', 'edge-1', '0', {taken}, {freed}, now64(3) - 5"
    );
    run(client, &insert).await;
}

pub(crate) async fn gap(client: &Client, lane: u64, first: u64, last: u64, reason: &str, age: u64) {
    let insert = format!(
        "INSERT INTO lane_gaps SELECT {lane}, {first}, {last}, '{reason}', 'as {reason}', now64(3) - {age}"
    );
    run(client, &insert).await;
}

/// Redirector's lanes 1 and 2 with 100 and 50 clicks, ingest's lane 9 with 10 conversions.
async fn installation(engine: &Engine) -> Client {
    let client = engine.client();
    clicks(&client, 1, &numbers(1, 100)).await;
    clicks(&client, 2, &numbers(1, 50)).await;
    conversions(&client, 9, 1, 10).await;
    account(&client, 1, "redirector", 100, 100).await;
    account(&client, 2, "redirector", 50, 50).await;
    account(&client, 9, "ingest", 10, 10).await;
    client
}

pub(crate) fn numbers(first: u64, last: u64) -> String {
    format!("SELECT number AS seq FROM numbers({first}, {last} - {first} + 1)")
}

async fn audit(engine: &Engine) -> Audit {
    auditor(engine).audit(&[]).await.unwrap()
}

fn lane(lanes: &[LaneAudit], id: u64) -> &LaneAudit {
    let name = LaneId::new(id).to_string();
    lanes.iter().find(|lane| lane.lane == name).unwrap()
}

fn missing(first: u64, last: u64, reason: &str) -> MissingRange {
    let detail = match reason {
        "unknown" => String::new(),
        reason => format!("as {reason}"),
    };
    MissingRange {
        first,
        last,
        reason: reason.into(),
        detail,
    }
}

#[tokio::test]
async fn an_empty_and_a_whole_installation_are_clean() {
    let engine = Engine::migrated().await;
    let empty = audit(&engine).await;
    assert!(empty.clean, "{empty:?}");
    assert_eq!(empty.rollup.unwrap().clicks, 0);

    installation(&engine).await;
    let whole = audit(&engine).await;
    assert!(whole.clean, "{whole:?}");
    assert_eq!((whole.clicks.stored, whole.clicks.lanes.len()), (150, 2));
    let stored = (whole.conversions.stored, whole.conversions.lanes.len());
    assert_eq!(stored, (10, 1));
    let rollup = whole.rollup.unwrap();
    assert_eq!((rollup.clicks, rollup.rolled_up), (150, 150));
    let first = lane(&whole.clicks.lanes, 1);
    assert_eq!((first.taken, first.freed, first.rows), (100, 100, 100));
    assert_eq!(first.service.as_deref(), Some("redirector"));
    assert!((5..60).contains(&first.age_s.unwrap()), "{first:?}");
}

#[tokio::test]
async fn rows_deleted_and_doubled_by_hand_are_found_with_their_numbers() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    run(
        &client,
        "ALTER TABLE clicks DELETE WHERE lane = 1 AND seq IN (7, 8, 100) SETTINGS mutations_sync = 1",
    )
    .await;
    run(
        &client,
        "INSERT INTO clicks SETTINGS insert_deduplication_token = 'another' SELECT * FROM clicks WHERE lane = 2 AND seq = 5",
    )
    .await;
    let found = audit(&engine).await;
    assert!(!found.clean);
    let first = lane(&found.clicks.lanes, 1);
    assert_eq!(first.missing.count, 3);
    let expected = [missing(7, 8, "unknown"), missing(100, 100, "unknown")];
    assert_eq!(first.missing.ranges, expected);
    assert_eq!((first.stored, first.waiting.count), (97, 0));
    let second = lane(&found.clicks.lanes, 2);
    assert_eq!(second.duplicated.count, 1);
    let twice = Repeated { seq: 5, rows: 2 };
    assert_eq!(second.duplicated.numbers, [twice]);
    assert!(!second.duplicated.more);
    assert_eq!((found.clicks.missing, found.clicks.duplicated), (3, 1));
    // The hours are as the clicks are, right or wrong.
    let rollup = found.rollup.unwrap();
    assert_eq!((rollup.clicks, rollup.rolled_up), (148, 148));
    assert_eq!(rollup.differing_hours, 0);
}

#[tokio::test]
async fn what_waits_is_no_fault_and_what_is_missing_has_its_reason() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    clicks(&client, 1, "SELECT arrayJoin([1, 2, 5, 9, 12]) AS seq").await;
    account(&client, 1, "redirector", 14, 10).await;
    gap(&client, 1, 3, 3, "refused", 10).await;
    gap(&client, 1, 6, 7, "damaged", 20).await;
    gap(&client, 1, 7, 30, "set_aside", 10).await;
    // Of another lane.
    gap(&client, 2, 1, 100, "unreadable", 1).await;
    let found = audit(&engine).await;
    let first = lane(&found.clicks.lanes, 1);
    assert_eq!(first.missing.count, 6);
    let expected = [
        missing(3, 3, "refused"),
        missing(4, 4, "unknown"),
        missing(6, 6, "damaged"),
        missing(7, 8, "set_aside"),
        missing(10, 10, "set_aside"),
    ];
    assert_eq!(first.missing.ranges, expected);
    let waiting = [(11, 11), (13, 14)].map(|(first, last)| Range { first, last });
    assert_eq!(first.waiting.ranges, waiting);
    assert_eq!((first.waiting.count, first.taken), (3, 14));

    // What was missing has arrived; what waits alone is no fault.
    let late = "SELECT arrayJoin([3, 4, 6, 7, 8, 10]) AS seq";
    clicks(&client, 1, late).await;
    let found = audit(&engine).await;
    assert!(found.clean, "{found:?}");
    assert_eq!(found.clicks.waiting, 3);
}

#[tokio::test]
async fn a_lane_without_an_account_or_a_number_is_told() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    clicks(&client, 5, "SELECT arrayJoin([1, 2, 4]) AS seq").await;
    // Numbers that were given out, of which nothing has come.
    account(&client, 6, "redirector", 3, 0).await;
    account(&client, 7, "ingest", 2, 2).await;
    let found = audit(&engine).await;
    let silent = lane(&found.clicks.lanes, 5);
    assert_eq!((silent.reported_at.as_ref(), silent.age_s), (None, None));
    assert_eq!((silent.taken, silent.freed), (4, 0));
    assert_eq!((silent.waiting.count, silent.missing.count), (1, 0));
    assert_eq!(lane(&found.clicks.lanes, 6).waiting.count, 3);
    assert_eq!(lane(&found.conversions.lanes, 7).missing.count, 2);

    clicks(&client, 6, "SELECT arrayJoin([0, 0, 1]) AS seq").await;
    let found = audit(&engine).await;
    assert_eq!(found.clicks.unnumbered, 2);
    let lane = lane(&found.clicks.lanes, 6);
    assert_eq!((lane.rows, lane.stored, lane.waiting.count), (1, 1, 2));
}

#[tokio::test]
async fn conversions_deleted_doubled_and_made_up_are_found() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    run(
        &client,
        "ALTER TABLE conversions DELETE WHERE event_id = 'order-4' SETTINGS mutations_sync = 1",
    )
    .await;
    // The same number again: one event stays one, and its number is there twice.
    conversions(&client, 9, 6, 6).await;
    // Past the table of numbers, as nobody does.
    conversions_alone(&client, 9, 11, 11).await;
    let of_a_stranger = "INSERT INTO conversions (workspace, event_id, kind, source, lane, seq)
         VALUES ('acme', 'made up', 'sale', 'server', 77, 1)";
    run(&client, of_a_stranger).await;
    run(
        &client,
        "ALTER TABLE conversion_numbers DELETE WHERE seq = 2 SETTINGS mutations_sync = 1",
    )
    .await;
    let found = audit(&engine).await;
    assert!(!found.clean);
    let events = found.events.unwrap();
    assert_eq!((events.lost, events.lost_events.len()), (1, 1));
    let lost = &events.lost_events[0];
    assert_eq!((lost.event_id.as_str(), lost.seq), ("order-4", 4));
    let strange: Vec<_> = events
        .strange_events
        .iter()
        .map(|e| e.event_id.as_str())
        .collect();
    assert_eq!(
        strange,
        ["made up", "order-2"],
        "order-11 is above what its lane is done with, so its number may be on its way"
    );
    assert_eq!(events.strange, 2);
    let ninth = lane(&found.conversions.lanes, 9);
    assert_eq!(ninth.duplicated.numbers, [Repeated { seq: 6, rows: 2 }]);
    assert_eq!(ninth.missing.ranges, [missing(2, 2, "unknown")]);
}

#[tokio::test]
async fn an_event_that_came_twice_is_no_fault() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    // Two ingests took the same event: two numbers, one row.
    let again =
        "INSERT INTO conversions (workspace, event_id, kind, source, received_at, lane, seq)
         VALUES ('acme', 'order-1', 'sale', 'server', '2026-11-01 00:00:00', 8, 1)";
    run(&client, again).await;
    let number = "INSERT INTO conversion_numbers (workspace, event_id, lane, seq) VALUES ('acme', 'order-1', 8, 1)";
    run(&client, number).await;
    account(&client, 8, "ingest", 1, 1).await;
    run(&client, "OPTIMIZE TABLE conversions FINAL").await;
    let found = audit(&engine).await;
    assert!(found.clean, "{found:?}");
    assert_eq!(found.conversions.stored, 11);
}

/// One text that ClickHouse answers.
async fn text(client: &Client, question: &str) -> String {
    client.query(question).fetch_one::<String>().await.unwrap()
}

/// A projection follows its rows by itself: to make it lie takes files that somebody has changed.
#[tokio::test]
async fn hours_changed_by_hand_are_found() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    run(&client, "SYSTEM STOP MERGES clicks").await;
    clicks(&client, 1, &numbers(101, 110)).await;
    account(&client, 1, "redirector", 110, 110).await;
    assert!(audit(&engine).await.clean);
    // The same clicks, each of another link: so that the hour's sum stays.
    run(&client, "CREATE TABLE twin AS clicks").await;
    let others = "INSERT INTO twin SELECT * REPLACE ((link_id + 1) % 3 AS link_id) FROM clicks WHERE lane = 1 AND seq > 100";
    run(&client, others).await;
    let newest = |what: &str, table: &str| {
        format!(
            "SELECT {what} FROM system.parts WHERE database = currentDatabase() AND table = '{table}' AND active
             ORDER BY min_block_number DESC LIMIT 1"
        )
    };
    let part = text(&client, &newest("name", "clicks")).await;
    let path = text(&client, &newest("path", "clicks")).await;
    let from = text(&client, &newest("path", "twin")).await;
    run(&client, &format!("ALTER TABLE clicks DETACH PART '{part}'")).await;
    let detached = Path::new(&path).parent().unwrap().join("detached");
    let projection = detached.join(&part).join("click_hours.proj");
    fs::remove_dir_all(&projection).unwrap();
    fs::create_dir(&projection).unwrap();
    for file in fs::read_dir(Path::new(&from).join("click_hours.proj")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), projection.join(file.file_name())).unwrap();
    }
    run(&client, &format!("ALTER TABLE clicks ATTACH PART '{part}'")).await;
    run(&client, "DROP TABLE twin").await;

    let found = audit(&engine).await;
    let rollup = found.rollup.unwrap();
    assert_eq!((rollup.clicks, rollup.rolled_up), (160, 160));
    assert_eq!(rollup.differing_hours, 1);
    let told: Vec<_> = rollup
        .cells
        .iter()
        .map(|c| (c.hour.as_str(), c.clicks as i64 - c.rolled_up as i64))
        .collect();
    let hour = "2026-11-01T00:00:00Z";
    assert_eq!(told, [(hour, -1), (hour, 1)]);
    assert!(!found.clean);
}

#[tokio::test]
async fn clicks_without_their_hours_are_found_once_their_lane_is_done_with_them() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    // As nobody writes them.
    run(
        &client,
        "ALTER TABLE clicks MODIFY SETTING materialize_projections_on_insert = 0",
    )
    .await;
    clicks(&client, 1, &numbers(101, 110)).await;
    let found = audit(&engine).await;
    assert!(found.clean, "its lane is not done with it: {found:?}");
    account(&client, 1, "redirector", 110, 110).await;
    let found = audit(&engine).await;
    let cells = found.rollup.unwrap().cells;
    let lacking: u64 = cells.iter().map(|cell| cell.clicks - cell.rolled_up).sum();
    assert_eq!(lacking, 10);
    assert!(!found.clean);
}

/// What judges clicks again, erases people or lets columns expire changes the hours with the clicks.
#[tokio::test]
async fn the_hours_follow_what_changes_clicks() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    for (change, clicks, cells) in [
        (
            "ALTER TABLE clicks UPDATE verdict = 'bot' WHERE seq % 7 = 0 SETTINGS mutations_sync = 1",
            150,
            6,
        ),
        ("DELETE FROM clicks WHERE seq = 3", 148, 6),
        (
            "ALTER TABLE clicks DELETE WHERE seq = 4 SETTINGS mutations_sync = 1",
            146,
            6,
        ),
        (
            "ALTER TABLE clicks MODIFY COLUMN country TTL toDateTime(time) - INTERVAL 10 YEAR SETTINGS mutations_sync = 1",
            146,
            6,
        ),
        ("OPTIMIZE TABLE clicks FINAL", 146, 6),
        (
            "ALTER TABLE clicks MODIFY TTL toDateTime(time) - INTERVAL 10 YEAR DELETE WHERE link_id = 1 SETTINGS mutations_sync = 1",
            97,
            4,
        ),
        ("OPTIMIZE TABLE clicks FINAL", 97, 4),
    ] {
        run(&client, change).await;
        let rollup = audit(&engine).await.rollup.unwrap();
        let found = (rollup.clicks, rollup.rolled_up, rollup.differing_hours);
        assert_eq!(found, (clicks, clicks, 0), "{change}");
        let rows = "SELECT countDistinct(link_id, verdict) FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')";
        assert_eq!(
            client.query(rows).fetch_one::<u64>().await.unwrap(),
            cells,
            "{change}"
        );
    }
    let countries = "SELECT toString(groupUniqArray(country)) FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')";
    assert_eq!(text(&client, countries).await, "['']", "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_meanwhile_is_never_called_missing() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    let writer = tokio::spawn(async move {
        for block in 0.. {
            let first = 101 + block * 200;
            let last = first + 199;
            // Given out before it is stored, done with only after.
            account(&client, 1, "redirector", last, first - 1).await;
            clicks(&client, 1, &numbers(first, last)).await;
            conversions(&client, 9, 11 + block * 3, 13 + block * 3).await;
            account(&client, 1, "redirector", last, last).await;
            account(&client, 9, "ingest", 13 + block * 3, 13 + block * 3).await;
        }
    });
    let auditor = auditor(&engine);
    let (mut before, mut grown) = (0, 0);
    for _ in 0..10 {
        let found = auditor.audit(&[]).await.unwrap();
        assert!(found.clean, "{found:?}");
        grown += u64::from(found.clicks.stored > before);
        before = found.clicks.stored;
    }
    writer.abort();
    assert!(grown >= 5, "clicks have arrived all the time");
}

#[tokio::test]
async fn one_lane_can_be_asked_for() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    run(
        &client,
        "ALTER TABLE clicks DELETE WHERE lane = 1 AND seq = 7 SETTINGS mutations_sync = 1",
    )
    .await;
    let auditor = auditor(&engine);
    let second = auditor.audit(&[LaneId::new(2)]).await.unwrap();
    assert!(second.clean);
    assert_eq!(second.clicks.lanes.len(), 1);
    assert_eq!((second.rollup, second.events), (None, None));
    let both = [LaneId::new(1), LaneId::new(9)];
    let both = auditor.audit(&both).await.unwrap();
    assert_eq!((both.clicks.missing, both.conversions.stored), (1, 10));
}

#[tokio::test]
async fn the_api_says_the_same_to_whoever_may_know() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    clicks(&client, 2, &numbers(5, 5)).await;
    let service = Service::on(&engine).await;
    let path = "/api/v1/audit";
    let mut told = service.get(path).await;
    let mut asked = serde_json::to_value(audit(&engine).await).unwrap();
    for one in [&mut told, &mut asked] {
        // The only things that pass with time.
        assert!(one["took_ms"].take().is_u64());
        assert!(one["asked_at"].take().is_string());
        for kind in ["clicks", "conversions"] {
            for lane in one[kind]["lanes"].as_array_mut().unwrap() {
                assert!(lane["age_s"].take().is_u64());
            }
        }
    }
    assert_eq!(told, asked);
    assert_eq!(told["clean"], json!(false));
    assert_eq!(told["clicks"]["duplicated"], json!(1));

    let one = service.get(&format!("{path}?lane=0000000000000001")).await;
    assert_eq!(one["clean"], json!(true));
    assert_eq!(one["clicks"]["lanes"].as_array().unwrap().len(), 1);
    assert_eq!(one["rollup"], json!(null));
    for (query, field) in [("lane=1", "lane"), ("lanes=0000000000000001", "lanes")] {
        let got = service
            .ask(&service.acme, "GET", &format!("{path}?{query}"), "")
            .await;
        about(&problem(&got, 400), &[field]);
    }
    let key = add_key(&*service.store, "acme", &Right::OF_A_WORKSPACE).await;
    problem(&service.ask(&key, "GET", path, "").await, 403);
    service.stop().await;
}

#[tokio::test]
async fn clickhouse_away_is_said() {
    let service = Service::start().await;
    let got = service.ask(&service.acme, "GET", "/api/v1/audit", "").await;
    let problem = problem(&got, 503);
    assert!(problem["detail"].as_str().unwrap().contains("ClickHouse"));
}

#[tokio::test]
async fn what_retention_removed_is_not_missing_and_what_is_lost_above_it_is() {
    let engine = Engine::migrated().await;
    let client = installation(&engine).await;
    for statement in [
        "ALTER TABLE clicks DELETE WHERE lane = 1 AND (seq <= 40 OR seq = 70) SETTINGS mutations_sync = 1",
        "ALTER TABLE clicks DELETE WHERE lane = 2 SETTINGS mutations_sync = 1",
        // A conversion goes before its number, or behind it.
        "ALTER TABLE conversions DELETE WHERE seq IN (1, 2, 9) SETTINGS mutations_sync = 1",
        "ALTER TABLE conversion_numbers DELETE WHERE seq IN (2, 3) SETTINGS mutations_sync = 1",
    ] {
        run(&client, statement).await;
    }
    gap(&client, 1, 1, 30, "expired", 90).await;
    gap(&client, 1, 1, 50, "expired", 10).await;
    gap(&client, 2, 1, 50, "expired", 10).await;
    gap(&client, 9, 1, 5, "expired", 10).await;
    let found = audit(&engine).await;
    let one = lane(&found.clicks.lanes, 1);
    assert_eq!((one.expired, one.stored, one.missing.count), (50, 59, 1));
    assert_eq!(
        (one.missing.ranges[0].first, one.missing.ranges[0].last),
        (70, 70)
    );
    // A lane of which nothing is left.
    let two = lane(&found.clicks.lanes, 2);
    assert_eq!((two.expired, two.stored, two.missing.count), (50, 0, 0));
    let nine = lane(&found.conversions.lanes, 9);
    assert_eq!((nine.expired, nine.missing.count), (5, 0));
    let events = found.events.unwrap();
    assert_eq!((events.lost, events.strange), (1, 0), "{events:?}");
    assert_eq!(events.lost_events[0].event_id, "order-9");
    assert!(!found.clean);
}
