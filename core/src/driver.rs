//! What an engine needs from a facade: running the user's callbacks, and somewhere to run jobs.
//!
//! Vocabulary between core and its facades; users meet it only in signatures. Decides nothing.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use crate::factory::BoxError;
use crate::held::Held;
use crate::retire::RetireReason;
use crate::shared::Shared;

/// Background work of a pool.
pub type Job = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A reference to a pool's shared part: borrowed or counted.
pub trait Home<D: Driver>: Deref<Target = Shared<D>> + Clone + Send + Sync {}

impl<D: Driver, H: Deref<Target = Shared<D>> + Clone + Send + Sync> Home<D> for H {}

/// An object on its way through a callback, and what came of it.
pub type Outcome<D, H> = (Held<D, H>, Result<(), BoxError>);

/// How a facade runs its factory.
///
/// The futures may panic and may hang: the engine bounds and catches. Dropped before its end, a
/// future drops its [`Held`], which retires the object.
pub trait Driver: Send + Sync + Sized + 'static {
    /// What the factory makes.
    type Object: Send + 'static;

    /// Makes an object.
    fn create(&self) -> impl Future<Output = Result<Self::Object, BoxError>> + Send;

    /// Has an object validated.
    fn validate<H: Home<Self>>(
        held: Held<Self, H>,
    ) -> impl Future<Output = Outcome<Self, H>> + Send;

    /// Has an object recycled.
    fn recycle<H: Home<Self>>(held: Held<Self, H>)
    -> impl Future<Output = Outcome<Self, H>> + Send;

    /// Recycles an object on the spot, if that takes no waiting. `None`: it may; use
    /// [`recycle`](Self::recycle). May panic.
    fn recycle_at_once(&self, object: &mut Self::Object) -> Option<Result<(), BoxError>>;

    /// Asks whether a returned object is visibly unusable.
    fn is_broken(&self, object: &Self::Object) -> bool;

    /// Says goodbye to an object.
    fn destroy(&self, object: Self::Object, why: RetireReason) -> impl Future<Output = ()> + Send;

    /// Whether [`spawn`](Self::spawn) can be expected to work. If not, work is done by whoever
    /// needs it done: creations inline, maintenance by hand.
    fn can_spawn(&self) -> bool;

    /// Runs a job in the background.
    ///
    /// # Errors
    ///
    /// Gives the job back when it cannot be run; the caller runs it then.
    fn spawn(&self, job: Job) -> Result<(), Job>;
}
