//! Opening a lane: whatever an earlier process left there, clean or not, becomes a lane that can be written
//! and read. What becomes of damaged records is decided in `scan.rs`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    LaneId, LaneOptions, Seq,
    control::{self, Control},
    error::{AckError, OpenError},
    frame::{LARGEST_JUMP, Seed},
    fs::{self, Directory, Fs},
    lane::{Lane, Lineup},
    ledger::{Cursor, Ledger, Position},
    scan::Scan,
    segment::{self, Pen, Segment, UNFINISHED},
};

/// A lane that was recovered, before it has a thread.
pub(super) struct Recovered {
    pub(super) lane: Arc<Lane>,
    /// None if there is no segment to write to, and no room for one.
    pub(super) pen: Option<Pen>,
    pub(super) ledger: Ledger,
}

/// Opens the lane in `dir`, creating it if there is none.
pub(super) fn open(
    fs: Arc<dyn Fs>,
    dir: &Path,
    options: LaneOptions,
) -> Result<Recovered, OpenError> {
    options.check()?;
    fs.create_dir(dir)
        .map_err(|source| failed("create", dir, source))?;
    let directory = fs.lock_dir(dir).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked {
            dir: dir.to_owned(),
        },
        _ => failed("lock", dir, source),
    })?;
    let control_path = control::path(dir);

    let found = find_segments(&*fs, dir)?;
    // A name that the last process gave or took may not be durable yet.
    directory
        .sync()
        .map_err(|source| failed("sync", dir, source))?;
    let (mut control, lane) = identify(&*fs, &*directory, dir, &found)?;
    if let Some((segment, Some(owner))) = found
        .iter()
        .find(|(_, owner)| owner.is_some_and(|it| it != lane))
    {
        let path = segment.path().to_owned();
        return Err(OpenError::Foreign {
            path,
            found: *owner,
            expected: lane,
        });
    }
    control
        .sync_again()
        .map_err(|source| failed("sync", &control_path, source))?;
    let control = Arc::new(control);

    let ledger = Ledger::load(&control, lane);
    let segments: Vec<Segment> = found.into_iter().map(|(segment, _)| segment).collect();
    let oldest = segments.first().map(Segment::index);
    let sealed = ledger.as_ref().map_or_else(Cursor::default, Ledger::end);
    let scan = Scan::run(segments, Seed::of(lane), sealed)
        .map_err(|(path, source)| failed("recover", &path, source))?;
    let mut ledger = match ledger {
        Some(ledger) => ledger,
        None => start_ledger(&control, lane, oldest, scan.first)
            .map_err(|source| failed("start the ledger in", &control_path, source))?,
    };
    if let Some(oldest) = oldest {
        ledger.forget_below(oldest);
    }

    let next = scan.next.max(ledger.end().acked + 1);
    control.set_next_seq(next_seq(control.next_seq(), next, lane));
    control
        .sync_header()
        .map_err(|source| failed("sync", &control_path, source))?;

    let (lineup, pen) = line_up(&*fs, scan, ledger.end().position.segment)?;
    let lane = Arc::new(Lane::new(
        fs,
        dir.to_owned(),
        options,
        control,
        lane,
        lineup,
        directory,
    ));
    // The last process may have died between an ack and the removal of what was acked.
    lane.free(ledger.cursor().position)
        .map_err(|error| match error {
            AckError::Remove { path, source } => failed("remove", &path, source),
            error => failed("clean up", dir, io::Error::other(error)),
        })?;
    // Neither the first append nor the first roll-over must be a slow one. Where there is no room the lane
    // opens all the same and can be read; another error is one now, as nothing was accepted yet.
    let prepare = || {
        lane.prepare()
            .map_err(|source| failed("prepare a segment in", dir, source))
    };
    prepare()?;
    let pen = match pen {
        Some(pen) => Some(pen),
        None => {
            let pen = lane.take_spare();
            prepare()?;
            pen
        }
    };
    Ok(Recovered { lane, pen, ledger })
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}

