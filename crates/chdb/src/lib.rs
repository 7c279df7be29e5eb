//! A small, safe binding to libchdb (ClickHouse as a library), loaded at run time so that a program starts,
//! and can say what is missing, on a machine without it.
//!
//! This crate holds all the `unsafe` code of the workspace. The C interface is that of libchdb 26.7
//! (`chdb.h`), of which it needs one function: the one that runs ClickHouse's command line in this process.
#![warn(unsafe_op_in_unsafe_fn)]

mod api;
mod error;
mod library;

use std::io;
use std::os::fd::{AsFd, AsRawFd};

pub use error::Error;
pub use library::Library;

/// Makes `file` the standard input of this process, which ClickHouse reads; what was there is closed.
///
/// # Errors
///
/// What the system says.
pub fn take_as_stdin(file: impl AsFd) -> io::Result<()> {
    // SAFETY: `dup2` takes any two numbers. The first is an open file's for as long as the borrow lasts; the second is
    // that of standard input, which no value of Rust owns.
    match unsafe { api::dup2(file.as_fd().as_raw_fd(), 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Ends the process at once, without exit handlers and destructors: the way out when statements do not end.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer, does not return and touches no memory of this process.
    unsafe { api::_exit(code) }
}
