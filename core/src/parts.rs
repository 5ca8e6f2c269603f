//! Where the pinned outside parts lie: what `npm ci` has put into `node_modules`.
//!
//! A part that the configuration names by path is not looked for; only the default is.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The CC0 database of countries.
pub const COUNTRY_DATABASE: &str =
    "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";
/// The list of crawlers' user agents.
pub const CRAWLERS: &str = "crawler-user-agents/crawler-user-agents.json";

/// A pinned part is nowhere to be found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part} is missing: run `npm ci` where package.json lies (looked in node_modules of {})", .searched.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "))]
pub struct PartMissing {
    /// The part, as its path inside `node_modules`.
    pub part: String,
    /// The directories from which it was searched upwards.
    pub searched: Vec<PathBuf>,
}

/// Finds a file of a package, such as `crawler-user-agents/crawler-user-agents.json`, in a
/// `node_modules` of the working directory, of the program's own directory, or of one above either.
pub fn find(part: &str) -> Result<PathBuf, PartMissing> {
    let working = std::env::current_dir().ok();
    let program = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_owned));
    find_from(part, working.into_iter().chain(program).collect())
}

fn find_from(part: &str, starts: Vec<PathBuf>) -> Result<PathBuf, PartMissing> {
    starts
        .iter()
        .flat_map(|start| start.ancestors())
        .map(|dir| dir.join("node_modules").join(part))
        .find(|path| path.is_file())
        .ok_or_else(|| PartMissing {
            part: part.to_owned(),
            searched: starts.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_from_below_and_the_nearest_wins() {
        let root = tempfile::tempdir().unwrap();
        let near = root.path().join("a");
        let start = near.join("b/c");
        std::fs::create_dir_all(&start).unwrap();
        for dir in [root.path(), &near] {
            std::fs::create_dir_all(dir.join("node_modules/list")).unwrap();
            std::fs::write(dir.join("node_modules/list/list.json"), "[]").unwrap();
        }
        let found = find_from("list/list.json", vec![start.clone()]).unwrap();
        assert_eq!(found, near.join("node_modules/list/list.json"));
        std::fs::remove_file(&found).unwrap();
        let found = find_from("list/list.json", vec![start]).unwrap();
        assert_eq!(found, root.path().join("node_modules/list/list.json"));
    }

    #[test]
    fn what_is_missing_says_what_to_run() {
        let root = tempfile::tempdir().unwrap();
        let error = find_from("no-such/part.bin", vec![root.path().into()]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("no-such/part.bin") && text.contains("npm ci"),
            "{text}"
        );
        assert!(text.contains(&*root.path().to_string_lossy()), "{text}");
    }
}
