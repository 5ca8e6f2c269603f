//! The real file system: preallocated files, shared mappings, directory locks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::Arc,
};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use super::{
    fs::{Directory, Fs, Region},
    pages,
};

/// The machine's own file systems.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk;

impl Fs for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = dir.ancestors().take_while(|dir| !is_here(dir)).collect();
        while let Some(dir) = missing.pop() {
            match fs::create_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_dir(&parent(dir))?,
            }
        }
        // The last start may have died between the creation and the sync.
        sync_dir(&parent(dir))
    }

    fn lock_dir(&self, dir: &Path) -> io::Result<Box<dyn Directory>> {
        let handle = File::open(dir)?;
        flock(&handle, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(Held(handle)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is not one of ours.
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn Region>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            // File systems that can not reserve get written zeros; copying ones remain at the mercy of the disk.
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&mut file, bytes)?,
            result => result?,
        }
        file.sync_all()?;
        let region = Mapped::new(file)?;
        region.keep_apart();
        Ok(Arc::new(region))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Region>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Arc::new(Mapped::new(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// A directory that is open and locked.
struct Held(File);

impl Directory for Held {
    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn is_here(dir: &Path) -> bool {
    dir.as_os_str().is_empty() || dir.exists()
}

fn parent(dir: &Path) -> PathBuf {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => dir.to_owned(),
    }
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let step = left.min(zeros.len() as u64);
        file.write_all(&zeros[..step as usize])?;
        left -= step;
    }
    Ok(())
}

#[derive(Debug)]
struct Mapped {
    file: File,
    map: MmapRaw,
}

impl Mapped {
    fn new(file: File) -> io::Result<Self> {
        let map = MmapOptions::new().map_raw(&file)?;
        Ok(Self { file, map })
    }
}

impl Region for Mapped {
    fn base(&self) -> NonNull<u8> {
        NonNull::new(self.map.as_mut_ptr()).expect("a mapping has an address")
    }

    fn len(&self) -> usize {
        self.map.len()
    }

    fn write_behind(&self, range: Range<usize>) {
        pages::write_behind(&self.file, &self.map, range);
    }

    fn sync(&self, range: Range<usize>) -> io::Result<()> {
        // msync(MS_SYNC) is fdatasync for the range: pages ahead of the writer stay writable without a fault.
        self.map.flush_range(range.start, range.len())
    }

    fn reserve(&self) -> io::Result<()> {
        match fallocate(
            &self.file,
            FallocateFlags::empty(),
            0,
            self.map.len() as u64,
        ) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_apart(&self) {
        pages::keep_apart(&self.map);
    }

    fn renew(&self, start: usize) {
        pages::renew(&self.file, &self.map, start);
    }

    fn populate(&self, range: Range<usize>) {
        pages::populate(&self.map, range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_directory_is_made_and_made_again() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b/c");
        Disk.create_dir(&dir).unwrap();
        Disk.create_dir(&dir).unwrap();
        assert!(dir.is_dir());
    }

    #[test]
    fn a_directory_is_locked_once() {
        let root = tempfile::tempdir().unwrap();
        let guard = Disk.lock_dir(root.path()).unwrap();
        let error = Disk.lock_dir(root.path()).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(guard);
        Disk.lock_dir(root.path()).unwrap();
    }

    #[test]
    fn a_created_file_has_real_blocks() {
        use std::os::unix::fs::MetadataExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let region = Disk.create(&path, 1 << 20).unwrap();
        assert_eq!(region.len(), 1 << 20);
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= 1 << 20);
    }
}
