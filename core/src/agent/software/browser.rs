//! Which browser it is: those that woothee takes for the one they are built on, and those that only their hints tell.

use super::super::Hints;
use super::version_behind;

/// The browser that an app has inside it, by woothee's name.
const WEBVIEW: &str = "Webview";

/// Marks of browsers, each with the browser's name; the version stands behind the mark. The first that is found counts:
/// what is built on another stands before it.
const MARKS: &[(&str, &str)] = &[
    // An app's browser whose engine is the maker's own.
    ("MicroMessenger/", WEBVIEW),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Opera Mini/", "Opera Mini"),
    ("OPiOS/", "Opera Mini"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPX/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    (" Ddg/", "DuckDuckGo"),
    ("DuckDuckGo/", "DuckDuckGo"),
    (" Brave/", "Brave"),
    (" Brave", "Brave"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("UCBrowser/", "UC Browser"),
    ("MiuiBrowser/", "Mi Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("HeyTapBrowser/", "HeyTap Browser"),
    ("VivoBrowser/", "Vivo Browser"),
    ("QQBrowser/", "QQ Browser"),
    (" Silk/", "Amazon Silk"),
    (" Whale/", "Whale"),
    ("coc_coc_browser/", "Coc Coc"),
    ("OculusBrowser/", "Meta Quest Browser"),
    (" Puffin/", "Puffin"),
    (" Focus/", "Firefox Focus"),
    (" Klar/", "Firefox Focus"),
    ("PaleMoon/", "Pale Moon"),
    ("Waterfox/", "Waterfox"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Epiphany/", "GNOME Web"),
    ("Falkon/", "Falkon"),
    (" Avast/", "Avast Secure Browser"),
    (" AVG/", "AVG Secure Browser"),
];

/// Brands of hints with the browser's name, as agents have it. The others are engines, or what agents tell by themselves.
const BRANDS: &[(&str, &str)] = &[
    ("Microsoft Edge", "Edge"),
    ("Opera", "Opera"),
    ("Opera GX", "Opera"),
    ("OperaMobile", "Opera"),
    ("Brave", "Brave"),
    ("Samsung Internet", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("YaBrowser", "Yandex Browser"),
    ("Yandex", "Yandex Browser"),
    ("Whale", "Whale"),
    ("CocCoc", "Coc Coc"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("Oculus Browser", "Meta Quest Browser"),
    ("Meta Quest Browser", "Meta Quest Browser"),
    ("Avast Secure Browser", "Avast Secure Browser"),
    ("AVG Secure Browser", "AVG Secure Browser"),
    ("Norton Private Browser", "Norton Private Browser"),
    ("CCleaner Browser", "CCleaner Browser"),
    ("Android WebView", WEBVIEW),
];

/// A browser and its version.
pub(super) struct Browser<'a> {
    /// Its name; empty where it is not known.
    pub(super) name: &'a str,
    /// Its whole version.
    pub(super) version: &'a str,
}

/// The browser of an agent that woothee takes for `name`.
pub(super) fn of<'a>(
    agent: &'a str,
    name: &'a str,
    version: &'a str,
    hints: &'a Hints,
) -> Browser<'a> {
    let marked = MARKS.iter().find_map(|(mark, name)| {
        let version = version_behind(agent, mark)?;
        Some(Browser { name, version })
    });
    let said = match marked.unwrap_or(Browser { name, version }) {
        // Browsers that hide send the agent of the one that they are built on.
        said if said.name == "Chrome" => by_hints(hints).unwrap_or(said),
        // Safari itself says its version; apps that only mention it (`like Safari/8618`) have its engine inside.
        said if said.name == "Safari" && is_apples(agent) && !agent.contains("Version/") => {
            Browser {
                name: WEBVIEW,
                version: "",
            }
        }
        said => said,
    };
    match said.name {
        // What stands behind `Version/` is the engine's, and always 4.0.
        WEBVIEW => Browser {
            version: version_behind(agent, "Chrome/").unwrap_or_default(),
            ..said
        },
        _ => said,
    }
}

/// Whether it is a telephone or tablet of Apple's.
fn is_apples(agent: &str) -> bool {
    agent.contains("like Mac OS X")
}

/// The browser that is among the brands.
fn by_hints(hints: &Hints) -> Option<Browser<'_>> {
    BRANDS.iter().find_map(|(brand, name)| {
        let version = hints.version_of(brand)?;
        Some(Browser { name, version })
    })
}
