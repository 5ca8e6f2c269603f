//! Where a click is sent: each addition by a table, and the laws that hold for any request.

use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::world::{CLICK, Sent, place, place_of, spec};
use crate::resolve::Place;

fn to(destination: &str, more: Value) -> Place {
    let mut json = more;
    json["destination"] = destination.into();
    place(json)
}

fn asked(query: &str) -> Sent<'_> {
    Sent {
        query,
        ..Sent::default()
    }
}

#[test]
fn the_click_id_goes_into_the_query() {
    let id = CLICK.to_string();
    for more in [json!({}), json!({"forward_path": true})] {
        for (destination, expected) in [
            (
                "https://shop.example",
                format!("https://shop.example/?wcid={id}"),
            ),
            (
                "https://shop.example/a?b=c",
                format!("https://shop.example/a?b=c&wcid={id}"),
            ),
            (
                "https://shop.example/a#top",
                format!("https://shop.example/a?wcid={id}#top"),
            ),
            (
                "https://shop.example/?#top",
                format!("https://shop.example/?wcid={id}#top"),
            ),
            (
                "https://shop.example/?wcid=old&b=c",
                format!("https://shop.example/?b=c&wcid={id}"),
            ),
            (
                "https://shop.example/?wcid",
                format!("https://shop.example/?wcid={id}"),
            ),
            (
                "https://shop.example/?%77cid=old",
                format!("https://shop.example/?wcid={id}"),
            ),
            (
                "https://shop.example/?wcids=1",
                format!("https://shop.example/?wcids=1&wcid={id}"),
            ),
            (
                "https://shop.example/#/a?b=c",
                format!("https://shop.example/?wcid={id}#/a?b=c"),
            ),
        ] {
            assert_eq!(
                Sent::default().location(&to(destination, more.clone())),
                expected
            );
        }
    }
}

#[test]
fn the_click_ids_parameter_is_the_links_or_the_workspaces() {
    let link = spec(json!({"click_id_parameter": "cid"}));
    let place = place_of(link, |workspace, _| {
        workspace.click_id_parameter = "acme".into()
    });
    assert_eq!(
        Sent::default().location(&place),
        format!("https://shop.example/?cid={CLICK}")
    );
    let place = place_of(spec(json!({})), |workspace, _| {
        workspace.click_id_parameter = "acme".into()
    });
    assert_eq!(
        Sent::default().location(&place),
        format!("https://shop.example/?acme={CLICK}")
    );
}

#[test]
fn utm_parameters_replace_the_destinations_own() {
    let utm = json!({"source": "friend", "content": "a b&c=d#é"});
    let place = to(
        "https://shop.example/?utm_source=old&a=b&utm_medium=mail&utm%5Fcontent=x#top",
        json!({"utm": utm, "click_id": false}),
    );
    assert_eq!(
        Sent::default().location(&place),
        "https://shop.example/?a=b&utm_medium=mail&utm_source=friend&utm_content=a%20b%26c%3Dd%23%C3%A9#top"
    );
}

#[test]
fn the_visitors_query_is_dropped_kept_or_overrides() {
    let query = "a=2&b=3&b=4&utm_source=x&wcid=forged&%77cid=forged&cid=forged&c=%20+\"'&&d";
    for (forwarding, expected) in [
        ("drop", "a=1&k=v&utm_source=friend".to_owned()),
        (
            "keep",
            "a=1&k=v&utm_source=friend&b=3&b=4&c=%20+%22%27&d".to_owned(),
        ),
        (
            "override",
            "k=v&a=2&b=3&b=4&utm_source=x&c=%20+%22%27&d".to_owned(),
        ),
    ] {
        let more = json!({"forward_query": forwarding, "utm": {"source": "friend"}, "click_id_parameter": "cid"});
        let place = to("https://shop.example/?a=1&k=v", more);
        let expected = format!("https://shop.example/?{expected}&cid={CLICK}");
        assert_eq!(asked(query).location(&place), expected, "{forwarding}");
    }
}

#[test]
fn what_follows_a_prefix_link_is_added_to_the_path() {
    for (destination, path, expected) in [
        (
            "https://shop.example/",
            "/x/a/b",
            "https://shop.example/a/b",
        ),
        (
            "https://shop.example/base",
            "/x/a",
            "https://shop.example/base/a",
        ),
        (
            "https://shop.example/base/?q=1#f",
            "/x/a",
            "https://shop.example/base/a?q=1#f",
        ),
        (
            "https://shop.example/base",
            "/x/",
            "https://shop.example/base",
        ),
        (
            "https://shop.example/base/",
            "/x/a%20b/%C3%A9",
            "https://shop.example/base/a%20b/%C3%A9",
        ),
        (
            "https://shop.example/base/",
            "/x/../../etc/./%2e%2E/.%2e/p",
            "https://shop.example/base/etc/p",
        ),
        (
            "https://shop.example/base/",
            "/x/..%2Fp",
            "https://shop.example/base/..%2Fp",
        ),
        (
            "https://shop.example/base/",
            "/x/..\\..\\p",
            "https://shop.example/base/..%5C..%5Cp",
        ),
        (
            "https://shop.example/",
            "/x//evil.example/p",
            "https://shop.example//evil.example/p",
        ),
        ("myapp://open", "/x/a", "myapp://open/a"),
        ("mailto:a@b.example", "/x/a", "mailto:a@b.example"),
    ] {
        let mut more = json!({"forward_path": true, "click_id": false});
        more["destination"] = destination.into();
        let mut place = if destination.starts_with("mailto") {
            let spec = serde_json::from_value(more).expect("a spec");
            place_of(spec, |_, _| ())
        } else {
            place(more)
        };
        place.prefix = Some("x/".len());
        let sent = Sent {
            path,
            ..Sent::default()
        };
        assert_eq!(sent.location(&place), expected, "{destination} {path}");
    }
}

