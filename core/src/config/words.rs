//! How durations and "never" are read and written.
//!
//! Decides the words; knows nothing of which field they belong to.

use std::fmt;
use std::marker::PhantomData;
use std::num::ParseIntError;
use std::time::Duration;

use serde::de::{DeserializeOwned, Deserializer, Error, Expected, Unexpected, Visitor};
use serde::{Serialize, Serializer};

/// One way to read and write values of type `T`.
pub(super) trait Wording<T> {
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<T, D::Error>;
    fn write<S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error>;
}

/// As the type itself has it.
pub(super) struct Plain;

impl<T: Serialize + DeserializeOwned> Wording<T> for Plain {
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::deserialize(from)
    }

    fn write<S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }
}

/// A duration as text with a unit: `"30s"`.
pub(super) struct Span;

impl Wording<Duration> for Span {
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        from.deserialize_str(SpanVisitor)
    }

    fn write<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*value))
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Duration::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        Duration::from_text(text).map_err(|why| not(text, &self, &why))
    }
}

/// A value, or `"never"`, because TOML has no null.
pub(super) struct OrNever;

impl<T: Offable> Wording<Option<T>> for OrNever {
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_any(OrNeverVisitor(PhantomData))
    }

    fn write<S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.write(to),
            None => to.serialize_str("never"),
        }
    }
}

/// What can be switched off with `"never"`.
pub(super) trait Offable: Sized {
    const EXPECTED: &'static str;
    fn from_text(text: &str) -> Result<Self, String>;
    /// `None` where a bare number has no meaning.
    fn from_number(number: u64) -> Option<Self>;
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

impl Offable for Duration {
    const EXPECTED: &'static str = "a duration with its unit, such as \"30s\" or \"10 min\"";

    fn from_text(text: &str) -> Result<Self, String> {
        parse_duration(text)
    }

    fn from_number(_: u64) -> Option<Self> {
        None
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Span::write(self, to)
    }
}

macro_rules! offable_number {
    ($number:ty) => {
        impl Offable for $number {
            const EXPECTED: &'static str = "a whole number";

            // Sources that know only text (environment variables, query strings) have no other way.
            fn from_text(text: &str) -> Result<Self, String> {
                text.parse()
                    .map_err(|error: ParseIntError| error.to_string())
            }

            fn from_number(number: u64) -> Option<Self> {
                number.try_into().ok()
            }

            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }
        }
    };
}

offable_number!(u64);
offable_number!(usize);

struct OrNeverVisitor<T>(PhantomData<T>);

impl<'de, T: Offable> Visitor<'de> for OrNeverVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"never\" or {}", T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        match text {
            "never" | "none" => Ok(None),
            _ => match T::from_text(text) {
                Ok(value) => Ok(Some(value)),
                Err(why) => Err(not(text, &self, &why)),
            },
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<T>, E> {
        match T::from_number(number) {
            Some(value) => Ok(Some(value)),
            None => Err(E::invalid_type(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<T>, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_any(self)
    }
}

/// serde's own `invalid_value` has no place for the reason.
fn not<E: Error>(text: &str, expected: &dyn Expected, why: &str) -> E {
    E::custom(format_args!("{text:?} is not {expected} ({why})"))
}

/// The duration that `text` names, or what is wrong with it.
///
/// The pieces are added up beforehand, because up to 2.4.0 `humantime::parse_duration` panics
/// where they come to more than a `Duration` holds (`18446744073709551615s 1000ms`). It does not
/// on one piece alone.
fn parse_duration(text: &str) -> Result<Duration, String> {
    if !pieces_fit(text) {
        return Err("longer than half a million million years".to_owned());
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// Whether the "number unit" pieces of `text` that can be read fit into a `Duration` together.
fn pieces_fit(text: &str) -> bool {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(end_of_piece(rest));
        let span = humantime::parse_duration(piece).unwrap_or_default();
        match sum.checked_add(span) {
            Some(more) => sum = more,
            None => return false,
        }
        rest = tail;
    }
    true
}

/// Where the first piece ends: at the first digit after a unit.
fn end_of_piece(text: &str) -> usize {
    let mut unit_seen = false;
    text.find(|c: char| {
        unit_seen |= c.is_alphabetic();
        unit_seen && c.is_ascii_digit()
    })
    .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_add_up() {
        for (text, millis) in [
            ("30s", 30_000),
            ("10 min", 600_000),
            ("1h 30m", 5_400_000),
            ("1m1s1ms", 61_001),
            (" 1.5 s ", 1_500),
            ("1s 1000ms", 2_000),
            ("0s", 0),
            ("0", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_a_reason() {
        let texts = "|  |5|-5s|s|5 apples|1s 2|1e3s|1.s|∞|NaN|5s5|5s 0|1µ|0.5ns|１s";
        for text in texts.split('|') {
            let refusal = parse_duration(text).expect_err(text);
            assert!(!refusal.is_empty(), "{text}");
        }
    }

    #[test]
    fn sums_beyond_what_a_duration_holds_are_refused() {
        // The first one makes humantime 2.4.0 panic.
        for text in [
            "18446744073709551615s 1000ms",
            "18446744073709551615s 1s",
            "999999999999y",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        let longest = "18446744073709551615s 999999999ns";
        assert_eq!(parse_duration(longest), Ok(Duration::MAX));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", near in "[0-9hmsnyµ. -]{0,48}") {
            let _ = parse_duration(&text);
            let _ = parse_duration(&near);
        }

        #[test]
        fn every_duration_survives_being_written(secs: u64, nanos in 0..1_000_000_000_u32) {
            let span = Duration::new(secs, nanos);
            let text = humantime::format_duration(span).to_string();
            prop_assert_eq!(parse_duration(&text), Ok(span));
        }
    }
}
