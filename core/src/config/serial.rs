//! For each field of the configuration, how it is read and written, and its name in the error.
//!
//! serde's own errors say what is wrong but not where, and a JSON document on one line has no
//! useful line number. Decides nothing else; the wording is in `words`.

use std::time::Duration;

use super::words::{OrNever, Plain, Span};
use super::{Fairness, Strategy};

macro_rules! fields {
    ($path:literal; $($field:ident: $kind:ty, $wording:ident;)*) => {$(
        pub(super) mod $field {
            use super::*;
            use crate::config::words::Wording;
            use serde::de::{Deserializer, Error};
            use serde::ser::Serializer;

            pub(in crate::config) fn deserialize<'de, D>(from: D) -> Result<$kind, D::Error>
            where
                D: Deserializer<'de>,
            {
                <$wording as Wording<$kind>>::read(from).map_err(|error| {
                    let field = concat!($path, stringify!($field));
                    Error::custom(format_args!("{field}: {error}"))
                })
            }

            pub(in crate::config) fn serialize<S>(value: &$kind, to: S) -> Result<S::Ok, S::Error>
            where
                S: Serializer,
            {
                <$wording as Wording<$kind>>::write(value, to)
            }
        }
    )*};
}

fields! {
    "";
    max_size: usize, Plain;
    min_idle: usize, Plain;
    strategy: Strategy, Plain;
    fairness: Fairness, Plain;
    acquire_timeout: Duration, Span;
    create_timeout: Duration, Span;
    validate_timeout: Duration, Span;
    recycle_timeout: Duration, Span;
    destroy_timeout: Duration, Span;
    idle_timeout: Option<Duration>, OrNever;
    max_lifetime: Option<Duration>, OrNever;
    lifetime_jitter: f64, Plain;
    max_uses: Option<u64>, OrNever;
    validate_after: Option<Duration>, OrNever;
    keepalive_every: Option<Duration>, OrNever;
    leak_after: Option<Duration>, OrNever;
    max_waiting: Option<usize>, OrNever;
    shed_after: Option<Duration>, OrNever;
    max_concurrent_creates: usize, Plain;
    fail_fast: bool, Plain;
    warm_on_register: bool, Plain;
    warm_concurrency: usize, Plain;
    maintenance_every: Duration, Span;
}

fields! {
    "create_backoff.";
    first: Duration, Span;
    max: Duration, Span;
}
