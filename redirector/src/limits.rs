//! Who stands at the door: how many requests a client may make.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use whence_core::config::Redirector;

use crate::request::client_prefix;

/// Clients are counted afresh once this many are remembered: some 10 MB.
const MOST_CLIENTS: usize = 100_000;

/// The limits of one redirector, shared by its threads.
pub(crate) struct Limits {
    clients: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl Limits {
    /// The configured limits.
    pub(crate) fn new(config: &Redirector) -> Self {
        let quota = NonZeroU32::new(config.client_rate).map(|rate| {
            let burst = NonZeroU32::new(config.client_burst).unwrap_or(rate);
            Quota::per_second(rate).allow_burst(burst)
        });
        Self {
            clients: quota.map(RateLimiter::keyed),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request; where it is one too many, says how long to wait.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), Duration> {
        let Some(clients) = &self.clients else {
            return Ok(());
        };
        clients
            .check_key(&client_prefix(client))
            .map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets clients that have been quiet. To be called each second: between two calls no more are
    /// remembered than one second of requests can name.
    pub(crate) fn tidy(&self) {
        if let Some(clients) = &self.clients
            && clients.len() > MOST_CLIENTS
        {
            clients.retain_recent();
            clients.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_asks_too_often_waits_and_others_do_not() {
        let config = Redirector {
            client_rate: 1,
            client_burst: 3,
            ..Redirector::default()
        };
        let limits = Limits::new(&config);
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
    fn no_rate_means_no_limit() {
        let config = Redirector {
            client_rate: 0,
            ..Redirector::default()
        };
        let limits = Limits::new(&config);
        let client = "192.0.2.1".parse().unwrap();
        assert!((0..10_000).all(|_| limits.admit(client).is_ok()));
    }
}
