//! Ingest's addresses, and in which order they are asked.
//!
//! Each lane has an address of its own to begin with, so that lanes spread over what there is. One that
//! did not take a block rests: until it has rested it is asked last, and then first again. A rest is short and
//! doubles while nothing comes of asking; none is ever left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::Uri;

/// The first rest: about as long as an ingest takes to be started again.
const FIRST_REST: Duration = Duration::from_secs(2);
/// The longest: what one that is slow to say that it is away costs a lane so often.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// One address of ingest.
#[derive(Debug)]
pub(super) struct Address {
    /// Where blocks go.
    pub(super) blocks: Uri,
    /// Where accounts of lanes go.
    pub(super) lanes: Uri,
    rest: Mutex<Option<Rest>>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    length: Duration,
}

impl Address {
    /// Lets it rest; one that rests already goes on.
    pub(super) fn rest(&self) {
        self.rest_at(Instant::now());
    }

    fn rest_at(&self, now: Instant) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let length = match *rest {
            // Several lanes that find it away at once are one finding.
            Some(rest) if rest.until > now => return,
            Some(rest) => (rest.length * 2).min(LONGEST_REST),
            None => FIRST_REST,
        };
        let until = now + length;
        *rest = Some(Rest { until, length });
    }

    /// It answers: it has rested enough.
    pub(super) fn answered(&self) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn rests(&self, now: Instant) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.is_some_and(|rest| rest.until > now)
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Addresses(Vec<Address>);

impl Addresses {
    /// Reads them, each the base of a URL.
    pub(super) fn parse(bases: &[String]) -> Result<Self, String> {
        if bases.is_empty() {
            return Err("redirector.ingest: must name at least one address".into());
        }
        let addresses = bases.iter().map(|base| {
            let at = |path: &str| {
                let uri = format!("{}{path}", base.trim_end_matches('/')).parse::<Uri>();
                let uri = uri.ok().filter(|uri| uri.scheme_str() == Some("http"));
                uri.ok_or_else(|| format!("redirector.ingest: {base:?} must be an http:// URL"))
            };
            Ok(Address {
                blocks: at("/v1/blocks")?,
                lanes: at("/v1/lanes")?,
                rest: Mutex::new(None),
            })
        });
        addresses.collect::<Result<_, String>>().map(Self)
    }

    /// All of them, in the order in which a lane asks.
    pub(super) fn order(&self, lane: u64) -> Vec<&Address> {
        self.order_at(lane, Instant::now())
    }

    fn order_at(&self, lane: u64, now: Instant) -> Vec<&Address> {
        let home = (lane % self.0.len() as u64) as usize;
        let (before, from) = self.0.split_at(home);
        let (resting, mut order): (Vec<_>, Vec<_>) =
            from.iter().chain(before).partition(|it| it.rests(now));
        order.extend(resting);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(order: Vec<&Address>) -> Vec<u16> {
        order
            .iter()
            .map(|it| it.blocks.port_u16().unwrap())
            .collect()
    }

    #[test]
    fn lanes_spread_and_who_rests_is_asked_last_until_it_has_rested() {
        let bases = ["http://h:1", "http://h:2/", "http://h:3"].map(String::from);
        let addresses = Addresses::parse(&bases).unwrap();
        let now = Instant::now();
        let order = |lane, now| ports(addresses.order_at(lane, now));
        assert_eq!(order(0, now), [1, 2, 3]);
        assert_eq!(order(4, now), [2, 3, 1]);
        addresses.0[1].rest_at(now);
        addresses.0[1].rest_at(now + Duration::from_secs(1));
        assert_eq!(order(4, now), [3, 1, 2]);
        let later = now + FIRST_REST;
        assert_eq!(order(4, later), [2, 3, 1], "it comes back");
        addresses.0[1].rest_at(later);
        assert_eq!(order(4, later + FIRST_REST), [3, 1, 2], "it rests longer");
        addresses.0[1].answered();
        assert_eq!(order(4, later), [2, 3, 1]);
        for place in 0..3 {
            addresses.0[place].rest_at(later);
        }
        assert_eq!(order(5, later), [3, 1, 2], "none is left out");
    }

    #[test]
    fn addresses_are_checked() {
        let error = |bases: &[&str]| {
            let bases: Vec<_> = bases.iter().map(|base| (*base).to_owned()).collect();
            Addresses::parse(&bases).err()
        };
        assert_eq!(error(&["http://127.0.0.1:8081/", "http://i-2:8081"]), None);
        assert!(error(&[]).unwrap().contains("redirector.ingest"));
        assert!(error(&["ingest:8081"]).unwrap().contains("ingest:8081"));
    }
}
