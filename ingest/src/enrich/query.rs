//! What the short link's own query says of where the click came from: UTM tags and click identifiers.

use url::form_urlencoded;
use whence_core::click::bounded;

use super::privacy::names_a_person;

/// The longest value that is kept, in bytes: a label to group by, not a document.
const LONGEST: usize = 256;

/// The tags of a query, each empty where it is missing. The first of two alike counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    /// `utm_source`.
    pub(super) source: String,
    /// `utm_medium`.
    pub(super) medium: String,
    /// `utm_campaign`.
    pub(super) campaign: String,
    /// `utm_term`.
    pub(super) term: String,
    /// `utm_content`.
    pub(super) content: String,
    /// What an advertising network has added.
    pub(super) click_id: Option<NetworkClickId>,
}

/// Who marked the click, and as what: stands in for the UTM tags that a link does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetworkClickId {
    /// The source's name in the table of sources.
    pub(super) source: &'static str,
    /// The medium it stands for; empty where both advertisements and plain posts carry it.
    pub(super) medium: &'static str,
}

/// Parameters in the wild, from the strongest evidence to the weakest: a click may carry several.
const CLICK_IDS: &[(&str, &str, &str)] = &[
    ("dclid", "Google", "display"),
    ("gclid", "Google", "cpc"),
    ("gbraid", "Google", "cpc"),
    ("wbraid", "Google", "cpc"),
    ("gclsrc", "Google", "cpc"),
    ("gad_source", "Google", "cpc"),
    ("msclkid", "Bing", "cpc"),
    ("ttclid", "TikTok", "cpc"),
    ("twclid", "X", "cpc"),
    ("li_fat_id", "LinkedIn", "cpc"),
    ("epik", "Pinterest", "cpc"),
    ("sccid", "Snapchat", "cpc"),
    ("rdt_cid", "Reddit", "cpc"),
    ("qclid", "Quora", "cpc"),
    ("yclid", "Yandex", "cpc"),
    ("irclid", "Impact", "affiliate"),
    ("irclickid", "Impact", "affiliate"),
    ("awc", "Awin", "affiliate"),
    ("cjevent", "CJ", "affiliate"),
    ("ransiteid", "Rakuten Advertising", "affiliate"),
    ("sscid", "ShareASale", "affiliate"),
    ("mc_cid", "Mailchimp", "email"),
    ("mc_eid", "Mailchimp", "email"),
    ("_hsenc", "HubSpot", "email"),
    ("_kx", "Klaviyo", "email"),
    // What its own share button adds; `igsh` is the newer name.
    ("igshid", "Instagram", ""),
    ("igsh", "Instagram", ""),
    // Facebook adds it to every outgoing link, paid or not.
    ("fbclid", "Facebook", ""),
];

impl Tags {
    /// Reads an undecoded query string. Names are matched in any letter case, since people write them.
    pub(super) fn of(query: &str) -> Self {
        let mut tags = Self::default();
        let mut strongest = CLICK_IDS.len();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let name = name.to_ascii_lowercase();
            let place = match name.as_str() {
                "utm_source" => &mut tags.source,
                "utm_medium" => &mut tags.medium,
                "utm_campaign" => &mut tags.campaign,
                "utm_term" => &mut tags.term,
                "utm_content" => &mut tags.content,
                _ => {
                    let rank = CLICK_IDS.iter().position(|(id, ..)| *id == name);
                    strongest = strongest.min(rank.unwrap_or(strongest));
                    continue;
                }
            };
            if place.is_empty() {
                *place = bounded(value.as_bytes(), LONGEST).into_owned();
            }
        }
        tags.click_id = CLICK_IDS
            .get(strongest)
            .map(|&(_, source, medium)| NetworkClickId { source, medium });
        tags
    }
}

/// The query with nothing but known marks, for visitors of whom little may be known: `utm_…` as they were, unless there is
/// an e-mail address in them, and the click identifiers of networks by name, with `-` for what would tell one click from
/// another. So the channel can still be judged by it.
pub(super) fn known(query: &str) -> String {
    let mut known = String::new();
    for pair in query.split('&') {
        let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else {
            continue;
        };
        let name = name.to_ascii_lowercase();
        let is_tag = name.starts_with("utm_") && !names_a_person(&value);
        let is_click_id = !value.trim().is_empty() && CLICK_IDS.iter().any(|(id, ..)| *id == name);
        if !(is_tag || is_click_id) {
            continue;
        }
        if !known.is_empty() {
            known.push('&');
        }
        if is_tag {
            known.push_str(pair);
        } else {
            known.push_str(&name);
            known.push_str("=-");
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_decoded_and_the_first_counts() {
        let tags = Tags::of(
            "utm_source=News+letter&UTM_Medium=e%2Dmail&utm_source=other&x=1&utm_term=&utm_term=b",
        );
        assert_eq!(tags.source, "News letter");
        assert_eq!(tags.medium, "e-mail");
        assert_eq!(tags.term, "b");
        assert_eq!(tags.click_id, None);
    }

    #[test]
    fn click_identifiers() {
        for (query, expected) in [
            ("gclid=abc", Some(("Google", "cpc"))),
            ("fbclid=a&gclid=b", Some(("Google", "cpc"))),
            ("gclid=a&dclid=b", Some(("Google", "display"))),
            ("ScCid=1", Some(("Snapchat", "cpc"))),
            ("fbclid=IwAR", Some(("Facebook", ""))),
            ("gclid=", None),
            ("xgclid=1", None),
        ] {
            let found = Tags::of(query).click_id.map(|id| (id.source, id.medium));
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn values_are_cut_at_a_character() {
        let query = format!("utm_campaign=a{}", "é".repeat(400));
        let tags = Tags::of(&query);
        assert_eq!(tags.campaign.len(), 255);
    }

    #[test]
    fn what_is_not_known_is_left_out_and_the_channel_stays() {
        for (query, left) in [
            ("", ""),
            ("a=b&c", ""),
            (
                "utm_source=a&x=y&UTM_Medium=b%20c",
                "utm_source=a&UTM_Medium=b%20c",
            ),
            ("utm_content=jane%40a.example&utm_term=jane@a.example", ""),
            ("GCLID=x1&fbclid=&ttclid=%20", "gclid=-"),
            ("not_utm_source=a&utm=b&xgclid=1", ""),
            ("a=1;utm_source=b", ""),
        ] {
            assert_eq!(known(query), left, "{query}");
            assert_eq!(
                Tags::of(query).click_id,
                Tags::of(&known(query)).click_id,
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn known_marks_are_all_that_is_judged_by(query in "((utm_(source|medium)|gclid|mc_cid|a)=[a-z%0-9]{0,5}&){0,6}") {
            let left = known(&query);
            prop_assert_eq!(Tags::of(&query), Tags::of(&left));
            prop_assert_eq!(known(&left), left);
        }

        #[test]
        fn any_query_is_read(query in ".{0,100}") {
            prop_assert_eq!(Tags::of(&query), Tags::of(&query));
        }
    }
}
