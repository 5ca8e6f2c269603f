//! Whether an agent says of itself that it is a program: no list can have all of those, since everybody may write one.

use std::sync::LazyLock;

use regex::Regex;

use super::class::{AgentClass, begins_like_a_browser};

/// What says so wherever it stands: a page of its own behind a plus, as robots have it since Googlebot, or the mail address
/// of whom to complain to.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\+\s?https?://|\+www\.|[a-z0-9._-]+(@|\(at\)|\[at\])[a-z0-9-]+\.[a-z]")
});

/// A product that is called a robot: `FooBot/1.0`, but no phone, since a phone is no product with a version.
static PRODUCT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)[a-z0-9_.-]*(bot|crawler|spider|scraper|checker|fetcher|validator)(/|[ -]v?[0-9])",
    )
});

/// What phones are called that sound like robots.
const PHONE: &[u8] = b"cubot";

/// What says so where an agent does not even begin like a browser's: the trades of programs, and what they are written in.
static TRADE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)www\.|agent|archiv|check|client|collect|download|extract|fetch|feed|grab|harvest|librar|monitor|podcast|preview|probe|proxy|reader|rss|scan|scrap|search|seek|sitemap|validat|verif|script|java[/0-9]|perl|php|python|ruby|\blib[a-z]",
    )
});

/// Browsers of people who read on a terminal: their libraries' names stand in their agents.
const TEXT_BROWSERS: [&str; 4] = ["Lynx/", "Links ", "ELinks/", "w3m/"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a pattern")
}

/// Whether it does. Asked once for each agent, so that it may take its time.
pub(super) fn declares_itself(agent: &str, class: AgentClass) -> bool {
    match class {
        AgentClass::None => false,
        _ if ADDRESS.is_match(agent) || is_a_product(agent) => true,
        // What else is said by one that begins like a browser may be a toolbar that advertises.
        _ if begins_like_a_browser(agent) => false,
        AgentClass::DeclaredBot => true,
        AgentClass::Browser | AgentClass::Other => {
            let is_for_reading = TEXT_BROWSERS.iter().any(|name| agent.starts_with(name));
            !is_for_reading && TRADE.is_match(agent)
        }
    }
}

fn is_a_product(agent: &str) -> bool {
    PRODUCT.find_iter(agent).any(|found| {
        let name = found.as_str().as_bytes();
        !name
            .get(..PHONE.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(PHONE))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_table() {
        for (agent, declares) in [
            ("", false),
            ("-", false),
            ("Chef Client/10.18.2 (+http://opscode.com)", true),
            ("Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)", true),
            ("Mozilla/5.0 (compatible; FooBot/1.0)", true),
            ("Mozilla/5.0 (compatible; foo-crawler 2.1)", true),
            ("Mozilla/5.0 (compatible; x; + http://x.example/)", true),
            ("Feedbin - 1 subscribers", true),
            ("Some Link Checker", true),
            ("MyLibrary/1.0", true),
            // People: phones, toolbars, terminals.
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT P20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Mobile Safari/537.36",
                false,
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT 3 Build/X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Mobile Safari/537.36",
                false,
            ),
            (
                "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; http://www.tropicdesigns.net)",
                false,
            ),
            ("Lynx/2.9.0 libwww-FM/2.14 SSL-MM/1.4.1", false),
            (
                "Nokia6230/2.0 (05.50) Profile/MIDP-2.0 Configuration/CLDC-1.1",
                false,
            ),
            (
                "UCWEB/2.0 (Java; U; MIDP-2.0; en-us; nokia200) U2/1.0.0 UCBrowser/9.5.0.449 U2/1.0.0 Mobile",
                false,
            ),
            ("Java/1.8.0_151", true),
            ("an unknown thing", false),
        ] {
            assert_eq!(
                declares_itself(agent, AgentClass::of(agent)),
                declares,
                "{agent}"
            );
        }
    }
}
