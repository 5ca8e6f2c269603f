//! What an outsider or a bad disk does to the files of the model machine.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use super::model::{Inode, ModelFs};

impl ModelFs {
    /// The names of all files.
    pub(super) fn names(&self) -> Vec<String> {
        let world = self.world();
        world
            .names
            .keys()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    /// Changes bytes of a file behind the journal's back, also on disk.
    pub(super) fn damage(&self, name: &str, change: impl FnOnce(&mut [u8])) {
        let world = self.world();
        let inode = world
            .names
            .iter()
            .find(|(path, _)| path.ends_with(name))
            .expect("no such file")
            .1;
        let mut bytes: Vec<u8> = inode
            .visible
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .collect();
        change(&mut bytes);
        let words = bytes
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
        for (place, word) in words.enumerate() {
            inode.visible[place].store(word, Ordering::Relaxed);
            inode.durable.lock().unwrap()[place] = word;
        }
    }

    /// Removes a file behind the journal's back.
    pub(super) fn lose(&self, name: &str) {
        let mut world = self.world();
        world.names.retain(|path, _| !path.ends_with(name));
        world.durable_names.retain(|path, _| !path.ends_with(name));
    }

    /// Puts a file of `bytes` zeros there behind the journal's back.
    pub(super) fn plant(&self, path: &Path, bytes: usize) {
        let mut world = self.world();
        let inode = Inode::new(vec![0; bytes / 8], vec![0; bytes / 8]);
        world.names.insert(path.to_owned(), Arc::clone(&inode));
        world.durable_names.insert(path.to_owned(), inode);
    }
}
