//! What the instances of one pool have in common.
//!
//! Decides that it is made once. Knows nothing of what it is.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Thing = Arc<dyn Any + Send + Sync>;

/// One thing of each type. Clones have the same things.
#[derive(Clone, Default)]
pub(crate) struct Common(Arc<Mutex<Vec<Thing>>>);

impl Common {
    /// The thing of this type, made if there is none yet.
    pub(crate) fn get_or_make<T: Any + Send + Sync, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(there) = find(&self.things()) {
            return Ok(there);
        }
        // Not under the lock: it is the user's code. Of two that are made at once one is kept.
        let made = Arc::new(make()?);
        let mut things = self.things();
        if let Some(there) = find(&things) {
            drop(things);
            return Ok(there);
        }
        let thing: Thing = Arc::<T>::clone(&made);
        things.push(thing);
        Ok(made)
    }

    fn things(&self) -> MutexGuard<'_, Vec<Thing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<T: Any + Send + Sync>(things: &[Thing]) -> Option<Arc<T>> {
    let mut of_type = things.iter().filter(|thing| thing.is::<T>());
    of_type
        .next()
        .and_then(|thing| Arc::clone(thing).downcast().ok())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn each_type_has_one_thing_that_is_made_once() {
        let common = Common::default();
        let make = |number: u32| common.get_or_make(move || Ok::<_, Infallible>(number));
        assert_eq!(make(1), make(2));
        let word = common.clone().get_or_make(|| Ok::<_, Infallible>("a"));
        assert_eq!(word.as_deref(), Ok(&"a"));
        assert_eq!(make(3).as_deref(), Ok(&1));
    }

    #[test]
    fn what_could_not_be_made_is_tried_again() {
        let common = Common::default();
        assert_eq!(
            common.get_or_make(|| Err::<u32, _>("no luck")),
            Err("no luck")
        );
        assert_eq!(common.get_or_make(|| Ok::<_, &str>(7)).as_deref(), Ok(&7));
    }

    #[test]
    fn it_may_be_asked_for_while_it_is_made() {
        let common = Common::default();
        let inner = || common.get_or_make(|| Ok::<_, Infallible>(1));
        let outer = common.get_or_make(|| inner().map(|inner| *inner + 1));
        assert_eq!(outer, inner(), "the first that was done is kept");
    }
}
