//! Judging stored clicks again, with the real engine: the end is what today's rules say, whatever stood there before and
//! whatever happens on the way.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use serde::Deserialize;
use tokio::sync::Notify;
use whence_core::click::{Click, Method, Signs};
use whence_core::clickhouse::copy_carried;
use whence_core::config::Databases;
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::test_support::{self, Engine};
use whence_core::workspace::PrivacyMode;
use whence_ingest::enrich::{ClickRow, Enricher, RULES};
use whence_ingest::reclassify::{Asked, Progress, Reclassifier, Summary};

/// 2026-10-31T23:30:00Z: clicks of an hour lie in two months.
const BEGIN: u64 = 1_793_489_400_000;
const HOUR: u64 = 3_600_000;
const DRESSED: [Signs; 4] = [Signs::ACCEPT, Signs::HTML, Signs::LANGUAGE, Signs::ENCODING];

fn enricher() -> Enricher {
    Enricher::open(&Databases::default()).unwrap()
}

/// Clicks of an hour, in time's order: people who come again, a scanner of mail, a network that looks, robots, and some
/// without cookies or only counted.
fn clicks(count: u64) -> Vec<Click<'static>> {
    let mut random = fastrand::Rng::with_seed(7);
    let agents = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
    ];
    let mut clicks: Vec<_> = (1..=count)
        .map(|number| {
            let mut pick = |of: u32| random.u32(..of);
            let network = pick(40) as u8;
            let visitor = pick(u32::try_from(count / 3).unwrap());
            // Half of a scanner's clicks come at once.
            let at = match pick(10) {
                0 => HOUR / 2 + u64::from(pick(1_500)),
                _ => u64::from(pick(HOUR as u32)),
            };
            let is_scanner = (HOUR / 2..HOUR / 2 + 1_500).contains(&at);
            let privacy = match pick(12) {
                0 => PrivacyMode::CountOnly,
                1 => PrivacyMode::Cookieless,
                _ => PrivacyMode::Full,
            };
            Click {
                id: ClickId(u128::from(BEGIN + at) << 80 | u128::from(number)),
                unix_ms: BEGIN + at,
                link: LinkId(1 + u64::from(pick(20))),
                method: if pick(20) == 0 {
                    Method::Head
                } else {
                    Method::Get
                },
                visitor: (!is_scanner && visitor > 0).then(|| VisitorId(visitor.into())),
                new_visitor: privacy == PrivacyMode::Full && pick(5) == 0,
                address: [203, 0, if is_scanner { 250 } else { network }, 7].into(),
                user_agent: agents[[0, 0, 0, 1, 1, 1, 2, 3][pick(8) as usize]].into(),
                query: ["", "utm_source=news&utm_medium=email", "gclid=x"][pick(3) as usize].into(),
                referrer: ["", "https://t.co/x", "https://www.google.com/"][pick(3) as usize]
                    .into(),
                campaign: "".into(),
                privacy,
                signs: DRESSED.iter().fold(Signs::KNOWN, |all, sign| all | *sign),
                ..test_support::click()
            }
        })
        .collect();
    clicks.sort_by_key(|click| click.unix_ms);
    clicks
}

