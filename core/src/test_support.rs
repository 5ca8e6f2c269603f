//! What the tests of several crates need: a real redis-server and a real ClickHouse engine, started on a
//! free port and stopped when they are dropped as any child can be, a small HTTP client, a small
//! database of places, a click to begin from, and a volume that is really full.
//!
//! Behind the feature `test-support`, so that it is in no binary that is shipped. What only one test
//! needs does not belong here.

mod click;
mod engine;
pub mod http;
mod killed;
mod places;
mod redis;
mod volume;

pub use click::click;
pub use engine::Engine;
pub use killed::Killed;
pub use places::place_database;
pub use redis::{RedisCluster, RedisSentinels, RedisServer};
pub use volume::Volume;
