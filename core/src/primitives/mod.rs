//! The one place of the engine that names atomics, the ring, the slot cell and the snapshot cell.
//!
//! Under `cfg(loom)` every one of them is swapped for a stand-in that the model checker sees
//! into; nothing else in the engine changes. Decides nothing; knows nothing of pools.
//!
//! What is *not* swapped: the counters of [`crate::record`] and [`crate::stats`]. They are
//! information, nobody decides by them, and each of them would multiply the states to explore.

#[cfg(loom)]
mod modelled;
#[cfg(not(loom))]
mod native;

#[cfg(loom)]
pub(crate) use modelled::*;
#[cfg(not(loom))]
pub(crate) use native::*;
