//! What a well-meant configuration looks like, and that it survives being written.

use std::time::Duration;

use proptest::prelude::*;
// Under another name, for ours has the same.
use proptest::strategy::Strategy as Values;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, MapDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::{Backoff, Fairness, MAX_CEILING, PoolConfig, Strategy, default_ceiling};

#[test]
fn the_defaults_are_what_is_documented_and_valid() {
    let config = PoolConfig::default();
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(
        config.validate_with_ceiling(default_ceiling(config.max_size)),
        Ok(())
    );
    let expected = r#"max_size = 10
min_idle = 0
strategy = "affine"
fairness = "bounded"
acquire_timeout = "30s"
create_timeout = "10s"
validate_timeout = "1s"
recycle_timeout = "5s"
destroy_timeout = "5s"
idle_timeout = "10m"
max_lifetime = "30m"
lifetime_jitter = 0.025
max_uses = "never"
validate_after = "500ms"
keepalive_every = "never"
leak_after = "never"
max_waiting = "never"
shed_after = "never"
max_concurrent_creates = 4
fail_fast = false
warm_on_register = false
warm_concurrency = 2
maintenance_every = "30s"

[create_backoff]
first = "100ms"
max = "10s"
"#;
    assert_eq!(toml::to_string(&config).unwrap(), expected);
}

#[test]
fn every_choice_is_read_by_its_lower_case_name() {
    for (name, strategy) in [
        ("fifo", Strategy::Fifo),
        ("lifo", Strategy::Lifo),
        ("lru", Strategy::Lru),
        ("affine", Strategy::Affine),
    ] {
        let config: PoolConfig = toml::from_str(&format!("strategy = '{name}'")).unwrap();
        assert_eq!(config.strategy, strategy);
    }
    for (name, fairness) in [("bounded", Fairness::Bounded), ("strict", Fairness::Strict)] {
        let config: PoolConfig = toml::from_str(&format!("fairness = '{name}'")).unwrap();
        assert_eq!(config.fairness, fairness);
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Buffered {
    It(PoolConfig),
}

#[test]
fn never_has_three_spellings() {
    let off = |config: &PoolConfig| {
        let durations = [
            config.idle_timeout,
            config.max_lifetime,
            config.validate_after,
            config.keepalive_every,
            config.leak_after,
            config.shed_after,
        ];
        let numbers = config.max_uses.is_none() && config.max_waiting.is_none();
        numbers && durations == [None; 6]
    };
    let document = |word: &str| {
        format!(
            r#"{{"idle_timeout": {word}, "max_lifetime": {word}, "validate_after": {word},
            "keepalive_every": {word}, "leak_after": {word}, "max_uses": {word},
            "max_waiting": {word}, "shed_after": {word}}}"#
        )
    };
    for word in ["null", "\"never\"", "\"none\""] {
        let config: PoolConfig = serde_json::from_str(&document(word)).unwrap();
        assert!(off(&config), "{word}: {config:?}");
        // Through serde's buffer, which offers values in its own way.
        let Buffered::It(config) = serde_json::from_str(&document(word)).unwrap();
        assert!(off(&config), "{word}, buffered: {config:?}");
    }
}

