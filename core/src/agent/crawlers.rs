//! User agents that are known not to be people: the public list `crawler-user-agents`, in one matcher.

use std::path::Path;

use aho_corasick::AhoCorasick;
use regex::RegexSet;
use serde::Deserialize;
use thiserror::Error;

use crate::config::DatabaseMissing;

/// On the list, yet people: the browser inside the Facebook app.
const PEOPLE: &[&str] = &["MetaIAB Facebook"];

/// Names that an app's preview fetcher and the browser inside the same app share. The fetcher's agent
/// begins with the name, the browser's with `Mozilla/`, as every browser's does.
const APPS: &[&str] = &["WhatsApp", "Viber", "Bluesky\\/", "Tumblr\\/", "Notion\\/"];

/// The list cannot be used.
#[derive(Debug, Error)]
pub enum CrawlersError {
    /// There is none.
    #[error(transparent)]
    Missing(#[from] DatabaseMissing),
    /// It cannot be read, or is no such list.
    #[error("databases.crawlers: {path}: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a machine on the list is for, as far as somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Shows a card of the page in a chat or a post.
    Preview,
    /// Looks for holes or for malware.
    Scanner,
    /// Watches whether the page is up.
    Monitor,
    /// Anything else: search engines, libraries, archives …
    Other,
}

/// What the list says of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What its tags amount to.
    pub category: Category,
    /// The tag that says so, as the reason of a verdict: `crawler_list:social-preview`.
    pub reason: String,
}

/// The list, compiled.
#[derive(Debug)]
pub(super) struct Crawlers {
    /// Patterns that are plain texts: nearly all.
    texts: AhoCorasick,
    of_text: Vec<Entry>,
    /// The rest.
    patterns: RegexSet,
    of_pattern: Vec<Entry>,
}

/// A pattern of the list, as the file has it.
#[derive(Debug, Deserialize)]
struct Entry {
    pattern: String,
    #[serde(default)]
    tags: Vec<String>,
}

impl Crawlers {
    /// Reads and compiles the list.
    pub(super) fn open(path: &Path) -> Result<Self, CrawlersError> {
        let refused = |reason: String| CrawlersError::Refused {
            path: path.display().to_string(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|e| refused(e.to_string()))?;
        let entries = serde_json::from_slice(&bytes).map_err(|e| refused(e.to_string()))?;
        Self::compile(entries).map_err(refused)
    }

    fn compile(entries: Vec<Entry>) -> Result<Self, String> {
        let (mut texts, mut of_text, mut of_pattern) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            if PEOPLE.contains(&entry.pattern.as_str()) {
                continue;
            }
            match plain(&entry.pattern) {
                Some(text) if text.is_empty() => return Err("a pattern is empty".into()),
                Some(text) => {
                    texts.push(text);
                    of_text.push(entry);
                }
                None => of_pattern.push(entry),
            }
        }
        Ok(Self {
            texts: AhoCorasick::new(&texts).map_err(|e| e.to_string())?,
            patterns: RegexSet::new(of_pattern.iter().map(|entry| &entry.pattern))
                .map_err(|e| e.to_string())?,
            of_text,
            of_pattern,
        })
    }

    /// What the list says of an agent, if anything. Where several patterns fit, the most telling tag
    /// counts.
    pub(super) fn find(&self, agent: &str) -> Option<Listed> {
        let is_browser = agent.starts_with("Mozilla/");
        let texts = self
            .texts
            .find_overlapping_iter(agent)
            .map(|found| &self.of_text[found.pattern().as_usize()]);
        let patterns = self
            .patterns
            .matches(agent)
            .into_iter()
            .map(|i| &self.of_pattern[i]);
        texts
            .chain(patterns)
            .filter(|entry| !(is_browser && APPS.contains(&entry.pattern.as_str())))
            .map(sort)
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, listed)| listed)
    }
}