/// Stores clicks as ingest does, with everything that is found out about them.
async fn store(client: &Client, clicks: &[Click<'_>], lane: u64) {
    let seen = enricher().see_all(clicks.iter());
    let mut insert = client.insert::<ClickRow<'_>>("clicks").await.unwrap();
    for (seq, (click, seen)) in (1..).zip(clicks.iter().zip(&seen)) {
        insert.write(&seen.row(click, lane, seq)).await.unwrap();
    }
    insert.end().await.unwrap();
}

async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

/// As if other rules had been gone by.
async fn spoil(client: &Client) {
    for month in ["202610", "202611"] {
        run(
            client,
            &format!(
                "ALTER TABLE clicks UPDATE verdict = if(seq % 3 = 0, 'suspect', 'human'), reasons = ['old'],
                    channel = if(seq % 2 = 0, 'Old', channel), source = if(seq % 5 = 0, 'Old', source),
                    browser = if(seq % 7 = 0, 'Old', browser), os_version = if(seq % 7 = 0, '1', os_version), rules = 2
                IN PARTITION {month} WHERE privacy = 'full' SETTINGS mutations_sync = 1"
            ),
        )
        .await;
    }
}

/// All that is judged, of every click.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
struct Judged {
    lane: u64,
    seq: u64,
    verdict: String,
    reasons: Vec<String>,
    channel: String,
    source: String,
    software: Vec<String>,
    rules: u16,
}

async fn judged(client: &Client) -> Vec<Judged> {
    let query = "SELECT lane, seq, toString(verdict) AS verdict, reasons, channel, source,
            [browser, browser_version, os, os_version, device, model, app] AS software, rules
        FROM clicks ORDER BY lane, seq";
    client.query(query).fetch_all().await.unwrap()
}

/// Every count of the projection, beside that of the rows.
async fn hours_equal_rows(client: &Client) {
    let counts = |settings: &str| {
        let query = format!(
            "SELECT toString(tuple(workspace, toStartOfHour(time) AS hour, link_id, outcome, verdict, channel, country)) AS cell,
                count() AS clicks
            FROM clicks GROUP BY workspace, hour, link_id, outcome, verdict, channel, country ORDER BY cell SETTINGS {settings}"
        );
        async move {
            client
                .query(&query)
                .fetch_all::<(String, u64)>()
                .await
                .unwrap()
        }
    };
    let hours =
        counts("force_optimize_projection = 1, force_optimize_projection_name = 'click_hours'");
    let rows = counts("optimize_use_projections = 0");
    assert_eq!(hours.await, rows.await);
}

fn asked() -> Asked {
    Asked {
        from_ms: BEGIN as i64,
        to_ms: (BEGIN + HOUR) as i64,
        verdicts_from_ms: i64::MIN,
        roads_from_ms: i64::MIN,
        workspace: None,
        dry_run: false,
    }
}

async fn reclassify(client: &Client, asked: &Asked) -> Summary {
    let mut reclassifier = Reclassifier::new(client.clone(), enricher());
    reclassifier.follow_no_others();
    reclassifier.run(asked, |_| {}).await.unwrap()
}

fn total(moves: &[whence_ingest::reclassify::Moved]) -> u64 {
    moves.iter().map(|moved| moved.clicks).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_what_todays_rules_say() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    store(&client, &clicks(4_000), 1).await;
    let right = judged(&client).await;
    let verdicts = |of: &str| right.iter().filter(|row| row.verdict == of).count();
    for of in ["human", "bot", "duplicate", "scanner", "preview"] {
        assert!(verdicts(of) > 20, "{of}: {}", verdicts(of));
    }
    // What has just been judged stays as it is.
    let same = reclassify(&client, &asked()).await;
    assert_eq!((same.changed, same.of_other_rules), (0, 0), "{same:?}");
    assert!(
        same.left > 100 && same.clicks + same.left == 4_000,
        "{same:?}"
    );

    spoil(&client).await;
    let spoilt = judged(&client).await;
    assert_ne!(right, spoilt);
    let carry = "INSERT INTO conversions (workspace, event_id, kind, click_id)
        SELECT workspace, toString(seq), 'lead', click_id FROM clicks WHERE click_id != 0";
    run(&client, carry).await;
    copy_carried(&client, 0, false).await.unwrap();
    let dry = Asked {
        dry_run: true,
        ..asked()
    };
    let would = reclassify(&client, &dry).await;
    assert_eq!(judged(&client).await, spoilt, "a dry run changes nothing");
    let did = reclassify(&client, &asked()).await;
    assert_eq!(would, did);
    let differ = |differs: fn(&Judged, &Judged) -> bool| {
        let pairs = right.iter().zip(&spoilt);
        pairs.filter(|(one, other)| differs(one, other)).count() as u64
    };
    assert_eq!(
        did.of_other_rules,
        differ(|one, other| one.rules != other.rules)
    );
    assert_eq!(
        total(&did.verdicts),
        differ(|one, other| one.verdict != other.verdict)
    );
    assert_eq!(
        total(&did.channels),
        differ(|one, other| one.channel != other.channel)
    );
    assert_eq!(
        did.reasons,
        differ(|one, other| one.reasons != other.reasons)
    );
    assert_eq!(did.sources, differ(|one, other| one.source != other.source));
    assert_eq!(
        did.software,
        differ(|one, other| one.software != other.software)
    );

    assert_eq!(judged(&client).await, right);
    hours_equal_rows(&client).await;
    copy_carried(&client, 0, false).await.unwrap();
    let copies = "SELECT toInt64(uniqExact(lane, seq)) - assumeNotNull((SELECT toInt64(countIf(click_id != 0)) FROM clicks)), countIf((lane, seq, verdict, channel, rules) NOT IN (
            SELECT lane, seq, verdict, channel, rules FROM clicks)) FROM carried_clicks FINAL";
    let copies = client
        .query(copies)
        .fetch_one::<(i64, u64)>()
        .await
        .unwrap();
    assert_eq!(copies, (0, 0), "copies of clicks say what the clicks say");
    let again = reclassify(&client, &asked()).await;
    assert_eq!((again.changed, again.of_other_rules), (0, 0));
    let stages = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE 'reclassified%'";
    assert_eq!(client.query(stages).fetch_one::<u64>().await.unwrap(), 0);
    assert!(right.iter().all(|row| row.rules == RULES));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for_changes_and_only_what_can_be_told() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let mut clicks = clicks(600);
    for click in clicks.iter_mut().step_by(2) {
        click.workspace = "other".into();
    }
    store(&client, &clicks, 1).await;
    let right = judged(&client).await;
    spoil(&client).await;
    let spoilt = judged(&client).await;
    let middle = BEGIN + HOUR / 4;
    let part = Asked {
        from_ms: middle as i64,
        workspace: Some("acme".into()),
        ..asked()
    };
    // Its own rules of channels are not known: the road stays.
    let reclassifier = Reclassifier::new(client.clone(), enricher());
    let summary = reclassifier.run(&part, |_| {}).await.unwrap();
    assert!(summary.channels.is_empty() && summary.left_channels == summary.clicks);
    assert!(summary.changed > 50, "{summary:?}");
    let is_asked_for = |click: &Click<'_>| click.workspace == "acme" && click.unix_ms >= middle;
    for (place, (click, found)) in clicks.iter().zip(judged(&client).await).enumerate() {
        let expected = match is_asked_for(click) && click.privacy == PrivacyMode::Full {
            false => spoilt[place].clone(),
            true => Judged {
                channel: spoilt[place].channel.clone(),
                source: spoilt[place].source.clone(),
                ..right[place].clone()
            },
        };
        assert_eq!(found, expected, "{click:?}");
    }
    // Of what is kept no longer, nothing is told.
    run(
        &client,
        "ALTER TABLE clicks UPDATE user_agent = '' WHERE 1 SETTINGS mutations_sync = 1",
    )
    .await;
    let before = judged(&client).await;
    let summary = reclassify(&client, &asked()).await;
    assert_eq!((summary.clicks, summary.changed), (0, 0), "{summary:?}");
    assert_eq!(judged(&client).await, before);
    let late = Asked {
        verdicts_from_ms: i64::MAX,
        ..asked()
    };
    assert_eq!(reclassify(&client, &late).await.left, 600);
    hours_equal_rows(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_shown_outranks_weak_signs() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let bare = |number: u64| Click {
        id: ClickId(u128::from(BEGIN + number * 60_000) << 80 | 1),
        unix_ms: BEGIN + number * 60_000,
        // Every browser sends more.
        signs: Signs::KNOWN | Signs::ENCODING | Signs::LANGUAGE,
        visitor: Some(VisitorId(number.into())),
        ..test_support::click()
    };
    let clicks: Vec<_> = (1..=3).map(bare).collect();
    store(&client, &clicks, 1).await;
    let verdicts = async || -> Vec<String> {
        judged(&client)
            .await
            .into_iter()
            .map(|row| row.verdict)
            .collect()
    };
    assert_eq!(verdicts().await, ["suspect"; 3]);
    // The second was driven by a program.
    for (click, marks) in [(&clicks[0], 0), (&clicks[1], 1)] {
        run(
            &client,
            &format!(
                "INSERT INTO confirmations (workspace, click_id, marks, page_ms, confirmed_at)
                VALUES ('acme', {}, {marks}, 10, '2026-11-01 00:00:00')",
                click.id.0
            ),
        )
        .await;
    }
    let summary = reclassify(&client, &asked()).await;
    assert_eq!(summary.changed, 1, "{summary:?}");
    assert_eq!(verdicts().await, ["human", "suspect", "suspect"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_between_and_run_again_it_comes_to_the_same_end() {
    let mut engine = Engine::migrated().await;
    let client = engine.client();
    store(&client, &clicks(6_000), 1).await;
    let right = judged(&client).await;
    // Counted from when ClickHouse is given changes.
    for milliseconds in [0, 10, 30, 80] {
        spoil(&client).await;
        let writing = Arc::new(Notify::new());
        let begun = {
            let (client, writing) = (client.clone(), Arc::clone(&writing));
            tokio::spawn(async move {
                let mut reclassifier = Reclassifier::new(client, enricher());
                reclassifier.follow_no_others();
                let said = |progress: Progress| {
                    if progress.writing {
                        writing.notify_one();
                    }
                };
                reclassifier.run(&asked(), said).await.is_ok()
            })
        };
        writing.notified().await;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        // Us, ClickHouse, or both.
        if milliseconds != 10 {
            begun.abort();
        }
        if milliseconds != 0 {
            engine.kill();
            engine.start_again();
        }
        let _ = begun.await;
        let _ = reclassify(&client, &asked()).await;
        assert_eq!(reclassify(&client, &asked()).await.changed, 0);
        assert_eq!(
            judged(&client).await,
            right,
            "killed after {milliseconds} ms"
        );
        hours_equal_rows(&client).await;
    }
}
