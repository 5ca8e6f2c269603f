//! A timer that is right to microseconds; tokio's own counts in milliseconds.

use std::io;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::net::unix::pipe;

/// A timer. To tokio it is a pipe: it becomes readable, and is read.
pub(super) struct Alarm(pipe::Receiver);

impl Alarm {
    /// A timer that waits on the runtime of its caller.
    pub(super) fn new() -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).context("a timer")?;
        Ok(Self(pipe::Receiver::from_owned_fd_unchecked(timer)?))
    }

    /// Waits until then; not at all where that has passed.
    pub(super) async fn wait_until(&self, time: Instant) -> Result<()> {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec::try_from(left)?,
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        loop {
            self.0.readable().await?;
            match self.0.try_read(&mut [0; size_of::<u64>()]) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_again_and_again_and_never_early() {
        let alarm = Alarm::new().unwrap();
        let start = Instant::now();
        for step in 1..=200 {
            let then = start + step * Duration::from_micros(50);
            alarm.wait_until(then).await.unwrap();
            assert!(Instant::now() >= then);
        }
        // What has passed is not waited for.
        alarm.wait_until(start).await.unwrap();
    }
}
