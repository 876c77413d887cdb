//! Callers among themselves: who waits is served, however the others behave.

use std::time::Duration;

use nebula_resource_shuttle_tests::{End, Facade, Manners, Terms, Way, World, draw, pick};

/// Everybody wants one and gives it back. No time passes: a wake-up that is lost is a deadlock.
pub(crate) fn turns<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(2)));
    world.callers(3 + draw(4), 3, || {
        let way = pick(&[Way::Wait, Way::Wait, Way::Owned, Way::Try]);
        (way, pick(&[End::Give, End::Give, End::Release]))
    });
    world.finish();
}

/// Some leave after a few polls: before, while and after they are woken, served, or told to create.
/// Their turn, their object and their creation go to those who stay.
pub(crate) fn cancellation<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(2)));
    world.callers(4 + draw(4), 3, || {
        let leave = Way::Leave(1 + draw(12));
        (pick(&[leave, leave, Way::Wait]), End::Give)
    });
    world.finish();
}

/// Objects go in every way there is; each permit that is freed lets somebody have another one made.
pub(crate) fn endings<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(2)));
    world.callers(3 + draw(3), 3, || {
        let ends = [
            End::Give,
            End::Release,
            End::Discard,
            End::Detach,
            End::Break,
            End::Panic,
        ];
        (pick(&[Way::Wait, Way::Wait, Way::Owned]), pick(&ends))
    });
    world.finish();
}

/// Some want several at once, some only one, some lose patience. Nobody holds a part and waits.
pub(crate) fn several<F: Facade>() {
    let max_size = 2 + draw(2);
    let world = World::<F>::new(Terms::calm(max_size));
    world.callers(3 + draw(3), 2, || {
        let ways = [
            Way::Many(2),
            Way::Many(1 + draw(3)),
            Way::Wait,
            Way::Leave(1 + draw(8)),
        ];
        (pick(&ways), pick(&[End::Give, End::Give, End::Discard]))
    });
    world.finish();
}

/// Some have a deadline, and time passes: they are told when it is over, and the others served.
pub(crate) fn deadlines<F: Facade>() {
    const SLOW: Manners = Manners {
        create: &[nebula_resource_shuttle_tests::Act::Slow],
        ..Manners::GOOD
    };
    let world = World::<F>::new(Terms::rough(1 + draw(2), SLOW));
    world.callers(4 + draw(3), 3, || {
        let soon = Way::Within(Duration::from_millis(1 + draw(40) as u64));
        let ways = [soon, soon, Way::Wait, Way::Leave(1 + draw(8))];
        (pick(&ways), pick(&[End::Give, End::Give, End::Discard]))
    });
    world.finish();
}
