//! The waiting line: joining, looking, leaving, being passed over, and serving.
//!
//! Everything here happens under the line's lock, except waking. Keeps I3, I4 and I5.

use std::task::Waker;

use crate::Tick;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::guarded::contained;
use crate::primitives::{Ordering, fence};
use crate::waiters::{Desk, Failure, Left, Locked, Place, Standing, Wakes, Wish};

/// What a waiter finds when it looks.
pub(crate) enum Look<T> {
    /// All it asked for; it has left the line.
    Ready(Box<Entry<T>>, Vec<Box<Entry<T>>>),
    /// It is to start a creation, for which a permit was taken; it stays in line.
    Create,
    /// Nothing yet; it is woken when there is. `alarm`: ring then, and call `sweep`.
    Wait { alarm: Option<Tick> },
    /// It has left the line with nothing.
    Parted(Parting),
}

/// What a waiter that looks is ready to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looking {
    /// To start a creation, if one is wanted.
    MayCreate,
    /// Nothing more: it is running one itself.
    IsCreating,
}

/// Why a waiter left with nothing.
#[derive(Clone)]
pub(crate) enum Parting {
    TimedOut {
        failure: Option<Failure>,
    },
    /// There was no room in the line.
    TurnedAway,
    Closed,
    Paused,
    /// It asks for more objects than there may be, since `max_size` was lowered.
    TooMany,
    /// With `fail_fast`, while creations fail.
    Failing(Failure),
}

impl<T> Desk<T> {
    /// Wakes the next one that is asleep, to race for an idle object.
    pub(crate) fn wake_next(&mut self) -> Option<Waker> {
        let place = self.queue.first_asleep()?;
        self.queue.stand(place, Standing::Woken);
        self.queue.waiter(place).waker.take()
    }
}

impl<T> Engine<T> {
    /// Joins the line, and looks: one moment, under one lock. The place is the caller's while it is to
    /// wait or to create; otherwise it has been left.
    ///
    /// # Errors
    ///
    /// [`Parting::TurnedAway`] when there is no room for it: it has not joined.
    pub(crate) fn enter(
        &self,
        wish: Wish,
        waker: &Waker,
        now: Tick,
    ) -> Result<(Place, Look<T>), Parting> {
        // Cloned before the lock and dropped after it: a waker is user code.
        let (mut waker, mut wakes) = (Some(waker.clone()), Wakes::default());
        let mut line = self.line.lock();
        let Some(wish) = self.admit(&mut line, wish, now) else {
            drop(line);
            contained(|| drop(waker));
            return Err(Parting::TurnedAway);
        };
        let place = self.join(&mut line, wish, &mut wakes);
        let look = match self.outcome(&mut line, place, now, &mut wakes) {
            Some(look) => look,
            None => self.stay(&mut line, place, &mut waker, now),
        };
        drop(line);
        wakes.wake();
        contained(|| drop(waker));
        self.hand_over_the_turn(&look, place, false, Looking::MayCreate);
        Ok((place, look))
    }

    pub(crate) fn join(&self, line: &mut Locked<'_, T>, wish: Wish, wakes: &mut Wakes) -> Place {
        // Those who stand there have looked, and while objects are handed over nobody puts one aside
        // without looking for them.
        // proof: join-behind-the-lookers
        let all_looked = line.queue.len() > 0 && line.hands_over();
        let place = line.queue.join(wish);
        if all_looked && !wish.returning {
            return place;
        }
        // proof: join-publishes
        line.publish();
        // ord: F2, pairs with F1 in `give` and `permit_freed`. Without it the looks that follow
        // (into idle here, at the permits in `stay`) may rise above the publication.
        // proof: fence-join
        fence(Ordering::SeqCst);
        // proof: rejoin-hands-on
        if wish.returning {
            self.hand_on(line, place, wakes);
        }
        // proof: join-serves
        self.serve_locked(line, wakes);
        place
    }

    /// Only the head of the line collects. One that comes back to the head gets what the former
    /// head has collected: each holding what the other needs, both would wait until their deadlines.
    fn hand_on(&self, line: &mut Locked<'_, T>, head: Place, wakes: &mut Wakes) {
        for entry in line.queue.collected_behind(head) {
            match line.queue.first() {
                Some(first) if self.permits.state().open() => {
                    wakes.push(line.queue.grant(first, entry));
                }
                _ => self.idle.put_last(entry),
            }
        }
    }

