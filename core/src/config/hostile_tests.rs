//! Fault 23: hostile configuration. Every field zero, huge, negative, NaN, of the wrong type,
//! missing, unknown; through code, TOML and JSON. Each is refused by a typed error that names
//! the field.

use super::*;

type Change = fn(&mut PoolConfig);

const HUGE: Duration = Duration::MAX;
const ZERO: Duration = Duration::ZERO;
const OVER_HOUR: Duration = Duration::new(3_600, 1);
const OVER_DAY: Duration = Duration::new(86_400, 1);
const OVER_YEAR: Duration = Duration::new(365 * 86_400, 1);

/// What code can put into each field and no pool may accept.
const IN_CODE: &[(&str, Change)] = &[
    ("max_size", |c| c.max_size = 0),
    ("max_size", |c| c.max_size = MAX_CEILING + 1),
    ("max_size", |c| c.max_size = usize::MAX),
    ("max_size", |c| c.min_idle = 11),
    ("min_idle", |c| c.min_idle = usize::MAX),
    ("acquire_timeout", |c| c.acquire_timeout = ZERO),
    ("acquire_timeout", |c| c.acquire_timeout = HUGE),
    ("create_timeout", |c| c.create_timeout = ZERO),
    ("create_timeout", |c| c.create_timeout = OVER_DAY),
    ("validate_timeout", |c| c.validate_timeout = ZERO),
    ("validate_timeout", |c| c.validate_timeout = OVER_DAY),
    ("recycle_timeout", |c| c.recycle_timeout = ZERO),
    ("recycle_timeout", |c| c.recycle_timeout = OVER_DAY),
    ("destroy_timeout", |c| c.destroy_timeout = ZERO),
    ("destroy_timeout", |c| c.destroy_timeout = OVER_DAY),
    ("idle_timeout", |c| c.idle_timeout = Some(ZERO)),
    ("idle_timeout", |c| c.idle_timeout = Some(OVER_YEAR)),
    ("max_lifetime", |c| c.max_lifetime = Some(ZERO)),
    ("max_lifetime", |c| c.max_lifetime = Some(HUGE)),
    ("lifetime_jitter", |c| c.lifetime_jitter = f64::NAN),
    ("lifetime_jitter", |c| c.lifetime_jitter = f64::INFINITY),
    ("lifetime_jitter", |c| c.lifetime_jitter = f64::NEG_INFINITY),
    ("lifetime_jitter", |c| {
        c.lifetime_jitter = -f64::MIN_POSITIVE;
    }),
    ("lifetime_jitter", |c| {
        c.lifetime_jitter = 0.5 + f64::EPSILON;
    }),
    ("max_uses", |c| c.max_uses = Some(0)),
    ("max_uses", |c| c.max_uses = Some(u64::MAX)),
    ("validate_after", |c| c.validate_after = Some(OVER_YEAR)),
    ("keepalive_every", |c| c.keepalive_every = Some(ZERO)),
    ("keepalive_every", |c| c.keepalive_every = Some(OVER_YEAR)),
    ("leak_after", |c| c.leak_after = Some(ZERO)),
    ("leak_after", |c| c.leak_after = Some(OVER_YEAR)),
    ("max_waiting", |c| c.max_waiting = Some(0)),
    ("max_waiting", |c| c.max_waiting = Some(MAX_CEILING + 1)),
    ("shed_after", |c| c.shed_after = Some(ZERO)),
    ("shed_after", |c| c.shed_after = Some(OVER_DAY)),
    ("max_concurrent_creates", |c| c.max_concurrent_creates = 0),
    ("max_concurrent_creates", |c| {
        c.max_concurrent_creates = usize::MAX;
    }),
    ("create_backoff.first", |c| c.create_backoff.first = ZERO),
    ("create_backoff.first", |c| {
        c.create_backoff.first = OVER_HOUR;
    }),
    ("create_backoff.max", |c| c.create_backoff.max = ZERO),
    ("create_backoff.max", |c| c.create_backoff.max = OVER_HOUR),
    ("create_backoff.max", |c| {
        c.create_backoff.max = Duration::from_millis(99);
    }),
    ("warm_concurrency", |c| c.warm_concurrency = 0),
    ("warm_concurrency", |c| c.warm_concurrency = usize::MAX),
    ("maintenance_every", |c| c.maintenance_every = ZERO),
    ("maintenance_every", |c| {
        c.maintenance_every = Duration::from_millis(9);
    }),
    ("maintenance_every", |c| c.maintenance_every = OVER_HOUR),
];

