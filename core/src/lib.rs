//! The pool engine behind `nebula-resource`.

mod acquire;
mod bounded;
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
#[cfg(loom)]
#[doc(hidden)]
pub mod models;
mod observer;
mod offload;
mod options;
pub mod park;
mod permits;
mod pool;
mod primitives;
mod record;
mod retire;
mod shared;
mod stamp;
mod stats;
mod tick;
mod waiters;

pub use closing::Closing;
pub use config::{Backoff, Fairness, PoolConfig, Strategy, ValidationError};
pub use driver::{Driver, Home, Job, Outcome};
pub use engine::{Audit, ObjectInfo, Status};
pub use error::{AcquireError, CreateFailed, Stage, TimedOut};
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