    /// A waiter looks whether it is served; if not, it is woken through `waker` later.
    pub(crate) fn look(&self, place: Place, waker: &Waker, now: Tick, looking: Looking) -> Look<T> {
        // Cloned only for one that has to stay, without the lock: a waker is user code. Mostly it was woken
        // because it has been served.
        let mut fresh = None;
        let (look, nudged) = loop {
            match self.look_once(place, waker, &mut fresh, now, looking) {
                Some(seen) => break seen,
                None => fresh = Some(waker.clone()),
            }
        };
        contained(|| drop(fresh));
        self.hand_over_the_turn(&look, place, nudged, looking);
        look
    }

    /// What it sees, and whether it was told to look; nothing if it has to stay, has not left the same waker
    /// here before, and has no `fresh` one.
    fn look_once(
        &self,
        place: Place,
        waker: &Waker,
        fresh: &mut Option<Waker>,
        now: Tick,
        looking: Looking,
    ) -> Option<(Look<T>, bool)> {
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        let waiter = line.queue.waiter(place);
        waiter.busy = looking == Looking::IsCreating;
        let nudged = waiter.nudged;
        // proof: the-same-waker
        let left_before = (waiter.waker.as_ref()).is_some_and(|own| own.will_wake(waker));
        let mut look = self.outcome(&mut line, place, now, &mut wakes);
        if look.is_none() && (left_before || fresh.is_some()) {
            look = Some(self.stay(&mut line, place, fresh, now));
        }
        // Who leaves with nothing keeps it: then it has a turn to pass on.
        if let Some(Look::Create | Look::Wait { .. }) = look {
            line.queue.waiter(place).nudged = false;
        }
        drop(line);
        wakes.wake();
        look.map(|look| (look, nudged))
    }

    /// How its wait has ended, if it has.
    fn outcome(
        &self,
        line: &mut Locked<'_, T>,
        place: Place,
        now: Tick,
        wakes: &mut Wakes,
    ) -> Option<Look<T>> {
        if line.queue.waiter(place).standing == Standing::Woken {
            self.race(line, place, wakes);
        }
        let waiter = line.queue.waiter(place);
        match waiter.standing {
            Standing::Served => {
                // Its waker was taken when it was served; nothing of the user's is dropped here.
                let Left { hand, more, .. } = line.queue.leave(place);
                let Some(first) = hand else {
                    unreachable!("whoever is served asked for one object at least, and has it");
                };
                Some(Look::Ready(first, more))
            }
            Standing::Waiting | Standing::Woken | Standing::Lost if now < waiter.deadline => None,
            _ => Some(Look::Parted(self.part(line, place))),
        }
    }

    /// Whoever has looked owes the others what it was told for and did not use.
    fn hand_over_the_turn(&self, look: &Look<T>, place: Place, nudged: bool, looking: Looking) {
        match look {
            Look::Parted(_) => self.leave(place),
            // A nudge that led to nothing, or to one creation where more may start.
            // proof: create-passes-the-nudge-on
            Look::Create => self.permit_freed(),
            // proof: served-passes-the-nudge-on
            Look::Ready(..) if nudged => self.permit_freed(),
            // It was told just when it went to run a creation itself.
            // proof: busy-passes-the-nudge-on
            Look::Wait { .. } if nudged && looking == Looking::IsCreating => self.permit_freed(),
            _ => {}
        }
    }

    /// A woken waiter takes what it was woken for, or has lost: from now on objects are handed
    /// to it, and no newcomer passes. Once objects are handed over it does not race at all: an older
    /// waiter may have lost before it.
    fn race(&self, line: &mut Locked<'_, T>, place: Place, wakes: &mut Wakes) {
        if !self.permits.state().open() {
            return line.queue.stand(place, Standing::Waiting);
        }
        // proof: race-in-line
        if line.hands_over() {
            line.queue.stand(place, Standing::Lost);
            return self.serve_locked(line, wakes);
        }
        match self.idle.search_ring_first() {
            Some(entry) => {
                line.queue.grant(place, entry);
            }
            // proof: race-is-lost
            None => line.queue.stand(place, Standing::Lost),
        }
    }

    fn part(&self, line: &mut Locked<'_, T>, place: Place) -> Parting {
        let state = self.permits.state();
        // A refusal that is not told is dropped later, without the lock: its cause is user code.
        if state.closed() {
            return Parting::Closed;
        }
        let failure = line.gate.failure().cloned();
        let waiter = line.queue.waiter(place);
        match (waiter.standing, waiter.take_refusal()) {
            (Standing::Refused, Some(failure)) => Parting::Failing(failure),
            (Standing::Refused, None) => Parting::TooMany,
            _ if state.paused() => Parting::Paused,
            _ => Parting::TimedOut { failure },
        }
    }

