//! Where the keys come from, and what is wrong with them when they cannot be used.

use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat};
use thiserror::Error;

use super::{Config, FILE_VARIABLE};
use crate::key::KEY_VARIABLE;

/// The file in the data directory that holds what was generated at the first start.
pub const SECRETS_FILE: &str = "secrets.toml";

/// The layers above the defaults, from the lowest.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file; named, so it must be there.
    pub file: Option<PathBuf>,
    /// `WHENCE_*` variables: `WHENCE_REDIRECTOR__LISTEN` is `redirector.listen`.
    pub environment: Vec<(String, String)>,
    /// `--set key=value` flags.
    pub flags: Vec<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("configuration file {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// A flag that is not `key=value`.
    #[error("--set {0:?}: must be key=value, such as redirector.listen=0.0.0.0:80")]
    Flag(String),
    /// A key that does not exist, or a value that does not fit it.
    #[error("configuration: {0}")]
    Value(String),
}

impl Sources {
    /// The process's own environment below `file` and `flags`.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<String>) -> Self {
        Self {
            file,
            environment: std::env::vars().collect(),
            flags,
        }
    }

    /// Reads every layer.
    pub fn load(&self) -> Result<Config, ConfigError> {
        // Read once without the secrets to learn where the data directory is, then with them below.
        let without = self.read(None)?;
        let secrets = without.data_dir().join(SECRETS_FILE);
        if secrets.exists() {
            self.read(Some(&secrets))
        } else {
            Ok(without)
        }
    }

    fn read(&self, secrets: Option<&Path>) -> Result<Config, ConfigError> {
        let mut builder = config::Config::builder();
        for path in secrets.into_iter().chain(self.file.as_deref()) {
            let text = std::fs::read_to_string(path).map_err(|e| ConfigError::File {
                path: path.into(),
                reason: e.to_string(),
            })?;
            // Parsed by itself first, so that a mistake is reported with its line, and without the
            // line's text: it may hold a secret.
            text.parse::<toml::Table>().map_err(|error| {
                let before = error.span().map_or("", |span| &text[..span.start]);
                let line = before.matches('\n').count() + 1;
                ConfigError::File {
                    path: path.into(),
                    reason: format!("line {line}: {}", error.message()),
                }
            })?;
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        for (name, value) in &self.environment {
            if name == FILE_VARIABLE || name == KEY_VARIABLE {
                continue;
            }
            if let Some(key) = name.strip_prefix("WHENCE_") {
                let key = key.to_lowercase().replace("__", ".");
                builder = set(builder, &key, value)?;
            }
        }
        for flag in &self.flags {
            let (key, value) = flag
                .split_once('=')
                .ok_or_else(|| ConfigError::Flag(flag.clone()))?;
            builder = set(builder, key.trim(), value)?;
        }
        builder
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ConfigError::Value(error.to_string()))
    }
}

fn set(
    builder: ConfigBuilder<DefaultState>,
    key: &str,
    value: &str,
) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    builder
        .set_override(key, value)
        .map_err(|error| ConfigError::Value(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("whence.toml");
        std::fs::write(&path, toml).unwrap();
        let sources = Sources {
            file: Some(path),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            flags: flags.iter().map(|f| (*f).into()).collect(),
        };
        sources.load().map_err(|e| e.to_string())
    }

    #[test]
    fn later_layers_win() {
        let toml = "[redirector]\nthreads = 2\nclient_rate = 7\ndrain_ms = 5";
        let environment = [
            // No keys of the configuration, and so no mistake.
            ("WHENCE_CONFIG", "elsewhere"),
            ("WHENCE_API_KEY", "whk_0"),
            ("WHENCE_REDIRECTOR__THREADS", "3"),
            ("WHENCE_REDIRECTOR__DRAIN_MS", "6"),
        ];
        let config = load(toml, &environment, &["redirector.threads=4"]).unwrap();
        assert_eq!(config.redirector.threads, 4);
        assert_eq!(config.redirector.drain_ms, 6);
        assert_eq!(config.redirector.client_rate, 7);
        assert_eq!(
            config.redirector.client_burst,
            Config::default().redirector.client_burst
        );
    }

    #[test]
    fn lists_come_as_lists_or_with_commas() {
        let toml = "[redirector]\ntrusted_proxies = [\"10.0.0.0/8\"]";
        assert_eq!(
            load(toml, &[], &[])
                .unwrap()
                .redirector
                .trusted_proxies
                .len(),
            1
        );
        let flag = "redirector.trusted_proxies=10.0.0.0/8, ::1/128";
        assert_eq!(
            load(toml, &[], &[flag])
                .unwrap()
                .redirector
                .trusted_proxies
                .len(),
            2
        );
    }

    #[test]
    fn unknown_keys_are_refused_from_every_layer() {
        for error in [
            load("[redirector]\nlissten = 1", &[], &[]).unwrap_err(),
            load("", &[("WHENCE_REDIRECTOR__LISSTEN", "1")], &[]).unwrap_err(),
            load("", &[], &["redirector.lissten=1"]).unwrap_err(),
        ] {
            assert!(error.contains("lissten"), "{error}");
        }
        let error = load("", &[("WHENCE_NONSENSE", "1")], &[]).unwrap_err();
        assert!(error.contains("nonsense"), "{error}");
    }

    #[test]
    fn values_that_do_not_fit_name_their_key() {
        for flag in [
            "redirector.listen=nowhere",
            "redirector.threads=many",
            "redirector.journal.durability=perhaps",
            "redirector.trusted_proxies=10.0.0.0/99",
        ] {
            let error = load("", &[], &[flag]).unwrap_err();
            let key = flag.split(['=', '.']).nth(1).unwrap();
            assert!(error.contains(key), "{flag}: {error}");
        }
        assert!(
            load("", &[], &["redirector"])
                .unwrap_err()
                .contains("must be key=value")
        );
        assert!(
            load("[redirector", &[], &[])
                .unwrap_err()
                .contains("line 1")
        );
    }

    #[test]
    fn secrets_are_read_from_the_data_directory_and_never_print() {
        let data = tempfile::tempdir().unwrap();
        let key = "00112233445566778899aabbccddeeff";
        let secrets = format!("click_id_key = \"{key}\"\n[ingest]\ntoken = \"t0k3n\"\n");
        std::fs::write(data.path().join(SECRETS_FILE), secrets).unwrap();
        let flag = format!("data_dir={}", data.path().display());
        let config = load("[ingest]\ndrain_ms = 1", &[], &[&flag]).unwrap();
        assert!(config.click_id_key().is_ok());
        assert_eq!(config.ingest.token.expose(), "t0k3n");
        let printed = format!("{config:?}");
        assert!(
            !printed.contains(key) && !printed.contains("t0k3n"),
            "{printed}"
        );
    }

    #[test]
    fn a_mistake_in_a_file_does_not_print_what_stands_there() {
        let error = load("[log]\n\nclick_id_key = 0011223344hunter2\n", &[], &[]).unwrap_err();
        assert!(
            error.contains("line 3") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn a_click_id_key_is_32_hexadecimal_digits() {
        for (text, ok) in [
            ("", false),
            ("abc", false),
            ("0".repeat(32).as_str(), true),
            ("g".repeat(32).as_str(), false),
        ] {
            let config = load("", &[], &[&format!("click_id_key={text}")]).unwrap();
            assert_eq!(config.click_id_key().is_ok(), ok, "{text:?}");
        }
    }
}
