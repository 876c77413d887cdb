//! A turn in line: from joining to being served, refused, or gone.
//!
//! Decides what a waiter does while it waits: nothing, start a creation, or run one itself where
//! there is no background. Dropped, it leaves the line and passes its turn on. Knows nothing of what
//! an object must pass before it is handed out.
//!
//! Polled by hand rather than written as an `async fn`: a task that waits is served by one processor and
//! runs on another, and each cache line of its future travels with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Tick;
use crate::create::{self, Purpose};
use crate::driver::{Driver, Home, Job};
use crate::engine::{Look, Looking, Parting};
use crate::entry::Entry;
use crate::guarded::contained;
use crate::observer::Event;
use crate::record::Taker;
use crate::shared::Shared;
use crate::waiters::{Place, Wish};

/// See the module.
pub(crate) struct Turn<D: Driver, H: Home<D>> {
    pub(crate) home: H,
    pub(crate) wish: Wish,
    pub(crate) by: Taker,
    stage: Stage,
    waited: bool,
    driver: std::marker::PhantomData<fn() -> D>,
}

enum Stage {
    /// To join the line at the next poll. The clock was read just now: reading it is a good part of what
    /// waiting costs.
    Joining(Tick),
    InLine(Place),
    /// In line, and running a creation itself.
    Creating(Place, Job),
    /// Nowhere.
    Over,
}

/// The objects asked for: the first, and the rest for those who want several.
pub(crate) type Served<T> = (Box<Entry<T>>, Vec<Box<Entry<T>>>);

/// How a wait ends: with what was asked for, and when that was; or with nothing.
type End<T> = Result<(Served<T>, Tick), Parting>;

impl<D: Driver, H: Home<D>> Turn<D, H> {
    pub(crate) const fn new(home: H, wish: Wish, by: Taker, now: Tick) -> Self {
        Self {
            home,
            wish,
            by,
            stage: Stage::Joining(now),
            waited: false,
            driver: std::marker::PhantomData,
        }
    }

    /// What it got was no good: it goes back to the head of the line, not to the end of it.
    pub(crate) fn rejoin(&mut self, now: Tick) {
        self.wish.returning = true;
        self.stage = Stage::Joining(now);
    }

    /// Waits until it is served, or has to leave.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End<D::Object>> {
        loop {
            let looking = match &mut self.stage {
                Stage::Creating(place, job) => {
                    let place = *place;
                    if Pin::new(job).poll(cx).is_ready() {
                        self.move_to(Stage::InLine(place));
                        continue;
                    }
                    // Whichever comes first, the new object or one that comes back, ends the wait. A creation
                    // that is overtaken is dropped, and gives its permit back.
                    Looking::IsCreating
                }
                _ => Looking::MayCreate,
            };
            let (look, now) = self.look(cx, looking);
            return Poll::Ready(match look {
                Look::Create => {
                    self.create();
                    continue;
                }
                Look::Wait { alarm } => {
                    self.set_alarm(cx, alarm);
                    if !std::mem::replace(&mut self.waited, true) {
                        self.warn_if_nested();
                    }
                    return Poll::Pending;
                }
                Look::Ready(first, more) => Ok(((first, more), now)),
                Look::Parted(why) => Err(why),
            });
        }
    }

    fn look(&mut self, cx: &Context<'_>, looking: Looking) -> (Look<D::Object>, Tick) {
        let (place, look, now) = match self.stage {
            Stage::Joining(now) => match self.home.engine.enter(self.wish, cx.waker(), now) {
                Ok((place, look)) => (place, look, now),
                Err(why) => {
                    self.move_to(Stage::Over);
                    return (Look::Parted(why), now);
                }
            },
            Stage::InLine(place) | Stage::Creating(place, _) => {
                let now = self.home.clock.now();
                let look = self.home.engine.look(place, cx.waker(), now, looking);
                (place, look, now)
            }
            Stage::Over => return (Look::Parted(Parting::Closed), Tick::ZERO),
        };
        match look {
            Look::Ready(..) | Look::Parted(_) => self.move_to(Stage::Over),
            Look::Create | Look::Wait { .. } => {
                if let Stage::Joining(_) = self.stage {
                    self.stage = Stage::InLine(place);
                }
            }
        }
        (look, now)
    }

    /// A creation that is given up is dropped with the stage. That is user code, and must not take along
    /// what was just served.
    fn move_to(&mut self, stage: Stage) {
        let before = std::mem::replace(&mut self.stage, stage);
        contained(|| drop(before));
    }

    fn set_alarm(&self, cx: &Context<'_>, alarm: Option<Tick>) {
        if let Some(at) = alarm
            && !self.home.ring_at(at)
        {
            // It rang within the call, or nobody can ring it: then waiting is polling.
            self.home.engine.alarm_missed();
            cx.waker().wake_by_ref();
        }
    }

    /// Starts a creation in the background; where there is none, runs it itself.
    fn create(&mut self) {
        let Some(shared) = self.home.arc() else {
            return self.home.engine.creation_withdrawn();
        };
        if let (Some(job), Stage::InLine(place)) =
            (create::start(&shared, Purpose::Waiter), &self.stage)
        {
            self.stage = Stage::Creating(*place, job);
        }
    }

    /// Looked up only where somebody listens: it goes through all objects.
    fn warn_if_nested(&self) {
        let home: &Shared<D> = &self.home;
        if home.observer.is_some()
            && let Some(holding_since) = home.engine.registry.held_by(self.by.key)
        {
            home.tell(|| Event::NestedAcquire {
                at: self.by.at,
                holding_since,
            });
        }
    }
}

impl<D: Driver, H: Home<D>> Drop for Turn<D, H> {
    fn drop(&mut self) {
        if let Stage::InLine(place) | Stage::Creating(place, _) = self.stage {
            self.home.engine.stats.cancelled();
            self.home.engine.leave(place);
        }
    }
}
