//! Each kind of link, and the order in which they are decided.

use std::num::NonZeroU64;

use proptest::prelude::*;
use serde_json::json;
use whence_core::click::{Method, Outcome};

use super::world::{
    CHROME, FACEBOOK, GOOGLEBOT, Sent, html, page, place, place_of, redirect, spec, time,
    without_link,
};
use crate::answer::Answer;
use crate::decide::{Ask, Password, Room};

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA";

fn cap(clicks: u64) -> NonZeroU64 {
    NonZeroU64::new(clicks).expect("above 0")
}

#[test]
fn a_schedule_opens_and_closes_to_the_moment() {
    let pages = json!({"starts_at": "2026-11-01T00:00:00Z", "expires_at": "2026-12-01T00:00:00Z"});
    let urls = json!({"starts_at": "2026-11-01T00:00:00Z", "expires_at": "2026-12-01T00:00:00Z",
        "pending_url": "https://shop.example/soon", "expired_url": "https://shop.example/late", "status": 301});
    for (now, outcome, status, url) in [
        (
            "2026-10-31T23:59:59.999Z",
            Outcome::Pending,
            404,
            "https://shop.example/soon",
        ),
        ("2026-11-01T00:00:00Z", Outcome::Redirected, 0, ""),
        ("2026-11-30T23:59:59.999Z", Outcome::Redirected, 0, ""),
        (
            "2026-12-01T00:00:00Z",
            Outcome::Expired,
            410,
            "https://shop.example/late",
        ),
    ] {
        let at = |spec: &serde_json::Value, look: &dyn Fn(crate::decide::Decision<'_>)| {
            let place = place(spec.clone());
            let decided = Sent::default().verdict(&place, |facts| facts.now = time(now));
            look(decided.expect("nothing to find out"));
        };
        at(&pages, &|decision| {
            assert_eq!(decision.outcome, outcome, "{now}");
            if status > 0 {
                assert_eq!(decision.visitor, None, "{now}");
                assert_eq!(page(decision).status, status, "{now}");
            }
        });
        at(&urls, &|decision| {
            assert_eq!(decision.outcome, outcome, "{now}");
            if status > 0 {
                let redirect = redirect(decision);
                assert_eq!((redirect.code(), &*redirect.location), (302, url), "{now}");
                assert_eq!(redirect.known, None);
            }
        });
    }
}

#[test]
fn what_is_not_there_is_said_as_the_domain_wants() {
    let disabled = || spec(json!({"disabled": true, "expired_url": "https://shop.example/late"}));
    for (link, outcome) in [(true, Outcome::Disabled), (false, Outcome::NotFound)] {
        let ask = |adjust: fn(&mut whence_core::domain::DomainSpec), path: &str| {
            let place = place_of(disabled(), |_, domain| adjust(&mut domain.spec));
            let place = if link { place } else { without_link(place) };
            let sent = Sent {
                path,
                ..Sent::default()
            };
            let decision = sent.decided(&place);
            assert_eq!((decision.outcome, decision.visitor), (outcome, None));
            match decision.answer {
                Answer::Redirect(redirect) => format!("{} {}", redirect.code(), redirect.location),
                Answer::Page(page) => {
                    format!("{} {}", page.status, String::from_utf8_lossy(&page.body))
                }
            }
        };
        let ours = ask(|_| (), "/x");
        assert!(
            ours.starts_with("404 ") && ours.contains("There is no link here."),
            "{ours}"
        );
        let own = ask(
            |spec| spec.not_found_text = Some("Nothing <b>here</b>\nSorry".parse().expect("prose")),
            "/x",
        );
        assert!(
            own.starts_with("404 ") && own.contains("Nothing &lt;b&gt;here&lt;/b&gt;\nSorry"),
            "{own}"
        );
        let to_url = |spec: &mut whence_core::domain::DomainSpec| {
            spec.not_found_url = Some("https://acme.example/lost".parse().expect("a URL"));
            spec.root_url = Some("https://acme.example/".parse().expect("a URL"));
        };
        assert_eq!(ask(to_url, "/x"), "302 https://acme.example/lost");
        let root = ask(to_url, "/");
        assert_eq!(root, "302 https://acme.example/");
    }
}

#[test]
fn a_host_that_nobody_has_claimed_has_no_links() {
    let mut place = without_link(place(json!({})));
    place.site = None;
    let decision = Sent::default().decided(&place);
    assert_eq!(decision.outcome, Outcome::NotFound);
    assert_eq!(page(decision).status, 404);
}

