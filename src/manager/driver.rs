//! How a resource is run as a pool's factory: awaited, or on helper threads where its calls block.
//!
//! Decides where each call runs. Knows nothing of keys, scopes, or who asks.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use nebula_resource_async::runtime::{AnyRuntime, Chosen};
use nebula_resource_async::{at_once, within};
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{
    BoxError, Driver, Held, Home, Job, Outcome, RetireReason, Tick, catch, helpers, lend, offload,
};

use crate::breaker::Call;
use crate::context::Cancellation;
use crate::hooks::Operation;
use crate::manager::leftovers::{Leftover, Leftovers};
use crate::manager::shutdown::CleanUp;
use crate::manager::tenants::{Allowance, Permit};
use crate::manager::watch::Watch;
use crate::outcome::Severity;
use crate::resource::{BlockingCalls, CreateContext, Resource};
use crate::spans::{self, Span};
use crate::switch::{Signals, Switch};

/// Runs a [`Resource`] with one configuration.
pub(crate) struct ResourceDriver<R: Resource> {
    calls: Calls<R>,
    recycles_elsewhere: bool,
    plan: Arc<Plan<R>>,
    runtime: Chosen,
    /// What waits to be cleaned up while the resource is being stopped.
    leftovers: Leftovers<Instance<R>>,
    /// Here and not behind `watch`, since every acquire looks at it.
    switch: Arc<Switch>,
}

/// An instance, and the right to have it.
pub(crate) struct Instance<R: Resource> {
    pub(crate) it: R::Instance,
    permit: Option<Permit>,
    /// A caller has met with an error after which it is not to be used again.
    pub(crate) is_spoilt: bool,
    /// When a caller last said how it fared.
    pub(crate) reported_at: Tick,
    /// What circuit breakers know of its present use.
    pub(crate) call: Option<Call>,
}

/// The resource, and how to call it.
struct Calls<R: Resource> {
    resource: Arc<R>,
    /// Present where the resource's calls block.
    blocking: Option<Arc<BlockingCalls<R>>>,
    watch: Arc<Watch>,
    /// The clock that its pool goes by.
    clock: Clock,
}

/// What an instance is made from.
pub(crate) struct Plan<R: Resource> {
    config: Arc<R::Config>,
    context: CreateContext,
    /// Where its instances are counted together with those of other pools.
    allowance: Option<Allowance>,
}

impl<R: Resource> Plan<R> {
    pub(crate) const fn new(
        config: Arc<R::Config>,
        context: CreateContext,
        allowance: Option<Allowance>,
    ) -> Self {
        Self {
            config,
            context,
            allowance,
        }
    }
}

impl<R: Resource> ResourceDriver<R> {
    pub(crate) fn new(
        resource: Arc<R>,
        plan: Plan<R>,
        runtime: Option<AnyRuntime>,
        clock: Option<Clock>,
        watch: Arc<Watch>,
    ) -> Self {
        let blocking = R::blocking_calls(&resource);
        let recycles_elsewhere = blocking
            .as_ref()
            .is_some_and(|calls| calls.recycle_blocks_dyn());
        let runtime = Chosen::new(runtime);
        let switch = watch.switch();
        let clock = clock.unwrap_or_else(|| runtime.get().clock());
        let calls = Calls {
            resource,
            blocking,
            watch,
            clock,
        };
        Self {
            calls,
            recycles_elsewhere,
            plan: Arc::new(plan),
            runtime,
            leftovers: Leftovers::new(),
            switch,
        }
    }

    /// Whether anybody listens to who uses it.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.switch.is_on(Signals::USE) || spans::wanted()
    }

    /// Who listens to what is done.
    pub(crate) const fn watch(&self) -> &Arc<Watch> {
        &self.calls.watch
    }

    /// Keeps what is retired from now on, until it is its turn to be cleaned up.
    pub(crate) fn keep_leftovers(&self) {
        self.leftovers.collect();
    }

    /// Its turn: one clean-up for each instance that was kept. What comes after them is cleaned up
    /// as it comes.
    pub(crate) fn clean_up(&self) -> Vec<CleanUp> {
        let clean_up = |left: Leftover<_>| -> CleanUp {
            let calls = self.calls.clone();
            Box::pin(async move {
                let Leftover { object, why, debt } = left;
                let cleaned_up = calls.clean_up(object, why).await;
                drop(debt);
                cleaned_up
            })
        };
        self.leftovers.take().into_iter().map(clean_up).collect()
    }

    /// What it runs.
    pub(crate) fn resource(&self) -> &R {
        &self.calls.resource
    }

    /// What its resource takes an error for.
    pub(crate) fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
        let severity = catch("classify", || self.calls.resource.classify(error));
        // Whoever has panicked over an error has not understood what it did to the instance.
        severity.unwrap_or(Severity::Poisoned)
    }

    /// What is raised once all of that has ended, whoever began it; none if it has.
    pub(crate) fn owed(&self) -> Option<Cancellation> {
        self.leftovers.owed()
    }

    /// Nothing waits to be cleaned up, or is being so.
    pub(crate) fn has_no_leftovers(&self) -> bool {
        self.leftovers.is_empty()
    }

    /// The clock that its pool goes by.
    pub(crate) fn clock(&self) -> Clock {
        self.calls.clock.clone()
    }
}

impl<R: Resource> Driver for ResourceDriver<R> {
    type Object = Instance<R>;

