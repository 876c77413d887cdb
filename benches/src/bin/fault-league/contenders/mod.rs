//! Those who take part, in the order of the table.
//!
//! Each file sets one pool up as its documentation recommends, and decides nothing else.

mod asyncband;
mod bb8;
mod broken;
mod deadpool;
mod mobc;
mod ours;
mod ours_async;
mod ours_sync;
mod r2d2;

use crate::contender::Entrant;

/// Every pool of the league.
pub(crate) const ALL: [&dyn Entrant; 7] = [
    &ours_async::OursAsync,
    &ours_sync::OursSync,
    &r2d2::R2d2,
    &bb8::Bb8,
    &deadpool::Deadpool,
    &mobc::Mobc,
    &asyncband::Asyncband,
];

/// The pool that does everything wrong: it shows that each row can be failed. Never listed.
const HIDDEN: &dyn Entrant = &broken::Broken;

/// The pool of that name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Entrant> {
    let mut everybody = ALL.into_iter().chain([HIDDEN]);
    everybody.find(|entrant| entrant.name() == name)
}