    /// It goes on waiting, and leaves `waker` unless it has left the right one before.
    fn stay(
        &self,
        line: &mut Locked<'_, T>,
        place: Place,
        waker: &mut Option<Waker>,
        now: Tick,
    ) -> Look<T> {
        let state = self.permits.state();
        // proof: stay-sees-the-close
        if state.closed() {
            return Look::Parted(Parting::Closed);
        }
        // It joined when `max_size` was just being lowered.
        if line.queue.waiter(place).objects as usize > state.limit() {
            return Look::Parted(Parting::TooMany);
        }
        // Mostly there is no permit to create on, and nothing has failed: then all it can do is wait.
        // Whoever frees a permit meanwhile nudges it.
        if state.total() < state.limit() || line.gate.failure().is_some() {
            let settings = self.settings();
            if let (true, Some(failure)) = (settings.config.fail_fast, line.gate.failure())
                && now < failure.retry_at
            {
                return Look::Parted(Parting::Failing(failure.clone()));
            }
            let busy = line.queue.waiter(place).busy;
            if !busy && self.start_creation(line, now, &settings.config) {
                return Look::Create;
            }
        }
        if waker.is_some() {
            std::mem::swap(&mut line.queue.waiter(place).waker, waker);
        }
        let retry_at = line
            .gate
            .failure()
            .filter(|failure| !failure.due)
            .map_or(Tick::NEVER, |failure| failure.retry_at);
        // With no alarm set it is set for everybody: the others may have been hurried.
        let deadline = match line.alarm {
            Tick::NEVER => line.queue.earliest_deadline(),
            _ => line.queue.waiter(place).deadline,
        };
        let wanted = deadline.min(retry_at);
        let alarm = (wanted < line.alarm).then_some(wanted);
        line.alarm = line.alarm.min(wanted);
        Look::Wait { alarm }
    }

    /// Takes a permit for one more creation, if the gate admits one.
    fn start_creation(
        &self,
        line: &mut Locked<'_, T>,
        now: Tick,
        config: &crate::config::PoolConfig,
    ) -> bool {
        let state = self.permits.state();
        let alive = state.total().saturating_sub(line.gate.creating());
        let admitted = state.open() && line.gate.admits(now, alive, line.queue.lacking(), config);
        let started = admitted && self.permits.try_reserve();
        if started {
            line.gate.started();
        }
        started
    }

    /// Leaves the line, whatever it holds: objects go back to the pool, a turn to the next.
    pub(crate) fn leave(&self, place: Place) {
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        let has_a_turn = line.queue.waiter(place).has_a_turn();
        let mut left = line.queue.leave(place);
        // proof: leave-serves
        if has_a_turn {
            self.serve_locked(&mut line, &mut wakes);
        }
        drop(line);
        wakes.wake();
        for entry in left.hand.take().into_iter().chain(left.more.drain(..)) {
            // proof: leave-gives-back
            self.give(entry);
        }
        // Its waker and the cause of its refusal are user code.
        contained(|| drop(left));
    }

    /// Hands every idle object to the head of the line, and nudges one waiter if a creation may
    /// be started. In order: whoever finds an object here gives it to the head, which may be
    /// itself; taking it for itself would pass an older waiter that is on its way.
    pub(crate) fn serve_locked(&self, line: &mut Locked<'_, T>, wakes: &mut Wakes) {
        if !self.permits.state().open() {
            return;
        }
        while !wakes.is_full() {
            // proof: serve-the-head
            let Some(head) = line.queue.first() else {
                return;
            };
            let Some(entry) = self.idle.search_ring_first() else {
                break;
            };
            wakes.push(line.queue.grant(head, entry));
        }
        if !wakes.is_full() {
            // proof: serve-nudges
            wakes.push(self.nudge(line));
        }
    }

    /// I5: a permit is free, the gate admits, somebody lacks an object: have it look again. With a
    /// failure in force the alarm does this, at its time, and from then on so does everybody.
    fn nudge(&self, line: &mut Locked<'_, T>) -> Option<Waker> {
        let state = self.permits.state();
        if state.total() >= state.limit() || !line.gate.unhindered() {
            return None;
        }
        let alive = state.total().saturating_sub(line.gate.creating());
        let (lacking, settings) = (line.queue.lacking(), self.settings());
        let admits = line
            .gate
            .admits(Tick::NEVER, alive, lacking, &settings.config);
        if !admits || line.queue.find(|waiter| waiter.nudged).is_some() {
            return None;
        }
        self.nudge_first(line)
    }

    pub(super) fn nudge_first(&self, line: &mut Locked<'_, T>) -> Option<Waker> {
        // One without a waker is on its way to look anyway, and will see what we saw.
        let place = line
            .queue
            .find(|waiter| waiter.waker.is_some() && !waiter.busy)?;
        let waiter = line.queue.waiter(place);
        waiter.nudged = true;
        waiter.waker.take()
    }
}
