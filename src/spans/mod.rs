//! Spans around what is done to resources, for the `tracing` crate.
//!
//! Decides their names and fields. Without the feature `tracing` there is nothing here but empty
//! functions, which the compiler leaves out.

#[cfg_attr(not(feature = "tracing"), path = "off.rs")]
#[cfg_attr(feature = "tracing", path = "on.rs")]
mod span;

pub(crate) use span::{Span, wanted};