    async fn create(&self) -> Result<Instance<R>, BoxError> {
        let Calls { watch, clock, .. } = &self.calls;
        let permit = match &self.plan.allowance {
            None => None,
            Some(allowance) => Some(allowance.permit(clock).await?),
        };
        let begun = watch.begin(Operation::Create, None, clock)?;
        let made = self.calls.create(&self.plan).await;
        match &made {
            Ok(_) => begun.end(None, None),
            Err(error) => begun.end(None, Some(&**error)),
        }
        Ok(Instance {
            it: made?,
            permit,
            is_spoilt: false,
            reported_at: Tick::ZERO,
            call: None,
        })
    }

    async fn validate<H: Home<Self>>(held: Held<Self, H>) -> Outcome<Self, H> {
        let mut held = held;
        let shared = held.home_ref();
        let driver = shared.driver();
        if let Some(calls) = driver.calls.blocking.clone() {
            let work = move |instance: &mut Instance<R>| calls.is_valid_dyn(&mut instance.it);
            return lend("validate", held, helpers::run, work).await;
        }
        let checking = driver.calls.resource.is_valid(&mut held.object().it);
        let result = within(driver.runtime.get(), checking).await;
        (held, result.map_err(Into::into))
    }

    #[inline]
    async fn recycle<H: Home<Self>>(held: Held<Self, H>) -> Outcome<Self, H> {
        let mut held = held;
        let shared = held.home_ref();
        let driver = shared.driver();
        if let Some(calls) = driver.calls.blocking.clone() {
            let work = move |instance: &mut Instance<R>| calls.recycle_dyn(&mut instance.it);
            return lend("recycle", held, helpers::run, work).await;
        }
        let cleaning = driver.calls.resource.recycle(&mut held.object().it);
        let result = within(driver.runtime.get(), cleaning).await;
        (held, result.map_err(Into::into))
    }

    #[inline]
    fn recycle_at_once(&self, instance: &mut Instance<R>) -> Option<Result<(), BoxError>> {
        if self.recycles_elsewhere {
            return None;
        }
        let recycle = move || {
            let instance = instance;
            self.calls.resource.recycle(&mut instance.it)
        };
        at_once(recycle).map(|result| result.map_err(Into::into))
    }

    #[inline]
    fn is_broken(&self, instance: &Instance<R>) -> bool {
        instance.is_spoilt || self.calls.resource.is_broken(&instance.it)
    }

    async fn destroy(&self, instance: Instance<R>, why: RetireReason) {
        if let Some(instance) = self.leftovers.keep(instance, why) {
            // A panic in it changes nothing: the instance is gone.
            let _ended = self.calls.clean_up(instance, why).await;
        }
    }

    fn can_spawn(&self) -> bool {
        self.runtime.get().can_spawn()
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        self.runtime.get().spawn(job)
    }
}

impl<R: Resource> Calls<R> {
    async fn create(&self, plan: &Arc<Plan<R>>) -> Result<R::Instance, BoxError> {
        let span = Span::create(self.watch.subject());
        let made = span.around(self.create_in(&span, plan)).await;
        if let Err(error) = &made {
            span.failed(&**error);
        }
        made
    }

    async fn create_in(&self, span: &Span, plan: &Arc<Plan<R>>) -> Result<R::Instance, BoxError> {
        let Some(calls) = self.blocking.clone() else {
            let made = self.resource.create(&plan.config, &plan.context).await;
            return made.map_err(Into::into);
        };
        let (plan, span) = (Arc::clone(plan), span.clone());
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let work = move || {
            // It may have stood in line for a thread, and its pool be closed by now.
            // proof: create-wanted
            if waits.strong_count() == 0 {
                return Err("nobody waits for it any more".into());
            }
            span.within(|| calls.create_dyn(&plan.config, &plan.context))
        };
        let made = offload("create", helpers::run, work).await;
        drop(waiting);
        made?
    }

    /// Says goodbye to an instance. An error is what a blocking call panicked with.
    async fn clean_up(&self, instance: Instance<R>, why: RetireReason) -> Result<(), BoxError> {
        let Instance { it, permit, .. } = instance;
        let begun = self.watch.begin_clean_up(why, &self.clock);
        let span = Span::clean_up(self.watch.subject(), why);
        let gone = span.around(self.clean_up_in(&span, it, why)).await;
        // Only now may another take its place.
        drop(permit);
        let error = gone.as_ref().err().map(|error| &**error as _);
        if let Some(begun) = begun {
            begun.end(None, error);
        }
        gone
    }

    async fn clean_up_in(
        &self,
        span: &Span,
        instance: R::Instance,
        why: RetireReason,
    ) -> Result<(), BoxError> {
        let Some(calls) = self.blocking.clone() else {
            self.resource.cleanup(instance, why).await;
            return Ok(());
        };
        let span = span.clone();
        let work = move || span.within(|| calls.cleanup_dyn(instance, why));
        offload("cleanup", helpers::run, work).await
    }
}

impl<R: Resource> Clone for Calls<R> {
    fn clone(&self) -> Self {
        Self {
            resource: Arc::clone(&self.resource),
            blocking: self.blocking.clone(),
            watch: Arc::clone(&self.watch),
            clock: self.clock.clone(),
        }
    }
}

/// Neither a resource nor its configuration is ever formatted: they know secrets.
impl<R: Resource> fmt::Debug for ResourceDriver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceDriver").finish_non_exhaustive()
    }
}
