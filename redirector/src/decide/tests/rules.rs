//! Conditions, each kind by a table, and the laws of and, or and not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{ANDROID, CHROME, FACEBOOK, IPHONE, Sent, place};

/// Whether a condition holds, as a rule shows it.
fn holds(when: &Value, sent: &Sent<'_>) -> bool {
    let place = place(json!({"rules": [{"when": when, "destination": "https://rule.example/"}]}));
    sent.location(&place).starts_with("https://rule.example/")
}

fn from(client: &str) -> Sent<'_> {
    Sent {
        client,
        ..Sent::default()
    }
}

fn asked(query: &str) -> Sent<'_> {
    Sent {
        query,
        ..Sent::default()
    }
}

fn said<'a>(name: &'a str, value: &'a str) -> Sent<'a> {
    Sent::with(&[(name, value)])
}

/// Brave, which sends Chrome's agent.
fn hidden() -> Sent<'static> {
    Sent::with(&[
        ("user-agent", CHROME),
        ("sec-ch-ua", r#""Brave";v="120", "Chromium";v="120""#),
        ("sec-ch-ua-mobile", "?0"),
    ])
}

#[test]
fn each_kind() {
    let referrer = |value| said("referer", value);
    let language = |value| said("accept-language", value);
    let table = [
        (json!({"country": ["AT", "DE"]}), from("198.51.100.7"), true),
        (json!({"country": ["AT", "DE"]}), from("203.0.113.7"), false),
        (json!({"country": ["AT", "DE"]}), from("192.0.2.1"), false),
        (
            json!({"country": ["de"]}),
            from("::ffff:198.51.100.7"),
            true,
        ),
        (json!({"region": ["DE-BY"]}), from("198.51.100.7"), true),
        (json!({"region": ["DE-BE"]}), from("198.51.100.7"), false),
        (json!({"region": ["DE-BY"]}), from("203.0.113.7"), false),
        (json!({"continent": ["EU"]}), from("198.51.100.7"), true),
        (json!({"continent": ["AS"]}), from("203.0.113.7"), true),
        (json!({"continent": ["AS"]}), from("192.0.2.1"), false),
        (json!({"device": ["mobile"]}), Sent::by(IPHONE), true),
        (
            json!({"device": ["mobile", "tablet"]}),
            Sent::by(CHROME),
            false,
        ),
        (json!({"device": ["desktop"]}), Sent::by(CHROME), true),
        (
            json!({"device": ["desktop", "mobile", "tablet", "other"]}),
            Sent::by(""),
            false,
        ),
        (json!({"os": ["ios"]}), Sent::by(IPHONE), true),
        (json!({"os": ["iOS", "Windows"]}), Sent::by(ANDROID), false),
        (json!({"browser": ["chrome"]}), Sent::by(CHROME), true),
        (json!({"browser": ["Chrome"]}), Sent::by(IPHONE), false),
        // A browser that hides behind another's agent.
        (json!({"browser": ["Brave"]}), hidden(), true),
        (json!({"browser": ["Chrome"]}), hidden(), false),
        (
            json!({"language": ["de"]}),
            language("de-AT,en;q=0.9"),
            true,
        ),
        (
            json!({"language": ["en"]}),
            language("de-AT,en;q=0.9"),
            false,
        ),
        (json!({"language": ["de-at"]}), language("de-AT"), true),
        (json!({"language": ["de-at"]}), language("de"), false),
        (json!({"language": ["de"]}), Sent::default(), false),
        (
            json!({"referrer_host": ["facebook.com"]}),
            referrer("https://m.facebook.com/x"),
            true,
        ),
        (
            json!({"referrer_host": ["facebook.com"]}),
            referrer("https://FACEBOOK.com."),
            true,
        ),
        (
            json!({"referrer_host": ["m.facebook.com"]}),
            referrer("https://facebook.com/"),
            false,
        ),
        (
            json!({"referrer_host": ["x.com"]}),
            referrer("https://netflix.com/"),
            false,
        ),
        (
            json!({"referrer_host": ["t.co"]}),
            referrer("https://microsoft.com/"),
            false,
        ),
        (
            json!({"referrer_host": ["facebook.com"]}),
            referrer("https://facebook.com.evil.example/"),
            false,
        ),
        (
            json!({"referrer_host": ["google.com"]}),
            referrer("https://google.com@evil.example/"),
            false,
        ),
        (
            json!({"referrer_host": ["2.0.0.1"]}),
            referrer("http://192.2.0.0.1/"),
            false,
        ),
        (
            json!({"referrer_host": ["10.0.0.1"]}),
            referrer("http://10.0.0.1:8080/"),
            true,
        ),
        (
            json!({"referrer_host": ["facebook.com"]}),
            referrer("facebook.com"),
            false,
        ),
        (
            json!({"referrer_host": ["bücher.example"]}),
            referrer("https://bücher.example/"),
            true,
        ),
        (
            json!({"parameter": {"name": "ref"}}),
            asked("a=b&ref"),
            true,
        ),
        (json!({"parameter": {"name": "ref"}}), asked("a=ref"), false),
        (
            json!({"parameter": {"name": "ref", "is": ["a b", "é"]}}),
            asked("ref=a+b"),
            true,
        ),
        (
            json!({"parameter": {"name": "ref", "is": ["a b", "é"]}}),
            asked("ref=x&r%65f=%C3%A9"),
            true,
        ),
        (
            json!({"parameter": {"name": "ref", "is": ["a b"]}}),
            asked("ref=A%20B"),
            false,
        ),
        (
            json!({"address": ["192.0.2.0/24"]}),
            from("192.0.2.200"),
            true,
        ),
        (
            json!({"address": ["192.0.2.0/24"]}),
            from("::ffff:192.0.2.200"),
            true,
        ),
        (
            json!({"address": ["192.0.2.0/24"]}),
            from("192.0.3.1"),
            false,
        ),
        (
            json!({"address": ["2001:db8::/32", "192.0.2.1"]}),
            from("2001:db8::1"),
            true,
        ),
        (
            json!({"date": {"from": "2026-11-15T12:00:00Z"}}),
            Sent::default(),
            true,
        ),
        (
            json!({"date": {"until": "2026-11-15T12:00:00Z"}}),
            Sent::default(),
            false,
        ),
        (
            json!({"date": {"from": "2026-11-15T12:00:00.001Z"}}),
            Sent::default(),
            false,
        ),
        (json!({"date": {}}), Sent::default(), true),
        (json!({"visitor": "new"}), Sent::default(), true),
        (json!({"visitor": "returning"}), Sent::default(), false),
        (
            json!({"visitor": "returning"}),
            said("cookie", "whv=0000000000000000000007"),
            true,
        ),
        (json!({"preview": true}), Sent::by(FACEBOOK), true),
        (json!({"preview": true}), Sent::by(CHROME), false),
        (json!({"preview": false}), Sent::by(CHROME), true),
    ];
    for (when, sent, expected) in table {
        let (headers, query, client) = (&sent.headers, sent.query, sent.client);
        let case = format!("{when} {headers:?} {query} {client}");
        assert_eq!(holds(&when, &sent), expected, "{case}");
        assert_eq!(holds(&json!({"not": when}), &sent), !expected, "not {case}");
    }
}

