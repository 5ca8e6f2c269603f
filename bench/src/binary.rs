//! Finds the binaries that are measured: those that were built with this one and lie beside it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The path of another of Whence's binaries. `package` is the crate that builds it.
pub(crate) fn beside(name: &str, package: &str) -> Result<PathBuf> {
    let own = own()?;
    let path = own.with_file_name(name);
    if !path.is_file() {
        let release = if cfg!(debug_assertions) {
            ""
        } else {
            " --release"
        };
        bail!(
            "{} is not there: build it with cargo build{release} --package {package}",
            path.display()
        );
    }
    Ok(path)
}

/// The path of this binary, to start it again as a child.
pub(crate) fn own() -> Result<PathBuf> {
    std::env::current_exe().context("this binary's own path")
}
