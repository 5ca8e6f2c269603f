//! Real requests and what they are worth, and what holds of every verdict.

use std::sync::LazyLock;

use proptest::prelude::*;
use whence_core::agent::Agents;
use whence_core::click::{Method, Signs};
use whence_core::config::Databases;

use super::sign::Sign;
use super::*;
use crate::enrich::hosting::Hosting;
use crate::enrich::recent::Recent;

static AGENTS: LazyLock<Agents> = LazyLock::new(|| Agents::open(&Databases::default()).unwrap());

/// 2026-06-01.
const NOW: u64 = 1_780_272_000_000;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IE8: &str = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const HINTS: &str = "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\n?0\n\"Windows\"";

/// What every browser sends that a person opens a page with, over HTTP and over HTTPS.
const PLAIN: Signs = Signs::from_bits(
    Signs::KNOWN.bits()
        | Signs::ACCEPT.bits()
        | Signs::HTML.bits()
        | Signs::LANGUAGE.bits()
        | Signs::ENCODING.bits(),
);
const SECURE: Signs = Signs::from_bits(
    PLAIN.bits()
        | Signs::SECURE.bits()
        | Signs::FETCH.bits()
        | Signs::NAVIGATE.bits()
        | Signs::USER.bits(),
);

/// A request as a golden table has it.
#[derive(Clone, Copy, Debug)]
struct Case {
    method: Method,
    purpose: &'static str,
    agent: &'static str,
    hints: &'static str,
    signs: Signs,
    hosting: Option<Hosting>,
    recent: Recent,
    confirmed: bool,
    unix_ms: u64,
}

const NO_RECENT: Recent = Recent {
    repeat: false,
    fan_out: false,
    burst: false,
    looked_at: false,
};
/// Somebody's Chrome over HTTPS.
const PERSON: Case = Case {
    method: Method::Get,
    purpose: "",
    agent: CHROME,
    hints: HINTS,
    signs: SECURE,
    hosting: None,
    recent: NO_RECENT,
    confirmed: false,
    unix_ms: NOW,
};
/// Nothing but an agent, as lists and logs have it.
const LOGGED: Case = Case {
    hints: "",
    signs: Signs::from_bits(0),
    ..PERSON
};

fn verdict_of(case: &Case) -> (Verdict, Vec<String>) {
    let agent = AGENTS.of(case.agent, case.hints);
    let judgement = judge(&Evidence {
        unix_ms: case.unix_ms,
        method: case.method,
        purpose: case.purpose,
        agent: &agent,
        signs: case.signs,
        hosting: case.hosting,
        recent: case.recent,
        confirmed: case.confirmed,
    });
    let reasons = judgement.reasons(&agent).iter().map(str::to_owned);
    (judgement.verdict, reasons.collect())
}

fn logged(agent: &'static str) -> Case {
    Case { agent, ..LOGGED }
}

fn check(table: &[(Case, Verdict, &[&str])]) {
    for (case, verdict, reasons) in table {
        let (found, told) = verdict_of(case);
        assert_eq!(
            (found, told.iter().map(String::as_str).collect::<Vec<_>>()),
            (*verdict, reasons.to_vec()),
            "{:?} {:?} {:?} {:?} {:b}",
            case.method,
            case.purpose,
            case.agent,
            case.hints,
            case.signs.bits()
        );
    }
}

