//! Asking an instance how it is: one that is idle, one that comes back, or one that is made for it.
//!
//! Decides whether what one instance answers says something about its resource. Whoever asks is served
//! as any caller is, with the pool's own bounds on what is made. Knows nothing of when it is asked.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{
    AcquireError, BoxError, Guard, Pool, Rest, Shared, Stage, Status, Tick, catch, helpers, offload,
};

use super::stage::Probed;
use super::{HealthCheckable, HealthState, Impact, Ward};
use crate::manager::driver::{Instance, ResourceDriver};
use crate::manager::erased::{Boxed, Entry};
use crate::manager::setup::Setup;
use crate::resource::Resource;

type Home<R> = Arc<Shared<ResourceDriver<R>>>;
type InstanceGuard<R> = Guard<ResourceDriver<R>, Home<R>>;
type Answer<'a> = Pin<Box<dyn Future<Output = Result<HealthState, BoxError>> + Send + 'a>>;
type Blocks<I> = dyn Fn(&mut I) -> Result<HealthState, BoxError> + Send + Sync;

/// So many instances are asked before a resource is blamed.
const ASKED: usize = 2;

/// What an instance is asked.
pub(crate) enum Asker<R: Resource> {
    Awaits(for<'a> fn(&'a R, &'a mut R::Instance) -> Answer<'a>),
    /// On a helper thread.
    Blocks(Arc<Blocks<R::Instance>>),
}

fn is_valid<'a, R: Resource>(resource: &'a R, instance: &'a mut R::Instance) -> Answer<'a> {
    Box::pin(async move {
        let valid = resource.is_valid(instance).await;
        valid.map(|()| HealthState::Healthy).map_err(Into::into)
    })
}

fn health_check<'a, R: HealthCheckable>(
    resource: &'a R,
    instance: &'a mut R::Instance,
) -> Answer<'a> {
    Box::pin(async move { resource.health_check(instance).await.map_err(Into::into) })
}

impl<R: Resource> Asker<R> {
    /// Whether it is valid.
    pub(crate) fn validity(resource: &Arc<R>) -> Self {
        match R::blocking_calls(resource) {
            None => Self::Awaits(is_valid::<R>),
            Some(calls) => Self::Blocks(Arc::new(move |instance| {
                calls.is_valid_dyn(instance).map(|()| HealthState::Healthy)
            })),
        }
    }

    /// What the resource asks by itself.
    pub(crate) fn own(resource: &Arc<R>) -> Self
    where
        R: HealthCheckable,
    {
        match R::blocking_check(resource) {
            None => Self::Awaits(health_check::<R>),
            Some(check) => Self::Blocks(Arc::new(move |instance| check.check_dyn(instance))),
        }
    }
}

/// How a registered resource is looked after.
pub(crate) struct Care<R: Resource> {
    pub(crate) ward: Arc<Ward>,
    asker: Asker<R>,
}

impl<R: Resource> Care<R> {
    pub(crate) fn of(setup: &Setup, resource: &Arc<R>) -> Option<Self> {
        let ward = setup.health.ward.clone()?;
        let asker = setup.health.asker(resource);
        Some(Self { ward, asker })
    }
}

impl<R: Resource> Entry<R> {
    /// It is looked after, and well; and nobody else turns callers away.
    #[inline]
    pub(crate) fn lets_everybody_in(&self) -> bool {
        let is_slow = |care: &Care<R>| care.ward.lets_in_slowly();
        self.breakers().is_empty() && !self.care.as_deref().is_some_and(is_slow)
    }
}

/// Being looked after, for who does not know the type.
pub(crate) trait Cared {
    /// Who looks after it.
    fn ward(&self) -> Option<&Arc<Ward>>;

    /// Takes an instance, asks it, and says what that means for the resource: within `limit`.
    fn probe(self: Arc<Self>, limit: Duration) -> Boxed<Probed>;

    /// Whether its pool makes and hands out anything at all.
    fn set_paused(&self, paused: bool);

    /// Has all its instances cleaned up: the idle ones now, the others when they come back.
    fn let_all_go(&self);

    /// How its pool stands, and how long the one that has waited longest has waited.
    fn standing(&self) -> (Status, Option<Duration>);
}

impl<R: Resource> Cared for Entry<R> {
    fn ward(&self) -> Option<&Arc<Ward>> {
        self.care.as_ref().map(|care| &care.ward)
    }

