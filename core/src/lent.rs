//! Lending an object to another thread, and writing it off when it does not come back.
//!
//! A blocking callback cannot be interrupted. When its time is up, the object it works on is
//! written off: its permit is free at once, although the object itself is still in the callback's
//! hands; when that returns, if it ever does, the object is dropped there.
//!
//! The owner's end keeps the books, the borrower's end keeps the object: so it does not matter
//! which of the two goes first.

use std::future::pending;
use std::sync::Arc;

use crate::driver::{Driver, Home, Outcome};
use crate::entry::Entry;
use crate::factory::BoxError;
use crate::guarded::{catch, contained};
use crate::held::{Held, fate};
use crate::helpers;
use crate::observer::Event;
use crate::offload::offload;
use crate::record::Record;
use crate::shared::Shared;

/// An object in the hands of a borrower thread. Dropped there, it takes the object with it.
struct Lent<D: Driver> {
    shared: Arc<Shared<D>>,
    entry: Option<Box<Entry<D::Object>>>,
}

/// The owner's end: dropped while the object is out, it writes it off.
struct Claim<D: Driver> {
    shared: Arc<Shared<D>>,
    record: Option<Arc<Record>>,
}

/// Has `work`, the user's `callback`, done on `held` by another thread, found through `run`.
///
/// # Cancel safety
///
/// Dropped before its end, it writes the object off.
pub async fn lend<D: Driver, H: Home<D>>(
    callback: &'static str,
    held: Held<D, H>,
    run: impl FnOnce(helpers::Job) -> Result<(), helpers::Job> + Send,
    work: impl FnOnce(&mut D::Object) -> Result<(), BoxError> + Send + 'static,
) -> Outcome<D, H> {
    let home = held.home_ref();
    let Some(held) = held.counted() else {
        // The pool is going, and whoever waits here with it.
        return pending().await;
    };
    let (shared, entry) = held.into_parts();
    let mut claim = Claim {
        shared: Arc::clone(&shared),
        record: Some(Arc::clone(&entry.record)),
    };
    let mut lent = Lent {
        shared,
        entry: Some(entry),
    };
    let working = offload(callback, run, move || {
        let result = lent.work(callback, work);
        (lent, result)
    });
    match working.await {
        Ok((mut lent, result)) => match lent.entry.take() {
            Some(entry) => {
                claim.record = None;
                (Held::new(home, entry), result)
            }
            None => pending().await,
        },
        // `work` catches what the callback throws; what is left is a destructor that panics.
        Err(_) => pending().await,
    }
}

impl<D: Driver> Lent<D> {
    fn work(
        &mut self,
        callback: &'static str,
        work: impl FnOnce(&mut D::Object) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        match &mut self.entry {
            Some(entry) => catch(callback, || work(&mut entry.object))?,
            None => Ok(()),
        }
    }
}

impl<D: Driver> Drop for Lent<D> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            // A destructor that panics changes nothing: the object is gone.
            contained(|| drop(entry));
            self.shared.engine.stats.destroyed();
            self.shared.engine.settled.notify(usize::MAX);
        }
    }
}

impl<D: Driver> Drop for Claim<D> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            let reason = fate();
            self.shared.engine.write_off(&record, reason);
            self.shared.tell(|| Event::Retired {
                id: record.id,
                reason,
            });
        }
    }
}
