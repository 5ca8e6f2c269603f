//! What the tests of several crates need: a real redis-server and a real ClickHouse engine, started on a
//! free port and stopped when they are dropped, a small HTTP client and a small database of places.
//!
//! Behind the feature `test-support`, so that it is in no binary that is shipped. What only one test
//! needs does not belong here.

mod engine;
pub mod http;
mod places;
mod redis;

pub use engine::Engine;
pub use places::place_database;
pub use redis::{RedisCluster, RedisSentinels, RedisServer};
