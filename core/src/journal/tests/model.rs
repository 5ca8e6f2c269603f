//! A file system in memory. Stores to a mapping are visible at once; only a sync makes them durable. It can
//! be crashed at any step: a process crash keeps what is visible, power loss keeps what is durable and any
//! part of the rest, page by page, also torn pages, name by name.
#![allow(unsafe_code)] // A mapping hands out an address.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Range,
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicU64},
};

use super::crash::{Image, Plan};
use crate::journal::fs::{Directory, Fs, Region};

const WORDS_PER_PAGE: usize = 512;

/// The machine. Clones are the same machine.
#[derive(Clone, Default)]
pub(super) struct ModelFs {
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) names: BTreeMap<PathBuf, Arc<Inode>>,
    pub(super) durable_names: BTreeMap<PathBuf, Arc<Inode>>,
    locked: BTreeSet<PathBuf>,
    steps: u64,
    plan: Option<Plan>,
    /// What was on the machine when it went down; every later step fails.
    wreck: Option<Image>,
    /// The sync, counted from now, that fails.
    failing_sync: Option<u64>,
    capacity: Option<u64>,
}

pub(super) struct Inode {
    pub(super) visible: Box<[AtomicU64]>,
    pub(super) durable: Mutex<Vec<u64>>,
}

impl Inode {
    pub(super) fn new(visible: Vec<u64>, durable: Vec<u64>) -> Arc<Self> {
        let visible = visible.into_iter().map(AtomicU64::new).collect();
        Arc::new(Self {
            visible,
            durable: Mutex::new(durable),
        })
    }

    fn bytes(&self) -> u64 {
        self.visible.len() as u64 * 8
    }

    /// What is visible, without the cost of reading word by word.
    fn words(&self) -> &[u64] {
        // SAFETY: an atomic word has the layout of a word, and one thread runs the whole model.
        unsafe { std::slice::from_raw_parts(self.visible.as_ptr().cast(), self.visible.len()) }
    }
}

impl ModelFs {
    /// A machine with what is left of another.
    pub(super) fn with(image: Image) -> Self {
        let inodes: Vec<_> = image
            .files
            .into_iter()
            .map(|(visible, durable)| Inode::new(visible, durable))
            .collect();
        let lookup = |names: BTreeMap<PathBuf, usize>| {
            names
                .into_iter()
                .map(|(path, number)| (path, Arc::clone(&inodes[number])))
                .collect()
        };
        let world = World {
            names: lookup(image.names),
            durable_names: lookup(image.durable_names),
            capacity: image.capacity,
            ..World::default()
        };
        ModelFs {
            world: Arc::new(Mutex::new(world)),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) fn plan(&self, plan: Option<Plan>) {
        let mut world = self.world();
        let steps = world.steps;
        world.plan = plan.map(|plan| Plan {
            at: steps + plan.at,
            ..plan
        });
    }

    /// The sync after so many others fails.
    pub(super) fn fail_sync_after(&self, others: Option<u64>) {
        self.world().failing_sync = others;
    }

    pub(super) fn set_capacity(&self, capacity: Option<u64>) {
        self.world().capacity = capacity;
    }

    pub(super) fn steps(&self) -> u64 {
        self.world().steps
    }

    pub(super) fn is_down(&self) -> bool {
        self.world().wreck.is_some()
    }

    /// The machine as it went down, or as it is.
    pub(super) fn image(&self) -> Image {
        let world = self.world();
        world.wreck.clone().unwrap_or_else(|| world.image())
    }

    fn step<T>(&self, effect: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.world();
        if world.wreck.is_some() {
            return Err(io::Error::other("the machine is down"));
        }
        world.steps += 1;
        let plan = world.plan.filter(|plan| plan.at == world.steps);
        if plan.is_some_and(|plan| !plan.after) {
            world.wreck = Some(world.image());
            return Err(io::Error::other("the machine went down before this step"));
        }
        let result = effect(&mut world);
        if plan.is_some() {
            world.wreck = Some(world.image());
            return Err(io::Error::other("the machine went down after this step"));
        }
        result
    }
}

impl World {
    fn image(&self) -> Image {
        let mut inodes: Vec<&Arc<Inode>> = Vec::new();
        let mut number = |inode| {
            inodes
                .iter()
                .position(|known| Arc::ptr_eq(known, inode))
                .unwrap_or_else(|| {
                    inodes.push(inode);
                    inodes.len() - 1
                })
        };
        let names = self
            .names
            .iter()
            .map(|(path, inode)| (path.clone(), number(inode)))
            .collect();
        let durable_names = self
            .durable_names
            .iter()
            .map(|(path, inode)| (path.clone(), number(inode)))
            .collect();
        let read = |inode: &&Arc<Inode>| {
            (
                inode.words().to_vec(),
                inode.durable.lock().unwrap().clone(),
            )
        };
        let files = inodes.iter().map(read).collect();
        Image {
            names,
            durable_names,
            files,
            capacity: self.capacity,
        }
    }

