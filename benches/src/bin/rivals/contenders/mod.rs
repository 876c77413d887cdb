//! Those who take part, in the order of the tables.
//!
//! Each file sets one of them up, and decides nothing else. A name that occurs twice is one pool with
//! two doors that differ.

mod asyncband;
mod bb8;
mod channel;
mod deadpool;
mod fast_pool;
mod lent;
mod lockfree;
mod mobc;
mod mutex;
mod opool;
pub(crate) mod ours;
mod qp;
mod r2d2;
mod ring;
mod semaphore;
mod unmanaged;

use std::time::Duration;

use crate::contender::Standing::{Flawed, Floor, Ours, Sound};
use crate::contender::WhenEmpty::{MakesAnother, Refuses};
use crate::contender::{Contender, Standing};
use crate::load::{open_tasks as tasks, open_threads as threads};
use ours::{Affine, Async, AsyncOwned, Blocking, BlockingOwned, Fifo, Lifo, Strict, Trying};

/// How long an acquire may take: longer than any round, so that it is the watchdog that notices.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guard that is one reference count dearer than [`FLOOR`]'s.
pub(crate) const FLOOR_OWNED: &str = "ring-owned";
pub(crate) const FLOOR: &str = "ring";
pub(crate) const MUTEX: &str = "mutex";
pub(crate) const SEMAPHORE: &str = "semaphore";

/// Ours, with the default strategy.
pub(crate) const DEFAULT: &str = "ours-affine";
pub(crate) const DEFAULT_OWNED: &str = "ours-affine-owned";

const fn ours(name: &'static str) -> Contender {
    Contender::new(name, "nebula-resource", Ours)
}

/// One that is called as its crate is.
const fn rival(name: &'static str, standing: Standing) -> Contender {
    Contender::new(name, name, standing)
}

/// Everybody.
pub(crate) static ALL: [Contender; 25] = [
    Contender::new(FLOOR, "crossbeam-queue", Floor)
        .threads(|n| threads(n, ring::Ring::open))
        .tasks(|n, on| tasks(n, on, ring::Ring::open))
        .when_empty(Refuses),
    Contender::new(FLOOR_OWNED, "crossbeam-queue", Floor)
        .threads(|n| threads(n, ring::Owned::open))
        .when_empty(Refuses)
        .only_alone(),
    Contender::new(MUTEX, "parking_lot", Sound).threads(|n| threads(n, mutex::MutexCondvar::open)),
    Contender::new(SEMAPHORE, "tokio", Sound)
        .tasks(|n, on| tasks(n, on, semaphore::SemaphoreQueue::open)),
    ours(DEFAULT)
        .threads(|n| threads(n, Blocking::open::<Affine>))
        .tasks(|n, on| tasks(n, on, Async::open::<Affine>)),
    ours("ours-fifo")
        .threads(|n| threads(n, Blocking::open::<Fifo>))
        .tasks(|n, on| tasks(n, on, Async::open::<Fifo>)),
    ours("ours-lifo")
        .threads(|n| threads(n, Blocking::open::<Lifo>))
        .tasks(|n, on| tasks(n, on, Async::open::<Lifo>)),
    ours("ours-strict")
        .threads(|n| threads(n, Blocking::open::<Strict>))
        .tasks(|n, on| tasks(n, on, Async::open::<Strict>)),
    ours(DEFAULT_OWNED)
        .threads(|n| threads(n, BlockingOwned::open::<Affine>))
        .tasks(|n, on| tasks(n, on, AsyncOwned::open::<Affine>))
        .only_alone(),
    ours("ours-affine-try")
        .threads(|n| threads(n, Trying::open::<Affine>))
        .when_empty(Refuses)
        .only_alone(),
    ours("ours-affine-bridged").threads(|n| threads(n, Async::open::<Affine>)),
    ours("ours-fifo-bridged").threads(|n| threads(n, Async::open::<Fifo>)),
    ours("ours-lifo-bridged").threads(|n| threads(n, Async::open::<Lifo>)),
    rival("r2d2", Sound).threads(|n| threads(n, r2d2::R2d2::open)),
    rival("bb8", Sound).tasks(|n, on| tasks(n, on, bb8::Bb8::open)),
    rival("deadpool", Sound).tasks(|n, on| tasks(n, on, deadpool::Deadpool::open)),
    Contender::new("deadpool-unmanaged", "deadpool", Sound)
        .threads(|n| threads(n, unmanaged::Unmanaged::open))
        .when_empty(Refuses),
    Contender::new("deadpool-unmanaged", "deadpool", Sound)
        .tasks(|n, on| tasks(n, on, unmanaged::Unmanaged::open)),
    rival("mobc", Sound).tasks(|n, on| tasks(n, on, mobc::Mobc::open)),
    rival("asyncband", Sound).tasks(|n, on| tasks(n, on, asyncband::Asyncband::open)),
    rival("async-channel", Flawed("starves callers"))
        .threads(|n| threads(n, channel::Channel::open))
        .tasks(|n, on| tasks(n, on, channel::Channel::open)),
    rival("qp", Flawed("loses wake-ups")).tasks(|n, on| tasks(n, on, qp::Qp::open)),
    rival("fast_pool", Flawed("may exceed its bound"))
        .tasks(|n, on| tasks(n, on, fast_pool::FastPool::open)),
    rival("opool", Flawed("unbounded"))
        .threads(|n| threads(n, opool::Opool::open))
        .when_empty(MakesAnother),
    rival("lockfree-object-pool", Flawed("unbounded"))
        .threads(|n| threads(n, lockfree::Lockfree::open))
        .when_empty(MakesAnother),
];

