//! What the models in `tests/` share: the harness, the objects, and a small world around a pool.
//!
//! Empty unless `cfg(loom)`. Decides how a model is explored and when it counts as explored;
//! knows nothing of what the models claim.

#[cfg(loom)]
mod explore;
#[cfg(loom)]
mod thing;
#[cfg(loom)]
mod waiting;
#[cfg(loom)]
mod world;

#[cfg(loom)]
pub use explore::explore;
#[cfg(loom)]
pub use thing::{Ledger, Thing};
#[cfg(loom)]
pub use world::{Case, End, World, ready};
