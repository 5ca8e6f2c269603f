//! What a first start generates and every later one needs unchanged: `secrets.toml` in the data directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use whence_core::config::{Config, SECRETS_FILE};
use whence_core::key;

/// The secrets could not be written.
#[derive(Debug, Error)]
#[error("{path}: {source}")]
pub struct SecretsError {
    /// What could not be written.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Makes `secrets.toml` where there is none. What the configuration sets itself wins over it.
pub fn ensure(config: &Config) -> Result<(), SecretsError> {
    let path = config.data_dir().join(SECRETS_FILE);
    if path.exists() {
        return Ok(());
    }
    let text = format!(
        "# Made at the first start. Back it up with the data: a lost click_id_key makes every click id\n\
         # that is still on its way a forgery.\n\
         click_id_key = \"{}\"\nsalt_key = \"{}\"\n\n[ingest]\ntoken = \"{}\"\n\n[clickhouse]\npassword = \"{}\"\n",
        &random_hex()[..32],
        random_hex(),
        random_hex(),
        random_hex(),
    );
    write_private(&path, &text).map_err(|source| SecretsError { path, source })
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let dir = path
        .parent()
        .expect("the file stands in the data directory");
    fs::create_dir_all(dir)?;
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    fs::File::open(dir)?.sync_all()
}

fn random_hex() -> String {
    key::generate()
        .expose()
        .trim_start_matches("whk_")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use whence_core::config::Sources;

    use super::*;

    #[test]
    fn made_once_read_by_the_configuration_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new/data");
        let flags = vec![format!("data_dir={}", data.display())];
        let load = || {
            Sources {
                flags: flags.clone(),
                ..Sources::default()
            }
            .load()
            .unwrap()
        };
        assert!(load().click_id_key().is_err());
        ensure(&load()).unwrap();
        let first = load();
        assert!(first.click_id_key().is_ok());
        assert!(first.salt_key().is_ok());
        assert_eq!(first.salt_key.expose().len(), 64);
        assert_eq!(first.ingest.token.expose().len(), 64);
        assert_eq!(first.clickhouse.password.expose().len(), 64);
        ensure(&load()).unwrap();
        assert_eq!(load().click_id_key.expose(), first.click_id_key.expose());
        let mode = fs::metadata(data.join(SECRETS_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
