//! Where an installation that is to be crashed lies: its folder, its ports, its programs, its small volumes.
//!
//! The programs are linked into the folder, so that a build that goes on meanwhile does not change them
//! between two starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use whence_core::parts;

use crate::binary;

/// Below what the system gives to connections by itself: a port whose process is dead stays free.
const PORTS: std::ops::Range<u16> = 18_000..32_000;
/// What journals get, in MiB: minutes of clicks, and soon filled.
const JOURNAL_VOLUME: u64 = 128;
/// The folder of a run, with what is in it.
pub(super) struct Place {
    /// The folder.
    pub(super) dir: PathBuf,
    /// Those of its folders that are volumes of their own, which can be filled.
    volumes: Vec<PathBuf>,
    /// Gone with this, where nobody has named the folder or wants to keep it.
    temporary: Option<tempfile::TempDir>,
}

impl Place {
    /// A folder at `dir`, which must be empty or missing, else a temporary one; with a volume of such a size for ClickHouse.
    pub(super) fn new(dir: Option<&Path>, clickhouse_megabytes: u64) -> Result<Self> {
        let temporary = match dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("whence-crash-").tempdir()?),
        };
        let dir = match (&temporary, dir) {
            (Some(temporary), _) => temporary.path().to_owned(),
            (None, Some(dir)) => std::path::absolute(dir)?,
            (None, None) => unreachable!("one of both is there"),
        };
        for folder in ["bin", "logs", "redis", "journals", "clickhouse", "clocks"] {
            let path = dir.join(folder);
            std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
            if folder != "bin" && path.read_dir()?.next().is_some() {
                bail!("{} is not empty", path.display());
            }
        }
        let mut place = Self {
            dir,
            volumes: Vec::new(),
            temporary,
        };
        place.link_parts()?;
        for (folder, megabytes) in [
            ("journals", JOURNAL_VOLUME),
            ("clickhouse", clickhouse_megabytes),
        ] {
            let path = place.dir.join(folder);
            let size = std::ffi::CString::new(format!("size={megabytes}m"))?;
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            match mount("whence-crash", &path, "tmpfs", flags, Some(size.as_c_str())) {
                Ok(()) => place.volumes.push(path),
                Err(error) => eprintln!(
                    "{} is no volume of its own ({error}): its disk will not be full",
                    path.display()
                ),
            }
        }
        Ok(place)
    }

    /// Whether this folder is a volume that can be filled.
    pub(super) fn is_volume(&self, folder: &str) -> bool {
        self.volumes.contains(&self.dir.join(folder))
    }

    /// The program `name`, which `package` builds, as it is now.
    pub(super) fn program(&self, name: &str, package: &str) -> Result<PathBuf> {
        let built = binary::beside(name, package)?;
        let linked = self.dir.join("bin").join(name);
        // Another node may have it already; copying onto a link would empty both.
        if !linked.exists() && std::fs::hard_link(&built, &linked).is_err() {
            std::fs::copy(&built, &linked).with_context(|| linked.display().to_string())?;
        }
        Ok(linked)
    }

    /// Keeps the folder; says where it is.
    pub(super) fn keep(&mut self) -> &Path {
        if let Some(temporary) = self.temporary.take() {
            let _ = temporary.keep();
        }
        &self.dir
    }

    /// Programs find the pinned parts above themselves, wherever they were built.
    fn link_parts(&self) -> Result<()> {
        let found = parts::find(parts::CRAWLERS)?;
        let modules = found
            .ancestors()
            .find(|path| path.file_name().is_some_and(|name| name == "node_modules"))
            .context("a part lies in node_modules")?;
        let link = self.dir.join("node_modules");
        if !link.exists() {
            std::os::unix::fs::symlink(modules, link)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for volume in &self.volumes {
            // What was written there is lost with the volume, unless somebody wants to see it.
            if let Err(error) = unmount(volume, UnmountFlags::DETACH) {
                eprintln!("{} stays mounted: {error}", volume.display());
            }
        }
    }
}

/// Addresses on this machine where nobody listens now, and nobody will by chance.
pub(super) fn addresses(count: usize) -> Result<Vec<SocketAddr>> {
    // Not the run's seed: two runs beside each other must not meet.
    let mut random = Rng::new();
    let mut listeners = Vec::new();
    for _ in 0..count * 100 {
        if listeners.len() == count {
            break;
        }
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, random.u16(PORTS))) {
            listeners.push(listener);
        }
    }
    if listeners.len() < count {
        bail!("there are not {count} free ports in {PORTS:?}");
    }
    let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?));
    addresses.collect()
}
