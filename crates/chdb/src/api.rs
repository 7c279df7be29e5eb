//! The C functions, by name and signature as in `chdb.h` of libchdb 26.7.

use std::ffi::{c_char, c_double, c_int, c_void};

use libloading::Library;

use crate::Error;

/// `chdb_connection`: opaque.
pub(crate) type RawConnection = *mut c_void;
/// `chdb_result *`: opaque.
pub(crate) type RawResult = *mut c_void;
/// `chdb_insert_stream`: opaque.
pub(crate) type RawInsert = *mut c_void;

/// What begins a statement: connection; statement and format, each with its length; then the parameters' names, the names'
/// lengths, values and the values' lengths, as arrays of one length, which is last.
pub(crate) type Begin<R> = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> R;

unsafe extern "C" {
    /// POSIX `_exit`.
    pub(crate) fn _exit(status: c_int) -> !;
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
    chdb_set_signal_handlers_enabled: unsafe extern "C" fn(c_int),
    chdb_connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut RawConnection,
    chdb_close_conn: unsafe extern "C" fn(*mut RawConnection),
    chdb_query_with_params_n: Begin<RawResult>,
    chdb_stream_query_with_params_n: Begin<RawResult>,
    chdb_stream_fetch_result: unsafe extern "C" fn(RawConnection, RawResult) -> RawResult,
    chdb_stream_cancel_query: unsafe extern "C" fn(RawConnection, RawResult),
    chdb_destroy_query_result: unsafe extern "C" fn(RawResult),
    chdb_stream_insert_with_params_n: Begin<RawInsert>,
    chdb_stream_append: unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int,
    chdb_stream_done: unsafe extern "C" fn(RawInsert) -> RawResult,
    chdb_stream_cancel_insert: unsafe extern "C" fn(RawInsert),
    chdb_stream_insert_error: unsafe extern "C" fn(RawInsert) -> *const c_char,
    chdb_destroy_insert_stream: unsafe extern "C" fn(RawInsert),
    chdb_result_buffer: unsafe extern "C" fn(RawResult) -> *mut c_char,
    chdb_result_length: unsafe extern "C" fn(RawResult) -> usize,
    chdb_result_elapsed: unsafe extern "C" fn(RawResult) -> c_double,
    chdb_result_rows_read: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_bytes_read: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_storage_rows_read: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_storage_bytes_read: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_rows_written: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_bytes_written: unsafe extern "C" fn(RawResult) -> u64,
    chdb_result_error: unsafe extern "C" fn(RawResult) -> *const c_char,
}
