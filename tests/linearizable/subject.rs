//! The pool under test, behind a counter that may lie.
//!
//! Decides what an answer looks like in a history. An honest subject passes the pool's answers on;
//! a lying one shows that whoever looks at the history would notice.

use std::sync::Mutex;

use nebula_resource::AcquireError;
use nebula_resource_core::{BorrowedGuard, CountedGuard, Driver, Pool};
use nebula_resource_histories::{Call, Reply};

/// What a subject tells its callers that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    /// Gives what somebody else holds.
    SharesOne,
    /// Gives something though the pool is closed.
    IgnoresClose,
    /// Gives what was discarded or detached.
    RevivesTheGone,
    /// Gives something new where there is none to be had.
    MakesTooMany,
    /// Says that there is none, though there is.
    HidesOne,
}

pub(crate) enum Guard<D: Driver<Object = u64>> {
    Borrowed(BorrowedGuard<'static, D>),
    Owned(CountedGuard<D>),
    /// There is nothing behind it.
    Forged,
}

/// An object as its caller knows it.
pub(crate) struct Taken<D: Driver<Object = u64>> {
    pub(crate) id: u64,
    guard: Guard<D>,
}

#[derive(Default)]
struct Known {
    held: Vec<u64>,
    gone: Vec<u64>,
    lies: u64,
}

pub(crate) struct Subject<D: Driver<Object = u64>> {
    /// Never dropped, so that guards can borrow it in whichever task.
    pub(crate) pool: &'static Pool<D>,
    lie: Lie,
    known: Mutex<Known>,
}

impl Known {
    fn tells_the_third_lie(&mut self) -> bool {
        self.lies += 1;
        self.lies.is_multiple_of(3)
    }
}

type Answer<D> = (Reply, Option<Taken<D>>);

impl<D: Driver<Object = u64>> Subject<D> {
    pub(crate) fn new(pool: Pool<D>, lie: Lie) -> Self {
        Self {
            pool: Box::leak(Box::new(pool)),
            lie,
            known: Mutex::default(),
        }
    }

    pub(crate) fn borrowed(
        &self,
        acquired: Result<BorrowedGuard<'static, D>, AcquireError>,
    ) -> Answer<D> {
        self.answer(acquired.map(|guard| (*guard, Guard::Borrowed(guard))))
    }

    pub(crate) fn owned(&self, acquired: Result<CountedGuard<D>, AcquireError>) -> Answer<D> {
        self.answer(acquired.map(|guard| (*guard, Guard::Owned(guard))))
    }

    fn answer(&self, acquired: Result<(u64, Guard<D>), AcquireError>) -> Answer<D> {
        let honest = match acquired {
            Ok((id, guard)) => (Reply::Got(id), Some(Taken { id, guard })),
            Err(AcquireError::Closed) => (Reply::Closed, None),
            Err(AcquireError::Paused { .. }) => (Reply::Paused, None),
            Err(AcquireError::TimedOut(_)) => (Reply::TimedOut, None),
            Err(error) => panic!("nothing else can go wrong here: {error}"),
        };
        self.told(honest, Reply::TimedOut)
    }

    pub(crate) fn try_acquire(&self) -> Answer<D> {
        let taken = self.pool.try_acquire().map(|guard| Taken {
            id: *guard,
            guard: Guard::Borrowed(guard),
        });
        let reply = taken.as_ref().map(|taken| Reply::Got(taken.id));
        self.told((reply.unwrap_or(Reply::Nothing), taken), Reply::Nothing)
    }

    /// What the caller is told; `missed` is what it would be told if there were nothing.
    fn told(&self, honest: Answer<D>, missed: Reply) -> Answer<D> {
        if self.lie == Lie::Nothing {
            return honest;
        }
        let mut known = self.known.lock().unwrap();
        let (reply, taken) = honest;
        let (reply, taken) = match (self.lie, reply, taken) {
            (Lie::SharesOne, Reply::Got(id), Some(taken)) => {
                let shared = known.held.last().copied().unwrap_or(id);
                got(shared, taken.guard)
            }
            (Lie::RevivesTheGone, Reply::Got(id), Some(taken)) => {
                let revived = known.gone.last().copied().unwrap_or(id);
                got(revived, taken.guard)
            }
            (Lie::IgnoresClose, Reply::Closed, _) => got(1, Guard::Forged),
            (Lie::MakesTooMany, Reply::TimedOut | Reply::Nothing, _) if !self.pool.is_closed() => {
                known.lies += 1;
                got(1_000_000 + known.lies, Guard::Forged)
            }
            // Now and then: what it got goes back in secret.
            (Lie::HidesOne, Reply::Got(_), Some(_)) if known.tells_the_third_lie() => {
                (missed, None)
            }
            (_, reply, taken) => (reply, taken),
        };
        known.held.extend(taken.as_ref().map(|taken| taken.id));
        (reply, taken)
    }

    /// Before an object is given up, in whichever way.
    pub(crate) fn gives_up(&self, call: Call) {
        let (Call::Release(id) | Call::Discard(id) | Call::Detach(id)) = call else {
            return;
        };
        if self.lie != Lie::Nothing {
            let mut known = self.known.lock().unwrap();
            known.held.retain(|held| *held != id);
            let gone = !matches!(call, Call::Release(_));
            known.gone.extend(gone.then_some(id));
        }
    }
}

fn got<D: Driver<Object = u64>>(id: u64, guard: Guard<D>) -> Answer<D> {
    (Reply::Got(id), Some(Taken { id, guard }))
}

impl<D: Driver<Object = u64>> Taken<D> {
    pub(crate) fn discard(self) {
        match self.guard {
            Guard::Borrowed(guard) => guard.discard(),
            Guard::Owned(guard) => guard.discard(),
            Guard::Forged => {}
        }
    }

    pub(crate) fn detach(self) {
        match self.guard {
            Guard::Borrowed(guard) => drop(guard.detach()),
            Guard::Owned(guard) => drop(guard.detach()),
            Guard::Forged => {}
        }
    }

    pub(crate) async fn release(self) {
        match self.guard {
            Guard::Borrowed(guard) => guard.release().await,
            Guard::Owned(guard) => guard.release().await,
            Guard::Forged => {}
        }
    }
}
