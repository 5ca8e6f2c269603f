//! What may be said and what may not: every field's mistakes, and the digest that must never change.

use std::sync::LazyLock;

use proptest::prelude::*;
use whence_core::id::{LinkId, Minter};

use super::*;

const JSON: Names = Names {
    workspace: None,
    kind: "kind",
    click_id: "click_id",
    ignored: &[],
    is_server: true,
};
const PIXEL: Names = Names {
    workspace: Some("ws"),
    kind: "event",
    click_id: "wcid",
    ignored: &["cb"],
    is_server: false,
};
/// 2026-11-21T18:00:00Z
const NOW: u64 = 1_795_284_000_000;

fn key() -> ClickIdKey {
    ClickIdKey::new([7; 16])
}

fn minted() -> ClickId {
    static MINTED: LazyLock<ClickId> =
        LazyLock::new(|| Minter::for_threads(&key(), 1)[0].mint(NOW - 1000, LinkId(5)));
    *MINTED
}

fn json(body: &str) -> Result<Said, Vec<(String, String)>> {
    said(Form::from_json(body.as_bytes()).unwrap(), &JSON)
}

fn pixel(query: &str) -> Result<Said, Vec<(String, String)>> {
    said(Form::from_query(query), &PIXEL)
}

fn said(form: Form, names: &Names) -> Result<Said, Vec<(String, String)>> {
    let told = |p: FieldProblem| (p.field, p.detail);
    check(form, names, &key(), NOW).map_err(|all| all.into_iter().map(told).collect())
}

#[test]
fn everything_said() {
    let body = format!(
        r#"{{"event_id":"o-1","kind":"sale","name":"first_order","click_id":"{}","customer":"c-9",
            "amount":1250,"currency":"EUR","occurred_at":"2026-11-21T19:00:00.5+02:00"}}"#,
        minted()
    );
    let expected = Said {
        workspace: None,
        event_id: "o-1".into(),
        kind: ConversionKind::Sale,
        name: "first_order".into(),
        click: Some(minted()),
        customer: "c-9".into(),
        amount: Some(Money {
            minor: 1250,
            currency: *b"EUR",
        }),
        occurred_ms: Some(NOW - 3_600_000 + 500),
        reference: String::new(),
    };
    assert_eq!(json(&body), Ok(expected.clone()));
    let query = format!(
        "ws=acme&event=sale&event_id=o-1&name=first_order&wcid={}&customer=c-9&amount=1250&currency=EUR&cb=123",
        minted()
    );
    let by_pixel = pixel(&query).unwrap();
    assert_eq!(
        by_pixel,
        Said {
            workspace: Some("acme".parse().unwrap()),
            occurred_ms: None,
            ..expected.clone()
        }
    );
    let undated = Said {
        occurred_ms: None,
        ..expected
    };
    assert_eq!(
        by_pixel.digest(),
        undated.digest(),
        "the same facts by another way"
    );
}

