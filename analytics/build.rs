//! Copies the files that Vite has built of `web/`, and lists them for `src/dashboard/files.rs` to embed. Where nothing was built
//! the list is empty: cargo alone makes a program whose dashboard says how to build it. Copies, since Vite may build again while
//! the compiler is at work.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What Vite makes, below this package's folder.
const BUILT: &str = "web/dist/dashboard";
/// A folder that is always there: cargo would build again each time for one that is not.
const WATCHED: &str = "web/dist";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={WATCHED}");
    println!("cargo::rerun-if-changed=build.rs");
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to"));
    let built = package.join(BUILT);
    let copies = out.join("dashboard");
    if copies.is_dir() {
        fs::remove_dir_all(&copies)?;
    }
    let mut files = Vec::new();
    if built.is_dir() {
        copy(&built, &copies, &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files.iter().filter(|file| !is_encoded(file)) {
        let name = file.strip_prefix(&copies).expect("found below it");
        let encoded = |extension: &str| {
            let mut encoded = file.clone().into_os_string();
            encoded.push(extension);
            let encoded = PathBuf::from(encoded);
            match encoded.is_file() {
                true => format!("Some(include_bytes!({encoded:?}))"),
                false => "None".to_owned(),
            }
        };
        let (brotli, gzip) = (encoded(".br"), encoded(".gz"));
        writeln!(
            list,
            "    File {{ name: {name:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},"
        )
        .expect("a text takes all");
    }
    list.push_str("]\n");
    fs::write(out.join("dashboard_files.rs"), list)
}

/// Whether it is another file as it is sent to browsers that can decode it.
fn is_encoded(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    extension == "br" || extension == "gz"
}

/// Copies a folder with all that is in it, and notes the copies.
fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied, files)?;
        } else {
            fs::copy(&path, &copied)?;
            files.push(copied);
        }
    }
    Ok(())
}
