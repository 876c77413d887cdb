//! What is recorded is in the order in which it happened, from threads and from tasks.

use std::sync::atomic::{AtomicBool, Ordering};

use nebula_resource_histories::{Call, Recorder, Reply};

#[test]
fn who_sees_the_effect_comes_after_the_call() {
    let recorder = Recorder::new();
    let happened = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (mut first, mut second) = (recorder.log(), recorder.log());
        let happened = &happened;
        scope.spawn(move || {
            let call = first.call(Call::Release(1));
            happened.store(true, Ordering::Relaxed);
            first.reply(call, Reply::Done);
        });
        scope.spawn(move || {
            while !happened.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            let call = second.call(Call::Acquire);
            second.reply(call, Reply::Got(1));
        });
    });
    let history = recorder.history();
    let [release, acquire] = history.operations() else {
        panic!("two calls: {history}");
    };
    assert_eq!((release.call, acquire.got()), (Call::Release(1), Some(1)));
    assert!(release.invoked < acquire.answered_at());
    assert!(recorder.history().is_empty(), "taken out once");
}

#[test]
fn what_was_not_answered_is_pending() {
    let recorder = Recorder::new();
    let mut log = recorder.log();
    let ticket = log.call(Call::Acquire);
    log.looked(&ticket);
    drop((ticket, log));
    let mut log = recorder.log();
    log.record(Call::Close, || (), |()| Reply::Done);
    drop(log);
    let history = recorder.history();
    let [acquire, close] = history.operations() else {
        panic!("two calls: {history}");
    };
    assert!(acquire.answer.is_none() && acquire.looked.len() == 1);
    assert!(acquire.overlaps(close) && acquire.actor != close.actor);
    assert_eq!(close.reply(), Some(Reply::Done));
}
