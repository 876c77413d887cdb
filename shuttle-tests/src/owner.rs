//! The owner: what is done to a live pool while callers are at it.
//!
//! Decides nothing; each deed is one call, with arguments drawn from the schedule.

use std::sync::Arc;

use nebula_resource_core::{Driver, Fairness, Pool, Strategy, park};

use crate::explore::{draw, one_in, pick};
use crate::facade::Facade;
use crate::world::World;

/// Something an owner does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Changes `max_size`, to one of 1 to 4.
    Resize,
    /// Changes strategy and fairness.
    Reorder,
    /// Pauses, and resumes a little later.
    Pause,
    /// Retires some idle objects.
    Retain,
    /// Retires all objects there are.
    Clear,
    /// Has the books looked at, which takes all idle objects in hand.
    Audit,
    /// Runs a round of maintenance.
    Maintain,
    /// Looks at all there is to see.
    Look,
    /// Closes.
    Close,
}

impl Deed {
    /// Those that leave no trace but what they retire.
    pub const HARMLESS: &'static [Self] = &[
        Self::Pause,
        Self::Retain,
        Self::Clear,
        Self::Audit,
        Self::Maintain,
        Self::Look,
    ];

    fn perform<D: Driver>(self, pool: &Pool<D>) {
        match self {
            // Refused where it would be below `min_idle`.
            Self::Resize => drop(pool.resize(1 + draw(4))),
            Self::Reorder => reorder(pool),
            Self::Pause => {
                pool.pause();
                for _ in 0..draw(4) {
                    shuttle::thread::yield_now();
                }
                pool.resume();
            }
            Self::Retain => {
                pool.retain(|_, _| one_in(2));
            }
            Self::Clear => pool.clear(),
            Self::Audit => {
                pool.audit();
            }
            Self::Maintain => park::block_on(pool.run_maintenance()),
            Self::Look => {
                let objects = pool.objects().len();
                let status = pool.status();
                assert!(status.size <= 8 && objects <= 8, "beyond the ceiling");
            }
            Self::Close => drop(pool.close()),
        }
    }
}

fn reorder<D: Driver>(pool: &Pool<D>) {
    let strategy = pick(&[Strategy::Affine, Strategy::Lifo, Strategy::Fifo]);
    let fairness = pick(&[Fairness::Bounded, Fairness::Strict]);
    let changed = pool.reconfigure(|config| {
        config.strategy = strategy;
        config.fairness = fairness;
    });
    assert!(changed.is_ok(), "nothing about that can be refused");
}

impl<F: Facade> World<F> {
    /// A thread that does some of `deeds`, one after the other.
    pub fn owner(self: &Arc<Self>, most: usize, deeds: &'static [Deed]) {
        let count = 1 + draw(most);
        self.thread(move |world| {
            for _ in 0..count {
                let Some(pool) = world.pool() else {
                    return;
                };
                pick(deeds).perform(pool.core());
            }
        });
    }
}
