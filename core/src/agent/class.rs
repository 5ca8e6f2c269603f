//! A coarse class of the user agent that one line of `awk` can check.
//!
//! It is a property of the text, not a judgement: whether a machine asks is [`Agent`](super::Agent)'s to say.

/// What kind of text a user agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum AgentClass {
    /// None was sent, or only `-`.
    None = 0,
    /// Begins with `Mozilla/` or `Opera/`, as every browser does.
    Browser = 1,
    /// Holds `bot`, `crawl`, `spider` or `http` in any letter case: robots that name themselves or
    /// their page.
    DeclaredBot = 2,
    /// The rest: libraries, apps, old phones.
    Other = 3,
}

impl AgentClass {
    /// The class of a user agent.
    #[must_use]
    pub fn of(agent: &str) -> Self {
        if agent.is_empty() || agent == "-" {
            return Self::None;
        }
        let small = agent.to_ascii_lowercase();
        if ["bot", "crawl", "spider", "http"]
            .iter()
            .any(|word| small.contains(word))
        {
            Self::DeclaredBot
        } else if begins_like_a_browser(agent) {
            Self::Browser
        } else {
            Self::Other
        }
    }
}

/// Whether an agent begins as every browser's does, and as those of many robots do.
pub(super) fn begins_like_a_browser(agent: &str) -> bool {
    agent.starts_with("Mozilla/") || agent.starts_with("Opera/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (agent, class) in [
            ("", AgentClass::None),
            ("-", AgentClass::None),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Firefox/120.0",
                AgentClass::Browser,
            ),
            ("Opera/9.80 (Windows NT 6.1)", AgentClass::Browser),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1)",
                AgentClass::DeclaredBot,
            ),
            (
                "Mozilla/5.0 (compatible; X; +HTTP://x.example)",
                AgentClass::DeclaredBot,
            ),
            ("Baiduspider", AgentClass::DeclaredBot),
            ("My Crawler", AgentClass::DeclaredBot),
            (
                "Mozilla/5.0 (Linux; Android 9; CUBOT P20)",
                AgentClass::DeclaredBot,
            ),
            ("curl/8.5.0", AgentClass::Other),
            ("mozilla/5.0", AgentClass::Other),
            ("UniversalFeedParser/4.2-pre-314-svn", AgentClass::Other),
        ] {
            assert_eq!(AgentClass::of(agent), class, "{agent:?}");
        }
    }
}
