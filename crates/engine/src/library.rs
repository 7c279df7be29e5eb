//! Where libchdb lies. It is not part of the program: half a gigabyte, installed once per user.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Error;

/// The version that `scripts/install-engine.sh` installs and the tests run with.
pub const VERSION: &str = "26.7.3-stable.1";

/// The library's file, or an error that names every place that was looked at.
///
/// # Errors
///
/// [`Error::NoLibrary`]. A place that was named (in the settings or in `RUAD_ENGINE_LIB`) is not passed over
/// when nothing is there: the error names it alone.
pub fn find(setting: Option<&Path>) -> Result<PathBuf, Error> {
    let named = setting.map(Path::to_owned).or_else(|| env::var_os("RUAD_ENGINE_LIB").map(PathBuf::from));
    let places = match named {
        Some(path) => vec![path],
        None => places(
            env::var_os("XDG_CACHE_HOME").as_deref(),
            env::var_os("HOME").as_deref(),
            env::var_os("LD_LIBRARY_PATH").as_deref(),
        ),
    };
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(Error::NoLibrary { places }),
    }
}

/// The per-user cache, then the folders that the system's loader knows.
fn places(cache: Option<&OsStr>, home: Option<&OsStr>, loader: Option<&OsStr>) -> Vec<PathBuf> {
    let absolute = |value: Option<&OsStr>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute(cache).or_else(|| absolute(home).map(|home| home.join(".cache")));
    let extension = if cfg!(target_os = "macos") { "dylib" } else { "so" };
    let mut places: Vec<_> = cache
        .map(|cache| cache.join("ruad").join(format!("libchdb-{VERSION}.{extension}")))
        .into_iter()
        .collect();
    let loader = loader.map(|value| env::split_paths(value).collect::<Vec<_>>()).unwrap_or_default();
    let folders = loader.into_iter().filter(|folder| folder.is_absolute());
    let folders = folders.chain(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    places.extend(folders.map(|folder| folder.join(format!("libchdb.{extension}"))));
    places
}

const SYSTEM_FOLDERS: [&str; 5] =
    ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_into_the_cache_first() {
        let os = OsStr::new;
        let first = |cache, home| places(cache, home, None).first().cloned().unwrap();
        let expected = Path::new("/c/ruad").join(format!("libchdb-{VERSION}.so"));
        assert_eq!(first(Some(os("/c")), Some(os("/h"))), expected);
        assert_eq!(first(Some(os("relative")), Some(os("/h"))).parent(), Some(Path::new("/h/.cache/ruad")));
        assert_eq!(first(None, None), Path::new("/usr/local/lib/libchdb.so"));
        let loader = places(None, None, Some(os("/l:rel:/m")));
        assert_eq!(loader.first().map(PathBuf::as_path), Some(Path::new("/l/libchdb.so")));
        assert_eq!(loader.get(1).map(PathBuf::as_path), Some(Path::new("/m/libchdb.so")));
    }

    #[test]
    fn a_named_place_is_the_only_one() {
        let missing = Path::new("/nowhere/libchdb.so");
        let error = find(Some(missing)).unwrap_err();
        assert!(error.to_string().contains("/nowhere/libchdb.so"), "{error}");
        assert!(error.to_string().contains("make engine"), "{error}");
        assert!(!error.to_string().contains("/usr/lib"), "{error}");
    }
}
