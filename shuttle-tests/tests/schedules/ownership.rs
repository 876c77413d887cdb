//! Owners against callers: what is done to a live pool costs nobody their turn.

use std::time::Duration;

use nebula_resource_shuttle_tests::{Deed, End, Facade, Terms, Way, World, draw, one_in, pick};

fn anything() -> (Way, End) {
    let ways = [
        Way::Wait,
        Way::Owned,
        Way::Try,
        Way::Many(1 + draw(3)),
        Way::Leave(1 + draw(8)),
    ];
    let ends = [
        End::Give,
        End::Give,
        End::Release,
        End::Discard,
        End::Detach,
    ];
    (pick(&ways), pick(&ends))
}

/// Pausing, filtering, clearing, counting, caring.
pub(crate) fn supervision<F: Facade>() {
    let world = World::<F>::new(Terms::calm(3));
    world.callers(2 + draw(3), 3, anything);
    world.owner(3, Deed::HARMLESS);
    world.owner(3, Deed::HARMLESS);
    world.finish();
}

/// Growing, shrinking, another order, another fairness.
pub(crate) fn reconfiguring<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(3)));
    world.callers(2 + draw(3), 3, anything);
    world.owner(3, &[Deed::Resize, Deed::Resize, Deed::Reorder]);
    world.owner(3, &[Deed::Resize, Deed::Reorder, Deed::Pause]);
    world.finish();
}

/// Closed while everything goes on: everybody is told, every object goes.
pub(crate) fn closing<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(2)));
    world.callers(3 + draw(3), 2, anything);
    world.owner(2, &[Deed::Close, Deed::Resize, Deed::Clear]);
    if one_in(2) {
        world.owner(1, &[Deed::Close]);
    }
    world.finish();
}

/// The last handle goes while guards, waiting futures and creations are out.
pub(crate) fn orphans<F: Facade>() {
    let world = World::<F>::new(Terms::calm(1 + draw(2)));
    world.callers(3 + draw(3), 2, || {
        let ways = [Way::Owned, Way::Owned, Way::Leave(1 + draw(8))];
        (pick(&ways), pick(&[End::Give, End::Release, End::Detach]))
    });
    world.thread(|world| {
        for _ in 0..draw(4) {
            shuttle::thread::sleep(Duration::ZERO);
        }
        world.let_go();
    });
    world.finish();
}
