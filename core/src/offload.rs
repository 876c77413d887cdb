//! Running blocking work elsewhere and awaiting its result.
//!
//! Decides nothing about where: the caller says who runs it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::driver::Job;
use crate::factory::BoxError;
use crate::guarded::catch;
use crate::primitives::around::{Mutex, MutexGuard, PoisonError};
use crate::{helpers, park};

struct Post<R> {
    result: Option<Result<R, BoxError>>,
    waker: Option<Waker>,
}

/// Waits for work that runs elsewhere; see [`offload`].
struct Offload<R>(Arc<Mutex<Post<R>>>);

fn lock<R>(post: &Mutex<Post<R>>) -> MutexGuard<'_, Post<R>> {
    post.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `run` run `work`, the user's `callback`, on another thread, and awaits its result.
///
/// Where `run` gives the job back, because there is no other thread, it runs here and blocks.
///
/// # Errors
///
/// The future ends with an error when `work` panics, naming the callback.
///
/// # Cancel safety
///
/// Dropping the future lets the work run to its end and drops its result there.
pub fn offload<R: Send + 'static>(
    callback: &'static str,
    run: impl FnOnce(helpers::Job) -> Result<(), helpers::Job>,
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R, BoxError>> + Send {
    let post = Arc::new(Mutex::new(Post {
        result: None,
        waker: None,
    }));
    let theirs = Arc::clone(&post);
    let job: helpers::Job = Box::new(move || {
        let result = catch(callback, work);
        let mut post = lock(&theirs);
        post.result = Some(result);
        let waker = post.waker.take();
        drop(post);
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    if let Err(job) = run(job) {
        job();
    }
    Offload(post)
}

/// Runs a pool's background job on a helper thread.
///
/// # Errors
///
/// Gives the job back if there is no helper thread and none can be started.
pub fn spawn_on_helper(job: Job) -> Result<(), Job> {
    // In a place both sides can reach: a closure that was refused cannot be opened again.
    let place = Arc::new(Mutex::new(Some(job)));
    let take =
        |place: &Mutex<Option<Job>>| place.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&place);
    let run = move || {
        if let Some(job) = take(&theirs) {
            park::block_on(job);
        }
    };
    match helpers::run_waiting(Box::new(run)) {
        Ok(()) => Ok(()),
        Err(_) => take(&place).map_or(Ok(()), Err),
    }
}

impl<R> Future for Offload<R> {
    type Output = Result<R, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waker = Some(cx.waker().clone());
        let mut post = lock(&self.0);
        if let Some(result) = post.result.take() {
            return Poll::Ready(result);
        }
        std::mem::swap(&mut post.waker, &mut waker);
        drop(post);
        Poll::Pending
    }
}
