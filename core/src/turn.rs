//! A turn in line: from joining to being served, refused, or gone.
//!
//! Decides what a waiter does while it waits: nothing, start a creation, or run one itself where
//! there is no background. Dropped, it leaves the line and passes its turn on.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Tick;
use crate::create::{self, Purpose};
use crate::driver::{Driver, Home, Job};
use crate::engine::{Look, Looking, Parting};
use crate::entry::Entry;
use crate::observer::Event;
use crate::record::Taker;
use crate::shared::Shared;
use crate::waiters::{Place, Wish};

/// A place in line: dropped, it is left and its turn passed on.
pub(crate) struct Turn<'h, D: Driver, H: Home<D>> {
    home: &'h H,
    place: Option<Place>,
    /// When it joined, until the first look: they are one moment, and reading the clock is a good part of
    /// what waiting costs.
    joined_at: Option<Tick>,
    waited: bool,
    by: Taker,
    driver: std::marker::PhantomData<fn() -> D>,
}

/// The objects asked for: the first, and the rest for those who want several.
pub(crate) type Served<T> = (Box<Entry<T>>, Vec<Box<Entry<T>>>);

/// Why a waiter stops waiting.
enum Step<T> {
    End(Result<(Served<T>, Tick), Parting>),
    /// A creation is to be started; the permit has been taken.
    Create,
}

impl<'h, D: Driver, H: Home<D>> Turn<'h, D, H> {
    pub(crate) fn join(home: &'h H, wish: Wish, by: Taker, now: Tick) -> Self {
        Self {
            home,
            place: Some(home.engine.join(wish)),
            joined_at: Some(now),
            waited: false,
            by,
            driver: std::marker::PhantomData,
        }
    }

    /// Waits until it is served, and says when that was, or has to leave.
    pub(crate) async fn serve(&mut self) -> Result<(Served<D::Object>, Tick), Parting> {
        loop {
            match poll_fn(|cx| self.look(cx, Looking::MayCreate)).await {
                Step::End(end) => return end,
                Step::Create => {
                    if let Some(job) = self.start_creation()
                        && let Step::End(end) = self.create_here(job).await
                    {
                        return end;
                    }
                }
            }
        }
    }

    fn look(&mut self, cx: &Context<'_>, looking: Looking) -> Poll<Step<D::Object>> {
        let Some(place) = self.place else {
            return Poll::Ready(Step::End(Err(Parting::Closed)));
        };
        let joined_at = self.joined_at.take();
        let now = joined_at.unwrap_or_else(|| self.home.clock.now());
        let end = match self.home.engine.look(place, cx.waker(), now, looking) {
            Look::Create => return Poll::Ready(Step::Create),
            Look::Wait { alarm } => {
                self.wait(cx, alarm);
                return Poll::Pending;
            }
            Look::Ready(first, more) => Ok(((first, more), now)),
            Look::Parted(why) => Err(why),
        };
        self.place = None;
        Poll::Ready(Step::End(end))
    }

    fn wait(&mut self, cx: &Context<'_>, alarm: Option<Tick>) {
        if let Some(at) = alarm
            && !self.home.ring_at(at)
        {
            // It rang within the call, or nobody can ring it: then waiting is polling.
            self.home.engine.alarm_missed();
            cx.waker().wake_by_ref();
        }
        if !std::mem::replace(&mut self.waited, true) {
            self.home.warn_if_nested(self.by);
        }
    }

    /// Starts a creation in the background; gives the job back where there is none.
    fn start_creation(&self) -> Option<Job> {
        let Some(shared) = self.home.arc() else {
            self.home.engine.creation_withdrawn();
            return None;
        };
        create::start(&shared, Purpose::Waiter)
    }

    /// Runs a creation here, and looks meanwhile: whichever comes first, the new object or one that
    /// comes back, ends the wait. A creation that is overtaken is dropped, and gives its permit back.
    async fn create_here(&mut self, job: Job) -> Step<D::Object> {
        let mut job = job;
        poll_fn(|cx| {
            if Pin::new(&mut job).poll(cx).is_ready() {
                return Poll::Ready(Step::Create);
            }
            self.look(cx, Looking::IsCreating)
        })
        .await
    }
}

impl<D: Driver, H: Home<D>> Drop for Turn<'_, D, H> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.home.engine.stats.cancelled();
            self.home.engine.leave(place);
        }
    }
}

impl<D: Driver> Shared<D> {
    /// Looked up only where somebody listens: it goes through all objects.
    fn warn_if_nested(&self, by: Taker) {
        if self.observer.is_some()
            && let Some(holding_since) = self.engine.registry.held_by(by.key)
        {
            self.tell(|| Event::NestedAcquire {
                at: by.at,
                holding_since,
            });
        }
    }
}