/// Those that were asked for: by name, or, where there is no such name, by how names begin.
///
/// # Errors
///
/// With all names, when nothing is called so.
pub(crate) fn chosen(asked: &[String]) -> Result<Vec<&'static Contender>, String> {
    let mut found: Vec<&'static str> = Vec::new();
    for one in asked {
        let start = format!("{one}-");
        let exact: Vec<_> = names().filter(|name| name == one).collect();
        let begun = names().filter(|name| name.starts_with(&start));
        let matching = if exact.is_empty() {
            begun.collect()
        } else {
            exact
        };
        if matching.is_empty() {
            let all = all_names().join(", ");
            return Err(format!("there is no contender {one}; there are: {all}"));
        }
        found.extend(matching);
    }
    let takes_part = |c: &&Contender| asked.is_empty() || found.contains(&c.name);
    Ok(ALL.iter().filter(takes_part).collect())
}

fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|contender| contender.name)
}

/// Every name once.
pub(crate) fn all_names() -> Vec<&'static str> {
    let mut names: Vec<_> = names().collect();
    names.dedup();
    names
}

/// What is known of the one with this name.
#[cfg(test)]
pub(crate) fn named(name: &str) -> Option<&'static Contender> {
    ALL.iter().find(|contender| contender.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(asked: &[&str]) -> Vec<&'static str> {
        let asked: Vec<_> = asked.iter().map(|&name| name.to_owned()).collect();
        let chosen = chosen(&asked).expect("known names");
        chosen.into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn a_name_means_one_pool_and_a_beginning_several() {
        assert_eq!(names_of(&["deadpool"]), ["deadpool"]);
        assert_eq!(names_of(&["deadpool-unmanaged"]).len(), 2, "both doors");
        assert!(names_of(&["ours"]).len() >= 7);
        assert_eq!(names_of(&["r2d2", "ring"]), ["ring", "r2d2"]);
        assert_eq!(names_of(&[]).len(), ALL.len());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = chosen(&["hikari".to_owned()]).expect_err("no such pool");
        assert!(error.contains("hikari") && error.contains("deadpool"));
    }

    #[test]
    fn everybody_can_be_called_somehow() {
        for contender in &ALL {
            let doors = contender.threads.is_some() || contender.tasks.is_some();
            assert!(doors, "{contender:?}");
        }
        assert!(named(DEFAULT).is_some_and(|ours| ours.standing == Ours));
        let rivals = ALL.iter().filter(|c| c.is_sound_rival());
        assert!(rivals.count() >= 7);
    }
}
