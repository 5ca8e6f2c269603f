//! Refunds and cancellations: stored as what takes a sale back, and never more of it than there was.

use whence_core::test_support::Engine;

use crate::support::{Collector, wait_for};

fn sale(event: &str, minor: u64) -> String {
    format!(r#"{{"event_id":"{event}","kind":"sale","amount":{minor},"currency":"EUR"}}"#)
}

fn refund(event: &str, of: &str, minor: u64) -> String {
    format!(
        r#"{{"event_id":"{event}","kind":"refund","reference":"{of}","amount":{minor},"currency":"EUR"}}"#
    )
}

fn cancellation(event: &str, of: &str) -> String {
    format!(r#"{{"event_id":"{event}","kind":"cancellation","reference":"{of}"}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_taken_back_in_parts_and_never_beyond() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    // While the sale is in memory, and once all of it is in ClickHouse alone.
    for (round, stored) in [(0, false), (1, true)] {
        let (o, r) = (format!("s{round}-o"), |n: u32| format!("s{round}-r{n}"));
        let settled = async |count: u64| {
            if stored {
                let rows =
                    format!("SELECT count() FROM conversions WHERE event_id LIKE 's{round}-%'");
                wait_for(&client, &rows, count).await;
            }
        };
        assert_eq!(collector.convert(&sale(&o, 1000)).await.status, 200);
        settled(1).await;
        let first = collector.convert(&refund(&r(1), &o, 600)).await;
        assert_eq!(first.status, 200, "{first:?}");
        let expected = format!(
            r#"{{"event_id":"{}","kind":"refund","reference":"{o}"}}"#,
            r(1)
        );
        assert_eq!(first.body, expected);
        settled(2).await;
        let other_currency = refund(&r(2), &o, 1).replace("EUR", "USD");
        for (body, field) in [
            (refund(&r(2), &o, 401), "amount"),
            (other_currency, "currency"),
            (refund(&r(2), &r(1), 1), "reference"),
        ] {
            let got = collector.convert(&body).await;
            assert_eq!(got.status, 422, "{got:?}");
            assert_eq!(got.json()["errors"][0]["field"], field, "{got:?}");
        }
        assert_eq!(collector.convert(&refund(&r(2), &o, 400)).await.status, 200);
        settled(3).await;
        // All is given back, and what was answered before is answered again.
        let again = collector.convert(&refund(&r(1), &o, 600)).await;
        assert_eq!(
            (again.header("idempotent-replayed"), &again.body),
            ("true", &first.body)
        );
        let more = collector.convert(&refund(&r(3), &o, 1)).await;
        assert_eq!(more.json()["errors"][0]["field"], "amount", "{more:?}");
        let other = collector.convert(&refund(&r(1), &o, 500)).await;
        assert_eq!(other.status, 409, "{other:?}");
        assert_eq!(other.json()["errors"][1]["field"], "amount", "{other:?}");
        assert_eq!(
            collector.convert(&cancellation(&r(4), &o)).await.status,
            200
        );
        settled(4).await;
        let got = collector.convert(&cancellation(&r(5), &o)).await;
        assert_eq!(
            (
                got.status.as_u16(),
                got.json()["errors"][0]["field"].as_str()
            ),
            (422, Some("reference"))
        );
    }
    wait_for(&client, "SELECT count() FROM conversions", 8).await;
    let rows =
        "SELECT toString(tuple(event_id, kind, amount_minor, currency, reference)) FROM conversions
        WHERE event_id LIKE 's1-%' ORDER BY seq";
    let rows = client.query(rows).fetch_all::<String>().await.unwrap();
    let expected = [
        "('s1-o','sale',1000,'EUR','')",
        "('s1-r1','refund',-600,'EUR','s1-o')",
        "('s1-r2','refund',-400,'EUR','s1-o')",
        "('s1-r4','cancellation',0,'','s1-o')",
    ];
    assert_eq!(rows, expected);
    // A moment later than the rows themselves.
    wait_for(&client, "SELECT count() FROM refunds", 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_at_once_and_refunds_before_their_sale() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    assert_eq!(collector.convert(&sale("o", 1000)).await.status, 200);
    let bodies: Vec<String> = (0..30)
        .map(|n| refund(&format!("r-{n}"), "o", 70))
        .collect();
    let got = futures::future::join_all(bodies.iter().map(|body| collector.convert(body))).await;
    let accepted = got.iter().filter(|got| got.status == 200).count();
    assert_eq!(accepted, 14, "14 times 70 is 980, once more is too much");
    assert!(
        got.iter()
            .all(|got| matches!(got.status.as_u16(), 200 | 422))
    );
    // Nothing is known of its sale yet: it is kept, and joined in reports when the sale comes.
    assert_eq!(
        collector
            .convert(&refund("early", "later", 50))
            .await
            .status,
        200
    );
    assert_eq!(collector.convert(&sale("later", 100)).await.status, 200);
    let got = collector.convert(&refund("too much", "later", 51)).await;
    assert_eq!(got.status, 422, "the early one counts: {got:?}");
    wait_for(&engine.client(), "SELECT count() FROM conversions", 17).await;
}
