//! A contender in a scenario: what a round of it is.
//!
//! Decides who can take part where.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Opened;
use crate::contender::{Contender, WhenEmpty, Workers};
use crate::load::{Failure, Tasks, Threads};

/// Plays rounds.
pub(crate) trait Player: Send + Sync {
    /// One round; figures in the order of the scenario's measures.
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure>;

    /// Looks whether all is still there.
    fn finish(&self) -> Result<(), Failure>;
}

impl fmt::Debug for dyn Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Player")
    }
}

/// Which contenders can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// All of them.
    All,
    /// Those that are not only there to be compared alone.
    Contended,
    /// Those of them that know how to wait.
    Waiting,
}

impl Entry {
    pub(super) fn admits(self, contender: &Contender) -> bool {
        match self {
            Self::All => true,
            Self::Contended => !contender.only_alone,
            Self::Waiting => !contender.only_alone && contender.when_empty == WhenEmpty::Waits,
        }
    }
}

pub(super) type OfThreads = fn(&dyn Threads, Duration) -> Result<Vec<f64>, Failure>;
pub(super) type OfTasks = fn(&dyn Tasks, Duration) -> Result<Vec<f64>, Failure>;

struct OnThreads {
    pool: Arc<dyn Threads>,
    round: OfThreads,
    bounded: bool,
}

impl Player for OnThreads {
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure> {
        (self.round)(&*self.pool, span)
    }

    fn finish(&self) -> Result<(), Failure> {
        self.pool.recount(self.bounded)
    }
}

struct OnTasks {
    pool: Arc<dyn Tasks>,
    round: OfTasks,
    bounded: bool,
}

impl Player for OnTasks {
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure> {
        (self.round)(&*self.pool, span)
    }

    fn finish(&self) -> Result<(), Failure> {
        self.pool.recount(self.bounded)
    }
}

fn bounded(contender: &Contender) -> bool {
    contender.when_empty != WhenEmpty::MakesAnother
}

pub(super) fn threads(
    contender: &Contender,
    entry: Entry,
    objects: usize,
    round: OfThreads,
) -> Opened {
    let Some(open) = contender.threads.filter(|_| entry.admits(contender)) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(OnThreads {
        pool: open(objects)?,
        round,
        bounded: bounded(contender),
    })))
}

pub(super) fn tasks(
    contender: &Contender,
    entry: Entry,
    (objects, workers): (usize, Workers),
    round: OfTasks,
) -> Opened {
    let Some(open) = contender.tasks.filter(|_| entry.admits(contender)) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(OnTasks {
        pool: open(objects, workers)?,
        round,
        bounded: bounded(contender),
    })))
}
