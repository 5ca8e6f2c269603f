//! Agents as they are in the wild, in a table; and any other text.

use proptest::prelude::*;

use super::*;

/// Browser, its version, system, its version, device, model, hints (`|` between them), agent.
const TABLE: &str = include_str!("agents.tsv");

/// A row of the table: what is expected, the hints, the agent.
fn rows() -> impl Iterator<Item = ([&'static str; 6], String, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_else(|| panic!("too short: {line}"));
        let expected = [(); 6].map(|()| cell());
        (expected, cell().replace('|', "\n"), cell())
    })
}

#[test]
fn agents_as_they_are_in_the_wild() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (expected, hints, agent) in rows() {
        count += 1;
        let s = Software::of(agent, &Hints::of(&hints));
        let found = [
            &*s.browser,
            &*s.browser_version,
            &*s.os,
            &*s.os_version,
            s.device.map_or("", Device::as_str),
            &*s.model,
        ];
        if found != expected {
            wrong.push(format!("{agent}\n  found {found:?}\n  not   {expected:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 120, "{count}");
}

#[test]
fn crawlers_are_known() {
    let agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    assert!(Software::of(agent, &Hints::default()).crawler);
}

/// What a person's click can be counted by stays small whatever an agent says.
fn is_small(software: &Software) -> bool {
    software.browser_version.matches('.').count() < 2
        && software.os_version.matches('.').count() < 2
        && software.model.len() <= 64
}

proptest! {
    #[test]
    fn any_text_is_read(agent in "\\PC{0,200}", hints in "\\PC{0,60}") {
        prop_assert!(is_small(&Software::of(&agent, &Hints::of(&hints))));
    }

    /// Pieces of real agents in any order reach far deeper into the parser than random text.
    #[test]
    fn any_mixture_of_real_pieces_is_read(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12),
        platform in prop::sample::select(&["Windows", "Android", "macOS", "Chrome OS", "x"][..]),
        version in "[0-9.é]{0,8}",
    ) {
        let hints = Hints { platform: platform.into(), platform_version: version, ..Hints::default() };
        prop_assert!(is_small(&Software::of(&pieces.concat(), &hints)));
    }

    /// Whatever hints are beside it, an agent that names its browser and system keeps them.
    #[test]
    fn hints_complete_and_do_not_contradict(row in prop::sample::select(rows().collect::<Vec<_>>()),
        brand in prop::sample::select(&["Brave", "Microsoft Edge", "Android WebView", "Google Chrome"][..]),
        platform in prop::sample::select(&["Windows", "Android", "macOS", "Chrome OS", "Linux", ""][..]), mobile: bool,
    ) {
        let (_, _, agent) = row;
        let without = Software::of(agent, &Hints::default());
        let hints = format!("\"{brand}\";v=\"9\"\n?{}\n\"{platform}\"\n\"15.0.0\"", u8::from(mobile));
        let with = Software::of(agent, &Hints::of(&hints));
        prop_assert!(without.os.is_empty() || with.os == without.os);
        prop_assert!(without.browser == "Chrome" || with.browser == without.browser);
        prop_assert!(without.device.is_none() || with.device == without.device);
        prop_assert!(with.os == platform || platform == "Chrome OS" || with.os_version == without.os_version);
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
    "Build/",
    "OPR/",
    "Tizen ",
    "; wv",
    "SamsungBrowser/1.2.3",
    "OpenHarmony 5.0.1",
];