#[test]
fn a_cap_asks_for_people_who_are_sent_on_and_for_nobody_else() {
    let place = place(json!({"max_clicks": 5, "expired_url": "https://shop.example/late"}));
    let person = Sent::by(CHROME);
    let head = Sent {
        method: Method::Head,
        ..person.clone()
    };
    let with = |name, purpose| Sent::with(&[("user-agent", CHROME), (name, purpose)]);
    for (sent, takes) in [
        (person.clone(), true),
        (with("sec-purpose", "prefetch;prerender"), false),
        (with("purpose", "Prefetch"), false),
        (with("x-moz", "preview"), false),
        (with("sec-purpose", "anything"), true),
        (with("purpose", "prefetched"), true),
        (
            Sent {
                method: Method::Post,
                ..person.clone()
            },
            true,
        ),
        (head, false),
        (Sent::by(GOOGLEBOT), false),
        (Sent::by(FACEBOOK), false),
        (Sent::default(), false),
    ] {
        let ask = Ask::Room { cap: cap(5), takes };
        assert_eq!(sent.verdict(&place, |_| ()), Err(ask), "{:?}", sent.headers);
        let left = sent
            .verdict(&place, |facts| facts.room = Room::Left)
            .expect("decided");
        assert_eq!(left.outcome, Outcome::Redirected);
        let none = sent
            .verdict(&place, |facts| facts.room = Room::UsedUp)
            .expect("decided");
        assert_eq!(none.outcome, Outcome::UsedUp);
        assert_eq!(redirect(none).location, "https://shop.example/late");
    }
}

#[test]
fn a_used_up_link_without_a_url_is_gone() {
    let place = place(json!({"max_clicks": 5}));
    let decision = Sent::default().verdict(&place, |facts| facts.room = Room::UsedUp);
    assert_eq!(page(decision.expect("decided")).status, 410);
}

#[test]
fn a_password_is_asked_for_before_anything_is_told() {
    let place = place(
        json!({"password_hash": HASH, "max_clicks": 5, "status": 307,
        "preview": {"title": "Sale"}}),
    );
    for agent in [CHROME, FACEBOOK] {
        let sent = Sent::by(agent);
        let with = |password: Password, room: Room| {
            sent.verdict(&place, |facts| {
                facts.password = Some(password);
                facts.room = room;
            })
        };
        assert_eq!(sent.verdict(&place, |_| ()), Err(Ask::Password));
        for (password, status) in [(Password::Missing, 200), (Password::Wrong, 403)] {
            let decision = with(password, Room::Unknown).expect("no click is taken for a form");
            assert_eq!(
                (decision.outcome, decision.visitor),
                (Outcome::Locked, None)
            );
            let page = page(decision);
            assert_eq!(page.status, status);
            let html = String::from_utf8_lossy(&page.body).into_owned();
            assert!(
                html.contains("<form method=\"post\">") && !html.contains("Sale"),
                "{html}"
            );
        }
        let takes = agent == CHROME;
        let ask = Ask::Room { cap: cap(5), takes };
        assert_eq!(with(Password::Proven, Room::Unknown), Err(ask));
        let used_up = with(Password::Proven, Room::UsedUp).expect("decided");
        assert_eq!(used_up.outcome, Outcome::UsedUp);
    }
    let given = Sent::by(CHROME).verdict(&place, |facts| {
        facts.password = Some(Password::Given("whp=1.2; Path=/x".into()));
        facts.room = Room::Left;
    });
    let given = redirect(given.expect("decided"));
    assert_eq!(
        (given.code(), given.pass.as_deref()),
        (303, Some("whp=1.2; Path=/x"))
    );
    let proven = Sent::by(CHROME).verdict(&place, |facts| {
        facts.password = Some(Password::Proven);
        facts.room = Room::Left;
    });
    assert_eq!(redirect(proven.expect("decided")).code(), 307);
}

#[test]
fn preview_fetchers_see_the_preview_and_people_do_not() {
    let preview = json!({"title": "\"50 %\" <off>", "description": "All & more", "image": "https://cdn.example/i.png?a=1&b=2"});
    let place = place(
        json!({"preview": preview, "rules": [{"when": {"preview": true}, "destination": "https://other.example/"}]}),
    );
    let decision = Sent::by(FACEBOOK).decided(&place);
    assert_eq!(
        (decision.outcome, decision.visitor),
        (Outcome::Previewed, None)
    );
    let html = html(decision);
    for tag in [
        r#"<meta property="og:title" content="&quot;50 %&quot; &lt;off&gt;">"#,
        r#"<meta property="og:description" content="All &amp; more">"#,
        r#"<meta property="og:image" content="https://cdn.example/i.png?a=1&amp;b=2">"#,
        r#"<meta property="og:url" content="https://go.example/x">"#,
        r#"<meta name="twitter:card" content="summary_large_image">"#,
        r#"<meta name="twitter:title" content="&quot;50 %&quot; &lt;off&gt;">"#,
        r#"<meta http-equiv="refresh" content="1; url=https://shop.example/">"#,
        r#"<title>&quot;50 %&quot; &lt;off&gt;</title>"#,
    ] {
        assert!(html.contains(tag), "{tag} in {html}");
    }
    assert!(
        !html.contains("wcid"),
        "no id is given to a machine: {html}"
    );
    assert!(
        Sent::by(CHROME)
            .location(&place)
            .starts_with("https://shop.example/?wcid=")
    );
}

