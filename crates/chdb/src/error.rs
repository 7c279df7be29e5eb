use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not a shared library that this platform loads.
    #[error("{} cannot be loaded", path.display())]
    Load {
        /// The library's file.
        path: PathBuf,
        /// The loader's words.
        source: libloading::Error,
    },
    /// The library is no libchdb, or one of another version.
    #[error("the library lacks the function {name}")]
    MissingFunction {
        /// Its name.
        name: &'static str,
        /// The loader's words.
        source: libloading::Error,
    },
    /// An argument cannot be handed to C.
    #[error("the argument {argument:?} holds a NUL byte")]
    NulByte {
        /// The argument.
        argument: String,
    },
    /// The command line has more arguments than C can count.
    #[error("{count} arguments are too many")]
    Arguments {
        /// How many.
        count: usize,
    },
    /// ClickHouse ended with an exception.
    #[error("{text}")]
    Exception {
        /// Its words; empty when it wrote them to standard error.
        text: String,
    },
}
