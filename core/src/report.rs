//! What an acquire that failed is told: which error, and how the pool stood.
//!
//! Decides wording no more than `error.rs` does; gathers what goes into it.

use crate::driver::{Driver, Home};
use crate::engine::Parting;
use crate::error::{AcquireError, Bound, CreateFailed, Overloaded, Stage, TimedOut};
use crate::observer::Event;
use crate::record::Taker;
use crate::waiters::{Failure, Wish};

#[cold]
pub(crate) fn report<D: Driver, H: Home<D>>(
    home: &H,
    why: Parting,
    wish: Wish,
    by: Taker,
) -> AcquireError {
    let waited = home.clock.now().since(wish.since);
    match why {
        Parting::Closed => AcquireError::Closed,
        Parting::TurnedAway => overloaded(home, Bound::Full, wish, by),
        // It is not its own deadline that came.
        Parting::TimedOut { .. } if home.clock.now() < wish.deadline => {
            overloaded(home, Bound::Standing, wish, by)
        }
        Parting::TooMany => AcquireError::TooMany {
            asked: wish.objects as usize,
            max_size: home.engine.permits.state().limit(),
        },
        Parting::Paused => AcquireError::Paused { waited },
        Parting::Failing(failure) => create_failed(home, failure, wish),
        Parting::TimedOut {
            failure: Some(failure),
        } => {
            note_timeout(home, wish, by);
            create_failed(home, failure, wish)
        }
        Parting::TimedOut { failure: None } => {
            let status = home.engine.status();
            let stage = if status.creating > 0 {
                Stage::Creating
            } else {
                Stage::Waiting
            };
            timed_out(home, stage, wish, by)
        }
    }
}

fn overloaded<D: Driver, H: Home<D>>(
    home: &H,
    bound: Bound,
    wish: Wish,
    by: Taker,
) -> AcquireError {
    home.engine.stats.turned_away();
    let waited = home.clock.now().since(wish.since);
    home.tell(|| Event::Overloaded { at: by.at, waited });
    AcquireError::Overloaded(Box::new(Overloaded {
        bound,
        waited,
        status: home.engine.status(),
    }))
}

fn create_failed<D: Driver, H: Home<D>>(home: &H, failure: Failure, wish: Wish) -> AcquireError {
    let now = home.clock.now();
    AcquireError::CreateFailed(Box::new(CreateFailed {
        attempts: failure.rounds,
        failing_for: now.since(failure.since),
        next_in: failure.retry_at.since(now),
        waited: now.since(wish.since),
        status: home.engine.status(),
        cause: failure.cause,
    }))
}

pub(crate) fn timed_out<D: Driver, H: Home<D>>(
    home: &H,
    stage: Stage,
    wish: Wish,
    by: Taker,
) -> AcquireError {
    note_timeout(home, wish, by);
    let now = home.clock.now();
    let registry = &home.engine.registry;
    AcquireError::TimedOut(Box::new(TimedOut {
        stage,
        elapsed: now.since(wish.since),
        status: home.engine.status(),
        oldest_holder: registry
            .oldest_holder()
            .map(|(at, since)| (at, now.since(since))),
        nested: registry.held_by(by.key),
    }))
}

fn note_timeout<D: Driver, H: Home<D>>(home: &H, wish: Wish, by: Taker) {
    home.engine.stats.timed_out();
    let waited = home.clock.now().since(wish.since);
    home.tell(|| Event::TimedOut { at: by.at, waited });
}
