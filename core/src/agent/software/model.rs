//! What a device is called.

use super::super::Hints;
use crate::click::bounded;

/// How long a name may be, in bytes; the longest in use have some 30.
const LONGEST: usize = 64;

/// The device's name: what hints say, else what agents of Android and Apple's say; empty where none does.
pub(super) fn of(agent: &str, os: &str, hints: &Hints) -> String {
    let model = match hints.model.trim() {
        "" => by_agent(agent, os),
        hinted => hinted,
    };
    bounded(model.as_bytes(), LONGEST).into_owned()
}

fn by_agent<'a>(agent: &'a str, os: &str) -> &'a str {
    match os {
        "Android" => android(agent).unwrap_or_default(),
        "iOS" => ["iPad", "iPod", "iPhone"]
            .into_iter()
            .find(|device| agent.contains(device))
            .unwrap_or_default(),
        _ => "",
    }
}

/// The first part behind the system's that is a name: `(Linux; U; Android 14; de-de; Pixel 8 Build/AP2A.240705.004; wv)`.
fn android(agent: &str) -> Option<&str> {
    let (_, system) = agent.split_once('(')?;
    let parts = end_of(system).split(';').map(str::trim);
    let model = parts
        .skip_while(|part| !part.starts_with("Android"))
        .skip(1)
        .find(|part| !is_no_name(part))?;
    let name = match model.find("Build/") {
        Some(end) => model[..end].trim_end(),
        None => model,
    };
    // Samsung's own browser names the maker, which others leave out.
    let name = name.strip_prefix("SAMSUNG ").unwrap_or(name);
    let frozen = name == "K";
    (!frozen).then_some(name)
}

/// The text up to the bracket that closes what was opened before it: names have brackets too (`Moto G (5)`).
fn end_of(text: &str) -> &str {
    let mut open = 1_usize;
    for (place, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return &text[..place];
        }
    }
    text
}

/// Whether a part says something else than the device's name.
fn is_no_name(part: &str) -> bool {
    let is_language = matches!(part.as_bytes(),
        [a, b] | [a, b, b'-' | b'_', _, _] if a.is_ascii_lowercase() && b.is_ascii_lowercase());
    is_language
        || ["", "U", "wv", "Mobile", "Tablet", "HarmonyOS"].contains(&part)
        || ["rv:", "HMSCore", "arm", "Build/"]
            .iter()
            .any(|begin| part.starts_with(begin))
}
