//! Tokio's runtimes, called through one door.
//!
//! Decides that futures are passed to tokio as trait objects: its schedulers are compiled once, and not
//! for each pool and each load. That costs one indirect call per poll.

use std::future::Future;
use std::pin::{Pin, pin};

use tokio::runtime::{Builder, Runtime};

use super::Failure;
use crate::contender::Workers;

/// A runtime with a clock, and so many workers.
pub(crate) fn runtime(workers: Workers) -> Result<Runtime, Failure> {
    let mut builder = match workers {
        Workers::Caller => Builder::new_current_thread(),
        Workers::Two => Builder::new_multi_thread(),
    };
    if workers == Workers::Two {
        builder.worker_threads(2);
    }
    builder.enable_time().build().map_err(Failure::refused)
}

/// What `future` answers, run by this thread.
pub(crate) fn block_on<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    let mut answer = None;
    {
        let mut asked = pin!(async { answer = Some(future.await) });
        let asked: Pin<&mut dyn Future<Output = ()>> = asked.as_mut();
        runtime.block_on(asked);
    }
    match answer {
        Some(answer) => answer,
        None => unreachable!("the future has come to its end"),
    }
}
