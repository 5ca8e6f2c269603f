//! Browsers that ask when it is time to: how long visitors wait.
//!
//! Visitors arrive at a fixed rate, independently of each other (a Poisson process, the same one for every server),
//! and each takes a browser that is free or waits for one. The clock of a click starts when its visitor was due: one
//! that had to wait because the server was busy with others has waited all the same (no coordinated omission).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fastrand::Rng;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::alarm::Alarm;
use super::browser::Browser;
use super::requests::Requests;
use super::{Aim, Crowd};
use crate::cores::Cores;

/// Until all browsers are connected.
const CONNECTING: Duration = Duration::from_millis(150);
/// Arrivals before the clocks count.
const WARM_UP: Duration = Duration::from_millis(300);
/// From the call of [`ask`] until the clocks count.
pub(crate) const UNCOUNTED: Duration = CONNECTING.saturating_add(WARM_UP);
/// How long a server that has fallen behind may take to catch up when no more visitors come.
const CATCH_UP: Duration = Duration::from_secs(10);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(5);
/// After an error, so that a server that is gone is not asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(10);
/// Tasks that run before the runtime looks for arrivals and answers again; its default of 61 alone makes a visitor
/// late.
const TASKS_BETWEEN_LOOKS: u32 = 8;

/// How long visitors waited.
#[derive(Default)]
pub(crate) struct Waits {
    /// Of the visitors that the clocks counted, in no order.
    pub(crate) counted: Vec<Wait>,
    /// Redirects, those included that the clocks did not count.
    pub(crate) answers_in_all: u64,
    /// Whatever else happened, and visitors whose turn never came.
    pub(crate) errors: u64,
}

/// How long one visitor waited.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    /// When the visitor was due, after the clocks began to count.
    pub(crate) due: Duration,
    /// From then to the whole answer.
    pub(crate) latency: Duration,
    /// From then to when the request was written: the load's own part of it, and the wait for a free browser.
    pub(crate) late: Duration,
}

/// When visitors come.
#[derive(Clone)]
pub(crate) struct Arrivals {
    /// Visitors a second, on average.
    pub(crate) rate: f64,
    /// For how long, after the warm-up.
    pub(crate) time: Duration,
    /// Set by whoever has seen enough of them before that.
    pub(crate) stop: Arc<AtomicBool>,
}

/// The visitors of one thread who are due and have no browser yet.
struct Queue {
    due: Mutex<VecDeque<Instant>>,
    /// One permit for each of them.
    waiting: Semaphore,
}

/// Asks the server at `aim`, on threads of its own.
pub(crate) fn ask(
    crowd: Crowd,
    aim: &Arc<Aim>,
    requests: &Arc<Requests>,
    arrivals: &Arrivals,
) -> Result<Waits> {
    let start = Instant::now() + CONNECTING;
    let own = Arrivals {
        rate: arrivals.rate / f64::from(crowd.threads),
        ..arrivals.clone()
    };
    let threads: Vec<_> = crowd
        .by_thread()
        .enumerate()
        .map(|(thread, numbers)| {
            let browsers: Vec<_> = numbers
                .map(|number| Browser::new(requests.script(number, aim.way), Arc::clone(aim)))
                .collect();
            let own = own.clone();
            std::thread::spawn(move || {
                crowd.cores.map_or(Ok(()), Cores::keep_to)?;
                browse(browsers, &own, thread as u64, start)
            })
        })
        .collect();
    let mut all = Waits::default();
    for thread in threads {
        let waits = thread
            .join()
            .map_err(|_| anyhow!("a thread of the load panicked"))??;
        all.add(waits);
    }
    Ok(all)
}

