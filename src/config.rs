//! Where this installation lives and what the environment says: read once, at the start.

use std::{env, ffi::OsString, path::PathBuf};

use directories::ProjectDirs;

/// What was decided before anything ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Whether a service manager runs this process for the whole machine.
    pub is_system_service: bool,
    /// What to log, in tracing's words, for example `info` or `gatehouse::tunnel=debug`.
    pub log_filter: String,
}

/// What is logged where nobody says. Each backup that is looked at goes through all migrations in
/// memory, which is no news.
const LOG_FILTER: &str = "info,refinery_core=warn";

/// Why there is no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no home directory to keep data in; say where with --data-dir DIRECTORY")]
pub struct NoHome;

impl Config {
    /// What the command line says goes before the environment, and that before the default:
    /// `--data-dir`, `GATEHOUSE_DATA_DIR`, the service manager's state directory, the user's own.
    ///
    /// # Errors
    /// [`NoHome`] where nothing names a directory.
    pub fn read(data_dir: Option<PathBuf>) -> Result<Self, NoHome> {
        Self::resolve(data_dir, |name| env::var_os(name), user_data_dir)
    }

    fn resolve(
        data_dir: Option<PathBuf>,
        environment: impl Fn(&str) -> Option<OsString>,
        user_data_dir: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Self, NoHome> {
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        let state_directory = variable("STATE_DIRECTORY").map(PathBuf::from);
        let is_system_service = state_directory.is_some();
        let data_dir = data_dir
            .or_else(|| variable("GATEHOUSE_DATA_DIR").map(PathBuf::from))
            .or(state_directory)
            .or_else(user_data_dir)
            .ok_or(NoHome)?;
        let log_filter = variable("GATEHOUSE_LOG")
            .and_then(|value| value.into_string().ok())
            .unwrap_or_else(|| LOG_FILTER.to_owned());
        Ok(Self {
            data_dir,
            is_system_service,
            log_filter,
        })
    }
}

/// `~/.local/share/gatehouse`, or what XDG_DATA_HOME says.
fn user_data_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "gatehouse").map(|dirs| dirs.data_dir().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(data_dir: Option<&str>, variables: &[(&str, &str)]) -> Result<Config, NoHome> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Config::resolve(data_dir.map(PathBuf::from), lookup, || {
            Some(PathBuf::from("/home/a/.local/share/gatehouse"))
        })
    }

    #[test]
    fn the_option_goes_before_the_variable_before_the_service_before_the_home() {
        let variables = [("GATEHOUSE_DATA_DIR", "/v"), ("STATE_DIRECTORY", "/s")];
        let dir = |data_dir, variables| resolve(data_dir, variables).unwrap().data_dir;
        assert_eq!(dir(Some("/o"), &variables), PathBuf::from("/o"));
        assert_eq!(dir(None, &variables), PathBuf::from("/v"));
        assert_eq!(dir(None, &variables[1..]), PathBuf::from("/s"));
        assert_eq!(
            dir(None, &[("GATEHOUSE_DATA_DIR", "")]),
            PathBuf::from("/home/a/.local/share/gatehouse")
        );
    }

    #[test]
    fn a_service_manager_is_known_by_its_state_directory() {
        let under = resolve(Some("/o"), &[("STATE_DIRECTORY", "/var/lib/gatehouse")]);
        assert!(under.unwrap().is_system_service);
        assert!(!resolve(Some("/o"), &[]).unwrap().is_system_service);
    }

    #[test]
    fn without_a_home_the_option_is_asked_for() {
        let config = Config::resolve(None, |_| None, || None);
        assert_eq!(config, Err(NoHome));
    }
}
