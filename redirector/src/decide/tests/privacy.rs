//! Which cookies and ids exist, for each mode and whatever the browser says.

use serde_json::json;
use whence_core::id::VisitorId;
use whence_core::workspace::PrivacyMode::{self, Cookieless, CountOnly, Full};

use super::world::{CLICK, STRANGER, Sent, place_of, redirect, spec};
use crate::answer::Known;
use crate::decide::Visitor;

/// Whether a visitor is known, in a cookie and in the record, and whether the click id leaves.
const ALL: (bool, bool) = (true, true);
const CLICK_ONLY: (bool, bool) = (false, true);
const NOTHING: (bool, bool) = (false, false);

/// Mode, `Sec-GPC` and `DNT`, and what exists then.
const TABLE: [(PrivacyMode, bool, bool, (bool, bool)); 12] = [
    (Full, false, false, ALL),
    (Full, true, false, CLICK_ONLY),
    (Full, false, true, CLICK_ONLY),
    (Full, true, true, CLICK_ONLY),
    (Cookieless, false, false, CLICK_ONLY),
    (Cookieless, true, false, NOTHING),
    (Cookieless, false, true, NOTHING),
    (Cookieless, true, true, NOTHING),
    (CountOnly, false, false, NOTHING),
    (CountOnly, true, false, NOTHING),
    (CountOnly, false, true, NOTHING),
    (CountOnly, true, true, NOTHING),
];

#[test]
fn the_table() {
    let known = format!("whv={}", VisitorId(7));
    for (mode, gpc, dnt, (cookies, click_id)) in TABLE {
        for cookie in [None, Some(&*known), Some("whv=forged")] {
            for link in [json!({}), json!({"forward_query": "keep"})] {
                let place = place_of(spec(link), |workspace, _| workspace.privacy = mode);
                let mut headers = vec![("sec-gpc", "0"), ("dnt", "0")];
                headers.extend(gpc.then_some(("sec-gpc", "1")));
                headers.extend(dnt.then_some(("dnt", "1")));
                headers.extend(cookie.map(|cookie| ("cookie", cookie)));
                let case = format!("{mode:?} {headers:?}");
                let visitor = cookies.then(|| match cookie {
                    Some(cookie) if cookie == known => Visitor {
                        id: VisitorId(7),
                        new: false,
                    },
                    _ => Visitor {
                        id: STRANGER,
                        new: true,
                    },
                });
                let decision = Sent::with(&headers).decided(&place);
                assert_eq!(decision.visitor, visitor, "recorded: {case}");
                let redirect = redirect(decision);
                let set = visitor.map(|visitor| Known {
                    visitor: visitor.id,
                    click: CLICK,
                });
                assert_eq!(redirect.known, set, "cookies: {case}");
                let carried = redirect.location.contains(&CLICK.to_string());
                assert_eq!(carried, click_id, "click id: {case}");
            }
        }
    }
}

#[test]
fn a_link_may_keep_the_click_id_to_itself_in_any_mode() {
    for mode in [Full, Cookieless, CountOnly] {
        let link = spec(json!({"click_id": false}));
        let place = place_of(link, |workspace, _| workspace.privacy = mode);
        assert_eq!(Sent::default().location(&place), "https://shop.example/");
    }
}

#[test]
fn who_is_not_followed_is_new_each_time() {
    let known = format!("whv={}", VisitorId(7));
    let rules =
        json!([{"when": {"visitor": "returning"}, "destination": "https://again.example/"}]);
    let link = spec(json!({"rules": rules}));
    for (mode, headers, host) in [
        (Full, vec![("cookie", &*known)], "again"),
        (Full, vec![], "shop"),
        (Full, vec![("cookie", &*known), ("sec-gpc", "1")], "shop"),
        (Cookieless, vec![("cookie", &*known)], "shop"),
    ] {
        let place = place_of(link.clone(), |workspace, _| workspace.privacy = mode);
        let location = Sent::with(&headers).location(&place);
        assert!(
            location.starts_with(&format!("https://{host}.example/")),
            "{mode:?} {headers:?}"
        );
    }
}