/// Maps all segments, in order, each with the lane that it says it belongs to; sweeps unfinished files away.
fn find_segments(fs: &dyn Fs, dir: &Path) -> Result<Vec<(Segment, Option<LaneId>)>, OpenError> {
    let mut names = fs.list(dir).map_err(|source| failed("list", dir, source))?;
    names.sort_unstable();
    let mut segments = Vec::new();
    for name in names {
        let path: PathBuf = dir.join(&name);
        if name.ends_with(UNFINISHED) {
            fs.remove(&path)
                .map_err(|source| failed("remove", &path, source))?;
        } else if let Some(index) = segment::index_of(&name) {
            match Segment::open(fs, dir, index) {
                Ok(segment) => segments.push(segment),
                Err(OpenError::Io { source, .. })
                    if source.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    tracing::error!(path = %path.display(), "journal segment is empty and was removed");
                    fs.remove(&path)
                        .map_err(|source| failed("remove", &path, source))?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(segments)
}

/// Opens the control file; where it is missing or does not know its lane, asks the ledger and the segments.
fn identify(
    fs: &dyn Fs,
    directory: &dyn Directory,
    dir: &Path,
    segments: &[(Segment, Option<LaneId>)],
) -> Result<(Control, LaneId), OpenError> {
    let control = Control::open(fs, dir)?;
    let known = control
        .as_ref()
        .and_then(|control| control.lane().or_else(|| Ledger::witness(control)));
    let known = known.or_else(|| segments.iter().find_map(|(_, owner)| *owner));
    let lane = match known {
        Some(lane) => lane,
        None if segments.is_empty() => {
            LaneId::random().map_err(|source| failed("name", dir, source))?
        }
        None => {
            return Err(OpenError::NoIdentity {
                dir: dir.to_owned(),
            });
        }
    };
    let Some(mut control) = control else {
        return Ok((Control::create(fs, directory, dir, lane)?, lane));
    };
    if control.lane().is_none() {
        tracing::error!(%lane, dir = %dir.display(), "journal control file was damaged and is repaired");
        control.identify(lane);
    }
    Ok((control, lane))
}

/// Starts the ledger of a new lane; for an old one that lost it, from its oldest record.
fn start_ledger(
    control: &Arc<Control>,
    lane: LaneId,
    oldest: Option<u64>,
    first: Option<Seq>,
) -> io::Result<Ledger> {
    if oldest.is_some() {
        tracing::error!(%lane, "journal ledger is lost: blocks under way may be sent again under other ids");
    }
    let position = Position {
        segment: oldest.unwrap_or(0),
        offset: 0,
    };
    Ledger::start(
        control,
        lane,
        Cursor {
            acked: first.map_or(0, |first| first - 1),
            position,
        },
    )
}

/// The header knows of refused records at the end, which left no frame; but it has no checksum.
fn next_seq(header: Seq, least: Seq, lane: LaneId) -> Seq {
    if header >= least.saturating_add(LARGEST_JUMP) {
        tracing::error!(%lane, header, least, "next number in the journal's control file is damaged");
        return least;
    }
    header.max(least)
}

/// Makes sure that segments to be written have real blocks, and tells which are in use.
fn line_up(fs: &dyn Fs, scan: Scan, sealed: u64) -> Result<(Lineup, Option<Pen>), OpenError> {
    let newest = scan.segments.last().map_or(0, Segment::index);
    let mut lineup = Lineup {
        next_index: newest.max(sealed) + 1,
        ..Lineup::default()
    };
    let mut pen = None;
    for (place, segment) in scan.segments.into_iter().enumerate() {
        let segment = Arc::new(segment);
        let is_written = place + 1 == scan.used && scan.resumes;
        let is_spare = place >= scan.used;
        let has_blocks = !(is_written || is_spare) || has_blocks(&segment)?;
        if is_written || is_spare {
            segment.renew();
        }
        if is_spare && !has_blocks {
            fs.remove(segment.path())
                .map_err(|source| failed("remove", segment.path(), source))?;
        } else if is_spare {
            lineup.spares.push_back(segment);
        } else {
            lineup.live.push_back(Arc::clone(&segment));
            pen = (is_written && has_blocks).then(|| Pen::new(segment));
        }
    }
    Ok((lineup, pen))
}

/// A file that was copied here may have holes, and a store to a hole on a full disk kills the process.
fn has_blocks(segment: &Segment) -> Result<bool, OpenError> {
    match segment.reserve() {
        Ok(()) => Ok(true),
        Err(error) if fs::is_full(&error) => Ok(false),
        Err(error) => Err(failed("reserve room for", segment.path(), error)),
    }
}
