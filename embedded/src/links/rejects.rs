//! The rows of an import that failed, as a file like the one that they came from.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use whence_core::process::Failure;

use super::batches::Batch;
use super::part::{PartFile, part_of};

/// Where they are kept.
pub(crate) struct Rejects {
    file: BufWriter<PartFile>,
    /// Whether the names of columns stand in it.
    is_begun: bool,
    /// Whether this import has added any.
    is_grown: bool,
}

impl Rejects {
    /// Begins the file `name` for what fails of `source`. An import that goes on with a file keeps what
    /// failed of it before.
    pub(crate) fn begin(name: &Path, source: &Metadata, goes_on: bool) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Runtime(format!("{}: {error}", name.display()));
        for path in [name, &part_of(name)] {
            if is_same(path, source).map_err(failed)? {
                return Err(Failure::Config(format!(
                    "--failed {}: this is the file that is imported; name another",
                    path.display()
                )));
            }
        }
        let mut file = BufWriter::new(PartFile::begin(name)?);
        let mut is_begun = false;
        if goes_on {
            match File::open(name) {
                Ok(mut before) => is_begun = io::copy(&mut before, &mut file).map_err(failed)? > 0,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Self {
            file,
            is_begun,
            is_grown: false,
        })
    }

    /// Keeps a row of a part.
    pub(crate) fn keep(&mut self, batch: &Batch, row: &[u8]) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.file.write_all(batch.header())?;
        }
        self.is_grown = true;
        self.file.write_all(row)
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        let file = self.file.into_inner();
        file.map_err(io::IntoInnerError::into_error)?.finish()
    }

    /// The same for an import that broke off: what it has kept is not lost, and where that is nothing, a
    /// file of this name stays as it was.
    pub(crate) fn break_off(self) -> io::Result<()> {
        if self.is_grown { self.finish() } else { Ok(()) }
    }
}

/// Whether this is the very file, by whatever name.
fn is_same(path: &Path, source: &Metadata) -> io::Result<bool> {
    match path.metadata() {
        Ok(it) => Ok(source.is_file() && (it.dev(), it.ino()) == (source.dev(), source.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
