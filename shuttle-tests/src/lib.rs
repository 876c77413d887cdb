//! Random schedules of what is shipped: both facades with their drivers, helper threads, parking and
//! deadlines, and the framework above them with its registry, reloads, tenants and shutdown. Above
//! loom: more threads, longer runs, real user code; no memory orders.
//!
//! Empty unless `cfg(shuttle)`. Every scenario in `tests/schedules` (pools) and `tests/framework`
//! (managers) draws its case (strategy, fairness, background, sizes, who does what, how callbacks
//! behave) from the schedule's own random numbers, so that a schedule is the whole story. Decides how
//! scenarios are run and what must hold after each schedule (`World::finish`, `Site::finish`); knows
//! nothing of what the scenarios do.
//!
//! # Running
//!
//! `ci/shuttle.sh` runs all scenarios, `ci/shuttle.sh --full` with at least 100 000 schedules. By
//! hand:
//!
//! ```text
//! export RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
//! SHUTTLE_ITERATIONS=1000 cargo nextest run -p nebula-resource-shuttle-tests --release SCENARIO
//! ```
//!
//! # Replaying
//!
//! A schedule that fails is printed, or written to a file where `SHUTTLE_SCHEDULES` names a
//! directory (`ci/shuttle.sh` does). The same build runs it again, and nothing else, with
//!
//! ```text
//! SHUTTLE_REPLAY=the-file cargo nextest run -p nebula-resource-shuttle-tests --release --no-capture -- --exact THE::TEST
//! ```
//!
//! `SHUTTLE_RANDOM_SEED` fixes the first schedule and all that follow from it, for every scenario.

#[cfg(shuttle)]
mod callers;
#[cfg(shuttle)]
mod crew;
#[cfg(shuttle)]
mod explore;
#[cfg(shuttle)]
mod facade;
#[cfg(shuttle)]
mod factory;
#[cfg(shuttle)]
mod hall;
#[cfg(shuttle)]
mod kinds;
#[cfg(shuttle)]
mod owner;
#[cfg(shuttle)]
mod runtime;
#[cfg(shuttle)]
mod site;
#[cfg(shuttle)]
mod thing;
#[cfg(shuttle)]
mod visits;
#[cfg(shuttle)]
mod world;

#[cfg(shuttle)]
pub use callers::{End, Outcome, Way, at_most};
#[cfg(shuttle)]
pub use explore::{Scheduler, draw, explore, one_in, pick};
#[cfg(shuttle)]
pub use facade::{Bridged, Facade, OnAsync, OnSync, Setup};
#[cfg(shuttle)]
pub use factory::{Act, Maker, Manners, Script};
#[cfg(shuttle)]
pub use hall::{Flaw, Hall, Item, Order, Origin};
#[cfg(shuttle)]
pub use kinds::{Awaited, Blocked, Kind};
#[cfg(shuttle)]
pub use owner::Deed;
#[cfg(shuttle)]
pub use runtime::Tasks;
#[cfg(shuttle)]
pub use site::{KEY, Rules, Site};
#[cfg(shuttle)]
pub use thing::{Ledger, Payload, Thing};
#[cfg(shuttle)]
pub use visits::Door;
#[cfg(shuttle)]
pub use world::{Terms, World};
