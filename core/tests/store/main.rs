//! What a link store promises, asked of all of them: one suite, run over the file and over a real Redis,
//! alone, in a cluster and behind a Sentinel. What only one of them can suffer is in [`file_only`],
//! [`redis_only`], [`redis_faults`] and [`failover`].
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

/// Runs each of these tests over every store. Over a cluster and behind Sentinels they run one after the
/// other in one process, which has to start these only once.
macro_rules! on_all {
    ($($test:ident),* $(,)?) => {
        mod file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::backend::Backend::file().await).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::backend::Backend::redis().await).await;
            })*
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_in_a_cluster() {
            let cluster = std::sync::Arc::new(whence_core::test_support::RedisCluster::start(3, 0));
            $(super::announce(stringify!($test));
            $test(crate::backend::Backend::cluster(&cluster).await).await;)*
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_behind_a_sentinel() {
            let sentinels = std::sync::Arc::new(whence_core::test_support::RedisSentinels::start(0, 1));
            $(super::announce(stringify!($test));
            $test(crate::backend::Backend::sentinels(&sentinels).await).await;)*
        }
    };
}

mod backend;
mod bulk;
mod changes;
mod clicks;
mod edits;
mod external;
mod failover;
mod file_only;
mod links;
mod listing;
mod measure;
mod owners;
mod redis_faults;
mod redis_only;
mod redis_secure;
mod salts;

/// Says which of several tests in one is running, for whoever reads its failure.
fn announce(test: &str) {
    println!("{test}");
}
