//! Redis connections for `nebula-resource`: [`RedisResource`] and [`BlockingRedisResource`] for a
//! manager; for a bare pool one [`Redis`] is a [`Factory`] for async pools and a [`BlockingFactory`]
//! for blocking ones.
//!
//! Decides how a connection is opened, what is undone between two callers of it, and when it is of no
//! use any more. Knows nothing of pools and waiting.
//!
//! Each connection has one holder at a time: nothing is multiplexed, and a [`RedisConnection`]
//! cannot be cloned. So `WATCH`, `MULTI` and `SELECT` mean what they say, and a slow command slows
//! nobody else.
//!
//! Connections are made without TLS so far: password and data cross the network as they are, and
//! `rediss://` is refused.
//!
//! # What is reset between two callers
//!
//! Everything that a session holds, in one round trip: an open transaction, watched keys, the database,
//! the user, the connection's name, subscriptions, client tracking, the protocol version. The server's
//! `RESET` (Redis 6.2) does that, and the session is then set up as configured.
//!
//! Most callers leave nothing behind: they read and write keys. The driver looks at the name of each
//! command, and when all were of a kind that leaves the session as it is, there is nothing to reset and no
//! round trip. A name that it does not know counts as one that does. A few things not even `RESET`
//! undoes (`CLIENT REPLY OFF`, `CLIENT NO-EVICT`, `MONITOR`, …): such a connection is retired, and
//! so is one on which an answer has not come in time, or on which a blocking command was given up.
//!
//! # Examples
//!
//! ```no_run
//! use nebula_resource_core::Factory;
//! use nebula_resource_redis::Redis;
//! use nebula_resource_redis::redis::AsyncCommands;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let factory = Redis::connect_to("redis://:secret@localhost/2");
//!
//! let mut db = Factory::create(&factory).await?; // a pool does this, and the rest
//! let _: () = db.set("greeting", "hello").await?;
//! let greeting: String = db.get("greeting").await?;
//! assert_eq!(greeting, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! [`Factory`]: nebula_resource_core::Factory
//! [`BlockingFactory`]: nebula_resource_core::BlockingFactory

mod blocking;
mod commands;
mod connection;
mod error;
mod factory;
mod login;
mod packed;
mod resource;
mod session;
mod settings;
mod stream;
mod target;

pub use blocking::BlockingRedisConnection;
pub use connection::RedisConnection;
pub use error::{ConfigError, ConnectionError};
pub use factory::Redis;
pub use redis;
pub use resource::{BlockingRedisResource, Managed, RedisResource};
pub use secrecy;
pub use settings::RedisConfig;
