//! How often a key may ask, and how its holder is told what is left (the IETF's RateLimit headers).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use whence_core::config::Analytics;
use whence_core::key::KeyHash;

type Limiter =
    RateLimiter<KeyHash, DefaultKeyedStateStore<KeyHash>, DefaultClock, StateInformationMiddleware>;

/// Keys are counted afresh once this many are remembered: some megabytes. Only keys that exist get here.
const MOST_KEYS: usize = 10_000;

/// The limits of one server.
pub(crate) struct Limits {
    limiter: Option<Arc<Limiter>>,
    policy: Option<HeaderValue>,
    rate: u32,
    clock: DefaultClock,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// What a key may still do; nothing where there is no limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowance {
    policy: Option<HeaderValue>,
    left: u32,
    refill: u32,
}

/// One request too many.
#[derive(Clone, Debug)]
pub(crate) struct TooMany {
    /// How long until the next one is let in.
    pub(crate) wait: Duration,
    /// What the headers say.
    pub(crate) allowance: Allowance,
}

impl Limits {
    /// The configured limits.
    pub(crate) fn new(config: &Analytics) -> Self {
        let rate = NonZeroU32::new(config.key_rate);
        let burst = NonZeroU32::new(config.key_burst).or(rate);
        let quota = rate
            .zip(burst)
            .map(|(rate, burst)| (Quota::per_second(rate).allow_burst(burst), burst));
        // A burst, and the seconds in which it comes back.
        let policy = quota.map(|(_, burst)| {
            let window = burst.get().div_ceil(config.key_rate);
            HeaderValue::try_from(format!("\"key\";q={burst};w={window}"))
                .expect("numbers are a header's text")
        });
        Self {
            limiter: quota.map(|(quota, _)| {
                Arc::new(RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>())
            }),
            policy,
            rate: config.key_rate,
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of this key.
    pub(crate) fn admit(&self, key: KeyHash) -> Result<Allowance, TooMany> {
        let Some(limiter) = &self.limiter else {
            return Ok(Allowance::default());
        };
        match limiter.check_key(&key) {
            Ok(state) => Ok(self.allowance(
                state.remaining_burst_capacity(),
                state.quota().burst_size().get(),
            )),
            Err(refused) => Err(TooMany {
                wait: refused.wait_time_from(self.clock.now()),
                allowance: self.allowance(0, refused.quota().burst_size().get()),
            }),
        }
    }

    /// Forgets keys that have been quiet.
    pub(crate) fn tidy(&self) {
        if let Some(limiter) = &self.limiter
            && limiter.len() > MOST_KEYS
        {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    fn allowance(&self, left: u32, burst: u32) -> Allowance {
        Allowance {
            policy: self.policy.clone(),
            left,
            refill: (burst - left).div_ceil(self.rate.max(1)),
        }
    }
}

impl Allowance {
    /// Says what is left, and in how many seconds all of it is back.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(policy) = &self.policy {
            let left = format!("\"key\";r={};t={}", self.left, self.refill);
            headers.insert("ratelimit-policy", policy.clone());
            headers.insert(
                "ratelimit",
                HeaderValue::try_from(left).expect("numbers are a header's text"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(key_rate: u32, key_burst: u32) -> Limits {
        Limits::new(&Analytics {
            key_rate,
            key_burst,
            ..Analytics::default()
        })
    }

    #[test]
    fn a_greedy_key_waits_and_others_do_not() {
        let limits = limits(1, 3);
        let greedy = KeyHash::of("greedy");
        for left in [2, 1, 0] {
            assert_eq!(limits.admit(greedy).unwrap().left, left);
        }
        let refused = limits.admit(greedy).unwrap_err();
        assert!(refused.wait > Duration::ZERO && refused.wait <= Duration::from_secs(1));
        assert!(limits.admit(KeyHash::of("modest")).is_ok());
    }

    #[test]
    fn the_headers_say_what_is_left() {
        let mut headers = HeaderMap::new();
        limits(2, 5)
            .admit(KeyHash::of("a"))
            .unwrap()
            .write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"key\";q=5;w=3");
        assert_eq!(headers["ratelimit"], "\"key\";r=4;t=1");
    }

    #[test]
    fn no_rate_means_no_limit_and_no_headers() {
        let limits = limits(0, 1);
        let mut headers = HeaderMap::new();
        for _ in 0..1000 {
            limits.admit(KeyHash::of("a")).unwrap().write(&mut headers);
        }
        assert!(headers.is_empty());
    }
}
