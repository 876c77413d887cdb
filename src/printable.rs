//! Which names can be told from each other by looking at them.
//!
//! Decides that for keys and for what scopes are made of; knows nothing of either.

/// Whether every character shows, and shows itself. The standard library knows which do, and tells
/// it by what it escapes; backslashes and quotes it escapes for other reasons.
pub(crate) fn is_printable(name: &str) -> bool {
    let plain = name.replace(['\\', '"', '\''], "");
    plain.escape_debug().eq(plain.chars())
}
