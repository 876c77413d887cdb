//! The port through which a workflow engine, or any other library, asks for resources without
//! knowing where they come from.
//!
//! Decides only the shape. The manager has an adapter here; tests and other programs may have
//! providers of their own.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use nebula_resource_core::park;

use crate::context::Context;
use crate::manager::{Manager, ResourceError};
use crate::resource::Resource;

/// What [`ResourceProvider::provide`] answers with.
pub type ProvideFuture<'p> =
    Pin<Box<dyn Future<Output = Result<AnyGuard, ResourceError>> + Send + 'p>>;

/// Has resources, and hands them out by key and type.
///
/// A library that needs resources depends on this, and on nothing else of the manager: it takes an
/// `Arc<dyn ResourceProvider>`. Callers ask through [`Resources`], which knows types.
///
/// # Examples
///
/// A provider for tests, which has one thing:
///
/// ```
/// use nebula_resource::provider::{AnyGuard, ProvideFuture, Request, ResourceProvider};
/// use nebula_resource::ResourceError;
///
/// struct Greetings;
///
/// impl ResourceProvider for Greetings {
///     fn provide<'p>(&'p self, request: Request<'p>) -> ProvideFuture<'p> {
///         Box::pin(async move {
///             if request.key() != "greeting" {
///                 let key = request.key().to_owned();
///                 return Err(ResourceError::UnknownKey { key, known: vec![] });
///             }
///             Ok(AnyGuard::new(Box::new("hello".to_owned())))
///         })
///     }
/// }
/// ```
pub trait ResourceProvider: Send + Sync {
    /// An instance of what is asked for.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point.
    fn provide<'p>(&'p self, request: Request<'p>) -> ProvideFuture<'p>;
}

/// What is asked of a [`ResourceProvider`].
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    key: &'r str,
    context: &'r Context,
    resource: TypeId,
    resource_name: &'static str,
    at: &'static Location<'static>,
}

impl<'r> Request<'r> {
    /// To ask for an instance of `R`, on behalf of whoever `context` says.
    #[track_caller]
    pub fn new<R: Resource>(key: &'r str, context: &'r Context) -> Self {
        Self {
            key,
            context,
            resource: TypeId::of::<R>(),
            resource_name: type_name::<R>(),
            at: Location::caller(),
        }
    }

    /// What it is called.
    pub const fn key(&self) -> &'r str {
        self.key
    }

    /// On whose behalf.
    pub const fn context(&self) -> &'r Context {
        self.context
    }

    /// The type of resource that is expected.
    pub const fn resource(&self) -> TypeId {
        self.resource
    }

    /// That type, as the compiler calls it.
    pub const fn resource_name(&self) -> &'static str {
        self.resource_name
    }

    /// Where it is asked for.
    pub const fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

/// A guard of something, whatever it is.
pub struct AnyGuard(Box<dyn Any + Send>);

/// A guard that derefs to an instance.
type Inside<I> = Box<dyn DerefMut<Target = I> + Send>;

impl AnyGuard {
    /// Wraps `guard`, which derefs to an instance.
    pub fn new<I: 'static>(guard: impl DerefMut<Target = I> + Send + 'static) -> Self {
        let inside: Inside<I> = Box::new(guard);
        Self(Box::new(inside))
    }

    /// The guard again, if it derefs to `R`'s instances.
    ///
    /// # Errors
    ///
    /// Gives it back if it derefs to something else.
    pub fn downcast<R: Resource>(self) -> Result<Provided<R>, Self> {
        match self.0.downcast::<Inside<R::Instance>>() {
            Ok(inside) => Ok(Provided(*inside)),
            Err(other) => Err(Self(other)),
        }
    }
}

impl fmt::Debug for AnyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyGuard").finish_non_exhaustive()
    }
}

/// An instance of `R` from some [`ResourceProvider`]; goes back to where it came from when dropped.
pub struct Provided<R: Resource>(Inside<R::Instance>);

impl<R: Resource> Deref for Provided<R> {
    type Target = R::Instance;

    fn deref(&self) -> &R::Instance {
        &self.0
    }
}

impl<R: Resource> DerefMut for Provided<R> {
    fn deref_mut(&mut self) -> &mut R::Instance {
        &mut self.0
    }
}

impl<R: Resource> fmt::Debug for Provided<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").finish_non_exhaustive()
    }
}

/// Somebody's way to resources: a provider, and on whose behalf it is asked.
///
/// What a workflow engine puts into the context that it gives to an action.
///
/// # Examples
///
/// ```
/// use nebula_resource::provider::Resources;
/// use nebula_resource::{Context, CreateContext, Manager, Resource, ResourceError, Scope};
/// # use std::{convert::Infallible, sync::Arc};
/// # struct Db;
/// # impl Resource for Db {
/// #     type Config = ();
/// #     type Instance = Vec<String>;
/// #     type Error = Infallible;
/// #     async fn create(&self, _: &(), _: &CreateContext) -> Result<Vec<String>, Infallible> {
/// #         Ok(Vec::new())
/// #     }
/// # }
///
/// /// An action of a workflow: knows its resources by key and type, and not who has them.
/// async fn note(ctx: &Resources, line: &str) -> Result<usize, ResourceError> {
///     let mut db = ctx.resource::<Db>("main_db").await?;
///     db.push(line.to_owned());
///     Ok(db.len())
/// }
///
/// # futures::executor::block_on(async {
/// let manager = Manager::new();
/// manager.register("main_db", Db, ()).await?;
///
/// let run = Scope::tenant("acme")?.workflow("billing")?.execution("4711")?;
/// let ctx = Resources::new(Arc::new(manager), Context::new(run));
/// assert_eq!(note(&ctx, "begun").await?, 1);
/// assert_eq!(note(&ctx, "done").await?, 2);
/// # Ok::<(), nebula_resource::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Resources {
    provider: Arc<dyn ResourceProvider>,
    context: Context,
}

impl Resources {
    /// Resources of `provider`, for whoever `context` says.
    pub fn new(provider: Arc<dyn ResourceProvider>, context: Context) -> Self {
        Self { provider, context }
    }

    /// On whose behalf.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// An instance of the resource that is called `key`.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point.
    #[track_caller]
    pub fn resource<'r, R: Resource>(
        &'r self,
        key: &'r str,
    ) -> impl Future<Output = Result<Provided<R>, ResourceError>> + Send + use<'r, R> {
        let request = Request::new::<R>(key, &self.context);
        let providing = self.provider.provide(request);
        async move {
            let guard = providing.await?;
            guard.downcast().map_err(|_| ResourceError::WrongType {
                key: key.to_owned(),
                asked: request.resource_name,
                registered: "resource with other instances",
            })
        }
    }

    /// [`resource`](Self::resource), parking the thread.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Blocking
    ///
    /// Until there is an instance, or an error.
    #[track_caller]
    pub fn resource_blocking<R: Resource>(&self, key: &str) -> Result<Provided<R>, ResourceError> {
        park::block_on(self.resource(key))
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// Boxes what it hands out: twice for each acquire.
impl ResourceProvider for Manager {
    fn provide<'p>(&'p self, request: Request<'p>) -> ProvideFuture<'p> {
        Box::pin(self.provide_any(request))
    }
}
