//! Binding to libchdb.