    fn probe(self: Arc<Self>, limit: Duration) -> Boxed<Probed> {
        Box::pin(async move {
            match &self.care {
                None => Probed::nothing(),
                Some(care) => Probe::new(&self, care, limit).run().await,
            }
        })
    }

    fn set_paused(&self, paused: bool) {
        let _changed = match paused {
            true => self.pool.pause(),
            false => self.pool.resume(),
        };
    }

    fn let_all_go(&self) {
        self.pool.clear();
    }

    fn standing(&self) -> (Status, Option<Duration>) {
        (self.pool.status(), self.pool.oldest_waiter())
    }
}

impl Probed {
    const fn nothing() -> Self {
        Self::without_answer(HealthState::Unknown)
    }

    pub(crate) const fn without_answer(state: HealthState) -> Self {
        Self {
            state,
            latency: None,
        }
    }
}

/// How it was when an instance was asked for.
#[derive(Clone, Copy)]
struct Before {
    not_created: u64,
    acquired: u64,
}

/// One look at a resource.
struct Probe<'p, R: Resource> {
    pool: &'p Pool<ResourceDriver<R>>,
    care: &'p Care<R>,
    clock: Clock,
    until: Tick,
}

impl<'p, R: Resource> Probe<'p, R> {
    fn new(entry: &'p Entry<R>, care: &'p Care<R>, limit: Duration) -> Self {
        let clock = entry.pool.shared().driver().clock();
        Self {
            pool: &entry.pool,
            care,
            until: clock.now().after(limit),
            clock,
        }
    }

    async fn run(&self) -> Probed {
        if self.care.ward.is_still_asking() {
            let state = HealthState::unhealthy("the last check still hangs");
            return Probed::without_answer(state);
        }
        let mut asked = Vec::new();
        loop {
            let guard = match self.take().await {
                Ok(guard) => guard,
                Err(state) => return Probed::without_answer(state),
            };
            let info = guard.info();
            let is_another = !asked.contains(&info.id);
            asked.push(info.id);
            let began = self.clock.now();
            let (guard, state) = self.ask(guard).await;
            let latency = Some(self.clock.now().since(began));
            if state.is_served() {
                return Probed { state, latency };
            }
            let may_go = self.let_go(guard);
            // One that was made just now has answered for the backend itself.
            if info.uses <= 1 || asked.len() >= ASKED && is_another {
                return Probed { state, latency };
            }
            if !may_go {
                let reason = format!("instance {} may not be let go yet: {state}", info.id);
                let state = HealthState::degraded_by(reason, Impact::HALF);
                return Probed { state, latency };
            }
            if self.clock.now() >= self.until {
                // Only one has been asked, and there was no time for another.
                return Probed { state, latency };
            }
        }
    }

    /// Has an instance replaced that is not well, if that many may go; answers whether it may. One that
    /// did not answer at all is gone already.
    fn let_go(&self, hand: Option<InHand<R>>) -> bool {
        let alive = self.pool.status().size;
        let may_go = self.care.ward.may_eject(alive);
        let Some(mut hand) = hand else { return true };
        hand.is_good = !may_go;
        may_go
    }

