//! Where a call stands in a distributed trace, in W3C's headers `traceparent` and `tracestate`.
//!
//! Decides what is a valid header and what becomes of an invalid one, by W3C's Trace Context. Knows
//! nothing of spans, sampling, or how headers travel.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most entries in a `tracestate`.
const MOST_ENTRIES: usize = 32;

/// The longest `tracestate` that is passed on; everybody must pass on 512.
const LONGEST_STATE: usize = 8192;

/// A caller's place in a distributed trace.
///
/// Parsed from a `traceparent` header, and shown as one.
///
/// # Examples
///
/// ```
/// use nebula_resource::context::TraceContext;
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceContext = header.parse()?;
/// assert!(trace.is_sampled());
/// assert_eq!(trace.span_id(), 0x00f0_67aa_0ba9_02b7);
/// assert_eq!(trace.to_string(), header);
///
/// let mine = trace.with_span_id(0xb7ad_6b71_6920_3331).unwrap();
/// assert_eq!(mine.trace_id(), trace.trace_id());
/// # Ok::<(), nebula_resource::context::TraceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<Arc<str>>,
}

/// What is wrong with a trace header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// It does not have the form of a `traceparent`.
    #[error("traceparent must be version-trace-span-flags in lower case hexadecimal digits")]
    Malformed,
    /// The trace's or the span's number is zero, which stands for none.
    #[error("traceparent must name a trace and a span, got zero")]
    Zero,
    /// The version is `ff`, which there will never be.
    #[error("traceparent must not be of version ff")]
    Version,
    /// A `tracestate` is not a list of at most 32 different `key=value`.
    #[error("tracestate must be a list of at most {MOST_ENTRIES} different key=value")]
    State,
}

impl TraceContext {
    /// The place of span `span_id` in trace `trace_id`; neither may be zero. It is sampled.
    pub const fn new(trace_id: u128, span_id: u64) -> Option<Self> {
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id,
            flags: SAMPLED,
            state: None,
        })
    }

    /// The trace, the same for all its spans.
    pub const fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span on whose behalf the call is made.
    pub const fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the trace is being recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What vendors add: the `tracestate` header.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The same trace, as another span sees it. Zero is no span.
    #[must_use]
    pub fn with_span_id(&self, span_id: u64) -> Option<Self> {
        (span_id != 0).then(|| Self {
            span_id,
            ..self.clone()
        })
    }

    /// The same place, with a `tracestate` header; an empty one is none.
    ///
    /// # Errors
    ///
    /// [`TraceError::State`] if it is not a list of at most 32 different `key=value`, or longer than
    /// 8 KiB. W3C wants the trace to go on without it then.
    pub fn with_state(mut self, state: &str) -> Result<Self, TraceError> {
        let entries = || state.split(',').map(trim).filter(|entry| !entry.is_empty());
        let keys: Option<Vec<_>> = entries().map(key_of).collect();
        let mut keys = keys.ok_or(TraceError::State)?;
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != count || count > MOST_ENTRIES || state.len() > LONGEST_STATE {
            return Err(TraceError::State);
        }
        let entries: Vec<_> = entries().collect();
        self.state = (count > 0).then(|| entries.join(",").into());
        Ok(self)
    }
}

const SAMPLED: u8 = 0x01;

/// Beside `SAMPLED`: the trace's number is random. No other flag has a meaning in version 00, which
/// is what we write.
const RANDOM: u8 = 0x02;

/// Reads a `traceparent` header, without its `tracestate`.
impl FromStr for TraceContext {
    type Err = TraceError;

    fn from_str(header: &str) -> Result<Self, TraceError> {
        let mut fields = header.trim_matches([' ', '\t']).splitn(5, '-');
        let version = hex(fields.next(), 2)?;
        let trace_id = hex(fields.next(), 32)?;
        let span_id = hex(fields.next(), 16)?;
        let flags = hex(fields.next(), 2)?;
        if version == 0xff {
            return Err(TraceError::Version);
        }
        // What a later version appends is not ours to read.
        if version == 0 && fields.next().is_some() {
            return Err(TraceError::Malformed);
        }
        // Exact: their numbers of digits bound them.
        let (span_id, flags) = (span_id as u64, flags as u8 & (SAMPLED | RANDOM));
        let context = Self::new(trace_id, span_id).ok_or(TraceError::Zero)?;
        Ok(Self { flags, ..context })
    }
}

