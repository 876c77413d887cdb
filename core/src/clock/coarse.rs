//! The coarse cell: one word that says what time it was a moment ago, or that it is out of date.
//!
//! Decides what a reader may take for the time. Knows nothing of threads: who advances the cell,
//! and when it is given up, is `keeper.rs`.
//!
//! # The word
//!
//! | bit 63 `STALE` | bits 0..63 | meaning | who leaves it, and how |
//! |---|---|---|---|
//! | 0 | t | fresh: somebody moves it on; take t for the time | the keeper, to a later t (`advance`) or to stale (`give_up`) |
//! | 1 | t | stale: nobody moves it on; t is the latest it ever said | a reader, to fresh, or to a later stale t (`refresh`) |
//!
//! K1. Along the word's modification order t never falls. `advance` is a maximum, `give_up`
//! keeps t, and `refresh` replaces exactly the word whose t it compared with.
//!
//! K2. Every reading is the t of a word that was in the cell, so by K1 and the coherence of a
//! single atomic no thread, and no two threads that have spoken, see time run backwards. That is
//! why stale is a bit beside the latest time and not a value in its place: a bare zero would
//! forget how far the clock had come.
//!
//! # The keeper gives up while a reader refreshes
//!
//! *Reader late.* A reader loads stale t, reads the clock (100), and is preempted. Another one
//! refreshes to 200, the keeper moves on to 500 and gives up: stale 500. The first one's exchange
//! expects stale t and finds stale 500, so it fails, and the reader looks at the clock again. A
//! plain store, or an exchange against a bare sentinel, would have set the clock back to 100.
//!
//! *Reader first.* The keeper gives up (stale 500) and is about to park; a reader makes it fresh
//! 600 and unparks the keeper. The token outlives the gap, so the park returns at once, and the
//! keeper finds a fresh word to look after (its load sees it: `unpark` happens before the return
//! of the `park` it ends). No fresh word is left behind unattended.
//!
//! *Reader just before.* A reader loads fresh 500 and the keeper gives up right after. The reader
//! uses 500, no older than if it had come a moment earlier.
//!
//! The clock stays on `std` under `cfg(loom)`: the promise rests on one word, and on `park`
//! remembering an `unpark`; no model runs it, the stress test below does.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::tick::Tick;

/// Set while nobody moves the cell on. Leaves 63 bits of nanoseconds, 292 years.
const STALE: u64 = 1 << 63;

/// The cell; see the table above.
#[derive(Debug)]
pub(super) struct CoarseCell(AtomicU64);

impl CoarseCell {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(STALE))
    }

    /// What the cell says, unless it is stale.
    #[inline]
    pub(super) fn fresh(&self) -> Option<Tick> {
        // ord: Relaxed: the word is all there is to see, coherence alone keeps it in order (K2).
        let word = self.0.load(Ordering::Relaxed);
        (word & STALE == 0).then(|| Tick::from_nanos(word))
    }

    /// Brings a stale cell up to date; the time, and whether this call made the cell fresh.
    ///
    /// `kept` says that there is a keeper to move it on. Without one the cell stays stale, for
    /// else it would be a stopped clock, and only remembers the reading (K1).
    pub(super) fn refresh(&self, kept: bool, clock: impl Fn() -> Tick) -> (Tick, bool) {
        // ord: Relaxed, as in `fresh`.
        let mut seen = self.0.load(Ordering::Relaxed);
        while seen & STALE != 0 {
            let nanos = reading(clock()).max(seen & !STALE);
            let word = if kept { nanos } else { nanos | STALE };
            // ord: Relaxed: the `unpark` that follows a success carries it to the keeper.
            match self
                .0
                .compare_exchange(seen, word, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return (Tick::from_nanos(nanos), kept),
                Err(changed) => seen = changed,
            }
        }
        (Tick::from_nanos(seen), false)
    }

    /// Moves a fresh cell on to `now`; a stale one stays as it is. For the keeper.
    pub(super) fn advance(&self, now: Tick) {
        // A stale word is larger than any reading: the maximum leaves it alone.
        // ord: Relaxed, as in `fresh`.
        self.0.fetch_max(reading(now), Ordering::Relaxed);
    }

    /// Makes the cell stale: from here on nobody moves it on. For the keeper.
    pub(super) fn give_up(&self) {
        // ord: Relaxed, as in `fresh`.
        self.0.fetch_or(STALE, Ordering::Relaxed);
    }
}

fn reading(now: Tick) -> u64 {
    now.as_nanos().min(STALE - 1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    const fn tick(nanos: u64) -> Tick {
        Tick::from_nanos(nanos)
    }

    #[test]
    fn the_first_refresh_wins_and_the_keeper_moves_it_on() {
        let cell = CoarseCell::new();
        assert_eq!(cell.fresh(), None);
        assert_eq!(cell.refresh(true, || tick(5)), (tick(5), true));
        assert_eq!(cell.refresh(true, || tick(9)), (tick(5), false));
        cell.advance(tick(7));
        cell.advance(tick(6));
        assert_eq!(cell.fresh(), Some(tick(7)));
    }

    #[test]
    fn a_stale_cell_remembers_how_far_it_had_come() {
        let cell = CoarseCell::new();
        cell.refresh(true, || tick(500));
        cell.give_up();
        assert_eq!(cell.fresh(), None);
        cell.advance(tick(600));
        assert_eq!(cell.fresh(), None);
        assert_eq!(cell.refresh(true, || tick(100)), (tick(500), true));
    }

    #[test]
    fn without_a_keeper_it_stays_stale_and_in_order() {
        let cell = CoarseCell::new();
        assert_eq!(cell.refresh(false, || tick(5)), (tick(5), false));
        assert_eq!(cell.refresh(false, || tick(4)), (tick(5), false));
        assert_eq!(cell.fresh(), None);
    }

    #[test]
    fn a_reader_overtaken_while_it_reads_the_clock_does_not_set_it_back() {
        let cell = CoarseCell::new();
        let (first, calls) = (AtomicBool::new(true), AtomicU64::new(0));
        let (at, _) = cell.refresh(true, || {
            calls.fetch_add(1, Ordering::Relaxed);
            if first.swap(false, Ordering::Relaxed) {
                cell.refresh(true, || tick(200));
                cell.advance(tick(500));
                cell.give_up();
                return tick(100);
            }
            tick(700)
        });
        assert_eq!((at, calls.into_inner()), (tick(700), 2));
    }

    #[test]
    fn time_never_runs_backwards_for_any_reader() {
        let (cell, done) = (CoarseCell::new(), AtomicBool::new(false));
        let read = || {
            cell.fresh()
                .unwrap_or_else(|| cell.refresh(true, super::super::precise::now).0)
        };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = Tick::ZERO;
                    while !done.load(Ordering::Relaxed) {
                        let now = read();
                        assert!(last <= now, "{last:?} then {now:?}");
                        last = now;
                    }
                });
            }
            for round in 0..20_000 {
                cell.advance(super::super::precise::now());
                if round % 3 == 0 {
                    cell.give_up();
                }
            }
            done.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn no_reading_looks_stale() {
        assert_eq!(reading(Tick::NEVER), STALE - 1);
        assert_eq!(reading(tick(5)), 5);
    }
}