#[test]
fn a_number_as_text_is_taken_where_never_is_text_too() {
    let config: PoolConfig = serde_json::from_str(r#"{"max_uses": "7"}"#).unwrap();
    assert_eq!(config.max_uses, Some(7));
}

#[test]
fn a_missing_field_takes_its_default() {
    let full = serde_json::to_value(PoolConfig::default()).unwrap();
    for name in full.as_object().unwrap().keys() {
        let mut partial = full.clone();
        partial.as_object_mut().unwrap().remove(name);
        let config: PoolConfig = serde_json::from_value(partial).unwrap();
        assert_eq!(config, PoolConfig::default(), "without {name}");
    }
    let config: PoolConfig = toml::from_str("").unwrap();
    assert_eq!(config, PoolConfig::default());
}

#[test]
fn limits_are_inclusive_and_tests_may_run_on_nanoseconds() {
    let tiny = Duration::from_nanos(1);
    let day = Duration::from_secs(24 * 3600);
    let year = 365 * day;
    let hour = Duration::from_secs(3600);
    let often = Duration::from_millis(10);
    for (timeout, age, pause, every) in [(tiny, tiny, tiny, often), (day, year, hour, hour)] {
        let config = PoolConfig {
            acquire_timeout: timeout,
            create_timeout: timeout,
            validate_timeout: timeout,
            recycle_timeout: timeout,
            destroy_timeout: timeout,
            idle_timeout: Some(age),
            max_lifetime: Some(age),
            validate_after: Some(age),
            keepalive_every: Some(age),
            leak_after: Some(age),
            shed_after: Some(timeout),
            max_waiting: Some(MAX_CEILING),
            lifetime_jitter: 0.5,
            max_uses: Some(1),
            max_size: MAX_CEILING,
            min_idle: MAX_CEILING,
            max_concurrent_creates: MAX_CEILING,
            warm_concurrency: MAX_CEILING,
            maintenance_every: every,
            create_backoff: Backoff {
                first: pause,
                max: pause,
            },
            ..PoolConfig::default()
        };
        assert_eq!(config.validate(), Ok(()));
    }
}

#[test]
fn the_default_ceiling_has_room_for_every_valid_size() {
    for max_size in [
        1,
        7,
        8,
        9,
        1000,
        MAX_CEILING / 4,
        MAX_CEILING / 4 + 1,
        MAX_CEILING,
    ] {
        let config = PoolConfig {
            max_size,
            ..PoolConfig::default()
        };
        let ceiling = default_ceiling(max_size);
        assert_eq!(
            config.validate_with_ceiling(ceiling),
            Ok(()),
            "{max_size} of {ceiling}"
        );
    }
    assert_eq!(default_ceiling(0), 32);
}

fn timeout() -> impl Values<Value = Duration> {
    (1..=86_400_000_000_000_u64).prop_map(Duration::from_nanos)
}

fn age() -> impl Values<Value = Option<Duration>> {
    let year = 365 * 86_400_000_000_000_u64;
    prop::option::of((1..=year).prop_map(Duration::from_nanos))
}

prop_compose! {
    fn sizes_and_times()(
        max_size in 1..=MAX_CEILING,
        strategy in prop::sample::select(
            &[Strategy::Fifo, Strategy::Lifo, Strategy::Lru, Strategy::Affine][..]
        ),
        fairness in prop::sample::select(&[Fairness::Bounded, Fairness::Strict][..]),
        [acquire_timeout, create_timeout, validate_timeout, recycle_timeout, destroy_timeout]
            in prop::array::uniform5(timeout()),
        [idle_timeout, max_lifetime, validate_after, keepalive_every, leak_after]
            in prop::array::uniform5(age()),
    )(
        min_idle in 0..=max_size,
        max_size in Just(max_size), strategy in Just(strategy), fairness in Just(fairness),
        acquire_timeout in Just(acquire_timeout), create_timeout in Just(create_timeout),
        validate_timeout in Just(validate_timeout), recycle_timeout in Just(recycle_timeout),
        destroy_timeout in Just(destroy_timeout), idle_timeout in Just(idle_timeout),
        max_lifetime in Just(max_lifetime), validate_after in Just(validate_after),
        keepalive_every in Just(keepalive_every), leak_after in Just(leak_after),
    ) -> PoolConfig {
        PoolConfig {
            max_size, min_idle, strategy, fairness, acquire_timeout, create_timeout,
            validate_timeout, recycle_timeout, destroy_timeout, idle_timeout, max_lifetime,
            validate_after, keepalive_every, leak_after, ..PoolConfig::default()
        }
    }
}

prop_compose! {
    fn valid_config()(
        base in sizes_and_times(),
        lifetime_jitter in 0.0..=0.5_f64,
        max_uses in prop::option::of(1..=i64::MAX.unsigned_abs()),
        max_waiting in prop::option::of(1..=MAX_CEILING),
        shed_after in prop::option::of((1..=86_400_000_000_000_u64).prop_map(Duration::from_nanos)),
        max_concurrent_creates in 1..=MAX_CEILING,
        warm_concurrency in 1..=MAX_CEILING,
        [fail_fast, warm_on_register] in prop::array::uniform2(any::<bool>()),
        (first, more) in (1..=1_800_000_000_000_u64, 0..=1_800_000_000_000_u64),
        maintenance_every in (10_000_000..=3_600_000_000_000_u64).prop_map(Duration::from_nanos),
    ) -> PoolConfig {
        let create_backoff = Backoff {
            first: Duration::from_nanos(first),
            max: Duration::from_nanos(first + more),
        };
        PoolConfig {
            lifetime_jitter, max_uses, max_waiting, shed_after, max_concurrent_creates,
            warm_concurrency, fail_fast, warm_on_register, create_backoff, maintenance_every, ..base
        }
    }
}

proptest! {
    #[test]
    fn every_valid_config_survives_toml_and_json(config in valid_config()) {
        prop_assert_eq!(config.validate(), Ok(()));
        let text = toml::to_string(&config).unwrap();
        prop_assert_eq!(&toml::from_str::<PoolConfig>(&text).unwrap(), &config);
        let text = serde_json::to_string(&config).unwrap();
        let mut read: PoolConfig = serde_json::from_str(&text).unwrap();
        // serde_json may lose the last bit of a number without its feature `float_roundtrip`.
        prop_assert!((read.lifetime_jitter - config.lifetime_jitter).abs() < 1e-15);
        read.lifetime_jitter = config.lifetime_jitter;
        prop_assert_eq!(&read, &config);
    }
}

/// As formats that tell "nothing" from "something" have it (RON, and what serde buffers of them).
struct Optional(Option<u64>);

impl<'de> Deserializer<'de> for Optional {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Some(number) => visitor.visit_some(number.into_deserializer()),
            None => visitor.visit_none(),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, ValueError> for Optional {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[test]
fn what_can_be_switched_off_is_read_from_formats_that_have_options() {
    let read = |value| {
        let fields = std::iter::once(("max_uses", Optional(value)));
        PoolConfig::deserialize(MapDeserializer::new(fields)).map(|config| config.max_uses)
    };
    assert_eq!(read(None), Ok(None));
    assert_eq!(read(Some(7)), Ok(Some(7)));
}

#[test]
fn what_is_refused_is_told_what_was_expected() {
    let refusal = |text| toml::from_str::<PoolConfig>(text).unwrap_err().to_string();
    let span = "a duration with its unit, such as \"30s\"";
    let told = refusal("acquire_timeout = 5");
    assert!(told.contains(&format!("expected {span}")), "{told}");
    let told = refusal("max_uses = true");
    assert!(
        told.contains("expected \"never\" or a whole number"),
        "{told}"
    );
    let told = refusal("idle_timeout = 5");
    assert!(
        told.contains(&format!("expected \"never\" or {span}")),
        "{told}"
    );
}

#[test]
fn the_largest_numbers_are_valid() {
    let config = PoolConfig {
        max_uses: Some(i64::MAX.unsigned_abs()),
        ..PoolConfig::default()
    };
    assert_eq!(config.validate(), Ok(()));
    let wanted = [1, 8, 10, MAX_CEILING / 4, MAX_CEILING].map(default_ceiling);
    assert_eq!(wanted, [32, 32, 40, MAX_CEILING, MAX_CEILING]);
}
