//! The async facade: pools of anything, on any runtime or none.
//!
//! [`Pool::acquire`] waits without blocking whoever polls; [`acquire_blocking`] parks the calling
//! thread. Both stand in one line for the same objects. Waiting needs no runtime; creating, and
//! caring for objects in the background, use one that is found by itself or given to the builder.
//!
//! [`acquire_blocking`]: nebula_resource_core::Pool::acquire_blocking
//!
//! # Examples
//!
//! ```
//! use nebula_resource_async::{Factory, Pool};
//!
//! struct Numbers;
//!
//! impl Factory for Numbers {
//!     type Object = u32;
//!     type Error = std::io::Error;
//!
//!     async fn create(&self) -> Result<u32, std::io::Error> {
//!         Ok(7)
//!     }
//! }
//!
//! # nebula_resource_core::park::block_on(async {
//! let pool = Pool::new(Numbers);
//! let mut number = pool.acquire().await?;
//! *number += 1;
//! drop(number); // goes back; the next caller finds 8
//! assert_eq!(*pool.acquire().await?, 8);
//! # Ok::<(), nebula_resource_async::AcquireError>(())
//! # }).unwrap();
//! ```

mod bridge;
mod driver;
mod pool;
pub mod runtime;

pub use bridge::{Blocking, Lendable};
pub use driver::AsyncDriver;
#[doc(hidden)]
pub use driver::{at_once, within};
pub use nebula_resource_core::{
    AcquireError, Backoff, BlockingFactory, BoxError, Closing, Event, Factory, Fairness,
    ObjectInfo, ObjectState, Observer, PoolConfig, RetireReason, Stage, Status, Strategy, Totals,
    ValidationError, clock, config,
};
pub use pool::{Assembly, Builder, Guard, OwnedGuard, Pool};
pub use runtime::Runtime;
