//! Versions.

use shevek_settings::Settings;

/// The ansible-core whose content is understood, for whatever looks at the version.
pub(crate) const COMPATIBLE: &str = "2.19.14";

/// This program's own version.
pub(crate) const OWN: &str = env!("CARGO_PKG_VERSION");

/// What a run prints of versions when it is asked to tell more, by the name that it was called.
pub(crate) fn of_run(settings: &Settings) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = std::path::Path::new(&called).file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("{called} {}", ansible(settings))
}

/// What `--version` prints behind the program's name, when it goes by the name of one of Ansible's.
pub(crate) fn ansible(settings: &Settings) -> String {
    let list = |paths: &[std::path::PathBuf]| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
    };
    let config =
        settings.config_file.as_ref().map_or_else(|| "None".to_owned(), |path| path.display().to_string());
    let program =
        std::env::current_exe().map_or_else(|_| "unknown".to_owned(), |path| path.display().to_string());
    format!(
        "[core {COMPATIBLE}]\n  config file = {config}\n  configured module search path = {}\n  \
         collection location = {}\n  executable location = {program}\n  shevek version = {OWN}",
        shevek_value::Value::list(
            settings.library.iter().map(|path| path.display().to_string().into()).collect()
        )
        .repr(),
        list(&settings.collections_path)
    )
}
