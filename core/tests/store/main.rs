//! What a link store promises, asked of both of them: one suite, run over the file and over a real
//! Redis. What only one of them can suffer is in [`file_only`], [`redis_only`] and [`redis_faults`].
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

/// Runs each of these tests over the file and over Redis.
macro_rules! on_both {
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
    };
}

mod backend;
mod changes;
mod edits;
mod file_only;
mod links;
mod listing;
mod owners;
mod redis_faults;
mod redis_only;
