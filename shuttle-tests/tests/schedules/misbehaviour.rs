//! Factories and runtimes that fail, panic, hang and forget; time passes.

use std::time::Duration;

use nebula_resource_shuttle_tests::{
    Act, Deed, End, Facade, Manners, Terms, Way, World, draw, pick,
};

/// Good more often than not: who wants two good ones at once has to get them some time.
const BAD_AT_TIMES: &[Act] = &[
    Act::Fine,
    Act::Fine,
    Act::Slow,
    Act::Slow,
    Act::Fails,
    Act::Panics,
    Act::Hangs,
];

const BAD_AT_CREATING: Manners = Manners {
    create: BAD_AT_TIMES,
    ..Manners::GOOD
};

const BAD_AT_CARING: Manners = Manners {
    create: &[Act::Fine],
    validate: BAD_AT_TIMES,
    recycle: BAD_AT_TIMES,
    destroy: BAD_AT_TIMES,
};

const BAD: Manners = Manners {
    create: BAD_AT_TIMES,
    ..BAD_AT_CARING
};

fn impatient() -> (Way, End) {
    let span = Duration::from_millis(1 + draw(2_000) as u64);
    let ways = [
        Way::Wait,
        Way::Owned,
        Way::Try,
        Way::Within(span),
        Way::Leave(1 + draw(12)),
    ];
    let ends = [End::Give, End::Give, End::Release, End::Discard, End::Break];
    (pick(&ways), pick(&ends))
}

/// Creations go wrong in every way, and their callers may have left: the others go on trying, one
/// probe at a time, until one succeeds.
pub(crate) fn failures<F: Facade>() {
    let world = World::<F>::new(Terms::rough(1 + draw(2), BAD_AT_CREATING));
    world.callers(2 + draw(3), 2, impatient);
    world.finish();
}

/// Validating, recycling and destroying go wrong: the object is lost, never its place.
pub(crate) fn checks<F: Facade>() {
    let world = World::<F>::new(Terms::rough(1 + draw(3), BAD_AT_CARING));
    world.callers(2 + draw(3), 3, impatient);
    world.owner(2, &[Deed::Maintain, Deed::Audit]);
    world.finish();
}

/// All of it at once.
pub(crate) fn everything<F: Facade>() {
    let world = World::<F>::new(Terms::rough(1 + draw(3), BAD));
    world.callers(3 + draw(3), 2, || {
        let (way, end) = impatient();
        (pick(&[way, way, Way::Many(1 + draw(2))]), end)
    });
    world.owner(
        3,
        &[
            Deed::Resize,
            Deed::Reorder,
            Deed::Pause,
            Deed::Retain,
            Deed::Clear,
            Deed::Audit,
            Deed::Maintain,
            Deed::Look,
        ],
    );
    if draw(4) == 0 {
        world.owner(1, &[Deed::Close]);
    }
    world.finish();
}
