//! What a caller lets travel along with a trace, in W3C's header `baggage`.
//!
//! Decides what is a valid header, by W3C's Baggage; knows nothing of what the entries mean.

use std::fmt;
use std::sync::Arc;

/// The most entries, and the most bytes, that everybody passes on.
const MOST_ENTRIES: usize = 64;
const LONGEST: usize = 8192;

/// Names and values that travel with a trace through all who take part in it.
///
/// Not for secrets: it goes to every server on the way. Clones share their entries.
///
/// # Examples
///
/// ```
/// use nebula_resource::context::Baggage;
///
/// let baggage = Baggage::parse("region=eu, user=J%C3%BCrgen;sampled")?;
/// assert_eq!(baggage.get("user"), Some("Jürgen"));
/// assert_eq!(baggage.to_string(), "region=eu,user=J%C3%BCrgen;sampled");
/// # Ok::<(), nebula_resource::context::BaggageError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<[Entry]>>);

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    name: Box<str>,
    value: Box<str>,
    /// As they came, without white space around them.
    properties: Vec<Box<str>>,
}

/// What is wrong with a `baggage` header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaggageError {
    /// It is not a list of `name=value;property`, or a value is not percent-encoded UTF-8.
    #[error("baggage must be a list of name=value;property, percent-encoded")]
    Malformed,
    /// It has too much in it.
    #[error("baggage must have at most {MOST_ENTRIES} entries and {LONGEST} bytes")]
    TooMuch,
}

impl Baggage {
    pub(super) const NONE: Self = Self(None);

    /// What a `baggage` header says. The last one of equal names counts.
    ///
    /// # Errors
    ///
    /// [`BaggageError`] if the header is malformed, or has more than 64 entries or 8 KiB.
    pub fn parse(header: &str) -> Result<Self, BaggageError> {
        if header.len() > LONGEST {
            return Err(BaggageError::TooMuch);
        }
        let mut entries: Vec<Entry> = Vec::new();
        for text in header.split(',').map(trim).filter(|text| !text.is_empty()) {
            let entry = Entry::parse(text).ok_or(BaggageError::Malformed)?;
            entries.retain(|known| known.name != entry.name);
            entries.push(entry);
        }
        if entries.len() > MOST_ENTRIES {
            return Err(BaggageError::TooMuch);
        }
        let is_any = !entries.is_empty();
        Ok(Self(is_any.then(|| entries.into())))
    }

    /// The value that travels under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|entry| entry.0 == name)
            .map(|entry| entry.1)
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.iter().flat_map(|entries| entries.iter());
        entries.map(|entry| (&*entry.name, &*entry.value))
    }

    /// Whether nothing travels.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let properties: Option<Vec<_>> = parts.map(property).collect();
        Some(Self {
            name: Some(trim(name)).filter(|name| is_token(name))?.into(),
            value: decoded(trim(value))?.into(),
            properties: properties?,
        })
    }
}

/// The `baggage` header.
impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, entry) in self.0.iter().flat_map(|entries| entries.iter()).enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", entry.name, Encoded(&entry.value))?;
            for property in &entry.properties {
                write!(f, ";{property}")?;
            }
        }
        Ok(())
    }
}

/// Names only: values are whatever somebody put in.
impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|entry| entry.0))
            .finish()
    }
}

fn property(text: &str) -> Option<Box<str>> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let is_valid = is_token(trim(name)) && decoded(trim(value)).is_some();
    is_valid.then(|| text.into())
}

fn is_token(text: &str) -> bool {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(of_token)
}

/// What may stand in a value as it is.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if !is_octet(first) {
            return None;
        }
        let byte = match (first, rest) {
            (b'%', &[high, low, ref after @ ..]) => {
                rest = after;
                digit(high)? * 16 + digit(low)?
            }
            (b'%', _) => return None,
            _ => first,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| digit.try_into().ok())
}

/// Percent-encoded where it must be.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if is_octet(byte) && byte != b'%' {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Without what headers allow around a list's entries.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header again, or nothing if it is refused.
    fn passed_on(header: &str) -> Option<String> {
        Baggage::parse(header)
            .ok()
            .map(|baggage| baggage.to_string())
    }

    #[test]
    fn what_is_valid_is_passed_on() {
        let same = [
            "a=1",
            "a=1,b=2",
            "a=1;p;q=2,b=",
            "a=x%20y",
            "a=100%25",
            "a=k=v",
        ];
        for header in same {
            assert_eq!(passed_on(header).as_deref(), Some(header));
        }
        let most: Vec<_> = (0..64).map(|i| format!("k{i}=v")).collect();
        assert_eq!(passed_on(&most.join(",")), Some(most.join(",")));
        assert_eq!(
            passed_on(" a = 1 ;\tp ,, b=2 ").as_deref(),
            Some("a=1;p,b=2")
        );
        assert_eq!(passed_on("a=1,b=2,a=3").as_deref(), Some("b=2,a=3"));
        assert_eq!(passed_on(" , ").as_deref(), Some(""));
    }

    #[test]
    fn what_is_invalid_is_refused() {
        let refused = [
            "a", "=1", "a b=1", "é=1", "a=x y", "a=\"1\"", "a=é", "a=%", "a=%4", "a=%zz", "a=%ff",
            "a=1;", "a=1;p q", "a=1\n",
        ];
        for header in refused {
            assert_eq!(
                Baggage::parse(header),
                Err(BaggageError::Malformed),
                "{header}"
            );
        }
        let many: Vec<_> = (0..65).map(|i| format!("k{i}=v")).collect();
        for header in [many.join(","), format!("a={}", "x".repeat(LONGEST))] {
            assert_eq!(Baggage::parse(&header), Err(BaggageError::TooMuch));
        }
    }
}
