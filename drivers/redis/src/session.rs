//! What is known about a session while it passes from caller to caller.
//!
//! Decides whether it is clean, has to be reset, or is of no use any more. Knows nothing of sockets.

use redis::RedisError;

use crate::commands::Trace;

/// | state | next caller |
/// |---|---|
/// | clean | gets it as it is |
/// | dirty | gets it after a reset, which also waits for answers that are still to come |
/// | broken | does not get it |
#[derive(Debug, Default)]
pub(crate) struct Session {
    dirty: bool,
    broken: bool,
    /// A request that was sent and whose answer has not been seen: it is under way, or its caller
    /// has given it up.
    open: Option<Trace>,
}

impl Session {
    /// A request is about to be sent. Its caller may go away at any moment from here on.
    pub(crate) fn begin(&mut self, trace: Trace) {
        if let Some(before) = self.open.replace(trace) {
            self.give_up(before);
        }
    }

    /// Its answer has come, or will never come.
    pub(crate) fn end<T>(&mut self, result: &Result<T, RedisError>) {
        let trace = self.open.take().unwrap_or(Trace::Dirt);
        self.dirty |= trace == Trace::Dirt;
        self.broken |= trace == Trace::Indelible || result.as_ref().is_err_and(is_fatal);
    }

    /// Its answer is not waited for.
    pub(crate) fn leave_open(&mut self) {
        if let Some(trace) = self.open.take() {
            self.give_up(trace);
        }
    }

    /// An answer that is sure to come soon can be waited for by the reset. Others may never come: a
    /// `BLPOP` that was given up would block the next caller, and lose what it pops.
    fn give_up(&mut self, trace: Trace) {
        self.dirty = true;
        self.broken |= trace != Trace::None;
    }

    pub(crate) fn is_clean(&self) -> bool {
        !self.dirty && !self.broken && self.open.is_none()
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken || self.open.is_some_and(|trace| trace != Trace::None)
    }

    /// Nothing that is read from it can be relied on.
    pub(crate) fn is_lost(&mut self) {
        self.broken = true;
    }

    /// It is as it was when it was new.
    pub(crate) fn was_reset(&mut self) {
        *self = Self::default();
    }
}

/// Whether an error is about the connection. After a timeout the answer may still come, but a server
/// that did not answer in time is not one to hand to the next caller.
fn is_fatal(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::{ErrorKind, RedisError};

    use super::Session;
    use crate::commands::Trace;

    const FINE: Result<(), RedisError> = Ok(());

    fn after(trace: Trace, result: &Result<(), RedisError>) -> Session {
        let mut session = Session::default();
        session.begin(trace);
        session.end(result);
        session
    }

    #[test]
    fn answered_requests() {
        assert!(after(Trace::None, &FINE).is_clean());
        let dirty = after(Trace::Dirt, &FINE);
        assert!(!dirty.is_clean() && !dirty.is_broken());
        assert!(after(Trace::Indelible, &FINE).is_broken());
    }

    #[test]
    fn dirt_stays_until_the_reset() {
        let mut session = after(Trace::Dirt, &FINE);
        session.begin(Trace::None);
        session.end(&FINE);
        assert!(!session.is_clean());
        session.was_reset();
        assert!(session.is_clean());
    }

    #[test]
    fn errors_of_the_connection_break_it_and_those_of_the_caller_do_not() {
        let timeout = Err(io::Error::from(io::ErrorKind::TimedOut).into());
        let eof = Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        let parse = Err((ErrorKind::Parse, "what is that").into());
        for error in [timeout, eof, parse] {
            assert!(after(Trace::None, &error).is_broken(), "{error:?}");
        }
        let wrong_type = Err((ErrorKind::UnexpectedReturnType, "no number").into());
        assert!(after(Trace::None, &wrong_type).is_clean());
    }

    #[test]
    fn given_up_requests() {
        let mut session = Session::default();
        session.begin(Trace::None);
        assert!(!session.is_clean() && !session.is_broken());
        session.begin(Trace::None);
        session.end(&FINE);
        assert!(!session.is_clean() && !session.is_broken());

        let mut session = Session::default();
        session.begin(Trace::Dirt);
        assert!(session.is_broken());
        session.begin(Trace::None);
        session.end(&FINE);
        assert!(session.is_broken());

        let mut session = Session::default();
        session.begin(Trace::None);
        session.leave_open();
        assert!(!session.is_clean() && !session.is_broken());
    }
}
