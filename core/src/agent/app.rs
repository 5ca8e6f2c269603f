//! The app whose own browser a user agent is: where no referrer says it, the agent does.
//!
//! Only apps in which people meet links stand here: a browser of its own right (DuckDuckGo's, Samsung's) opens what was
//! found anywhere, and says nothing of where that was. What an app is as a source of visitors is the collector's business.

/// Texts that only one app's agents hold, each with the app's name. The first that is found counts: where one app is
/// built on another's browser (Messenger on Facebook's, QQ on WeChat's), the narrower stands first.
pub const APPS: &[(&str, &str)] = &[
    ("FBAN/Messenger", "Messenger"),
    ("FB_IAB/MESSENGER", "Messenger"),
    ("FB_IAB/Orca", "Messenger"),
    ("MetaIAB Messenger", "Messenger"),
    // Threads began under this name, and its agents keep it.
    ("Barcelona ", "Threads"),
    ("Instagram ", "Instagram"),
    ("MetaIAB Instagram", "Instagram"),
    ("FBAN/", "Facebook"),
    ("FBAV/", "Facebook"),
    ("FB_IAB/", "Facebook"),
    ("MetaIAB", "Facebook"),
    ("aweme", "Douyin"),
    ("musical_ly", "TikTok"),
    ("trill_", "TikTok"),
    ("TikTok", "TikTok"),
    ("BytedanceWebview", "TikTok"),
    // What a browser names last is its own; `Line/` alone would be in `Offline/` too.
    (" Line/", "LINE"),
    (" QQ/", "QQ"),
    ("MicroMessenger/", "WeChat"),
    ("Weibo (", "Weibo"),
    ("__weibo__", "Weibo"),
    ("Snapchat/", "Snapchat"),
    ("[Pinterest/", "Pinterest"),
    ("Pinterest for ", "Pinterest"),
    ("LinkedInApp", "LinkedIn"),
    ("Twitter for ", "X"),
    ("TwitterAndroid", "X"),
    ("Bluesky/", "Bluesky"),
    ("Tumblr/", "Tumblr"),
    ("Reddit/", "Reddit"),
    ("RedditAndroid", "Reddit"),
    ("VKAndroidApp", "VK"),
    ("Telegram-Android/", "Telegram"),
    (" Telegram/", "Telegram"),
    (" WhatsApp/", "WhatsApp"),
    (" Viber", "Viber"),
    ("KAKAOTALK", "KakaoTalk"),
    ("Zalo iOS/", "Zalo"),
    ("Zalo android/", "Zalo"),
    ("discord/", "Discord"),
    ("Discord/", "Discord"),
    ("Slack_SSB/", "Slack"),
    (" Slack/", "Slack"),
    (" Teams/", "Microsoft Teams"),
    (" Thunderbird/", "Thunderbird"),
    ("Outlook-iOS", "Outlook"),
    ("Outlook-Android", "Outlook"),
    ("Flipboard/", "Flipboard"),
    ("SmartNews", "SmartNews"),
    ("NAVER(inapp", "Naver"),
    ("DaumApps/", "Daum"),
    ("baiduboxapp", "Baidu"),
    ("GSA/", "Google"),
];

/// The app of an agent; empty where it is none's.
pub(super) fn of(agent: &str) -> &'static str {
    APPS.iter()
        .find(|(text, _)| agent.contains(text))
        .map_or("", |&(_, app)| app)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_table() {
        const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36";
        for (begins, ends, app) in [
            (
                IPHONE,
                "Mobile/15E148 [FBAN/FBIOS;FBAV/442.0.0.40.107;FBBV/540;FBDV/iPhone14,5;FBLC/de_DE]",
                "Facebook",
            ),
            (ANDROID, "[FB_IAB/FB4A;FBAV/442.0.0.44.114;]", "Facebook"),
            (ANDROID, "MetaIAB Facebook", "Facebook"),
            (
                IPHONE,
                "Mobile/15E148 [FBAN/MessengerForiOS;FBAV/436.0.0.37.110]",
                "Messenger",
            ),
            (
                ANDROID,
                "[FB_IAB/Orca-Android;FBAV/439.0.0.29.119;]",
                "Messenger",
            ),
            (
                IPHONE,
                "Mobile/15E148 Instagram 309.0.2.24.110 (iPhone14,5; iOS 17_1; de_DE; scale=3.00; 1170x2532; 537288535)",
                "Instagram",
            ),
            (
                IPHONE,
                "Mobile/15E148 Barcelona 309.0.2.24.110 (iPhone14,5; iOS 17_1)",
                "Threads",
            ),
            (
                IPHONE,
                "Mobile/15E148 musical_ly_32.5.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/de Region/DE",
                "TikTok",
            ),
            (ANDROID, "trill_320503 BytedanceWebview/d8a21c6", "TikTok"),
            (
                ANDROID,
                "aweme_270300 JsSdk/1.0 BytedanceWebview/d8a21c6",
                "Douyin",
            ),
            (IPHONE, "Mobile/15E148 Safari Line/13.19.0", "LINE"),
            (
                ANDROID,
                "MMWEBID/8531 MicroMessenger/8.0.44.2502(0x28002C51) WeChat/arm64 Weixin NetType/WIFI",
                "WeChat",
            ),
            (
                IPHONE,
                "Mobile/15E148 QQ/8.9.85.612 V1_IPH_SQ_8.9.85_1_APP_A Pixel/1170 MicroMessenger/6.0",
                "QQ",
            ),
            (
                IPHONE,
                "Mobile/15E148 Snapchat/12.60.0.38 (like Safari/8617.1.17.10.9, panda)",
                "Snapchat",
            ),
            (IPHONE, "Mobile/15E148 [Pinterest/iOS]", "Pinterest"),
            (IPHONE, "Mobile/15E148 [LinkedInApp]/9.29.7586", "LinkedIn"),
            (IPHONE, "Mobile/15E148 Twitter for iPhone/10.15", "X"),
            (ANDROID, "TwitterAndroid", "X"),
            (
                ANDROID,
                "Telegram-Android/11.4.2 (Samsung SM-S918B; Android 14; SDK 34; HIGH)",
                "Telegram",
            ),
            (IPHONE, "Mobile/15E148 WhatsApp/2.23", "WhatsApp"),
            (ANDROID, ";KAKAOTALK 2410420", "KakaoTalk"),
            (
                IPHONE,
                "GSA/292.0.590048842 Mobile/15E148 Safari/604.1",
                "Google",
            ),
            (
                IPHONE,
                "Mobile/15E148 NAVER(inapp; search; 1020; 12.3.1)",
                "Naver",
            ),
            (IPHONE, "Version/17.1 Mobile/15E148 Safari/604.1", ""),
            (ANDROID, "", ""),
            (
                IPHONE,
                "Version/17.1 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
                "",
            ),
            (ANDROID, "Offline/1.0", ""),
            (ANDROID, "MQQBrowser/14.4", ""),
            ("", "", ""),
        ] {
            assert_eq!(of(&format!("{begins} {ends}")), app, "{ends}");
        }
    }

    #[test]
    fn no_text_hides_another() {
        for (place, (text, app)) in APPS.iter().enumerate() {
            let found = of(text);
            assert_eq!(found, *app, "{text:?} at {place} is never reached");
        }
    }
}