/// The `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
            ..
        } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }
}

/// The number that is written in exactly so many lower case hexadecimal digits.
fn hex(field: Option<&str>, digits: usize) -> Result<u128, TraceError> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let field = field.filter(|text| text.len() == digits && text.bytes().all(is_digit));
    let number = field.and_then(|text| u128::from_str_radix(text, 16).ok());
    number.ok_or(TraceError::Malformed)
}

/// The key of a valid entry: `vendor` or `tenant@vendor`.
fn key_of(entry: &str) -> Option<&str> {
    let (key, value) = entry.split_once('=')?;
    let of_value = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    let is_value = (1..=256).contains(&value.len()) && value.bytes().all(of_value);
    let is_key = match key.split_once('@') {
        None => is_name(key, 256, false),
        Some((tenant, vendor)) => is_name(tenant, 241, true) && is_name(vendor, 14, false),
    };
    (is_key && is_value).then_some(key)
}

fn is_name(name: &str, longest: usize, digit_first: bool) -> bool {
    let of_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
    let may_begin = |byte: u8| byte.is_ascii_lowercase() || (digit_first && byte.is_ascii_digit());
    name.len() <= longest && name.bytes().all(of_name) && name.bytes().next().is_some_and(may_begin)
}

/// Without what headers allow around a list's entries.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(header: &str) -> Result<TraceContext, TraceError> {
        header.parse()
    }

    #[test]
    fn what_is_valid_is_read() {
        let valid = [
            (format!("00-{TRACE}-{SPAN}-01"), "01"),
            (format!("00-{TRACE}-{SPAN}-00"), "00"),
            (format!(" \t00-{TRACE}-{SPAN}-03 "), "03"),
            // Unknown flags are not passed on; a later version may say more than we know.
            (format!("00-{TRACE}-{SPAN}-ff"), "03"),
            (format!("cc-{TRACE}-{SPAN}-01"), "01"),
            (format!("cc-{TRACE}-{SPAN}-01-what-comes"), "01"),
        ];
        for (header, flags) in valid {
            let written = read(&header).unwrap().to_string();
            assert_eq!(written, format!("00-{TRACE}-{SPAN}-{flags}"), "{header}");
        }
    }

    #[test]
    fn what_is_invalid_is_refused() {
        let malformed = [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("cc-{TRACE}-{SPAN}-01more"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{SPAN}0-01"),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-{SPAN}-0\u{660}"),
        ];
        for header in malformed {
            assert_eq!(read(&header), Err(TraceError::Malformed), "{header}");
        }
        let zero = [
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
        ];
        for header in zero {
            assert_eq!(read(&header), Err(TraceError::Zero), "{header}");
        }
        let version = read(&format!("ff-{TRACE}-{SPAN}-01"));
        assert_eq!(version, Err(TraceError::Version));
    }

    #[test]
    fn a_state_is_passed_on_or_refused_as_a_whole() {
        let trace = TraceContext::new(1, 2).unwrap();
        let state = |text: &str| {
            let trace = trace.clone().with_state(text)?;
            Ok(trace.state().map(str::to_owned))
        };
        let passed_on = |text: &str| Ok(Some(text.to_owned()));
        let most: Vec<_> = (0..32).map(|i| format!("k{i}=v")).collect();
        let too_many = format!("{},one=more", most.join(","));
        assert_eq!(state("rojo=1,congo=t61rc"), passed_on("rojo=1,congo=t61rc"));
        assert_eq!(state(" rojo=1 ,\t,congo=2"), passed_on("rojo=1,congo=2"));
        assert_eq!(state("7t@nr=0-1/2_*"), passed_on("7t@nr=0-1/2_*"));
        assert_eq!(state(&most.join(",")), passed_on(&most.join(",")));
        assert_eq!(state(" , "), Ok(None));
        let long = format!("k={}", "v".repeat(257));
        let refused = [
            "k", "=v", "k=", "k=a=b", "K=v", "7k=v", "k@7=v", "@k=v", "k@=v", "a@b@c=v", "k=é",
            "k=\u{7f}", "a=1,a=2", &too_many, &long,
        ];
        for text in refused {
            assert_eq!(state(text), Err(TraceError::State), "{text}");
        }
    }
}
