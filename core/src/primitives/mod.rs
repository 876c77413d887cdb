//! The one place of the engine that names atomics, the ring, the slot cell and the snapshot cell.
//!
//! Under `cfg(loom)` every one of them is swapped for a stand-in that the model checker sees
//! into; nothing else in the engine changes. Decides nothing; knows nothing of pools.
//!
//! What is *not* swapped: the counters of [`crate::record`] and [`crate::stats`]. They are
//! information, nobody decides by them, and each of them would multiply the states to explore.
//! Nor is [`around`]: threads, and locks beside the line's.
//!
//! Under `cfg(shuttle)` the real containers stay, with a schedule point before each operation, and
//! [`around`] is swapped too: so the facades run under shuttle as they are.

#[cfg(not(shuttle))]
pub(crate) mod around;
#[cfg(not(loom))]
mod cells;
#[cfg(loom)]
mod modelled;
#[cfg(not(any(loom, shuttle)))]
mod native;
#[cfg(shuttle)]
mod shuttled;

#[cfg(loom)]
pub(crate) use modelled::*;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use native::*;
#[cfg(shuttle)]
pub(crate) use shuttled::*;
