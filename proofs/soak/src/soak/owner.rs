//! What owners do to a pool while others use it.
//!
//! Decides nothing: the deed says what to do. Checks what an owner may rely on at once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::arena::{Arena, Play};
use super::caller::{pause, unless_cancelled};
use super::plan::{CEILING, Deed};
use super::tally::Door;
use super::workshop::panic_as_planned;

pub(crate) async fn perform<D: Play>(arena: &Arena<D>, deed: Deed, blocks: bool) {
    let pool = &arena.pool;
    match deed {
        Deed::Reconfigure(change) => {
            if let Err(error) = pool.reconfigure(|config| change.apply(config)) {
                arena
                    .ledger
                    .fault(format_args!("refused {change:?}: {error}"));
            }
        }
        Deed::ReconfigureBadly => {
            let refused = pool.reconfigure(|config| config.max_size = 0).is_err()
                && pool.resize(CEILING + 1).is_err();
            if !refused {
                arena.ledger.fault("an impossible max_size was accepted");
            }
        }
        Deed::Resize(max_size) => resize(arena, max_size),
        Deed::PauseFor(span) => {
            pool.pause();
            let door = if blocks {
                Door::Blocking
            } else {
                Door::Polling
            };
            pause(span, door).await;
            pool.resume();
        }
        Deed::Clear => pool.clear(),
        Deed::Retain(divisor) => {
            pool.retain(|_, info| info.id % divisor != 0);
        }
        Deed::RetainPanics => retain_panicking(arena),
        Deed::Maintain(cancel) => {
            unless_cancelled(pool.run_maintenance(), cancel).await;
        }
        Deed::Look => look(arena),
        Deed::Weather(weather) => arena.ledger.set_weather(weather),
    }
    arena.tally.did(deed);
}

/// `min_idle` may be in the way: then it comes down too.
pub(crate) fn resize<D: Play>(arena: &Arena<D>, max_size: usize) {
    if arena.pool.resize(max_size).is_ok() {
        return;
    }
    let both = arena.pool.reconfigure(|config| {
        config.max_size = max_size;
        config.min_idle = config.min_idle.min(max_size);
    });
    if let Err(error) = both {
        arena
            .ledger
            .fault(format_args!("refused {max_size}: {error}"));
    }
}

fn retain_panicking<D: Play>(arena: &Arena<D>) {
    let mut looked_at = 0;
    // Not reached while nothing, or one thing, is idle.
    let _planned = catch_unwind(AssertUnwindSafe(|| {
        arena.pool.retain(|_, _| {
            looked_at += 1;
            if looked_at > 1 {
                panic_as_planned();
            }
            true
        })
    }));
}

fn look<D: Play>(arena: &Arena<D>) {
    let objects = arena.pool.objects();
    if objects.len() > CEILING {
        arena
            .ledger
            .fault(format_args!("{} objects", objects.len()));
    }
    drop(format!("{:?} {:?}", arena.pool, arena.pool.oldest_waiter()));
}
