//! How many connections each client holds, over all threads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

use crate::request::client_prefix;

/// Clients are spread over so many locks, so that threads hardly ever meet at one.
const SHARDS: u8 = 16;

/// Clients and how many connections each of them holds.
type Shard = HashMap<IpAddr, u32, RandomState>;

/// Clients and their connections: as many entries as there are connections at most.
pub(crate) struct Crowd {
    most: u32,
    shards: [Mutex<Shard>; SHARDS as usize],
}

/// A connection's place in the crowd, free again when dropped.
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    client: Option<IpAddr>,
}

impl Crowd {
    /// Lets each client hold so many; 0 means no limit.
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            shards: Default::default(),
        })
    }

    /// A place for a connection of this client; none where it has too many.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        if self.most == 0 {
            return Some(self.aside());
        }
        let client = client_prefix(client.to_canonical());
        let mut shard = self.shard(client);
        let held = shard.entry(client).or_insert(0);
        if *held >= self.most {
            return None;
        }
        *held += 1;
        drop(shard);
        Some(Place {
            crowd: Arc::clone(self),
            client: Some(client),
        })
    }

    /// A place for somebody who is not counted.
    pub(crate) fn aside(self: &Arc<Self>) -> Place {
        Place {
            crowd: Arc::clone(self),
            client: None,
        }
    }

    fn shard(&self, client: IpAddr) -> MutexGuard<'_, Shard> {
        // The last byte that tells clients apart. Whoever chose theirs would wait for a lock, for as long as
        // a number takes to be counted.
        let last = match client {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[7],
        };
        let shard = &self.shards[usize::from(last % SHARDS)];
        // A count is whole at any time, whoever panicked.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        if let Entry::Occupied(mut held) = self.crowd.shard(client).entry(client) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_places_and_gives_them_back() {
        let crowd = Crowd::new(2);
        let household = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
        let first = crowd.enter(household(1));
        let second = crowd.enter(household(2));
        assert!(first.is_some() && second.is_some());
        assert!(crowd.enter(household(3)).is_none());
        assert!(crowd.enter("192.0.2.1".parse().unwrap()).is_some());
        drop(first);
        assert!(crowd.enter(household(3)).is_some());
        drop(second);
        let left: usize = crowd.shards.iter().map(|s| s.lock().unwrap().len()).sum();
        assert_eq!(left, 0, "nobody is remembered who has left");
    }

    #[test]
    fn no_limit_counts_nobody() {
        let crowd = Crowd::new(0);
        let client = "192.0.2.1".parse().unwrap();
        let places: Vec<_> = (0..1000).map(|_| crowd.enter(client)).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
