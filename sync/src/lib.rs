//! The blocking facade: pools of anything, with no async runtime anywhere below.
//!
//! [`Pool::acquire`] parks the calling thread; [`acquire_async`] waits without blocking whoever polls,
//! on any runtime. Both stand in one line for the same objects.
//!
//! [`acquire_async`]: nebula_resource_core::Pool::acquire_async
//!
//! # Examples
//!
//! ```
//! use nebula_resource_sync::{BlockingFactory, Pool};
//!
//! struct Numbers;
//!
//! impl BlockingFactory for Numbers {
//!     type Object = u32;
//!     type Error = std::io::Error;
//!
//!     fn create(&self) -> Result<u32, std::io::Error> {
//!         Ok(7)
//!     }
//! }
//!
//! let pool = Pool::new(Numbers);
//! let mut number = pool.acquire()?;
//! *number += 1;
//! drop(number); // goes back; the next caller finds 8
//! assert_eq!(*pool.acquire()?, 8);
//! # Ok::<(), nebula_resource_sync::AcquireError>(())
//! ```

mod driver;
mod pool;

pub use driver::{Background, BlockingDriver};
pub use nebula_resource_core::{
    AcquireError, Backoff, BlockingFactory, BoxError, Closing, Event, Fairness, ObjectInfo,
    ObjectState, Observer, PoolConfig, RetireReason, Stage, Status, Strategy, Totals,
    ValidationError, clock, config,
};
pub use pool::{Assembly, Builder, Guard, OwnedGuard, Pool};
