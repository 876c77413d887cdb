//! Many futures, of which any may be the next to end.
//!
//! Decides which of them are looked at: only those that were woken, so that waiting for all of ten
//! thousand costs ten thousand looks and not their square. Knows nothing of what they do.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Futures that are waited for together; each is known by its number.
pub(super) struct Crowd<F> {
    members: Vec<Option<(F, Waker)>>,
    /// How many have not ended.
    left: usize,
    bell: Arc<Bell>,
}

/// Where members say that they want to be looked at.
#[derive(Default)]
struct Bell(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    members: VecDeque<usize>,
    /// Who waits for the crowd.
    waker: Option<Waker>,
}

struct Member {
    number: usize,
    bell: Arc<Bell>,
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        let mut woken = self.bell.lock();
        woken.members.push_back(self.number);
        let waker = woken.waker.take();
        drop(woken);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who waits, and answers how many want to be looked at.
    fn awaited_by(&self, waker: &Waker) -> usize {
        let mut woken = self.lock();
        let before = woken.waker.replace(waker.clone());
        let count = woken.members.len();
        drop(woken);
        drop(before);
        count
    }
}

impl<F: Future<Output = ()> + Unpin> Crowd<F> {
    /// Numbers them in their order.
    pub(super) fn new(futures: impl IntoIterator<Item = F>) -> Self {
        let bell = Arc::new(Bell::default());
        let member = |(number, future)| {
            let bell = Arc::clone(&bell);
            Some((future, Waker::from(Arc::new(Member { number, bell }))))
        };
        let members: Vec<_> = futures.into_iter().enumerate().map(member).collect();
        let left = members.len();
        bell.lock().members.extend(0..left);
        Self {
            members,
            left,
            bell,
        }
    }

    /// One more, which gets the next number.
    pub(super) fn add(&mut self, future: F) {
        let (number, bell) = (self.members.len(), Arc::clone(&self.bell));
        let waker = Waker::from(Arc::new(Member { number, bell }));
        self.members.push(Some((future, waker)));
        self.left += 1;
        self.bell.lock().members.push_back(number);
    }

    /// The number of one that has ended; none when all have.
    pub(super) fn next(&mut self) -> impl Future<Output = Option<usize>> {
        poll_fn(|cx| self.poll_next(cx))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        // Each at most once: one that wakes itself must not keep time from being looked at.
        for _ in 0..self.bell.awaited_by(cx.waker()) {
            let Some(number) = self.bell.lock().members.pop_front() else {
                break;
            };
            let place = &mut self.members[number];
            let Some((future, waker)) = place else {
                continue;
            };
            let ended = Pin::new(future).poll(&mut Context::from_waker(waker));
            if ended.is_ready() {
                *place = None;
                self.left -= 1;
                return Poll::Ready(Some(number));
            }
        }
        match self.left {
            0 => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use nebula_resource_async::runtime::{Manual, Runtime};

    use super::*;

    type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
    type Looks = Arc<Mutex<Vec<usize>>>;

    /// Counts how often it is looked at; wakes itself until that is more than `last`.
    fn counted(looks: &Looks, number: usize, last: usize) -> Boxed {
        let looks = Arc::clone(looks);
        Box::pin(poll_fn(move |cx| {
            let mut looks = looks.lock().unwrap();
            looks[number] += 1;
            if looks[number] > last {
                return Poll::Ready(());
            }
            drop(looks);
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// Counts how often it is looked at, and never ends.
    fn patient(looks: &Looks, number: usize) -> Boxed {
        let looks = Arc::clone(looks);
        Box::pin(async move {
            looks.lock().unwrap()[number] += 1;
            pending::<()>().await;
        })
    }

    #[test]
    fn whoever_ends_first_is_told_of_first() {
        let runtime = Manual::new();
        let mut crowd = Crowd::new([3, 1, 2].map(|at| runtime.sleep(Duration::from_secs(at))));
        let order: Vec<_> = (0..4).map(|_| runtime.run(crowd.next())).collect();
        assert_eq!(order, [Some(1), Some(2), Some(0), None]);
    }

    #[test]
    fn only_those_that_were_woken_are_looked_at() {
        let looks = Looks::new(Mutex::new(vec![0; 3]));
        let members = [
            patient(&looks, 0),
            counted(&looks, 1, 5),
            patient(&looks, 2),
        ];
        let mut crowd = Crowd::new(members);
        assert_eq!(Manual::new().run(crowd.next()), Some(1));
        assert_eq!(*looks.lock().unwrap(), [1, 6, 1]);
        assert_eq!(crowd.left, 2);
    }

    #[test]
    fn one_that_wakes_itself_is_looked_at_once_a_turn() {
        let looks = Looks::new(Mutex::new(vec![0]));
        let mut crowd = Crowd::new([counted(&looks, 0, usize::MAX - 1)]);
        let mut look = Context::from_waker(Waker::noop());
        assert!(crowd.poll_next(&mut look).is_pending());
        assert_eq!(*looks.lock().unwrap(), [1]);
    }

    #[test]
    fn who_comes_later_is_looked_at_too() {
        let runtime = Manual::new();
        let mut crowd = Crowd::new([runtime.sleep(Duration::from_secs(2))]);
        let mut look = Context::from_waker(Waker::noop());
        assert!(crowd.poll_next(&mut look).is_pending());
        crowd.add(runtime.sleep(Duration::from_secs(1)));
        let order: Vec<_> = (0..3).map(|_| runtime.run(crowd.next())).collect();
        assert_eq!(order, [Some(1), Some(0), None]);
    }

    #[test]
    fn nobody_is_waited_for_where_nobody_is() {
        let mut crowd = Crowd::<Boxed>::new([]);
        assert_eq!(Manual::new().run(crowd.next()), None);
    }
}
