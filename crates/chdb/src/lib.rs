//! A small, safe binding to libchdb (ClickHouse as a library), loaded at run time so that a program starts,
//! and can say what is missing, on a machine without it.
//!
//! This crate holds all the `unsafe` code of the workspace. The C interface is that of libchdb 26.7
//! (`chdb.h`); every function that is bound takes lengths, so statements, parameters and data may hold any
//! byte.
//!
//! Three facts of the library shape this interface:
//!
//! * One process opens one data folder, and the folder stays open while any [`Connection`] does. Keep one
//!   open for as long as the engine is needed; more of them cost about 0.1 ms each.
//! * A connection runs one statement at a time. That is why statements borrow it mutably.
//! * A process that ends while a connection is open dies in the library's exit handlers. Drop every
//!   [`Connection`] before `main` returns, or end the process with [`exit_now`].
#![warn(unsafe_op_in_unsafe_fn)]

mod answer;
mod api;
mod connection;
mod error;
mod insert;
mod library;
mod stream;

pub use answer::{Answer, Statistics};
pub use connection::{Connection, Parameter};
pub use error::{Error, Exception};
pub use insert::Insert;
pub use library::Library;
pub use stream::Stream;

/// Ends the process at once, without exit handlers and destructors: the way out when a connection cannot be
/// closed because its statement does not end.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer, does not return and touches no memory of this process.
    unsafe { api::_exit(code) }
}