    fn used(&self) -> u64 {
        self.names.values().map(|inode| inode.bytes()).sum()
    }
}

struct ModelRegion {
    fs: ModelFs,
    inode: Arc<Inode>,
    /// What was given to be written back: from which word on, and as it was then.
    behind: Mutex<Vec<(usize, Vec<u64>)>>,
}

impl ModelRegion {
    /// A store to a page that is under way to the disk would fault, and may wait for it.
    fn check_behind(&self) {
        for (start, words) in self.behind.lock().unwrap().drain(..) {
            let now = &self.inode.words()[start..start + words.len()];
            assert!(now == words, "words from {start} on were written again");
        }
    }
}

impl Region for ModelRegion {
    fn base(&self) -> NonNull<u8> {
        // Atomics may be written through a shared reference, so their address may be written to.
        NonNull::from(&*self.inode.visible).cast()
    }

    fn len(&self) -> usize {
        self.inode.visible.len() * 8
    }

    // What was not synced is on disk or not after a crash, as chance has it: written behind or not.
    fn write_behind(&self, range: Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "{range:?} of {}",
            self.len()
        );
        let words = range.start.div_ceil(8)..range.end / 8;
        let as_now = self.inode.words()[words.clone()].to_vec();
        self.behind.lock().unwrap().push((words.start, as_now));
    }

    fn sync(&self, range: Range<usize>) -> io::Result<()> {
        assert!(
            range.start < range.end && range.end <= self.len(),
            "sync of {range:?} of {}",
            self.len()
        );
        self.check_behind();
        self.fs.step(|world| {
            if let Some(others) = world.failing_sync {
                world.failing_sync = others.checked_sub(1);
                if others == 0 {
                    return Err(io::Error::from_raw_os_error(5));
                }
            }
            let mut durable = self.inode.durable.lock().unwrap();
            // Whole pages, as the real one.
            let first = range.start / 8 / WORDS_PER_PAGE * WORDS_PER_PAGE;
            let last = range
                .end
                .div_ceil(8)
                .next_multiple_of(WORDS_PER_PAGE)
                .min(durable.len());
            durable[first..last].copy_from_slice(&self.inode.words()[first..last]);
            Ok(())
        })
    }

    fn reserve(&self) -> io::Result<()> {
        self.fs.step(|_| Ok(()))
    }

    fn keep_apart(&self) {}

    fn renew(&self, start: usize) {
        let bytes = self
            .inode
            .words()
            .iter()
            .flat_map(|word| word.to_ne_bytes());
        assert!(
            bytes.skip(start).all(|byte| byte == 0),
            "a record lies behind {start}"
        );
    }

    fn populate(&self, range: Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "{range:?} of {}",
            self.len()
        );
    }
}

struct Lock {
    fs: ModelFs,
    dir: PathBuf,
}

impl Directory for Lock {
    fn sync(&self) -> io::Result<()> {
        let dir = Some(&*self.dir);
        self.fs.step(|world| {
            world.durable_names.retain(|path, _| path.parent() != dir);
            let inside = world.names.iter().filter(|(path, _)| path.parent() == dir);
            let inside: Vec<_> = inside
                .map(|(path, inode)| (path.clone(), Arc::clone(inode)))
                .collect();
            world.durable_names.extend(inside);
            Ok(())
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.fs.world().locked.remove(&self.dir);
    }
}

impl Fs for ModelFs {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.step(|_| Ok(()))
    }

    fn lock_dir(&self, dir: &Path) -> io::Result<Box<dyn Directory>> {
        self.step(|world| {
            let is_free = world.locked.insert(dir.to_owned());
            if is_free {
                Ok(())
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            }
        })?;
        Ok(Box::new(Lock {
            fs: self.clone(),
            dir: dir.to_owned(),
        }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.step(|world| {
            let inside = world.names.keys().filter(|path| path.parent() == Some(dir));
            Ok(inside
                .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect())
        })
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn Region>> {
        let inode = self.step(|world| {
            if world
                .capacity
                .is_some_and(|capacity| world.used() + bytes > capacity)
            {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let words = bytes as usize / 8;
            let inode = Inode::new(vec![0; words], vec![0; words]);
            world.names.insert(path.to_owned(), Arc::clone(&inode));
            Ok(inode)
        })?;
        Ok(Arc::new(ModelRegion {
            fs: self.clone(),
            behind: Mutex::default(),
            inode,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Region>> {
        let inode = self.step(|world| {
            world
                .names
                .get(path)
                .cloned()
                .ok_or(io::ErrorKind::NotFound.into())
        })?;
        if inode.visible.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Arc::new(ModelRegion {
            fs: self.clone(),
            behind: Mutex::default(),
            inode,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|world| {
            let inode = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            world.names.insert(to.to_owned(), inode);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|world| {
            world
                .names
                .remove(path)
                .map(|_| ())
                .ok_or(io::ErrorKind::NotFound.into())
        })
    }
}
