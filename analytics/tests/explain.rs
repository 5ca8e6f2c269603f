//! `GET /api/v1/conversions/{event_id}/explain`: what earned a conversion, and what did not and why.

use serde_json::Value;
use whence_core::test_support::Engine;

use crate::events::{BOT, Click, Conversion, REFUND, SALE, insert};
use crate::support::Service;

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn every_click_of_a_person_has_its_part_or_a_reason() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let now = jiff::Timestamp::now().as_millisecond() - 2 * DAY;
    let click = |days: i64, unique, visitor, channel: &str| Click {
        channel: channel.into(),
        ..Click::new("acme", now - days * DAY, unique, visitor)
    };
    let clicks = [
        click(100, 1, 7, "Email"),
        click(20, 2, 7, "Email"),
        click(10, 3, 8, "Direct"),
        Click {
            verdict: BOT,
            ..click(9, 4, 7, "Email")
        },
        Click {
            outcome: 2,
            ..click(8, 5, 7, "Email")
        },
        click(-1, 6, 7, "Direct"),
        // Somebody else's.
        click(5, 7, 9, "Email"),
    ];
    let sale = Conversion {
        customer: "k".into(),
        visitor_id: 7,
        amount_minor: 1_001,
        currency: "EUR".into(),
        ..Conversion::new("acme", "order/1 ß", SALE, now, 0)
    };
    // The same customer at another computer.
    let other = Conversion {
        customer: "k".into(),
        ..Conversion::new("acme", "order-0", SALE, now - 9 * DAY, clicks[2].click_id)
    };
    let back = Conversion {
        reference: "order/1 ß".into(),
        amount_minor: -1,
        currency: "EUR".into(),
        ..Conversion::new("acme", "back", REFUND, now + 5, 0)
    };
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &[sale, other, back]).await;

    let path = "/api/v1/conversions/order%2F1%20%C3%9F/explain?models=linear,last_non_direct";
    let got = service.ask(&service.acme, "GET", path, "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    let told: Value = got.json();
    assert_eq!(
        (&told["amount_minor"], &told["refunded_minor"]),
        (&1_000.into(), &1.into())
    );
    let touches: Vec<_> = told["touches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|touch| {
            let earned = |model: &str| touch["credit"][model]["amount_minor"].as_i64().unwrap();
            let channel = touch["channel"].as_str().unwrap();
            (
                touch["place"].as_i64().unwrap(),
                channel,
                earned("linear"),
                earned("last_non_direct"),
            )
        })
        .collect();
    assert_eq!(
        touches,
        [(1, "Email", 500, 1_000), (2, "Direct", 500, 0)],
        "{told}"
    );
    let why: Vec<_> = told["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|click| click["why"].as_str().unwrap())
        .collect();
    assert_eq!(
        why,
        [
            "before_look_back",
            "not_human",
            "not_redirected",
            "after_conversion"
        ],
        "{told}"
    );

    for (path, status, part) in [
        (
            "/api/v1/conversions/nothing/explain",
            404,
            "no conversion with the event id",
        ),
        (
            "/api/v1/conversions/order-0/explain?models=markov",
            400,
            "learns from all paths",
        ),
        (
            "/api/v1/conversions/order-0/explain?look_back=366d",
            400,
            "1d to 365d",
        ),
        (
            "/api/v1/conversions/order-0/explain?by=slug",
            400,
            "must be channel",
        ),
    ] {
        let got = service.ask(&service.acme, "GET", path, "").await;
        assert_eq!(got.status, status, "{path}: {}", got.body);
        assert!(got.body.contains(part), "{path}: {}", got.body);
    }
    // Another workspace has no such conversion.
    let got = service
        .ask(
            &service.globex,
            "GET",
            "/api/v1/conversions/order-0/explain",
            "",
        )
        .await;
    assert_eq!(got.status, 404);
}
