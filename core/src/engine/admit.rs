//! Whether there is room in the line for one more, and how long it may stand there.
//!
//! Shows the bounds how the line stands and does what they say, under the line's lock. Decides nothing itself
//! (`waiters::overload` does); knows nothing of looking and leaving.

use crate::Tick;
use crate::engine::Engine;
use crate::waiters::{Locked, Sight, Verdict, Wish};

impl<T> Engine<T> {
    /// What is left of its wish in a line that is too long; nothing where there is no room.
    #[inline]
    pub(super) fn admit(&self, line: &mut Locked<'_, T>, wish: Wish, now: Tick) -> Option<Wish> {
        if line.overload.is_none() || wish.returning {
            return Some(wish);
        }
        let state = self.permits.state();
        let sight = Sight {
            waiting: line.queue.len(),
            all_made: state.open() && state.total() >= state.limit() && line.gate.creating() == 0,
            now,
        };
        let judged = line.overload.as_mut().map(|bounds| bounds.judge(sight));
        match judged.unwrap_or(Verdict::Waits) {
            Verdict::TurnedAway => None,
            Verdict::Waits => Some(wish),
            Verdict::WaitsFor(span) => Some(wish.within(span)),
            Verdict::AllWaitFor(span) => {
                line.queue.hurry(span);
                line.alarm = Tick::NEVER;
                Some(wish.within(span))
            }
        }
    }
}
