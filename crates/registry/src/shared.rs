use std::{path::PathBuf, sync::Arc};

use tokio::sync::watch;

use super::{Registry, RegistryError, Settings};
use crate::telemetry::{Reloaded, listed};

/// The registry in use, shared by all who ask it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Inner>);

impl Shared {
    /// Reads the registry from the file that the settings name; with none it is empty and stays so.
    ///
    /// # Errors
    ///
    /// [`RegistryError`], as [`Registry::load`].
    pub fn load(settings: &Settings) -> Result<Self, RegistryError> {
        let path = settings.file.clone();
        let registry = path.as_deref().map(Registry::load).transpose()?.unwrap_or_default();
        Ok(Self::with(registry, path))
    }

    /// A registry that was made elsewhere and is never read again.
    pub fn fixed(registry: Registry) -> Self {
        Self::with(registry, None)
    }

    /// Reads the file again. On an error the registry in use stays, and the error is logged, counted and
    /// returned.
    ///
    /// # Errors
    ///
    /// [`RegistryError`], as [`Registry::load`].
    pub fn reload(&self) -> Result<(), RegistryError> {
        let Some(path) = &self.0.path else { return Ok(()) };
        let outcome = Registry::load(path).map(Arc::new);
        Reloaded { file: path, domains: outcome.as_ref().map(|registry| registry.len()) }.record();
        self.0.registry.send_replace(outcome?);
        Ok(())
    }

    /// The registry as it is now. Keep it for the length of one piece of work, so that all of it sees the
    /// same.
    pub fn current(&self) -> Arc<Registry> {
        self.0.registry.borrow().clone()
    }

    /// Tells whoever holds it when the registry is another.
    pub fn changes(&self) -> watch::Receiver<Arc<Registry>> {
        self.0.registry.subscribe()
    }

    fn with(registry: Registry, path: Option<PathBuf>) -> Self {
        listed(registry.len());
        Self(Arc::new(Inner { path, registry: watch::Sender::new(Arc::new(registry)) }))
    }
}

#[derive(Debug)]
struct Inner {
    path: Option<PathBuf>,
    registry: watch::Sender<Arc<Registry>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UNASSIGNED;

    #[test]
    fn a_bad_file_leaves_the_old_registry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("domains.toml");
        std::fs::write(&path, "[[group]]\nname = \"acme\"\ndomains = [\"acme.example\"]\n").unwrap();
        let shared = Shared::load(&Settings { file: Some(path.clone()) }).unwrap();
        let before = shared.current();

        std::fs::write(&path, "[[group]]\nname = \"globex\"\ndomains = [\"acme example\"]\n").unwrap();
        let error = shared.reload().unwrap_err().to_string();
        assert!(error.contains("domains.toml:3") && error.contains("acme example"), "{error}");
        assert_eq!(shared.current().group_of("acme.example"), "acme");

        for emptied in ["", "# all gone\n", "[[group]]\nname = \"globex\"\n"] {
            std::fs::write(&path, emptied).unwrap();
            let error = shared.reload().unwrap_err().to_string();
            assert!(error.contains("domains.toml: it lists no domain"), "{error}");
            assert_eq!(shared.current().group_of("acme.example"), "acme");
        }

        std::fs::remove_file(&path).unwrap();
        shared.reload().unwrap_err();
        assert_eq!(shared.current().group_of("acme.example"), "acme");

        std::fs::write(&path, "[[group]]\nname = \"globex\"\ndomains = [\"acme.example\"]\n").unwrap();
        shared.reload().unwrap();
        assert_eq!(shared.clone().current().group_of("acme.example"), "globex");
        assert_eq!(before.group_of("acme.example"), "acme");

        for meant in ["domains = []\n", "[[group]]\nname = \"globex\"\ndomains = []\n"] {
            std::fs::write(&path, meant).unwrap();
            shared.reload().unwrap();
            assert!(shared.current().is_empty());
        }
    }

    #[test]
    fn without_a_file_everything_is_unassigned() {
        let shared = Shared::load(&Settings::default()).unwrap();
        shared.reload().unwrap();
        assert_eq!(shared.current().group_of("acme.example"), UNASSIGNED);
    }
}
