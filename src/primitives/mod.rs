//! The locks, atomics, snapshots and events that the framework's own protocols run on: the registry,
//! tenants, lifecycles, cancellation and shutdown.
//!
//! They are the real ones, named in one place; under `cfg(shuttle)` they have a schedule point before
//! each operation, and nothing else changes. Decides nothing.
//!
//! What is *not* named here: hooks, events and figures, which decide nothing about resources.

#[cfg(not(shuttle))]
mod native;
#[cfg(shuttle)]
mod shuttled;

#[cfg(not(shuttle))]
pub(crate) use native::*;
#[cfg(shuttle)]
pub(crate) use shuttled::*;
