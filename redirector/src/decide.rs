//! What becomes of a click: a pure function of who asks and what stands there.
//!
//! No clock, no store, no journal: what it needs to know, it is told, so that tables and properties
//! can test it.

use whence_core::click::Outcome;
use whence_core::id::{ClickId, VisitorId};
use whence_core::workspace::PrivacyMode;

use crate::answer::{self, Answer, Known, Redirect};
use crate::request::Asked;
use crate::resolve::Place;
use crate::target::Target;

/// What the click becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What is recorded as answered.
    pub(crate) outcome: Outcome,
    /// What is answered.
    pub(crate) answer: Answer,
    /// The visitor, where the workspace may know one.
    pub(crate) visitor: Option<Visitor>,
}

/// A visitor who may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Their id.
    pub(crate) id: VisitorId,
    /// Whether this answer makes it known to the browser for the first time.
    pub(crate) new: bool,
}

/// Decides. `click` is the id minted for this request, `stranger` mints the id of a new visitor.
pub(crate) fn decide(
    asked: &Asked<'_>,
    place: &Place,
    click: ClickId,
    stranger: impl FnOnce() -> VisitorId,
) -> Decision {
    let (Some(site), Some(target)) = (&place.site, &place.target) else {
        return Decision {
            outcome: Outcome::NotFound,
            answer: answer::not_found(),
            visitor: None,
        };
    };
    let privacy = match asked.opted_out {
        true => site.workspace.privacy.lowered(),
        false => site.workspace.privacy,
    };
    let visitor = (privacy == PrivacyMode::Full).then(|| match asked.visitor {
        Some(id) => Visitor { id, new: false },
        None => Visitor {
            id: stranger(),
            new: true,
        },
    });
    let location = location(target, &site.workspace.click_id_parameter, click);
    Decision {
        outcome: Outcome::Redirected,
        answer: Answer::Redirect(Redirect {
            status: target.status(),
            location,
            known: visitor.map(|visitor| Known {
                visitor: visitor.id,
                click,
            }),
            pass: None,
        }),
        visitor,
    }
}

/// The destination with the click id in its query, before any fragment. A value of the same name that
/// the destination carries gives way: two of them would leave the site to guess.
fn location(target: &Target, parameter: &str, click: ClickId) -> String {
    let mut id = [0; 22];
    let id = click.write_to(&mut id);
    let (url, fragment) = target
        .url()
        .split_at(target.url().find('#').unwrap_or(target.url().len()));
    let length = target.url().len() + parameter.len() + id.len() + 2;
    let mut text = String::with_capacity(length);
    match url.split_once('?') {
        Some((path, query)) => {
            text.push_str(path);
            text.push('?');
            for pair in query
                .split('&')
                .filter(|pair| !pair.is_empty() && !names(pair, parameter))
            {
                text.push_str(pair);
                text.push('&');
            }
        }
        None => {
            text.push_str(url);
            text.push('?');
        }
    }
    text.push_str(parameter);
    text.push('=');
    text.push_str(id);
    text.push_str(fragment);
    text
}

