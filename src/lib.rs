//! Resource pools for sync and async callers on the same objects, on any runtime or none.

pub mod prelude;

pub use nebula_resource_async::*;
pub use nebula_resource_sync as sync;