#[test]
fn what_machines_say_of_themselves() {
    check(&[
        (PERSON, Verdict::Human, &[]),
        (LOGGED, Verdict::Human, &[]),
        (logged(""), Verdict::Bot, &["no_user_agent"]),
        (logged("-"), Verdict::Bot, &["no_user_agent"]),
        (
            logged(GOOGLEBOT),
            Verdict::Bot,
            &[
                "crawler_list:search-engine",
                "crawler_agent",
                "declared_bot",
            ],
        ),
        (
            logged("facebookexternalhit/1.1"),
            Verdict::Preview,
            &["crawler_list:social-preview", "crawler_agent"],
        ),
        (
            logged("curl/8.5.0"),
            Verdict::Bot,
            &["crawler_list:http-library"],
        ),
        (
            logged("Chef Client/10.18.2 (+http://opscode.com)"),
            Verdict::Bot,
            &["declared_bot"],
        ),
        // What an assistant fetches because somebody asked it to.
        (
            logged(
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
            ),
            Verdict::Bot,
            &["crawler_list:ai-crawler", "crawler_agent", "declared_bot"],
        ),
        (
            logged(
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0; +https://perplexity.ai/perplexity-user)",
            ),
            Verdict::Bot,
            &["crawler_list:ai-crawler", "declared_bot"],
        ),
        (
            logged("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
            Verdict::Monitor,
            &["crawler_list:monitoring", "crawler_agent", "declared_bot"],
        ),
        (
            logged("Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)"),
            Verdict::Scanner,
            &["crawler_list:scanner"],
        ),
        (
            Case {
                purpose: "prefetch;prerender",
                ..PERSON
            },
            Verdict::Prefetch,
            &["purpose_prefetch"],
        ),
        (
            Case {
                purpose: "Prefetch",
                ..PERSON
            },
            Verdict::Prefetch,
            &["purpose_prefetch"],
        ),
        (
            Case {
                purpose: "prefetching",
                ..PERSON
            },
            Verdict::Human,
            &[],
        ),
        (
            Case {
                purpose: "prefetch",
                ..logged("WhatsApp/2.23")
            },
            Verdict::Prefetch,
            &["purpose_prefetch", "crawler_list:social-preview"],
        ),
        (
            Case {
                method: Method::Head,
                ..LOGGED
            },
            Verdict::Preview,
            &["method_head"],
        ),
        (
            Case {
                method: Method::Head,
                ..logged("")
            },
            Verdict::Bot,
            &["no_user_agent", "method_head"],
        ),
        (
            Case {
                method: Method::Head,
                ..logged("an unknown thing")
            },
            Verdict::Bot,
            &["method_head", "unknown_agent"],
        ),
        (
            Case {
                method: Method::Post,
                ..LOGGED
            },
            Verdict::Suspect,
            &["method_post"],
        ),
    ]);
}

#[test]
fn what_headers_and_hints_betray() {
    let without = |mark: Signs| Signs::from_bits(SECURE.bits() & !mark.bits());
    let with = |signs| Case { signs, ..PERSON };
    check(&[
        (with(PLAIN), Verdict::Human, &[]),
        (
            Case {
                agent: FIREFOX,
                hints: "",
                ..PERSON
            },
            Verdict::Human,
            &[],
        ),
        (
            with(without(Signs::LANGUAGE)),
            Verdict::Suspect,
            &["no_language"],
        ),
        (
            with(without(Signs::ACCEPT | Signs::HTML)),
            Verdict::Suspect,
            &["no_accept"],
        ),
        (with(without(Signs::HTML)), Verdict::Suspect, &["no_html"]),
        // Proxies take it away.
        (
            with(without(Signs::ENCODING)),
            Verdict::Human,
            &["no_encoding"],
        ),
        // curl with a browser's agent, and a program that sends nothing at all.
        (
            with(Signs::KNOWN | Signs::ACCEPT),
            Verdict::Bot,
            &["no_browser", "no_html", "no_language", "no_encoding"],
        ),
        (
            with(Signs::KNOWN),
            Verdict::Bot,
            &["no_browser", "no_accept", "no_language", "no_encoding"],
        ),
        (
            with(PLAIN | Signs::SECURE),
            Verdict::Suspect,
            &["no_fetch_metadata"],
        ),
        // A picture in a page, or a script.
        (
            with(without(Signs::NAVIGATE | Signs::USER)),
            Verdict::Bot,
            &["no_navigation"],
        ),
        // What never asked for HTML by name, and is too old to be anybody's.
        (
            Case {
                agent: IE8,
                hints: "",
                signs: without(Signs::HTML | Signs::FETCH | Signs::NAVIGATE),
                ..PERSON
            },
            Verdict::Suspect,
            &["ancient_browser"],
        ),
        (
            Case {
                agent: IE8,
                hints: "",
                // 2015.
                unix_ms: 1_431_857_103_000,
                ..LOGGED
            },
            Verdict::Human,
            &[],
        ),
        (
            Case {
                hints: "\"HeadlessChrome\";v=\"140\", \"Chromium\";v=\"140\"\n?0\n\"Windows\"",
                ..PERSON
            },
            Verdict::Bot,
            &["headless_browser"],
        ),
        (
            Case {
                hints: "\"Chromium\";v=\"120\"",
                ..PERSON
            },
            Verdict::Suspect,
            &["contradicted_hints"],
        ),
        (
            logged(
                "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            ),
            Verdict::Suspect,
            &["impossible_agent"],
        ),
        (logged("Mozilla/5.0"), Verdict::Suspect, &["unknown_agent"]),
        // What is no browser we know is not expected to send a browser's headers.
        (
            Case {
                agent: "an unknown thing",
                hints: "",
                signs: Signs::KNOWN,
                ..PERSON
            },
            Verdict::Suspect,
            &["unknown_agent"],
        ),
    ]);
}

#[test]
fn what_surrounds_a_click() {
    let recent = |recent| Case { recent, ..PERSON };
    let repeat = Recent {
        repeat: true,
        ..NO_RECENT
    };
    let fan_out = Recent {
        fan_out: true,
        burst: true,
        ..NO_RECENT
    };
    let burst = Recent {
        burst: true,
        repeat: true,
        ..NO_RECENT
    };
    let looked_at = Recent {
        looked_at: true,
        ..NO_RECENT
    };
    let confirmed = |case| Case {
        confirmed: true,
        ..case
    };
    let hosted = Case {
        hosting: Some(Hosting::Servers),
        ..PERSON
    };
    let undressed = Case {
        signs: PLAIN | Signs::SECURE,
        ..hosted
    };
    check(&[
        (recent(repeat), Verdict::Duplicate, &["repeat"]),
        (recent(fan_out), Verdict::Scanner, &["fan_out", "burst"]),
        (recent(burst), Verdict::Suspect, &["burst", "repeat"]),
        (recent(looked_at), Verdict::Preview, &["looked_at"]),
        // A relay or a VPN is in a data centre; a program with half of a browser's headers too.
        (hosted, Verdict::Human, &["hosting_network"]),
        (
            undressed,
            Verdict::Suspect,
            &["no_fetch_metadata", "hosting_network"],
        ),
        (
            Case {
                hosting: Some(Hosting::Servers),
                ..LOGGED
            },
            Verdict::Suspect,
            &["hosting_network"],
        ),
        (
            Case {
                hosting: Some(Hosting::Servers),
                ..recent(repeat)
            },
            Verdict::Duplicate,
            &["repeat", "hosting_network"],
        ),
        (
            Case {
                hosting: Some(Hosting::Mail),
                ..PERSON
            },
            Verdict::Scanner,
            &["mail_network"],
        ),
        (
            Case {
                hosting: Some(Hosting::Social),
                ..PERSON
            },
            Verdict::Preview,
            &["social_network"],
        ),
        // A browser that has shown the page outranks what is circumstantial, and nothing else.
        (confirmed(PERSON), Verdict::Human, &["confirmed"]),
        (
            confirmed(undressed),
            Verdict::Human,
            &["confirmed", "no_fetch_metadata", "hosting_network"],
        ),
        (
            confirmed(recent(burst)),
            Verdict::Duplicate,
            &["confirmed", "burst", "repeat"],
        ),
        (
            confirmed(recent(repeat)),
            Verdict::Duplicate,
            &["confirmed", "repeat"],
        ),
        (
            confirmed(logged(GOOGLEBOT)),
            Verdict::Bot,
            &[
                "crawler_list:search-engine",
                "crawler_agent",
                "declared_bot",
                "confirmed",
            ],
        ),
    ]);
}

/// The browsers inside apps, as they are in the wild.
#[test]
fn a_person_inside_an_app_is_a_person() {
    const IOS: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) ";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A.250205.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/136.0.7103.125 Mobile Safari/537.36 ";
    let agents = [
        (
            IOS,
            "Mobile/15E148 [FBAN/FBIOS;FBAV/513.0.0.52.100;FBBV/735189040;FBDV/iPhone15,4;FBMD/iPhone;FBSN/iOS;FBSV/18.5;FBSS/3;FBID/phone;FBLC/de_DE;FBOP/5]",
        ),
        (ANDROID, "[FB_IAB/FB4A;FBAV/513.0.0.45.77;]"),
        (ANDROID, "MetaIAB Facebook"),
        (
            IOS,
            "Mobile/15E148 [FBAN/MessengerForiOS;FBAV/509.0.0.35.109;FBDV/iPhone15,4;FBMD/iPhone;FBSN/iOS;FBSV/18.5]",
        ),
        (
            IOS,
            "Mobile/15E148 Instagram 380.0.0.28.104 (iPhone15,4; iOS 18_5; de_DE; de; scale=3.00; 1179x2556; 737298623)",
        ),
        (
            ANDROID,
            "Instagram 380.0.0.45.104 Android (35/15; 420dpi; 1080x2274; Google/google; Pixel 9; tokay; tokay; de_DE; 737298623)",
        ),
        (
            IOS,
            "Mobile/15E148 musical_ly_40.1.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/de Region/DE BytedanceWebview/d8a21c6",
        ),
        (
            ANDROID,
            "trill_400103 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/trill app_version/40.1.3 ByteLocale/de BytedanceWebview/d8a21c6",
        ),
        (IOS, "Mobile/15E148 Safari Line/15.9.0"),
        (ANDROID, "Line/15.9.0/IAB"),
        (
            IOS,
            "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN",
        ),
        (
            ANDROID,
            "XWEB/1360117 MMWEBSDK/20250503 MMWEBID/5342 MicroMessenger/8.0.60.2860(0x28003C53) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64",
        ),
        (
            IOS,
            "Mobile/15E148 Snapchat/13.47.0.54 (like Safari/8620.2.4.10.7, panda)",
        ),
        (
            ANDROID,
            "Snapchat/13.47.0.54 (Pixel 9; Android 15#12945122#35; gzip; )",
        ),
        (IOS, "Mobile/15E148 [Pinterest/iOS]"),
        (ANDROID, "[Pinterest/Android]"),
        (IOS, "Mobile/15E148 [LinkedInApp]/9.31.1197"),
        (ANDROID, "[LinkedInApp]"),
        (IOS, "Mobile/15E148 Twitter for iPhone/11.5"),
        (ANDROID, "TwitterAndroid"),
        (
            ANDROID,
            "Telegram-Android/11.13.1 (Google Pixel 9; Android 15; SDK 35; HIGH)",
        ),
        (IOS, "Mobile/15E148 WhatsApp/2.25.16"),
        (IOS, "Mobile/15E148 KAKAOTALK 25.4.1"),
        (IOS, "GSA/373.0.772326371 Mobile/15E148 Safari/604.1"),
        (
            IOS,
            "Version/18.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        ),
        (
            IOS,
            "Mobile/15E148 Reddit/Version 2025.20.0/Build 617442/iOS Version 18.5",
        ),
        (ANDROID, "Viber/25.4.0.0"),
        (IOS, "Mobile/15E148 Bluesky/1.102"),
        (
            IOS,
            "Mobile/15E148 Barcelona 380.0.0.28.104 (iPhone15,4; iOS 18_5; de_DE; de)",
        ),
    ];
    for (engine, app) in agents {
        let text = format!("{engine}{app}");
        let agent = AGENTS.of(&text, "");
        let click = Evidence {
            unix_ms: NOW,
            method: Method::Get,
            purpose: "",
            agent: &agent,
            signs: SECURE,
            hosting: None,
            recent: NO_RECENT,
            confirmed: false,
        };
        let found = judge(&click);
        let told: Vec<_> = found.reasons(&agent).iter().collect();
        assert_eq!(
            (found.verdict, &told[..]),
            (Verdict::Human, &[][..]),
            "{text}"
        );
        assert!(!agent.is_bot(), "{text}");
    }
}

/// The edge has no verdict, and must take the same agents for machines.
#[test]
fn the_edge_takes_the_same_agents_for_machines() {
    let agents = [
        "",
        "-",
        CHROME,
        FIREFOX,
        IE8,
        GOOGLEBOT,
        "Mozilla/5.0",
        "Twitterbot/1.0",
        "curl/8.5.0",
        "an unknown thing",
        "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)",
        "Chef Client/10.18.2 (+http://opscode.com)",
    ];
    for text in agents {
        for hints in ["", "\"HeadlessChrome\";v=\"140\""] {
            let (verdict, _) = verdict_of(&Case {
                hints,
                ..logged(text)
            });
            let agent = AGENTS.of(text, hints);
            let is_machine = !matches!(verdict, Verdict::Human | Verdict::Suspect);
            assert_eq!(agent.is_bot(), is_machine, "{text:?} {hints:?}");
            assert_eq!(agent.is_preview(), verdict == Verdict::Preview, "{text:?}");
        }
    }
}

#[test]
fn signs_stand_in_their_order_and_each_has_a_name() {
    let agent = AGENTS.of(CHROME, "");
    for (place, sign) in Sign::ALL.into_iter().enumerate() {
        assert_eq!(sign.bit(), 1 << place, "{sign:?}");
        assert_eq!(sign.reason(&agent).is_empty(), sign == Sign::Listed);
    }
}

fn anything() -> impl Strategy<Value = Case> {
    let agents = prop::sample::select(vec![
        "",
        CHROME,
        FIREFOX,
        IE8,
        GOOGLEBOT,
        "curl/8.5.0",
        "Twitterbot/1.0",
        "Mozilla/5.0",
        "an unknown thing",
        "Chef Client/10.18.2 (+http://opscode.com)",
    ]);
    let hints = prop::sample::select(vec![
        "",
        HINTS,
        "\"Chromium\";v=\"1\"",
        "\"HeadlessChrome\";v=\"140\"",
    ]);
    let methods = prop::sample::select(vec![Method::Get, Method::Head, Method::Post]);
    let purposes = prop::sample::select(vec!["", "", "prefetch"]);
    let recent = prop::array::uniform4(any::<bool>());
    let hostings = prop::sample::select(vec![
        None,
        Some(Hosting::Servers),
        Some(Hosting::Mail),
        Some(Hosting::Social),
    ]);
    let times = prop::sample::select(vec![0, NOW, u64::MAX]);
    (
        agents,
        hints,
        methods,
        purposes,
        any::<u16>(),
        recent,
        hostings,
        any::<bool>(),
        times,
    )
        .prop_map(
            |(
                agent,
                hints,
                method,
                purpose,
                signs,
                [repeat, fan_out, burst, looked_at],
                hosting,
                confirmed,
                unix_ms,
            )| Case {
                agent,
                hints,
                method,
                purpose,
                signs: Signs::from_bits(signs),
                recent: Recent {
                    repeat,
                    fan_out,
                    burst,
                    looked_at,
                },
                hosting,
                confirmed,
                unix_ms,
            },
        )
}

proptest! {
    /// Whatever comes has one verdict, again the same; the first sign decides, and only a person has none.
    #[test]
    fn the_first_sign_decides(case in anything()) {
        let agent = AGENTS.of(case.agent, case.hints);
        let click = Evidence {
            unix_ms: case.unix_ms, method: case.method, purpose: case.purpose, agent: &agent, signs: case.signs,
            hosting: case.hosting, recent: case.recent, confirmed: case.confirmed,
        };
        let judgement = judge(&click);
        prop_assert_eq!(judgement, judge(&click));
        let seen: Vec<Sign> = Sign::ALL.into_iter().filter(|sign| sign.is_seen(&click)).collect();
        let decided = seen.first().map_or(Verdict::Human, |sign| sign.verdict(&click));
        prop_assert_eq!(judgement.verdict, decided);
        prop_assert_eq!(judgement.reasons(&agent).iter().count(), seen.len());
    }

    /// A confirmation changes nothing of what a machine says of itself, and leaves nobody else suspect.
    #[test]
    fn a_confirmation_outranks_only_what_is_circumstantial(case in anything()) {
        let (without, reasons) = verdict_of(&Case { confirmed: false, ..case });
        let (with, _) = verdict_of(&Case { confirmed: true, ..case });
        let own_word = [
            "purpose_prefetch", "crawler_", "declared_bot", "no_user_agent", "headless_browser", "method_head",
            "no_navigation",
        ];
        let decides = reasons.first().is_some_and(|first| own_word.iter().any(|word| first.starts_with(word)));
        if decides {
            prop_assert_eq!(with, without);
        } else {
            let again = if case.recent.repeat { Verdict::Duplicate } else { Verdict::Human };
            prop_assert_eq!(with, again);
        }
    }

    /// A data centre alone makes nobody more than suspect.
    #[test]
    fn a_data_centre_alone_is_no_machine(case in anything()) {
        let (elsewhere, _) = verdict_of(&Case { hosting: None, ..case });
        let (hosted, reasons) = verdict_of(&Case { hosting: Some(Hosting::Servers), ..case });
        prop_assert!(reasons.contains(&"hosting_network".to_owned()));
        prop_assert!(hosted == elsewhere || hosted == Verdict::Suspect);
    }
}
