//! What of a click never reaches the disk of the edge, by what may be known of its visitor.
//!
//! Ingest stores less than the journal holds, since it judges by more than may be stored. What it does not judge by either
//! is left out here already: of every visitor who is not known by a cookie the query of the referrer; of one who is only
//! counted the address but for its network, the model of the device and the language.

use std::borrow::Cow;
use std::net::IpAddr;

use whence_core::click::Click;
use whence_core::place::prefix;
use whence_core::workspace::PrivacyMode;

/// How many of the client hints' lines stand before the device's model.
const LINES_BEFORE_MODEL: usize = 4;

/// Leaves out what its mode does not let it say.
pub(super) fn reduce(click: &mut Click<'_>) {
    match click.privacy {
        PrivacyMode::Full => return,
        PrivacyMode::Cookieless => {}
        PrivacyMode::CountOnly => {
            click.address = IpAddr::V6(prefix(click.address)).to_canonical();
            click.language = Cow::Borrowed("");
            let model = click.hints.match_indices('\n').nth(LINES_BEFORE_MODEL - 1);
            if let Some((at, _)) = model {
                cut(&mut click.hints, at);
            }
        }
    }
    if let Some(at) = click.referrer.find(['?', '#']) {
        cut(&mut click.referrer, at);
    }
}

/// Leaves the first bytes of a text.
fn cut(text: &mut Cow<'_, str>, at: usize) {
    match text {
        Cow::Borrowed(text) => *text = &text[..at],
        Cow::Owned(text) => text.truncate(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_judges_by_is_left_out() {
        use PrivacyMode::{Cookieless, CountOnly, Full};
        let hints = "brand\n?1\n\"Android\"\n\"14\"\n\"Pixel 8\"";
        let referrer = "https://a.example/path?q=secret#part";
        for (privacy, address, kept_referrer, language, kept_hints) in [
            (Full, "192.0.2.7", referrer, "de", hints),
            (
                Cookieless,
                "192.0.2.7",
                "https://a.example/path",
                "de",
                hints,
            ),
            (
                CountOnly,
                "192.0.2.0",
                "https://a.example/path",
                "",
                "brand\n?1\n\"Android\"\n\"14\"",
            ),
        ] {
            let mut click = Click {
                privacy,
                address: "192.0.2.7".parse().unwrap(),
                referrer: referrer.into(),
                language: "de".into(),
                hints: hints.to_owned().into(),
                ..whence_core::test_support::click()
            };
            reduce(&mut click);
            assert_eq!(click.address, address.parse::<IpAddr>().unwrap());
            assert_eq!(click.referrer, kept_referrer);
            assert_eq!(click.language, language);
            assert_eq!(click.hints, kept_hints);
            let once = click.clone();
            reduce(&mut click);
            assert_eq!(click, once, "twice is once");
        }
        let mut six = Click {
            privacy: CountOnly,
            address: "2001:db8:1:2:3::4".parse().unwrap(),
            ..whence_core::test_support::click()
        };
        reduce(&mut six);
        assert_eq!(six.address, "2001:db8:1::".parse::<IpAddr>().unwrap());
    }
}
