//! What browsers ask: which link, and with which header lines.

use std::sync::Arc;

use fastrand::Rng;
use whence_core::id::VisitorId;

use super::Way;
use crate::links::{self, DOMAIN};

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
        Self {
            picks: zipf(links as usize, PICKS),
        }
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

/// `count` draws from `kinds` kinds, of which the n-th comes 1/n as often as the first.
fn zipf(kinds: usize, count: usize) -> Vec<u32> {
    let mut sum = 0.0;
    let heaps: Vec<f64> = (1..=kinds)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let mut random = Rng::with_seed(1);
    (0..count)
        .map(|_| {
            let drawn = random.f64() * sum;
            heaps
                .partition_point(|&below| below <= drawn)
                .min(kinds - 1) as u32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_link_is_asked_for_half_as_often_as_the_first() {
        let picks = zipf(1_000, 200_000);
        let count = |kind| picks.iter().filter(|&&pick| pick == kind).count() as f64;
        for rank in [2_u32, 3, 10] {
            let ratio = count(0) / count(rank - 1);
            assert!(
                (ratio / f64::from(rank) - 1.0).abs() < 0.1,
                "rank {rank}: {ratio}"
            );
        }
        assert!(picks.iter().all(|&pick| pick < 1_000));
        assert!(zipf(1, 100).iter().all(|&pick| pick == 0));
    }

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
