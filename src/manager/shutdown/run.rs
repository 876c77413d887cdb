//! A shutdown under way: whose turn it is, and what is waited for.
//!
//! Decides when a resource begins to say goodbye: when its own guards are back and all that need it
//! are gone, or when there is no more time to wait for that. Knows nothing of what a goodbye is.
//!
//! One that does not come back keeps only those waiting that it needs: the others go on meanwhile.
//! Whatever is waited for is paid for from one purse at a time: while somebody's guards are out whose
//! turn it is, from that for draining, and otherwise from that for cleaning up.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::Tick;
use nebula_resource_core::clock::Clock;

use super::Progress;
use super::budget::{ShutdownBudget, Time};
use super::crowd::Crowd;
use super::order::Order;
use super::part::Part;
use super::report::ShutdownReport;
use crate::context::Cancellation;
use crate::key::Key;
use crate::lifecycle::State;
use crate::manager::erased::Registered;

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why the shutdown goes on.
#[derive(Clone, Copy)]
enum Stir {
    /// Everything of this one has come back.
    Back(usize),
    /// This one has said goodbye.
    Gone(usize),
    /// Some work that nothing runs in the background.
    Work,
}

/// A shutdown under way. Dropped, it has ended, one way or the other.
pub(super) struct Run {
    /// In the order of their levels.
    parts: Vec<Part>,
    order: Order,
    /// All that is waited for, and what each of it means.
    crowd: Crowd<Boxed>,
    stirs: Vec<Stir>,
    /// Whose turn it is, but whose guards are out.
    draining: BTreeSet<usize>,
    /// Who is saying goodbye.
    leaving: BTreeSet<usize>,
    time: Time,
    clean_up_each: Duration,
    /// Raised when no clean-up may go on.
    over: Cancellation,
    progress: Arc<Progress>,
    began: Tick,
    has_ended: bool,
}

impl Run {
    /// Closes everything.
    pub(super) fn new(
        levels: Vec<Vec<Registered>>,
        clock: Clock,
        budget: &ShutdownBudget,
        progress: Arc<Progress>,
    ) -> Self {
        let order = Order::new(levels.iter().map(|level| named(level)));
        Self {
            began: clock.now(),
            parts: levels.into_iter().flatten().map(Part::close).collect(),
            order,
            crowd: Crowd::new([]),
            stirs: Vec::new(),
            draining: BTreeSet::new(),
            leaving: BTreeSet::new(),
            time: Time::new(clock, progress.hurry.clone(), budget),
            clean_up_each: budget.clean_up_each,
            over: Cancellation::new(),
            progress,
            has_ended: false,
        }
    }

    pub(super) async fn run(mut self) {
        for number in 0..self.parts.len() {
            let closing = Box::pin(self.parts[number].closing());
            self.awaits(closing, Stir::Back(number));
        }
        self.have_turn(self.order.first());
        loop {
            let next = self.crowd.next();
            if !self.draining.is_empty() {
                match self.time.drain(next).await {
                    Some(number) => self.stirs(number),
                    None => self.wait_no_longer(),
                }
            } else if !self.leaving.is_empty() {
                match self.time.clean_up(next).await {
                    Some(number) => self.stirs(number),
                    None => self.break_off().await,
                }
            } else {
                break;
            }
        }
        self.force().await;
        self.has_ended = true;
    }

    fn awaits(&mut self, what: Boxed, means: Stir) {
        self.stirs.push(means);
        self.crowd.add(what);
    }

    fn stirs(&mut self, number: Option<usize>) {
        match number.map(|number| self.stirs[number]) {
            Some(Stir::Back(part)) => {
                self.parts[part].is_back = true;
                if self.draining.remove(&part) {
                    self.say_goodbye(part);
                }
            }
            Some(Stir::Gone(part)) => self.is_gone(part),
            Some(Stir::Work) => {}
            // There is nothing left to wait for.
            None => self.wait_no_longer(),
        }
    }

    /// All that need these are gone.
    fn have_turn(&mut self, parts: Vec<usize>) {
        for part in parts {
            if self.parts[part].is_back {
                self.say_goodbye(part);
            } else {
                self.draining.insert(part);
            }
        }
    }

    fn say_goodbye(&mut self, part: usize) {
        let (clock, each) = (self.time.clock.clone(), self.clean_up_each);
        let until = || clock.sleep(each);
        let refused = self.parts[part].begin_turn(until, &self.over);
        for job in refused {
            // Where nothing runs in the background, it is done here.
            self.awaits(job, Stir::Work);
        }
        let gone = Box::pin(self.parts[part].all_ended());
        self.leaving.insert(part);
        self.awaits(gone, Stir::Gone(part));
    }

    fn is_gone(&mut self, part: usize) {
        if self.leaving.remove(&part) {
            self.parts[part].moves_to(State::Terminated);
            let free = self.order.gone(part);
            self.have_turn(free);
        }
    }

    /// What came back says goodbye, and the rest is left behind.
    fn wait_no_longer(&mut self) {
        for part in std::mem::take(&mut self.draining) {
            self.say_goodbye(part);
        }
    }

    /// Nobody begins while one that needs it still goes on, unless that cannot be helped.
    async fn break_off(&mut self) {
        self.over.cancel();
        match self.time.force(self.crowd.next()).await {
            Some(number) => self.stirs(number),
            None => {
                for part in self.leaving.clone() {
                    self.is_gone(part);
                }
            }
        }
    }

    /// Guards that are out are not waited for again; what came back late is on its way out.
    async fn force(&mut self) {
        self.over.cancel();
        while !self.parts.iter().all(Part::is_done) {
            // Where nothing runs in the background, this is what does it.
            match self.time.force(self.crowd.next()).await {
                Some(Some(number)) => self.stirs(Some(number)),
                _ => break,
            }
        }
    }

    fn report(&mut self) -> ShutdownReport {
        let [draining, cleaning_up, forcing] = self.time.spent();
        ShutdownReport {
            elapsed: self.time.clock.now().since(self.began),
            draining,
            cleaning_up,
            forcing,
            hurried: self.progress.hurry.is_cancelled(),
            interrupted: !self.has_ended,
            resources: self.parts.iter_mut().map(Part::report).collect(),
        }
    }
}

/// What each is called, and what it needs.
fn named(level: &[Registered]) -> Vec<(&Key, &[Key])> {
    let abouts = level.iter().map(|there| there.entry.about());
    abouts.map(|about| (&about.key, &about.needs[..])).collect()
}

impl Drop for Run {
    fn drop(&mut self) {
        self.over.cancel();
        for part in &mut self.parts {
            if !part.had_its_turn {
                drop(part.take_turn(|| self.time.clock.sleep(Duration::ZERO), &self.over));
                part.moves_to(State::Terminated);
            }
        }
        // Work that nobody else does is over now, and told of as that.
        self.crowd = Crowd::new([]);
        let report = Arc::new(self.report());
        self.progress.report.get_or_init(|| report);
        self.progress.has_ended.cancel();
    }
}
