//! Browsers that ask again as soon as they are answered: what a server can do, and what it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use tokio::task::JoinSet;

use super::browser::Browser;
use super::requests::Requests;
use super::{Aim, Crowd};
use crate::cores::Cores;
use crate::cpu::Cpu;
use crate::server::Server;

/// Before the clocks are read: connections are open and caches warm.
const WARM_UP: Duration = Duration::from_millis(300);
/// After an error, so that a server that is gone is not asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(10);

/// What a server did while it was asked as fast as it answers.
#[derive(Clone, Copy)]
pub(crate) struct Rush {
    /// Answers with status 302 while the clocks ran.
    pub(crate) answers: u64,
    /// Those before and after included.
    pub(crate) answers_in_all: u64,
    /// Whatever else happened, at any time.
    pub(crate) errors: u64,
    /// How long the clocks ran, in seconds.
    pub(crate) seconds: f64,
    /// What the server used meanwhile.
    pub(crate) cpu: Cpu,
    /// What the load used meanwhile.
    pub(crate) load_cpu: Cpu,
}

/// What the browsers tell the clock.
#[derive(Default)]
struct Shared {
    answers: AtomicU64,
    errors: AtomicU64,
    stop: AtomicBool,
}

/// Asks the server at `aim` for this long, on threads of its own.
pub(crate) fn ask(
    crowd: Crowd,
    server: &Server,
    aim: &Arc<Aim>,
    requests: &Arc<Requests>,
    time: Duration,
) -> Result<Rush> {
    let shared = Arc::new(Shared::default());
    let threads: Vec<_> = crowd
        .by_thread()
        .map(|numbers| {
            let browsers: Vec<_> = numbers
                .map(|number| Browser::new(requests.script(number, aim.way), Arc::clone(aim)))
                .collect();
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                crowd.cores.map_or(Ok(()), Cores::keep_to)?;
                browse(browsers, &shared)
            })
        })
        .collect();
    std::thread::sleep(WARM_UP);
    let rush = watch(server, &shared, time);
    shared.stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow!("a thread of the load panicked"))??;
    }
    Ok(Rush {
        answers_in_all: shared.answers.load(Ordering::Relaxed),
        errors: shared.errors.load(Ordering::Relaxed),
        ..rush?
    })
}

fn watch(server: &Server, shared: &Shared, time: Duration) -> Result<Rush> {
    let before = shared.answers.load(Ordering::Relaxed);
    let (cpu, load_cpu, start) = (server.cpu()?, Cpu::own()?, Instant::now());
    std::thread::sleep(time);
    let answers = shared.answers.load(Ordering::Relaxed) - before;
    let rush = Rush {
        answers,
        answers_in_all: 0,
        errors: 0,
        seconds: start.elapsed().as_secs_f64(),
        cpu: server.cpu()?.since(cpu),
        load_cpu: Cpu::own()?.since(load_cpu),
    };
    let seconds = rush.seconds;
    ensure!(
        answers > 0,
        "not one redirect from {} in {seconds} s",
        server.name()
    );
    Ok(rush)
}

/// Some of the browsers, on this thread.
fn browse(browsers: Vec<Browser>, shared: &Arc<Shared>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for browser in browsers {
            all.spawn(surf(browser, Arc::clone(shared)));
        }
        all.join_all().await;
    });
    Ok(())
}

/// Asks until it is time to stop.
async fn surf(mut browser: Browser, shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        match browser.click().await {
            Ok(()) => {
                shared.answers.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                // The first says what is wrong; a thousand more would say the same.
                if shared.errors.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("an error under load: {error}");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Rush {
    /// CPU microseconds an answer.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu.total() * 1e6 / self.answers as f64
    }

    /// Those of them that were spent outside the kernel.
    pub(crate) fn user_us(&self) -> f64 {
        self.cpu.user * 1e6 / self.answers as f64
    }

    /// What the load itself needed for each answer.
    pub(crate) fn load_us(&self) -> f64 {
        self.load_cpu.total() * 1e6 / self.answers as f64
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_is_divided_right() {
        let rush = Rush {
            answers: 200_000,
            answers_in_all: 250_000,
            errors: 1,
            seconds: 4.0,
            cpu: Cpu {
                user: 1.0,
                system: 2.0,
            },
            load_cpu: Cpu {
                user: 0.5,
                system: 0.5,
            },
        };
        assert_eq!(
            (rush.cpu_us(), rush.user_us(), rush.load_us(), rush.rate()),
            (15.0, 5.0, 5.0, 50_000.0)
        );
    }
}