/// The category of a pattern's tags, with its rank: the lower, the more it says.
fn sort(entry: &Entry) -> (usize, Listed) {
    const TELLING: [(&str, Category); 3] = [
        ("social-preview", Category::Preview),
        ("scanner", Category::Scanner),
        ("monitoring", Category::Monitor),
    ];
    let found = TELLING
        .iter()
        .enumerate()
        .find(|(_, (tag, _))| entry.tags.iter().any(|t| t == tag));
    match found {
        Some((rank, (tag, category))) => {
            let listed = Listed {
                category: *category,
                reason: reason(tag),
            };
            (rank, listed)
        }
        None => {
            let tag = entry.tags.first().map_or("untagged", String::as_str);
            (
                TELLING.len(),
                Listed {
                    category: Category::Other,
                    reason: reason(tag),
                },
            )
        }
    }
}

fn reason(tag: &str) -> String {
    format!("crawler_list:{tag}")
}

/// The text that a pattern stands for, where it is no more than a text: `Googlebot\/` is `Googlebot/`.
fn plain(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '^' | '$' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
                return None;
            }
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::parts;

    fn list() -> Crawlers {
        Crawlers::open(&parts::find(parts::CRAWLERS).unwrap()).unwrap()
    }

    #[test]
    fn plain_patterns_are_told_from_real_ones() {
        assert_eq!(plain("Googlebot\\/").unwrap(), "Googlebot/");
        assert_eq!(plain("Pinterest\\.com").unwrap(), "Pinterest.com");
        for real in ["^curl", "[wW]get", "a.b", "BlogTraffic\\/\\d", "a|b", "x$"] {
            assert_eq!(plain(real), None, "{real}");
        }
    }

    #[test]
    fn golden_table() {
        let list = list();
        let table = [
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some(Category::Other),
            ),
            (
                "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
                Some(Category::Preview),
            ),
            ("Twitterbot/1.0", Some(Category::Preview)),
            ("WhatsApp/2.23.20.0 A", Some(Category::Preview)),
            (
                "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
                Some(Category::Preview),
            ),
            ("curl/8.5.0", Some(Category::Other)),
            ("Wget/1.21", Some(Category::Other)),
            (
                "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
                Some(Category::Other),
            ),
            (
                "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
                Some(Category::Monitor),
            ),
            (
                "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)",
                Some(Category::Scanner),
            ),
            // People.
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook",
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/440.0.0.0]",
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 308.0.2.18.106",
                None,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Mobile Safari/537.36 Viber/21.0",
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Bluesky/1.83",
                None,
            ),
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT P20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Mobile Safari/537.36",
                None,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                None,
            ),
            ("", None),
        ];
        for (agent, category) in table {
            assert_eq!(
                list.find(agent).map(|listed| listed.category),
                category,
                "{agent}"
            );
        }
    }

    /// The list carries examples of each pattern; the matcher must find what the list's authors mean.
    #[test]
    fn every_example_of_the_list_is_found() {
        #[derive(Deserialize)]
        struct WithInstances {
            pattern: String,
            instances: Vec<String>,
        }
        let list = list();
        let path = parts::find(parts::CRAWLERS).unwrap();
        let entries: Vec<WithInstances> =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut missed: BTreeMap<String, usize> = BTreeMap::new();
        let mut examples = 0;
        for entry in entries {
            let spared = PEOPLE.iter().chain(APPS).any(|p| *p == entry.pattern);
            for agent in entry.instances.iter().filter(|_| !spared) {
                examples += 1;
                if list.find(agent).is_none() {
                    *missed.entry(entry.pattern.clone()).or_default() += 1;
                }
            }
        }
        assert!(examples > 2000, "only {examples} examples");
        assert_eq!(missed, BTreeMap::new());
    }

    #[test]
    fn a_bad_list_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, word) in [
            ("{}", "sequence"),
            ("[{\"pattern\":\"\"}]", "empty"),
            ("[{\"pattern\":\"a(\"}]", "a("),
            ("[{\"tags\":[]}]", "pattern"),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = Crawlers::open(file.path()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        }
    }
}
