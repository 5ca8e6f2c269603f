//! How many connections may be open at a time: as many as are wanted, and no more than the limit of open files
//! leaves room for. A connection too many would take the descriptor that the journal or the store needs.

use std::cmp::min;

use whence_core::config::Redirector;

/// The store, ingest, the admin port, what the process was started with; and what `whence up` runs beside.
const BESIDE: u64 = 256;
/// A thread's listeners, and what its runtime waits with.
const THREAD: u64 = 8;
/// A lane's directory, its control file, and the segment that is prepared.
const LANE: u64 = 3;

/// The connections that may be open, with so many lanes and threads, and `limit` files at most.
pub(crate) fn affordable(
    config: &Redirector,
    lanes: usize,
    threads: u8,
    limit: Option<u64>,
) -> usize {
    let wanted = config.max_connections;
    let Some(limit) = limit else {
        return wanted;
    };
    let lane = config.journal.lane_options();
    let segments = lane.max_bytes / lane.segment_bytes;
    let reserve = BESIDE + u64::from(threads) * THREAD + lanes as u64 * (segments + LANE);
    // A journal is hardly ever full, and one that finds no descriptor is full and no worse: where there are
    // few, it may not keep clients out.
    let room = limit.saturating_sub(reserve).max(limit / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            limit,
            "the limit of open files (ulimit -n) leaves room for fewer connections than redirector.max_connections"
        );
    }
    min(wanted, room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        // Segments of 64 MiB, 4 GiB of them: 67 files a lane.
        let config = Redirector::default();
        let beside = 256 + 2 * 8 + 2 * 67;
        for (limit, room) in [
            (None, 65_536),
            (Some(1 << 20), 65_536),
            (Some(65_536), 65_536 - beside),
            (Some(1024), 1024 - beside),
            (Some(512), 256),
            (Some(64), 32),
        ] {
            assert_eq!(affordable(&config, 2, 2, limit), room, "{limit:?}");
        }
    }
}