#[test]
fn the_least_that_may_be_said() {
    let least = json(r#"{"event_id":"1","kind":"lead"}"#).unwrap();
    assert_eq!(
        (least.name.as_str(), least.amount, least.occurred_ms),
        ("", None, None)
    );
    // Tag managers send every field, empty where they have nothing.
    let empty =
        pixel("ws=a&event=lead&event_id=1&amount=&currency=&wcid=&customer=&name=&occurred_at=")
            .unwrap();
    assert_eq!(empty.digest(), least.digest());
    let null =
        json(r#"{"event_id":"1","kind":"lead","amount":null,"currency":null,"click_id":null}"#);
    assert_eq!(null, Ok(least));
}

#[test]
fn every_mistake_is_told_by_its_field() {
    let table = [
        (r#"{"kind":"lead"}"#, "event_id", "is required"),
        (
            r#"{"event_id":"","kind":"lead"}"#,
            "event_id",
            "is required",
        ),
        (
            r#"{"event_id":7,"kind":"lead"}"#,
            "event_id",
            "must be a text",
        ),
        (
            r#"{"event_id":"a\nb","kind":"lead"}"#,
            "event_id",
            "must not hold the control character '\\n'",
        ),
        (r#"{"event_id":"1"}"#, "kind", "is required"),
        (
            r#"{"event_id":"1","kind":"click"}"#,
            "kind",
            "must be lead, sale, refund or cancellation",
        ),
        (
            r#"{"event_id":"1","kind":"lead","click_id":"abc"}"#,
            "click_id",
            "must be 22 characters, has 3",
        ),
        (
            r#"{"event_id":"1","kind":"lead","click_id":"0000000000000000000001"}"#,
            "click_id",
            "was not issued here (its signature does not match)",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":-1,"currency":"EUR"}"#,
            "amount",
            "must not be negative",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1000000000000001,"currency":"EUR"}"#,
            "amount",
            "must be at most 1000000000000000",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":9223372036854775808,"currency":"EUR"}"#,
            "amount",
            "must be at most 1000000000000000",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":12.5,"currency":"EUR"}"#,
            "amount",
            "must be a whole number of the currency's smallest unit, 0 to 1000000000000000",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1e40,"currency":"EUR"}"#,
            "amount",
            "must be a whole number of the currency's smallest unit, 0 to 1000000000000000",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":"12","currency":"EUR"}"#,
            "amount",
            "must be a whole number of the currency's smallest unit, 0 to 1000000000000000",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1}"#,
            "currency",
            "is required with amount",
        ),
        (
            r#"{"event_id":"1","kind":"sale","currency":"EUR"}"#,
            "amount",
            "is required with currency",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1,"currency":"eur"}"#,
            "currency",
            "must be an ISO 4217 code such as EUR",
        ),
        (
            r#"{"event_id":"1","kind":"lead","occurred_at":"yesterday"}"#,
            "occurred_at",
            "must be a time such as 2026-11-21T18:30:00Z (RFC 3339)",
        ),
        (
            r#"{"event_id":"1","kind":"lead","occurred_at":"2026-11-22T18:00:01Z"}"#,
            "occurred_at",
            "must not be more than a day in the future",
        ),
        (
            r#"{"event_id":"1","kind":"lead","occurred_at":"1999-12-31T23:59:59Z"}"#,
            "occurred_at",
            "must not be before the year 2000",
        ),
        (
            r#"{"event_id":"1","kind":"lead","ammount":1}"#,
            "ammount",
            "is not a known field",
        ),
        (
            r#"{"event_id":"1","event_id":"2","kind":"lead"}"#,
            "event_id",
            "stands here twice",
        ),
    ];
    for (body, field, detail) in table {
        assert_eq!(
            json(body),
            Err(vec![(field.into(), detail.into())]),
            "{body}"
        );
    }
    let long = "x".repeat(129);
    for field in ["event_id", "name", "customer"] {
        let body = if field == "event_id" {
            format!(r#"{{"event_id":"{long}","kind":"lead"}}"#)
        } else {
            format!(r#"{{"event_id":"1","kind":"lead","{field}":"{long}"}}"#)
        };
        let detail = "must be at most 128 bytes".to_owned();
        assert_eq!(json(&body), Err(vec![(field.into(), detail)]));
    }
}

#[test]
fn the_pixels_fields_are_told_by_their_names_in_the_url() {
    let table = [
        ("event=lead&event_id=1", "ws", "is required"),
        (
            "ws=A+B&event=lead&event_id=1",
            "ws",
            "must be 1 to 32 of a-z, 0-9, _ and -",
        ),
        ("ws=a&event_id=1", "event", "is required"),
        (
            "ws=a&event=lead&event_id=1&wcid=x!",
            "wcid",
            "has the character '!', which no id has",
        ),
        (
            "ws=a&event=sale&event_id=1&amount=-5&currency=EUR",
            "amount",
            "must not be negative",
        ),
        (
            "ws=a&event=sale&event_id=1&amount=1,50&currency=EUR",
            "amount",
            "must be a whole number of the currency's smallest unit, 0 to 1000000000000000",
        ),
        (
            "ws=a&event=sale&event_id=1&amount=99999999999999999999&currency=EUR",
            "amount",
            "must be at most 1000000000000000",
        ),
        (
            "ws=a&event=lead&event_id=1&kind=lead",
            "kind",
            "is not a known field",
        ),
        (
            "ws=a&event=lead&event_id=1&occurred_at=2026-11-21T17:00:00Z",
            "occurred_at",
            BY_SERVERS,
        ),
    ];
    for (query, field, detail) in table {
        assert_eq!(
            pixel(query),
            Err(vec![(field.into(), detail.into())]),
            "{query}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let problems = json(r#"{"kind":"x","amount":-1,"zzz":1}"#).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["event_id", "kind", "amount", "currency", "zzz"]);
}

#[test]
fn an_invoice_is_the_name_of_a_sale() {
    let by_event = json(r#"{"event_id":"i-1","kind":"sale"}"#).unwrap();
    for body in [
        r#"{"invoice_id":"i-1","kind":"sale"}"#,
        r#"{"invoice_id":"i-1","event_id":"i-1","kind":"sale"}"#,
        r#"{"invoice_id":"i-1","event_id":"","kind":"sale"}"#,
    ] {
        let by_invoice = json(body).unwrap();
        assert_eq!(by_invoice, by_event);
        assert_eq!(by_invoice.digest(), by_event.digest());
    }
    assert_eq!(
        pixel("ws=a&event=sale&invoice_id=i-1").unwrap().event_id,
        "i-1"
    );
    let differ = "is another name of event_id; where both are said they must be equal";
    let of_a_sale = "is the name of a sale; others have an event_id";
    for (body, detail) in [
        (r#"{"invoice_id":"a","event_id":"b","kind":"sale"}"#, differ),
        (r#"{"invoice_id":"a","kind":"lead"}"#, of_a_sale),
        (
            r#"{"invoice_id":"a","kind":"cancellation","reference":"b"}"#,
            of_a_sale,
        ),
        (r#"{"invoice_id":7,"kind":"sale"}"#, "must be a text"),
    ] {
        assert_eq!(
            json(body),
            Err(vec![("invoice_id".into(), detail.into())]),
            "{body}"
        );
    }
}

#[test]
fn what_takes_a_sale_back_names_it_and_nothing_of_it() {
    let refund =
        json(r#"{"event_id":"r","kind":"refund","reference":"o","amount":5,"currency":"EUR"}"#)
            .unwrap();
    assert_eq!(
        (refund.kind, refund.reference.as_str()),
        (ConversionKind::Refund, "o")
    );
    let cancelled =
        json(r#"{"event_id":"r","kind":"cancellation","reference":"o","name":"fraud"}"#).unwrap();
    assert_eq!((cancelled.amount, cancelled.name.as_str()), (None, "fraud"));
    let of_the_sale = "is that of the sale, which reference names";
    let table = [
        (
            r#""kind":"refund","amount":5,"currency":"EUR""#,
            "reference",
            "is required: the event_id of the sale",
        ),
        (
            r#""kind":"cancellation""#,
            "reference",
            "is required: the event_id of the sale",
        ),
        (
            r#""kind":"cancellation","reference":"r""#,
            "reference",
            "names this very event",
        ),
        (
            r#""kind":"cancellation","reference":7"#,
            "reference",
            "must be a text",
        ),
        (
            r#""kind":"refund","reference":"o""#,
            "amount",
            "is required: what was given back",
        ),
        (
            r#""kind":"refund","reference":"o","amount":0,"currency":"EUR""#,
            "amount",
            "must be more than 0",
        ),
        (
            r#""kind":"refund","reference":"o","amount":-5,"currency":"EUR""#,
            "amount",
            "must not be negative",
        ),
        (
            r#""kind":"refund","reference":"o","amount":5"#,
            "currency",
            "is required with amount",
        ),
        (
            r#""kind":"refund","reference":"o","amount":5,"currency":"EUR","customer":"c""#,
            "customer",
            of_the_sale,
        ),
        (
            r#""kind":"cancellation","reference":"o","amount":5,"currency":"EUR""#,
            "amount",
            "must not be said: a cancellation takes all back",
        ),
        (
            r#""kind":"sale","reference":"o""#,
            "reference",
            "goes with a refund or a cancellation only",
        ),
    ];
    for (said, field, detail) in table {
        let told = json(&format!(r#"{{"event_id":"r",{said}}}"#));
        assert_eq!(told, Err(vec![(field.into(), detail.into())]), "{said}");
    }
    let clicked = format!(
        r#"{{"event_id":"r","kind":"cancellation","reference":"o","click_id":"{}"}}"#,
        minted()
    );
    assert_eq!(
        json(&clicked),
        Err(vec![("click_id".into(), of_the_sale.into())])
    );
    for kind in ["refund", "cancellation"] {
        let told = pixel(&format!("ws=a&event={kind}&event_id=1&reference=o")).unwrap_err();
        let detail = "must be lead or sale: only a server may take a sale back";
        assert_eq!(told, [("event".to_owned(), detail.to_owned())]);
    }
}

#[test]
fn an_unknown_fields_name_is_told_in_short() {
    let body = format!(
        r#"{{"event_id":"1","kind":"lead","{}":1}}"#,
        "é".repeat(5000)
    );
    assert_eq!(json(&body).unwrap_err()[0].0.len(), 64);
}

#[test]
fn many_unknown_fields_are_told_in_short() {
    let fields: String = (0..5000).map(|n| format!(r#","f{n:04}":1"#)).collect();
    let problems = json(&format!(r#"{{"event_id":"1","kind":"lead"{fields}}}"#)).unwrap_err();
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[0].0, "f0000");
    assert_eq!(problems[20].1, "and 4980 more are not known fields");
}

#[test]
fn a_conversion_just_before_its_click_happened_with_it() {
    let clicked = minted().unix_ms();
    let said = json(r#"{"event_id":"1","kind":"lead"}"#).unwrap();
    for (occurred_ms, click, happened) in [
        (clicked - 5_000, true, clicked),
        (clicked - 5_001, true, clicked - 5_001),
        (clicked + 1, true, clicked + 1),
        (clicked - 1, false, clicked - 1),
    ] {
        let said = Said {
            click: click.then(minted),
            ..said.clone()
        };
        assert_eq!(said.happened_ms(occurred_ms), happened, "on arrival");
        let dated = Said {
            occurred_ms: Some(occurred_ms),
            ..said
        };
        assert_eq!(dated.happened_ms(NOW), happened);
    }
}

#[test]
fn the_digest_is_stored_and_never_changes() {
    let said = json(
        r#"{"event_id":"1","kind":"sale","name":"n","customer":"c","amount":5,"currency":"EUR"}"#,
    );
    assert_eq!(format!("{:032x}", said.unwrap().digest()), DIGEST);
}

/// Reckoned apart from this code: SHA-256 over the seven parts, each behind its length in eight bytes.
const DIGEST: &str = "632760c62f0af668a143f58e00e6953a";

proptest! {
    #[test]
    fn any_query_is_checked(query in "(&?(ws|event|event_id|wcid|amount|currency|occurred_at|name)=[a-z0-9%+-]{0,6}){0,8}|\\PC{0,60}") {
        if let Ok(said) = check(Form::from_query(&query), &PIXEL, &key(), NOW) {
            prop_assert!(!said.event_id.is_empty() && said.workspace.is_some());
            prop_assert!(said.click.is_none(), "a click id was guessed");
        }
    }

    /// An amount is a count of the smallest unit, whatever the currency's exponent: 0 for JPY, 2 for EUR, 3 for
    /// KWD. So none is ever multiplied or rounded, and whatever has a fraction or an exponent is refused.
    #[test]
    fn an_amount_is_a_whole_number_of_the_smallest_unit(
        whole in prop_oneof![0..=1_000_000_000_000_000_i128, any::<i64>().prop_map(i128::from), any::<i128>()],
        fraction in "[.,][0-9]{1,6}|[eE][0-9]{1,2}|[.][0-9]{1,3}e[0-9]|",
        currency in prop::sample::select(vec!["JPY", "EUR", "KWD"]),
    ) {
        let text = format!("{whole}{fraction}");
        let by_pixel = pixel(&format!("ws=a&event=sale&event_id=1&amount={text}&currency={currency}"));
        let fits = fraction.is_empty() && (0..=1_000_000_000_000_000).contains(&whole);
        let mut answers = vec![by_pixel];
        if !fraction.starts_with(',') {
            // A comma is no JSON.
            answers.push(json(&format!(
                r#"{{"event_id":"1","kind":"sale","amount":{text},"currency":"{currency}"}}"#
            )));
        }
        for answer in answers {
            match answer {
                Ok(said) => {
                    prop_assert!(fits, "{}", text);
                    let money = said.amount.unwrap();
                    prop_assert_eq!((i128::from(money.minor), money.code()), (whole, currency));
                }
                Err(problems) => {
                    prop_assert!(!fits, "{}", text);
                    prop_assert_eq!(problems.len(), 1);
                    prop_assert_eq!(&problems[0].0, "amount");
                }
            }
        }
    }

    #[test]
    fn other_facts_have_another_digest(a in facts(), b in facts()) {
        prop_assert_eq!(a.digest() == b.digest(), a == b);
    }
}

fn facts() -> impl Strategy<Value = Said> {
    let texts = ("[ab1]{0,3}", "[ab1]{0,3}", "[ab1]{0,2}");
    let money = prop::option::of((0..3_i64, prop::sample::select(vec![*b"EUR", *b"USD"])));
    let occurred = prop::option::of(0..3_u64);
    (texts, money, occurred, any::<bool>()).prop_map(
        |((name, customer, reference), money, occurred_ms, lead)| Said {
            workspace: None,
            event_id: "1".into(),
            kind: if lead {
                ConversionKind::Lead
            } else {
                ConversionKind::Sale
            },
            name,
            click: None,
            customer,
            amount: money.map(|(minor, currency)| Money { minor, currency }),
            occurred_ms,
            reference,
        },
    )
}
