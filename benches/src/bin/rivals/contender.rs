//! Who takes part, and with what.
//!
//! Decides what is said of a contender; how it is set up is in its own file.

use std::sync::Arc;

use crate::load::{Failure, Tasks, Threads};
use crate::scenarios::Callers;

/// How a contender may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Ours,
    /// Not a pool, or one guard of it: what nobody can beat.
    Floor,
    /// Loses nothing, whatever its callers do.
    Sound,
    /// Loses wake-ups or objects, or gives more than it has: not one that has to be beaten.
    Flawed(&'static str),
}

/// What it does with a caller for whom there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenEmpty {
    Waits,
    /// Refuses, or spins: takes part where an object is always idle.
    Refuses,
    /// Takes part where an object is always idle; how many there are says nothing.
    MakesAnother,
}

pub(crate) type OpenThreads = fn(usize) -> Result<Arc<dyn Threads>, Failure>;
pub(crate) type OpenTasks = fn(usize, Workers) -> Result<Arc<dyn Tasks>, Failure>;

/// How many threads run the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    /// The calling one.
    Caller,
    Two,
}

/// One pool, in one way of using it.
#[derive(Debug)]
pub(crate) struct Contender {
    /// As in the table.
    pub(crate) name: &'static str,
    /// The crate whose version is printed.
    pub(crate) package: &'static str,
    pub(crate) standing: Standing,
    pub(crate) when_empty: WhenEmpty,
    /// Whether it takes part in all scenarios, or in S1 alone.
    pub(crate) only_alone: bool,
    pub(crate) threads: Option<OpenThreads>,
    pub(crate) tasks: Option<OpenTasks>,
}

impl Contender {
    pub(crate) const fn new(name: &'static str, package: &'static str, standing: Standing) -> Self {
        Self {
            name,
            package,
            standing,
            when_empty: WhenEmpty::Waits,
            only_alone: false,
            threads: None,
            tasks: None,
        }
    }

    pub(crate) const fn threads(mut self, open: OpenThreads) -> Self {
        self.threads = Some(open);
        self
    }

    pub(crate) const fn tasks(mut self, open: OpenTasks) -> Self {
        self.tasks = Some(open);
        self
    }

    pub(crate) const fn when_empty(mut self, it: WhenEmpty) -> Self {
        self.when_empty = it;
        self
    }

    pub(crate) const fn only_alone(mut self) -> Self {
        self.only_alone = true;
        self
    }

    /// Whether it can be called by these at all.
    pub(crate) const fn has_door_for(&self, callers: Callers) -> bool {
        match callers {
            Callers::Threads => self.threads.is_some(),
            Callers::Tasks => self.tasks.is_some(),
        }
    }

    /// Whether a row about rivals is about this one.
    pub(crate) fn is_sound_rival(&self) -> bool {
        self.standing == Standing::Sound
    }
}