/// What no size or number of uses may be read from, separated by bars; the same in TOML and JSON.
const NO_SIZE: &str = r#"-1 | 1.5 | 1e99 | true | [] | {} | [1] | "" | "ten" | "-1" | "NaN"
    | 18446744073709551615 | 99999999999999999999999999 | -9223372036854775808"#;
const NO_DURATION: &str = r#"0 | -1 | 30 | 1.5 | true | [] | {} | "" | "30" | "-5s" | "NaN"
    | "5 apples" | "1e9s" | "99999999999999999999s" | "18446744073709551615s"
    | "18446744073709551615s 1000ms" | "584542046090years" | 99999999999999999999"#;
const NO_SHARE: &str = r#"-1 | 0.51 | 1e99 | true | [] | {} | "" | "0.1" | "NaN""#;
const NO_CHOICE: &str = r#"0 | -1 | 1.5 | true | [] | {} | "" | "FIFO" | "x""#;
const NO_SWITCH: &str = r#"0 | 1 | -1 | 1.5 | [] | {} | "" | "true" | "yes""#;
const NO_BACKOFF: &str = r#"0 | -1 | 1.5 | true | "" | "1s" | "never""#;

/// Each field with what it may not be, and whether it can be off.
const IN_TEXT: &[(&str, &str, bool)] = &[
    ("max_size", NO_SIZE, false),
    ("min_idle", NO_SIZE, false),
    ("strategy", NO_CHOICE, false),
    ("fairness", NO_CHOICE, false),
    ("acquire_timeout", NO_DURATION, false),
    ("create_timeout", NO_DURATION, false),
    ("validate_timeout", NO_DURATION, false),
    ("recycle_timeout", NO_DURATION, false),
    ("destroy_timeout", NO_DURATION, false),
    ("idle_timeout", NO_DURATION, true),
    ("max_lifetime", NO_DURATION, true),
    ("lifetime_jitter", NO_SHARE, false),
    ("max_uses", NO_SIZE, true),
    ("validate_after", NO_DURATION, true),
    ("keepalive_every", NO_DURATION, true),
    ("leak_after", NO_DURATION, true),
    ("max_waiting", NO_SIZE, true),
    ("shed_after", NO_DURATION, true),
    ("max_concurrent_creates", NO_SIZE, false),
    ("fail_fast", NO_SWITCH, false),
    ("create_backoff", NO_BACKOFF, false),
    ("warm_on_register", NO_SWITCH, false),
    ("warm_concurrency", NO_SIZE, false),
    ("maintenance_every", NO_DURATION, false),
];

