//! The C functions, by name and signature as in `chdb.h` of libchdb 26.7.

use std::ffi::{c_char, c_int, c_void};

use libloading::Library;

use crate::Error;

/// `chdb_result *`: opaque.
pub(crate) type RawResult = *mut c_void;

unsafe extern "C" {
    /// POSIX `_exit`.
    pub(crate) fn _exit(status: c_int) -> !;
    /// POSIX `dup2`.
    pub(crate) fn dup2(from: c_int, to: c_int) -> c_int;
}

macro_rules! api {
    ($($name:ident: $signature:ty,)+) => {
        /// The library's functions. They stay valid for ever, because the library is never unloaded.
        #[derive(Debug)]
        pub(crate) struct Api { $(pub(crate) $name: $signature,)+ }

        impl Api {
            /// Looks every function up.
            ///
            /// # Safety
            ///
            /// `library` is a libchdb whose functions have these signatures, and it is never unloaded.
            pub(crate) unsafe fn load(library: &Library) -> Result<Self, Error> {
                Ok(Self { $($name: {
                    // SAFETY: the caller promises the signature; the pointer outlives everything because the
                    // library is never unloaded.
                    let symbol = unsafe { library.get::<$signature>(concat!(stringify!($name), "\0").as_bytes()) };
                    *symbol.map_err(|source| Error::MissingFunction { name: stringify!($name), source })?
                },)+ })
            }
        }
    };
}

api! {
    chdb_version: unsafe extern "C" fn() -> *const c_char,
    chdb_query_cmdline: unsafe extern "C" fn(c_int, *mut *mut c_char) -> RawResult,
    chdb_result_error: unsafe extern "C" fn(RawResult) -> *const c_char,
    chdb_destroy_query_result: unsafe extern "C" fn(RawResult),
}