#[test]
fn a_fetcher_is_redirected_where_the_link_has_no_preview() {
    let rules = json!([{"when": {"preview": true}, "destination": "https://card.example/"}]);
    let place = place(json!({"rules": rules}));
    assert!(
        Sent::by(FACEBOOK)
            .location(&place)
            .starts_with("https://card.example/")
    );
    assert!(
        Sent::by(CHROME)
            .location(&place)
            .starts_with("https://shop.example/")
    );
}

#[test]
fn the_inspection_tells_what_following_would_and_no_more() {
    let sent = Sent {
        path: "/x+",
        ..Sent::by(CHROME)
    };
    let plain = place(json!({}));
    let decision = sent.inspected(&plain, |_| ()).expect("decided");
    assert_eq!(
        (decision.outcome, decision.visitor),
        (Outcome::Inspected, None)
    );
    let told = html(decision);
    assert!(
        told.contains("<code>https://shop.example/</code>")
            && told.contains("href=\"https://go.example/x\""),
        "{told}"
    );
    assert!(!told.contains("Some visitors"), "{told}");

    // A path that browsers would take for another host's address.
    let stray = Sent {
        path: "//evil.example/x+",
        ..sent.clone()
    };
    let told = html(stray.inspected(&plain, |_| ()).expect("decided"));
    assert!(
        told.contains("href=\"https://go.example//evil.example/x\""),
        "{told}"
    );

    let varied = place(json!({"android": {"destination": "https://app.example/"}}));
    let told = html(sent.inspected(&varied, |_| ()).expect("decided"));
    assert!(
        told.contains("https://shop.example/") && told.contains("Some visitors"),
        "{told}"
    );

    for (json, outcome) in [
        (json!({"password_hash": HASH}), Outcome::Inspected),
        (json!({"disabled": true}), Outcome::Disabled),
        (
            json!({"starts_at": "2027-01-01T00:00:00Z", "pending_url": "https://secret.example/"}),
            Outcome::Pending,
        ),
        (
            json!({"expires_at": "2026-01-01T00:00:00Z", "expired_url": "https://secret.example/"}),
            Outcome::Expired,
        ),
    ] {
        let place = place(json.clone());
        let decision = sent.inspected(&place, |_| ()).expect("decided");
        assert_eq!(decision.outcome, outcome, "{json}");
        let told = html(decision);
        assert!(
            !told.contains("shop.example") && !told.contains("secret"),
            "{json}: {told}"
        );
    }

    let capped = place(json!({"max_clicks": 5}));
    let ask = Ask::Room {
        cap: cap(5),
        takes: false,
    };
    assert_eq!(sent.inspected(&capped, |_| ()), Err(ask));
    let used_up = sent
        .inspected(&capped, |facts| facts.room = Room::UsedUp)
        .expect("decided");
    assert_eq!(used_up.outcome, Outcome::UsedUp);
    assert!(!html(used_up).contains("shop.example"));
}

proptest! {
    #[test]
    fn the_first_step_that_says_no_decides(
        bits in prop::array::uniform9(any::<bool>())
    ) {
        let [disabled, pending, expired, used_up, locked, preview, rule, app, variant] = bits;
        let case = format!("{bits:?}");
        let mut json = json!({"max_clicks": 1, "password_hash": HASH});
        let fields = json.as_object_mut().expect("an object");
        fields.insert("disabled".into(), disabled.into());
        let mut when = |is: bool, key: &str, value: serde_json::Value| {
            if is {
                fields.insert(key.into(), value);
            }
        };
        when(pending, "starts_at", json!("2030-01-01T00:00:00Z"));
        // Both at once cannot be: the end must come later.
        when(expired && !pending, "expires_at", json!("2020-01-01T00:00:00Z"));
        when(preview, "preview", json!({"title": "t"}));
        when(rule, "rules", json!([{"when": {"all": [{"preview": true}]}, "destination": "https://rule.example/"}]));
        when(app, "ios", json!({"destination": "https://app.example/"}));
        when(variant, "variants", json!([{"name": "v", "destination": "https://variant.example/", "weight": 1}]));
        let place = place(json);
        let decided = Sent::by(if preview || rule { FACEBOOK } else { super::world::IPHONE })
            .verdict(&place, |facts| {
                facts.room = if used_up { Room::UsedUp } else { Room::Left };
                facts.password = Some(if locked { Password::Missing } else { Password::Proven });
            })
            .expect("everything is known");
        let expected = if disabled { Outcome::Disabled }
            else if pending { Outcome::Pending }
            else if expired { Outcome::Expired }
            else if used_up { Outcome::UsedUp }
            else if locked { Outcome::Locked }
            else if preview { Outcome::Previewed }
            else { Outcome::Redirected };
        prop_assert_eq!(decided.outcome, expected, "{}", case);
        if expected == Outcome::Redirected {
            let named = decided.variant;
            let location = redirect(decided).location;
            let host = if rule { "rule" } else if app { "app" } else if variant { "variant" } else { "shop" };
            prop_assert!(location.starts_with(&format!("https://{host}.example/")), "{} {}", location, case);
            prop_assert_eq!(named, if host == "variant" { "v" } else { "" });
        }
    }
}
