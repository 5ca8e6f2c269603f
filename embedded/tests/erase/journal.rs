//! What lies in the journals of the machine: delivered and not yet overwritten, and set aside.

use std::path::Path;

use whence_core::click::Click;
use whence_core::conversion::{Conversion, ConversionKind, ConversionSource};
use whence_core::id::VisitorId;
use whence_core::journal::{self, Block, LaneOptions, LaneReader, LaneWriter};
use whence_core::ship::Records;
use whence_core::ship::aside::{Aside, Note};
use whence_core::test_support::click;
use whence_core::wire;

use crate::people;
use crate::support::{Home, text};

const MARKER: &[u8] = b"AgentMarker/";

fn lane(home: &Home, name: &str) -> (LaneWriter, LaneReader, std::path::PathBuf) {
    let dir = home.dir.path().join("data/journal").join(name);
    // Small, since whole files are searched.
    let options = LaneOptions {
        segment_bytes: 1 << 20,
        ..LaneOptions::default()
    };
    let (writer, reader) = journal::open(&dir, options).unwrap();
    (writer, reader, dir)
}

fn record<T: wire::Wire + serde::Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(record, &mut bytes);
    bytes
}

fn of(visitor: u128, agent: &'static str) -> Click<'static> {
    Click {
        visitor: Some(VisitorId(visitor)),
        user_agent: agent.into(),
        ..click()
    }
}

/// How often a text stands in any file below a directory.
fn occurrences(dir: &Path, marker: &[u8]) -> usize {
    let mut count = 0;
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        count += if path.is_dir() {
            occurrences(&path, marker)
        } else {
            let bytes = std::fs::read(&path).unwrap();
            bytes
                .windows(marker.len())
                .filter(|it| *it == marker)
                .count()
        };
    }
    count
}

