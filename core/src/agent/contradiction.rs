//! Whether a browser's client hints tell of another browser than its user agent: one of both is made up.
//!
//! Only what no browser does in earnest counts. Chrome on Android that asks for a computer's pages calls itself Linux, and
//! tablets say that they are not mobile.

use super::claims::{Claims, Engine};
use super::hints::Hints;

/// A brand that only a browser without a window has.
const HEADLESS: &str = "HeadlessChrome";

/// Whether the hints say that nobody looks at what is shown.
pub(super) fn is_headless(hints: &Hints) -> bool {
    hints.version_of(HEADLESS).is_some()
}

/// Whether hints and agent contradict each other. What claims to be no browser is not asked.
pub(super) fn is_contradicted(agent: &str, claims: &Claims, hints: &Hints) -> bool {
    if hints.is_empty() {
        return false;
    }
    match claims.engine {
        None => false,
        Some(Engine::Chromium) => {
            is_other_version(claims.version.0, hints)
                || (hints.mobile == Some(true) && !agent.contains("Mobile"))
                || is_other_platform(agent, &hints.platform)
        }
        // Only Chromium has hints.
        Some(_) => true,
    }
}

/// Every browser of Chromium's kin names Chromium's version in both.
fn is_other_version(major: u16, hints: &Hints) -> bool {
    let version = hints.version_of("Chromium");
    let hinted = version.and_then(|version| version.split('.').next()?.parse::<u16>().ok());
    hinted.is_some_and(|hinted| hinted != major)
}

fn is_other_platform(agent: &str, platform: &str) -> bool {
    match platform {
        "Windows" => !agent.contains("Windows"),
        "macOS" => !agent.contains("Macintosh"),
        "Linux" | "Android" | "Chrome OS" | "Chromium OS" => {
            agent.contains("Windows NT") || agent.contains("Macintosh")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
    const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile Safari/537.36";
    const TABLET: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
    const AS_A_COMPUTER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
    const CHROME: &str = "\"Chromium\";v=\"128\", \"Google Chrome\";v=\"128\"";

    #[test]
    fn golden_table() {
        let with = |rest: &str| format!("{CHROME}\n{rest}");
        let table = [
            (WINDOWS, String::new(), false),
            (WINDOWS, with("?0\n\"Windows\""), false),
            (PHONE, with("?1\n\"Android\""), false),
            (TABLET, with("?0\n\"Android\""), false),
            (AS_A_COMPUTER, with("?0\n\"Linux\""), false),
            (AS_A_COMPUTER, with("?0\n\"Android\""), false),
            (AS_A_COMPUTER, with("?0\n\"Chrome OS\""), false),
            (WINDOWS, "\"Brave\";v=\"128\"".to_owned(), false),
            ("curl/8.5.0", with("?0"), false),
            (WINDOWS, "\"Chromium\";v=\"120\"".to_owned(), true),
            (WINDOWS, with("?1"), true),
            (WINDOWS, with("?0\n\"Linux\""), true),
            (WINDOWS, with("?0\n\"macOS\""), true),
            (AS_A_COMPUTER, with("?0\n\"Windows\""), true),
            (FIREFOX, with("?0"), true),
            (IPHONE, with("?1\n\"iOS\""), true),
        ];
        for (agent, hints, contradicted) in table {
            let hints = Hints::of(&hints);
            let claims = Claims::of(agent, &hints, None);
            assert_eq!(claims.is_contradicted, contradicted, "{agent} {hints:?}");
            assert!(!claims.is_headless);
        }
    }

    #[test]
    fn a_browser_without_a_window_says_so() {
        let hints = Hints::of("\"HeadlessChrome\";v=\"128\", \"Chromium\";v=\"128\"");
        assert!(Claims::of(WINDOWS, &hints, None).is_headless);
    }
}
