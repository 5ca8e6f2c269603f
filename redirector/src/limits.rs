//! Who stands at the door, and how often: requests and handshakes of a client, requests for a link, passwords
//! tried.
//!
//! How many connections a client may hold is `door`'s.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use whence_core::config::Redirector;
use whence_core::id::LinkId;

use crate::request::client_prefix;

/// Keys are forgotten, where they are quiet, once this many are remembered: some 10 MB for each limit.
const MOST_KEYS: usize = 100_000;
/// Pictures for one client: a page of thirty codes at once, then one a second.
const PICTURES: Quota =
    Quota::per_second(NonZeroU32::MIN).allow_burst(NonZeroU32::new(30).unwrap());

/// The limits of one redirector, shared by its threads.
pub(crate) struct Limits {
    clients: Option<DefaultKeyedRateLimiter<IpAddr>>,
    handshakes: Option<DefaultKeyedRateLimiter<IpAddr>>,
    links: Option<DefaultKeyedRateLimiter<LinkId>>,
    attempts: Option<DefaultKeyedRateLimiter<(IpAddr, LinkId)>>,
    pictures: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    /// The configured limits.
    pub(crate) fn new(config: &Redirector) -> Self {
        let tls = &config.tls;
        let attempts = NonZeroU32::new(config.password_attempts).map(Quota::per_minute);
        Self {
            clients: per_second(config.client_rate, config.client_burst).map(RateLimiter::keyed),
            handshakes: per_second(tls.handshake_rate, tls.handshake_burst).map(RateLimiter::keyed),
            links: per_second(config.link_rate, config.link_burst).map(RateLimiter::keyed),
            attempts: attempts.map(RateLimiter::keyed),
            pictures: RateLimiter::keyed(PICTURES),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request; where it is one too many, says how long to wait.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), Duration> {
        self.check(self.clients.as_ref(), || client_prefix(client))
    }

    /// Counts a TLS handshake that this client begins.
    pub(crate) fn admit_handshake(&self, client: IpAddr) -> Result<(), Duration> {
        self.check(self.handshakes.as_ref(), || client_prefix(client))
    }

    /// Counts a request for this link, whoever asks.
    pub(crate) fn admit_link(&self, link: LinkId) -> Result<(), Duration> {
        self.check(self.links.as_ref(), || link)
    }

    /// Counts a password that this client tries on this link.
    pub(crate) fn admit_attempt(&self, client: IpAddr, link: LinkId) -> Result<(), Duration> {
        self.check(self.attempts.as_ref(), || (client_prefix(client), link))
    }

    /// Counts a picture that is drawn for this client.
    pub(crate) fn admit_picture(&self, client: IpAddr) -> Result<(), Duration> {
        self.check(Some(&self.pictures), || client_prefix(client))
    }

    fn check<K: Hash + Eq + Clone>(
        &self,
        limit: Option<&DefaultKeyedRateLimiter<K>>,
        key: impl FnOnce() -> K,
    ) -> Result<(), Duration> {
        let Some(limit) = limit else {
            return Ok(());
        };
        limit
            .check_key(&key())
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets who has been quiet. To be called each second: between two calls no more are remembered
    /// than one second of requests can name.
    pub(crate) fn tidy(&self) {
        forget_the_quiet(self.clients.as_ref());
        forget_the_quiet(self.handshakes.as_ref());
        forget_the_quiet(self.links.as_ref());
        forget_the_quiet(self.attempts.as_ref());
        forget_the_quiet(Some(&self.pictures));
    }
}

fn per_second(rate: u32, burst: u32) -> Option<Quota> {
    let rate = NonZeroU32::new(rate)?;
    let burst = NonZeroU32::new(burst).unwrap_or(rate);
    Some(Quota::per_second(rate).allow_burst(burst))
}

fn forget_the_quiet<K: Hash + Eq + Clone>(limit: Option<&DefaultKeyedRateLimiter<K>>) {
    if let Some(limit) = limit
        && limit.len() > MOST_KEYS
    {
        limit.retain_recent();
        limit.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(adjust: impl FnOnce(&mut Redirector)) -> Limits {
        let mut config = Redirector::default();
        adjust(&mut config);
        Limits::new(&config)
    }

    #[test]
    fn a_client_that_asks_too_often_waits_and_others_do_not() {
        let limits = limits(|config| (config.client_rate, config.client_burst) = (1, 3));
        let greedy = "2001:db8::1".parse().unwrap();
        let same_household = "2001:db8::2".parse().unwrap();
        for _ in 0..3 {
            assert!(limits.admit(greedy).is_ok());
        }
        let wait = limits.admit(same_household).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
        assert!(limits.admit("192.0.2.1".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_link_that_is_asked_for_too_often_waits_and_others_do_not() {
        let limits = limits(|config| (config.link_rate, config.link_burst) = (1, 2));
        assert!(limits.admit_link(LinkId(1)).is_ok());
        assert!(limits.admit_link(LinkId(1)).is_ok());
        assert!(limits.admit_link(LinkId(1)).is_err());
        assert!(limits.admit_link(LinkId(2)).is_ok());
    }

    #[test]
    fn passwords_are_tried_five_times_a_minute_by_a_client_on_a_link() {
        let limits = limits(|_| ());
        let guesser = "192.0.2.1".parse().unwrap();
        for _ in 0..5 {
            assert!(limits.admit_attempt(guesser, LinkId(1)).is_ok());
        }
        let wait = limits.admit_attempt(guesser, LinkId(1)).unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(12),
            "{wait:?}"
        );
        assert!(limits.admit_attempt(guesser, LinkId(2)).is_ok());
        let other = "192.0.2.2".parse().unwrap();
        assert!(limits.admit_attempt(other, LinkId(1)).is_ok());
    }

    #[test]
    fn pictures_are_drawn_one_a_second_for_a_client_after_thirty() {
        let limits = limits(|_| ());
        let greedy = "192.0.2.1".parse().unwrap();
        assert!((0..30).all(|_| limits.admit_picture(greedy).is_ok()));
        assert!(limits.admit_picture(greedy).is_err());
        assert!(limits.admit_picture("192.0.2.2".parse().unwrap()).is_ok());
    }

    #[test]
    fn no_rate_means_no_limit() {
        let limits = limits(|config| {
            (config.client_rate, config.password_attempts) = (0, 0);
        });
        let client = "192.0.2.1".parse().unwrap();
        assert!((0..10_000).all(|_| {
            limits.admit(client).is_ok()
                && limits.admit_link(LinkId(1)).is_ok()
                && limits.admit_attempt(client, LinkId(1)).is_ok()
        }));
    }

    #[test]
    fn quiet_keys_are_forgotten() {
        // A thousand a second: whoever asked once has been quiet for long enough after a millisecond.
        let limits = limits(|config| (config.client_rate, config.client_burst) = (1_000, 1));
        for number in 0..=MOST_KEYS as u32 {
            assert!(limits.admit(IpAddr::V4(number.into())).is_ok());
        }
        std::thread::sleep(Duration::from_millis(20));
        limits.tidy();
        assert!(limits.clients.as_ref().unwrap().len() < MOST_KEYS / 2);
    }
}
