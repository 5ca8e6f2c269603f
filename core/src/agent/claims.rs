//! Which browser a user agent claims to come from, how old that one is, and whether there can be such a one at all.
//!
//! Reports name software by woothee's reading; this is the engine underneath, as far as evidence is weighed by it: what
//! headers it would have sent, and what its version says of its age.

use super::Device;
use super::contradiction;
use super::hints::Hints;

/// The engines whose habits are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chrome, Edge, Opera, Samsung Internet, the browsers inside Android's apps …
    Chromium,
    /// Firefox, but for iPhones and iPads.
    Gecko,
    /// Safari, and whatever shows pages on iPhones and iPads.
    WebKit,
    /// Internet Explorer.
    Trident,
    /// Opera until 2013.
    Presto,
    /// The browser that Android had before Chrome.
    AndroidBrowser,
}

/// What a user agent claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The engine, where it is a known one.
    pub engine: Option<Engine>,
    /// Its version: of WebKit that of Safari, which is that of iOS too.
    pub version: (u16, u16),
    /// The year by which the browser had a successor; none where people have it still or it is unknown.
    pub superseded: Option<u16>,
    /// There is no such browser: it never ran on this system, or the system never was.
    pub is_impossible: bool,
    /// Its client hints say that it has no window.
    pub is_headless: bool,
    /// Its client hints tell of another browser.
    pub is_contradicted: bool,
}

impl Claims {
    /// Reads a user agent. What is no browser's claims nothing.
    pub(super) fn of(agent: &str, hints: &Hints, device: Option<Device>) -> Self {
        let is_headless = contradiction::is_headless(hints);
        let Some((engine, version)) = engine(agent) else {
            return Self {
                is_headless,
                ..Self::default()
            };
        };
        // A television keeps the browser that it was sold with; Opera Mini's is a server's.
        let is_lasting = device == Some(Device::Appliance) || agent.contains("Opera Mini");
        let mut claims = Self {
            engine: Some(engine),
            version,
            superseded: superseded(engine, version.0).filter(|_| !is_lasting),
            is_impossible: is_on_no_system(agent, engine, version.0),
            is_headless,
            is_contradicted: false,
        };
        claims.is_contradicted = contradiction::is_contradicted(agent, &claims, hints);
        claims
    }

    /// Whether it sends Fetch Metadata with each request over HTTPS: Chromium since 80 on every system, Firefox since 90,
    /// Safari since 16.4.
    #[must_use]
    pub fn sends_fetch_metadata(&self) -> bool {
        match self.engine {
            Some(Engine::Chromium) => self.version.0 >= 80,
            Some(Engine::Gecko) => self.version.0 >= 90,
            Some(Engine::WebKit) => self.version >= (16, 4),
            _ => false,
        }
    }

    /// Whether it names `text/html` in `Accept` when it opens a page. Internet Explorer names pictures.
    #[must_use]
    pub fn asks_for_html(&self) -> bool {
        matches!(
            self.engine,
            Some(Engine::Chromium | Engine::Gecko | Engine::WebKit | Engine::Presto)
        )
    }
}

fn engine(agent: &str) -> Option<(Engine, (u16, u16))> {
    let after = |mark| version_after(agent, mark);
    if !super::class::begins_like_a_browser(agent) {
        return None;
    }
    if let Some(version) = after("MSIE ") {
        return Some((Engine::Trident, version));
    }
    if agent.contains("Trident/") {
        return after(" rv:").map(|version| (Engine::Trident, version));
    }
    // Every browser on an iPhone is WebKit, whatever name it has.
    let ios = after("iPhone OS ").or_else(|| after("CPU OS "));
    if let Some(system) = ios {
        // Since iOS 26 the system's version stands still.
        let version = after("Version/").map_or(system, |safari| safari.max(system));
        return Some((Engine::WebKit, version));
    }
    if let Some(version) = after("Chrome/").or_else(|| after("Chromium/")) {
        return Some((Engine::Chromium, version));
    }
    if let Some(version) = after("Firefox/") {
        return Some((Engine::Gecko, version));
    }
    if agent.starts_with("Opera/") || agent.contains("Presto/") {
        return after("Version/")
            .or_else(|| after("Opera/"))
            .map(|version| (Engine::Presto, version));
    }
    let version = after("Version/")?;
    if agent.contains("Android") {
        Some((Engine::AndroidBrowser, version))
    } else if agent.contains("Safari/") {
        Some((Engine::WebKit, version))
    } else {
        None
    }
}