/// Some of the browsers and their visitors, on this thread.
fn browse(browsers: Vec<Browser>, arrivals: &Arrivals, seed: u64, start: Instant) -> Result<Waits> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(TASKS_BETWEEN_LOOKS)
        .build()?;
    runtime.block_on(async {
        let queue = Arc::new(Queue {
            due: Mutex::default(),
            waiting: Semaphore::new(0),
        });
        let counted_from = start + WARM_UP;
        let mut all = JoinSet::new();
        for browser in browsers {
            all.spawn(surf(browser, Arc::clone(&queue), counted_from));
        }
        let forgotten = queue.fill(arrivals, seed, start).await?;
        let mut sum = Waits::default();
        for waits in all.join_all().await {
            sum.add(waits);
        }
        sum.errors += forgotten;
        Ok(sum)
    })
}

/// Serves visitors until no more come.
async fn surf(mut browser: Browser, queue: Arc<Queue>, counted_from: Instant) -> Waits {
    let mut waits = Waits::default();
    // If this fails, so does the first click, which is counted.
    let _ = browser.get_ready().await;
    while let Ok(permit) = queue.waiting.acquire().await {
        permit.forget();
        let Some(due) = queue.pop() else { continue };
        let late = due.elapsed();
        match browser.click().await {
            Ok(()) => {
                waits.answers_in_all += 1;
                let latency = due.elapsed();
                if let Some(due) = due.checked_duration_since(counted_from) {
                    waits.counted.push(Wait { due, latency, late });
                }
            }
            Err(error) => {
                if waits.errors == 0 {
                    eprintln!("an error under load: {error}");
                }
                waits.errors += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    waits
}

impl Queue {
    /// Lets visitors come; says how many were never served.
    async fn fill(&self, arrivals: &Arrivals, seed: u64, start: Instant) -> Result<u64> {
        let alarm = Alarm::new()?;
        let end = start + WARM_UP + arrivals.time;
        let mut random = Rng::with_seed(seed);
        let mut next = start;
        while next < end && !arrivals.stop.load(Ordering::Relaxed) {
            alarm.wait_until(next).await?;
            let now = Instant::now();
            let mut came = 0;
            while next <= now && next < end {
                self.lock().push_back(next);
                came += 1;
                // Times between independent arrivals are exponentially distributed; 1 - f64() is never 0.
                let gap = -(1.0 - random.f64()).ln() / arrivals.rate;
                next += Duration::from_secs_f64(gap);
            }
            self.waiting.add_permits(came);
            // With no alarm to wait for, the browsers would not get their turn.
            tokio::task::yield_now().await;
        }
        let closing = Instant::now();
        while !self.lock().is_empty() && closing.elapsed() < CATCH_UP {
            tokio::time::sleep(LOOK).await;
        }
        self.waiting.close();
        Ok(self.lock().len() as u64)
    }

    fn pop(&self) -> Option<Instant> {
        self.lock().pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waits {
    fn add(&mut self, other: Self) {
        self.counted.extend(other.counted);
        self.answers_in_all += other.answers_in_all;
        self.errors += other.errors;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::load::Way;

    /// A server of one connection that takes this long for each answer.
    fn slow_server(takes: Duration) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
                std::thread::sleep(takes);
                let answer = "HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn who_waits_for_those_before_has_waited() {
        let aim = Aim {
            address: slow_server(Duration::from_millis(20)),
            way: Way::KeepAlive,
            tls: None,
            tail: b"\r\n\r\n",
        };
        let crowd = Crowd {
            browsers: 1,
            threads: 1,
            cores: None,
        };
        let arrivals = Arrivals {
            rate: 100.0,
            time: Duration::from_millis(500),
            stop: Arc::default(),
        };
        let requests = Arc::new(Requests::new(1));
        let waits = ask(crowd, &Arc::new(aim), &requests, &arrivals).unwrap();
        assert_eq!(waits.errors, 0);
        assert!((40..160).contains(&waits.answers_in_all));
        // Twice as many come as can be answered: in the middle of it the queue is long already, though no single
        // answer takes more than 20 ms.
        let mut latencies: Vec<_> = waits.counted.iter().map(|wait| wait.latency).collect();
        latencies.sort_unstable();
        assert!(latencies[latencies.len() / 2] > Duration::from_millis(100));
        assert!(waits.counted.iter().all(|wait| wait.latency > wait.late));
    }
}
