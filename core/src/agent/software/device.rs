//! The kind of device.

use super::super::Hints;

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

/// Marks of televisions, which woothee takes for tablets or computers. Whoever watches on a telephone holds a telephone.
const TELEVISIONS: &[&str] = &[
    "TV", "BRAVIA", "CrKey", "; AFT", "VIERA", "Roku/", "NetCast",
];

/// Marks of what is neither telephone, tablet nor computer, whatever else it says of itself.
const APPLIANCES: &[&str] = &[
    "Xbox",
    "PlayStation",
    "Nintendo ",
    "OculusBrowser/",
    "Tesla/",
    "QtCarBrowser",
];

/// The kind of device of an agent that woothee puts into `category`.
///
/// Android tablets say so by leaving out `Mobile`, which woothee does not look at; so do televisions. An iPad that asks
/// for desktop pages cannot be told from a Mac.
pub(super) fn of(
    agent: &str,
    category: &str,
    os: &str,
    model: &str,
    hints: &Hints,
) -> Option<Device> {
    let has = |marks: &[&str]| marks.iter().any(|mark| agent.contains(mark));
    let mobile = agent.contains("Mobile") || agent.contains("(Phone;");
    if has(APPLIANCES) || (!mobile && has(TELEVISIONS)) {
        return Some(Device::Appliance);
    }
    match category {
        "smartphone" if model == "iPad" || is_kindle(model) => Some(Device::Tablet),
        "smartphone" if os == "Android" && !mobile => Some(Device::Tablet),
        "smartphone" | "mobilephone" => Some(Device::Mobile),
        "appliance" => Some(Device::Appliance),
        _ if os == "HarmonyOS" || os == "KaiOS" => Some(if mobile {
            Device::Mobile
        } else {
            Device::Tablet
        }),
        "pc" => Some(Device::Desktop),
        _ if os == "Windows" => Some(Device::Desktop),
        // Nothing is known but what hints say.
        _ => hints.mobile.map(|mobile| match mobile {
            true => Device::Mobile,
            false if os == "Android" => Device::Tablet,
            false => Device::Desktop,
        }),
    }
}

/// Amazon's tablets, some of whose agents say `Mobile`, are called `KFMAWI` and the like.
fn is_kindle(model: &str) -> bool {
    let behind = model.strip_prefix("KF").unwrap_or_default();
    behind.len() >= 2 && behind.bytes().all(|b| b.is_ascii_uppercase())
}
