//! User agents as they come in life: a few browsers in many versions, apps, and machines. Made from templates.

use fastrand::Rng;

use crate::zipf::Zipf;

/// How many clicks of a hundred are made by machines.
const MACHINES: u32 = 8;
/// How many clicks of a hundred come from telephones and tablets; the rest of people's sit at a desk.
const MOBILE: u32 = 58;

/// Telephones as they name themselves.
const PHONES: &[&str] = &[
    "SM-S918B",
    "SM-A546B",
    "SM-G991B",
    "Pixel 8",
    "Pixel 7a",
    "M2101K6G",
    "CPH2449",
    "2201117TG",
    "SM-A135F",
    "moto g(30)",
    "RMX3085",
    "V2111",
];

/// Machines that follow links.
const BOTS: &[&str] = &[
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "WhatsApp/2.23.20.0",
    "Twitterbot/1.0",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "curl/8.5.0",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
];

/// Everybody's agents.
pub(super) struct Agents {
    mobile: Kind,
    desk: Kind,
    machines: Kind,
}

/// An agent that was drawn.
pub(super) struct Drawn<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// Whether it keeps no cookies.
    pub(super) is_machine: bool,
}

/// Agents that are alike, the most common first.
struct Kind {
    texts: Vec<String>,
    popularity: Zipf,
}

impl Kind {
    /// Shuffled, so that what is popular is not all of one sort.
    fn of(mut texts: Vec<String>, random: &mut Rng) -> Self {
        random.shuffle(&mut texts);
        let popularity = Zipf::of(texts.len());
        Self { texts, popularity }
    }

    fn draw(&self, random: &mut Rng) -> &str {
        &self.texts[self.popularity.draw(random)]
    }
}

impl Agents {
    /// Makes them.
    pub(super) fn new(random: &mut Rng) -> Self {
        Self {
            mobile: Kind::of(mobile(), random),
            desk: Kind::of(desk(), random),
            machines: Kind::of(BOTS.iter().map(|&bot| bot.into()).collect(), random),
        }
    }

    /// Draws one.
    pub(super) fn draw(&self, random: &mut Rng) -> Drawn<'_> {
        let dice = random.u32(..100);
        let is_machine = dice < MACHINES;
        let kind = match dice {
            _ if is_machine => &self.machines,
            dice if dice < MACHINES + MOBILE => &self.mobile,
            _ => &self.desk,
        };
        Drawn {
            text: kind.draw(random),
            is_machine,
        }
    }
}

fn mobile() -> Vec<String> {
    let mut texts = Vec::new();
    let webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
    for (major, minor) in (15..=18).flat_map(|major| (0..6).map(move |minor| (major, minor))) {
        let phone =
            format!("Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) {webkit}");
        texts.push(format!(
            "{phone} Version/{major}.{minor} Mobile/15E148 Safari/604.1"
        ));
        if minor % 2 == 0 {
            texts.push(format!("{phone} Mobile/15E148 Instagram 3{major}.0.0.25.110 (iPhone14,5; iOS {major}_{minor}; en_US; scale=3.00)"));
            texts.push(format!(
                "{phone} CriOS/1{major}.0.6723.90 Mobile/15E148 Safari/604.1"
            ));
            texts.push(format!("Mozilla/5.0 (iPad; CPU OS {major}_{minor} like Mac OS X) {webkit} Version/{major}.{minor} Mobile/15E148 Safari/604.1"));
        }
    }
    let chrome = "AppleWebKit/537.36 (KHTML, like Gecko)";
    for version in 132..=142 {
        // Chrome no longer tells the telephone's name.
        texts.push(format!("Mozilla/5.0 (Linux; Android 10; K) {chrome} Chrome/{version}.0.0.0 Mobile Safari/537.36"));
        texts.push(format!("Mozilla/5.0 (Linux; Android 10; K) {chrome} SamsungBrowser/{}.0 Chrome/{version}.0.0.0 Mobile Safari/537.36", version - 110));
        for (number, phone) in PHONES.iter().enumerate() {
            let android = 11 + number % 5;
            texts.push(format!("Mozilla/5.0 (Linux; Android {android}; {phone}; wv) {chrome} Version/4.0 Chrome/{version}.0.6778.39 Mobile Safari/537.36"));
        }
    }
    texts
}

fn desk() -> Vec<String> {
    let mut texts = Vec::new();
    let chrome = "AppleWebKit/537.36 (KHTML, like Gecko)";
    for version in 132..=142 {
        for system in [
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
        ] {
            texts.push(format!(
                "Mozilla/5.0 ({system}) {chrome} Chrome/{version}.0.0.0 Safari/537.36"
            ));
            texts.push(format!(
                "Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            ));
        }
        texts.push(format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {chrome} Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.0.0"));
    }
    for version in ["16.6", "17.2", "17.6", "18.0", "18.3", "18.6"] {
        texts.push(format!("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use whence_core::agent;
    use whence_core::config::Databases;

    use super::*;

    #[test]
    fn some_three_hundred_and_the_product_knows_machines_from_people() {
        let mut random = Rng::with_seed(1);
        let agents = Agents::new(&mut random);
        let reader = agent::Agents::open(&Databases::default()).unwrap();
        let mut seen = HashSet::new();
        for _ in 0..50_000 {
            let drawn = agents.draw(&mut random);
            if seen.insert(drawn.text) {
                let read = reader.of(drawn.text, "");
                assert_eq!(read.is_bot(), drawn.is_machine, "{}", drawn.text);
            }
        }
        assert!((250..400).contains(&seen.len()), "{}", seen.len());
    }
}
