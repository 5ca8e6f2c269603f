//! Phones and tablets with an app for the link.

use proptest::prelude::*;
use serde_json::json;
use whence_core::click::Outcome;

use super::world::{ANDROID, CHROME, CLICK, GOOGLEBOT, IPHONE, Sent, html, place};
use crate::answer::Answer;

#[test]
fn each_system_is_sent_to_its_own_target() {
    let web = |name: &str| json!({"destination": format!("https://{name}.example/"), "store_url": "https://store.example/"});
    let place = place(json!({"ios": web("ios"), "android": web("android")}));
    for (agent, host) in [
        (IPHONE, "ios"),
        (ANDROID, "android"),
        (CHROME, "shop"),
        (GOOGLEBOT, "shop"),
        ("", "shop"),
    ] {
        let expected = format!("https://{host}.example/?wcid={CLICK}");
        assert_eq!(Sent::by(agent).location(&place), expected, "{agent}");
    }
}

#[test]
fn an_apps_own_scheme_falls_back_to_the_store() {
    let target = json!({"destination": "myapp://item/7?a=b", "store_url": "https://play.example/app?id=1&x=2"});
    let place = place(json!({"ios": target, "android": target}));
    assert_eq!(
        Sent::by(ANDROID).location(&place),
        format!(
            "intent://item/7?a=b&wcid={CLICK}#Intent;scheme=myapp;\
             S.browser_fallback_url=https%3A%2F%2Fplay.example%2Fapp%3Fid%3D1%26x%3D2;end"
        )
    );
    let decision = Sent::by(IPHONE).decided(&place);
    assert_eq!(decision.outcome, Outcome::Redirected);
    assert!(decision.visitor.is_some(), "it is a click like any other");
    let html = html(decision);
    let app = format!("href=\"myapp://item/7?a=b&amp;wcid={CLICK}\"");
    assert!(html.contains(&app), "{html}");
    assert!(
        html.contains("href=\"https://play.example/app?id=1&amp;x=2\""),
        "{html}"
    );
}

#[test]
fn without_a_store_the_app_is_simply_opened() {
    let target = json!({"destination": "myapp://open"});
    let place = place(json!({"ios": target, "android": target}));
    for agent in [IPHONE, ANDROID] {
        let expected = format!("myapp://open?wcid={CLICK}");
        assert_eq!(Sent::by(agent).location(&place), expected);
    }
}

#[test]
fn an_intent_that_cannot_be_written_is_a_page() {
    for (app, store) in [
        ("myapp://open#part", "https://play.example/"),
        ("myapp:open", "https://play.example/"),
        ("myapp://open", "myapp://store"),
    ] {
        let place = place(json!({"android": {"destination": app, "store_url": store}}));
        let html = html(Sent::by(ANDROID).decided(&place));
        assert!(html.contains(&format!("href=\"{store}\"")), "{html}");
    }
}

proptest! {
    #[test]
    fn no_app_and_no_request_break_the_answer(
        app in "myapp:(//)?[a-z]{1,5}(/[!-~]{0,10})?(\\?[!-~]{0,10})?", store in "https://store\\.example/[!-~é ]{0,20}",
        query in "[!-~é]{0,20}", ios: bool,
    ) {
        let query = query.replace('#', "");
        let target = json!({"destination": app, "store_url": store});
        let place = place(json!({"ios": target, "android": target, "forward_query": "keep"}));
        let agent = if ios { IPHONE } else { ANDROID };
        let sent = Sent { query: &query, ..Sent::by(agent) };
        match sent.decided(&place).answer {
            Answer::Redirect(redirect) => {
                prop_assert!(redirect.location.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
                // An intent's parameters stand behind its last #, and are ours alone.
                let (data, parameters) = redirect.location.rsplit_once('#').unwrap();
                prop_assert!(data.starts_with("intent://") && !data.contains('#'), "{}", data);
                let parts: Vec<_> = parameters.split(';').collect();
                prop_assert_eq!(parts.len(), 4, "{}", parameters);
            }
            Answer::Page(page) => {
                let html = String::from_utf8(page.body.to_vec()).unwrap();
                // The page's own tags and no other.
                prop_assert_eq!(html.matches('<').count(), 19, "{}", html);
            }
        }
    }
}
