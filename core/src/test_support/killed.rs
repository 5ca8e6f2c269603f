//! A child process that does not outlive the test that started it.

use std::ops::{Deref, DerefMut};
use std::process::Child;

/// A child process; killed as `kill -9` does, and waited for, when it is dropped.
#[derive(Debug)]
pub struct Killed(pub Child);

impl Deref for Killed {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Killed {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // Neither can fail for a child that was not waited for yet.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
