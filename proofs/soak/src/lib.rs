//! Long random runs against the pools, from one printed seed: a soak, which does everything that
//! the public interface allows against a factory that misbehaves, and a storm of cancelled acquires.
//!
//! The seed decides what every actor does, step by step, and what every call of a factory does. It
//! does not decide who is first: the operating system does. A run with the same seed is the same
//! plan with another schedule.

mod dice;
pub mod soak;
pub mod storm;
