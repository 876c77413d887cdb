//! Loom itself: does the one that runs here leave nothing out that the others rest on?

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use loom::sync::atomic::AtomicU64;
use nebula_resource_loom_tests::explore;

// One reads a word, another one changes it by a compare-and-swap loop, which begins with a load. With the
// loom of the registry that load hides the reading (tokio-rs/loom#166 and #392), and the order in which the
// change comes first is never tried; `ci/loom.patch` is there for that.
#[test]
fn a_load_hides_no_other_reading() {
    let seen = Arc::new(AtomicU8::new(0));
    let readings = Arc::clone(&seen);
    explore("a_load_hides_no_other_reading", move || {
        let word = Arc::new(AtomicU64::new(0));
        let changed = Arc::clone(&word);
        let changer = loom::thread::spawn(move || {
            let before = changed.load(Relaxed);
            changed
                .compare_exchange(before, before + 1, Relaxed, Relaxed)
                .unwrap();
        });
        readings.fetch_or(1 << word.load(Relaxed), Relaxed);
        changer.join().unwrap();
    });
    assert_eq!(seen.load(Relaxed), 0b11, "run it by `ci/loom.sh`");
}
