//! The pool engine behind `nebula-resource`: everything that both facades share.
//!
//! Most programs name the umbrella crate, or one of the facades, and meet this one in signatures:
//! [`Pool`] is what the facades' pools deref to, [`Guard`] what an acquire gives, [`AcquireError`] what
//! it gives instead. Code that is to work with either kind of pool takes a `&Pool<D>`:
//!
//! ```
//! use nebula_resource_core::{AcquireError, Driver, Pool};
//!
//! /// Works with a pool of the async facade and with one of the blocking facade.
//! fn uses_so_far<D: Driver>(pool: &Pool<D>) -> Result<u64, AcquireError> {
//!     Ok(pool.acquire_blocking()?.info().uses)
//! }
//! ```
//!
//! Inside, from the middle outwards: an engine that takes the time as an argument and calls no user
//! code (`engine`, `waiters`, `idle`, `permits`), the steps that run a factory's callbacks within
//! bounds (`create`, `care`, `acquire`), and the handles. `docs/ARCHITECTURE.md` has the map,
//! `docs/protocols/wakeup.md` the reason why no wake-up is lost.

mod acquire;
mod alarm;
mod backend;
mod bounded;
mod burial;
mod care;
pub mod clock;
mod closing;
pub mod config;
mod create;
mod doors;
mod driver;
mod engine;
mod entry;
mod error;
mod factory;
mod guard;
mod guarded;
mod held;
pub mod helpers;
mod histogram;
mod idle;
mod lent;
mod maintenance;
#[cfg(loom)]
#[doc(hidden)]
pub mod models;
mod observer;
mod offload;
mod options;
mod overlong;
mod pace;
pub mod park;
mod permits;
mod pool;
mod primitives;
mod record;
mod report;
mod retire;
mod shared;
mod stamp;
mod stats;
mod tick;
mod turn;
mod waiters;

pub use backend::{Backend, BackendStatus};
pub use closing::Closing;
pub use config::{Backoff, Fairness, PoolConfig, Strategy, ValidationError};
#[doc(hidden)]
pub use doors::{Begun, Rest};
pub use driver::{Driver, Home, Job, Outcome};
pub use engine::{Audit, ObjectInfo, Status};
pub use error::{AcquireError, Bound, CreateFailed, Overloaded, Stage, TimedOut};
pub use factory::{BlockingFactory, BoxError, Factory};
pub use guard::Guard;
pub use guarded::{Panicked, catch};
pub use held::Held;
pub use lent::lend;
pub use observer::{Event, Observer};
pub use offload::{offload, spawn_on_helper};
pub use options::{Assemble, Builder, Options};
pub use pool::{BorrowedGuard, CountedGuard, Pool};
pub use record::ObjectState;
pub use retire::RetireReason;
pub use shared::Shared;
pub use stats::{Totals, WaitSummary};
pub use tick::Tick;