/// Conditions of every shape over two that hold and two that do not.
fn conditions() -> impl Strategy<Value = (Value, bool)> {
    let leaf = prop_oneof![
        Just((json!({"country": ["DE"]}), true)),
        Just((json!({"country": ["FR"]}), false)),
        Just((json!({"parameter": {"name": "a", "is": ["1"]}}), true)),
        Just((json!({"preview": true}), false)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        let split =
            |parts: Vec<(Value, bool)>| -> (Vec<Value>, Vec<bool>) { parts.into_iter().unzip() };
        prop_oneof![
            list.clone().prop_map(move |parts| {
                let (conditions, hold) = split(parts);
                (json!({"all": conditions}), hold.iter().all(|holds| *holds))
            }),
            list.prop_map(move |parts| {
                let (conditions, hold) = split(parts);
                (json!({"any": conditions}), hold.iter().any(|holds| *holds))
            }),
            inner.prop_map(|(condition, holds)| (json!({"not": condition}), !holds)),
        ]
    })
}

fn visitor() -> Sent<'static> {
    Sent {
        client: "198.51.100.7",
        query: "a=1",
        ..Sent::default()
    }
}

proptest! {
    #[test]
    fn and_or_and_not_are_what_they_are_called((condition, expected) in conditions()) {
        prop_assert_eq!(holds(&condition, &visitor()), expected, "{}", condition);
    }

    #[test]
    fn not_all_is_any_not((one, _) in conditions(), (two, _) in conditions()) {
        let not = |condition: &Value| json!({"not": condition});
        let all = json!({"all": [one, two]});
        let any_not = json!({"any": [not(&one), not(&two)]});
        // One deeper than links may be: the tree is cut where it would be refused.
        prop_assume!(depth(&any_not) <= 8);
        prop_assert_eq!(holds(&not(&all), &visitor()), holds(&any_not, &visitor()));
    }

    #[test]
    fn the_first_rule_that_holds_decides(hold in prop::collection::vec(any::<bool>(), 0..8)) {
        let rules: Vec<_> = hold.iter().enumerate().map(|(n, holds)| {
            json!({"when": {"preview": !holds}, "destination": format!("https://r{n}.example/")})
        }).collect();
        let place = place(json!({"rules": rules}));
        let location = Sent::default().location(&place);
        let host = hold.iter().position(|holds| *holds).map_or("shop".into(), |n| format!("r{n}"));
        prop_assert!(location.starts_with(&format!("https://{host}.example/")), "{}", location);
    }
}

fn depth(condition: &Value) -> usize {
    match condition {
        Value::Array(list) => list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(map) => map
            .iter()
            .map(|(key, inner)| {
                1 + if matches!(key.as_str(), "all" | "any" | "not") {
                    depth(inner)
                } else {
                    0
                }
            })
            .max()
            .unwrap_or_default(),
        _ => 0,
    }
}
