//! Callers that give up: after so many polls, or after so long.
//!
//! Decides who gives up when. Every pool sees the same choices.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{Caller, Failure};
use crate::pool::AsyncPool;

/// What one caller will bear with one acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Polls(u32),
    Time(Duration),
    Endless,
}

impl Patience {
    fn random(rng: &mut Rng) -> Self {
        match rng.u8(..8) {
            0..4 => Self::Polls(rng.u32(1..5)),
            4..7 => Self::Time(Duration::from_micros(rng.u64(0..2_000))),
            _ => Self::Endless,
        }
    }
}

/// Polls an acquire so often, letting others run in between, whether it was woken or not.
async fn few_polls<P: AsyncPool>(pool: &P, polls: u32) -> Result<Option<P::Guard<'_>>, Failure> {
    let mut acquire = pin!(pool.acquire());
    for poll in 0..polls {
        if poll > 0 {
            yield_now().await;
        }
        let once = poll_fn(|cx| Poll::Ready(acquire.as_mut().poll(cx)));
        if let Poll::Ready(got) = once.await {
            return got.map(Some).map_err(Failure::refused);
        }
    }
    Ok(None)
}

/// Acquires for as long as `span`; counts how often it got something.
pub(super) async fn one_caller<P: AsyncPool>(
    pool: Arc<P>,
    me: usize,
    span: Duration,
) -> Result<Caller, Failure> {
    let mut rng = Rng::with_seed(me as u64);
    let mut caller = Caller::beginning();
    let until = caller.began + span;
    while caller.ended < until {
        let got = match Patience::random(&mut rng) {
            Patience::Polls(polls) => few_polls(&*pool, polls).await?,
            Patience::Time(time) => match timeout(time, pool.acquire()).await {
                Ok(got) => Some(got.map_err(Failure::refused)?),
                Err(_elapsed) => None,
            },
            Patience::Endless => Some(pool.acquire().await.map_err(Failure::refused)?),
        };
        if let Some(mut guard) = got {
            guard.uses = guard.uses.wrapping_add(1);
            yield_now().await;
            drop(guard);
            caller.ops += 1;
        }
        yield_now().await;
        caller.ended = Instant::now();
    }
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_patience_occur() {
        let mut rng = Rng::with_seed(1);
        let all: Vec<_> = (0..100).map(|_| Patience::random(&mut rng)).collect();
        assert!(all.contains(&Patience::Endless) && all.contains(&Patience::Polls(1)));
        assert!(all.iter().any(|p| matches!(p, Patience::Time(_))));
    }
}
