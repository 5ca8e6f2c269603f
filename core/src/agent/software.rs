//! Browser, operating system and device, as far as the user agent tells.
//!
//! The parsing is woothee's; here its names are brought into the form that reports group by.

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

use super::Hints;

/// What a user agent says of the software that sent it. Texts are empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Software {
    /// `Chrome`, `Safari`, `Firefox` …
    pub browser: String,
    /// Its version, two numbers at most: the rest only makes a visitor recognisable.
    pub browser_version: String,
    /// `Windows`, `macOS`, `iOS`, `Android`, `Linux` …
    pub os: String,
    /// Its version.
    pub os_version: String,
    /// The kind of device, where it says one.
    pub device: Option<Device>,
    /// What the device is called, where it says that: `Pixel 8`, `iPhone`.
    pub model: String,
    /// Whether woothee knows it as a crawler.
    pub crawler: bool,
}

/// A kind of device, or what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// A computer.
    Desktop,
    /// A telephone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television, a console and their like.
    Appliance,
    /// A crawler or a library: nothing that anybody holds.
    Machine,
}

impl Device {
    /// Its name in the table of clicks.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Appliance => "appliance",
            Self::Machine => "other",
        }
    }
}

impl Software {
    /// Reads a user agent and its hints.
    pub(super) fn of(agent: &str, _hints: &Hints) -> Self {
        let Some(found) = Parser::new().parse(agent) else {
            return Self::default();
        };
        let (os, os_version) = system(known(found.os), known(&found.os_version));
        Self {
            browser: known(found.name).to_owned(),
            browser_version: two_numbers(known(found.version)).to_owned(),
            device: device(agent, found.category, found.os),
            model: String::new(),
            os,
            os_version,
            crawler: found.category == "crawler",
        }
    }
}

/// woothee says `UNKNOWN` where it knows nothing.
fn known(text: &str) -> &str {
    if text == VALUE_UNKNOWN { "" } else { text }
}

/// `120.0.6099.71` is `120.0`.
fn two_numbers(version: &str) -> &str {
    let end = version.match_indices('.').nth(1).map(|(place, _)| place);
    &version[..end.unwrap_or(version.len())]
}

/// Name and version of the system: woothee has Windows' version in the name and Apple's by device.
fn system(os: &str, version: &str) -> (String, String) {
    let name = match os {
        "iPhone" | "iPad" | "iPod" => "iOS",
        "Mac OSX" => "macOS",
        "Windows Phone OS" => "Windows Phone",
        _ => match os.strip_prefix("Windows ") {
            Some(version) => {
                let version = version.trim_end_matches("UNKNOWN Ver");
                return ("Windows".into(), version.into());
            }
            None => os,
        },
    };
    (name.to_owned(), two_numbers(version).to_owned())
}

/// Marks of televisions, which woothee takes for tablets or computers.
const TELEVISIONS: &[&str] = &["TV", "BRAVIA", "CrKey", "; AFT"];

/// Android tablets say so by leaving out `Mobile`, which woothee does not look at; so do televisions,
/// which have further marks. An iPad that asks for desktop pages cannot be told from a Mac.
fn device(agent: &str, category: &str, os: &str) -> Option<Device> {
    let mobile = agent.contains("Mobile");
    let television = !mobile && TELEVISIONS.iter().any(|mark| agent.contains(mark));
    match category {
        "smartphone" | "pc" if television => Some(Device::Appliance),
        "smartphone" if os == "iPad" || (os == "Android" && !mobile) => Some(Device::Tablet),
        "smartphone" | "mobilephone" => Some(Device::Mobile),
        "pc" => Some(Device::Desktop),
        "appliance" => Some(Device::Appliance),
        "crawler" | "misc" => Some(Device::Machine),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agents_as_they_are_in_the_wild() {
        let table = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36",
                ["Chrome", "120.0", "Windows", "10", "desktop"],
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1.2 Safari/605.1.15",
                ["Safari", "17.1", "macOS", "10.15", "desktop"],
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
                ["Safari", "17.1", "iOS", "17.1", "mobile"],
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
                ["Safari", "12.1", "iOS", "12.4", "tablet"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
                ["Chrome", "120.0", "Android", "14", "mobile"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                ["Chrome", "120.0", "Android", "13", "tablet"],
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                ["Firefox", "120.0", "Linux", "", "desktop"],
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.61",
                ["Edge", "120.0", "Windows", "10", "desktop"],
            ),
            (
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
                ["Internet Explorer", "8.0", "Windows", "7", "desktop"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2 Build/PTT1.190515.001.S104) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                ["Chrome", "120.0", "Android", "9", "appliance"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 11; AFTKRT) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.1 like Chrome/120.0.0.0 Safari/537.36",
                ["Chrome", "120.0", "Android", "11", "appliance"],
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0.3809.146 TV Safari/537.36",
                ["Chrome", "76.0", "Linux", "", "appliance"],
            ),
            // Whoever watches on a telephone holds a telephone.
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36 SomeTV/3.1",
                ["Chrome", "120.0", "Android", "14", "mobile"],
            ),
            ("", ["", "", "", "", ""]),
            ("something nobody knows", ["", "", "", "", ""]),
        ];
        for (agent, expected) in table {
            let s = Software::of(agent, &Hints::default());
            let found = [
                &*s.browser,
                &*s.browser_version,
                &*s.os,
                &*s.os_version,
                s.device.map_or("", Device::as_str),
            ];
            assert_eq!(found, expected, "{agent}");
            assert!(!s.crawler, "{agent}");
        }
    }

    #[test]
    fn crawlers_are_known() {
        let agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        assert!(Software::of(agent, &Hints::default()).crawler);
    }

    proptest! {
        #[test]
        fn any_text_is_read(agent in ".{0,200}") {
            prop_assert_eq!(Software::of(&agent, &Hints::default()), Software::of(&agent, &Hints::default()));
        }

        /// Pieces of real agents in any order reach far deeper into the parser than random text.
        #[test]
        fn any_mixture_of_real_pieces_is_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
            let software = Software::of(&pieces.concat(), &Hints::default());
            prop_assert!(software.browser_version.matches('.').count() < 2);
        }
    }

    const PIECES: &[&str] = &[
        "Mozilla/5.0 (",
        "Windows NT 10.0;",
        "Windows ",
        "Macintosh; Intel Mac OS X 10_",
        "iPhone; ",
        "CPU iPhone OS 17_1",
        " like Mac OS X)",
        "Linux; Android ",
        "14; ",
        "Mobile",
        "Chrome/",
        "120.0.",
        "Safari/604.1",
        "Version/",
        "MSIE 8.0;",
        "Trident/",
        "Opera/",
        "Firefox/",
        "DoCoMo/2.0 ",
        "SoftBank/1.0/",
        "KDDI-",
        "UP.Browser/",
        "(",
        ")",
        ";",
        " rv:",
        "Googlebot/",
        "é",
        "PlayStation 4 ",
        "Nintendo 3DS;",
        "BlackBerry9700/",
        "Edge/",
        "Vodafone/",
        "WILLCOM;",
        "FOMA;",
        "Windows Phone ",
    ];
}
