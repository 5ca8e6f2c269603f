//! What keys must be beyond their type, told before anything is started: the same for `whence check` and
//! for every service.

use super::{Config, Cookies, Redirector};
use crate::store;

impl Config {
    /// Everything that is wrong, each with its key; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.click_id_key.is_empty() {
            problems.extend(self.click_id_key().err());
        }
        if !self.salt_key.is_empty() {
            problems.extend(self.salt_key().err());
        }
        let store = store::check_url(&self.store_url());
        problems.extend(store.err().map(|error| format!("store.url: {error}")));
        for (key, journal) in [
            ("redirector.journal", &self.redirector.journal),
            ("ingest.journal", &self.ingest.journal),
        ] {
            let checked = journal.lane_options().check();
            problems.extend(checked.err().map(|error| format!("{key}: {error}")));
        }
        problems.extend(self.retention.problems());
        if !(1..=4096).contains(&self.ingest.windows_mib) {
            problems.push("ingest.windows_mib: must be 1 to 4096".into());
        }
        problems.extend(check_edge(&self.redirector));
        problems
    }
}

fn check_edge(redirector: &Redirector) -> Vec<String> {
    let mut problems = Vec::new();
    let Cookies {
        visitor,
        last_click,
        ..
    } = &redirector.cookies;
    for (key, name, others) in [
        ("visitor", visitor, &[Cookies::PASSWORD][..]),
        ("last_click", last_click, &[Cookies::PASSWORD, visitor][..]),
    ] {
        // A token of RFC 6265, without the marks that nobody names a cookie by.
        let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
            let must = "must be 1 to 64 of a-z, A-Z, 0-9, _, - and .";
            problems.push(format!("redirector.cookies.{key}: {must}"));
        }
        if others.contains(&name.as_str()) {
            problems.push(format!(
                "redirector.cookies.{key}: {name} is another cookie's name"
            ));
        }
    }
    // Below, hyper could not read a request; above, a client could take a connection's weight in memory.
    if !(2048..=1 << 20).contains(&redirector.max_head_bytes) {
        problems.push("redirector.max_head_bytes: must be 2048 to 1048576".into());
    }
    if redirector.max_connections == 0 {
        problems.push("redirector.max_connections: must be at least 1".into());
    }
    for (key, milliseconds) in [
        ("head_timeout_ms", redirector.head_timeout_ms),
        ("idle_timeout_ms", redirector.idle_timeout_ms),
        ("write_timeout_ms", redirector.write_timeout_ms),
    ] {
        // A day is longer than anybody waits, and short enough to be added to any moment.
        if !(100..=86_400_000).contains(&milliseconds) {
            problems.push(format!("redirector.{key}: must be 100 to 86400000"));
        }
    }
    let tls = &redirector.tls;
    if tls.listen.is_some() && tls.certificates.is_none() {
        problems
            .push("redirector.tls.certificates: must name a folder where tls.listen is set".into());
    }
    if tls.only && tls.listen.is_none() {
        problems.push("redirector.tls.only: needs redirector.tls.listen".into());
    }
    problems
}

#[cfg(test)]
mod tests {
    use crate::config::Sources;

    #[test]
    fn each_problem_names_its_key() {
        assert!(Sources::default().load().unwrap().problems().is_empty());
        for flag in [
            "click_id_key=abc",
            "salt_key=abc",
            "retention.query_days=0",
            "retention.clicks_days=36501",
            "store.url=mysql://somewhere",
            "redirector.journal.segment_megabytes=0",
            "ingest.journal.max_megabytes=1",
            "redirector.cookies.visitor=a;b",
            "redirector.cookies.last_click=",
            "redirector.cookies.visitor=whp",
            "redirector.cookies.last_click=whp",
            "redirector.cookies.last_click=whv",
            "redirector.max_head_bytes=100",
            "redirector.max_connections=0",
            "redirector.head_timeout_ms=0",
            "redirector.idle_timeout_ms=0",
            "redirector.write_timeout_ms=99999999999",
            "redirector.tls.listen=127.0.0.1:443",
            "redirector.tls.only=true",
        ] {
            let sources = Sources {
                flags: vec![flag.into()],
                ..Sources::default()
            };
            let problems = sources.load().unwrap().problems();
            let key = flag.split('=').next().unwrap();
            let named = key.rsplit_once('.').map_or(key, |(section, _)| section);
            assert!(
                problems.len() == 1 && problems[0].contains(named),
                "{flag}: {problems:?}"
            );
        }
    }
}