/// The ways to write `field = value`, and what reading and then validating says to it.
fn refusals(field: &str, value: &str) -> [(&'static str, Result<PoolConfig, String>); 2] {
    let accept = |config: PoolConfig| match config.validate() {
        Ok(()) => Ok(config),
        Err(error) => Err(error.to_string()),
    };
    // `message` leaves out the quoted line, in which every field would be named anyway.
    let toml = toml::from_str(&format!("{field} = {value}"))
        .map_err(|error: toml::de::Error| error.message().to_owned());
    let json = serde_json::from_str(&format!("{{\"{field}\": {value}}}"))
        .map_err(|error| error.to_string());
    [
        ("TOML", toml.and_then(accept)),
        ("JSON", json.and_then(accept)),
    ]
}

#[test]
fn fault_23_values_from_code_are_refused_by_name() {
    for (row, (field, change)) in IN_CODE.iter().enumerate() {
        let mut config = PoolConfig::default();
        change(&mut config);
        let error = config.validate().expect_err(&format!("row {row}: {field}"));
        assert_eq!(error.field, *field, "row {row}: {error}");
        assert!(
            !error.constraint.is_empty() && !error.actual.is_empty(),
            "{error}"
        );
    }
}

#[test]
fn fault_23_the_tables_forget_no_field() {
    let full = serde_json::to_value(PoolConfig::default()).unwrap();
    let in_text: Vec<_> = IN_TEXT.iter().map(|row| row.0).collect();
    for name in full.as_object().unwrap().keys() {
        assert!(in_text.contains(&name.as_str()), "{name} is not in IN_TEXT");
        let any_value_will_do =
            full[name].is_boolean() || ["strategy", "fairness"].contains(&&**name);
        let in_code = IN_CODE
            .iter()
            .any(|row| row.0.split('.').next() == Some(name));
        assert!(in_code || any_value_will_do, "{name} is not in IN_CODE");
    }
    assert_eq!(in_text.len(), full.as_object().unwrap().len());
}

#[test]
fn fault_23_values_from_files_are_refused_by_name() {
    for (field, values, _) in IN_TEXT {
        for value in values.split('|').map(str::trim) {
            for (format, outcome) in refusals(field, value) {
                let error = outcome.expect_err(&format!("{format}: {field} = {value}"));
                assert!(
                    error.contains(field),
                    "{format}: {field} = {value}: {error}"
                );
            }
        }
    }
}

#[test]
fn fault_23_zero_in_files_is_refused_or_means_something() {
    for (field, refused) in [
        ("max_size", true),
        ("min_idle", false),
        ("lifetime_jitter", false),
        ("max_uses", true),
        ("max_waiting", true),
        ("max_concurrent_creates", true),
        ("warm_concurrency", true),
    ] {
        for (format, outcome) in refusals(field, "0") {
            assert_eq!(outcome.is_err(), refused, "{format}: {field}");
        }
    }
    for (field, ..) in IN_TEXT.iter().filter(|row| row.1 == NO_DURATION) {
        for value in ["\"0s\"", "\"0\"", "\"0 min\""] {
            for (format, outcome) in refusals(field, value) {
                let accepted = *field == "validate_after";
                assert_eq!(outcome.is_ok(), accepted, "{format}: {field} = {value}");
            }
        }
    }
}

#[test]
fn fault_23_off_is_refused_where_nothing_can_be_off() {
    for (field, _, can_be_off) in IN_TEXT {
        for value in ["\"never\"", "\"none\"", "null"] {
            let [toml, json] = refusals(field, value);
            assert_eq!(json.1.is_ok(), *can_be_off, "{field} = {value}");
            if value != "null" {
                assert_eq!(toml.1.is_ok(), *can_be_off, "{field} = {value}");
            }
            if let Err(error) = json.1 {
                assert!(error.contains(field), "{field} = {value}: {error}");
            }
        }
    }
}

#[test]
fn fault_23_nan_and_infinity_in_toml_are_refused() {
    for value in ["nan", "-nan", "inf", "-inf"] {
        for (field, ..) in IN_TEXT {
            let [(_, toml), _] = refusals(field, value);
            let error = toml.expect_err(&format!("{field} = {value}"));
            assert!(error.contains(field), "{field} = {value}: {error}");
        }
    }
}

#[test]
fn fault_23_unknown_and_repeated_fields_are_refused_by_name() {
    for field in [
        "max_sise",
        "MAX_SIZE",
        "max-size",
        "",
        "ceiling",
        "create_backoff.first",
    ] {
        let document = format!("{{\"{field}\": 1}}");
        let error = serde_json::from_str::<PoolConfig>(&document).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("unknown field `{field}`")),
            "{error}"
        );
    }
    let error = toml::from_str::<PoolConfig>("create_backoff = { jitter = 1 }").unwrap_err();
    assert!(
        error
            .message()
            .contains("unknown field `jitter`, expected `first` or `max`"),
        "{error}"
    );
    let error = serde_json::from_str::<PoolConfig>(r#"{"max_size": 1, "max_size": 2}"#);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("duplicate field `max_size`")
    );
}

#[test]
fn fault_23_nested_fields_are_refused_by_name() {
    for (value, name) in [
        ("{\"first\": \"2h\"}", "create_backoff.first"),
        ("{\"first\": \"1 min\"}", "create_backoff.max"),
        ("{\"first\": \"soon\"}", "create_backoff.first: "),
        ("{\"max\": -1}", "create_backoff.max: "),
    ] {
        let document = format!("{{\"create_backoff\": {value}}}");
        let error = match serde_json::from_str::<PoolConfig>(&document) {
            Ok(config) => config.validate().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with(name), "{value}: {error}");
    }
}

#[test]
fn fault_23_a_ceiling_out_of_limits_is_refused_and_one_in_limits_binds() {
    let config = |max_size, min_idle| PoolConfig {
        max_size,
        min_idle,
        ..PoolConfig::default()
    };
    for (ceiling, max_size, min_idle, field) in [
        (0, 1, 0, "ceiling"),
        (MAX_CEILING + 1, 1, 0, "ceiling"),
        (usize::MAX, 1, 0, "ceiling"),
        (40, 41, 0, "max_size"),
        (40, usize::MAX, 0, "max_size"),
        (40, 0, 0, "max_size"),
        (40, 10, 41, "min_idle"),
        (40, 10, 11, "max_size"),
    ] {
        let error = config(max_size, min_idle)
            .validate_with_ceiling(ceiling)
            .unwrap_err();
        assert_eq!(
            error.field, field,
            "{max_size} {min_idle} of {ceiling}: {error}"
        );
    }
    assert_eq!(config(40, 40).validate_with_ceiling(40), Ok(()));
}
