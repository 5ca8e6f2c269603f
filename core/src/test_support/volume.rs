//! A small volume that can really be full: a tmpfs, where this process may mount one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs; unmounted when it is dropped.
#[derive(Debug)]
pub struct Volume(PathBuf);

impl Volume {
    /// Mounts one of so many KiB on a folder that is there; nothing, and a word on it, where that is not allowed.
    #[must_use]
    pub fn mount(folder: &Path, kib: u32) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "whence-test"])
            .arg(folder)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            println!("on a tmpfs of {kib} KiB");
            return Some(Self(folder.to_owned()));
        }
        println!("SKIPPED: this process may not mount a tmpfs, so no volume is really full");
        None
    }

    /// Takes all room that is left, but for so many KiB; the room comes back when the file that is answered is
    /// removed.
    ///
    /// # Panics
    /// Where the file cannot be made.
    #[must_use]
    pub fn fill(&self, leave_kib: u64) -> PathBuf {
        let filler = self.0.join("filler");
        let free = rustix::fs::statvfs(&self.0).expect("a mounted volume says what is free");
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(leave_kib << 10);
        let file = std::fs::File::create(&filler).expect("a file can be made");
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
            .expect("the room is there");
        filler
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a process that was killed may not be gone yet.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
