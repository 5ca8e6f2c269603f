//! Clocks that are stepped: libfaketime stands before the system's, and reads from a file by how much it lies.
//!
//! Only wall clocks: a machine whose monotonic clock jumps is broken in other ways.

use std::path::{Path, PathBuf};

use super::parts::Part;
use super::place::Place;

/// Where distributions put the library.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// The library, where it is installed.
pub(super) fn library() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The file that says by how much a part's clock is wrong.
pub(super) fn file_of(place: &Place, part: Part) -> PathBuf {
    let name = match part {
        Part::Ingest(node) => format!("ingest-{node}"),
        Part::Redirector(node) => format!("redirector-{node}"),
        Part::Redis | Part::ClickHouse => "right".into(),
    };
    place.dir.join("clocks").join(name)
}

/// What a process needs in its environment for its clock to follow `file`.
pub(super) fn environment(library: &Path, file: &Path) -> Vec<(String, String)> {
    [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        // Looked at each second.
        ("FAKETIME_CACHE_DURATION", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ]
    .map(|(variable, value)| (variable.to_owned(), value))
    .into()
}

/// From within a second on, the part's clock is wrong by so many seconds.
pub(super) fn step(place: &Place, part: Part, seconds: i32) -> std::io::Result<()> {
    let path = file_of(place, part);
    let new = path.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n"))?;
    // Never seen half written.
    std::fs::rename(new, path)
}

/// Removes what the library has left behind of a process that was killed; another process with its number would
/// find it, and wait for it.
pub(super) fn tidy(process: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        // Most processes have no such thing.
        let _ = std::fs::remove_file(format!("/dev/shm/{name}{process}"));
    }
}