#[test]
fn nothing_is_added_where_a_query_means_something_else() {
    for destination in ["mailto:a@b.example", "tel:+49891234"] {
        let spec = serde_json::from_value(
            json!({"destination": destination, "utm": {"source": "x"}, "forward_query": "keep"}),
        );
        let place = place_of(spec.expect("a spec"), |_, _| ());
        assert_eq!(asked("a=b").location(&place), destination);
    }
}

#[test]
fn the_status_is_the_links() {
    for status in [301, 302, 307, 308] {
        let place = place(json!({"status": status, "forward_query": "keep"}));
        let redirect = super::world::redirect(Sent::default().decided(&place));
        assert_eq!(redirect.code(), status);
    }
}

/// Anything that an owner may write as a destination.
fn destinations() -> impl Strategy<Value = String> {
    let pairs = prop::collection::vec(
        "(a|b|wcid|utm_source|%77cid|c d|é)(=[a-z%&;é ]{0,5})?",
        0..5,
    );
    (
        prop_oneof![
            "https://shop\\.example",
            "http://10\\.0\\.0\\.1:81",
            "myapp://open"
        ],
        "(/[a-zé .%]{0,6}){0,3}",
        pairs,
        "(#[a-z?=&é]{0,6})?",
    )
        .prop_map(|(origin, path, pairs, fragment)| {
            let query = if pairs.is_empty() {
                String::new()
            } else {
                format!("?{}", pairs.join("&"))
            };
            format!("{origin}{path}{query}{fragment}")
        })
}

/// Anything that a client may send as a query.
fn queries() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~é\\x01\\x7f]{0,60}",
        "((a|b|wcid|%77cid|utm_source)(=[!-~é]{0,6})?&){0,6}"
    ]
}

proptest! {
    #[test]
    fn any_request_to_any_link_is_sent_to_a_whole_url(
        destination in destinations(), query in queries(), path in "/x/[!-~é\\x01]{0,40}",
        forwarding in prop_oneof!["drop", "keep", "override"], utm in prop::option::of("[\\PC]{1,12}"),
        click_id: bool, forward_path: bool,
    ) {
        // The query itself ends where a fragment would begin: no client sends one.
        let query = query.replace('#', "");
        let path = path.split(['?', '#']).next().unwrap();
        let mut spec = json!({"destination": destination, "forward_query": forwarding, "click_id": click_id, "forward_path": forward_path});
        if let Some(source) = &utm {
            spec["utm"] = json!({"source": source});
        }
        let Ok(spec) = serde_json::from_value::<whence_core::link::LinkSpec>(spec) else {
            // Such as a destination whose path climbs out of itself.
            return Ok(());
        };
        let stored = Url::parse(spec.destination.as_str()).unwrap();
        let mut place = place_of(spec, |_, _| ());
        place.prefix = Some("x/".len());
        let sent = Sent { path, query: &query, ..Sent::default() };
        let location = sent.location(&place);
        prop_assert!(location.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{}", location);
        let url = Url::parse(&location).unwrap();
        prop_assert_eq!((url.scheme(), url.host(), url.port()), (stored.scheme(), stored.host(), stored.port()));
        prop_assert_eq!(url.fragment(), stored.fragment());
        let base = stored.path().trim_end_matches('/');
        prop_assert!(url.path().starts_with(base), "{} below {}", url.path(), base);
        if !forward_path {
            prop_assert_eq!(url.path(), stored.path());
        }
        let named = |name: &str| url.query_pairs().filter(|(found, _)| found == name).map(|(_, value)| value.into_owned()).collect::<Vec<_>>();
        if click_id {
            prop_assert_eq!(named("wcid"), [CLICK.to_string()]);
            let last = format!("wcid={CLICK}");
            prop_assert!(url.query().unwrap().ends_with(&last));
        } else {
            let own = stored.query_pairs().filter(|(name, _)| name == "wcid").count();
            prop_assert_eq!(named("wcid").len(), own, "none from outside");
        }
        if let Some(source) = utm && forwarding != "override" {
            prop_assert_eq!(named("utm_source"), [source]);
        }
        if forwarding != "drop" {
            let theirs = |name: &str| url::form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name).count();
            let own = stored.query_pairs().filter(|(found, _)| found == "a").count();
            let expected = match forwarding.as_str() {
                "keep" if own > 0 => own,
                "override" if theirs("a") == 0 => own,
                _ => theirs("a"),
            };
            prop_assert_eq!(named("a").len(), expected, "{} {}", location, query);
        }
    }

    #[test]
    fn a_plain_location_is_the_destination_and_one_click_id(
        path in "[a-z]{0,8}", pairs in prop::collection::vec("[a-z]{1,5}(=[a-z]{0,5})?", 0..5), fragment in "(#[a-z]{0,5})?",
    ) {
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let destination = format!("https://shop.example/{path}{query}{fragment}");
        let location = Sent::default().location(&to(&destination, json!({})));
        let rest = location.replacen(&format!("wcid={CLICK}"), "", 1).replace("?#", "#").replace("&#", "#");
        let rest = rest.strip_suffix(['?', '&']).unwrap_or(&rest).to_owned();
        prop_assert_eq!(rest, destination);
    }
}
