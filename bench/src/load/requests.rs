//! What browsers ask: which link, and with which header lines.

use std::sync::Arc;

use fastrand::Rng;
use whence_core::id::VisitorId;

use super::Way;
use crate::links::{self, DOMAIN};
use crate::zipf::Zipf;

/// Picks in the popularity's sequence, walked round and round: enough that the rarest links come too.
const PICKS: usize = 1 << 20;

/// What a browser of today sends when somebody clicks on a link.
const BROWSER: &str = "\
    user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    accept-language: de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7\r\n\
    accept-encoding: gzip, deflate, br, zstd\r\n\
    referer: https://www.instagram.com/\r\n\
    upgrade-insecure-requests: 1\r\n\
    sec-fetch-dest: document\r\n\
    sec-fetch-mode: navigate\r\n\
    sec-fetch-site: cross-site\r\n\
    sec-fetch-user: ?1\r\n";

/// The requests of all browsers together.
pub(crate) struct Requests {
    /// Which link comes when.
    picks: Vec<u32>,
}

/// The requests of one browser.
pub(crate) struct Script {
    all: Arc<Requests>,
    /// Which browser it is.
    number: u16,
    /// Its header lines, cookies included, to the head's end.
    headers: Vec<u8>,
    /// Where in the sequence it is.
    at: usize,
}

impl Requests {
    /// Requests for so many links, number 0 being the most popular.
    pub(crate) fn new(links: u32) -> Self {
        let popularity = Zipf::of(links as usize);
        let mut random = Rng::with_seed(1);
        let picks = (0..PICKS)
            .map(|_| popularity.draw(&mut random) as u32)
            .collect();
        Self { picks }
    }

    /// What browser number `number` asks: a visitor who has been here before.
    pub(crate) fn script(self: &Arc<Self>, number: u16, way: Way) -> Script {
        let mut random = Rng::with_seed(u64::from(number));
        // Any 22 characters are as good: what was clicked last is only read by who is asked to.
        let (visitor, last_click) = (VisitorId(random.u128(..)), VisitorId(random.u128(..)));
        let connection = match way {
            Way::KeepAlive | Way::Tls => "keep-alive",
            Way::NewConnection => "close",
        };
        let headers = format!(
            "host: {DOMAIN}\r\n{BROWSER}connection: {connection}\r\n\
             cookie: _ga=GA1.1.1234567890.1763700000; whv={visitor}; whc={last_click}\r\n\r\n"
        );
        Script {
            all: Arc::clone(self),
            number,
            headers: headers.into_bytes(),
            at: random.usize(..PICKS),
        }
    }
}

impl Script {
    /// Which browser it is.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Writes the next request's head into `buffer`.
    pub(crate) fn write_next(&mut self, buffer: &mut Vec<u8>) {
        let pick = self.all.picks[self.at % PICKS];
        self.at += 1;
        self.write(&links::slug(pick), buffer);
    }

    /// Writes the head of a request for this slug into `buffer`.
    pub(crate) fn write_for(&self, slug: &str, buffer: &mut Vec<u8>) {
        self.write(slug.as_bytes(), buffer);
    }

    fn write(&self, slug: &[u8], buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(b"GET /");
        buffer.extend_from_slice(slug);
        buffer.extend_from_slice(b" HTTP/1.1\r\n");
        buffer.extend_from_slice(&self.headers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_whole_head_of_a_browsers_size() {
        let requests = Arc::new(Requests::new(10));
        let mut script = requests.script(3, Way::NewConnection);
        let mut head = Vec::new();
        script.write_for("abc", &mut head);
        assert!(head.starts_with(b"GET /abc HTTP/1.1\r\nhost: "));
        script.write_next(&mut head);
        let text = String::from_utf8(head).unwrap();
        assert!(text.contains("\r\nconnection: close\r\n"), "{text}");
        assert!(
            text.ends_with("\r\n\r\n") && text.matches("\r\n\r\n").count() == 1,
            "{text}"
        );
        assert!((500..1_000).contains(&text.len()), "{}", text.len());
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.is_empty() || line.contains(": ")),
            "{text}"
        );
    }
}
