//! What the fault tests have in common: factories that misbehave on command, one harness for all
//! runtimes, and futures polled by hand. Decides nothing about what a pool ought to do, except
//! [`Harness::nothing_lost`].
//!
//! A test is one generic body, run once per runtime:
//!
//! ```text
//! mod support;
//! use support::*;
//!
//! async fn create_panics<H: Harness>(h: H) {
//!     let script = h.script();                        // also the pool's observer
//!     script.next(Callback::Create, [Act::Panic]);    // the next call; `always` for all of them
//!     let pool = h.pool(&script, PoolConfig { max_size: 1, ..h.config() });
//!     let error = h.get(&pool).await.unwrap_err();    // moves time by itself; `acquire` does not
//!     h.nothing_lost(&pool, &script).await;           // heals the script; ends every test
//! }
//! on_every_runtime!(fault_01_create_panics: create_panics);
//! ```
//!
//! That makes `fault_01_create_panics::{tokio, smol, threads, blocking, manual}`;
//! `on_async_runtimes!` leaves `blocking` out.
//!
//! | what | who |
//! |---|---|
//! | [`Script`] | `next`, `always`, `heal` (all good from now on, hangs end), `restart` (what was made is dead); `calls`, `inside` (now running), `made`, `dropped`, `alive`; `told` (events), `retired_for` |
//! | [`Thing`] | the object: `id`, `broken` (for `is_broken`), `burden` (dropped with it) |
//! | [`Harness`] | `pool`, `acquire` (one attempt, time stands still), `get` (time moves), `spawn` → [`Task`]; `until` (waits, time stands still), `settle` (waits, time moves), `advance`, `nothing_lost` |
//! | [`Hand`] | a future polled by hand: `poll`, `woken`; dropping it cancels it |
//!
//! Time is a hand-moved clock on every harness. Only on [`OnManual`] is it exact: elsewhere threads
//! run beside it, so wait with `settle` rather than count milliseconds. On the blocking facade
//! `acquire` blocks the body itself: use `spawn` or `get` where it is not served at once.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "every test binary uses a part of it"
)]

mod hand;
mod harness;
mod panics;
mod runtimes;
mod script;
mod told;

pub(crate) use hand::{Hand, Woken, parked};
pub(crate) use harness::{Acquired, Harness, OutOf, Task};
pub(crate) use panics::{bomb, out_of_memory};
#[cfg(feature = "smol")]
pub(crate) use runtimes::OnSmol;
#[cfg(feature = "tokio")]
pub(crate) use runtimes::OnTokio;
pub(crate) use runtimes::{InThreads, OnBlocking, OnManual, run};
pub(crate) use script::{Act, Callback, Script, Thing};
pub(crate) use told::Told;

pub(crate) use nebula_resource::{AcquireError, Fairness, PoolConfig, RetireReason, Stage};
pub(crate) use std::time::Duration;

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A pool of a single object, whose callers stay for half a minute.
pub(crate) fn one_object<H: Harness>(h: &H, fairness: Fairness) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        acquire_timeout: Duration::from_secs(30),
        fairness,
        ..h.config()
    }
}

/// The whole chain of causes, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Makes a test of one generic body for each async runtime.
macro_rules! on_async_runtimes {
    ($row:ident: $body:ident) => {
        mod $row {
            #[cfg(feature = "tokio")]
            #[test]
            fn tokio() {
                crate::support::run(|h: crate::support::OnTokio| crate::$body(h));
            }

            #[cfg(feature = "smol")]
            #[test]
            fn smol() {
                crate::support::run(|h: crate::support::OnSmol| crate::$body(h));
            }

            #[test]
            fn threads() {
                crate::support::run(|h: crate::support::InThreads| crate::$body(h));
            }

            #[test]
            fn manual() {
                crate::support::run(|h: crate::support::OnManual| crate::$body(h));
            }
        }
    };
}

/// Makes a test of one generic body for each runtime and for the blocking facade.
macro_rules! on_every_runtime {
    ($row:ident: $body:ident) => {
        mod $row {
            #[cfg(feature = "tokio")]
            #[test]
            fn tokio() {
                crate::support::run(|h: crate::support::OnTokio| crate::$body(h));
            }

            #[cfg(feature = "smol")]
            #[test]
            fn smol() {
                crate::support::run(|h: crate::support::OnSmol| crate::$body(h));
            }

            #[test]
            fn threads() {
                crate::support::run(|h: crate::support::InThreads| crate::$body(h));
            }

            #[test]
            fn blocking() {
                crate::support::run(|h: crate::support::OnBlocking| crate::$body(h));
            }

            #[test]
            fn manual() {
                crate::support::run(|h: crate::support::OnManual| crate::$body(h));
            }
        }
    };
}

pub(crate) use on_async_runtimes;
pub(crate) use on_every_runtime;
