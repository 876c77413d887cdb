//! Panics of the nastier kinds: for want of memory, and with payloads that panic again.
//!
//! Knows nothing of who has to survive them.

use std::any::Any;

/// Panics in its turn when it is dropped, and that payload once more.
pub(crate) struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        // Unwinding already, a second panic would end the process: whoever holds a payload has caught it.
        if self.0 > 0 && !std::thread::panicking() {
            std::panic::panic_any(Self(self.0 - 1));
        }
    }
}

pub(crate) fn bomb() -> ! {
    std::panic::panic_any(Bomb(2))
}

/// What a container does when there is no memory, where that panics: more than there is cannot be
/// reserved, and the error that says so is thrown.
pub(crate) fn out_of_memory() -> ! {
    let mut memory = Vec::<u8>::new();
    match memory.try_reserve_exact(isize::MAX as usize) {
        Ok(()) => panic!("so much memory on command"),
        Err(refused) => std::panic::panic_any(refused),
    }
}

/// Whether somebody asked for this panic.
pub(crate) fn on_command(payload: &(dyn Any + Send)) -> bool {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    payload.is::<Bomb>()
        || payload.is::<std::collections::TryReserveError>()
        || text.is_some_and(|text| text.ends_with("on command"))
}
