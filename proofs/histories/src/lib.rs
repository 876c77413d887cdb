//! Was everything that the callers of a pool saw at the same time as if they had come one after
//! the other?
//!
//! Records what concurrent callers asked a pool and what they were answered ([`Recorder`]), and
//! decides whether that history is linearizable ([`check`]): whether every call can be thought to
//! have happened at moments between its invocation and its answer so that a simple pool that does
//! one thing at a time ([`Spec`]) would have answered the same. Knows nothing of any pool's code:
//! objects are numbers.
//!
//! ```
//! use nebula_resource_histories::{Call, Recorder, Reply, Spec, check};
//!
//! let recorder = Recorder::new();
//! let mut log = recorder.log(); // one for each thread, task or hand-polled future
//! let call = log.call(Call::Acquire);
//! // … pool.acquire() …
//! log.reply(call, Reply::Got(7));
//! let call = log.call(Call::Release(7));
//! // … drop(guard) …
//! log.reply(call, Reply::Done);
//! drop(log); // hands its part in
//! let history = recorder.history();
//! check(&history, &Spec::new(1)).expect("linearizable");
//! ```
//!
//! # Recording
//!
//! The order of events is the order of one atomic counter. A call reads it with `Acquire`, an
//! answer with `Release`: so a call that begins after another one's answer happens after it, which
//! is what the definition of linearizability presupposes, and nothing else is ordered that was
//! not before. (On x86 each is a locked instruction, which orders more. Faults of memory order are
//! for loom to find; here it is about the protocol.) Each log is a plain vector; the one lock, to
//! hand it in, is taken when the log is dropped. Only `std` is used, so that under shuttle the
//! recorder is no schedule point, and nothing here ever waits. A log that is dropped in the middle
//! of a call, with the future or task that owned it, leaves that call pending.
//!
//! # The checker
//!
//! Wing and Gong ("Testing and verifying concurrent objects", 1993): a depth-first search over
//! which pending call takes effect next, which may be any that was made before the earliest answer
//! that is still to be explained. Lowe ("Testing for linearizability", 2017): a configuration (how
//! far each call has come, and the state of the pool) that was seen once leads nowhere new. A call
//! that was never answered may have taken effect or not. A search that has visited as many
//! configurations as it may answers [`Fault::Undecided`], which is a failure.
//!
//! # What is claimed of a pool
//!
//! See [`Spec`]; and [`fairness`] for the order in line, which is no matter of linearizability.

pub mod fairness;
pub mod mutants;

mod check;
mod history;
mod moves;
mod record;
mod shrink;
mod spec;
mod state;

pub use check::{Fault, Witness, check, check_within};
pub use history::{Answer, Call, History, Operation, Reply};
pub use record::{Log, Recorder, Ticket};
pub use shrink::shrunk;
pub use spec::Spec;