    async fn take(&self) -> Result<InstanceGuard<R>, HealthState> {
        let home = Arc::clone(self.pool.shared());
        let me = Some(Arc::as_ptr(&self.care.ward) as usize as u64);
        let before = Before {
            not_created: self.care.ward.not_created(),
            acquired: self.pool.stats().acquired,
        };
        let at = std::panic::Location::caller();
        let begun = Pool::begin(home, at, me, |_, _| Some(self.until));
        let waiting: Rest<'_, _, Home<R>> = match begun {
            Ok(guard) => return Ok(guard),
            Err(waiting) => waiting,
        };
        match self.or_none_can_be_made(waiting, before).await {
            Ok(Ok(guard)) => Ok(guard),
            Ok(Err(why)) => Err(self.meaning(&why, before)),
            Err(why) => Err(why),
        }
    }

    /// Waits no longer once it is known that there is none and none can be made.
    async fn or_none_can_be_made<F: Future>(
        &self,
        waiting: F,
        before: Before,
    ) -> Result<F::Output, HealthState> {
        let ward = &self.care.ward;
        let mut waiting = pin!(waiting);
        loop {
            let mut told = pin!(ward.listen_to_creations());
            if ward.not_created() != before.not_created && self.pool.status().size == 0 {
                return Err(HealthState::unhealthy(ward.why_not_created()));
            }
            let ended = poll_fn(|cx| match waiting.as_mut().poll(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending => told.as_mut().poll(cx).map(|()| None),
            });
            if let Some(ended) = ended.await {
                return Ok(ended);
            }
        }
    }

    /// What it says about a resource that none of it is to be had.
    fn meaning(&self, why: &AcquireError, before: Before) -> HealthState {
        match why {
            // All are in use: that says nothing.
            AcquireError::TimedOut(late)
                if late.stage == Stage::Waiting
                    && self.care.ward.not_created() == before.not_created =>
            {
                HealthState::Unknown
            }
            AcquireError::TimedOut(_) | AcquireError::CreateFailed(_) => {
                // Others had some meanwhile: it works, for fewer than want it.
                match self.pool.stats().acquired > before.acquired {
                    true => HealthState::degraded_by(why.to_string(), Impact::HALF),
                    false => HealthState::unhealthy(why.to_string()),
                }
            }
            // It is going, or somebody stopped it.
            _ => HealthState::Unknown,
        }
    }

    /// Asks one; what did not answer in time is lost.
    async fn ask(&self, guard: InstanceGuard<R>) -> (Option<InHand<R>>, HealthState) {
        let hand = InHand {
            guard: Some(guard),
            is_good: false,
        };
        let mut asking: Pin<Box<dyn Future<Output = _> + Send + '_>> = match &self.care.asker {
            Asker::Awaits(ask) => Box::pin(self.ask_here(hand, *ask)),
            Asker::Blocks(ask) => Box::pin(self.ask_elsewhere(hand, Arc::clone(ask))),
        };
        let mut enough = pin!(self.clock.sleep_until(self.until));
        let answer = poll_fn(|cx| {
            match catch("health_check", || asking.as_mut().poll(cx)) {
                Ok(Poll::Ready(answer)) => return Poll::Ready(answer),
                Err(panic) => return Poll::Ready((None, Err(panic))),
                Ok(Poll::Pending) => {}
            }
            let late = || (None, Err(BoxError::from("it did not answer in time")));
            enough.as_mut().poll(cx).map(|()| late())
        });
        let (hand, answer) = answer.await;
        // Its drop is foreign code too, and takes the instance with it if there was no answer.
        let _contained = catch("health_check", move || drop(asking));
        let state = answer.unwrap_or_else(|error| HealthState::unhealthy(error.to_string()));
        let hand = hand.map(|mut hand: InHand<R>| {
            hand.is_good = state.is_served();
            hand
        });
        (hand, state)
    }

    async fn ask_here(
        &self,
        hand: InHand<R>,
        ask: for<'a> fn(&'a R, &'a mut R::Instance) -> Answer<'a>,
    ) -> (Option<InHand<R>>, Result<HealthState, BoxError>) {
        let mut hand = hand;
        let resource = self.pool.shared().driver().resource();
        let answer = match hand.instance() {
            Some(instance) => ask(resource, &mut instance.it).await,
            None => Ok(HealthState::Unknown),
        };
        (Some(hand), answer)
    }

    async fn ask_elsewhere(
        &self,
        hand: InHand<R>,
        ask: Arc<Blocks<R::Instance>>,
    ) -> (Option<InHand<R>>, Result<HealthState, BoxError>) {
        let mut hand = hand;
        let asking = self.care.ward.asks();
        let work = move || {
            let answer = catch("health_check", || match hand.instance() {
                Some(instance) => ask(&mut instance.it),
                None => Ok(HealthState::Unknown),
            });
            drop(asking);
            (hand, answer.and_then(|answer| answer))
        };
        match offload("health_check", helpers::run, work).await {
            Ok((hand, answer)) => (Some(hand), answer),
            Err(panic) => (None, Err(panic)),
        }
    }
}

/// An instance that is being asked: dropped before it has answered well, it is not used again.
struct InHand<R: Resource> {
    guard: Option<InstanceGuard<R>>,
    is_good: bool,
}

impl<R: Resource> InHand<R> {
    fn instance(&mut self) -> Option<&mut Instance<R>> {
        self.guard.as_deref_mut()
    }
}

impl<R: Resource> Drop for InHand<R> {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take()
            && !self.is_good
        {
            guard.discard();
        }
    }
}
