//! Browser, operating system and device, as far as a user agent and its client hints tell.
//!
//! The parsing is woothee's; here its names are brought into the form that reports group by, and what it does not know is
//! added: newer browsers and systems, tablets and televisions, models, and what only hints say. Hints complete an agent;
//! where they contradict it, the agent's word stands here, and the contradiction is a verdict's business.

mod browser;
mod device;
mod model;
mod system;
#[cfg(test)]
mod tests;

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

use super::Hints;

pub use device::Device;

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

impl Software {
    /// Reads a user agent and its hints.
    pub(super) fn of(agent: &str, hints: &Hints) -> Self {
        let found = Parser::new().parse(agent).unwrap_or_default();
        let crawler = found.category == "crawler";
        if crawler || found.category == "misc" {
            let (name, version) = match (known(found.name), known(found.version)) {
                // woothee has which one in the place of the version.
                ("HTTP Library", which) => (which, ""),
                other => other,
            };
            return Self {
                browser: name.to_owned(),
                browser_version: two_numbers(version).to_owned(),
                device: Some(Device::Machine),
                crawler,
                ..Self::default()
            };
        }
        let browser = browser::of(agent, known(found.name), known(found.version), hints);
        let system = system::of(agent, known(found.os), known(&found.os_version), hints);
        let model = model::of(agent, &system.name, hints);
        Self {
            device: device::of(agent, found.category, &system.name, &model, hints),
            browser: browser.name.to_owned(),
            browser_version: two_numbers(browser.version).to_owned(),
            os: system.name,
            os_version: system.version,
            model,
            crawler,
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

/// The digits and dots behind `mark`, where it is in the agent.
fn version_behind<'a>(agent: &'a str, mark: &str) -> Option<&'a str> {
    let (_, behind) = agent.split_once(mark)?;
    let end = behind
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(behind.len());
    Some(behind[..end].trim_end_matches('.'))
}
