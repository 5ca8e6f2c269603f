//! What the kernel is told about pages, so that an append meets none that is missing, write-protected or
//! under way to the disk. All of it is advice: where it is not taken, appends are slower and nothing else.
#![allow(unsafe_code)] // Advice is given by address.

use std::{fs::File, ops::Range, thread};

use memmap2::MmapRaw;

/// The largest page of the systems that Whence runs on; smaller ones divide it.
const LARGEST_PAGE: usize = 64 << 10;

/// What is asked of the kernel in one system call. Most kernels of servers let a thread finish its call before
/// another one gets the core, and a serving thread may be the one that waits: this much takes some 70 µs. After each
/// piece the core is offered to whoever waits for it.
#[cfg(target_os = "linux")]
const PIECE: usize = 64 << 10;

/// Makes each page a folio of its own from its first use on. A sync write-protects whole folios: in a large
/// one it would make stores to all its other pages fault, and wait for the disk.
///
/// Measured on ext4, Linux 6.18: at 100,000 appends a second beside a reader that seals, 1 append in 80 faulted,
/// and some waited for milliseconds; with this, 1 in 30,000 faults and none waits.
pub(super) fn keep_apart(map: &MmapRaw) {
    // Without read-ahead, the kernel makes folios of one page.
    let _ = map.advise(memmap2::Advice::Random);
}

/// Makes the zeros behind `start` as they were after creation: reserved, not on disk, and not in memory. Those
/// that an earlier process had brought into memory were written to disk since, and would be read from it.
#[cfg(target_os = "linux")]
pub(super) fn renew(file: &File, map: &MmapRaw, start: usize) {
    use rustix::fs::{FallocateFlags, fallocate};

    let start = start.next_multiple_of(LARGEST_PAGE);
    if start < map.len() {
        let bytes = (map.len() - start) as u64;
        // File systems that do not know the request leave the zeros where they are.
        let _ = fallocate(file, FallocateFlags::ZERO_RANGE, start as u64, bytes);
    }
}

/// Where there is no such request, the zeros stay where they are.
#[cfg(not(target_os = "linux"))]
pub(super) fn renew(_: &File, _: &MmapRaw, _: usize) {}

/// Brings a range into memory, writable.
#[cfg(target_os = "linux")]
pub(super) fn populate(map: &MmapRaw, range: Range<usize>) {
    use rustix::mm::{Advice, madvise};

    let start = range.start / LARGEST_PAGE * LARGEST_PAGE;
    for piece in pieces(start..range.end.min(map.len())) {
        // SAFETY: the range lies inside the mapping, and populating it changes no contents. Kernels before 5.14
        // refuse the advice.
        let _ = unsafe {
            let address = map.as_mut_ptr().add(piece.start);
            madvise(address.cast(), piece.len(), Advice::LinuxPopulateWrite)
        };
        thread::yield_now();
    }
}

/// Where there is no such advice, pages come as they are touched.
#[cfg(not(target_os = "linux"))]
pub(super) fn populate(_: &MmapRaw, _: Range<usize>) {}

/// Begins to write back the whole pages of a range, which nobody writes to again, and takes them out of the
/// address space; their contents stay in the page cache. Writing back has to write-protect every mapped page and
/// to interrupt all threads for each; pages that are not mapped cost it nothing, and these go with one interrupt
/// for a piece.
#[cfg(target_os = "linux")]
pub(super) fn write_behind(file: &File, map: &MmapRaw, range: Range<usize>) {
    use std::os::fd::AsRawFd;

    use rustix::mm::{Advice, madvise};

    let page = rustix::param::page_size();
    let (start, end) = (
        range.start.next_multiple_of(page),
        range.end.min(map.len()) / page * page,
    );
    for piece in pieces(start..end) {
        // SAFETY: the range lies inside the mapping, which is shared and of a file: whoever reads it again finds
        // what was written to it.
        let _ = unsafe {
            let address = map.as_mut_ptr().add(piece.start);
            madvise(address.cast(), piece.len(), Advice::LinuxDontNeed)
        };
        let (offset, bytes) = (piece.start as i64, piece.len() as i64);
        // SAFETY: takes no address. What it cannot write back stays dirty, or is told by the next sync.
        unsafe {
            libc::sync_file_range(file.as_raw_fd(), offset, bytes, libc::SYNC_FILE_RANGE_WRITE)
        };
        thread::yield_now();
    }
}

/// Elsewhere the advice may lose what it is given for; a sync then costs more.
#[cfg(not(target_os = "linux"))]
pub(super) fn write_behind(_: &File, _: &MmapRaw, _: Range<usize>) {}

/// A range in pieces.
#[cfg(target_os = "linux")]
fn pieces(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(PIECE)
        .map(move |start| start..end.min(start + PIECE))
}
