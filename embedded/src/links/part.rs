//! A file that has its name only once it is whole: it is written beside it, as `NAME.part`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use whence_core::process::Failure;

/// A file that is being written; what is dropped unfinished is taken away.
pub(crate) struct PartFile {
    file: File,
    part: PathBuf,
    name: PathBuf,
    is_finished: bool,
}

impl PartFile {
    /// Begins a file, for its owner alone: links have the hashes of passwords.
    pub(crate) fn begin(name: &Path) -> Result<Self, Failure> {
        // To be replaced is nothing for a device or a pipe.
        if name.metadata().is_ok_and(|it| !it.is_file()) {
            return Err(Failure::Config(format!(
                "{}: is something else than a file",
                name.display()
            )));
        }
        let part = part_of(name);
        let failed = |error: io::Error| Failure::Runtime(format!("{}: {error}", part.display()));
        // What a killed process left, or anybody else's link, is not written into.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(failed)?;
        Ok(Self {
            file,
            part,
            name: name.into(),
            is_finished: false,
        })
    }

    /// Gives it its name, in place of what has it now.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.name)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // Whoever has taken it away already has done what was to be done.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Where a file of this name is written until it is whole.
pub(super) fn part_of(name: &Path) -> PathBuf {
    let mut part = name.as_os_str().to_owned();
    part.push(".part");
    part.into()
}
