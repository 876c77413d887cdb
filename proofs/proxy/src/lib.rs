//! Faults for tests: a TCP [`proxy`] that delays, cuts, black-holes and throttles what passes through
//! it, real [`servers`] of a test's own that can be killed, frozen and started again, and the [`rows`]
//! of the fault matrix that need both, the same for every driver.
//!
//! Decides how a fault looks on the wire, and what a pool owes its callers under it. Knows nothing of
//! what is said on the connections.
//!
//! Proxy and servers need no async runtime of the caller's: the proxy brings its own thread, so that
//! tests of blocking code can use it too.

mod ports;
pub mod proxy;
#[cfg(unix)]
pub mod rows;
#[cfg(unix)]
pub mod servers;

pub use proxy::{End, Mode, Proxy};
#[cfg(unix)]
pub use servers::Server;
