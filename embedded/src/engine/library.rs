//! Where the engine's library lies, and what to do where it does not.

use std::env;
use std::path::PathBuf;

use thiserror::Error;
use whence_core::parts;

/// The variable that names the library.
pub const LIBRARY_VARIABLE: &str = "WHENCE_EMBEDDED__LIBRARY";

/// What every message ends with: the way out that works on any platform.
const OUTSIDE: &str = "or run a ClickHouse server of your own: set embedded.clickhouse = false and clickhouse.url in the configuration";

/// The library is not there.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// A path was given and holds no file.
    #[error("ClickHouse's engine: {} names {}, which is no file; {OUTSIDE}", .source_of_path, .path.display())]
    NoFile {
        /// What named the path.
        source_of_path: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// The package was not installed.
    #[error("ClickHouse's engine: {0}; {OUTSIDE}")]
    NotInstalled(#[from] parts::PartMissing),
    /// There is no package for this platform.
    #[error(
        "ClickHouse's engine is not published as a library for {0}; use x86-64 or ARM64 with Linux (glibc) or macOS, {OUTSIDE}"
    )]
    Platform(String),
}

/// Finds the library: `configured`, else `WHENCE_EMBEDDED__LIBRARY`, else what `npm ci` installed.
pub fn find(configured: Option<PathBuf>) -> Result<PathBuf, LibraryError> {
    let from_variable = || {
        env::var_os(LIBRARY_VARIABLE)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let named = configured
        .map(|path| ("the configuration", path))
        .or_else(|| from_variable().map(|path| (LIBRARY_VARIABLE, path)));
    match named {
        Some((_, path)) if path.is_file() => Ok(path),
        Some((source_of_path, path)) => Err(LibraryError::NoFile {
            source_of_path,
            path,
        }),
        None => Ok(parts::find(&package(
            env::consts::OS,
            env::consts::ARCH,
            cfg!(target_env = "gnu"),
        )?)?),
    }
}

/// The library's path inside `node_modules`.
fn package(os: &str, arch: &str, gnu: bool) -> Result<String, LibraryError> {
    let arch_name = match arch {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => return Err(LibraryError::Platform(format!("{os} on {arch}"))),
    };
    match (os, gnu) {
        ("linux", true) => Ok(format!("@chdb/lib-linux-{arch_name}-gnu/libchdb.so")),
        ("macos", _) => Ok(format!("@chdb/lib-darwin-{arch_name}/libchdb.so")),
        ("linux", false) => Err(LibraryError::Platform(format!("Linux with musl on {arch}"))),
        _ => Err(LibraryError::Platform(format!("{os} on {arch}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_has_its_package_or_a_way_out() {
        assert_eq!(
            package("linux", "x86_64", true).unwrap(),
            "@chdb/lib-linux-x64-gnu/libchdb.so"
        );
        assert_eq!(
            package("linux", "aarch64", true).unwrap(),
            "@chdb/lib-linux-arm64-gnu/libchdb.so"
        );
        assert_eq!(
            package("macos", "aarch64", false).unwrap(),
            "@chdb/lib-darwin-arm64/libchdb.so"
        );
        for (os, arch, gnu, named) in [
            ("linux", "x86_64", false, "musl"),
            ("windows", "x86_64", false, "windows"),
            ("linux", "riscv64", true, "riscv64"),
        ] {
            let text = package(os, arch, gnu).unwrap_err().to_string();
            assert!(
                text.contains(named) && text.contains("clickhouse.url"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_that_holds_nothing_is_named() {
        let error = find(Some("/nowhere/libchdb.so".into()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/nowhere/libchdb.so") && error.contains("the configuration"),
            "{error}"
        );
    }
}