fn set_aside(dir: &Path, reader: &mut LaneReader, records: Records) -> Block {
    let block = reader.next_block(1 << 20, 100).unwrap().unwrap();
    let note = Note::of(&block, "redirector", records, "refused for AgentMarker/1");
    Aside::of(dir).put(&block, &note).unwrap();
    reader.ack(block.id()).unwrap();
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_is_left_in_the_journals() {
    let home = Home::new().await;
    people::settle_in(&home).await;

    // Delivered, and still in the last segment: nobody's in particular.
    let (mut clicks, mut reader, dir) = lane(&home, "redirector/lane-0");
    clicks
        .append(&record(&of(people::PHONE, "AgentMarker/0")))
        .unwrap();
    let delivered = reader.next_block(1 << 20, 100).unwrap().unwrap();
    reader.ack(delivered.id()).unwrap();
    // Set aside: one of hers among others.
    let before = [
        of(1, "Other/1"),
        of(people::PHONE, "AgentMarker/1"),
        of(2, "Other/2"),
    ];
    for click in &before {
        clicks.append(&record(click)).unwrap();
    }
    let block = set_aside(&dir, &mut reader, Records::Clicks);
    let (mut sales, mut reader, sales_dir) = lane(&home, "ingest/conversions");
    // By her customer id alone: her tablet is known from here only.
    let tablet = 0xaaaa_0003_u128 << 90;
    let sale = Conversion {
        workspace: "acme".parse().unwrap(),
        event_id: "sale-waits".into(),
        kind: ConversionKind::Sale,
        name: "order".into(),
        click: None,
        visitor: Some(VisitorId(tablet)),
        customer: people::CUSTOMER.into(),
        amount: None,
        occurred_ms: 5,
        received_ms: 6,
        source: ConversionSource::Server,
        body_digest: 7,
        reference: String::new(),
    };
    sales.append(&record(&sale)).unwrap();
    let sales_block = set_aside(&sales_dir, &mut reader, Records::Conversions);
    let by_tablet = format!(
        "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, verdict, visitor_id, user_agent)
        VALUES ('acme', '2026-11-01 00:00:00', 77, 255, 9, 'redirected', 'GET', 'human', toUInt128('{tablet}'), 'AgentMarker/9')"
    );
    home.execute(&by_tablet).await;
    let journal = home.dir.path().join("data/journal");
    assert!(occurrences(&journal, MARKER) >= 4);

    let who = ["--workspace", "acme", "--customer", people::CUSTOMER];
    let exported = home.run(&["export"], &who);
    let aside = text(&exported.stdout)
        .lines()
        .filter(|line| line.contains("set_aside"));
    assert_eq!(aside.count(), 2, "{exported:?}");

    let erased = home.run(&["erase"], &[&who[..], &["--yes", "--wait", "60"]].concat());
    assert_eq!(erased.status.code(), Some(0), "{erased:?}");
    assert_eq!(people::traces(&home).await, [0; 11]);
    for marker in [
        MARKER,
        people::CUSTOMER.as_bytes(),
        b"sale-waits",
        b"sale-1",
    ] {
        assert_eq!(occurrences(&journal, marker), 0, "{marker:?}: {erased:?}");
    }
    let left = format!("SELECT count() FROM clicks WHERE visitor_id = toUInt128('{tablet}')");
    assert_eq!(
        home.count(&left).await,
        0,
        "found through what was set aside"
    );

    // The others' are as they were, the numbers have no gap, and it can be sent again.
    let after = Aside::of(&dir).read(block.id()).unwrap();
    let after: Vec<_> = after
        .records()
        .map(|(seq, it)| (seq, wire::decode::<Click<'_>>(it).unwrap()))
        .collect();
    assert_eq!(
        after.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    assert_eq!((&after[0].1, &after[2].1), (&before[0], &before[2]));
    assert_eq!((&*after[1].1.user_agent, &*after[1].1.slug), ("", "summer"));
    assert_ne!(after[1].1.visitor, before[1].visitor);
    let sale_after = Aside::of(&sales_dir).read(sales_block.id()).unwrap();
    let (_, bytes) = sale_after.records().next().unwrap();
    let sale_after = wire::decode::<Conversion>(bytes).unwrap();
    assert_eq!((sale_after.occurred_ms, &*sale_after.name), (5, "order"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_another_machine_is_asked_for() {
    let home = Home::new().await;
    people::settle_in(&home).await;
    home.execute("INSERT INTO lanes SELECT 9, 'redirector', 'edge-9', '0', 20, 12, now64(3)")
        .await;
    let who = [
        "--workspace",
        "acme",
        "--customer",
        people::CUSTOMER,
        "--yes",
        "--wait",
        "1",
    ];
    let erased = home.run(&["erase"], &who);
    assert_eq!(erased.status.code(), Some(1), "{erased:?}");
    let told = text(&erased.stdout);
    assert!(
        told.contains("edge-9) holds 8 records") && told.contains("--wiped 0000000000000009"),
        "{told}"
    );
    assert_eq!(people::traces(&home).await, [0; 11], "what is here is done");
    assert_ne!(
        home.dump(&["SELECT * FROM persons"]).await,
        [""],
        "to be finished"
    );

    // A click of hers arrives after all.
    let late = "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, verdict, visitor_id, user_agent)
        SELECT 'acme', '2026-11-01 00:00:00', 78, 9, 13, 'redirected', 'GET', 'human', id, 'AgentMarker/late' FROM persons WHERE kind = 'visitor' LIMIT 1";
    home.execute(late).await;
    home.execute("INSERT INTO lanes SELECT 9, 'redirector', 'edge-9', '0', 20, 20, now64(3)")
        .await;
    let done = home.run(
        &["erase"],
        &["--resume", "--wiped", "0000000000000009", "--wait", "60"],
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(people::traces(&home).await, [0; 11]);
    assert_eq!(home.dump(&["SELECT * FROM persons"]).await, [""]);
}
