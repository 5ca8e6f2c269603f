//! What the kernel is told about pages, so that an append meets none that is missing, write-protected or
//! under way to the disk. All of it is advice: where it is not taken, appends are slower and nothing else.
#![allow(unsafe_code)] // Advice is given by address.

use std::{fs::File, ops::Range};

use memmap2::MmapRaw;

/// The largest page of the systems that Whence runs on; smaller ones divide it.
const LARGEST_PAGE: usize = 64 << 10;

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
    let end = range.end.min(map.len());
    if start >= end {
        return;
    }
    // SAFETY: the range lies inside the mapping, and populating it changes no contents. Kernels before 5.14
    // refuse the advice.
    let _ = unsafe {
        let address = map.as_mut_ptr().add(start);
        madvise(address.cast(), end - start, Advice::LinuxPopulateWrite)
    };
}

/// Where there is no such advice, pages come as they are touched.
#[cfg(not(target_os = "linux"))]
pub(super) fn populate(_: &MmapRaw, _: Range<usize>) {}

/// Takes the whole pages of a range, which nobody writes to again, out of the address space; their contents
/// stay in the page cache, dirty as they were. A sync has to write-protect every mapped page and to interrupt
/// all threads for each; pages that are not mapped cost it nothing, and these go with one interrupt for
/// hundreds.
#[cfg(target_os = "linux")]
pub(super) fn let_go(map: &MmapRaw, range: Range<usize>) {
    use rustix::mm::{Advice, madvise};

    let page = rustix::param::page_size();
    let (start, end) = (
        range.start.next_multiple_of(page),
        range.end.min(map.len()) / page * page,
    );
    if start >= end {
        return;
    }
    // SAFETY: the range lies inside the mapping, which is shared and of a file: whoever reads it again finds
    // what was written to it.
    let _ = unsafe {
        let address = map.as_mut_ptr().add(start);
        madvise(address.cast(), end - start, Advice::LinuxDontNeed)
    };
}

/// Elsewhere the advice may lose what it is given for; a sync then costs more.
#[cfg(not(target_os = "linux"))]
pub(super) fn let_go(_: &MmapRaw, _: Range<usize>) {}
