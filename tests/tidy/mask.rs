//! Tells code from what only looks like it: comments and literals, blanked out in place.
//!
//! Knows enough of Rust's lexical grammar for sources that compile, and nothing of its syntax.

/// `text` with every comment and every string or character literal turned into spaces; lines and
/// columns stay where they were.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let hidden = hidden_length(rest);
        if hidden == 0 {
            masked.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            blank(&rest[..hidden], &mut masked);
            rest = &rest[hidden..];
        }
    }
    masked
}

/// Appends as many spaces as `hidden` has bytes, and its line breaks.
pub(crate) fn blank(hidden: &str, into: &mut String) {
    into.extend(hidden.bytes().map(|byte| match byte {
        b'\n' => '\n',
        _ => ' ',
    }));
}

/// The length of the comment or literal that `rest` begins with; zero where it begins with code.
fn hidden_length(rest: &str) -> usize {
    let length = match rest.as_bytes() {
        [b'/', b'/', ..] => rest.find('\n'),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => string(rest),
        [b'r', b'"' | b'#', ..] => return raw_string(rest),
        [b'\'', ..] => return character(rest),
        _ => return 0,
    };
    length.unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let found = at + rest[at..].find(['/', '*'])?;
        at = found + 2;
        match rest.get(found..at) {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => at = found + 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn string(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Zero for a raw identifier.
fn raw_string(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let body = 1 + hashes + 1;
    if rest.as_bytes().get(body - 1) != Some(&b'"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    rest[body..]
        .find(&end)
        .map_or(rest.len(), |found| body + found + end.len())
}

/// Zero for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest[1..].chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some(escaped)) => {
            let body = 2 + escaped.len_utf8();
            rest[body..].find('\'').map_or(0, |end| body + end + 1)
        }
        (Some(single), Some('\'')) => 2 + single.len_utf8(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn comments_and_literals_vanish() {
        for hidden in [
            "// unsafe",
            "/* unsafe /* unsafe */ unsafe */",
            "\"unsafe \\\" unsafe\"",
            "r\"unsafe\\\"",
            "r#\"unsafe\"unsafe\"#",
            "'u'",
            "'\\''",
            "'\\u{75}'",
            "'ü'",
        ] {
            let masked = mask(&format!("one {hidden}\ntwo"));
            let blank = " ".repeat(hidden.len());
            assert_eq!(masked, format!("one {blank}\ntwo"), "{hidden}");
        }
    }

    #[test]
    fn code_stays() {
        for code in ["a / b * c", "&'a str, 'b", "r#type", "b'", "x.r", "<'_>"] {
            assert_eq!(mask(code), code);
        }
    }
}