/// The two numbers behind a mark: `Chrome/120.0.6099` is 120.0, `iPhone OS 17_1` is 17.1.
fn version_after(agent: &str, mark: &str) -> Option<(u16, u16)> {
    let place = agent.find(mark)?;
    let mut numbers = agent[place + mark.len()..].split(['.', '_']);
    let major = leading_number(numbers.next()?)?;
    Some((major, numbers.next().and_then(leading_number).unwrap_or(0)))
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

/// The first major version of each year from the one named on, by the maker's release notes.
const CHROMIUM: (u16, &[u16]) = (2010, &[4, 9, 17, 24, 32, 40, 48, 56, 64, 72]);
/// The same of Firefox.
const GECKO: (u16, &[u16]) = (2011, &[4, 10, 18, 27, 35, 44, 51, 58, 65, 72]);
/// The same of Safari, which comes with each autumn's system.
const WEBKIT: (u16, &[u16]) = (2010, &[5, 5, 6, 7, 8, 9, 10, 11, 12, 13]);

/// By which year a version certainly had a successor: the year whose first version is newer. Only what is old enough to
/// matter for some years to come is in the tables.
fn superseded(engine: Engine, major: u16) -> Option<u16> {
    let by = |(begin, firsts): (u16, &[u16])| {
        let newer = firsts.iter().position(|first| *first > major)?;
        Some(begin + u16::try_from(newer).unwrap_or(0))
    };
    match engine {
        Engine::Chromium => by(CHROMIUM),
        Engine::Gecko => by(GECKO),
        Engine::WebKit => by(WEBKIT),
        // The eleventh was served until 2022, and is what Edge calls itself where it stands in for it.
        Engine::Trident => match major {
            0..=6 => Some(2006),
            7 => Some(2009),
            8 => Some(2011),
            9 | 10 => Some(2013),
            _ => None,
        },
        // Chrome took its place in Android 4.4, and Chromium that of Presto.
        Engine::Presto | Engine::AndroidBrowser => Some(2013),
    }
}

/// Every version that Windows has called itself by.
const WINDOWS: &[(u16, u16)] = &[
    (3, 1),
    (3, 5),
    (3, 51),
    (4, 0),
    (5, 0),
    (5, 1),
    (5, 2),
    (6, 0),
    (6, 1),
    (6, 2),
    (6, 3),
    (6, 4),
    (10, 0),
];

/// Whether the system is none that ever was, or none that this browser ran on.
fn is_on_no_system(agent: &str, engine: Engine, major: u16) -> bool {
    let Some(windows) = version_after(agent, "Windows NT ") else {
        return false;
    };
    let last_for = match engine {
        // Windows XP and Vista until 49, 7 to 8.1 until 109; from 107 on it says 10.0 on each.
        Engine::Chromium if windows < (6, 1) => 49,
        Engine::Chromium if windows < (10, 0) => 109,
        // Windows XP and Vista until 52, 7 to 8.1 until 115.
        Engine::Gecko if windows < (6, 1) => 52,
        Engine::Gecko if windows < (10, 0) => 115,
        // Safari for Windows ended with 5.
        Engine::WebKit => 5,
        _ => u16::MAX,
    };
    // `5.01` is Windows 2000 with a service pack.
    !(WINDOWS.contains(&windows) || windows == (5, 1)) || major > last_for
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claims(agent: &str) -> Claims {
        Claims::of(agent, &Hints::default(), None)
    }

    #[test]
    fn engines_and_versions() {
        use Engine::{AndroidBrowser, Chromium, Gecko, Presto, Trident, WebKit};
        let table = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36",
                Some((Chromium, (120, 0))),
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 10; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 Instagram 350.0",
                Some((Chromium, (146, 0))),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                Some((Gecko, (120, 0))),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1.2 Safari/605.1.15",
                Some((WebKit, (17, 1))),
            ),
            // An iPhone's Chrome, a browser inside an app, and one whose system's version stands still.
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
                Some((WebKit, (16, 5))),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS]",
                Some((WebKit, (12, 4))),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6.1 Mobile/15E148 Safari/604.1",
                Some((WebKit, (26, 6))),
            ),
            (
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
                Some((Trident, (8, 0))),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
                Some((Trident, (11, 0))),
            ),
            (
                "Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16",
                Some((Presto, (12, 16))),
            ),
            (
                "Mozilla/5.0 (Linux; U; Android 4.0.3; en-us; Amaze_4G Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
                Some((AndroidBrowser, (4, 0))),
            ),
            ("Mozilla/5.0 (Chrome/", None),
            ("curl/8.5.0 Chrome/120.0", None),
            ("", None),
        ];
        for (agent, expected) in table {
            let found = claims(agent);
            assert_eq!(
                found.engine.map(|e| (e, found.version)),
                expected,
                "{agent}"
            );
        }
    }

    #[test]
    fn the_year_in_which_a_browser_had_its_successor() {
        let table = [
            ("Mozilla/5.0 (X11) Chrome/3.0", Some(2010)),
            ("Mozilla/5.0 (X11) Chrome/32.0", Some(2015)),
            ("Mozilla/5.0 (X11) Chrome/70.0", Some(2019)),
            ("Mozilla/5.0 (X11) Chrome/72.0", None),
            ("Mozilla/5.0 (X11) Firefox/2.0.0.4", Some(2011)),
            ("Mozilla/5.0 (X11) Firefox/27.0", Some(2015)),
            ("Mozilla/5.0 (X11) Firefox/140.0", None),
            (
                "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
                Some(2006),
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0)", None),
            ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80) Version/11.1", None),
            (
                "Mozilla/5.0 (iPad; CPU OS 9_3_5 like Mac OS X) AppleWebKit/601.1.46",
                Some(2016),
            ),
        ];
        for (agent, year) in table {
            assert_eq!(claims(agent).superseded, year, "{agent}");
        }
        let television = "Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/38.0 Safari/537.36";
        assert!(claims(television).superseded.is_some());
        let kept = Claims::of(television, &Hints::default(), Some(Device::Appliance));
        assert_eq!(kept.superseded, None);
    }

    #[test]
    fn what_cannot_be() {
        let table = [
            ("Mozilla/5.0 (Windows NT 6.1) Chrome/109.0", false),
            ("Mozilla/5.0 (Windows NT 6.1) Chrome/130.0", true),
            ("Mozilla/5.0 (Windows NT 5.1) Chrome/49.0", false),
            ("Mozilla/5.0 (Windows NT 5.1) Chrome/50.0", true),
            (
                "Mozilla/5.0 (Windows NT 6.3; rv:115.0) Firefox/115.0",
                false,
            ),
            ("Mozilla/5.0 (Windows NT 6.3; rv:116.0) Firefox/116.0", true),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0", false),
            ("Mozilla/5.0 (Windows NT 11.0) Chrome/130.0", true),
            (
                "Mozilla/5.0 (Windows; U; MSIE 9.0; Windows NT 9.0; en-US)",
                true,
            ),
            ("Mozilla/4.0 (compatible; MSIE 5.5; Windows NT 5.01)", false),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15",
                true,
            ),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0", false),
        ];
        for (agent, impossible) in table {
            assert_eq!(claims(agent).is_impossible, impossible, "{agent}");
        }
    }

    #[test]
    fn who_sends_fetch_metadata() {
        let table = [
            ("Mozilla/5.0 (X11) Chrome/79.0", false),
            ("Mozilla/5.0 (X11) Chrome/80.0", true),
            ("Mozilla/5.0 (X11) Firefox/89.0", false),
            ("Mozilla/5.0 (X11) Firefox/90.0", true),
            (
                "Mozilla/5.0 (Macintosh) Version/16.3 Safari/605.1.15",
                false,
            ),
            ("Mozilla/5.0 (Macintosh) Version/16.4 Safari/605.1.15", true),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 16_4 like Mac OS X)",
                true,
            ),
            ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", false),
        ];
        for (agent, sends) in table {
            assert_eq!(claims(agent).sends_fetch_metadata(), sends, "{agent}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(agent in "(Mozilla/5.0 )?\\PC{0,20}(Chrome/|Version/|Windows NT |iPhone OS |MSIE )?\\PC{0,20}") {
            prop_assert_eq!(claims(&agent), claims(&agent));
        }
    }
}
