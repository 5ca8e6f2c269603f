//! The journal's volume is really full: conversions are turned away, and none that was answered is lost.

use std::collections::HashSet;

use whence_core::test_support::{Engine, Volume};

use crate::browsers::pixel;
use crate::support::{Collector, number, wait_for};

/// Room for a few segments of a MiB.
const KIB: u32 = 4 << 10;
/// Conversions at a time.
const AT_ONCE: u32 = 50;
/// More than find room.
const TOO_MANY: u32 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_turns_conversions_away_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_volume) = Volume::mount(folder.path(), KIB) else {
        return;
    };
    let mut engine = Engine::migrated().await;
    let journal = folder.path().join("journal").display().to_string();
    let setting = format!("ingest.journal.dir={journal}");
    let mut collector = Collector::start_with(&engine.config(), &[&setting]).await;
    engine.kill();

    let text = "x".repeat(128);
    let mut accepted = HashSet::new();
    let mut refusal = None;
    let mut next = 0;
    while refusal.is_none() {
        let ids: Vec<_> = (next..next + AT_ONCE)
            .map(|id| format!("{id}-{}", &text[..100]))
            .collect();
        next += AT_ONCE;
        let bodies: Vec<_> = ids
            .iter()
            .map(|id| {
                format!(
                    r#"{{"event_id":"{id}","kind":"lead","name":"{text}","customer":"{text}"}}"#
                )
            })
            .collect();
        let answers = bodies.iter().map(|body| collector.convert(body));
        let answers = futures::future::join_all(answers).await;
        for (id, got) in ids.into_iter().zip(answers) {
            match got.status.as_u16() {
                200 => assert!(accepted.insert(id)),
                503 => refusal = Some(got),
                _ => panic!("{got:?}"),
            }
        }
        assert!(next < TOO_MANY, "the volume has no end");
    }
    let refusal = refusal.unwrap();
    assert_eq!(refusal.header("retry-after"), "5", "{refusal:?}");
    assert!(refusal.body.contains("journal is full"), "{refusal:?}");
    // An image all the same, which `pixel` looks at; its record is as large as those that found no room.
    let path = format!(
        "/p.gif?ws=acme&event=lead&event_id=p-{}&name={text}&customer={text}",
        &text[..100]
    );
    let (status, error, _) = pixel(&collector, "GET", &path, &[]).await;
    assert_eq!(status, 503, "{error}");

    // The same holds for one that starts on a full volume: what it accepted is known, and it accepts no more.
    collector.kill();
    collector.launch().await;
    let id = accepted.iter().next().unwrap();
    let again =
        format!(r#"{{"event_id":"{id}","kind":"lead","name":"{text}","customer":"{text}"}}"#);
    let got = collector.convert(&again).await;
    assert_eq!(
        (got.status.as_u16(), got.header("idempotent-replayed")),
        (200, "true"),
        "{got:?}"
    );

    engine.start_again();
    let client = engine.client();
    let expected = accepted.len() as u64;
    wait_for(&client, "SELECT count() FROM conversions", expected).await;
    let stored = client
        .query("SELECT event_id FROM conversions")
        .fetch_all::<String>()
        .await
        .unwrap();
    assert_eq!(stored.into_iter().collect::<HashSet<_>>(), accepted);

    // It goes on by itself.
    wait_until_accepted(&collector).await;
    wait_for(&client, "SELECT count() FROM conversions", expected + 1).await;
    assert_eq!(
        number(&client, "SELECT uniqExact(event_id) FROM conversions").await,
        expected + 1
    );
}

async fn wait_until_accepted(collector: &Collector) {
    let started = std::time::Instant::now();
    loop {
        let got = collector
            .convert(r#"{"event_id":"after","kind":"lead"}"#)
            .await;
        if got.status == 200 {
            return;
        }
        assert!(
            started.elapsed() < crate::support::PATIENCE,
            "still {got:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