fn names(pair: &str, parameter: &str) -> bool {
    pair.strip_prefix(parameter)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;
    use whence_core::click::Method;
    use whence_core::config::Cookies;
    use whence_core::domain::Domain;
    use whence_core::id::LinkId;
    use whence_core::link::{Link, LinkSpec};
    use whence_core::workspace::Workspace;

    use super::*;
    use crate::request::Reading;
    use crate::resolve::Site;

    const CLICK: ClickId = ClickId(61);

    fn place(destination: &str, privacy: PrivacyMode) -> Place {
        let mut workspace = Workspace::new("acme".parse().unwrap(), "Acme");
        workspace.privacy = privacy;
        let domain = Domain::new("go.example".parse().unwrap(), workspace.id.clone());
        let link = Link {
            id: LinkId(1),
            workspace: workspace.id.clone(),
            domain: domain.host.clone(),
            slug: "x".parse().unwrap(),
            spec: LinkSpec::to(destination.parse().unwrap()),
            learned_weights: Vec::new(),
            revision: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        Place {
            site: Some(Arc::new(Site { domain, workspace })),
            target: Some(Arc::new(Target::from(link))),
            stale: false,
        }
    }

    fn decided(place: &Place, headers: &[(&str, &str)]) -> Decision {
        let cookies = Cookies::default();
        let mut reading = Reading::new("192.0.2.1".parse().unwrap(), &[], &cookies);
        for (name, value) in headers {
            reading.header(name.as_bytes(), value.as_bytes());
        }
        let asked = reading.finish(Method::Get, "/x", "", None);
        decide(&asked, place, CLICK, || VisitorId(99))
    }

    fn location_of(decision: Decision) -> String {
        match decision.answer {
            Answer::Redirect(redirect) => redirect.location,
            Answer::Page(page) => panic!("{page:?}"),
        }
    }

    #[test]
    fn the_click_id_goes_into_the_query() {
        let id = CLICK.to_string();
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
                "https://shop.example/?wcids=1",
                format!("https://shop.example/?wcids=1&wcid={id}"),
            ),
        ] {
            let decision = decided(&place(destination, PrivacyMode::Full), &[]);
            assert_eq!(location_of(decision), expected, "{destination}");
        }
    }

    #[test]
    fn who_may_be_known() {
        let cookie = format!("whv={}", VisitorId(7));
        let known = Some(Visitor {
            id: VisitorId(7),
            new: false,
        });
        let stranger = Some(Visitor {
            id: VisitorId(99),
            new: true,
        });
        let cookie = ("cookie", cookie.as_str());
        for (mode, headers, expected) in [
            (PrivacyMode::Full, vec![], stranger),
            (PrivacyMode::Full, vec![cookie], known),
            (PrivacyMode::Full, vec![("cookie", "whv=forged")], stranger),
            (PrivacyMode::Full, vec![cookie, ("dnt", "0")], known),
            (PrivacyMode::Full, vec![cookie, ("sec-gpc", "1")], None),
            (PrivacyMode::Full, vec![cookie, ("dnt", "1")], None),
            (PrivacyMode::CountOnly, vec![], None),
            (PrivacyMode::CountOnly, vec![cookie], None),
        ] {
            let decision = decided(&place("https://shop.example", mode), &headers);
            assert_eq!(decision.visitor, expected, "{mode:?} {headers:?}");
            assert!(
                matches!(decision.answer, Answer::Redirect(_)),
                "consent never costs the redirect"
            );
        }
    }

    #[test]
    fn nothing_there_is_an_orphan() {
        let mut nowhere = place("https://shop.example", PrivacyMode::Full);
        nowhere.target = None;
        let decision = decided(&nowhere, &[]);
        assert_eq!(
            decision,
            Decision {
                outcome: Outcome::NotFound,
                answer: answer::not_found(),
                visitor: None
            }
        );
    }

    proptest! {
        #[test]
        fn a_location_is_the_destination_and_one_click_id(
            path in "[a-z]{0,8}", pairs in prop::collection::vec("[a-z]{1,5}(=[a-z]{0,5})?", 0..5), fragment in "(#[a-z]{0,5})?",
        ) {
            let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
            let destination = format!("https://shop.example/{path}{query}{fragment}");
            let location = location_of(decided(&place(&destination, PrivacyMode::Full), &[]));
            let url = url::Url::parse(&location).unwrap();
            let ids: Vec<_> = url.query_pairs().filter(|(name, _)| name == "wcid").collect();
            prop_assert_eq!(ids.len(), 1);
            prop_assert_eq!(&*ids[0].1, CLICK.to_string());
            let rest = location.replacen(&format!("wcid={CLICK}"), "", 1).replace("?#", "#").replace("&#", "#");
            let rest = rest.strip_suffix(['?', '&']).unwrap_or(&rest).to_owned();
            prop_assert_eq!(rest, destination);
        }
    }
}
