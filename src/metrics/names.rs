//! What the figures are called: OpenTelemetry's names for connection pools (semantic conventions
//! 1.44, "Database client metrics"), and our own for the rest.

use metrics::Unit;

/// The label that every figure has: the resource's key.
pub(super) const POOL: &str = "db.client.connection.pool.name";
/// Whether an instance is idle or used.
pub(super) const STATE: &str = "db.client.connection.state";
/// How an acquire ended.
pub(super) const OUTCOME: &str = "outcome";
/// Why an instance was cleaned up.
pub(super) const REASON: &str = "reason";

/// How an acquire can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Ok,
    Timeout,
    Cancelled,
    Refused,
    Error,
}

impl Ending {
    pub(super) const ALL: [Self; 5] = [
        Self::Ok,
        Self::Timeout,
        Self::Cancelled,
        Self::Refused,
        Self::Error,
    ];

    /// The value of the label [`OUTCOME`].
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Error => "error",
        }
    }
}

pub(super) const COUNT: &str = "db.client.connection.count";
pub(super) const MAX: &str = "db.client.connection.max";
pub(super) const IDLE_MAX: &str = "db.client.connection.idle.max";
pub(super) const IDLE_MIN: &str = "db.client.connection.idle.min";
pub(super) const PENDING: &str = "db.client.connection.pending_requests";
pub(super) const CREATING: &str = "nebula.resource.creating";
pub(super) const BREAKER: &str = "nebula.resource.breaker_state";
pub(super) const OLDEST_WAITER: &str = "nebula.resource.oldest_waiter_age";

pub(super) const TIMEOUTS: &str = "db.client.connection.timeouts";
pub(super) const ACQUIRES: &str = "nebula.resource.acquires";
pub(super) const CREATE_FAILURES: &str = "nebula.resource.create_failures";
pub(super) const CLEANUPS: &str = "nebula.resource.cleanups";

pub(super) const CREATE_TIME: &str = "db.client.connection.create_time";
pub(super) const WAIT_TIME: &str = "db.client.connection.wait_time";
pub(super) const USE_TIME: &str = "db.client.connection.use_time";

/// Each with what it says.
pub(super) const GAUGES: [(&str, Unit, &str); 8] = [
    (COUNT, Unit::Count, "Instances, by state"),
    (MAX, Unit::Count, "The most instances there may be"),
    (IDLE_MAX, Unit::Count, "The most instances that may be idle"),
    (
        IDLE_MIN,
        Unit::Count,
        "How many idle instances are kept ready",
    ),
    (PENDING, Unit::Count, "Callers who wait for an instance"),
    (CREATING, Unit::Count, "Instances being made"),
    (
        BREAKER,
        Unit::Count,
        "The circuit breaker: 0 closed, 1 half-open, 2 open",
    ),
    (
        OLDEST_WAITER,
        Unit::Seconds,
        "How long the first in line has waited",
    ),
];

/// Each with what it says.
pub(super) const COUNTERS: [(&str, Unit, &str); 4] = [
    (TIMEOUTS, Unit::Count, "Callers who waited in vain"),
    (ACQUIRES, Unit::Count, "Acquires, by how they ended"),
    (
        CREATE_FAILURES,
        Unit::Count,
        "Instances that could not be made",
    ),
    (CLEANUPS, Unit::Count, "Instances cleaned up, by reason"),
];

/// Each with what it says.
pub(super) const HISTOGRAMS: [(&str, Unit, &str); 3] = [
    (
        CREATE_TIME,
        Unit::Seconds,
        "How long it took to make an instance",
    ),
    (
        WAIT_TIME,
        Unit::Seconds,
        "How long callers waited for an instance",
    ),
    (USE_TIME, Unit::Seconds, "How long callers had an instance"),
];
