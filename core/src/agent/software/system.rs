//! Which operating system it is, and which version, as far as agents still tell.

use super::super::Hints;
use super::{two_numbers, version_behind};

/// A system and its version.
pub(super) struct System {
    /// Its name; empty where it is not known.
    pub(super) name: String,
    /// Its version, two numbers at most; empty where it is not known.
    pub(super) version: String,
}

/// Marks of systems that woothee takes for the one they are built on; the version stands behind the mark.
const MARKS: &[(&str, &str)] = &[
    ("Tizen ", "Tizen"),
    ("OpenHarmony ", "HarmonyOS"),
    ("KAIOS/", "KaiOS"),
    ("Web0S", "webOS"),
    ("webOS.TV", "webOS"),
    ("PlayStation 5", "PlayStation 5"),
    ("Nintendo Switch", "Nintendo Switch"),
];

/// The system of an agent that woothee takes for `os`.
pub(super) fn of(agent: &str, os: &str, version: &str, hints: &Hints) -> System {
    let mut system = by_agent(agent, os, version);
    let platform = match hints.platform.as_str() {
        "Chrome OS" | "Chromium OS" => "ChromeOS",
        other => other,
    };
    if system.name.is_empty() {
        system.name = by_platform(platform).to_owned();
    }
    if system.name == platform
        && let Some(version) = hinted_version(platform, &hints.platform_version)
    {
        system.version = version;
    }
    system
}

fn by_agent(agent: &str, os: &str, version: &str) -> System {
    let marked = MARKS.iter().find_map(|(mark, name)| {
        let version = version_behind(agent, mark)?;
        Some((*name, version))
    });
    let (name, version) = marked.unwrap_or(match os {
        "iPhone" | "iPad" | "iPod" => ("iOS", of_ios(agent, version)),
        "Mac OSX" => ("macOS", version),
        "Windows Phone OS" => ("Windows Phone", version),
        // Chrome's agents on Android are all of this one: it is no version of anything.
        "Android" if agent.contains("Android 10; K)") || agent.contains("Android 10; K;") => {
            (os, "")
        }
        "Android" => (os, without_zero(two_numbers(version))),
        // The machine's kind stands before the version.
        "ChromeOS" => (os, version.rsplit(' ').next().unwrap_or_default()),
        // Versions that woothee does not know.
        "" if agent.contains("Windows NT ") => ("Windows", ""),
        // woothee has the version in the name.
        _ => match os.strip_prefix("Windows ") {
            Some(version) => ("Windows", version.trim_end_matches("UNKNOWN Ver")),
            None => (os, version),
        },
    });
    System {
        name: name.to_owned(),
        version: two_numbers(version).to_owned(),
    }
}

/// Safari 26 and later have the system's version as their own, and tell the system's as it was before them.
fn of_ios<'a>(agent: &'a str, version: &'a str) -> &'a str {
    let major = |version: &str| version.split('.').next()?.parse::<u32>().ok();
    let safari = version_behind(agent, "Version/").unwrap_or_default();
    match (major(safari), major(version)) {
        (Some(safari_major @ 26..), Some(told)) if told < safari_major => safari,
        _ => version,
    }
}

/// The platforms that hints have names for; what is none of them is nobody's system.
fn by_platform(platform: &str) -> &str {
    match platform {
        "Windows" | "macOS" | "Android" | "ChromeOS" | "Linux" => platform,
        _ => "",
    }
}

/// What a platform's version means; none where it says nothing.
fn hinted_version(platform: &str, version: &str) -> Option<String> {
    let first = version.split('.').next()?.parse::<u32>().ok()?;
    let told = match (platform, first) {
        // Microsoft's own table: from 13 on it is Windows 11, up to 10 Windows 10, and 0.1 to 0.3 what was before.
        ("Windows", 13..) => "11",
        ("Windows", 1..) => "10",
        ("Windows", 0) => match two_numbers(version) {
            "0.1" => "7",
            "0.2" => "8",
            "0.3" => "8.1",
            _ => return None,
        },
        ("Android", _) => without_zero(two_numbers(version)),
        ("macOS" | "ChromeOS", _) => two_numbers(version),
        // A kernel's version is not the system's.
        _ => return None,
    };
    let is_version = told.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_version.then(|| told.to_owned())
}

/// Android 14 calls itself both `14` and `14.0`.
fn without_zero(version: &str) -> &str {
    version.strip_suffix(".0").unwrap_or(version)
}
